//! What was checked and what came of it, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::exit::ExitStatus;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// A start would succeed; something else would not, or soon will not.
    Warning,
    /// A start would be refused, or would be if this server were the only one.
    Failed,
    /// Not looked at, because something before it failed or it was not asked for.
    Skipped,
}

impl Outcome {
    /// One word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was checked: a name that stays.
    pub name: &'static str,
    /// At which KMIP server; `None` for what is on this machine.
    pub server: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// What the start would have ended with.
    pub status: Option<ExitStatus>,
}

/// All checks, in the order of a start.
#[derive(Clone, Debug, Default)]
pub struct Report {
    checks: Vec<Check>,
}

impl Report {
    /// All checks, in the order of a start.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Whether a check failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.checks
            .iter()
            .any(|check| check.outcome == Outcome::Failed)
    }

    /// That of the first check that failed: what the start would have ended with.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        let failed = |check: &&Check| check.outcome == Outcome::Failed;
        self.checks
            .iter()
            .find(failed)
            .map_or(ExitStatus::Success, |check| {
                check.status.unwrap_or(ExitStatus::Internal)
            })
    }

    pub(super) fn passed(&mut self, name: &'static str, server: Option<&str>, detail: String) {
        self.add(name, server, Outcome::Passed, detail, None, None);
    }

    pub(super) fn warning(
        &mut self,
        name: &'static str,
        server: Option<&str>,
        detail: String,
        advice: &str,
    ) {
        let advice = Some(advice.to_owned());
        self.add(name, server, Outcome::Warning, detail, advice, None);
    }

    pub(super) fn failed(
        &mut self,
        name: &'static str,
        server: Option<&str>,
        detail: String,
        status: ExitStatus,
    ) {
        let advice = Some(status.advice().to_owned());
        self.add(name, server, Outcome::Failed, detail, advice, Some(status));
    }

    pub(super) fn skipped(&mut self, name: &'static str, server: Option<&str>, detail: &str) {
        self.add(
            name,
            server,
            Outcome::Skipped,
            detail.to_owned(),
            None,
            None,
        );
    }

    fn add(
        &mut self,
        name: &'static str,
        server: Option<&str>,
        outcome: Outcome,
        detail: String,
        advice: Option<String>,
        status: Option<ExitStatus>,
    ) {
        self.checks.push(Check {
            name,
            server: server.map(str::to_owned),
            outcome,
            detail,
            advice,
            status,
        });
    }

    /// The table that people read.
    #[must_use]
    pub fn to_table(&self) -> String {
        let what = |check: &Check| match &check.server {
            Some(server) => format!("{server} {}", check.name),
            None => check.name.to_owned(),
        };
        let width = self
            .checks
            .iter()
            .map(|check| what(check).chars().count())
            .max()
            .unwrap_or(0);
        let mut table = String::new();
        // Writing to a `String` does not fail.
        for check in &self.checks {
            let mark = match check.outcome {
                Outcome::Failed => "FAILED",
                other => other.name(),
            };
            let _ = writeln!(table, "{mark:<8} {:<width$}  {}", what(check), check.detail);
            if let Some(advice) = &check.advice {
                let _ = writeln!(table, "{:<8} {:<width$}  -> {advice}", "", "");
            }
        }
        let count = |outcome| {
            let checks = self.checks.iter();
            checks.filter(|check| check.outcome == outcome).count()
        };
        let _ = write!(
            table,
            "\n{} passed, {} with a warning, {} failed, {} skipped",
            count(Outcome::Passed),
            count(Outcome::Warning),
            count(Outcome::Failed),
            count(Outcome::Skipped)
        );
        let _ = match self.status() {
            ExitStatus::Success => writeln!(table, ": a start with these options would succeed"),
            status => writeln!(
                table,
                "; exit status {} ({})",
                status.number(),
                status.name()
            ),
        };
        table
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| {
                json!({
                    "name": check.name,
                    "server": check.server,
                    "outcome": check.outcome.name(),
                    "detail": check.detail,
                    "advice": check.advice,
                    "exitStatus": check.status.map(ExitStatus::number),
                    "exitStatusName": check.status.map(ExitStatus::name),
                })
            })
            .collect();
        let status = self.status();
        json!({
            "ok": !self.has_failed(),
            "exitStatus": status.number(),
            "exitStatusName": status.name(),
            "checks": checks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.passed("dbpath", None, "/data is empty".into());
        report.warning("certificate", None, "until tomorrow".into(), "renew it");
        report.failed("TLS", Some("k:1"), "no".into(), ExitStatus::KmipTls);
        report.failed("key", Some("k:1"), "no".into(), ExitStatus::KeyNotFound);
        report.skipped("throw-away key", None, "because something failed");
        report
    }

    #[test]
    fn the_first_failure_is_the_exit_status() {
        assert_eq!(report().status(), ExitStatus::KmipTls);
        assert_eq!(Report::default().status(), ExitStatus::Success);
        let json = report().to_json();
        assert_eq!(json["exitStatus"], 90);
        assert_eq!(json["checks"][2]["server"], "k:1");
        assert_eq!(json["ok"], false);
    }

    #[test]
    fn the_table_says_what_to_do() {
        insta::assert_snapshot!(report().to_table(), @r"
        passed   dbpath          /data is empty
        warning  certificate     until tomorrow
                                 -> renew it
        FAILED   k:1 TLS         no
                                 -> See the message; the server must offer TLS 1.2 or 1.3.
        FAILED   k:1 key         no
                                 -> Correct `keyIdentifier` or the server; a key that was destroyed must be restored there.
        skipped  throw-away key  because something failed

        1 passed, 1 with a warning, 2 failed, 1 skipped; exit status 90 (KmipTls)
        ");
    }
}
