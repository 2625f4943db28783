//! `query`: Query (KMIP 1.4, section 4.25; 2.1, section 6.1.37).

use clap::Args;
use kmip::codec::Value;
use kmip::operations::{QueryRequest, QueryResponse};
use kmip::registry::{Enumeration, QueryFunction, Tag};
use kmip::ttlv::{Buffer, Newer, Writer, check};
use kmip::{Limits, ProtocolVersion};
use kmip_client::ErrorKind;
use serde::Serialize;

use crate::failure::Failure;
use crate::page::{Page, words};
use crate::secrecy::Secrecy;
use crate::shown::Shown;
use crate::tool::{Report, Tool};

/// What every server has to answer.
const BASIC: [QueryFunction; 3] = [
    QueryFunction::QueryOperations,
    QueryFunction::QueryObjects,
    QueryFunction::QueryServerInformation,
];

/// The arguments of `query`: none.
#[derive(Debug, Args)]
pub(crate) struct Query {}

/// What the server offers to us.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Offered {
    vendor_identification: Option<String>,
    operations: Vec<String>,
    object_types: Vec<String>,
    application_namespaces: Vec<String>,
    attestation_types: Vec<String>,
    client_registration_methods: Vec<String>,
    server_information: Option<Shown>,
    extensions: Vec<Shown>,
    profiles: Vec<Shown>,
    capabilities: Vec<Shown>,
    validations: Vec<Shown>,
    random_number_generators: Vec<Shown>,
    defaults: Option<Shown>,
    protection_storage_masks: Option<Shown>,
}

impl Offered {
    fn new(response: QueryResponse) -> Self {
        Self {
            vendor_identification: response.vendor_identification,
            operations: names(&response.operations),
            object_types: names(&response.object_types),
            application_namespaces: response.application_namespaces,
            attestation_types: names(&response.attestation_types),
            client_registration_methods: names(&response.client_registration_methods),
            server_information: response
                .server_information
                .filter(|information| !information.0.is_empty())
                .and_then(|information| shown(&information, Tag::ServerInformation)),
            extensions: all(&response.extension_information, Tag::ExtensionInformation),
            profiles: all(&response.profile_information, Tag::ProfileInformation),
            capabilities: all(&response.capability_information, Tag::CapabilityInformation),
            validations: all(&response.validation_information, Tag::ValidationInformation),
            random_number_generators: all(&response.rng_parameters, Tag::RNGParameters),
            defaults: response
                .defaults_information
                .and_then(|defaults| shown(&defaults, Tag::DefaultsInformation)),
            protection_storage_masks: response
                .protection_storage_masks
                .and_then(|masks| shown(&masks, Tag::ProtectionStorageMasks)),
        }
    }
}

fn names<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn all<T: Value>(values: &[T], tag: Tag) -> Vec<Shown> {
    values
        .iter()
        .filter_map(|value| shown(value, tag))
        .collect()
}

fn shown<T: Value>(value: &T, tag: Tag) -> Option<Shown> {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    value.encode(tag, &mut writer);
    let buffer = writer.finish().ok()?;
    let limits = Limits {
        message_bytes: usize::MAX,
        items: usize::MAX,
        depth: Limits::MAX_DEPTH,
        ..Limits::DEFAULT
    };
    let element = check(buffer.as_slice(), &limits).ok()?;
    Some(Shown::new(&element, tag, Secrecy::Judged))
}

impl Report for Offered {
    fn write(&self, page: &mut Page) {
        let lines = |values: &[Shown]| words(values.iter().map(|value| value.one_line()));
        let one = |value: &Option<Shown>| value.as_ref().map(Shown::one_line).unwrap_or_default();
        page.pairs(&[
            (
                "Vendor",
                self.vendor_identification.clone().unwrap_or_default(),
            ),
            ("Operations", words(&self.operations)),
            ("Object Types", words(&self.object_types)),
            (
                "Application Namespaces",
                words(&self.application_namespaces),
            ),
            ("Attestation Types", words(&self.attestation_types)),
            (
                "Client Registration Methods",
                words(&self.client_registration_methods),
            ),
            ("Server Information", one(&self.server_information)),
            ("Extensions", lines(&self.extensions)),
            ("Profiles", lines(&self.profiles)),
            ("Capabilities", lines(&self.capabilities)),
            ("Validations", lines(&self.validations)),
            (
                "Random Number Generators",
                lines(&self.random_number_generators),
            ),
            ("Defaults", one(&self.defaults)),
            (
                "Protection Storage Masks",
                one(&self.protection_storage_masks),
            ),
        ]);
    }
}

impl Query {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let version = session.negotiated_version();
        let functions = QueryFunction::ENTRIES
            .iter()
            .filter(|entry| version.at_least(entry.since))
            .map(|entry| QueryFunction::from_code(entry.code))
            // The map of the extensions says what the list says, and more.
            .filter(|function| *function != QueryFunction::QueryExtensionList);
        let everything = QueryRequest {
            query_functions: functions.collect(),
        };
        let response = match session.request(everything).await {
            // A server that does not know all of its version's functions.
            Err(error) if matches!(error.kind(), ErrorKind::Refused { .. }) => {
                let basic = QueryRequest {
                    query_functions: BASIC.to_vec(),
                };
                session.request(basic).await?
            }
            answer => answer?,
        };
        tool.report(&session, &Offered::new(response))
    }
}
