//! A connection between a client and a driver that are both the test.

use amtd_apf::{Port, mux::FlowSpec};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc::UnboundedReceiver,
    task::JoinHandle,
};

use super::{
    super::bench::{self, GET, HTTP, OK, config, send},
    *,
};
use crate::driver::{Command, Handle};

/// A connection and its task, between a client and a driver that are both the test.
struct Rig {
    client: UnixStream,
    connection: Arc<Connection<UnixStream>>,
    commands: UnboundedReceiver<Command>,
    task: JoinHandle<Summary>,
    /// Its opening: as long as it is kept, there is a driver.
    opened: Option<Command>,
}

impl Rig {
    fn new((handle, commands): (Handle, UnboundedReceiver<Command>)) -> Self {
        let (client, stream) = UnixStream::pair().unwrap();
        let relay = Relay::new(Arc::new(config()), bench::client(), Instant::now());
        let connection = Connection::new(stream, relay, Meter::new(), handle.link());
        let spec = FlowSpec { port: Port(16_992), originator: "127.0.0.1:5".parse().unwrap(), peer: 0 };
        let flow = handle.open(handle.next_flow(), spec, Arc::clone(&connection) as Arc<dyn Line>);
        let task = tokio::spawn(Arc::clone(&connection).serve(flow, CancellationToken::new()));
        Self { client, connection, commands, task, opened: None }
    }

    /// What the client wants, when the driver is told that it wants something.
    async fn wanted(&mut self) -> Vec<FlowCommand> {
        loop {
            match self.commands.recv().await.unwrap() {
                Command::Listen(_) => break,
                opening => self.opened = Some(opening),
            }
        }
        let mut wanted = Vec::new();
        self.connection.take_commands(&mut wanted);
        wanted
    }

    fn firmware(&self, event: FlowEvent) -> Vec<FlowCommand> {
        let mut wanted = Vec::new();
        self.connection.event(Instant::now(), event, &mut wanted);
        wanted
    }
}

fn delivered(commands: &[FlowCommand]) -> usize {
    let bytes = |command: &FlowCommand| match command {
        FlowCommand::Delivered(bytes) => *bytes,
        _ => 0,
    };
    commands.iter().map(bytes).sum()
}

#[tokio::test]
async fn an_answer_is_with_the_client_before_its_task_has_run() {
    let mut rig = Rig::new(Handle::bare());
    rig.client.write_all(GET).await.unwrap();
    assert_eq!(rig.wanted().await, [HTTP, send(GET)]);
    let wanted = rig.firmware(FlowEvent::Data(Bytes::from_static(OK)));
    assert_eq!(wanted, [FlowCommand::Finish { keep: true }, FlowCommand::Delivered(OK.len())]);
    let mut read = [0; 1000];
    // Without a wait, in which the task could run.
    let count = io::Read::read(&mut rig.client.into_std().unwrap(), &mut read).unwrap();
    assert_eq!(&read[..count], OK);
}

#[tokio::test]
async fn what_a_full_socket_does_not_take_follows_when_the_client_reads() {
    const LENGTH: usize = 3_000_000;
    let mut rig = Rig::new(Handle::bare());
    rig.client.write_all(GET).await.unwrap();
    rig.wanted().await;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
    let mut sent = head.into_bytes();
    sent.extend((0..LENGTH).map(|at| at as u8));
    let mut wanted = Vec::new();
    for piece in sent.chunks(4096) {
        wanted.extend(rig.firmware(FlowEvent::Data(Bytes::copy_from_slice(piece))));
    }
    assert!(delivered(&wanted) < sent.len(), "the socket took it all");
    let mut read = vec![0; sent.len()];
    rig.client.read_exact(&mut read).await.unwrap();
    assert!(read == sent, "not what firmware sent");
    while delivered(&wanted) < sent.len() {
        wanted.extend(rig.wanted().await);
    }
    assert_eq!(delivered(&wanted), sent.len());
}

#[tokio::test]
async fn a_connection_that_is_ended_from_outside_is_closed_at_once_and_the_driver_told() {
    let mut rig = Rig::new(Handle::bare());
    rig.client.write_all(GET).await.unwrap();
    rig.wanted().await;
    rig.task.abort();
    assert!(rig.task.await.unwrap_err().is_cancelled());
    assert_eq!(rig.client.read(&mut [0]).await.unwrap(), 0, "the client sees the end");
    let Ok(Command::Listen(_)) = rig.commands.try_recv() else { panic!("the driver was not told") };
    let mut wanted = Vec::new();
    rig.connection.take_commands(&mut wanted);
    assert_eq!(wanted, [FlowCommand::Close { orderly: false }]);
    rig.connection.event(Instant::now(), FlowEvent::Data(Bytes::from_static(OK)), &mut wanted);
    assert_eq!(wanted.len(), 1, "nothing is wanted any more");
}

#[tokio::test]
async fn a_connection_without_a_driver_ends() {
    let (handle, commands) = Handle::bare();
    drop(commands);
    let mut rig = Rig::new((handle, Handle::bare().1));
    assert_eq!(rig.client.read(&mut [0]).await.unwrap(), 0);
    drop(rig.client);
    assert_eq!(rig.task.await.unwrap(), Summary::default());
}
