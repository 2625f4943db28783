//! `attributes`: Get Attributes, and Set, Add, Modify and Delete Attribute (KMIP 1.4, sections 4.12 to 4.16; 2.1,
//! sections 6.1.2, 6.1.14, 6.1.21, 6.1.32 and 6.1.50).

use clap::Args;
use kmip::{AttributeName, AttributeValue};
use kmip_client::{Error, ErrorKind};
use serde::Serialize;

use crate::attribute::{ShownAttributes, assignment, json_name, name_of, value_of};
use crate::failure::Failure;
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
        for value in &self.set {
            let set = session.set_attribute(&id, value.clone()).await;
            set.map_err(|error| not_changed(error, &id, &value.attribute_name()))?;
        }
        for value in &self.add {
            let added = session.add_attribute(&id, value.clone()).await;
            added.map_err(|error| not_changed(error, &id, &value.attribute_name()))?;
        }
        for Removal { name, value } in &self.delete {
            let deleted = match value {
                Some(value) => session.delete_attribute_value(&id, value).await,
                None => session.delete_attribute(&id, name.clone()).await,
            };
            deleted.map_err(|error| not_changed(error, &id, name))?;
        }
        let names: Vec<AttributeName> = self.names.iter().map(|name| name_of(name)).collect();
        let attributes = session.read_attributes(&id, &names).await?;
        let told = Told {
            unique_identifier: id,
            attributes: ShownAttributes::new(&attributes, Secrecy::showing(self.show_material)),
        };
        tool.report(&session, &told)
    }
}

/// Why an attribute is as it was; or how to find out whether it is.
fn not_changed(error: Error, id: &str, name: &AttributeName) -> Failure {
    let kind = error.kind().clone();
    let failure = Failure::from(error).about(id).look_with(&format!(
        "strongroom kmip attributes {id} {}",
        json_name(name)
    ));
    match kind {
        ErrorKind::NotFound => failure.advise(format!(
            "`strongroom kmip attributes {id}` lists what it has"
        )),
        _ => failure,
    }
}
