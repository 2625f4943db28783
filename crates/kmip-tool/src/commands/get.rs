//! `get`: Get (KMIP 1.4, section 4.11; 2.1, section 6.1.20).

use std::path::PathBuf;

use clap::Args;
use kmip::ManagedObject;
use kmip::objects::KeyBlock;
use kmip::registry::{CryptographicAlgorithm, KeyFormatType, ObjectType};
use kmip_client::material;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::identify::identify;
use crate::material::{Encoding, encode, write_file};
use crate::page::Page;
use crate::summary::name;
use crate::tool::{Report, Tool};

/// The arguments of `get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The object: its Unique Identifier, or a Name that only it has
    #[arg(value_name = "ID")]
    id: String,
    /// Print the key material
    #[arg(long)]
    show_material: bool,
    /// Write the key material to this new file, with mode 0600
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to write the material down. Default: hex where it is printed, raw in a file, pem for what is public
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<Encoding>,
}

/// An object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Got {
    unique_identifier: String,
    #[serde(serialize_with = "word")]
    object_type: ObjectType,
    #[serde(serialize_with = "name")]
    key_format_type: Option<KeyFormatType>,
    #[serde(serialize_with = "name")]
    cryptographic_algorithm: Option<CryptographicAlgorithm>,
    cryptographic_length: Option<i32>,
    /// Wrapped under another key: what there is of material is not the key itself.
    wrapped: bool,
    /// `None` for a key that is a structure of numbers.
    material_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "secret")]
    material: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

fn word<T: ToString, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

fn secret<S: Serializer>(
    text: &Option<Zeroizing<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match text {
        Some(text) => serializer.serialize_str(text),
        None => serializer.serialize_none(),
    }
}

impl Report for Got {
    fn write(&self, page: &mut Page) {
        let text = |value: Option<String>| value.unwrap_or_default();
        let material = match (self.material_bytes, &self.file) {
            (None, _) => "a structure of numbers: see it with strongroom kmip raw".to_owned(),
            (Some(bytes), Some(file)) => format!("{bytes} bytes, written to {}", file.display()),
            (Some(bytes), None) if self.material.is_some() => format!("{bytes} bytes"),
            (Some(bytes), None) => format!(
                "{bytes} bytes (hidden; --show-material prints them, --out FILE writes them to a file)"
            ),
        };
        page.pairs(&[
            ("Unique Identifier", self.unique_identifier.clone()),
            ("Object Type", self.object_type.to_string()),
            (
                "Key Format Type",
                text(self.key_format_type.map(|format| format.to_string())),
            ),
            (
                "Cryptographic Algorithm",
                text(
                    self.cryptographic_algorithm
                        .map(|algorithm| algorithm.to_string()),
                ),
            ),
            (
                "Cryptographic Length",
                text(self.cryptographic_length.map(|bits| format!("{bits} bits"))),
            ),
            (
                "Wrapped",
                if self.wrapped {
                    "under another key"
                } else {
                    ""
                }
                .to_owned(),
            ),
            ("Material", material),
        ]);
        if let Some(material) = &self.material {
            page.verbatim(material);
        }
    }

    fn room(&self) -> usize {
        // JSON escapes the line ends of PEM.
        let material = self.material.as_ref().map_or(0, |material| material.len());
        material.saturating_mul(2).saturating_add(8 << 10)
    }
}

impl Get {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let target = identify(&mut session, &self.id).await?;
        let object = match session.get_object(&target.unique_identifier).await {
            Ok(object) => object,
            Err(error) => {
                return Err(Failure::from(error)
                    .about(&target.unique_identifier)
                    .explain(target.state()));
            }
        };
        let got = self.got(&target.unique_identifier, &object)?;
        tool.report(&session, &got)
    }

    fn got(&self, unique_identifier: &str, object: &ManagedObject) -> Result<Got, Failure> {
        let block = object.key_block();
        let label = label(object, block);
        let mut got = Got {
            unique_identifier: unique_identifier.to_owned(),
            object_type: object.object_type(),
            key_format_type: block.map(|block| block.key_format_type),
            cryptographic_algorithm: block.and_then(|block| block.cryptographic_algorithm),
            cryptographic_length: block.and_then(|block| block.cryptographic_length),
            wrapped: block.is_some_and(|block| block.key_wrapping_data.is_some()),
            material_bytes: None,
            encoding: None,
            material: None,
            file: None,
        };
        let Some(material) = material(object) else {
            return match (self.show_material, &self.out) {
                (false, None) => Ok(got),
                _ => Err(Failure::options(
                    "the key is a structure of numbers, which cannot be written down as bytes: see it with \
                     strongroom kmip raw",
                )),
            };
        };
        got.material_bytes = Some(material.len());
        let is_public = matches!(
            object,
            ManagedObject::Certificate(_)
                | ManagedObject::CertificateRequest(_)
                | ManagedObject::PublicKey(_)
        );
        let encoding = self.encoding.unwrap_or(match label {
            Some(_) if is_public => Encoding::Pem,
            _ if self.out.is_some() => Encoding::Raw,
            _ => Encoding::Hex,
        });
        let Some(label) = label.or((encoding != Encoding::Pem).then_some("")) else {
            return Err(Failure::options(
                "--encoding pem is for certificates, public and private keys",
            ));
        };
        if let Some(path) = &self.out {
            match encoding {
                Encoding::Raw => write_file(path, material.expose())?,
                _ => {
                    let mut text = encode(material.expose(), encoding, label);
                    if !text.ends_with('\n') {
                        text.reserve_exact(1);
                        text.push('\n');
                    }
                    write_file(path, text.as_bytes())?;
                }
            }
            got.encoding = Some(encoding);
            got.file = Some(path.clone());
        }
        if self.show_material || (is_public && self.out.is_none()) {
            got.encoding = Some(match encoding {
                // What would be drawn on a terminal are its digits.
                Encoding::Raw => Encoding::Hex,
                other => other,
            });
            got.material = Some(encode(material.expose(), encoding, label));
        }
        Ok(got)
    }
}

/// What the object's PEM block is called.
fn label(object: &ManagedObject, block: Option<&KeyBlock>) -> Option<&'static str> {
    let format = block
        .filter(|block| block.key_wrapping_data.is_none())
        .map(|block| block.key_format_type);
    Some(match (object, format) {
        (ManagedObject::Certificate(_), _) => "CERTIFICATE",
        (ManagedObject::CertificateRequest(_), _) => "CERTIFICATE REQUEST",
        (ManagedObject::PublicKey(_), Some(KeyFormatType::X_509)) => "PUBLIC KEY",
        (ManagedObject::PublicKey(_), Some(KeyFormatType::PKCS_1)) => "RSA PUBLIC KEY",
        (ManagedObject::PrivateKey(_), Some(KeyFormatType::PKCS_8)) => "PRIVATE KEY",
        (ManagedObject::PrivateKey(_), Some(KeyFormatType::PKCS_1)) => "RSA PRIVATE KEY",
        (ManagedObject::PrivateKey(_), Some(KeyFormatType::ECPrivateKey)) => "EC PRIVATE KEY",
        _ => return None,
    })
}
