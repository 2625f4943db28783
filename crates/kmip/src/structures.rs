//! Structures that attributes, objects and payloads share (KMIP 1.4, sections 2.1 and 3; 2.1, sections 4 to 7).

use crate::codec::Bytes;
use crate::identifier::UniqueIdentifier;
use crate::registry::{
    AlternativeNameType, BlockCipherMode, CryptographicAlgorithm, DRBGAlgorithm,
    DigitalSignatureAlgorithm, FIPS186Variation, HashingAlgorithm, KeyFormatType, KeyRoleType,
    KeyValueLocationType, LinkType, MaskGenerator, NameType, PaddingMethod, RNGAlgorithm,
    RecommendedCurve, RevocationReasonCode, RotateNameType, UsageLimitsUnit,
};

structure! {
    /// A name of an object: unique on the server, says the specification; not every server holds to it.
    pub struct Name {
        /// The name.
        value: String = NameValue,
        /// What kind of text it is.
        name_type: NameType = NameType,
    }
}

impl Name {
    /// A name that is just text.
    #[must_use]
    pub fn text(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            name_type: NameType::UninterpretedTextString,
        }
    }
}

structure! {
    /// How an object's key is used in cryptographic operations.
    #[derive(Default)]
    pub struct CryptographicParameters {
        /// The mode of a block cipher.
        block_cipher_mode: Option<BlockCipherMode> = BlockCipherMode,
        /// How blocks or messages are padded.
        padding_method: Option<PaddingMethod> = PaddingMethod,
        /// The hash function.
        hashing_algorithm: Option<HashingAlgorithm> = HashingAlgorithm,
        /// The key's role in payment systems.
        key_role_type: Option<KeyRoleType> = KeyRoleType,
        /// The signature scheme.
        digital_signature_algorithm: Option<DigitalSignatureAlgorithm> = DigitalSignatureAlgorithm @ V1_2,
        /// The algorithm.
        cryptographic_algorithm: Option<CryptographicAlgorithm> = CryptographicAlgorithm @ V1_2,
        /// Whether the server makes the initialization vector.
        random_iv: Option<bool> = RandomIV,
        /// The length of the initialization vector, in bits.
        iv_length: Option<i32> = IVLength,
        /// The length of the authentication tag, in bytes.
        tag_length: Option<i32> = TagLength,
        /// The length of the fixed field of a deterministically made initialization vector, in bits.
        fixed_field_length: Option<i32> = FixedFieldLength,
        /// The length of its invocation field, in bits.
        invocation_field_length: Option<i32> = InvocationFieldLength,
        /// The length of a counter block's counter, in bits.
        counter_length: Option<i32> = CounterLength,
        /// The first value of the counter.
        initial_counter_value: Option<i32> = InitialCounterValue,
        /// The length of PSS's salt, in bytes.
        salt_length: Option<i32> = SaltLength,
        /// OAEP's and PSS's mask generation function.
        mask_generator: Option<MaskGenerator> = MaskGenerator,
        /// The hash function of the mask generator.
        mask_generator_hashing_algorithm: Option<HashingAlgorithm> = MaskGeneratorHashingAlgorithm,
        /// OAEP's label.
        p_source: Option<Bytes> = PSource,
        /// PSS's trailer.
        trailer_field: Option<i32> = TrailerField,
    }
}

structure! {
    /// The parameters of an asymmetric key's group or curve.
    #[derive(Default)]
    pub struct CryptographicDomainParameters {
        /// The length of the group's order, in bits.
        q_length: Option<i32> = Qlength,
        /// The curve.
        recommended_curve: Option<RecommendedCurve> = RecommendedCurve,
    }
}

structure! {
    /// A link to another object.
    pub struct Link {
        /// What the link leads to.
        link_type: LinkType = LinkType,
        /// The object it leads to.
        linked_object_identifier: UniqueIdentifier = LinkedObjectIdentifier,
    }
}

structure! {
    /// A digest of an object's key value.
    pub struct Digest {
        /// The hash function.
        hashing_algorithm: HashingAlgorithm = HashingAlgorithm,
        /// The digest.
        digest_value: Option<Bytes> = DigestValue,
        /// The format that the key had when it was hashed.
        key_format_type: Option<KeyFormatType> = KeyFormatType @ V1_1,
    }
}

structure! {
    /// How often a key may still be used.
    pub struct UsageLimits {
        /// How much in all.
        total: i64 = UsageLimitsTotal,
        /// How much is left.
        count: Option<i64> = UsageLimitsCount,
        /// What is counted.
        unit: UsageLimitsUnit = UsageLimitsUnit,
    }
}

structure! {
    /// Why an object is revoked.
    pub struct RevocationReason {
        /// The reason.
        code: RevocationReasonCode = RevocationReasonCode,
        /// More about it.
        message: Option<String> = RevocationMessage,
    }
}

structure! {
    /// Data that an application attaches to an object.
    pub struct ApplicationSpecificInformation {
        /// Whose data it is.
        application_namespace: String = ApplicationNamespace,
        /// The data; absent when the server is to make it up (1.3).
        application_data: Option<String> = ApplicationData,
    }
}

structure! {
    /// Another name of an object; need not be unique. Of 1.2.
    pub struct AlternativeName {
        /// The name.
        value: String = AlternativeNameValue,
        /// What kind of text it is.
        name_type: AlternativeNameType = AlternativeNameType,
    }
}

structure! {
    /// Where a key's value is kept when the server has only its metadata. Of 1.2.
    pub struct KeyValueLocation {
        /// The place.
        value: String = KeyValueLocationValue,
        /// What kind of text it is.
        location_type: KeyValueLocationType = KeyValueLocationType,
    }
}

structure! {
    /// A random number generator. Of 1.3.
    pub struct RNGParameters {
        /// The kind of generator.
        rng_algorithm: RNGAlgorithm = RNGAlgorithm,
        /// The algorithm it is built on.
        cryptographic_algorithm: Option<CryptographicAlgorithm> = CryptographicAlgorithm,
        /// The length of that algorithm's key, in bits.
        cryptographic_length: Option<i32> = CryptographicLength,
        /// The hash function it is built on.
        hashing_algorithm: Option<HashingAlgorithm> = HashingAlgorithm,
        /// The deterministic generator.
        drbg_algorithm: Option<DRBGAlgorithm> = DRBGAlgorithm,
        /// The curve it is built on.
        recommended_curve: Option<RecommendedCurve> = RecommendedCurve,
        /// The variation of FIPS 186.
        fips186_variation: Option<FIPS186Variation> = FIPS186Variation,
        /// Whether it resists prediction.
        prediction_resistance: Option<bool> = PredictionResistance,
    }
}

structure! {
    /// Who issued which certificate. Of 1.1.
    pub struct X509CertificateIdentifier {
        /// The issuer, DER.
        issuer_distinguished_name: Bytes = IssuerDistinguishedName,
        /// The serial number, DER.
        certificate_serial_number: Bytes = CertificateSerialNumber,
    }
}

structure! {
    /// The subject of an X.509 certificate. Of 1.1.
    pub struct X509CertificateSubject {
        /// The subject, DER.
        distinguished_name: Bytes = SubjectDistinguishedName,
        /// Its other names, DER.
        alternative_names: Vec<Bytes> = SubjectAlternativeName,
    }
}

structure! {
    /// The issuer of an X.509 certificate. Of 1.1.
    pub struct X509CertificateIssuer {
        /// The issuer, DER.
        distinguished_name: Bytes = IssuerDistinguishedName,
        /// Its other names, DER.
        alternative_names: Vec<Bytes> = IssuerAlternativeName,
    }
}

structure! {
    /// Who issued which certificate, as text. Of 1.0, deprecated since.
    pub struct CertificateIdentifier {
        /// The issuer.
        issuer: String = Issuer,
        /// The serial number.
        serial_number: Option<String> = SerialNumber,
    }
}

structure! {
    /// The subject of a certificate, as text. Of 1.0, deprecated since.
    pub struct CertificateSubject {
        /// The subject.
        distinguished_name: String = CertificateSubjectDistinguishedName,
        /// Its other names.
        alternative_names: Vec<String> = CertificateSubjectAlternativeName,
    }
}

structure! {
    /// The issuer of a certificate, as text. Of 1.0, deprecated since.
    pub struct CertificateIssuer {
        /// The issuer.
        distinguished_name: String = CertificateIssuerDistinguishedName,
        /// Its other names.
        alternative_names: Vec<String> = CertificateIssuerAlternativeName,
    }
}

structure! {
    /// A name that is given to the newest of the objects that replace each other. Of 2.1.
    pub struct RotateName {
        /// The name.
        value: String = RotateNameValue,
        /// What kind of text it is.
        name_type: RotateNameType = RotateNameType,
    }
}
