//! Masks: Integers whose bits have names (KMIP 2.1, section 12 "Bit Masks").

mask! {
    /// What a key may be used for (KMIP 2.1, 12.1).
    pub struct CryptographicUsageMask {
        V1_0 {
            Sign = 0x0000_0001,
            Verify = 0x0000_0002,
            Encrypt = 0x0000_0004,
            Decrypt = 0x0000_0008,
            WrapKey = 0x0000_0010,
            UnwrapKey = 0x0000_0020,
        }
        (V1_0..=V1_4) {
            Export = 0x0000_0040,
        }
        V1_0 {
            MACGenerate = 0x0000_0080,
            MACVerify = 0x0000_0100,
            DeriveKey = 0x0000_0200,
        }
        (V1_0..=V1_4) {
            ContentCommitment = 0x0000_0400,
        }
        V1_0 {
            KeyAgreement = 0x0000_0800,
            CertificateSign = 0x0000_1000,
            CRLSign = 0x0000_2000,
        }
        (V1_0..=V1_4) {
            GenerateCryptogram = 0x0000_4000,
            ValidateCryptogram = 0x0000_8000,
            TranslateEncrypt = 0x0001_0000,
            TranslateDecrypt = 0x0002_0000,
            TranslateWrap = 0x0004_0000,
            TranslateUnwrap = 0x0008_0000,
        }
        V2_0 {
            Authenticate = 0x0010_0000,
            Unrestricted = 0x0020_0000,
            FPEEncrypt = 0x0040_0000,
            FPEDecrypt = 0x0080_0000,
        }
    }
}

mask! {
    /// Where Locate looks (KMIP 2.1, 12.3).
    pub struct StorageStatusMask {
        V1_0 {
            OnLineStorage = 0x0000_0001,
            ArchivalStorage = 0x0000_0002,
        }
        V2_0 {
            DestroyedStorage = 0x0000_0004,
        }
    }
}

mask! {
    /// How an object's storage is protected (KMIP 2.1, 12.2).
    pub struct ProtectionStorageMask {
        V2_0 {
            Software = 0x0000_0001,
            Hardware = 0x0000_0002,
            OnProcessor = 0x0000_0004,
            OnSystem = 0x0000_0008,
            OffSystem = 0x0000_0010,
            Hypervisor = 0x0000_0020,
            OperatingSystem = 0x0000_0040,
            Container = 0x0000_0080,
            OnPremises = 0x0000_0100,
            OffPremises = 0x0000_0200,
            SelfManaged = 0x0000_0400,
            Outsourced = 0x0000_0800,
            Validated = 0x0000_1000,
            SameJurisdiction = 0x0000_2000,
        }
    }
}
