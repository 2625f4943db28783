//! One KMIP server: its name, the connection, TLS on both sides, the version, what it offers.

use keystore::Header;
use kmip::registry::Operation;
use kmip_client::{Client, Error, ErrorKind, ServerAddress, Session};
use time::OffsetDateTime;
use tls::CertificateInfo;

use super::{Report, probe};
use crate::encryption::certificate;
use crate::exit::ExitStatus;
use crate::startup::{KmipOptions, StartupError};

/// Which operations what is asked for takes.
pub(super) struct Needs {
    /// A start has to create a key.
    creates: bool,
    /// Keys that are created are activated.
    pub(super) activates: bool,
    /// The master key that the start opens never leaves the server.
    wraps: bool,
    /// The next one will not (`security.kmip.wrapOnServer`).
    wraps_next: bool,
}

impl Needs {
    pub(super) fn of(kmip: &KmipOptions, header: Option<&Header>) -> Self {
        let has_key = header.is_some_and(|header| header.master_key().is_some());
        let is_given = kmip.key_identifier.is_some() && !kmip.create_key_if_missing;
        let wraps = header
            .and_then(Header::master_key)
            .map_or(kmip.wrap_on_server, |key| key.is_wrapped_on_server());
        Self {
            creates: !has_key && !is_given,
            activates: kmip.activate_keys || wraps || kmip.wrap_on_server,
            wraps,
            wraps_next: kmip.wrap_on_server,
        }
    }

    /// Whether keys are ever fetched.
    pub(super) fn fetches(&self) -> bool {
        !(self.wraps && self.wraps_next)
    }

    /// Whether keys are ever used on the server.
    pub(super) fn wraps(&self) -> bool {
        self.wraps || self.wraps_next
    }

    /// What may ever be asked, the throw-away key's operations in their order.
    pub(super) fn all(&self) -> Vec<Operation> {
        let mut all = vec![Operation::Create];
        if self.activates {
            all.push(Operation::Activate);
        }
        all.push(Operation::GetAttributes);
        if self.fetches() {
            all.push(Operation::Get);
        }
        if self.wraps() {
            all.extend([Operation::Encrypt, Operation::Decrypt]);
        }
        all.extend([Operation::Locate, Operation::Revoke, Operation::Destroy]);
        all
    }

    /// Whether the start itself needs it. What it does not need, a rotation does, or tidying up after one.
    pub(super) fn for_start(&self, operation: Operation) -> bool {
        match operation {
            Operation::GetAttributes => true,
            Operation::Get => !self.wraps,
            Operation::Encrypt | Operation::Decrypt => self.wraps,
            Operation::Create => self.creates,
            Operation::Activate => self.creates && self.activates,
            _ => false,
        }
    }
}

/// A server that answers.
pub(super) struct Reached {
    pub(super) server: String,
    pub(super) session: Session,
    /// What it says that it offers; empty if it does not say.
    pub(super) offered: Vec<Operation>,
}

/// The exit status of a start that this error ends.
pub(super) fn status(error: &Error) -> ExitStatus {
    StartupError::Kmip(error.clone().into()).exit_status()
}

/// Goes through one server; the connection to it, if it can be used.
pub(super) async fn check(
    report: &mut Report,
    client: &Client,
    server: &ServerAddress,
    kmip: &KmipOptions,
    needs: &Needs,
) -> Option<Reached> {
    let name = server.to_string();
    let here = Some(name.as_str());
    let connected = client.connect_to(server).await;
    let failed_at = connected.as_ref().err().map(Step::of);
    let passed = |step: Step| failed_at.is_none_or(|failed| step < failed);
    if passed(Step::Resolve) {
        let addresses = tokio::net::lookup_host((server.host(), server.port())).await;
        let addresses: Vec<String> = addresses
            .map(|found| found.map(|address| address.ip().to_string()).collect())
            .unwrap_or_default();
        report.passed("name", here, addresses.join(", "));
    }
    if passed(Step::Connect) {
        let detail = match &connected {
            Ok(session) => format!("to {}", session.address()),
            Err(error) => error
                .address()
                .map_or_else(String::new, |address| format!("to {address}")),
        };
        report.passed("connection", here, detail);
        let shown = probe::certificate(server, kmip).await;
        if passed(Step::Tls) {
            certificate_of(report, here, shown);
        } else if let Some(shown) = shown {
            report.warning(
                "certificate",
                here,
                describe(&shown),
                "This is what the server showed; it was not accepted.",
            );
        }
    }
    let mut session = match connected {
        Ok(session) => session,
        Err(error) => {
            let name = Step::of(&error).name();
            report.failed(name, here, error.to_string(), status(&error));
            return None;
        }
    };
    let version = session.negotiated_version();
    let offered = match session.query().await {
        Ok(information) => {
            let vendor = information
                .vendor
                .map_or_else(String::new, |vendor| format!(", {vendor}"));
            let detail = format!("version {version}{vendor}; the client certificate is accepted");
            report.passed("KMIP", here, detail);
            information.operations
        }
        Err(error) => {
            report.passed("KMIP", here, format!("version {version}"));
            report.warning(
                "operations",
                here,
                format!(
                    "the server does not say what it offers: {}",
                    error.message()
                ),
                "Nothing has to be done: they are tried with a throw-away key.",
            );
            Vec::new()
        }
    };
    if !offered.is_empty() {
        operations(report, here, &offered, needs);
    }
    Some(Reached {
        server: name,
        session,
        offered,
    })
}

/// How far a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Resolve,
    Connect,
    Tls,
    Kmip,
}

impl Step {
    /// The step at which it failed.
    fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Resolve | ErrorKind::Configuration => Self::Resolve,
            ErrorKind::Connect | ErrorKind::Timeout => Self::Connect,
            ErrorKind::TlsUntrusted
            | ErrorKind::TlsWrongName
            | ErrorKind::TlsClientRefused
            | ErrorKind::TlsOther => Self::Tls,
            _ => Self::Kmip,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Resolve => "name",
            Self::Connect => "connection",
            Self::Tls => "TLS",
            Self::Kmip => "KMIP",
        }
    }
}

fn certificate_of(report: &mut Report, here: Option<&str>, shown: Option<CertificateInfo>) {
    const NAME: &str = "TLS";
    let Some(info) = shown else {
        report.passed(NAME, here, "trusted on both sides".to_owned());
        return;
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let detail = describe(&info);
    if certificate::is_near(info.not_after_unix_secs, now) {
        let days = certificate::days_left(info.not_after_unix_secs, now);
        let detail = format!("{detail}: {days} days left");
        report.warning(
            NAME,
            here,
            detail,
            "Have the KMIP server's certificate renewed.",
        );
    } else {
        report.passed(NAME, here, detail);
    }
}

fn describe(info: &CertificateInfo) -> String {
    format!(
        "the server's certificate is {}, issued by {}, until {}",
        info.subject,
        info.issuer,
        info.not_after()
    )
}

fn operations(report: &mut Report, here: Option<&str>, offered: &[Operation], needs: &Needs) {
    const NAME: &str = "operations";
    let mut missing = needs.all();
    missing.retain(|operation| !offered.contains(operation));
    let list = |operations: &[Operation]| {
        let names: Vec<String> = operations.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    if missing.is_empty() {
        report.passed(NAME, here, format!("offered: {}", list(&needs.all())));
    } else if missing.iter().any(|operation| needs.for_start(*operation)) {
        let detail = format!("not offered to our certificate: {}", list(&missing));
        report.failed(NAME, here, detail, ExitStatus::KmipRefused);
    } else {
        report.warning(
            NAME,
            here,
            format!("not offered to our certificate: {}", list(&missing)),
            "A start does not need them; a rotation of the master key, or tidying up after one, will.",
        );
    }
}
