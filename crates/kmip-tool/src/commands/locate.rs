//! `locate`: Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.29).

use clap::Args;
use kmip::registry::{CryptographicAlgorithm, ObjectType, ResultReason, State};
use kmip::{AttributeValue, Attributes, Name};
use kmip_client::{Error, ErrorKind, Hit};
use serde::Serialize;

use crate::failure::Failure;
use crate::page::Page;
use crate::summary::{HEAD, Summary};
use crate::tool::{Report, Tool};
use crate::words::enumeration;

/// The arguments of `locate`.
#[derive(Debug, Args)]
pub(crate) struct Locate {
    /// Only objects of this Name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only objects in this state: PreActive, Active, Deactivated, Compromised, Destroyed, DestroyedCompromised
    #[arg(long, value_name = "STATE", value_parser = enumeration::<State>)]
    state: Option<State>,
    /// Only objects of this type: SymmetricKey, SecretData, Certificate, …
    #[arg(long = "type", value_name = "TYPE", value_parser = enumeration::<ObjectType>)]
    object_type: Option<ObjectType>,
    /// Only keys of this algorithm
    #[arg(long, value_name = "NAME", value_parser = enumeration::<CryptographicAlgorithm>)]
    algorithm: Option<CryptographicAlgorithm>,
    /// Only keys of this length, in bits
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(i32).range(1..))]
    length: Option<i32>,
    /// Only objects of this group (Object Group)
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// List so many at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max: Option<u32>,
    /// Leave out so many at the beginning
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    offset: u32,
}

/// What was found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Located {
    objects: Vec<Summary>,
    /// Hits of the server that do not have what was asked for.
    dismissed: usize,
    /// There are more than were asked for.
    more: bool,
}

impl Report for Located {
    fn write(&self, page: &mut Page) {
        if self.objects.is_empty() {
            page.line("no objects");
            return;
        }
        let rows: Vec<Vec<String>> = self.objects.iter().map(Summary::row).collect();
        page.table(&HEAD, &rows);
    }
}

/// Whether the server might not refuse another search. (PyKMIP answers General Failure to a search by the length of
/// keys when it has objects without one.)
fn is_about_the_search(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Refused { reason, .. } => !matches!(
            reason,
            Some(ResultReason::PermissionDenied | ResultReason::OperationNotSupported)
        ),
        _ => false,
    }
}

impl Locate {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let wanted = self.attributes();
        let offset = self.offset as usize;
        let most = self.max.map_or(usize::MAX, |max| max as usize);
        // The server may count only if every hit of its counts: it might not look at what we look for.
        let is_any = wanted.is_empty();
        let maximum_items = self
            .max
            .filter(|_| is_any)
            .and_then(|max| i32::try_from(max.saturating_add(self.offset).saturating_add(1)).ok());
        let hits = match session.locate_hits(&wanted, maximum_items).await {
            Err(error) if !is_any && is_about_the_search(&error) => {
                tool.note("the server refuses to search so: every object of its is looked at");
                session.locate_hits(&Attributes::new(), None).await?
            }
            hits => hits?,
        };
        let mut located = Located {
            objects: Vec::new(),
            dismissed: 0,
            more: false,
        };
        let mut skipped = 0;
        for hit in hits {
            if is_any && skipped < offset {
                skipped += 1;
                continue;
            }
            if located.objects.len() == most && is_any {
                located.more = true;
                break;
            }
            match session.verify_hit(&wanted, &hit).await? {
                Hit::Other => located.dismissed += 1,
                Hit::Gone => {}
                Hit::Verified(_) if skipped < offset => skipped += 1,
                Hit::Verified(_) if located.objects.len() == most => {
                    located.more = true;
                    break;
                }
                Hit::Verified(attributes) => located.objects.push(attributes.into()),
            }
        }
        if located.dismissed > 0 {
            tool.note(&format!(
                "{} more objects that the server returned do not have what was asked for: it does not search by all of it",
                located.dismissed
            ));
        }
        if located.more {
            tool.note("there are more objects: see --max and --offset");
        }
        tool.report(&session, &located)
    }

    fn attributes(&self) -> Attributes {
        let values = [
            self.object_type.map(AttributeValue::ObjectType),
            self.name
                .as_ref()
                .map(|name| AttributeValue::Name(Name::text(name.clone()))),
            self.state.map(AttributeValue::State),
            self.algorithm.map(AttributeValue::CryptographicAlgorithm),
            self.length.map(AttributeValue::CryptographicLength),
            self.group.clone().map(AttributeValue::ObjectGroup),
        ];
        values.into_iter().flatten().collect()
    }
}
