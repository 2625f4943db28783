//! The command line.

use clap::Args;

use crate::commands::Command;
use crate::connection::ConnectionArguments;

/// The command line of `strongroom kmip`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct KmipArguments {
    /// Where the server is, and who we are.
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Print one JSON document, and errors as JSON on standard error
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Tell on standard error what is going on; repeat it (-vv) for more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::SUBCOMMANDS;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        kmip: KmipArguments,
    }

    #[test]
    fn definitions_hold_together() {
        let mut command = Whole::command();
        command.build();
        command.clone().debug_assert();
        let names: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .filter(|name| *name != "help")
            .collect();
        assert_eq!(names, SUBCOMMANDS);
    }

    #[test]
    fn options_of_the_connection_go_before_and_after_the_subcommand() {
        for arguments in [
            ["x", "--kmipServerName", "kms1", "--json", "get", "7"],
            ["x", "get", "7", "--kmipServerName", "kms1", "--json"],
        ] {
            let whole = Whole::try_parse_from(arguments).unwrap();
            assert!(whole.kmip.json);
            assert_eq!(whole.kmip.connection.server_name.as_deref(), Some("kms1"));
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let whole = Whole::try_parse_from([
            "x",
            "get",
            "7",
            "--kmipClientCertificatePassword",
            "-hunter2",
        ])
        .unwrap();
        assert!(whole.kmip.connection.client_certificate_password.is_some());
        assert!(!format!("{whole:?}").contains("hunter2"));
    }

    /// A refused option must not take its neighbour's text, which may be a password, into the message.
    #[test]
    fn a_wrong_value_is_named_with_its_limits() {
        for (option, value, expected) in [
            ("--kmipPort", "0", "1..=65535"),
            ("--kmipConnectTimeoutMS", "999", "1000"),
            ("--kmipConnectRetries", "1001", "1000"),
            ("--kmipProtocolVersion", "1.9", "1.4"),
        ] {
            let error = Whole::try_parse_from(["x", "get", "7", option, value]).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(option) && text.contains(expected), "{text}");
        }
    }
}
