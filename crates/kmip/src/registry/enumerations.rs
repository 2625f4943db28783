//! Enumerations of the messages, the objects and their life cycle (KMIP 2.1, section 11; 1.4, 9.1.3.2).

enumeration! {
    /// The operations.
    pub enum Operation {
        V1_0 {
            Create = 0x01, CreateKeyPair = 0x02, Register = 0x03, ReKey = 0x04, DeriveKey = 0x05, Certify = 0x06,
            ReCertify = 0x07, Locate = 0x08, Check = 0x09, Get = 0x0A, GetAttributes = 0x0B,
            GetAttributeList = 0x0C, AddAttribute = 0x0D, ModifyAttribute = 0x0E, DeleteAttribute = 0x0F,
            ObtainLease = 0x10, GetUsageAllocation = 0x11, Activate = 0x12, Revoke = 0x13, Destroy = 0x14,
            Archive = 0x15, Recover = 0x16, Validate = 0x17, Query = 0x18, Cancel = 0x19, Poll = 0x1A,
            Notify = 0x1B, Put = 0x1C,
        }
        V1_1 { ReKeyKeyPair = 0x1D, DiscoverVersions = 0x1E }
        V1_2 {
            Encrypt = 0x1F, Decrypt = 0x20, Sign = 0x21, SignatureVerify = 0x22, MAC = 0x23, MACVerify = 0x24,
            RNGRetrieve = 0x25, RNGSeed = 0x26, Hash = 0x27, CreateSplitKey = 0x28, JoinSplitKey = 0x29,
        }
        V1_4 { Import = 0x2A, Export = 0x2B }
        V2_0 {
            Log = 0x2C, Login = 0x2D, Logout = 0x2E, DelegatedLogin = 0x2F, AdjustAttribute = 0x30,
            SetAttribute = 0x31, SetEndpointRole = 0x32, PKCS_11 = 0x33, Interop = 0x34, ReProvision = 0x35,
        }
        V2_1 {
            SetDefaults = 0x36, SetConstraints = 0x37, GetConstraints = 0x38, QueryAsynchronousRequests = 0x39,
            Process = 0x3A, Ping = 0x3B,
        }
    }
}

enumeration! {
    /// The types of managed objects.
    pub enum ObjectType {
        V1_0 {
            Certificate = 0x01, SymmetricKey = 0x02, PublicKey = 0x03, PrivateKey = 0x04, SplitKey = 0x05,
        }
        (V1_0..=V1_4) { Template = 0x06 }
        V1_0 { SecretData = 0x07, OpaqueObject = 0x08 }
        V1_2 { PGPKey = 0x09 }
        V2_0 { CertificateRequest = 0x0A }
    }
}

enumeration! {
    /// How an operation ended.
    pub enum ResultStatus {
        V1_0 { Success = 0x00, OperationFailed = 0x01, OperationPending = 0x02, OperationUndone = 0x03 }
    }
}

enumeration! {
    /// Why an operation did not succeed.
    pub enum ResultReason {
        V1_0 {
            ItemNotFound = 0x01, ResponseTooLarge = 0x02, AuthenticationNotSuccessful = 0x03,
            InvalidMessage = 0x04, OperationNotSupported = 0x05, MissingData = 0x06, InvalidField = 0x07,
            FeatureNotSupported = 0x08, OperationCanceledByRequester = 0x09, CryptographicFailure = 0x0A,
        }
        (V1_0..=V1_4) { IllegalOperation = 0x0B }
        V1_0 { PermissionDenied = 0x0C, ObjectArchived = 0x0D }
        (V1_0..=V1_4) { IndexOutOfBounds = 0x0E }
        V1_0 {
            ApplicationNamespaceNotSupported = 0x0F, KeyFormatTypeNotSupported = 0x10,
            KeyCompressionTypeNotSupported = 0x11, GeneralFailure = 0x100,
        }
        V1_1 { EncodingOptionError = 0x12 }
        V1_2 { KeyValueNotPresent = 0x13, AttestationRequired = 0x14, AttestationFailed = 0x15 }
        V1_4 { Sensitive = 0x16, NotExtractable = 0x17, ObjectAlreadyExists = 0x18 }
        V2_0 {
            InvalidTicket = 0x19, UsageLimitExceeded = 0x1A, NumericRange = 0x1B, InvalidDataType = 0x1C,
            ReadOnlyAttribute = 0x1D, MultiValuedAttribute = 0x1E, UnsupportedAttribute = 0x1F,
            AttributeInstanceNotFound = 0x20, AttributeNotFound = 0x21, AttributeReadOnly = 0x22,
            AttributeSingleValued = 0x23, BadCryptographicParameters = 0x24, BadPassword = 0x25, CodecError = 0x26,
            IllegalObjectType = 0x28, IncompatibleCryptographicUsageMask = 0x29, InternalServerError = 0x2A,
            InvalidAsynchronousCorrelationValue = 0x2B, InvalidAttribute = 0x2C, InvalidAttributeValue = 0x2D,
            InvalidCorrelationValue = 0x2E, InvalidCSR = 0x2F, InvalidObjectType = 0x30,
            KeyWrapTypeNotSupported = 0x32, MissingInitializationVector = 0x34, NonUniqueNameAttribute = 0x35,
            ObjectDestroyed = 0x36, ObjectNotFound = 0x37, NotAuthorised = 0x39, ServerLimitExceeded = 0x3A,
            UnknownEnumeration = 0x3B, UnknownMessageExtension = 0x3C, UnknownTag = 0x3D,
            UnsupportedCryptographicParameters = 0x3E, UnsupportedProtocolVersion = 0x3F,
            WrappingObjectArchived = 0x40, WrappingObjectDestroyed = 0x41, WrappingObjectNotFound = 0x42,
            WrongKeyLifecycleState = 0x43, ProtectionStorageUnavailable = 0x44, PKCS_11CodecError = 0x45,
            PKCS_11InvalidFunction = 0x46, PKCS_11InvalidInterface = 0x47,
        }
        V2_1 {
            PrivateProtectionStorageUnavailable = 0x48, PublicProtectionStorageUnavailable = 0x49,
            UnknownObjectGroup = 0x4A, ConstraintViolation = 0x4B, DuplicateProcessRequest = 0x4C,
        }
    }
}

enumeration! {
    /// What the server does with the rest of a batch when an item fails.
    pub enum BatchErrorContinuationOption {
        V1_0 { Continue = 0x01, Stop = 0x02, Undo = 0x03 }
    }
}

enumeration! {
    /// Whether the client accepts asynchronous answers. A Boolean before 2.0: see
    /// [`RequestHeader::asynchronous_indicator`](crate::message::RequestHeader::asynchronous_indicator).
    pub enum AsynchronousIndicatorOption {
        V2_0 { Mandatory = 0x01, Optional = 0x02, Prohibited = 0x03 }
    }
}

enumeration! {
    /// How a cancellation ended.
    pub enum CancellationResult {
        V1_0 { Canceled = 0x01, UnableToCancel = 0x02, Completed = 0x03, Failed = 0x04, Unavailable = 0x05 }
    }
}

enumeration! {
    /// The life cycle of an object.
    pub enum State {
        V1_0 {
            PreActive = 0x01, Active = 0x02, Deactivated = 0x03, Compromised = 0x04, Destroyed = 0x05,
            DestroyedCompromised = 0x06,
        }
    }
}

enumeration! {
    /// Why an object is revoked.
    pub enum RevocationReasonCode {
        V1_0 {
            Unspecified = 0x01, KeyCompromise = 0x02, CACompromise = 0x03, AffiliationChanged = 0x04,
            Superseded = 0x05, CessationOfOperation = 0x06, PrivilegeWithdrawn = 0x07,
        }
    }
}

enumeration! {
    /// What kind of text a name is.
    pub enum NameType {
        V1_0 { UninterpretedTextString = 0x01, URI = 0x02 }
    }
}

enumeration! {
    /// What kind of text an alternative name is.
    pub enum AlternativeNameType {
        V1_2 {
            UninterpretedTextString = 0x01, URI = 0x02, ObjectSerialNumber = 0x03, EmailAddress = 0x04,
            DNSName = 0x05, X_500DistinguishedName = 0x06, IPAddress = 0x07,
        }
    }
}

enumeration! {
    /// What a link leads to.
    pub enum LinkType {
        V1_0 {
            CertificateLink = 0x101, PublicKeyLink = 0x102, PrivateKeyLink = 0x103,
            DerivationBaseObjectLink = 0x104, DerivedKeyLink = 0x105, ReplacementObjectLink = 0x106,
            ReplacedObjectLink = 0x107,
        }
        V1_2 { ParentLink = 0x108, ChildLink = 0x109, PreviousLink = 0x10A, NextLink = 0x10B }
        V1_4 { PKCS_12CertificateLink = 0x10C, PKCS_12PasswordLink = 0x10D }
        V2_0 { WrappingKeyLink = 0x10E }
    }
}

enumeration! {
    /// Which member of an object group Locate finds.
    pub enum ObjectGroupMember {
        V1_1 { GroupMemberFresh = 0x01, GroupMemberDefault = 0x02 }
    }
}

enumeration! {
    /// The kind of credential.
    pub enum CredentialType {
        V1_0 { UsernameAndPassword = 0x01 }
        V1_1 { Device = 0x02 }
        V1_2 { Attestation = 0x03 }
        V2_0 { OneTimePassword = 0x04, HashedPassword = 0x05, Ticket = 0x06 }
    }
}

enumeration! {
    /// The kind of attestation.
    pub enum AttestationType {
        V1_2 { TPMQuote = 0x01, TCGIntegrityReport = 0x02, SAMLAssertion = 0x03 }
    }
}

enumeration! {
    /// What a secret is.
    pub enum SecretDataType {
        V1_0 { Password = 0x01, Seed = 0x02 }
    }
}

enumeration! {
    /// What an opaque object is: extensions only.
    pub enum OpaqueDataType { }
}

enumeration! {
    /// What usage limits count.
    pub enum UsageLimitsUnit {
        V1_0 { Byte = 0x01, Object = 0x02 }
    }
}

enumeration! {
    /// Whether a Put brings a new object or replaces one.
    pub enum PutFunction {
        V1_0 { New = 0x01, Replace = 0x02 }
    }
}

enumeration! {
    /// What Validate and Signature Verify found.
    pub enum ValidityIndicator {
        V1_0 { Valid = 0x01, Invalid = 0x02, Unknown = 0x03 }
    }
}

enumeration! {
    /// Where a key's value is kept.
    pub enum KeyValueLocationType {
        V1_2 { UninterpretedTextString = 0x01, URI = 0x02 }
    }
}

enumeration! {
    /// What a unique identifier stands for in a batch, instead of naming an object.
    pub enum UniqueIdentifierPlaceholder {
        V2_0 {
            IDPlaceholder = 0x01, Certify = 0x02, Create = 0x03, CreateKeyPair = 0x04,
            CreateKeyPairPrivateKey = 0x05, CreateKeyPairPublicKey = 0x06, CreateSplitKey = 0x07,
            DeriveKey = 0x08, Import = 0x09, JoinSplitKey = 0x0A, Locate = 0x0B, Register = 0x0C, ReKey = 0x0D,
            ReCertify = 0x0E, ReKeyKeyPair = 0x0F, ReKeyKeyPairPrivateKey = 0x10, ReKeyKeyPairPublicKey = 0x11,
        }
    }
}

enumeration! {
    /// Which result of an earlier operation in the batch stands for data.
    pub enum DataPlaceholder {
        V2_0 {
            Decrypt = 0x01, Encrypt = 0x02, Hash = 0x03, MACMACData = 0x04, RNGRetrieve = 0x05,
            SignSignatureData = 0x06, SignatureVerify = 0x07,
        }
    }
}

enumeration! {
    /// How Adjust Attribute changes a value.
    pub enum AdjustmentType {
        V2_0 { Increment = 0x01, Decrement = 0x02, Negate = 0x03 }
    }
}

enumeration! {
    /// How well an object is to be protected.
    pub enum ProtectionLevel {
        V2_0 { High = 0x01, Low = 0x02 }
    }
}

enumeration! {
    /// What a ticket is for.
    pub enum TicketType {
        V2_0 { Login = 0x01 }
    }
}

enumeration! {
    /// Where an asynchronous request stands.
    pub enum ProcessingStage {
        V2_1 { Submitted = 0x01, InProcess = 0x02, Completed = 0x03 }
    }
}

enumeration! {
    /// What kind of text a rotate name is.
    pub enum RotateNameType {
        V2_1 { UninterpretedTextString = 0x01, URI = 0x02 }
    }
}
