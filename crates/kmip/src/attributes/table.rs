//! The one table of attributes.

use std::borrow::Cow;

use crate::codec::{Bytes, DateTime, Interval, Value};
use crate::error::{DecodeError, EncodeError};
use crate::identifier::UniqueIdentifier;
use crate::registry::{
    CertificateType, CryptographicAlgorithm, CryptographicUsageMask, DigitalSignatureAlgorithm,
    KeyFormatType, NISTKeyType, ObjectGroupMember, ObjectType, OpaqueDataType, ProtectionLevel,
    ProtectionStorageMask, State, Tag,
};
use crate::structures::{
    AlternativeName, ApplicationSpecificInformation, CertificateIdentifier, CertificateIssuer,
    CertificateSubject, CryptographicDomainParameters, CryptographicParameters, Digest,
    KeyValueLocation, Link, Name, RNGParameters, RevocationReason, RotateName, UsageLimits,
    X509CertificateIdentifier, X509CertificateIssuer, X509CertificateSubject,
};
use crate::ttlv::{Element, Item, ItemValue, Writer};
use crate::version::ProtocolVersion;

use super::{Attribute, AttributeName, Attributes};

macro_rules! attributes {
    ($(
        $(#[$meta:meta])*
        $since:ident $accessor:ident: $variant:ident($type:ty) = $tag:ident, $name:literal;
    )*) => {
        /// An attribute with its value.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)]
        #[non_exhaustive]
        pub enum AttributeValue {
            $( $(#[$meta])* $variant($type), )*
            /// An attribute that is not in the standard.
            Vendor {
                /// Whose it is: `x` for clients' and `y` for the server's in 1.x.
                vendor: String,
                /// Its name, without the vendor.
                name: String,
                /// Its value.
                value: ItemValue,
            },
            /// An attribute of 1.x that is not in this table.
            Named {
                /// Its name.
                name: String,
                /// Its value.
                value: ItemValue,
            },
            /// An attribute of 2.x that is not in this table.
            Tagged(Item),
        }

        impl AttributeValue {
            /// The attribute's name.
            #[must_use]
            pub fn attribute_name(&self) -> AttributeName {
                match self {
                    $( Self::$variant(_) => AttributeName::Standard(Tag::$tag), )*
                    Self::Vendor { vendor, name, .. } =>
                        AttributeName::Vendor { vendor: vendor.clone(), name: name.clone() },
                    Self::Named { name, .. } => AttributeName::Named(name.clone()),
                    Self::Tagged(item) => AttributeName::Standard(item.tag),
                }
            }

            pub(super) fn from_named(name: &str, element: &Element<'_>) -> Result<Self, DecodeError> {
                match name {
                    $( $name => Value::decode(element).map(Self::$variant), )*
                    _ => {
                        let value = ItemValue::from_element(element)?;
                        Ok(match AttributeName::from_1_x(name) {
                            AttributeName::Vendor { vendor, name } => Self::Vendor { vendor, name, value },
                            _ => Self::Named { name: name.to_owned(), value },
                        })
                    }
                }
            }

            pub(super) fn from_tagged(element: &Element<'_>) -> Result<Self, DecodeError> {
                match element.tag() {
                    $( Tag::$tag => Value::decode(element).map(Self::$variant), )*
                    _ => Item::from_element(element).map(Self::Tagged),
                }
            }

            /// Whether the message's version has the attribute.
            pub(super) fn admitted(&self, writer: &mut Writer) -> bool {
                match self {
                    $(
                        Self::$variant(_) => {
                            let what = || concat!("the attribute ", $name).to_owned();
                            writer.admits_span(Some(ProtocolVersion::$since), Tag::$tag.until(), what)
                        }
                    )*
                    Self::Vendor { .. } => true,
                    Self::Named { name, .. } => {
                        writer.admits_until(ProtocolVersion::V1_4, || format!("the attribute {name}"))
                    }
                    Self::Tagged(item) => {
                        writer.admits(ProtocolVersion::V2_0, || format!("the attribute {}", item.tag))
                    }
                }
            }

            pub(super) fn name_1_x(&self) -> Cow<'_, str> {
                match self {
                    $( Self::$variant(_) => Cow::Borrowed($name), )*
                    Self::Vendor { vendor, name, .. } => AttributeName::vendor_1_x(vendor, name).into(),
                    Self::Named { name, .. } => Cow::Borrowed(name),
                    Self::Tagged(item) => Cow::Owned(item.tag.to_string()),
                }
            }

            pub(super) fn write_value(&self, tag: Tag, writer: &mut Writer) {
                match self {
                    $( Self::$variant(value) => value.encode(tag, writer), )*
                    Self::Vendor { value, .. } | Self::Named { value, .. } => value.write(tag, writer),
                    Self::Tagged(item) => item.value.write(tag, writer),
                }
            }

            pub(super) fn write_typed(&self, writer: &mut Writer) {
                match self {
                    $( Self::$variant(value) => value.encode(Tag::$tag, writer), )*
                    Self::Vendor { vendor, name, value } => writer.structure(Tag::Attribute, |writer| {
                        writer.text(Tag::VendorIdentification, vendor);
                        writer.text(Tag::AttributeName, name);
                        value.write(Tag::AttributeValue, writer);
                    }),
                    // Comes here only where nothing is left out: better no record of the object than one without it.
                    Self::Named { .. } => writer.fail(EncodeError::Unencodable {
                        what: "an attribute that is not in the table, in the shape of 2.x",
                    }),
                    Self::Tagged(item) => item.write(writer),
                }
            }
        }

        /// The accessors: the first instance of each attribute.
        impl Attributes {
            $(
                #[doc = concat!("The first `", $name, "`.")]
                #[must_use]
                pub fn $accessor(&self) -> Option<&$type> {
                    self.iter().find_map(|Attribute { value, .. }| match value {
                        AttributeValue::$variant(value) => Some(value),
                        _ => None,
                    })
                }
            )*
        }

        /// The name that 1.x uses for the attribute with this tag, and the first version that has the attribute: the tag
        /// may be older. The last version is the tag's.
        pub(crate) fn standard_name(tag: Tag) -> Option<(&'static str, ProtocolVersion)> {
            Some(match tag {
                $( Tag::$tag => ($name, ProtocolVersion::$since), )*
                _ => return None,
            })
        }

        /// The tag of the attribute with this name of 1.x.
        pub(crate) fn tag_of_name(name: &str) -> Option<Tag> {
            Some(match name {
                $( $name => Tag::$tag, )*
                _ => return None,
            })
        }
    };
}

attributes! {
    /// The object's identifier.
    V1_0 unique_identifier: UniqueIdentifier(UniqueIdentifier) = UniqueIdentifier, "Unique Identifier";
    /// A name.
    V1_0 name: Name(Name) = Name, "Name";
    /// The object's type.
    V1_0 object_type: ObjectType(ObjectType) = ObjectType, "Object Type";
    /// The key's algorithm.
    V1_0 cryptographic_algorithm: CryptographicAlgorithm(CryptographicAlgorithm) = CryptographicAlgorithm,
        "Cryptographic Algorithm";
    /// The key's length, in bits.
    V1_0 cryptographic_length: CryptographicLength(i32) = CryptographicLength, "Cryptographic Length";
    /// How the key is used.
    V1_0 cryptographic_parameters: CryptographicParameters(CryptographicParameters) = CryptographicParameters,
        "Cryptographic Parameters";
    /// The key's group or curve.
    V1_0 cryptographic_domain_parameters: CryptographicDomainParameters(CryptographicDomainParameters) =
        CryptographicDomainParameters, "Cryptographic Domain Parameters";
    /// The certificate's type.
    V1_0 certificate_type: CertificateType(CertificateType) = CertificateType, "Certificate Type";
    /// The certificate's length, in bytes.
    V1_1 certificate_length: CertificateLength(i32) = CertificateLength, "Certificate Length";
    /// The certificate's issuer and serial number.
    V1_1 x_509_certificate_identifier: X509CertificateIdentifier(X509CertificateIdentifier) =
        X_509CertificateIdentifier, "X.509 Certificate Identifier";
    /// The certificate's subject.
    V1_1 x_509_certificate_subject: X509CertificateSubject(X509CertificateSubject) = X_509CertificateSubject,
        "X.509 Certificate Subject";
    /// The certificate's issuer.
    V1_1 x_509_certificate_issuer: X509CertificateIssuer(X509CertificateIssuer) = X_509CertificateIssuer,
        "X.509 Certificate Issuer";
    /// The certificate's issuer and serial number, as text.
    V1_0 certificate_identifier: CertificateIdentifier(CertificateIdentifier) = CertificateIdentifier,
        "Certificate Identifier";
    /// The certificate's subject, as text.
    V1_0 certificate_subject: CertificateSubject(CertificateSubject) = CertificateSubject,
        "Certificate Subject";
    /// The certificate's issuer, as text.
    V1_0 certificate_issuer: CertificateIssuer(CertificateIssuer) = CertificateIssuer, "Certificate Issuer";
    /// The scheme of the certificate's signature.
    V1_1 digital_signature_algorithm: DigitalSignatureAlgorithm(DigitalSignatureAlgorithm) =
        DigitalSignatureAlgorithm, "Digital Signature Algorithm";
    /// A digest of the key value.
    V1_0 digest: Digest(Digest) = Digest, "Digest";
    /// The policy that says who may do what.
    V1_0 operation_policy_name: OperationPolicyName(String) = OperationPolicyName, "Operation Policy Name";
    /// What the key may be used for.
    V1_0 cryptographic_usage_mask: CryptographicUsageMask(CryptographicUsageMask) = CryptographicUsageMask,
        "Cryptographic Usage Mask";
    /// How long a client should use the object without asking again.
    V1_0 lease_time: LeaseTime(Interval) = LeaseTime, "Lease Time";
    /// How often the key may be used.
    V1_0 usage_limits: UsageLimits(UsageLimits) = UsageLimits, "Usage Limits";
    /// Where the object is in its life cycle.
    V1_0 state: State(State) = State, "State";
    /// When the object was made or registered.
    V1_0 initial_date: InitialDate(DateTime) = InitialDate, "Initial Date";
    /// When it becomes active.
    V1_0 activation_date: ActivationDate(DateTime) = ActivationDate, "Activation Date";
    /// From when it may be used to decrypt and verify.
    V1_0 process_start_date: ProcessStartDate(DateTime) = ProcessStartDate, "Process Start Date";
    /// Until when it may be used to encrypt and sign.
    V1_0 protect_stop_date: ProtectStopDate(DateTime) = ProtectStopDate, "Protect Stop Date";
    /// When it is deactivated.
    V1_0 deactivation_date: DeactivationDate(DateTime) = DeactivationDate, "Deactivation Date";
    /// When it was destroyed.
    V1_0 destroy_date: DestroyDate(DateTime) = DestroyDate, "Destroy Date";
    /// When it was compromised.
    V1_0 compromise_occurrence_date: CompromiseOccurrenceDate(DateTime) = CompromiseOccurrenceDate,
        "Compromise Occurrence Date";
    /// When its compromise became known.
    V1_0 compromise_date: CompromiseDate(DateTime) = CompromiseDate, "Compromise Date";
    /// Why it was revoked.
    V1_0 revocation_reason: RevocationReason(RevocationReason) = RevocationReason, "Revocation Reason";
    /// When it was archived.
    V1_0 archive_date: ArchiveDate(DateTime) = ArchiveDate, "Archive Date";
    /// A group that it belongs to.
    V1_0 object_group: ObjectGroup(String) = ObjectGroup, "Object Group";
    /// Whether it has not been handed out yet.
    V1_1 fresh: Fresh(bool) = Fresh, "Fresh";
    /// A link to another object.
    V1_0 link: Link(Link) = Link, "Link";
    /// Data of an application.
    V1_0 application_specific_information: ApplicationSpecificInformation(ApplicationSpecificInformation) =
        ApplicationSpecificInformation, "Application Specific Information";
    /// Whom to ask about the object.
    V1_0 contact_information: ContactInformation(String) = ContactInformation, "Contact Information";
    /// When it or an attribute was last changed.
    V1_0 last_change_date: LastChangeDate(DateTime) = LastChangeDate, "Last Change Date";
    /// Another name.
    V1_2 alternative_name: AlternativeName(AlternativeName) = AlternativeName, "Alternative Name";
    /// Whether the server has the key itself.
    V1_2 key_value_present: KeyValuePresent(bool) = KeyValuePresent, "Key Value Present";
    /// Where the key is if the server does not have it.
    V1_2 key_value_location: KeyValueLocation(KeyValueLocation) = KeyValueLocation, "Key Value Location";
    /// When the object was made, on whatever server.
    V1_2 original_creation_date: OriginalCreationDate(DateTime) = OriginalCreationDate, "Original Creation Date";
    /// The generator that the key came from.
    V1_3 random_number_generator: RandomNumberGenerator(RNGParameters) = RandomNumberGenerator,
        "Random Number Generator";
    /// The name in a PKCS#12 container.
    V1_4 pkcs_12_friendly_name: PKCS12FriendlyName(String) = PKCS_12FriendlyName, "PKCS#12 Friendly Name";
    /// A description.
    V1_4 description: Description(String) = Description, "Description";
    /// A comment.
    V1_4 comment: Comment(String) = Comment, "Comment";
    /// Whether the key leaves the server only wrapped.
    V1_4 sensitive: Sensitive(bool) = Sensitive, "Sensitive";
    /// Whether that has always been so.
    V1_4 always_sensitive: AlwaysSensitive(bool) = AlwaysSensitive, "Always Sensitive";
    /// Whether the key may leave the server.
    V1_4 extractable: Extractable(bool) = Extractable, "Extractable";
    /// Whether it has never been allowed to.
    V1_4 never_extractable: NeverExtractable(bool) = NeverExtractable, "Never Extractable";
    /// The common name of the certificate's subject.
    V2_0 certificate_subject_cn: CertificateSubjectCN(String) = CertificateSubjectCN, "Certificate Subject CN";
    /// An organisation of the certificate's subject.
    V2_0 certificate_subject_o: CertificateSubjectO(String) = CertificateSubjectO, "Certificate Subject O";
    /// An organisational unit of the certificate's subject.
    V2_0 certificate_subject_ou: CertificateSubjectOU(String) = CertificateSubjectOU, "Certificate Subject OU";
    /// An address of the certificate's subject.
    V2_0 certificate_subject_email: CertificateSubjectEmail(String) = CertificateSubjectEmail,
        "Certificate Subject Email";
    /// A country of the certificate's subject.
    V2_0 certificate_subject_c: CertificateSubjectC(String) = CertificateSubjectC, "Certificate Subject C";
    /// A state of the certificate's subject.
    V2_0 certificate_subject_st: CertificateSubjectST(String) = CertificateSubjectST, "Certificate Subject ST";
    /// A locality of the certificate's subject.
    V2_0 certificate_subject_l: CertificateSubjectL(String) = CertificateSubjectL, "Certificate Subject L";
    /// A user identifier of the certificate's subject.
    V2_0 certificate_subject_uid: CertificateSubjectUID(String) = CertificateSubjectUID, "Certificate Subject UID";
    /// A serial number of the certificate's subject.
    V2_0 certificate_subject_serial_number: CertificateSubjectSerialNumber(String) = CertificateSubjectSerialNumber,
        "Certificate Subject Serial Number";
    /// A title of the certificate's subject.
    V2_0 certificate_subject_title: CertificateSubjectTitle(String) = CertificateSubjectTitle,
        "Certificate Subject Title";
    /// A domain component of the certificate's subject.
    V2_0 certificate_subject_dc: CertificateSubjectDC(String) = CertificateSubjectDC, "Certificate Subject DC";
    /// A qualifier of the certificate's subject.
    V2_0 certificate_subject_dn_qualifier: CertificateSubjectDNQualifier(String) = CertificateSubjectDNQualifier,
        "Certificate Subject DN Qualifier";
    /// The common name of the certificate's issuer.
    V2_0 certificate_issuer_cn: CertificateIssuerCN(String) = CertificateIssuerCN, "Certificate Issuer CN";
    /// An organisation of the certificate's issuer.
    V2_0 certificate_issuer_o: CertificateIssuerO(String) = CertificateIssuerO, "Certificate Issuer O";
    /// An organisational unit of the certificate's issuer.
    V2_0 certificate_issuer_ou: CertificateIssuerOU(String) = CertificateIssuerOU, "Certificate Issuer OU";
    /// An address of the certificate's issuer.
    V2_0 certificate_issuer_email: CertificateIssuerEmail(String) = CertificateIssuerEmail,
        "Certificate Issuer Email";
    /// A country of the certificate's issuer.
    V2_0 certificate_issuer_c: CertificateIssuerC(String) = CertificateIssuerC, "Certificate Issuer C";
    /// A state of the certificate's issuer.
    V2_0 certificate_issuer_st: CertificateIssuerST(String) = CertificateIssuerST, "Certificate Issuer ST";
    /// A locality of the certificate's issuer.
    V2_0 certificate_issuer_l: CertificateIssuerL(String) = CertificateIssuerL, "Certificate Issuer L";
    /// A user identifier of the certificate's issuer.
    V2_0 certificate_issuer_uid: CertificateIssuerUID(String) = CertificateIssuerUID, "Certificate Issuer UID";
    /// A serial number of the certificate's issuer.
    V2_0 certificate_issuer_serial_number: CertificateIssuerSerialNumber(String) = CertificateIssuerSerialNumber,
        "Certificate Issuer Serial Number";
    /// A title of the certificate's issuer.
    V2_0 certificate_issuer_title: CertificateIssuerTitle(String) = CertificateIssuerTitle,
        "Certificate Issuer Title";
    /// A domain component of the certificate's issuer.
    V2_0 certificate_issuer_dc: CertificateIssuerDC(String) = CertificateIssuerDC, "Certificate Issuer DC";
    /// A qualifier of the certificate's issuer.
    V2_0 certificate_issuer_dn_qualifier: CertificateIssuerDNQualifier(String) = CertificateIssuerDNQualifier,
        "Certificate Issuer DN Qualifier";
    /// The format that the key is returned in unless another one is asked for.
    V2_0 key_format_type: KeyFormatType(KeyFormatType) = KeyFormatType, "Key Format Type";
    /// What NIST SP 800-57 calls the key.
    V2_0 nist_key_type: NISTKeyType(NISTKeyType) = NISTKeyType, "NIST Key Type";
    /// Which member of its group the object is.
    V2_0 object_group_member: ObjectGroupMember(ObjectGroupMember) = ObjectGroupMember, "Object Group Member";
    /// What an opaque object is.
    V2_0 opaque_data_type: OpaqueDataType(OpaqueDataType) = OpaqueDataType, "Opaque Data Type";
    /// How well the object is to be protected.
    V2_0 protection_level: ProtectionLevel(ProtectionLevel) = ProtectionLevel, "Protection Level";
    /// For how long.
    V2_0 protection_period: ProtectionPeriod(Interval) = ProtectionPeriod, "Protection Period";
    /// Where the object may be stored.
    V2_0 protection_storage_mask: ProtectionStorageMask(ProtectionStorageMask) = ProtectionStorageMask,
        "Protection Storage Mask";
    /// Whether the object must withstand quantum computers.
    V2_0 quantum_safe: QuantumSafe(bool) = QuantumSafe, "Quantum Safe";
    /// A short identifier.
    V2_0 short_unique_identifier: ShortUniqueIdentifier(Bytes) = ShortUniqueIdentifier, "Short Unique Identifier";
    /// How often the object is replaced.
    V2_1 rotate_interval: RotateInterval(Interval) = RotateInterval, "Rotate Interval";
    /// Whether the server replaces it by itself.
    V2_1 rotate_automatic: RotateAutomatic(bool) = RotateAutomatic, "Rotate Automatic";
    /// How long after its replacement was made the replacement becomes active.
    V2_1 rotate_offset: RotateOffset(Interval) = RotateOffset, "Rotate Offset";
    /// When it was replaced.
    V2_1 rotate_date: RotateDate(DateTime) = RotateDate, "Rotate Date";
    /// The how-manieth of its line it is.
    V2_1 rotate_generation: RotateGeneration(i32) = RotateGeneration, "Rotate Generation";
    /// The name of its line.
    V2_1 rotate_name: RotateName(RotateName) = RotateName, "Rotate Name";
    /// Whether it is the newest of its line.
    V2_1 rotate_latest: RotateLatest(bool) = RotateLatest, "Rotate Latest";
}
