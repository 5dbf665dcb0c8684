//! The list of clients: each with its user, its start and its traffic; and a way to end one.
//!
//! Kept by the front and its connections; read by `control`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use amtd_apf::mux::{FlowId, FlowSpec};
use tokio::task::{AbortHandle, Id};

use super::{
    peer::{self, Owner},
    process,
    relay::Summary,
};
use crate::events::{ChannelChange, Event, Log};

/// A client connection at one moment.
#[derive(Debug, Clone)]
pub struct ClientReport {
    /// The connection.
    pub id: FlowId,
    /// The port as firmware names it.
    pub port: u16,
    /// Its user, if the kernel says.
    pub user: Option<u32>,
    /// The inode of its socket, for [`programs`]; 0 if unknown.
    pub inode: u32,
    /// When it was accepted.
    pub opened: Instant,
    /// When the last byte moved.
    pub active: Instant,
    /// Bytes read from it.
    pub from_client: u64,
    /// Bytes written to it.
    pub to_client: u64,
    /// Requests that were answered.
    pub requests: u64,
}

/// The program at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its process.
    pub pid: i32,
    /// Its executable, if the daemon may see it.
    pub path: Option<String>,
}

/// Which programs hold sockets, by the inodes of the sockets. Searches /proc, which takes milliseconds.
pub fn programs(inodes: &BTreeSet<u32>) -> HashMap<u32, Program> {
    let held = process::holders(&inodes.iter().map(|inode| u64::from(*inode)).collect());
    held.into_iter()
        .filter_map(|(inode, process)| {
            let path = process.exe().ok().and_then(|path| path.to_str().map(String::from));
            Some((u32::try_from(inode).ok()?, Program { pid: process.pid, path }))
        })
        .collect()
}

/// The list of clients. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    /// Locked for a moment only, never across a wait.
    entries: Arc<Mutex<BTreeMap<FlowId, Entry>>>,
    log: Option<Log>,
}

#[derive(Debug)]
struct Entry {
    port: u16,
    user: u32,
    inode: u32,
    meter: Arc<Meter>,
    task: AbortHandle,
}

impl Clients {
    /// All clients, the oldest connection first.
    pub fn list(&self) -> Vec<ClientReport> {
        self.with(|entries| entries.iter().map(|(id, entry)| entry.report(*id)).collect())
    }

    /// Ends a connection at once, whatever is under way on it. Returns whether there was one.
    pub fn close(&self, id: u64) -> bool {
        self.with(|entries| entries.get(&FlowId(id)).map(|entry| entry.task.abort()).is_some())
    }

    /// Records clients in the log of events from now on.
    pub(super) fn record(&mut self, log: Log) {
        self.log = Some(log);
    }

    /// Adds a new connection, served by `task`.
    pub(super) fn opened(
        &self,
        id: FlowId,
        (spec, owner): (FlowSpec, Owner),
        meter: Arc<Meter>,
        task: AbortHandle,
    ) {
        let (port, user, inode) = (spec.port.0, owner.user, owner.inode);
        self.with(|entries| entries.insert(id, Entry { port, user, inode, meter, task }));
        self.tell(id, port, ChannelChange::Opened, || match peer::known(user) {
            Some(user) => format!("a client of user {user}"),
            None => "a client of an unknown user".into(),
        });
    }

    /// Removes a connection. Returns its user.
    pub(super) fn ended(&self, id: FlowId, summary: &Summary) -> Option<u32> {
        let entry = self.with(|entries| entries.remove(&id))?;
        self.tell(id, entry.port, ChannelChange::Closed, || {
            let Summary { answered, refused, cut, from_client, to_client } = summary;
            let cut = if *cut { "; cut in the middle of a response" } else { "" };
            format!(
                "{answered} answered, {refused} refused, {from_client} bytes in, {to_client} bytes out{cut}"
            )
        });
        Some(entry.user)
    }

    pub(super) fn refused(&self, port: u16, why: &str) {
        self.tell(FlowId(0), port, ChannelChange::Refused, || why.into());
    }

    /// The connection that a task served.
    pub(super) fn of_task(&self, task: Id) -> Option<FlowId> {
        self.with(|entries| entries.iter().find(|(_, entry)| entry.task.id() == task).map(|(id, _)| *id))
    }

    /// Only while somebody watches the log: there can be thousands each second.
    fn tell(&self, id: FlowId, port: u16, change: ChannelChange, detail: impl FnOnce() -> String) {
        if let Some(log) = self.log.as_ref().filter(|log| log.is_watched()) {
            log.push(Event::Channel { channel: id.0, port, change, detail: detail() });
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<FlowId, Entry>) -> T) -> T {
        look(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    fn report(&self, id: FlowId) -> ClientReport {
        let Passed { active, summary } = *self.meter.passed();
        ClientReport {
            id,
            port: self.port,
            user: peer::known(self.user),
            inode: self.inode,
            opened: self.meter.opened,
            active,
            from_client: summary.from_client,
            to_client: summary.to_client,
            requests: summary.answered,
        }
    }
}

/// The traffic of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    opened: Instant,
    /// Locked for a moment only, never across a wait.
    passed: Mutex<Passed>,
}

#[derive(Debug, Clone, Copy)]
struct Passed {
    /// When the last byte moved.
    active: Instant,
    summary: Summary,
}

impl Meter {
    pub(super) fn new() -> Arc<Self> {
        let opened = Instant::now();
        Arc::new(Self { opened, passed: Mutex::new(Passed { active: opened, summary: Summary::default() }) })
    }

    /// Stores what the connection has counted up to `now`.
    pub(super) fn note(&self, now: Instant, summary: &Summary) {
        let mut passed = self.passed();
        let before = (passed.summary.from_client, passed.summary.to_client);
        if before != (summary.from_client, summary.to_client) {
            *passed = Passed { active: now, summary: *summary };
        }
    }

    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use amtd_apf::Port;
    use tokio::task::JoinSet;

    use super::*;
    use crate::events::{Start, Told};

    const OWNER: Owner = Owner { user: 7, inode: 3 };

    fn spec() -> FlowSpec {
        FlowSpec { port: Port(16_992), originator: "127.0.0.1:5".parse().unwrap(), peer: OWNER.user }
    }

    fn change(told: Told) -> (u64, ChannelChange, String) {
        match told {
            Told::Event { event: Event::Channel { channel, change, detail, .. }, .. } => {
                (channel, change, detail)
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_closed_client_is_ended_and_leaves_the_books_with_its_user() {
        let (clients, mut tasks) = (Clients::default(), JoinSet::new());
        for id in [1, 2] {
            let task = tasks.spawn(pending::<()>());
            clients.opened(FlowId(id), (spec(), OWNER), Meter::new(), task);
        }
        assert!(clients.close(2) && !clients.close(9));
        let ended = tasks.join_next().await.unwrap().unwrap_err();
        assert!(ended.is_cancelled());
        assert_eq!(clients.of_task(ended.id()), Some(FlowId(2)));
        assert_eq!(clients.ended(FlowId(2), &Summary::default()), Some(OWNER.user));
        let left: Vec<_> = clients.list().iter().map(|client| client.id).collect();
        assert_eq!(left, [FlowId(1)]);
        assert_eq!(clients.ended(FlowId(2), &Summary::default()), None, "counted once");
    }

    #[tokio::test]
    async fn what_a_connection_counts_is_seen_while_it_lasts() {
        let (clients, mut tasks, meter) = (Clients::default(), JoinSet::new(), Meter::new());
        let task = tasks.spawn(ready(()));
        clients.opened(FlowId(1), (spec(), OWNER), Arc::clone(&meter), task);
        meter.note(
            Instant::now(),
            &Summary { answered: 2, from_client: 30, to_client: 400, ..Summary::default() },
        );
        let client = clients.list().remove(0);
        assert_eq!((client.requests, client.from_client, client.to_client), (2, 30, 400));
        assert!(client.active >= client.opened);
    }

    #[tokio::test]
    async fn clients_fill_the_log_only_while_somebody_watches() {
        let (mut clients, mut tasks, log) = (Clients::default(), JoinSet::new(), Log::new(16));
        clients.record(log.clone());
        clients.opened(FlowId(1), (spec(), OWNER), Meter::new(), tasks.spawn(ready(())));
        let mut reader = log.read(&Start::Oldest).unwrap();
        clients.opened(FlowId(2), (spec(), OWNER), Meter::new(), tasks.spawn(ready(())));
        let told = change(reader.next().await);
        assert_eq!(told, (2, ChannelChange::Opened, "a client of user 7".into()));
        clients.ended(FlowId(2), &Summary { answered: 1, ..Summary::default() });
        let (channel, ended, detail) = change(reader.next().await);
        assert_eq!((channel, ended), (2, ChannelChange::Closed));
        assert!(detail.starts_with("1 answered, "), "{detail}");
        clients.refused(16_992, "too many");
        assert_eq!(change(reader.next().await), (0, ChannelChange::Refused, "too many".into()));
    }

    #[test]
    fn the_program_behind_a_connection_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let inode = std::os::fd::AsRawFd::as_raw_fd(&client);
        let link = std::fs::read_link(format!("/proc/self/fd/{inode}")).unwrap();
        let inode: u32 = link.to_str().unwrap().trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        let found = programs(&[inode, u32::MAX].into());
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&inode]);
        assert_eq!((found[&inode].pid, found[&inode].path.is_some()), (own, true));
    }
}
