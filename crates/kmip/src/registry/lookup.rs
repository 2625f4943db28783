//! From a tag to the enumeration or mask of its values: what the text encodings need.

use super::*;

/// An enumeration without its type.
#[derive(Debug, Clone, Copy)]
pub struct EnumerationTable {
    /// The canonical name.
    pub name: &'static str,
    /// The known values.
    pub entries: &'static [Entry],
    /// The tags whose values are of this enumeration.
    pub tags: &'static [Tag],
}

impl EnumerationTable {
    /// The canonical name of a value.
    #[must_use]
    pub fn name_of(&self, code: u32) -> Option<&'static str> {
        self.entries
            .iter()
            .find(|entry| entry.code == code)
            .map(|entry| entry.name)
    }

    /// The value with a canonical name.
    #[must_use]
    pub fn code_of(&self, name: &str) -> Option<u32> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.code)
    }
}

/// A mask without its type.
#[derive(Debug, Clone, Copy)]
pub struct MaskTable {
    /// The canonical name.
    pub name: &'static str,
    /// The known bits.
    pub entries: &'static [Entry],
    /// The tags whose values are of this mask.
    pub tags: &'static [Tag],
}

macro_rules! enumeration_tables {
    ($( $enum:ident: $($tag:ident),+; )*) => {
        static ENUMERATIONS: &[EnumerationTable] = &[
            $( EnumerationTable {
                name: <$enum as Enumeration>::NAME,
                entries: <$enum as Enumeration>::ENTRIES,
                tags: &[$(Tag::$tag),+],
            }, )*
        ];
    };
}

enumeration_tables! {
    Operation: Operation;
    ObjectType: ObjectType;
    ResultStatus: ResultStatus;
    ResultReason: ResultReason;
    BatchErrorContinuationOption: BatchErrorContinuationOption;
    AsynchronousIndicatorOption: AsynchronousIndicator;
    CancellationResult: CancellationResult;
    State: State;
    RevocationReasonCode: RevocationReasonCode;
    NameType: NameType;
    AlternativeNameType: AlternativeNameType;
    LinkType: LinkType;
    ObjectGroupMember: ObjectGroupMember;
    CredentialType: CredentialType;
    AttestationType: AttestationType;
    SecretDataType: SecretDataType;
    OpaqueDataType: OpaqueDataType;
    UsageLimitsUnit: UsageLimitsUnit;
    PutFunction: PutFunction;
    ValidityIndicator: ValidityIndicator;
    KeyValueLocationType: KeyValueLocationType;
    UniqueIdentifierPlaceholder: UniqueIdentifier, LinkedObjectIdentifier, PrivateKeyUniqueIdentifier,
        PublicKeyUniqueIdentifier, ReplacedUniqueIdentifier, CertificateRequestUniqueIdentifier;
    DataPlaceholder: Data;
    AdjustmentType: AdjustmentType;
    ProtectionLevel: ProtectionLevel;
    TicketType: TicketType;
    ProcessingStage: ProcessingStage;
    RotateNameType: RotateNameType;
    QueryFunction: QueryFunction;
    ValidationAuthorityType: ValidationAuthorityType;
    ValidationType: ValidationType;
    UnwrapMode: UnwrapMode;
    DestroyAction: DestroyAction;
    ShreddingAlgorithm: ShreddingAlgorithm;
    RNGMode: RNGMode;
    ClientRegistrationMethod: ClientRegistrationMethod;
    EndpointRole: EndpointRole;
    InteropFunction: InteropFunction;
    CryptographicAlgorithm: CryptographicAlgorithm;
    BlockCipherMode: BlockCipherMode;
    PaddingMethod: PaddingMethod;
    HashingAlgorithm: HashingAlgorithm, MaskGeneratorHashingAlgorithm;
    DigitalSignatureAlgorithm: DigitalSignatureAlgorithm;
    KeyFormatType: KeyFormatType;
    KeyCompressionType: KeyCompressionType;
    WrappingMethod: WrappingMethod;
    EncodingOption: EncodingOption;
    KeyWrapType: KeyWrapType;
    KeyRoleType: KeyRoleType;
    DerivationMethod: DerivationMethod;
    SplitKeyMethod: SplitKeyMethod;
    MaskGenerator: MaskGenerator;
    RNGAlgorithm: RNGAlgorithm;
    DRBGAlgorithm: DRBGAlgorithm;
    FIPS186Variation: FIPS186Variation;
    CertificateType: CertificateType;
    CertificateRequestType: CertificateRequestType;
    NISTKeyType: NISTKeyType;
    RecommendedCurve: RecommendedCurve;
    ProfileName: ProfileName;
    PKCS_11Function: PKCS_11Function;
    PKCS_11ReturnCode: PKCS_11ReturnCode;
}

/// The enumeration of a tag's values; `None` when they are no enumeration, or not a known one.
#[must_use]
pub fn enumeration_of(tag: Tag) -> Option<&'static EnumerationTable> {
    ENUMERATIONS.iter().find(|table| table.tags.contains(&tag))
}

static MASKS: &[MaskTable] = &[
    MaskTable {
        name: "CryptographicUsageMask",
        entries: CryptographicUsageMask::ENTRIES,
        tags: &[Tag::CryptographicUsageMask],
    },
    MaskTable {
        name: "StorageStatusMask",
        entries: StorageStatusMask::ENTRIES,
        tags: &[Tag::StorageStatusMask],
    },
    MaskTable {
        name: "ProtectionStorageMask",
        entries: ProtectionStorageMask::ENTRIES,
        tags: &[Tag::ProtectionStorageMask],
    },
];

/// The mask of a tag's values; `None` when they are not one.
#[must_use]
pub fn mask_of(tag: Tag) -> Option<&'static MaskTable> {
    MASKS.iter().find(|mask| mask.tags.contains(&tag))
}

/// All enumerations.
#[must_use]
pub fn enumerations() -> &'static [EnumerationTable] {
    ENUMERATIONS
}

/// All masks.
#[must_use]
pub fn masks() -> &'static [MaskTable] {
    MASKS
}

/// Writes the names of the set bits, and what has no name as one hexadecimal number.
pub(crate) fn mask_text<W: std::fmt::Write + ?Sized>(
    bits: u32,
    entries: &[Entry],
    separator: &str,
    out: &mut W,
) -> std::fmt::Result {
    let mut rest = bits;
    let mut first = true;
    for entry in entries
        .iter()
        .filter(|entry| bits & entry.code == entry.code)
    {
        if !first {
            out.write_str(separator)?;
        }
        out.write_str(entry.name)?;
        rest &= !entry.code;
        first = false;
    }
    if rest != 0 || first {
        if !first {
            out.write_str(separator)?;
        }
        write!(out, "0x{rest:08X}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_enumeration_is_found_by_its_tags_and_has_distinct_values() {
        for table in enumerations() {
            for tag in table.tags {
                assert_eq!(
                    enumeration_of(*tag).map(|found| found.name),
                    Some(table.name)
                );
            }
            for (index, entry) in table.entries.iter().enumerate() {
                for other in table.entries.iter().skip(index + 1) {
                    assert_ne!(entry.code, other.code, "{}", table.name);
                    assert_ne!(entry.name, other.name, "{}", table.name);
                }
            }
        }
        for mask in masks() {
            let all = mask.entries.iter().fold(0, |bits, entry| {
                assert_eq!(entry.code.count_ones(), 1);
                bits | entry.code
            });
            assert_eq!(all.count_ones() as usize, mask.entries.len());
        }
    }

    #[test]
    fn mask_names() {
        let mask = CryptographicUsageMask::Encrypt | CryptographicUsageMask(0x8000_0000);
        assert_eq!(mask.to_string(), "Encrypt 0x80000000");
        assert_eq!(CryptographicUsageMask(0).to_string(), "0x00000000");
    }
}
