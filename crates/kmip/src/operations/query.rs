//! Query (KMIP 1.4, 4.25; 2.1, 6.1.37).

use crate::attributes::Attributes;
use crate::codec::AnyStructure;
use crate::registry::{
    AttestationType, ClientRegistrationMethod, DestroyAction, ObjectType, Operation, ProfileName,
    QueryFunction, RNGMode, ShreddingAlgorithm, UnwrapMode, ValidationAuthorityType,
    ValidationType,
};
use crate::structures::RNGParameters;

use super::{ObjectGroups, ObjectTypes, ProtectionStorageMasks};

structure! {
    /// Asks what the server can do.
    #[derive(Default)]
    pub struct QueryRequest {
        /// What to tell.
        query_functions: Vec<QueryFunction> = QueryFunction,
    }
}

structure! {
    /// What the server can do.
    #[derive(Default)]
    pub struct QueryResponse {
        /// The operations.
        operations: Vec<Operation> = Operation,
        /// The types of objects.
        object_types: Vec<ObjectType> = ObjectType,
        /// Who made the server.
        vendor_identification: Option<String> = VendorIdentification,
        /// What the vendor has to say; since 2.0 with fields of the standard.
        server_information: Option<AnyStructure> = ServerInformation,
        /// The application namespaces for which the server makes up data.
        application_namespaces: Vec<String> = ApplicationNamespace,
        /// The extensions. Of 1.1.
        extension_information: Vec<ExtensionInformation> = ExtensionInformation,
        /// The kinds of attestation. Of 1.2.
        attestation_types: Vec<AttestationType> = AttestationType,
        /// The random number generators. Of 1.3.
        rng_parameters: Vec<RNGParameters> = RNGParameters,
        /// The profiles. Of 1.3.
        profile_information: Vec<ProfileInformation> = ProfileInformation,
        /// The validations of the server's cryptographic modules. Of 1.3.
        validation_information: Vec<ValidationInformation> = ValidationInformation,
        /// The capabilities. Of 1.3.
        capability_information: Vec<CapabilityInformation> = CapabilityInformation,
        /// How clients become known. Of 1.3.
        client_registration_methods: Vec<ClientRegistrationMethod> = ClientRegistrationMethod,
        /// The attributes that objects get unless the client says otherwise. Of 2.0.
        defaults_information: Option<DefaultsInformation> = DefaultsInformation,
        /// Where objects may be stored. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// An extension of the protocol. Of 1.1.
    pub struct ExtensionInformation {
        /// Its name.
        name: String = ExtensionName,
        /// Its tag.
        tag: Option<i32> = ExtensionTag,
        /// Its item type.
        item_type: Option<i32> = ExtensionType,
        /// The value of an enumeration that it adds. Of 2.0.
        enumeration: Option<i32> = ExtensionEnumeration,
        /// Whether it is an attribute. Of 2.0.
        attribute: Option<bool> = ExtensionAttribute,
        /// The structure that it belongs in. Of 2.0.
        parent_structure_tag: Option<i32> = ExtensionParentStructureTag,
        /// What it is for. Of 2.0.
        description: Option<String> = ExtensionDescription,
    }
}

structure! {
    /// A version of a profile. Of 2.0.
    pub struct ProfileVersion {
        /// The major version.
        major: i32 = ProfileVersionMajor,
        /// The minor version.
        minor: i32 = ProfileVersionMinor,
    }
}

structure! {
    /// A profile that the server fulfils. Of 1.3.
    pub struct ProfileInformation {
        /// The profile.
        profile_name: ProfileName = ProfileName,
        /// Its version. Of 2.0.
        profile_version: Option<ProfileVersion> = ProfileVersion,
        /// Where it is fulfilled.
        server_uri: Option<String> = ServerURI,
        /// At which port.
        server_port: Option<i32> = ServerPort,
    }
}

structure! {
    /// A validation of a cryptographic module. Of 1.3.
    pub struct ValidationInformation {
        /// Who validated it.
        authority_type: ValidationAuthorityType = ValidationAuthorityType,
        /// In which country.
        authority_country: Option<String> = ValidationAuthorityCountry,
        /// Where to find the authority.
        authority_uri: Option<String> = ValidationAuthorityURI,
        /// By which version of which rules.
        version_major: i32 = ValidationVersionMajor,
        /// Its minor version.
        version_minor: Option<i32> = ValidationVersionMinor,
        /// What was validated.
        validation_type: ValidationType = ValidationType,
        /// To which level.
        level: i32 = ValidationLevel,
        /// The certificate.
        certificate_identifier: Option<String> = ValidationCertificateIdentifier,
        /// Where to find it.
        certificate_uri: Option<String> = ValidationCertificateURI,
        /// Where to find the vendor.
        vendor_uri: Option<String> = ValidationVendorURI,
        /// The profiles.
        profiles: Vec<String> = ValidationProfile,
    }
}

structure! {
    /// What a server is capable of. Of 1.3.
    #[derive(Default)]
    pub struct CapabilityInformation {
        /// Streams.
        streaming: Option<bool> = StreamingCapability,
        /// Asynchronous operations.
        asynchronous: Option<bool> = AsynchronousCapability,
        /// Attestation.
        attestation: Option<bool> = AttestationCapability,
        /// Undoing a batch. Of 1.4.
        batch_undo: Option<bool> = BatchUndoCapability,
        /// Continuing a batch. Of 1.4.
        batch_continue: Option<bool> = BatchContinueCapability,
        /// What happens to wrapped keys.
        unwrap_mode: Option<UnwrapMode> = UnwrapMode,
        /// What Destroy does.
        destroy_action: Option<DestroyAction> = DestroyAction,
        /// How it shreds.
        shredding_algorithm: Option<ShreddingAlgorithm> = ShreddingAlgorithm,
        /// How random number generators are shared.
        rng_mode: Option<RNGMode> = RNGMode,
        /// Quantum-safe algorithms. Of 2.0.
        quantum_safe: Option<bool> = QuantumSafeCapability,
    }
}

structure! {
    /// The attributes that objects get unless the client says otherwise. Of 2.0.
    #[derive(Default)]
    pub struct DefaultsInformation {
        /// For each type of object.
        object_defaults: Vec<ObjectDefaults> = ObjectDefaults,
    }
}

structure! {
    /// The attributes that objects of these types or groups get unless the client says otherwise. Of 2.0.
    #[derive(Default)]
    pub struct ObjectDefaults {
        /// The type.
        object_type: Option<ObjectType> = ObjectType,
        /// The types, instead of one. Of 2.1.
        object_types: Option<ObjectTypes> = ObjectTypes,
        /// The attributes.
        attributes: Attributes = Attributes,
        /// The groups. Of 2.1.
        object_groups: Option<ObjectGroups> = ObjectGroups,
    }
}
