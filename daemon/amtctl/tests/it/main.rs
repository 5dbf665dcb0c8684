//! The program over a daemon that answers by script: what is asked, what is shown, how it ends.

mod answers;
mod daemon;
mod jobs;
mod reach;
mod read;
mod run;
mod secrets;
mod wsman;
