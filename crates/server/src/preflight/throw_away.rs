//! The operations, tried with a key that is removed again.

use keystore::WrapContext;
use keystore::provider::kmip::{KmipKeyError, KmipKeys};
use kmip::registry::{Operation, RevocationReasonCode};
use kmip_client::{Error, NewSymmetricKey, ObjectAttributes, Session};
use uuid::Uuid;

use super::Report;
use super::server::{Needs, Reached, status};
use crate::exit::ExitStatus;
use crate::startup::StartupError;

const NAME: &str = "throw-away key";
/// The beginning of such a key's Name: whatever is left of one may be destroyed.
const KEY_NAME_PREFIX: &str = "strongroom/preflight/";

/// Tries the operations on each server that was reached, unless something failed before.
pub(super) async fn check(
    report: &mut Report,
    reached: Vec<Reached>,
    needs: &Needs,
    may_create_key: bool,
) {
    let reason = match (may_create_key, report.has_failed()) {
        (false, _) => Some("not asked for (--read-only)"),
        (true, true) => Some("not created, because something before it failed"),
        (true, false) => None,
    };
    if let Some(reason) = reason {
        report.skipped(NAME, None, reason);
        return;
    }
    for reached in reached {
        let here = Some(reached.server.as_str());
        let removable = [Operation::Revoke, Operation::Destroy]
            .iter()
            .all(|operation| reached.offered.is_empty() || reached.offered.contains(operation));
        if !removable {
            report.skipped(
                NAME,
                here,
                "not created, because the server would not let us remove it again",
            );
            continue;
        }
        let tried = Tried::on(reached.session, needs).await;
        tried.report(report, here, needs);
    }
}

/// What became of the attempt.
#[derive(Default)]
struct Tried {
    name: String,
    identifier: Option<String>,
    done: Vec<Operation>,
    failures: Vec<Failure>,
    /// It may still be there.
    left_over: bool,
}

struct Failure {
    operation: Operation,
    problem: String,
    status: ExitStatus,
}

impl Tried {
    async fn on(session: Session, needs: &Needs) -> Self {
        let mut tried = Self {
            name: format!("{KEY_NAME_PREFIX}{}", Uuid::new_v4()),
            ..Self::default()
        };
        // Its state does not matter: whether it is activated is one of the things that are tried.
        let mut keys = KmipKeys::over(session, false);
        let key = NewSymmetricKey::aes256(&tried.name);
        match keys.session_mut().create_symmetric_key(&key).await {
            Ok(identifier) => {
                tried.done.push(Operation::Create);
                tried.identifier = Some(identifier.clone());
                tried.use_key(&mut keys, &identifier, needs).await;
                tried.remove(keys.session_mut(), &identifier, needs).await;
            }
            Err(error) => {
                tried.left_over = error.outcome_is_unknown();
                tried.note(Operation::Create, Err(error));
            }
        }
        tried
    }

    fn note(&mut self, operation: Operation, result: Result<(), Error>) {
        match result {
            Ok(()) => self.done.push(operation),
            Err(error) => self.failures.push(Failure {
                operation,
                problem: error.message().to_owned(),
                status: status(&error),
            }),
        }
    }

    /// An answer that is not what it should be.
    fn wrong(&mut self, operation: Operation, problem: String, status: ExitStatus) {
        self.failures.push(Failure {
            operation,
            problem,
            status,
        });
    }

    /// Each operation is tried, whatever became of those before it.
    async fn use_key(&mut self, keys: &mut KmipKeys, identifier: &str, needs: &Needs) {
        if needs.activates {
            let activated = keys.session_mut().activate(identifier).await;
            self.note(Operation::Activate, activated);
        }
        let attributes = keys.session_mut().get_attributes(identifier).await;
        let attributes = match attributes {
            Ok(attributes) => {
                self.note(Operation::GetAttributes, Ok(()));
                Some(attributes)
            }
            Err(error) => {
                self.note(Operation::GetAttributes, Err(error));
                None
            }
        };
        if needs.fetches() {
            match keys.session_mut().get_symmetric_key(identifier).await {
                Ok(key) if key.bits() != 256 => {
                    let problem = format!("asked for a key of 256 bits, got one of {}", key.bits());
                    self.wrong(Operation::Get, problem, ExitStatus::KeyUnusable);
                }
                got => self.note(Operation::Get, got.map(drop)),
            }
        }
        if let (true, Some(attributes)) = (needs.wraps(), attributes) {
            self.wrap(keys, attributes).await;
        }
        match keys.session_mut().locate_by_name(&self.name).await {
            Ok(hits) if hits.iter().all(|hit| hit.unique_identifier != identifier) => {
                let problem = "does not find the key by its Name".to_owned();
                self.wrong(Operation::Locate, problem, ExitStatus::KmipRefused);
            }
            located => self.note(Operation::Locate, located.map(drop)),
        }
    }

    /// Has the server wrap and unwrap a key, as a start with `wrapOnServer` does.
    async fn wrap(&mut self, keys: &mut KmipKeys, attributes: ObjectAttributes) {
        let context = WrapContext {
            dbpath_id: Uuid::new_v4(),
            tree: None,
            generation: 0,
        };
        match keys.wrap_new(attributes, &context).await {
            Ok(_) => self.done.extend([Operation::Encrypt, Operation::Decrypt]),
            Err(error) => {
                // Unwrapping is what it is tried with at last.
                let operation = match &error {
                    KmipKeyError::NotUnwrapped { .. } => {
                        self.done.push(Operation::Encrypt);
                        Operation::Decrypt
                    }
                    _ => Operation::Encrypt,
                };
                let problem = error.to_string();
                let status = StartupError::from(error).exit_status();
                self.wrong(operation, problem, status);
            }
        }
    }

    async fn remove(&mut self, session: &mut Session, identifier: &str, needs: &Needs) {
        // A key that was never activated can be destroyed as it is.
        if needs.activates {
            let reason = RevocationReasonCode::CessationOfOperation;
            let message = Some("a throw-away key of strongroom keys check");
            let revoked = session.revoke(identifier, reason, message).await;
            self.note(Operation::Revoke, revoked);
        }
        let destroyed = session.destroy(identifier).await;
        self.left_over = destroyed.is_err();
        self.note(Operation::Destroy, destroyed);
    }

    fn report(self, report: &mut Report, here: Option<&str>, needs: &Needs) {
        let done: Vec<String> = self.done.iter().map(ToString::to_string).collect();
        let mut failures = self.failures.iter();
        let worst = failures
            .clone()
            .find(|failure| needs.for_start(failure.operation))
            .or_else(|| failures.next());
        let Some(worst) = worst else {
            report.passed(NAME, here, format!("{}: all work", done.join(", ")));
            return;
        };
        let mut detail: Vec<String> = self
            .failures
            .iter()
            .map(|failure| format!("{}: {}", failure.operation, failure.problem))
            .collect();
        if self.left_over {
            detail.push(format!(
                "the key {} (Name {}) may be left on the server: destroy it there",
                self.identifier
                    .as_deref()
                    .unwrap_or("without a known identifier"),
                self.name
            ));
        }
        let detail = detail.join("; ");
        if needs.for_start(worst.operation) {
            report.failed(NAME, here, detail, worst.status);
        } else {
            report.warning(
                NAME,
                here,
                detail,
                "A start does not need it; a rotation of the master key, or tidying up after one, will.",
            );
        }
    }
}
