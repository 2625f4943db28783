//! Why a subcommand did not do what was asked, and what to do about it.

use std::fmt;

use kmip::registry::{Operation, ResultReason, ResultStatus, State};
use kmip_client::{ErrorKind, Session};
use serde_json::{Value, json};

use crate::page::escaped;

/// Whose fault it is: what exit statuses are chosen by.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// An option, an argument, or a file that one names.
    Options,
    /// The configuration file cannot be read.
    ConfigFile,
    /// A certificate or key file.
    TlsFile(tls::Error),
    /// Our certificate has expired.
    CertificateExpired,
    /// The connection, the server, or the object on it.
    Kmip(ErrorKind),
    /// The answer to what was to change something was lost, in this way: it may have been done, or not.
    OutcomeUnknown(ErrorKind),
    /// What was found out cannot be written.
    Output,
}

/// Why a subcommand failed. Never holds key material; what it says of a server's has its control characters escaped.
#[derive(Debug)]
pub struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    cause: Cause,
    message: String,
    advice: Option<String>,
    server: Option<String>,
    operation: Option<Operation>,
    unique_identifier: Option<String>,
    error: Option<kmip_client::Error>,
}

impl Failure {
    /// A failure.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            cause,
            message: message.into(),
            advice: None,
            server: None,
            operation: None,
            unique_identifier: None,
            error: None,
        }))
    }

    /// An option, an argument or a file that one names is wrong.
    pub(crate) fn options(message: impl Into<String>) -> Self {
        Self::new(Cause::Options, message)
    }

    /// Something about an object on the server in use.
    pub(crate) fn at(session: &Session, kind: ErrorKind, message: &str) -> Self {
        let server = session.server().to_string();
        let mut failure = Self::new(
            Cause::Kmip(kind),
            format!("KMIP server {server}: {message}"),
        );
        failure.0.server = Some(server);
        failure
    }

    /// With what to do.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// If the answer was lost: with what to look whether it was done.
    pub(crate) fn look_with(self, command: &str) -> Self {
        match self.0.cause {
            Cause::OutcomeUnknown(_) => {
                self.advise(format!("the answer was lost: look with `{command}`"))
            }
            _ => self,
        }
    }

    /// The failure of an exchange; `changes`: what was asked for may have changed something.
    pub(crate) fn of(error: kmip_client::Error, changes: bool) -> Self {
        let kind = error.kind().clone();
        let (cause, advice) = match error.outcome_is_unknown() && changes {
            true => (
                Cause::OutcomeUnknown(kind),
                Some("the answer was lost: look with `strongroom kmip locate` whether it was done"),
            ),
            false => {
                let advice = advice(&kind);
                (Cause::Kmip(kind), advice)
            }
        };
        let mut failure = Self::new(cause, error.to_string());
        failure.0.advice = advice.map(str::to_owned);
        failure.0.error = Some(error);
        failure
    }

    /// About this object.
    pub(crate) fn about(mut self, unique_identifier: &str) -> Self {
        self.0.unique_identifier = Some(unique_identifier.to_owned());
        self
    }

    /// In this operation.
    pub(crate) fn in_operation(mut self, operation: Operation) -> Self {
        self.0.operation = Some(operation);
        self
    }

    /// With this in front of the message.
    pub(crate) fn after(mut self, what_was_done: &str) -> Self {
        self.0.message = format!("{what_was_done}: {}", self.0.message);
        self
    }

    /// What the state of the object explains about a refusal.
    pub(crate) fn explain(self, state: Option<State>) -> Self {
        match self.0.cause {
            // That has nothing to do with the object.
            Cause::Kmip(ErrorKind::Refused {
                reason: Some(ResultReason::OperationNotSupported),
                ..
            }) => return self,
            Cause::Kmip(ErrorKind::Refused { .. }) => {}
            _ => return self,
        }
        let advice = match (self.operation(), state) {
            (Some(Operation::Destroy), Some(State::Active)) => {
                "the object is Active: revoke it first (strongroom kmip revoke)".to_owned()
            }
            // Some servers say so themselves.
            (_, Some(state)) if !self.0.message.contains(&state.to_string()) => {
                format!("the object is {state}")
            }
            _ => return self,
        };
        self.advise(advice)
    }

    /// Whose fault it is.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    fn operation(&self) -> Option<Operation> {
        let error = self.0.error.as_ref();
        self.0
            .operation
            .or_else(|| error.and_then(kmip_client::Error::operation))
    }

    /// The failure as one JSON document on one line: `{"error": {...}}`.
    #[must_use]
    pub fn to_json(&self, exit_status: u8, status: &str) -> String {
        let inner = &*self.0;
        let mut error = json!({
            "exitStatus": exit_status,
            "status": status,
            "message": escaped(&inner.message).to_string(),
        });
        let mut set = |name: &str, value: Option<Value>| {
            if let (Some(value), Some(fields)) = (value, error.as_object_mut()) {
                fields.insert(name.to_owned(), value);
            }
        };
        set("advice", inner.advice.clone().map(Value::from));
        set("server", inner.server.clone().map(Value::from));
        set(
            "uniqueIdentifier",
            inner.unique_identifier.clone().map(Value::from),
        );
        set(
            "operation",
            self.operation()
                .map(|operation| operation.to_string().into()),
        );
        if let Some(error) = &inner.error {
            set(
                "server",
                error.server().map(|server| server.to_string().into()),
            );
            set(
                "address",
                error.address().map(|address| address.to_string().into()),
            );
            set(
                "attempt",
                error.attempt().map(|attempt| attempt.number.into()),
            );
            set("attempts", error.attempt().map(|attempt| attempt.of.into()));
            set("outcomeIsUnknown", Some(error.outcome_is_unknown().into()));
            if let ErrorKind::Refused {
                reason: Some(reason),
                ..
            } = error.kind()
            {
                set("resultReason", Some(reason.to_string().into()));
            }
            if !error.failures().is_empty() {
                let each = error.failures().iter().map(|failure| {
                    json!({
                        "server": failure.server().map(ToString::to_string),
                        "message": escaped(&failure.to_string()).to_string(),
                    })
                });
                set("failures", Some(each.collect()));
            }
        }
        json!({ "error": error }).to_string()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escaped(&self.0.message))?;
        match &self.0.advice {
            Some(advice) => write!(f, "; {}", escaped(advice)),
            None => Ok(()),
        }
    }
}

impl From<kmip_client::Error> for Failure {
    fn from(error: kmip_client::Error) -> Self {
        let changes = error.operation().is_none_or(changes);
        Self::of(error, changes)
    }
}

/// Whether the operation may change anything on the server.
pub(crate) fn changes(operation: Operation) -> bool {
    use Operation as O;
    !matches!(
        operation,
        O::Check
            | O::DiscoverVersions
            | O::Get
            | O::GetAttributeList
            | O::GetAttributes
            | O::Locate
            | O::Ping
            | O::Query
            | O::Validate
    )
}

/// What to do about it, where the message does not say so itself.
fn advice(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Resolve => "correct --kmipServerName, or the name service",
        ErrorKind::Connect => {
            "see that it runs, and that --kmipServerName and --kmipPort are right"
        }
        ErrorKind::TlsUntrusted => "--kmipServerCAFile names the authorities that are trusted",
        ErrorKind::TlsWrongName => "give a name that is in its certificate as --kmipServerName",
        ErrorKind::TlsClientRefused => {
            "give a certificate that the server accepts with --kmipClientCertificateFile"
        }
        ErrorKind::Timeout => {
            "see to the server, or raise --kmipConnectTimeoutMS or --kmipConnectRetries"
        }
        ErrorKind::Protocol => {
            "see that --kmipServerName and --kmipPort are a KMIP server's; `strongroom kmip raw` shows its answers as they are"
        }
        ErrorKind::NoCommonVersion => "--kmipProtocolVersion chooses another version",
        ErrorKind::AuthenticationFailed => {
            "the server knows its clients by --kmipClientCertificateFile"
        }
        ErrorKind::NotFound => {
            "`strongroom kmip locate` lists the objects that this certificate may see"
        }
        ErrorKind::Refused {
            reason: Some(ResultReason::OperationNotSupported),
            ..
        } => "`strongroom kmip query` lists what the server offers",
        _ => return None,
    })
}

/// A refusal found in an answer that did not go through the client's typed operations.
pub(crate) fn refused(status: ResultStatus, reason: Option<ResultReason>) -> Cause {
    Cause::Kmip(match reason {
        Some(
            ResultReason::ItemNotFound
            | ResultReason::ObjectNotFound
            | ResultReason::ObjectDestroyed,
        ) => ErrorKind::NotFound,
        Some(ResultReason::AuthenticationNotSuccessful) => ErrorKind::AuthenticationFailed,
        reason => ErrorKind::Refused { status, reason },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_people_and_for_scripts() {
        let failure = Failure::new(Cause::Kmip(ErrorKind::NotFound), "no \u{1b}[31mobject")
            .advise("look elsewhere")
            .in_operation(Operation::Get)
            .about("7");
        assert_eq!(failure.to_string(), "no \\u{1b}[31mobject; look elsewhere");
        let json: Value = serde_json::from_str(&failure.to_json(93, "KeyNotFound")).unwrap();
        assert_eq!(
            json,
            json!({"error": {
                "exitStatus": 93,
                "status": "KeyNotFound",
                "message": "no \\u{1b}[31mobject",
                "advice": "look elsewhere",
                "operation": "Get",
                "uniqueIdentifier": "7",
            }})
        );
    }
}
