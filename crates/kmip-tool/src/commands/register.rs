//! `register`: Register (KMIP 1.4, section 4.3; 2.1, section 6.1.47).

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use kmip::objects::{
    Certificate, KeyBlock, OpaqueObject, PrivateKey, PublicKey, SecretData, SymmetricKey,
};
use kmip::operations::RegisterRequest;
use kmip::registry::{
    CertificateType, CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, OpaqueDataType,
    SecretDataType,
};
use kmip::{AttributeValue, Attributes, Bytes, ManagedObject, SecretBytes};

use super::new_object::{NewObject, namesakes, not_made};
use crate::failure::Failure;
use crate::limits::MATERIAL_FILE_BYTES;
use crate::material::{Encoding, decode, is_pem, pem};
use crate::tool::Tool;
use crate::words::{enumeration, usage};

/// The arguments of `register`.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The file with the object; without it, or as `-`, standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What it is. Default: symmetric-key, or what a PEM file says
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Kind>,
    /// How it is written down. Default: pem if it looks like that, otherwise raw
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<Encoding>,
    /// The key's algorithm. Default: AES for symmetric keys; needed for public and private keys
    #[arg(long, value_name = "NAME", value_parser = enumeration::<CryptographicAlgorithm>)]
    algorithm: Option<CryptographicAlgorithm>,
    /// The key's length, in bits. Default: that of the bytes for symmetric keys; needed for public and private keys
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(i32).range(1..))]
    length: Option<i32>,
    /// What it may be used for. Default: Encrypt,Decrypt; Sign for private keys; Verify for the others
    #[arg(long, value_name = "USAGE", value_parser = usage)]
    usage: Option<CryptographicUsageMask>,
    /// What secret data is: Password or Seed
    #[arg(long, value_name = "TYPE", default_value = "Password", value_parser = enumeration::<SecretDataType>)]
    secret_type: SecretDataType,
    #[command(flatten)]
    object: NewObject,
}

/// The types of objects that can be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A symmetric key
    SymmetricKey,
    /// A secret that is no key
    SecretData,
    /// Anything
    Opaque,
    /// An X.509 certificate
    Certificate,
    /// A public key
    PublicKey,
    /// A private key
    PrivateKey,
}

/// What is to be registered, and how its bytes are to be read.
struct Contents {
    kind: Kind,
    format: KeyFormatType,
    bytes: SecretBytes,
}

impl Register {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let contents = self.contents(tool)?;
        let (object, attributes) = self.managed_object(contents)?;
        let request = RegisterRequest {
            object_type: object.object_type(),
            attributes: self.object.add_to(attributes),
            object,
            protection_storage_masks: None,
        };
        let mut session = tool.connect().await?;
        let name = request.attributes.names().next().cloned();
        let namesakes = namesakes(tool, &mut session, name.as_ref()).await;
        let unique_identifier = session
            .register(request, namesakes.as_deref())
            .await
            .map_err(|error| not_made(error, name.as_ref()))?;
        self.object
            .finish(tool, &mut session, &unique_identifier)
            .await
    }

    fn contents(&self, tool: &mut Tool<'_>) -> Result<Contents, Failure> {
        let bytes = tool.read(self.file.as_deref(), MATERIAL_FILE_BYTES, "--file")?;
        let wrong = |why: String| {
            let name = match &self.file {
                Some(file) => format!("--file {}", file.display()),
                None => "standard input".to_owned(),
            };
            Failure::options(format!("{name}: {why}"))
        };
        let encoding = self.encoding.unwrap_or(if is_pem(&bytes) {
            Encoding::Pem
        } else {
            Encoding::Raw
        });
        let contents = if encoding == Encoding::Pem {
            let block = pem(&bytes).map_err(wrong)?;
            let (kind, format) = of_label(&block.label).map_err(wrong)?;
            if let Some(given) = self.kind.filter(|given| *given != kind) {
                return Err(wrong(format!(
                    "it holds a {}, and --type says {given:?}",
                    block.label
                )));
            }
            Contents {
                kind,
                format,
                bytes: block.contents,
            }
        } else {
            let kind = self.kind.unwrap_or(Kind::SymmetricKey);
            let format = match kind {
                Kind::PublicKey => KeyFormatType::X_509,
                Kind::PrivateKey => KeyFormatType::PKCS_8,
                _ => KeyFormatType::Raw,
            };
            Contents {
                kind,
                format,
                bytes: decode(bytes, encoding).map_err(wrong)?,
            }
        };
        if contents.bytes.is_empty() {
            return Err(wrong("there is nothing in it".to_owned()));
        }
        let length = contents.bytes.len();
        let is_aes = contents.kind == Kind::SymmetricKey
            && self
                .algorithm
                .is_none_or(|algorithm| algorithm == CryptographicAlgorithm::AES);
        if is_aes && !matches!(length, 16 | 24 | 32) {
            return Err(wrong(format!(
                "it holds {length} bytes, and AES keys have 16, 24 or 32: give --encoding hex or base64 if it is \
                 written so, or another --algorithm; a line's end counts in raw files"
            )));
        }
        Ok(contents)
    }

    fn usage_of(&self, kind: Kind) -> Option<CryptographicUsageMask> {
        self.usage.or(match kind {
            Kind::SymmetricKey => {
                Some(CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt)
            }
            Kind::PrivateKey => Some(CryptographicUsageMask::Sign),
            Kind::PublicKey | Kind::Certificate | Kind::SecretData => {
                Some(CryptographicUsageMask::Verify)
            }
            Kind::Opaque => None,
        })
    }

    /// The object, and the attributes that it gets besides those that were given.
    fn managed_object(&self, contents: Contents) -> Result<(ManagedObject, Attributes), Failure> {
        let Contents {
            kind,
            format,
            bytes,
        } = contents;
        let mut attributes = Attributes::new();
        let object: ManagedObject = match kind {
            Kind::SymmetricKey => {
                let bits = i32::try_from(bytes.len().saturating_mul(8)).unwrap_or(i32::MAX);
                if let Some(given) = self.length.filter(|given| *given != bits) {
                    return Err(Failure::options(format!(
                        "--length is {given} bits, and the key has {bits}"
                    )));
                }
                let algorithm = self.algorithm.unwrap_or(CryptographicAlgorithm::AES);
                attributes.push(AttributeValue::CryptographicAlgorithm(algorithm));
                attributes.push(AttributeValue::CryptographicLength(bits));
                SymmetricKey {
                    key_block: KeyBlock::raw(algorithm, bytes),
                }
                .into()
            }
            Kind::SecretData => SecretData {
                secret_data_type: self.secret_type,
                key_block: KeyBlock {
                    // What servers and clients use for what has no structure of its own.
                    key_format_type: KeyFormatType::Opaque,
                    ..KeyBlock::secret(bytes)
                },
            }
            .into(),
            Kind::Opaque => OpaqueObject {
                // The standard has none; the first of the extensions.
                opaque_data_type: OpaqueDataType::Other(0x8000_0000),
                opaque_data_value: bytes,
            }
            .into(),
            Kind::Certificate => Certificate {
                certificate_type: CertificateType::X_509,
                certificate_value: Bytes(bytes.expose().to_vec()),
            }
            .into(),
            Kind::PublicKey => PublicKey {
                key_block: self.asymmetric(format, bytes, &mut attributes)?,
            }
            .into(),
            Kind::PrivateKey => PrivateKey {
                key_block: self.asymmetric(format, bytes, &mut attributes)?,
            }
            .into(),
        };
        if let Some(usage) = self.usage_of(kind) {
            attributes.push(AttributeValue::CryptographicUsageMask(usage));
        }
        Ok((object, attributes))
    }

    fn asymmetric(
        &self,
        format: KeyFormatType,
        bytes: SecretBytes,
        attributes: &mut Attributes,
    ) -> Result<KeyBlock, Failure> {
        let (Some(algorithm), Some(length)) = (self.algorithm, self.length) else {
            return Err(Failure::options(
                "public and private keys need --algorithm (RSA, ECDSA, …) and --length (in bits)",
            ));
        };
        attributes.push(AttributeValue::CryptographicAlgorithm(algorithm));
        attributes.push(AttributeValue::CryptographicLength(length));
        Ok(KeyBlock {
            key_format_type: format,
            cryptographic_length: Some(length),
            ..KeyBlock::raw(algorithm, bytes)
        })
    }
}

/// What the label of a PEM block says (RFC 7468; RFC 5915; PKCS #1).
fn of_label(label: &str) -> Result<(Kind, KeyFormatType), String> {
    Ok(match label {
        "CERTIFICATE" | "X509 CERTIFICATE" => (Kind::Certificate, KeyFormatType::X_509),
        "PUBLIC KEY" => (Kind::PublicKey, KeyFormatType::X_509),
        "RSA PUBLIC KEY" => (Kind::PublicKey, KeyFormatType::PKCS_1),
        "PRIVATE KEY" => (Kind::PrivateKey, KeyFormatType::PKCS_8),
        "RSA PRIVATE KEY" => (Kind::PrivateKey, KeyFormatType::PKCS_1),
        "EC PRIVATE KEY" => (Kind::PrivateKey, KeyFormatType::ECPrivateKey),
        "ENCRYPTED PRIVATE KEY" => {
            return Err("the private key is encrypted: decrypt it first (openssl pkey)".to_owned());
        }
        label => {
            return Err(format!(
                "it holds a {}, which is neither a certificate nor a key",
                crate::page::escaped(label)
            ));
        }
    })
}
