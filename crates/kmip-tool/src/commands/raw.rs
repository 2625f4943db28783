//! `raw`: any request, sent as it is.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kmip::registry::ResultStatus;
use kmip::ttlv::check;
use kmip::{Limits, RequestMessage, ResponseMessage};
use kmip_client::{ErrorKind, RawAnswer, ServerAddress};
use zeroize::Zeroizing;

use crate::failure::{Cause, Failure, changes, refused};
use crate::limits::{ANSWERS, REQUEST_FILE_BYTES};
use crate::raw::{Format, request, text};
use crate::tool::Tool;

/// The arguments of `raw`.
#[derive(Debug, Args)]
pub(crate) struct Raw {
    /// The file with the request message; without it, or as `-`, standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How the request is written down. Default: what it looks like
    #[arg(long, value_name = "FORMAT")]
    input: Option<InputFormat>,
    /// How to print the response (always JSON with --json)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "tree",
        conflicts_with = "json"
    )]
    output: Format,
    /// Show key material, passwords and what is not known to be none
    #[arg(long)]
    show_material: bool,
}

/// How a request is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputFormat {
    /// The XML of the KMIP profiles
    Xml,
    /// The JSON of the KMIP profiles
    Json,
    /// TTLV in hexadecimal
    Hex,
    /// TTLV as it is
    Ttlv,
}

impl Raw {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        if self.output == Format::Hex && !self.show_material {
            return Err(Failure::options(
                "hexadecimal shows everything that is in the response: add --show-material if that is meant",
            ));
        }
        let bytes = tool.read(self.file.as_deref(), REQUEST_FILE_BYTES, "--file")?;
        let request = self.request(bytes)?;
        let exchanged = tool.client()?.exchange_message(&request).await;
        let RawAnswer {
            server,
            bytes: answer,
        } = exchanged.map_err(|error| Failure::of(error, may_change(&request)))?;
        let element = check(&answer, &ANSWERS).map_err(|error| {
            not_kmip(&server, &format!("the answer is not valid KMIP: {error}"))
        })?;
        if tool.json {
            let json = text::json(&element, self.show_material)?;
            let version = kmip::message::version_of(&element)
                .map_or_else(|| "null".to_owned(), |version| format!("\"{version}\""));
            let room = json.len().saturating_add(1024);
            let mut document = Zeroizing::new(String::with_capacity(room));
            document.push_str("{\"server\":");
            document.push_str(&serde_json::Value::from(server.to_string()).to_string());
            document.push_str(",\"protocolVersion\":");
            document.push_str(&version);
            document.push_str(",\"response\":");
            document.push_str(&json);
            document.push_str("}\n");
            tool.print(document.as_bytes())?;
        } else {
            let text = text::of(&element, self.output, self.show_material)?;
            tool.print(text.as_bytes())?;
        }
        failed_item(&server, &answer)
    }

    fn request(&self, bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let name = match &self.file {
            Some(file) => format!("--file {}", file.display()),
            None => "standard input".to_owned(),
        };
        let format = self.input.unwrap_or_else(|| {
            match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'<') => InputFormat::Xml,
                Some(b'{') => InputFormat::Json,
                // A message in TTLV begins with the byte of a tag, which is `B`; one in hexadecimal with a 4.
                Some(b'B') if bytes.first() == Some(&b'B') && bytes.get(1) == Some(&0) => {
                    InputFormat::Ttlv
                }
                _ => InputFormat::Hex,
            }
        });
        let read = match format {
            InputFormat::Xml => request::xml(&bytes),
            InputFormat::Json => request::json(&bytes),
            InputFormat::Hex => request::hexadecimal(&bytes),
            InputFormat::Ttlv => request::ttlv(bytes),
        };
        read.map_err(|why| Failure::options(format!("{name}: {why}")))
    }
}

/// Whether the request may change something on the server: one that we do not understand may.
fn may_change(request: &[u8]) -> bool {
    match RequestMessage::decode(request, &ANSWERS) {
        Ok(message) => message
            .batch_items
            .iter()
            .any(|item| item.payload.operation().is_none_or(changes)),
        Err(_) => true,
    }
}

/// What answers is not KMIP.
fn not_kmip(server: &ServerAddress, why: &str) -> Failure {
    Failure::new(
        Cause::Kmip(ErrorKind::Protocol),
        format!("KMIP server {server}: {why}"),
    )
}

/// The first item that the server refused: what the exit status says.
fn failed_item(server: &ServerAddress, answer: &[u8]) -> Result<(), Failure> {
    let limits = Limits {
        message_bytes: answer.len(),
        ..ANSWERS
    };
    let Ok(response) = ResponseMessage::decode(answer, &limits) else {
        return Err(not_kmip(
            server,
            "the answer is no Response Message of KMIP",
        ));
    };
    let failed = response.batch_items.into_iter().find(|item| {
        !matches!(
            item.result_status,
            ResultStatus::Success | ResultStatus::OperationPending
        )
    });
    let Some(item) = failed else {
        return Ok(());
    };
    let mut message = format!("KMIP server {server}: ");
    if let Some(operation) = item.operation {
        message.push_str(&format!("{operation}: "));
    }
    match item.result_reason {
        Some(reason) => message.push_str(&format!("refused, {reason}")),
        None => message.push_str(&format!("refused ({})", item.result_status)),
    }
    if let Some(text) = item.result_message.filter(|text| !text.is_empty()) {
        message.push_str(": ");
        message.extend(text.chars().take(300));
    }
    let failure = Failure::new(refused(item.result_status, item.result_reason), message);
    Err(match item.operation {
        Some(operation) => failure.in_operation(operation),
        None => failure,
    })
}
