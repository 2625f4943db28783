//! What create and register have in common: the new object's attributes, its activation, the report.

use clap::Args;
use kmip::{AttributeValue, Attributes, Name};
use kmip_client::{Error, Session};
use serde::Serialize;

use crate::attribute::assignment;
use crate::failure::Failure;
use crate::find;
use crate::page::{Page, words};
use crate::tool::{Report, Tool};

/// What a new object gets.
#[derive(Debug, Args)]
pub(super) struct NewObject {
    /// Its Name; servers want it to be unique
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// A group that it belongs to (Object Group)
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Any other attribute, such as ContactInformation=ops@example.com or x-Purpose=backup; repeat it for more
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = assignment)]
    attributes: Vec<AttributeValue>,
    /// Activate it at once
    #[arg(long)]
    activate: bool,
}

/// An object that was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    unique_identifier: &'a str,
    name: Option<&'a str>,
    activated: bool,
}

impl Report for Made<'_> {
    fn write(&self, page: &mut Page) {
        page.pairs(&[
            ("Unique Identifier", self.unique_identifier.to_owned()),
            ("Name", self.name.unwrap_or_default().to_owned()),
            (
                "State",
                if self.activated { "Active" } else { "" }.to_owned(),
            ),
        ]);
    }
}

impl NewObject {
    /// Adds what was given to what the object gets anyway.
    pub(super) fn add_to(&self, mut attributes: Attributes) -> Attributes {
        if let Some(name) = &self.name {
            attributes.push(AttributeValue::Name(Name::text(name.clone())));
        }
        if let Some(group) = &self.group {
            attributes.push(AttributeValue::ObjectGroup(group.clone()));
        }
        for attribute in &self.attributes {
            attributes.push(attribute.clone());
        }
        attributes
    }

    /// Activates the object if that was asked for, and reports it.
    pub(super) async fn finish(
        &self,
        tool: &mut Tool<'_>,
        session: &mut Session,
        unique_identifier: &str,
    ) -> Result<(), Failure> {
        if self.activate {
            session.activate(unique_identifier).await.map_err(|error| {
                Failure::from(error)
                    .after(&format!(
                        "the object {unique_identifier} was made, but is not activated"
                    ))
                    .about(unique_identifier)
                    .advise(format!(
                        "try again with `strongroom kmip activate {unique_identifier}`"
                    ))
            })?;
        }
        let made = Made {
            unique_identifier,
            name: self.name.as_deref(),
            activated: self.activate,
        };
        tool.report(session, &made)
    }
}

/// The objects that have the new one's Name already: those that it is told apart from when an answer gets lost
/// ([`Session::create`]). `None` if nobody knows. Tells the user if there are some.
pub(super) async fn namesakes(
    tool: &mut Tool<'_>,
    session: &mut Session,
    name: Option<&Name>,
) -> Option<Vec<String>> {
    let name = name?;
    // A server that does not let us search may still let us create.
    let others = find::named(session, name.clone()).await.ok()?;
    let others: Vec<String> = others
        .into_iter()
        .map(|other| other.unique_identifier)
        .collect();
    if !others.is_empty() {
        tool.note(&format!(
            "the Name \"{}\" is also that of {}",
            name.value,
            words(&others)
        ));
    }
    Some(others)
}

/// Why there is no new object; or how to find out whether there is one.
pub(super) fn not_made(error: Error, name: Option<&Name>) -> Failure {
    let look = match name {
        Some(name) => format!("strongroom kmip locate --name \"{}\"", name.value),
        None => "strongroom kmip locate".to_owned(),
    };
    Failure::from(error).look_with(&look)
}
