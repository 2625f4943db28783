//! `create`: Create (KMIP 1.4, section 4.1; 2.1, section 6.1.8).

use clap::Args;
use kmip::operations::CreateRequest;
use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType};
use kmip::{AttributeValue, Attributes};

use super::new_object::{NewObject, namesakes, not_made};
use crate::failure::Failure;
use crate::tool::Tool;
use crate::words::{enumeration, usage};

/// The arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The algorithm
    #[arg(long, value_name = "NAME", default_value = "AES", value_parser = enumeration::<CryptographicAlgorithm>)]
    algorithm: CryptographicAlgorithm,
    /// The length, in bits
    #[arg(long, value_name = "BITS", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    length: u32,
    /// What the key may be used for (Cryptographic Usage Mask)
    #[arg(long, value_name = "USAGE", default_value = "Encrypt,Decrypt", value_parser = usage)]
    usage: CryptographicUsageMask,
    #[command(flatten)]
    object: NewObject,
}

impl Create {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let attributes = Attributes::new()
            .with(AttributeValue::CryptographicAlgorithm(self.algorithm))
            .with(AttributeValue::CryptographicLength(
                i32::try_from(self.length).unwrap_or(i32::MAX),
            ))
            .with(AttributeValue::CryptographicUsageMask(self.usage));
        let request = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: self.object.add_to(attributes),
            protection_storage_masks: None,
        };
        let mut session = tool.connect().await?;
        let name = request.attributes.names().next().cloned();
        let namesakes = namesakes(tool, &mut session, name.as_ref()).await;
        let unique_identifier = session
            .create(request, namesakes.as_deref())
            .await
            .map_err(|error| not_made(error, name.as_ref()))?;
        self.object
            .finish(tool, &mut session, &unique_identifier)
            .await
    }
}
