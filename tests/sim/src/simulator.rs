//! Starts and stops a simulator: the sockets, the thread, its runtime.

use std::io;
use std::path::PathBuf;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::config::{MAX_MESSAGE, MIN_MESSAGE, SimConfig};
use crate::control::{self, ControlListener, Request};
use crate::cuse::{Channel, Node};
use crate::firmware::Firmware;
use crate::mei::Listener;
use crate::state_file::StateFileError;
use crate::world::World;

/// Most channel slots that can be configured.
const MAX_SLOTS: usize = 256;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A socket cannot be bound.
    #[error("cannot listen at {}: {source}; remove what is there or choose another path", path.display())]
    Bind {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A setting is out of its range.
    #[error("{name} is {value}; allowed is {min} to {max}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: usize,
        /// Least allowed value.
        min: usize,
        /// Greatest allowed value.
        max: usize,
    },
    /// The device node cannot be made.
    #[error(
        "cannot make the device node /dev/{name}: {source}; it needs root and the kernel module \"cuse\""
    )]
    Node {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The device's state cannot be taken over or kept.
    #[error(transparent)]
    State(#[from] StateFileError),
    /// The thread or its runtime cannot be made.
    #[error("cannot start the simulator's thread: {0}")]
    Thread(io::Error),
}

/// A running simulator. Dropping it stops it and removes its sockets.
#[derive(Debug)]
pub struct Simulator {
    socket: PathBuf,
    requests: mpsc::Sender<Request>,
    /// Dropped to stop the event loop.
    stop: Option<oneshot::Sender<()>>,
    /// Closed when the event loop has ended.
    finished: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts a simulator in its own thread. Its sockets listen when this returns.
    ///
    /// # Errors
    /// If a setting is out of its range, the state file is damaged, a socket cannot be bound, or the thread cannot be started.
    pub fn start(config: SimConfig) -> Result<Self, StartError> {
        check(&config)?;
        let bind_error = |path: &PathBuf| {
            let path = path.clone();
            move |source| StartError::Bind { path, source }
        };
        let socket = config.socket.clone();
        let listener = Listener::bind(&socket).map_err(bind_error(&socket))?;
        let control = match &config.control {
            Some(path) => Some(ControlListener::bind(path).map_err(bind_error(path))?),
            None => None,
        };
        let node = config.cuse.as_deref().map(make_node).transpose()?;
        let firmware = Firmware::load(config)?;
        let (requests, receiver) = mpsc::channel(control::QUEUE);
        let (stop, stopped) = oneshot::channel();
        let (finish, finished) = oneshot::channel();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let sender = requests.clone();
        let body = move || {
            let outcome =
                runtime.block_on(serve(firmware, (listener, node, control), (sender, receiver), stopped));
            if let Err(error) = outcome {
                eprintln!("amt-sim: stopped: {error}");
            }
            drop(finish);
        };
        let thread =
            std::thread::Builder::new().name("amt-sim".into()).spawn(body).map_err(StartError::Thread)?;
        Ok(Self { socket, requests, stop: Some(stop), finished, thread: Some(thread) })
    }

    /// Path of the virtual device.
    #[must_use]
    pub fn socket(&self) -> &std::path::Path {
        &self.socket
    }

    /// Does what a line on the control socket does: takes a step as JSON, returns the answer. Blocks until the event loop has
    /// answered, so not for asynchronous code.
    #[must_use]
    pub fn request(&self, step: Value) -> Value {
        let step = match serde_json::from_value(step) {
            Ok(step) => step,
            Err(error) => return control::refusal(&error.to_string()),
        };
        let (reply, answer) = oneshot::channel();
        // A failed send drops the request, and with it the way back.
        let sent = self.requests.blocking_send(Request { step, reply }).is_ok();
        let answer = sent.then(|| answer.blocking_recv().ok()).flatten();
        answer.unwrap_or_else(|| control::refusal("the simulator has stopped"))
    }

    /// Waits until the simulator has stopped, which a script's "quit" makes it do.
    pub async fn finished(&mut self) {
        // Nothing is ever sent: the channel closes.
        let _ = (&mut self.finished).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been printed there.
            let _ = thread.join();
        }
    }
}

fn check(config: &SimConfig) -> Result<(), StartError> {
    let ranges = [
        ("max-message", config.apf.max_message, MIN_MESSAGE, MAX_MESSAGE),
        ("slots", config.apf.slots, 1, MAX_SLOTS),
        ("max-frame", config.apf.max_frame, 1, MAX_MESSAGE),
    ];
    for (name, value, min, max) in ranges {
        if !(min..=max).contains(&value) {
            return Err(StartError::OutOfRange { name, value, min, max });
        }
    }
    Ok(())
}

fn make_node(name: &str) -> Result<Channel, StartError> {
    Channel::open(name).map_err(|source| StartError::Node { name: name.into(), source })
}

async fn serve(
    firmware: Firmware,
    (listener, node, control): (Listener, Option<Channel>, Option<ControlListener>),
    (sender, receiver): (mpsc::Sender<Request>, mpsc::Receiver<Request>),
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let devices = (listener.register()?, node.map(Node::new).transpose()?);
    let world = World::new(firmware, devices, receiver)?;
    let control = async {
        match control {
            Some(control) => control.serve(sender).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = world.run() => ended,
        outcome = control => outcome,
        _ = stopped => Ok(()),
    }
}
