//! Query (KMIP 1.4, section 4.25; 2.1, section 6.1.37).

use kmip::operations::{
    CapabilityInformation, ProtectionStorageMasks, QueryRequest, QueryResponse,
};
use kmip::registry::{
    ClientRegistrationMethod, DestroyAction, Enumeration, ObjectType, ProtectionStorageMask,
    QueryFunction, RNGMode, ShreddingAlgorithm, UnwrapMode,
};

use super::{OFFERED, new_object};
use crate::batch::Context;
use crate::failure::Failure;

/// The object types that Register takes.
const OBJECT_TYPES: &[ObjectType] = &[
    ObjectType::Certificate,
    ObjectType::SymmetricKey,
    ObjectType::PublicKey,
    ObjectType::PrivateKey,
    ObjectType::SplitKey,
    ObjectType::Template,
    ObjectType::SecretData,
    ObjectType::OpaqueObject,
    ObjectType::PGPKey,
    ObjectType::CertificateRequest,
];

pub(super) fn query(
    context: &Context<'_>,
    request: QueryRequest,
) -> Result<QueryResponse, Failure> {
    let mut response = QueryResponse::default();
    for function in request.query_functions {
        match function {
            QueryFunction::QueryOperations => {
                response.operations = known(OFFERED, context);
            }
            QueryFunction::QueryObjects => {
                response.object_types = known(OBJECT_TYPES, context);
            }
            QueryFunction::QueryServerInformation => {
                response.vendor_identification =
                    Some(concat!("Strongroom ", env!("CARGO_PKG_VERSION")).to_owned());
            }
            QueryFunction::QueryRNGs => response.rng_parameters = vec![new_object::generator()],
            QueryFunction::QueryCapabilities => {
                response.capability_information = vec![capabilities()];
            }
            QueryFunction::QueryClientRegistrationMethods => {
                // Whoever runs the server issues the certificates.
                response.client_registration_methods =
                    vec![ClientRegistrationMethod::ServerPreGenerated];
            }
            QueryFunction::QueryStorageProtectionMasks => {
                response.protection_storage_masks = Some(ProtectionStorageMasks {
                    masks: vec![ProtectionStorageMask::Software],
                });
            }
            // Nothing to say about the others: no extensions, attestations, validations or namespaces.
            _ => {}
        }
    }
    Ok(response)
}

fn capabilities() -> CapabilityInformation {
    CapabilityInformation {
        streaming: Some(true),
        asynchronous: Some(false),
        attestation: Some(false),
        batch_undo: Some(true),
        batch_continue: Some(true),
        unwrap_mode: Some(UnwrapMode::NotProcessed),
        destroy_action: Some(DestroyAction::KeyMaterialDeleted),
        shredding_algorithm: Some(ShreddingAlgorithm::Unsupported),
        rng_mode: Some(RNGMode::SharedInstantiation),
        quantum_safe: Some(false),
    }
}

/// Those that the client's version has.
fn known<E: Enumeration>(all: &[E], context: &Context<'_>) -> Vec<E> {
    all.iter()
        .copied()
        .filter(|value| value.exists_in(context.version))
        .collect()
}
