//! Asking firmware over its host clients: opens, exchanges, closes, and tries again where that can help. Knows no
//! command and no layout; those are `amthi`'s, `mhc`'s, `mkhi`'s and `upid`'s.

use std::time::Duration;

use tokio::time::timeout;

use crate::amthi::{AmthiError, Command, Status};
use crate::machine::{Burst, HostClient, Machine, ReachError};
use crate::mhc::MhcError;
use crate::mkhi::MkhiError;
use crate::question::Question;
use crate::retry::RetryPolicy;
use crate::upid::UpidError;

impl<C: Command + Sync> Question for C
where
    C::Answer: Send,
{
    type Answer = C::Answer;
    type Error = AmthiError;
    const CLIENT: HostClient = HostClient::Amthi;
    const CHANGES: bool = C::CHANGES;

    fn request(&self) -> Vec<u8> {
        Command::request(self)
    }

    fn decode(&self, reply: &[u8]) -> Result<C::Answer, AmthiError> {
        Command::decode(self, reply)
    }
}

/// What is asked on one connection: a [`Question`], or several that belong together, one after the other. Fewer openings
/// leave more room for other programs, as long as a burst is short.
pub trait Questions: Sync {
    /// What firmware answers.
    type Answer: Send;
    /// Whom to ask.
    const CLIENT: HostClient;
    /// Whether asking changes the device.
    const CHANGES: bool;

    /// Asks on an open connection. The first question without an answer ends it.
    fn ask_on<B: Burst>(
        &self,
        client: &mut OpenClient<B>,
    ) -> impl Future<Output = Result<Self::Answer, AskError>> + Send;
}

impl<Q: Question> Questions for Q
where
    AnswerError: From<Q::Error>,
{
    type Answer = Q::Answer;
    const CLIENT: HostClient = Q::CLIENT;
    const CHANGES: bool = Q::CHANGES;

    async fn ask_on<B: Burst>(&self, client: &mut OpenClient<B>) -> Result<Q::Answer, AskError> {
        client.ask(self).await
    }
}

/// The second is asked when the first was answered.
impl<P: Questions, Q: Questions> Questions for (P, Q) {
    type Answer = (P::Answer, Q::Answer);
    const CLIENT: HostClient = P::CLIENT;
    const CHANGES: bool = P::CHANGES || Q::CHANGES;

    async fn ask_on<B: Burst>(&self, client: &mut OpenClient<B>) -> Result<Self::Answer, AskError> {
        Ok((self.0.ask_on(client).await?, self.1.ask_on(client).await?))
    }
}

/// Asks on a connection of its own, and all of it again by the policy where that can help: while the interface is held by
/// another program, and, if asking changes nothing, while firmware is not ready.
///
/// # Errors
///
/// [`AskError`] of the last attempt.
pub async fn ask<M: Machine, Q: Questions>(
    machine: &M,
    questions: &Q,
    policy: &RetryPolicy,
) -> Result<Q::Answer, AskError> {
    let mut attempts = policy.start();
    loop {
        let limit = attempts.limit();
        let attempt = attempts.limited(ask_once(machine, questions, limit)).await;
        let error = match attempt.unwrap_or(Err(AskError::Reach(ReachError::Silent(limit)))) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if !error.may_repeat(Q::CHANGES) || !attempts.again().await {
            return Err(error);
        }
        tracing::debug!(%error, "asking firmware again");
    }
}

async fn ask_once<M: Machine, Q: Questions>(
    machine: &M,
    questions: &Q,
    limit: Duration,
) -> Result<Q::Answer, AskError> {
    let mut client = OpenClient::open(machine, Q::CLIENT, limit).await?;
    let answer = questions.ask_on(&mut client).await?;
    client.close().await;
    Ok(answer)
}

/// A host client that is held open for several questions in a row. For a short time only: no other program can use it
/// meanwhile.
#[derive(Debug)]
pub struct OpenClient<B> {
    burst: B,
    client: HostClient,
    limit: Duration,
    lost: bool,
}

impl<B: Burst> OpenClient<B> {
    /// Opens the client, in one attempt. `limit` bounds the opening and each question.
    ///
    /// # Errors
    ///
    /// [`AskError::NotOpened`].
    pub async fn open<M>(machine: &M, client: HostClient, limit: Duration) -> Result<Self, AskError>
    where
        M: Machine<Burst = B>,
    {
        let opened = timeout(limit, machine.open(client)).await;
        let burst = opened.unwrap_or(Err(ReachError::Silent(limit))).map_err(AskError::NotOpened)?;
        Ok(Self { burst, client, limit, lost: false })
    }

    /// Asks one question, once. After an error that [`AskError::ends_connection`] calls so, every further question
    /// fails: replies carry no number, and a late one would be taken for the next (amthi 1.2).
    ///
    /// # Errors
    ///
    /// [`AskError::Reach`] and [`AskError::Answer`].
    pub async fn ask<Q: Question>(&mut self, question: &Q) -> Result<Q::Answer, AskError>
    where
        AnswerError: From<Q::Error>,
    {
        debug_assert_eq!(self.client, Q::CLIENT, "a question to another client");
        if self.lost {
            return Err(AskError::Reach(ReachError::Lost));
        }
        // Also when the caller drops this future half-way.
        self.lost = true;
        let request = question.request();
        let exchange = timeout(self.limit, self.burst.exchange(&request)).await;
        let reply = exchange.unwrap_or(Err(ReachError::Silent(self.limit))).map_err(AskError::Reach)?;
        let answer = question.decode(&reply).map_err(|error| AskError::Answer(error.into()));
        self.lost = answer.as_ref().is_err_and(AskError::ends_connection);
        answer
    }

    /// Asks a question that some firmware does not know, or does not answer in some of its states: `None` then.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask), if the connection is of no more use.
    pub async fn ask_optional<Q: Question>(&mut self, question: &Q) -> Result<Option<Q::Answer>, AskError>
    where
        AnswerError: From<Q::Error>,
    {
        match self.ask(question).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.ends_connection() => Err(error),
            Err(error) => {
                tracing::debug!(%error, "firmware does not say");
                Ok(None)
            }
        }
    }

    /// Closes the connection.
    pub async fn close(self) {
        if !self.lost {
            // It was opened in time and answered; what is left of the close is the implementation's.
            let _ = timeout(self.limit, self.burst.close()).await;
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AskError {
    /// The client could not be opened: nothing was asked.
    #[error(transparent)]
    NotOpened(ReachError),
    /// The exchange failed after it had begun: firmware may have acted on the request.
    #[error(transparent)]
    Reach(ReachError),
    /// What firmware answered is no answer, or is a refusal.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

impl AskError {
    /// The AMT status with which firmware refused, if it did.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Answer(AnswerError::Amthi(AmthiError::Status(status))) => Some(*status),
            _ => None,
        }
    }

    /// Whether firmware may have acted although there is no answer, so that its state must be read back.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::NotOpened(_) => false,
            Self::Reach(_) => true,
            Self::Answer(error) => !error.is_refusal(),
        }
    }

    /// Whether the connection is of no more use after it.
    pub fn ends_connection(&self) -> bool {
        match self {
            Self::NotOpened(_) | Self::Reach(_) => true,
            Self::Answer(error) => error.is_framing(),
        }
    }

    fn may_repeat(&self, changes: bool) -> bool {
        match self {
            Self::NotOpened(error) => error.is_retryable(),
            Self::Reach(error) => !changes && error.is_retryable(),
            Self::Answer(AnswerError::Amthi(AmthiError::Status(status))) => !changes && status.is_retryable(),
            Self::Answer(_) => false,
        }
    }
}

/// What is wrong with a reply of a host client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Of AMTHI.
    #[error(transparent)]
    Amthi(#[from] AmthiError),
    /// Of the manageability client.
    #[error(transparent)]
    Mhc(#[from] MhcError),
    /// Of MKHI.
    #[error(transparent)]
    Mkhi(#[from] MkhiError),
    /// Of the platform id client.
    #[error(transparent)]
    Upid(#[from] UpidError),
}

impl AnswerError {
    /// Whether the reply as a whole cannot be trusted, so that the connection must be closed.
    pub fn is_framing(&self) -> bool {
        match self {
            Self::Amthi(error) => error.is_framing(),
            Self::Mhc(error) => error.is_framing(),
            Self::Mkhi(error) => error.is_framing(),
            Self::Upid(error) => error.is_framing(),
        }
    }

    /// Whether firmware said that it did not do it.
    fn is_refusal(&self) -> bool {
        match self {
            Self::Amthi(error) => matches!(error, AmthiError::Status(_) | AmthiError::AmtDisabled),
            Self::Mhc(error) => !error.is_framing(),
            Self::Mkhi(error) => !error.is_framing(),
            Self::Upid(error) => !error.is_framing(),
        }
    }
}

#[cfg(test)]
mod tests;
