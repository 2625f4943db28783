//! The command line, with `mongod`'s spelling of flags.

use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use super::error::Error;
use super::known::{self, Kind, Known, OPTIONS, SET_PARAMETER};
use super::place::Place;
use super::secret::REDACTED;
use super::settings::Settings;
use super::value::{Value, boolean};
use super::{suggest, unsupported};

const CONFIG: &str = "config";
const PARAMETER: &str = "setParameter";

/// What the command line asks for.
pub(super) enum Asked {
    /// A text for standard output, and no server.
    Print(String),
    /// A server.
    Run {
        settings: Settings,
        config: Option<PathBuf>,
    },
}

/// Reads the command line; the first argument is the program's name.
///
/// # Errors
/// An option is unknown, unsupported, given twice or of a wrong value. The text of an argument that
/// belongs to no option is never part of the error.
pub(super) fn read(args: &[String]) -> Result<Asked, Error> {
    match command().try_get_matches_from(args) {
        Ok(matches) => settings(&matches),
        Err(error) => match error.kind() {
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => {
                Ok(Asked::Print(error.render().to_string()))
            }
            _ => Err(translate(&error)),
        },
    }
}

fn settings(matches: &ArgMatches) -> Result<Asked, Error> {
    let mut settings = Settings::default();
    for known in OPTIONS.iter().filter(|known| !known.flag.is_empty()) {
        let place = Place::flag(format!("--{}", known.flag));
        if let Kind::Count { max } = known.kind {
            let count = i64::from(matches.get_count(known.path));
            if matches.value_source(known.path) == Some(ValueSource::CommandLine) {
                settings.add(known, Value::Int(count.min(max)), place)?;
            }
        } else if let Some(text) = matches.get_one::<String>(known.path) {
            let value = Value::parse(known, text.clone(), &place)?;
            settings.add(known, value, place)?;
        }
    }
    for assignment in matches.get_many::<String>(PARAMETER).into_iter().flatten() {
        parameter(assignment, &mut settings)?;
    }
    Ok(Asked::Run {
        settings,
        config: matches.get_one::<String>(CONFIG).map(PathBuf::from),
    })
}

/// `--setParameter name=value`
fn parameter(assignment: &str, settings: &mut Settings) -> Result<(), Error> {
    let Some((name, value)) = assignment.split_once('=') else {
        return Err(Error::InvalidValue {
            place: Place::flag(format!("--{PARAMETER}")),
            expected: "name=value".into(),
            got: None,
        });
    };
    let place = Place::flag(format!("--{PARAMETER} {name}"));
    match known::by_path(&format!("{SET_PARAMETER}{name}")) {
        Some(known) => {
            let value = Value::parse(known, value.to_owned(), &place)?;
            settings.add(known, value, place)
        }
        None => Err(Error::UnknownOption {
            place,
            suggestion: None,
        }),
    }
}

/// The parser for the command line and its help, made from the table.
fn command() -> clap::Command {
    let mut command = clap::Command::new("strongroomd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A MongoDB-compatible document database, encrypted at rest, its master key on a KMIP server")
        .after_help("Options are spelled as mongod spells them. Those of the command line win over the file's.")
        .arg(
            Arg::new(CONFIG)
                .long(CONFIG)
                .short('f')
                .value_name("FILE")
                .help_heading("General")
                .help("Read options from this YAML file (mongod.conf)"),
        );
    for known in OPTIONS.iter().filter(|known| !known.flag.is_empty()) {
        command = command.arg(argument(known));
    }
    command.arg(
        Arg::new(PARAMETER)
            .long(PARAMETER)
            .value_name("NAME=VALUE")
            .action(ArgAction::Append)
            .help_heading("Server parameters")
            .help(parameters_help()),
    )
}

fn argument(known: &'static Known) -> Arg {
    let arg = Arg::new(known.path)
        .long(known.flag)
        .help(known.help)
        .help_heading(known.heading);
    let is_switch = match known.kind {
        Kind::Bool => true,
        Kind::Only { value, .. } => boolean(value).is_some(),
        _ => false,
    };
    match known.kind {
        Kind::Count { .. } => arg.short('v').action(ArgAction::Count),
        _ if is_switch => arg
            .value_name(known.value_name)
            .num_args(0..=1)
            .default_missing_value("true"),
        // A password may start with a dash, and -1 is a number.
        Kind::Secret | Kind::Int { .. } => {
            arg.value_name(known.value_name).allow_hyphen_values(true)
        }
        _ => arg.value_name(known.value_name),
    }
}

fn parameters_help() -> StyledStr {
    let names: Vec<&str> = OPTIONS
        .iter()
        .filter_map(|known| known.path.strip_prefix(SET_PARAMETER))
        .collect();
    format!("Set a server parameter: {}", names.join(", ")).into()
}

fn translate(error: &clap::Error) -> Error {
    use clap::error::ErrorKind;
    let given = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    // "--port <PORT>" in some errors, "--prot=1" in others.
    let flag = given.split([' ', '=']).next().unwrap_or_default();
    let place = Place::flag(flag);
    match error.kind() {
        ErrorKind::UnknownArgument => unknown(flag),
        ErrorKind::ArgumentConflict => Error::Repeated {
            place,
            first_line: None,
        },
        ErrorKind::InvalidValue | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            Error::InvalidValue {
                place,
                expected: "a value".into(),
                got: None,
            }
        }
        ErrorKind::InvalidUtf8 => Error::InvalidValue {
            place: if flag.is_empty() {
                Place::flag("an argument")
            } else {
                place
            },
            expected: "text in UTF-8".into(),
            got: None,
        },
        _ => Error::StrayArgument,
    }
}

fn unknown(flag: &str) -> Error {
    let Some(name) = flag.strip_prefix("--").filter(|name| !name.is_empty()) else {
        // A letter such as -x may as well be the tail of a value that was not quoted.
        return Error::StrayArgument;
    };
    match unsupported::by_flag(name) {
        Some(reason) => Error::UnsupportedOption {
            place: Place::flag(flag),
            value: None,
            reason,
        },
        None => Error::UnknownOption {
            place: Place::flag(flag),
            suggestion: suggest::flag(name),
        },
    }
}

/// The arguments as `getCmdLineOpts` and the log show them.
pub(super) fn redact(args: &[String]) -> Vec<String> {
    let is_secret = |flag: &str| {
        OPTIONS
            .iter()
            .any(|known| known.kind == Kind::Secret && flag.strip_prefix("--") == Some(known.flag))
    };
    let mut shown = Vec::with_capacity(args.len());
    let mut hide_next = false;
    for arg in args {
        if std::mem::take(&mut hide_next) {
            shown.push(REDACTED.to_owned());
        } else if let Some((flag, _)) = arg.split_once('=').filter(|(flag, _)| is_secret(flag)) {
            shown.push(format!("{flag}={REDACTED}"));
        } else {
            hide_next = is_secret(arg);
            shown.push(arg.clone());
        }
    }
    shown
}
