//! `strongroom keys check`: what a start would find, without starting.

use std::io::Write;

use serde_json::json;

use crate::config::tool::CheckOptions;
use crate::config::{self, Environment, Invocation};
use crate::daemon::config_exit_status;
use crate::exit::ExitStatus;
use crate::preflight;
use crate::tool::Failure;

pub(super) async fn run(check: CheckOptions, environment: Environment) -> Result<(), Failure> {
    let arguments: Vec<String> = std::iter::once("strongroomd".to_owned())
        .chain(check.server)
        .collect();
    let loaded = config::load(&arguments, &environment);
    drop(environment);
    let options = match loaded {
        Ok(Invocation::Run(options)) => options,
        Ok(Invocation::Print(text)) => {
            print(&text);
            return Ok(());
        }
        Err(error) => {
            let status = config_exit_status(&error);
            if check.json {
                print(&format!("{:#}\n", unusable_options(&error, status)));
                return Err(Failure::told(status));
            }
            return Err(Failure::new(&error, status));
        }
    };
    let report = preflight::check(&options, !check.read_only).await;
    match check.json {
        true => print(&format!("{:#}\n", report.to_json())),
        false => print(&report.to_table()),
    }
    match report.status() {
        ExitStatus::Success => Ok(()),
        status => Err(Failure::told(status)),
    }
}

/// The same shape as a report: options that cannot be read are its only check.
fn unusable_options(error: &config::Error, status: ExitStatus) -> serde_json::Value {
    json!({
        "ok": false,
        "exitStatus": status.number(),
        "exitStatusName": status.name(),
        "checks": [{
            "name": "options",
            "server": null,
            "outcome": "failed",
            "detail": error.to_string(),
            "advice": status.advice(),
            "exitStatus": status.number(),
            "exitStatusName": status.name(),
        }],
    })
}

fn print(text: &str) {
    // Whoever closed standard output does not want to read it.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
