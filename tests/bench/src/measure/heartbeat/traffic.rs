//! The others: clients that keep firmware busy while heartbeats are measured, in a thread of their own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use amtd_harness::wsman as soap;
use anyhow::Result;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::load::Client;
use crate::sizes::MEGABYTE;
use crate::wsman::{self, Caller};

/// What a client that was refused waits before it tries again.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// What one client does over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::measure) enum Work {
    /// A WSMAN Get on a kept connection.
    Get,
    /// A WSMAN Get on a connection of its own.
    GetOnNew,
    /// An Enumerate, which is bulk, on a kept connection.
    Enumerate,
    /// A response of 1 MB on a kept connection.
    Stream,
    /// Heartbeats on a kept connection, as fast as they are answered. Out of sequence: firmware does not count them.
    Flood,
}

/// Clients at work. Dropping it ends them.
pub(in crate::measure) struct Traffic {
    tally: Arc<Mutex<Tally>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What became of their requests.
#[derive(Debug, Clone, Default)]
pub(in crate::measure) struct Tally {
    pub(in crate::measure) done: u64,
    pub(in crate::measure) failed: u64,
    /// Why the first one failed.
    pub(in crate::measure) reason: Option<String>,
}

impl Traffic {
    /// Starts so many clients for each kind of work.
    pub(in crate::measure) fn start(address: SocketAddr, clients: &[(usize, Work)]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tally = Arc::new(Mutex::new(Tally::default()));
        let works: Vec<Work> =
            clients.iter().flat_map(|&(count, work)| std::iter::repeat_n(work, count)).collect();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&tally);
        let thread = thread::spawn(move || {
            runtime.block_on(async move {
                let mut tasks = JoinSet::new();
                for work in works {
                    tasks.spawn(busy(address, work, Arc::clone(&shared)));
                }
                // An error means that the owner is gone, which is the same.
                let _ = stopped.await;
            });
        });
        Ok(Self { tally, stop: Some(stop), thread: Some(thread) })
    }

    /// What became of the requests so far.
    pub(in crate::measure) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of a client was printed; the figures show what is missing.
            let _ = thread.join();
        }
    }
}

async fn busy(address: SocketAddr, work: Work, tally: Arc<Mutex<Tally>>) {
    let mut worker = Worker { caller: Caller::new(address), stream: None, address };
    loop {
        let outcome = worker.once(work).await;
        let refused = outcome.is_err();
        {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(()) => tally.done += 1,
                Err(error) => {
                    tally.failed += 1;
                    tally.reason.get_or_insert_with(|| format!("{work:?}: {error:#}"));
                }
            }
        }
        if refused {
            worker.hang_up();
            tokio::time::sleep(AFTER_REFUSAL).await;
        }
    }
}

struct Worker {
    address: SocketAddr,
    caller: Caller,
    stream: Option<Client>,
}

impl Worker {
    async fn once(&mut self, work: Work) -> Result<()> {
        match work {
            Work::Get => self.caller.call(&soap::get("AMT_GeneralSettings")).await,
            Work::GetOnNew => {
                self.caller.hang_up();
                self.caller.call(&soap::get("AMT_GeneralSettings")).await
            }
            Work::Enumerate => self.caller.call(&soap::enumerate("CIM_SoftwareIdentity")).await,
            Work::Stream => {
                if self.stream.is_none() {
                    self.stream = Some(Client::connect(self.address).await?);
                }
                match &mut self.stream {
                    Some(stream) => stream.download(MEGABYTE).await,
                    None => Ok(()),
                }
            }
            Work::Flood => {
                // Any watchdog will do.
                self.caller.call(&wsman::assert_presence("AAECAwQFBgcICQoLDA0OAA==", 0)).await
            }
        }
    }

    fn hang_up(&mut self) {
        self.caller.hang_up();
        self.stream = None;
    }
}
