//! The WSMAN client: operations on resources, one request at a time, with login, deadlines and repetition.
//!
//! It keeps its connection between requests and opens another when firmware has closed it. A request that may have
//! been executed is sent again only if it changes nothing (wsman 1); the caller of any other reads the state back when
//! [`WsmanError::is_uncertain`] says so. Messages are `envelope`'s, logins `digest`'s, bytes `connection`'s.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use tokio::time::Instant;

use super::connection::{Answer, Connection, Io, Outgoing, PATH, SendError};
use super::digest::{About, Challenge, Credentials, Login, LoginError};
use super::envelope::{Reply, Request};
use super::error::WsmanError;
use super::instance::{Class, Instance};
use super::parameters::Parameters;
use super::resource::{Reference, Resource, Selectors};
use super::return_value::ReturnValue;
use super::tls::{ConnectError, TlsSettings};
use super::xml::Element;
use crate::machine::{Machine, PLAIN_PORT, ReachError, TLS_PORT};
use crate::retry::RetryPolicy;

/// Which of firmware's ports is used.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// 16992, in the clear.
    Plain,
    /// 16993, encrypted.
    Tls(TlsSettings),
}

impl Endpoint {
    /// The port.
    pub const fn port(&self) -> u16 {
        match self {
            Self::Plain => PLAIN_PORT,
            Self::Tls(_) => TLS_PORT,
        }
    }
}

/// How long and how much the client waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientConfig {
    /// Repetition. Its `limit` bounds one attempt, from opening the connection to the end of the answer.
    pub retry: RetryPolicy,
    /// Bytes of the longest answer.
    pub max_answer: usize,
    /// Instances that are read of one class.
    pub max_instances: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        let retry = RetryPolicy {
            attempts: 4,
            pause: Duration::from_millis(250),
            max_pause: Duration::from_secs(3),
            limit: Duration::from_secs(30),
            deadline: Duration::from_secs(90),
        };
        Self { retry, max_answer: 1024 * 1024, max_instances: 1000 }
    }
}

/// A client of one machine's WSMAN server, acting as one user.
pub struct Client<M: Machine> {
    machine: M,
    endpoint: Endpoint,
    config: ClientConfig,
    login: Login,
    connection: Option<Connection>,
    /// Number of the last message.
    message: u32,
    /// Whether the present attempt has begun to send.
    is_sending: bool,
}

/// What firmware says of itself without a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The `Server` field, which has the version of AMT in it.
    pub server: Option<String>,
}

/// What a method returned: its outputs, after its return value was found to be a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The outputs, as properties.
    pub outputs: Instance,
    /// The return value.
    pub returned: ReturnValue,
}

impl<M: Machine> Client<M> {
    /// A client. It connects with its first request. Without credentials only [`Self::probe`] will succeed.
    pub fn new(
        machine: M,
        endpoint: Endpoint,
        credentials: Option<Credentials>,
        config: ClientConfig,
    ) -> Self {
        let login = Login::new(credentials);
        Self { machine, endpoint, config, login, connection: None, message: 0, is_sending: false }
    }

    /// Acts as another user from now on. Firmware remembers logins per connection, so that this closes it.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.disconnect();
        self.login = Login::new(Some(credentials));
    }

    /// Uses another port or other trust from now on.
    pub fn set_endpoint(&mut self, endpoint: Endpoint) {
        self.disconnect();
        self.endpoint = endpoint;
    }

    /// Lets refused credentials be tried once more: right after an activation firmware can refuse the right ones for
    /// some seconds (wsman 2). Without this the client sends nothing more, because further refusals lock the account.
    pub fn allow_another_login(&mut self) {
        self.login.forgive();
    }

    /// Closes the connection, which gives its place in firmware to others. The next request opens another.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Reads one instance.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn get(&mut self, resource: &Resource, selectors: &Selectors) -> Result<Instance, WsmanError> {
        let request = Request::get(resource.clone(), selectors.clone());
        self.ask(&request).await?.map(Instance::from_element).ok_or(WsmanError::Missing("instance"))
    }

    /// Writes one instance: properties that are not sent go back to their defaults or are an error (wsman 5). Returns
    /// it as it is now, if firmware says.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn put(
        &mut self,
        resource: &Resource,
        selectors: &Selectors,
        instance: &Instance,
    ) -> Result<Option<Instance>, WsmanError> {
        let request = Request::put(resource.clone(), selectors.clone(), instance.element().clone());
        Ok(self.ask(&request).await?.map(Instance::from_element))
    }

    /// Makes an instance. Returns what refers to it, if firmware says.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn create(
        &mut self,
        resource: &Resource,
        instance: &Instance,
    ) -> Result<Option<Reference>, WsmanError> {
        let created = self.ask(&Request::create(resource.clone(), instance.element().clone())).await?;
        Ok(created.as_ref().and_then(Reference::from_element))
    }

    /// Deletes an instance.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn delete(&mut self, resource: &Resource, selectors: &Selectors) -> Result<(), WsmanError> {
        self.ask(&Request::delete(resource.clone(), selectors.clone())).await.map(drop)
    }

    /// Calls a method. `parameters` are in the order of the schema, mostly elements in the resource's namespace: see
    /// [`Parameters`].
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; [`WsmanError::Returned`] if the method says that it failed.
    pub async fn invoke(
        &mut self,
        resource: &Resource,
        selectors: &Selectors,
        method: &str,
        parameters: Parameters,
    ) -> Result<Output, WsmanError> {
        let input = parameters.into_input(resource, method);
        let request = Request::invoke(resource.clone(), selectors.clone(), method, input);
        self.returned(&request, resource, method).await
    }

    /// Reads all instances of a class.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; [`WsmanError::TooMany`] if there are more than the configuration allows.
    pub async fn enumerate(&mut self, resource: &Resource) -> Result<Vec<Instance>, WsmanError> {
        let begun = self.ask(&Request::enumerate(resource.clone())).await?;
        let mut context = begun.as_ref().and_then(enumeration_context);
        if context.is_none() {
            return Err(WsmanError::Missing("enumeration context"));
        }
        let mut instances = Vec::new();
        let mut pulls: usize = 0;
        while let Some(current) = context {
            let answer = self.ask(&Request::pull(resource.clone(), &current)).await?;
            let answer = answer.ok_or(WsmanError::Missing("answer to the pull"))?;
            let ended = answer.child("EndOfSequence").is_some();
            context = enumeration_context(&answer).filter(|_| !ended);
            let items = answer.into_child("Items").map(Element::into_children).unwrap_or_default();
            instances.extend(items.into_iter().map(Instance::from_element));
            pulls = pulls.saturating_add(1);
            let limit = self.config.max_instances;
            if instances.len() > limit || pulls > limit {
                self.release(resource, context).await;
                return Err(WsmanError::TooMany(limit));
            }
        }
        Ok(instances)
    }

    /// Asks the server what it is, in the standard's way. What AMT answers, and whether it wants a login for it, is not
    /// documented: for a sign of life use [`Self::probe`].
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn identify(&mut self) -> Result<Instance, WsmanError> {
        let answer = self.ask(&Request::identify()).await?;
        answer.map(Instance::from_element).ok_or(WsmanError::Missing("answer to Identify"))
    }

    /// Sees whether the server is alive, without a login: it refuses, and says its version (wsman 8).
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn probe(&mut self) -> Result<Probe, WsmanError> {
        let body = Bytes::from_owner(Request::identify().to_xml(self.next_message())?);
        let mut attempts = self.config.retry.start();
        loop {
            let limit = attempts.limit();
            self.is_sending = false;
            let attempt = attempts.limited(self.send(&body, None)).await;
            let error = match attempt.unwrap_or_else(|| Err(self.timed_out(limit))) {
                Ok(Answer { status: UNAUTHORIZED, challenges, server, .. }) => {
                    let challenge = Challenge::find(challenges.iter().map(String::as_str));
                    challenge.map_err(LoginError::Challenge)?;
                    return Ok(Probe { server });
                }
                Ok(Answer { status: 200, server, .. }) => return Ok(Probe { server }),
                Ok(answer) => not_a_success(&answer),
                Err(error) => error,
            };
            if !error.is_retryable() || !attempts.again().await {
                return Err(error);
            }
        }
    }

    /// Reads the only instance of a class.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn read<C: Class>(&mut self) -> Result<C, WsmanError> {
        Ok(self.get(&Resource::parse(C::NAME)?, &Selectors::none()).await?.into())
    }

    /// Reads the instance of a class that is selected.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn read_selected<C: Class>(&mut self, selectors: &Selectors) -> Result<C, WsmanError> {
        Ok(self.get(&Resource::parse(C::NAME)?, selectors).await?.into())
    }

    /// Reads all instances of a class.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn read_all<C: Class>(&mut self) -> Result<Vec<C>, WsmanError> {
        let instances = self.enumerate(&Resource::parse(C::NAME)?).await?;
        Ok(instances.into_iter().map(C::from).collect())
    }

    /// Writes an instance that was read and changed.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn write<C: Class>(&mut self, instance: &C) -> Result<(), WsmanError> {
        let resource = Resource::parse(C::NAME)?;
        self.put(&resource, &instance.selectors(), instance.as_ref()).await.map(drop)
    }

    /// Calls a method of a class that has one instance.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; [`WsmanError::Returned`] if the method says that it failed.
    pub async fn call<C: Class>(
        &mut self,
        method: &str,
        parameters: Parameters,
    ) -> Result<Output, WsmanError> {
        self.invoke(&Resource::parse(C::NAME)?, &Selectors::none(), method, parameters).await
    }

    /// Calls a method without parameters that only tells something, of a class that has one instance. It is sent again where
    /// reading is.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; [`WsmanError::Returned`] if the method says that it failed.
    pub async fn consult<C: Class>(&mut self, method: &str) -> Result<Output, WsmanError> {
        let resource = Resource::parse(C::NAME)?;
        let input = Parameters::none().into_input(&resource, method);
        let request = Request::consult(resource.clone(), method, input);
        self.returned(&request, &resource, method).await
    }

    async fn returned(
        &mut self,
        request: &Request,
        resource: &Resource,
        method: &str,
    ) -> Result<Output, WsmanError> {
        let output = self.ask(request).await?.ok_or(WsmanError::Missing("output of the method"))?;
        let returned = ReturnValue::from_output(resource, method, &output)
            .ok_or(WsmanError::Missing("return value that is a number"))?;
        returned.clone().check()?;
        Ok(Output { outputs: Instance::from_element(output), returned })
    }

    /// Gives up an enumeration. Firmware forgets it some time in any case.
    async fn release(&mut self, resource: &Resource, context: Option<String>) {
        if let Some(context) = context
            && let Err(error) = self.ask(&Request::release(resource.clone(), &context)).await
        {
            tracing::debug!(%error, "enumeration is not released");
        }
    }

    /// Sends a request until there is an answer, or no further attempt is allowed. Returns the content of the body.
    async fn ask(&mut self, request: &Request) -> Result<Option<Element>, WsmanError> {
        let message = self.next_message();
        let body = Bytes::from_owner(request.to_xml(message)?);
        let mut attempts = self.config.retry.start();
        loop {
            let limit = attempts.limit();
            self.is_sending = false;
            let attempt = attempts.limited(self.attempt(&body, request.is_safe)).await;
            let error = match attempt.unwrap_or_else(|| Err(self.timed_out(limit))) {
                Ok(content) => return Ok(content),
                Err(error) => error,
            };
            let certain =
                matches!(error, WsmanError::Connect(_) | WsmanError::NotCarried { is_certain: true, .. });
            if !error.is_retryable() || !(request.is_safe || certain) || !attempts.again().await {
                return Err(error);
            }
            tracing::debug!(%error, message, "asking again");
        }
    }

    /// One attempt, with as many rounds as the login takes.
    async fn attempt(&mut self, body: &Bytes, is_safe: bool) -> Result<Option<Element>, WsmanError> {
        self.login.begin();
        for _ in 0..LOGIN_ROUNDS {
            let answer = self.send_rested(body, is_safe).await?;
            if answer.status != UNAUTHORIZED {
                return content(&answer);
            }
            self.login.refused(answer.challenges.iter().map(String::as_str))?;
        }
        Err(LoginError::AlwaysStale.into())
    }

    /// Sends on the connection that there is. If firmware has closed that meanwhile, sends on a new one: a request
    /// that changes nothing also if it is not certain that firmware did not get it.
    async fn send_rested(&mut self, body: &Bytes, is_safe: bool) -> Result<Answer, WsmanError> {
        let rested = self.connection.as_ref().and_then(Connection::rested_since);
        // Whether firmware closes it just now cannot be known; what must not be repeated does not take the risk.
        let is_risky = |since: Instant| !is_safe && since.elapsed() > SHORT_REST;
        if rested.is_some_and(is_risky) {
            self.disconnect();
        }
        let is_reused = self.connection.is_some();
        match self.send_with_login(body).await {
            Err(WsmanError::Lost) if is_reused && is_safe => self.send_with_login(body).await,
            other => other,
        }
    }

    /// Each time with a count of its own: the same one twice could pass for a wrong password.
    async fn send_with_login(&mut self, body: &Bytes) -> Result<Answer, WsmanError> {
        let authorization = self.login.authorization(&About { method: "POST", uri: PATH, body })?;
        self.send(body, authorization).await
    }

    /// Sends once, connecting if there is no connection that can be used.
    async fn send(&mut self, body: &Bytes, authorization: Option<String>) -> Result<Answer, WsmanError> {
        let authorization = authorization.map(field_value).transpose()?;
        let authority = HeaderValue::from_static(match self.endpoint {
            Endpoint::Plain => "localhost:16992",
            Endpoint::Tls(_) => "localhost:16993",
        });
        let outgoing = Outgoing { authority, authorization, body: body.clone() };
        // Taken out: whatever ends this early, also the caller, ends the connection.
        if let Some(mut connection) = self.connection.take()
            && connection.is_usable().await
        {
            self.is_sending = true;
            match connection.exchange(outgoing.clone(), self.config.max_answer).await {
                Ok(answer) => {
                    self.connection = Some(connection);
                    return Ok(answer);
                }
                Err(SendError::Failed(error)) => return Err(error),
                Err(SendError::NotSent) => self.is_sending = false,
            }
        }
        let mut connection = connect(&self.machine, &self.endpoint).await?;
        self.is_sending = true;
        match connection.exchange(outgoing, self.config.max_answer).await {
            Ok(answer) => {
                self.connection = Some(connection);
                Ok(answer)
            }
            Err(SendError::Failed(error)) => Err(error),
            Err(SendError::NotSent) => Err(ReachError::Lost.into()),
        }
    }

    fn timed_out(&self, limit: Duration) -> WsmanError {
        if self.is_sending { WsmanError::Silent(limit) } else { ReachError::Silent(limit).into() }
    }

    fn next_message(&mut self) -> u32 {
        self.message = self.message.wrapping_add(1);
        self.message
    }
}

/// Shows neither login nor connection.
impl<M: Machine> std::fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client(port {})", self.endpoint.port())
    }
}

async fn connect<M: Machine>(machine: &M, endpoint: &Endpoint) -> Result<Connection, WsmanError> {
    let stream = machine.connect(endpoint.port()).await?;
    let stream: Box<dyn Io> = match endpoint {
        Endpoint::Plain => Box::new(stream),
        Endpoint::Tls(settings) => match settings.connect(stream).await {
            Ok(stream) => Box::new(stream),
            Err(ConnectError::Reach(error)) => return Err(error.into()),
            Err(ConnectError::Tls(error)) => return Err(error.into()),
        },
    };
    Connection::start(stream).await
}

/// The content of an answer's body, if it is a success.
fn content(answer: &Answer) -> Result<Option<Element>, WsmanError> {
    let is_success = answer.status == 200;
    match Reply::parse(&answer.body) {
        Ok(Some(Reply::Fault(fault))) => Err(WsmanError::Fault(fault)),
        _ if !is_success => Err(not_a_success(answer)),
        Ok(Some(Reply::Body(content))) => Ok(content),
        Ok(None) => Err(WsmanError::Missing("SOAP envelope")),
        Err(error) => Err(error.into()),
    }
}

/// What an answer without content and without a fault means. The daemon says why it answers in firmware's place, in one line,
/// and does not call itself AMT's server as firmware does in every answer (wsman 2).
fn not_a_success(answer: &Answer) -> WsmanError {
    if answer.server.is_some() || !BY_THE_DAEMON.contains(&answer.status) {
        return WsmanError::Status(answer.status);
    }
    let text = String::from_utf8_lossy(&answer.body);
    let line: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    let cause = match line.trim() {
        "" => format!("the request was not carried to AMT (HTTP status {})", answer.status),
        line => line.chars().take(MAX_CAUSE).collect(),
    };
    WsmanError::NotCarried { is_certain: answer.status == NOT_SENT, cause }
}

fn enumeration_context(answer: &Element) -> Option<String> {
    let context = answer.child("EnumerationContext")?.text();
    (!context.is_empty()).then(|| context.to_owned())
}

/// It does not hold the password, but must not be shown all the same.
fn field_value(value: String) -> Result<HeaderValue, WsmanError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| LoginError::NotSendable)?;
    value.set_sensitive(true);
    Ok(value)
}

const UNAUTHORIZED: u16 = 401;
/// Firmware has nothing of the request.
const NOT_SENT: u16 = 503;
/// Statuses of a daemon that gives up: too slow, lost, not sent, silent.
const BY_THE_DAEMON: [u16; 4] = [408, 502, NOT_SENT, 504];
/// Characters of the daemon's line that are kept.
const MAX_CAUSE: usize = 300;
/// Without a nonce, with the one that was given, and with the next if that was stale.
const LOGIN_ROUNDS: u32 = 3;
/// A connection that has rested for longer may just be closed by firmware.
const SHORT_REST: Duration = Duration::from_secs(1);
