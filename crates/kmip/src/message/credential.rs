//! Authentication and Credential (KMIP 1.4, 2.1.2 and 6.6; 2.1, 9.6 and 9.10).

use crate::codec::{Bytes, DateTimeExtended, Field, Structure, Value, take_once};
use crate::error::DecodeError;
use crate::registry::{AttestationType, CredentialType, HashingAlgorithm, Tag, TicketType};
use crate::secret::{SecretBytes, SecretItems, SecretText};
use crate::ttlv::{Element, Elements, Writer};
use crate::version::ProtocolVersion;

use super::Nonce;

/// Who the client is. Several credentials since 1.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authentication {
    /// The credentials. Some clients (FortiOS) put an Authentication into the Authentication: these are all of them.
    pub credentials: Vec<Credential>,
}

impl Value for Authentication {
    /// Recursion ends: the depth of a message was checked against [`Limits`](crate::Limits).
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let mut credentials = Vec::new();
        for field in element.structure()? {
            match field.tag() {
                Tag::Credential => credentials.push(Credential::decode(&field)?),
                Tag::Authentication => credentials.extend(Self::decode(&field)?.credentials),
                _ => {}
            }
        }
        Ok(Self { credentials })
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        let several = || "more than one Credential".to_owned();
        if self.credentials.len() > 1 && !writer.admits(ProtocolVersion::V1_2, several) {
            return;
        }
        writer.structure(tag, |writer| self.credentials.put(Tag::Credential, writer));
    }
}

structure! {
    /// A user and, as a rule, a password.
    pub struct UsernameAndPassword {
        /// The user.
        username: String = Username,
        /// The password.
        password: Option<SecretText> = Password,
    }
}

structure! {
    /// A device. Of 1.1.
    #[derive(Default)]
    pub struct DeviceCredential {
        /// Its serial number.
        device_serial_number: Option<String> = DeviceSerialNumber,
        /// Its password.
        password: Option<SecretText> = Password,
        /// Its identifier.
        device_identifier: Option<String> = DeviceIdentifier,
        /// The network's identifier.
        network_identifier: Option<String> = NetworkIdentifier,
        /// The machine's identifier.
        machine_identifier: Option<String> = MachineIdentifier,
        /// The medium's identifier.
        media_identifier: Option<String> = MediaIdentifier,
    }
}

structure! {
    /// An attestation. Of 1.2.
    pub struct AttestationCredential {
        /// The server's value that it answers.
        nonce: Nonce = Nonce,
        /// Its kind.
        attestation_type: AttestationType = AttestationType,
        /// A measurement.
        attestation_measurement: Option<Bytes> = AttestationMeasurement,
        /// An assertion.
        attestation_assertion: Option<Bytes> = AttestationAssertion,
    }
}

structure! {
    /// A user with a password for once. Of 2.0.
    pub struct OneTimePasswordCredential {
        /// The user.
        username: String = Username,
        /// The password.
        password: Option<SecretText> = Password,
        /// The password for once.
        one_time_password: SecretText = OneTimePassword,
    }
}

structure! {
    /// A user and the hash of a password. Of 2.0.
    pub struct HashedPasswordCredential {
        /// The user.
        username: String = Username,
        /// When it was hashed.
        time_stamp: DateTimeExtended = TimeStamp,
        /// The hash function.
        hashing_algorithm: Option<HashingAlgorithm> = HashingAlgorithm,
        /// The hash.
        hashed_password: SecretBytes = HashedPassword,
    }
}

structure! {
    /// What Login hands out. Of 2.0.
    pub struct Ticket {
        /// What it is for.
        ticket_type: TicketType = TicketType,
        /// It.
        ticket_value: SecretBytes = TicketValue,
    }
}

/// A credential of any type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and, as a rule, a password.
    UsernameAndPassword(UsernameAndPassword),
    /// A device. Of 1.1.
    Device(DeviceCredential),
    /// An attestation. Of 1.2.
    Attestation(AttestationCredential),
    /// A user with a password for once. Of 2.0.
    OneTimePassword(OneTimePasswordCredential),
    /// A user and the hash of a password. Of 2.0.
    HashedPassword(HashedPasswordCredential),
    /// A ticket. Of 2.0.
    Ticket(Ticket),
    /// A credential of a type that is not known.
    Other {
        /// Its type.
        credential_type: CredentialType,
        /// What is in it.
        value: SecretItems,
    },
}

impl Structure for Credential {
    fn decode_fields(fields: Elements<'_>, within: Tag) -> Result<Self, DecodeError> {
        let (mut credential_type, mut value) = (None, None);
        for field in fields {
            match field.tag() {
                Tag::CredentialType => {
                    take_once(&mut credential_type, &field, CredentialType::decode)?
                }
                Tag::CredentialValue => take_once(&mut value, &field, |field| Ok(*field))?,
                _ => {}
            }
        }
        let credential_type = credential_type.ok_or(DecodeError::Missing {
            tag: Tag::CredentialType,
            within,
        })?;
        let value = value.ok_or(DecodeError::Missing {
            tag: Tag::CredentialValue,
            within,
        })?;
        Ok(match credential_type {
            CredentialType::UsernameAndPassword => {
                Self::UsernameAndPassword(Value::decode(&value)?)
            }
            CredentialType::Device => Self::Device(Value::decode(&value)?),
            CredentialType::Attestation => Self::Attestation(Value::decode(&value)?),
            CredentialType::OneTimePassword => Self::OneTimePassword(Value::decode(&value)?),
            CredentialType::HashedPassword => Self::HashedPassword(Value::decode(&value)?),
            CredentialType::Ticket => Self::Ticket(Value::decode(&value)?),
            CredentialType::Other(_) => Self::Other {
                credential_type,
                value: Value::decode(&value)?,
            },
        })
    }

    fn encode_fields(&self, writer: &mut Writer) {
        self.credential_type().put(Tag::CredentialType, writer);
        let tag = Tag::CredentialValue;
        match self {
            Self::UsernameAndPassword(value) => value.encode(tag, writer),
            Self::Device(value) => value.encode(tag, writer),
            Self::Attestation(value) => value.encode(tag, writer),
            Self::OneTimePassword(value) => value.encode(tag, writer),
            Self::HashedPassword(value) => value.encode(tag, writer),
            Self::Ticket(value) => value.encode(tag, writer),
            Self::Other { value, .. } => value.encode(tag, writer),
        }
    }
}

impl Credential {
    /// The credential's type.
    #[must_use]
    pub const fn credential_type(&self) -> CredentialType {
        match self {
            Self::UsernameAndPassword(_) => CredentialType::UsernameAndPassword,
            Self::Device(_) => CredentialType::Device,
            Self::Attestation(_) => CredentialType::Attestation,
            Self::OneTimePassword(_) => CredentialType::OneTimePassword,
            Self::HashedPassword(_) => CredentialType::HashedPassword,
            Self::Ticket(_) => CredentialType::Ticket,
            Self::Other {
                credential_type, ..
            } => *credential_type,
        }
    }
}

impl Value for Credential {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        Self::decode_fields(element.structure()?, element.tag())
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| self.encode_fields(writer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::ttlv::{Buffer, Newer, check};
    use crate::version::ProtocolVersion;

    fn user(name: &str) -> Credential {
        Credential::UsernameAndPassword(UsernameAndPassword {
            username: name.to_owned(),
            password: Some("swordfish".into()),
        })
    }

    #[test]
    fn credentials_of_an_authentication_within_another_one() {
        let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V1_2, Newer::Refuse);
        writer.structure(Tag::Authentication, |writer| {
            user("a").encode(Tag::Credential, writer);
            writer.structure(Tag::Authentication, |writer| {
                user("b").encode(Tag::Credential, writer);
            });
            writer.structure(Tag::Authentication, |_| {});
        });
        let bytes = writer.finish().unwrap();
        let element = check(bytes.as_slice(), &Limits::DEFAULT).unwrap();
        let nested = Authentication::decode(&element).unwrap();
        assert_eq!(nested.credentials, [user("a"), user("b")]);
        // We write them as the specification has it.
        let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V1_2, Newer::Refuse);
        nested.encode(Tag::Authentication, &mut writer);
        let bytes = writer.finish().unwrap();
        let element = check(bytes.as_slice(), &Limits::DEFAULT).unwrap();
        assert!(
            element
                .structure()
                .unwrap()
                .all(|field| field.tag() == Tag::Credential)
        );
        assert_eq!(Authentication::decode(&element).unwrap(), nested);
    }
}
