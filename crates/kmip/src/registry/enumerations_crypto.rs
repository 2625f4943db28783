//! Enumerations of cryptography (KMIP 2.1, section 11; 1.4, 9.1.3.2).

enumeration! {
    /// Cryptographic algorithms.
    pub enum CryptographicAlgorithm {
        V1_0 {
            DES = 0x01, DES3 = 0x02, AES = 0x03, RSA = 0x04, DSA = 0x05, ECDSA = 0x06, HMAC_SHA1 = 0x07,
            HMAC_SHA224 = 0x08, HMAC_SHA256 = 0x09, HMAC_SHA384 = 0x0A, HMAC_SHA512 = 0x0B, HMAC_MD5 = 0x0C,
            DH = 0x0D, ECDH = 0x0E, ECMQV = 0x0F, Blowfish = 0x10, Camellia = 0x11, CAST5 = 0x12, IDEA = 0x13,
            MARS = 0x14, RC2 = 0x15, RC4 = 0x16, RC5 = 0x17, SKIPJACK = 0x18, Twofish = 0x19,
        }
        V1_2 { EC = 0x1A }
        V1_3 { OneTimePad = 0x1B }
        V1_4 {
            ChaCha20 = 0x1C, Poly1305 = 0x1D, ChaCha20Poly1305 = 0x1E, SHA3_224 = 0x1F, SHA3_256 = 0x20,
            SHA3_384 = 0x21, SHA3_512 = 0x22, HMAC_SHA3_224 = 0x23, HMAC_SHA3_256 = 0x24, HMAC_SHA3_384 = 0x25,
            HMAC_SHA3_512 = 0x26, SHAKE_128 = 0x27, SHAKE_256 = 0x28,
        }
        V2_0 {
            ARIA = 0x29, SEED = 0x2A, SM2 = 0x2B, SM3 = 0x2C, SM4 = 0x2D, GOSTR34_10_2012 = 0x2E,
            GOSTR34_11_2012 = 0x2F, GOSTR34_13_2015 = 0x30, GOST28147_89 = 0x31, XMSS = 0x32,
            SPHINCS_256 = 0x33, McEliece = 0x34, McEliece_6960119 = 0x35, McEliece_8192128 = 0x36,
            Ed25519 = 0x37, Ed448 = 0x38,
        }
    }
}

enumeration! {
    /// Modes of block ciphers.
    pub enum BlockCipherMode {
        V1_0 {
            CBC = 0x01, ECB = 0x02, PCBC = 0x03, CFB = 0x04, OFB = 0x05, CTR = 0x06, CMAC = 0x07, CCM = 0x08,
            GCM = 0x09, CBC_MAC = 0x0A, XTS = 0x0B, AESKeyWrapPadding = 0x0C, NISTKeyWrap = 0x0D,
            X9_102AESKW = 0x0E, X9_102TDKW = 0x0F, X9_102AKW1 = 0x10, X9_102AKW2 = 0x11,
        }
        V1_4 { AEAD = 0x12 }
    }
}

enumeration! {
    /// Ways of padding.
    pub enum PaddingMethod {
        V1_0 {
            None = 0x01, OAEP = 0x02, PKCS5 = 0x03, SSL3 = 0x04, Zeros = 0x05, ANSIX9_23 = 0x06, ISO10126 = 0x07,
            PKCS1V1_5 = 0x08, X9_31 = 0x09, PSS = 0x0A,
        }
    }
}

enumeration! {
    /// Hash functions.
    pub enum HashingAlgorithm {
        V1_0 {
            MD2 = 0x01, MD4 = 0x02, MD5 = 0x03, SHA_1 = 0x04, SHA_224 = 0x05, SHA_256 = 0x06, SHA_384 = 0x07,
            SHA_512 = 0x08,
        }
        V1_1 { RIPEMD_160 = 0x09, Tiger = 0x0A, Whirlpool = 0x0B }
        V1_2 { SHA_512_224 = 0x0C, SHA_512_256 = 0x0D }
        V1_4 { SHA3_224 = 0x0E, SHA3_256 = 0x0F, SHA3_384 = 0x10, SHA3_512 = 0x11 }
    }
}

enumeration! {
    /// Signature schemes.
    pub enum DigitalSignatureAlgorithm {
        V1_1 {
            MD2WithRSAEncryption = 0x01, MD5WithRSAEncryption = 0x02, SHA_1WithRSAEncryption = 0x03,
            SHA_224WithRSAEncryption = 0x04, SHA_256WithRSAEncryption = 0x05, SHA_384WithRSAEncryption = 0x06,
            SHA_512WithRSAEncryption = 0x07, RSASSA_PSS = 0x08, DSAWithSHA_1 = 0x09, DSAWithSHA224 = 0x0A,
            DSAWithSHA256 = 0x0B, ECDSAWithSHA_1 = 0x0C, ECDSAWithSHA224 = 0x0D, ECDSAWithSHA256 = 0x0E,
            ECDSAWithSHA384 = 0x0F, ECDSAWithSHA512 = 0x10,
        }
        V1_4 { SHA3_256WithRSAEncryption = 0x11, SHA3_384WithRSAEncryption = 0x12, SHA3_512WithRSAEncryption = 0x13 }
    }
}

enumeration! {
    /// How a key is represented.
    pub enum KeyFormatType {
        V1_0 {
            Raw = 0x01, Opaque = 0x02, PKCS_1 = 0x03, PKCS_8 = 0x04, X_509 = 0x05, ECPrivateKey = 0x06,
            TransparentSymmetricKey = 0x07, TransparentDSAPrivateKey = 0x08, TransparentDSAPublicKey = 0x09,
            TransparentRSAPrivateKey = 0x0A, TransparentRSAPublicKey = 0x0B, TransparentDHPrivateKey = 0x0C,
            TransparentDHPublicKey = 0x0D,
        }
        (V1_0..=V1_4) {
            TransparentECDSAPrivateKey = 0x0E, TransparentECDSAPublicKey = 0x0F, TransparentECDHPrivateKey = 0x10,
            TransparentECDHPublicKey = 0x11, TransparentECMQVPrivateKey = 0x12, TransparentECMQVPublicKey = 0x13,
        }
        V1_3 { TransparentECPrivateKey = 0x14, TransparentECPublicKey = 0x15 }
        V1_4 { PKCS_12 = 0x16 }
        V2_1 { PKCS_10 = 0x17 }
    }
}

enumeration! {
    /// How a point of a public key is compressed.
    pub enum KeyCompressionType {
        V1_0 {
            ECPublicKeyTypeUncompressed = 0x01, ECPublicKeyTypeX9_62CompressedPrime = 0x02,
            ECPublicKeyTypeX9_62CompressedChar2 = 0x03, ECPublicKeyTypeX9_62Hybrid = 0x04,
        }
    }
}

enumeration! {
    /// How a key is wrapped.
    pub enum WrappingMethod {
        V1_0 { Encrypt = 0x01, MACSign = 0x02, EncryptThenMACSign = 0x03, MACSignThenEncrypt = 0x04, TR_31 = 0x05 }
    }
}

enumeration! {
    /// What of a wrapped key is encoded before wrapping.
    pub enum EncodingOption {
        V1_1 { NoEncoding = 0x01, TTLVEncoding = 0x02 }
    }
}

enumeration! {
    /// Whether a key is returned wrapped as it was registered.
    pub enum KeyWrapType {
        V1_4 { NotWrapped = 0x01, AsRegistered = 0x02 }
    }
}

enumeration! {
    /// What a key does in payment systems.
    pub enum KeyRoleType {
        V1_0 {
            BDK = 0x01, CVK = 0x02, DEK = 0x03, MKAC = 0x04, MKSMC = 0x05, MKSMI = 0x06, MKDAC = 0x07,
            MKDN = 0x08, MKCP = 0x09, MKOTH = 0x0A, KEK = 0x0B, MAC16609 = 0x0C, MAC97971 = 0x0D,
            MAC97972 = 0x0E, MAC97973 = 0x0F, MAC97974 = 0x10, MAC97975 = 0x11, ZPK = 0x12, PVKIBM = 0x13,
            PVKPVV = 0x14, PVKOTH = 0x15,
        }
        V1_4 { DUKPT = 0x16, IV = 0x17, TRKBK = 0x18 }
    }
}

enumeration! {
    /// How a key is derived.
    pub enum DerivationMethod {
        V1_0 {
            PBKDF2 = 0x01, HASH = 0x02, HMAC = 0x03, ENCRYPT = 0x04, NIST800_108_C = 0x05, NIST800_108_F = 0x06,
            NIST800_108_DPI = 0x07,
        }
        V1_2 { AsymmetricKey = 0x08 }
        V2_0 { AWSSignatureVersion4 = 0x09, HKDF = 0x0A }
    }
}

enumeration! {
    /// How a key is split.
    pub enum SplitKeyMethod {
        V1_0 { XOR = 0x01, PolynomialSharingGF2_16 = 0x02, PolynomialSharingPrimeField = 0x03 }
        V1_2 { PolynomialSharingGF2_8 = 0x04 }
    }
}

enumeration! {
    /// Mask generation functions.
    pub enum MaskGenerator {
        V1_4 { MGF1 = 0x01 }
    }
}

enumeration! {
    /// Random number generators.
    pub enum RNGAlgorithm {
        V1_3 { Unspecified = 0x01, FIPS186_2 = 0x02, DRBG = 0x03, NRBG = 0x04, ANSIX9_31 = 0x05, ANSIX9_62 = 0x06 }
    }
}

enumeration! {
    /// Deterministic random bit generators.
    pub enum DRBGAlgorithm {
        V1_3 { Unspecified = 0x01, Dual_EC = 0x02, Hash = 0x03, HMAC = 0x04, CTR = 0x05 }
    }
}

enumeration! {
    /// Variations of FIPS 186.
    pub enum FIPS186Variation {
        V1_3 {
            Unspecified = 0x01, GPXOriginal = 0x02, GPXChangeNotice = 0x03, XOriginal = 0x04, XChangeNotice = 0x05,
            KOriginal = 0x06, KChangeNotice = 0x07,
        }
    }
}

enumeration! {
    /// Types of certificates.
    pub enum CertificateType {
        V1_0 { X_509 = 0x01, PGP = 0x02 }
    }
}

enumeration! {
    /// Types of certificate requests.
    pub enum CertificateRequestType {
        V1_0 { CRMF = 0x01, PKCS_10 = 0x02, PEM = 0x03 }
        (V1_0..=V1_4) { PGP = 0x04 }
    }
}

enumeration! {
    /// What NIST SP 800-57 calls a key.
    pub enum NISTKeyType {
        V2_0 {
            PrivateSignatureKey = 0x01, PublicSignatureVerificationKey = 0x02, SymmetricAuthenticationKey = 0x03,
            PrivateAuthenticationKey = 0x04, PublicAuthenticationKey = 0x05, SymmetricDataEncryptionKey = 0x06,
            SymmetricKeyWrappingKey = 0x07, SymmetricRandomNumberGenerationKey = 0x08, SymmetricMasterKey = 0x09,
            PrivateKeyTransportKey = 0x0A, PublicKeyTransportKey = 0x0B, SymmetricKeyAgreementKey = 0x0C,
            PrivateStaticKeyAgreementKey = 0x0D, PublicStaticKeyAgreementKey = 0x0E,
            PrivateEphemeralKeyAgreementKey = 0x0F, PublicEphemeralKeyAgreementKey = 0x10,
            SymmetricAuthorizationKey = 0x11, PrivateAuthorizationKey = 0x12, PublicAuthorizationKey = 0x13,
        }
    }
}

enumeration! {
    /// Elliptic curves.
    pub enum RecommendedCurve {
        V1_0 {
            P_192 = 0x01, K_163 = 0x02, B_163 = 0x03, P_224 = 0x04, K_233 = 0x05, B_233 = 0x06, P_256 = 0x07,
            K_283 = 0x08, B_283 = 0x09, P_384 = 0x0A, K_409 = 0x0B, B_409 = 0x0C, P_521 = 0x0D, K_571 = 0x0E,
            B_571 = 0x0F,
        }
        V1_2 {
            SECP112R1 = 0x10, SECP112R2 = 0x11, SECP128R1 = 0x12, SECP128R2 = 0x13, SECP160K1 = 0x14,
            SECP160R1 = 0x15, SECP160R2 = 0x16, SECP192K1 = 0x17, SECP224K1 = 0x18, SECP256K1 = 0x19,
            SECT113R1 = 0x1A, SECT113R2 = 0x1B, SECT131R1 = 0x1C, SECT131R2 = 0x1D, SECT163R1 = 0x1E,
            SECT193R1 = 0x1F, SECT193R2 = 0x20, SECT239K1 = 0x21, ANSIX9P192V2 = 0x22, ANSIX9P192V3 = 0x23,
            ANSIX9P239V1 = 0x24, ANSIX9P239V2 = 0x25, ANSIX9P239V3 = 0x26, ANSIX9C2PNB163V1 = 0x27,
            ANSIX9C2PNB163V2 = 0x28, ANSIX9C2PNB163V3 = 0x29, ANSIX9C2PNB176V1 = 0x2A, ANSIX9C2TNB191V1 = 0x2B,
            ANSIX9C2TNB191V2 = 0x2C, ANSIX9C2TNB191V3 = 0x2D, ANSIX9C2PNB208W1 = 0x2E, ANSIX9C2TNB239V1 = 0x2F,
            ANSIX9C2TNB239V2 = 0x30, ANSIX9C2TNB239V3 = 0x31, ANSIX9C2PNB272W1 = 0x32, ANSIX9C2PNB304W1 = 0x33,
            ANSIX9C2TNB359V1 = 0x34, ANSIX9C2PNB368W1 = 0x35, ANSIX9C2TNB431R1 = 0x36, BRAINPOOLP160R1 = 0x37,
            BRAINPOOLP160T1 = 0x38, BRAINPOOLP192R1 = 0x39, BRAINPOOLP192T1 = 0x3A, BRAINPOOLP224R1 = 0x3B,
            BRAINPOOLP224T1 = 0x3C, BRAINPOOLP256R1 = 0x3D, BRAINPOOLP256T1 = 0x3E, BRAINPOOLP320R1 = 0x3F,
            BRAINPOOLP320T1 = 0x40, BRAINPOOLP384R1 = 0x41, BRAINPOOLP384T1 = 0x42, BRAINPOOLP512R1 = 0x43,
            BRAINPOOLP512T1 = 0x44,
        }
        V2_0 { CURVE25519 = 0x45, CURVE448 = 0x46 }
    }
}
