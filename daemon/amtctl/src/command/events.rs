//! `amtctl events`: what happens, as it happens.

use std::time::Duration;

use amtd_proto::v1::{WatchEventsRequest, WatchEventsResponse, watch_events_response::Event as Kind};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page, when},
    session::Session,
};

/// How long a daemon that has gone may take to come back.
const ABSENCE: Duration = Duration::from_secs(120);

/// The pause before a stream that ended is opened again.
const PAUSE: Duration = Duration::from_millis(100);

/// How much of an alert a person wants to see.
const GLIMPSE: usize = 400;

/// What `events` takes.
#[derive(Args)]
pub(crate) struct EventsArgs {
    /// Continue after the event with this cursor
    #[arg(long, value_name = "CURSOR", conflicts_with = "from_oldest")]
    cursor: Option<String>,

    /// Start with the oldest event that amtd remembers
    #[arg(long)]
    from_oldest: bool,

    /// Stop after this many events
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

/// Follows the events until Ctrl-C, or as many as are wanted.
pub(super) async fn run(args: EventsArgs, session: &Session) -> Result<Exit, Failure> {
    let mut left = args.count;
    let mut cursor = args.cursor.unwrap_or_default();
    let mut from_oldest = args.from_oldest;
    let mut client = session.connect().await?;
    let mut is_told = false;
    loop {
        let before = cursor.clone();
        let request = WatchEventsRequest { cursor: before.clone(), from_oldest };
        match follow(request, &client, &mut cursor, &mut left, session).await {
            Ok(()) => {}
            Err(failure) if failure.is_gone() => {}
            Err(failure) => return Err(failure),
        }
        if left == Some(0) {
            return Ok(Exit::Good);
        }
        // Once for each absence: a daemon that is going hangs up several times.
        if !is_told || cursor != before {
            session.output().say("the connection to amtd was lost; waiting for it to come back");
            is_told = true;
        }
        // The next one remembers nothing but what has happened since: without a cursor, too, nothing of that is missed.
        from_oldest = true;
        sleep(PAUSE).await;
        client = session.connect_until(Instant::now() + ABSENCE).await?;
    }
}

/// Shows events as long as the stream lasts.
async fn follow(
    request: WatchEventsRequest,
    client: &Client,
    cursor: &mut String,
    left: &mut Option<u64>,
    session: &Session,
) -> Result<(), Failure> {
    let mut events = client.events();
    let mut stream = client.call(events.watch_events(request)).await?;
    while let Some(event) = client.next(&mut stream).await? {
        cursor.clone_from(&event.cursor);
        session.output().show_line(&EventDocument::from(event))?;
        *left = left.map(|left| left - 1);
        if *left == Some(0) {
            break;
        }
    }
    Ok(())
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EventDocument {
    /// To be given to go on after this event.
    cursor: String,
    at: Option<String>,
    event: Event,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Event {
    /// Events are missing here.
    Gap {
        /// 0: not known.
        missed: u64,
        why: String,
    },
    Link {
        state: String,
        detail: String,
    },
    Port {
        port: u32,
        /// `forwarded`, `withdrawn`, `bound`, `not-bound`.
        change: String,
        detail: String,
    },
    Channel {
        channel: u64,
        port: u32,
        /// `opened`, `closed`, `refused`.
        change: String,
        detail: String,
    },
    Job {
        id: String,
        kind: String,
        /// `created`, `started`, `step`, `ended`.
        change: String,
        detail: String,
    },
    Firmware {
        fact: String,
        value: String,
    },
    /// The firmware sent it by itself.
    Alert {
        origin: String,
        content_base64: String,
    },
    /// From a newer amtd.
    Unknown,
}

impl From<WatchEventsResponse> for EventDocument {
    fn from(event: WatchEventsResponse) -> Self {
        Self { at: when::rfc3339(event.at.as_ref()), cursor: event.cursor, event: event.event.into() }
    }
}

impl From<Option<Kind>> for Event {
    fn from(kind: Option<Kind>) -> Self {
        match kind {
            None => Self::Unknown,
            Some(Kind::Gap(gap)) => Self::Gap { missed: gap.missed, why: gap.why },
            Some(Kind::Link(link)) => Self::Link { state: link.state, detail: link.detail },
            Some(Kind::Port(port)) => {
                Self::Port { port: port.port, change: port.change, detail: port.detail }
            }
            Some(Kind::Channel(channel)) => Self::Channel {
                channel: channel.channel,
                port: channel.port,
                change: channel.change,
                detail: channel.detail,
            },
            Some(Kind::Job(job)) => {
                Self::Job { id: job.id, kind: job.kind, change: job.change, detail: job.detail }
            }
            Some(Kind::Firmware(firmware)) => Self::Firmware { fact: firmware.fact, value: firmware.value },
            Some(Kind::Alert(alert)) => {
                Self::Alert { origin: alert.origin, content_base64: STANDARD.encode(alert.content) }
            }
        }
    }
}

impl Document for EventDocument {
    const KIND: &'static str = "event";

    fn render(&self, page: &mut Page) {
        let at = self.at.as_deref().unwrap_or("unknown time");
        page.hang(&format!("{at:24}  "), &self.event.line());
    }
}

impl Event {
    fn line(&self) -> String {
        let with =
            |what: String, detail: &str| if detail.is_empty() { what } else { format!("{what}: {detail}") };
        match self {
            Self::Gap { missed: 0, why } => format!("events are missing: {why}"),
            Self::Gap { missed, why } => format!("{missed} events are missing: {why}"),
            Self::Link { state, detail } => with(format!("link {state}"), detail),
            Self::Port { port, change, detail } => with(format!("port {port} {change}"), detail),
            Self::Channel { channel, port, change, detail } => {
                with(format!("channel {channel} (port {port}) {change}"), detail)
            }
            Self::Job { id, kind, change, detail } => with(format!("job {id} ({kind}) {change}"), detail),
            Self::Firmware { fact, value } => format!("firmware {fact} is {value}"),
            Self::Alert { origin, content_base64 } => {
                let content = STANDARD.decode(content_base64).unwrap_or_default();
                let text: String = String::from_utf8_lossy(&content).chars().take(GLIMPSE).collect();
                format!("alert from {origin}, {} bytes: {text}", content.len())
            }
            Self::Unknown => "an event that this version of amtctl does not know".into(),
        }
    }
}
