//! `attributes`: Get Attributes, and Set, Add, Modify and Delete Attribute (KMIP 1.4, sections 4.12 to 4.16; 2.1,
//! sections 6.1.2, 6.1.14, 6.1.21, 6.1.32 and 6.1.50).

use clap::Args;
use kmip::operations::{
    AddAttributeRequest, DeleteAttributeRequest, ModifyAttributeRequest, SetAttributeRequest,
};
use kmip::registry::ResultReason;
use kmip::{Attribute, AttributeName, AttributeValue};
use kmip_client::{ErrorKind, Session};
use serde::Serialize;

use crate::attribute::{ShownAttributes, assignment, name_of, value_of};
use crate::failure::{Cause, Failure};
use crate::find::attributes_of;
use crate::identify::identify;
use crate::page::Page;
use crate::secrecy::Secrecy;
use crate::tool::{Report, Tool};

/// The arguments of `attributes`.
#[derive(Debug, Args)]
pub(crate) struct Attributes {
    /// The object: its Unique Identifier, or a Name that only it has
    #[arg(value_name = "ID")]
    id: String,
    /// The attributes to show, as in "Cryptographic Length" or CryptographicLength. Default: all
    #[arg(value_name = "ATTRIBUTE")]
    names: Vec<String>,
    /// Give an attribute this value, whether it has one or not; repeat it for more
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<AttributeValue>,
    /// Add a value to an attribute that may have several, such as Name; repeat it for more
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    add: Vec<AttributeValue>,
    /// Remove an attribute, or that value of it; repeat it for more
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = Removal::parse)]
    delete: Vec<Removal>,
    /// Show bytes of attributes that may be key material, too
    #[arg(long)]
    show_material: bool,
}

/// What `--delete` removes.
#[derive(Clone, Debug)]
struct Removal {
    name: AttributeName,
    value: Option<AttributeValue>,
}

impl Removal {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name_of(name.trim()), Some(value)),
            None => (name_of(text.trim()), None),
        };
        let value = value.map(|value| value_of(&name, value)).transpose()?;
        Ok(Self { name, value })
    }
}

/// The attributes of an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    unique_identifier: String,
    attributes: ShownAttributes,
}

impl Report for Told {
    fn write(&self, page: &mut Page) {
        if self.attributes.is_empty() {
            page.line("no attributes");
            return;
        }
        let pairs = self.attributes.pairs();
        let pairs: Vec<(&str, String)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        page.pairs(&pairs);
    }

    fn room(&self) -> usize {
        64 << 10
    }
}

impl Attributes {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let target = identify(&mut session, &self.id).await?;
        let id = target.unique_identifier;
        let about = |failure: Failure| match failure.cause() {
            Cause::Kmip(ErrorKind::NotFound) => failure.about(&id).advise(format!(
                "`strongroom kmip attributes {id}` lists what it has"
            )),
            _ => failure.about(&id),
        };
        for value in &self.set {
            set(&mut session, &id, value).await.map_err(about)?;
        }
        for value in &self.add {
            add(&mut session, &id, value).await.map_err(about)?;
        }
        for removal in &self.delete {
            delete(&mut session, &id, removal).await.map_err(about)?;
        }
        let names = self.names.iter().map(|name| name_of(name)).collect();
        let attributes = attributes_of(&mut session, &id, names).await?;
        let told = Told {
            unique_identifier: id,
            attributes: ShownAttributes::new(&attributes, Secrecy::showing(self.show_material)),
        };
        tool.report(&session, &told)
    }
}

/// Whether Modify Attribute may do what Set Attribute does not: it is not offered, or not for this attribute.
fn is_not_for_set(error: &kmip_client::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Refused {
            reason: Some(ResultReason::OperationNotSupported | ResultReason::MultiValuedAttribute),
            ..
        }
    )
}

/// Set Attribute where there is one; otherwise Modify Attribute for what is there, and Add Attribute for what is not.
async fn set(session: &mut Session, id: &str, value: &AttributeValue) -> Result<(), Failure> {
    let attribute = Attribute::from(value.clone());
    let is_typed = session.negotiated_version().has_typed_attributes();
    if is_typed {
        let request = SetAttributeRequest {
            unique_identifier: Some(id.into()),
            attribute: attribute.clone(),
        };
        match session.request(request).await {
            Ok(_) => return Ok(()),
            Err(error) if is_not_for_set(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name = value.attribute_name();
    let there = attributes_of(session, id, vec![name.clone()]).await?;
    let mut same = there
        .iter()
        .filter(|attribute| attribute.value.attribute_name() == name);
    let (current, another) = (same.next().cloned(), same.next());
    if another.is_some() {
        return Err(Failure::options(format!(
            "--set {name}: the object {id} has several: --delete one, and --add another"
        )));
    }
    let Some(current) = current else {
        return add(session, id, value).await;
    };
    let index = current.index;
    let request = ModifyAttributeRequest {
        unique_identifier: Some(id.into()),
        current_attribute: is_typed.then_some(current),
        attribute: Attribute { index, ..attribute },
    };
    session.request(request).await?;
    Ok(())
}

async fn add(session: &mut Session, id: &str, value: &AttributeValue) -> Result<(), Failure> {
    let request = AddAttributeRequest {
        unique_identifier: Some(id.into()),
        attribute: value.clone().into(),
    };
    session.request(request).await?;
    Ok(())
}

async fn delete(session: &mut Session, id: &str, removal: &Removal) -> Result<(), Failure> {
    let mut request = DeleteAttributeRequest {
        unique_identifier: Some(id.into()),
        ..DeleteAttributeRequest::default()
    };
    match (
        &removal.value,
        session.negotiated_version().has_typed_attributes(),
    ) {
        (Some(value), true) => request.current_attribute = Some(value.clone().into()),
        (None, true) => request.attribute_name = Some(removal.name.clone()),
        (value, false) => {
            request.attribute_name = Some(removal.name.clone());
            if let Some(value) = value {
                request.attribute_index = index_of(session, id, removal, value).await?;
            }
        }
    }
    session.request(request).await?;
    Ok(())
}

/// 1.x names an instance by its index: where it does not say, by its place.
async fn index_of(
    session: &mut Session,
    id: &str,
    removal: &Removal,
    value: &AttributeValue,
) -> Result<Option<i32>, Failure> {
    let there = attributes_of(session, id, vec![removal.name.clone()]).await?;
    let found = there
        .iter()
        .filter(|attribute| attribute.value.attribute_name() == removal.name)
        .zip(0_i32..)
        .find(|(attribute, _)| attribute.value == *value);
    match found {
        Some((attribute, place)) => Ok(Some(attribute.index.unwrap_or(place))),
        None => Err(Failure::at(
            session,
            ErrorKind::NotFound,
            &format!("the object {id} has no {} of that value", removal.name),
        )),
    }
}
