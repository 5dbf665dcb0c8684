//! `amtctl wsman`: one WSMAN request, as a job like all others, and its answer.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use amtd_proto::v1::{self, Secret, WsmanCall, job_spec::Kind, wsman_call::Operation};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    exit::Exit,
    failure::Failure,
    job::{self, JobArgs, JobDocument, Order},
    output::{Document, page::Page},
    secret::{PASSWORD, PasswordArgs, Prompt},
    session::Session,
};

/// The account that firmware keeps for programs of its own machine. The daemon asks the firmware for its password.
const LOCAL_SYSTEM: &str = "$$OsAdmin";

/// The largest body: far more than firmware takes.
const LARGEST_BODY: usize = 1024 * 1024;

/// What `wsman` takes.
#[derive(Args)]
pub(crate) struct WsmanArgs {
    #[command(subcommand)]
    operation: Request,
}

#[derive(Subcommand)]
enum Request {
    /// Get an instance
    Get {
        #[command(flatten)]
        resource: ResourceArgs,
        #[command(flatten)]
        call: CallArgs,
    },
    /// Get all instances of a class
    Enumerate {
        /// Enumerate this class or resource URI
        #[arg(value_name = "CLASS")]
        resource: String,
        #[command(flatten)]
        call: CallArgs,
    },
    /// Invoke a method
    Invoke {
        #[command(flatten)]
        resource: ResourceArgs,
        /// Invoke this method
        method: String,
        /// Pass this input to the method; put secrets in a --body instead
        #[arg(value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "body")]
        input: Vec<(String, String)>,
        /// Pass the input in this file, a JSON object or an XML element; "-" is standard input
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,
        #[command(flatten)]
        call: CallArgs,
    },
    /// Replace an instance
    Put {
        #[command(flatten)]
        resource: ResourceArgs,
        /// Put the instance in this file, a JSON object or an XML element; "-" is standard input
        #[arg(long, value_name = "FILE")]
        body: PathBuf,
        #[command(flatten)]
        call: CallArgs,
    },
    /// Delete an instance
    Delete {
        #[command(flatten)]
        resource: ResourceArgs,
        #[command(flatten)]
        call: CallArgs,
    },
    /// Ask which product and protocol version answer
    Identify {
        #[command(flatten)]
        call: CallArgs,
    },
}

#[derive(Args)]
struct ResourceArgs {
    /// Address this class, such as AMT_GeneralSettings, or this resource URI
    #[arg(value_name = "CLASS")]
    resource: String,

    /// Select the instance whose key has this value; may be given several times
    #[arg(long = "selector", short = 's', value_name = "KEY=VALUE", value_parser = pair)]
    selectors: Vec<(String, String)>,
}

#[derive(Args)]
struct CallArgs {
    /// Show the content of the SOAP body as XML
    #[arg(long, conflicts_with = "json")]
    xml: bool,

    /// Log in as this AMT user; $$OsAdmin, which may read some classes, needs no password
    #[arg(long, value_name = "NAME", default_value = "admin")]
    user: String,

    #[command(flatten)]
    password: PasswordArgs,

    #[command(flatten)]
    job: JobArgs,
}

/// Sends the request and shows the answer.
pub(super) async fn run(args: WsmanArgs, session: &mut Session) -> Result<Exit, Failure> {
    let (mut call, args, body) = args.operation.into_call();
    if let Some(path) = body {
        if path == Path::new("-") && args.password.file() == Some(Path::new("-")) {
            return Err(Failure::usage(
                "password and body cannot both come from standard input",
                "give one of them as a file",
            ));
        }
        call.body = Some(read(&path)?);
    }
    call.user.clone_from(&args.user);
    let file = args.password.file();
    call.password = Some(if args.user == LOCAL_SYSTEM && file.is_none() {
        Secret::new("")
    } else {
        session.secrets().need(&PASSWORD, file, Prompt::Once)?
    });
    let order = Order { kind: Kind::WsmanCall(call), args: &args.job, question: None };
    let Some(job) = job::execute(order, session).await? else { return Ok(Exit::Good) };
    show(job, args.xml, session)
}

/// Sends a request of another command; the answer as JSON.
pub(super) async fn ask(kind: Kind, session: &mut Session) -> Result<Value, Failure> {
    let order = Order { kind, args: &JobArgs::default(), question: None };
    let job = job::execute(order, session).await?.ok_or(Failure::Answer("the job has no end"))?;
    let outcome = job.outcome.unwrap_or_default();
    match (outcome.wsman, outcome.failure) {
        (Some(answer), _) => Ok(serde_json::from_str(&answer.json).unwrap_or_default()),
        (None, Some(failure)) => Err(Failure::Refused(amtd_proto::Problem::new(
            tonic::Code::FailedPrecondition,
            failure.reason,
            failure.sentence,
            failure.next_step,
        ))),
        (None, None) => Err(Failure::Answer("the job has neither answer nor failure")),
    }
}

fn show(mut job: v1::Job, xml: bool, session: &Session) -> Result<Exit, Failure> {
    let exit = job::exit_of(&job);
    let output = session.output();
    let answer = job.outcome.as_mut().and_then(|outcome| outcome.wsman.take());
    match answer {
        // What went wrong, and where, is in the job.
        None if exit != Exit::Good => output.show(&JobDocument::from(job))?,
        None => output.show(&WsmanDocument { job: job.id, answer: Value::Null, xml: String::new() })?,
        Some(answer) if xml => output.show_raw(&answer.xml)?,
        Some(answer) => {
            let json = serde_json::from_str(&answer.json).unwrap_or_default();
            output.show(&WsmanDocument { job: job.id, answer: json, xml: answer.xml })?;
        }
    }
    Ok(exit)
}

impl Request {
    /// The call without what all have in common, that, and the file with the body.
    fn into_call(self) -> (WsmanCall, CallArgs, Option<PathBuf>) {
        let make = |operation: Operation, resource: ResourceArgs| WsmanCall {
            operation: operation.into(),
            resource: resource.resource,
            selectors: resource.selectors.into_iter().collect::<HashMap<_, _>>(),
            ..WsmanCall::default()
        };
        match self {
            Self::Get { resource, call } => (make(Operation::Get, resource), call, None),
            Self::Enumerate { resource, call } => {
                let resource = ResourceArgs { resource, selectors: Vec::new() };
                (make(Operation::Enumerate, resource), call, None)
            }
            Self::Invoke { resource, method, input, body, call } => {
                let input = (!input.is_empty()).then(|| object(input));
                let made = WsmanCall { method, body: input, ..make(Operation::Invoke, resource) };
                (made, call, body)
            }
            Self::Put { resource, body, call } => (make(Operation::Put, resource), call, Some(body)),
            Self::Delete { resource, call } => (make(Operation::Delete, resource), call, None),
            Self::Identify { call } => {
                let resource = ResourceArgs { resource: String::new(), selectors: Vec::new() };
                (make(Operation::Identify, resource), call, None)
            }
        }
    }
}

/// The input of a method as JSON object. A name that comes again makes a list.
fn object(input: Vec<(String, String)>) -> Secret {
    let mut object = Map::new();
    for (name, value) in input {
        let value = Value::String(value);
        match object.get_mut(&name) {
            None => drop(object.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Secret::new(Value::Object(object).to_string())
}

fn read(path: &Path) -> Result<Secret, Failure> {
    let fail = |why: String| Failure::File { path: path.display().to_string(), why };
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| fail(error.to_string()))?)
    };
    // The whole room at once: there may be a password in it, and a buffer that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(LARGEST_BODY + 1));
    let limit = LARGEST_BODY as u64 + 1;
    input.take(limit).read_to_end(&mut body).map_err(|error| fail(error.to_string()))?;
    match body.len() {
        0 => Err(fail("is empty".into())),
        length if length > LARGEST_BODY => Err(fail(format!("has more than {LARGEST_BODY} bytes"))),
        _ => Ok(Secret::new(body.to_vec())),
    }
}

/// `KEY=VALUE`. The error does not repeat the text: it may be a secret.
fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("it must have the form NAME=VALUE")?;
    if key.is_empty() { Err("it must have a name before the =") } else { Ok((key.into(), value.into())) }
}

/// The answer to a WSMAN request.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WsmanDocument {
    /// The job that asked.
    job: String,
    /// An instance or the output of a method as object, an enumeration as array.
    answer: Value,
    /// The content of the SOAP body; of an enumeration the instances, one on a line.
    xml: String,
}

impl Document for WsmanDocument {
    const KIND: &'static str = "wsman";

    fn render(&self, page: &mut Page) {
        match &self.answer {
            Value::Null => page.line("done"),
            answer => page.values(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_that_is_repeated_becomes_a_list() {
        let pairs = [("A", "1"), ("B", "x"), ("A", "2"), ("A", "3")];
        let body = object(pairs.map(|(name, value)| (name.into(), value.into())).to_vec());
        let json: Value = serde_json::from_slice(&body.value).unwrap();
        assert_eq!(json, serde_json::json!({ "A": ["1", "2", "3"], "B": "x" }));
    }

    #[test]
    fn a_malformed_input_is_not_repeated_in_the_error() {
        assert!(!pair("c4n4ry").unwrap_err().contains("c4n4ry"));
        assert!(pair("=c4n4ry").is_err());
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
    }
}
