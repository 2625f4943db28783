//! What Encrypt and Decrypt have in common: the key, its parameters, and the parts of a stream.

use kmip::registry::{
    CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType, Operation,
};
use kmip::structures::CryptographicParameters;
use kmip::{Bytes, ManagedObject, SecretBytes};

use crate::batch::Context;
use crate::certificate;
use crate::clock::now;
use crate::crypto::{self, Begun, Direction, Finished, Plain, PrivateKey, PublicKey, Task};
use crate::failure::Failure;
use crate::object::Object;
use crate::streams::{Progress, Running};
use crate::usage::{self, Purpose};

/// An Encrypt or Decrypt request, without the differences.
pub(super) struct Request<'a> {
    pub(super) direction: Direction,
    pub(super) identifier: &'a str,
    pub(super) parameters: Option<CryptographicParameters>,
    pub(super) data: SecretBytes,
    pub(super) iv: Option<Bytes>,
    pub(super) additional: Option<Bytes>,
    pub(super) tag: Option<Bytes>,
    pub(super) correlation_value: Option<Bytes>,
    pub(super) begins: bool,
    pub(super) ends: bool,
}

/// What comes of it.
pub(super) struct Outcome {
    /// `None` within a stream that has nothing to give yet.
    pub(super) data: Option<Plain>,
    /// The IV that the server has made.
    pub(super) iv: Option<Bytes>,
    pub(super) tag: Option<Bytes>,
    /// Where the stream goes on.
    pub(super) correlation_value: Option<Bytes>,
}

pub(super) fn run(context: &mut Context<'_>, request: Request<'_>) -> Result<Outcome, Failure> {
    let object = context.on_line(request.identifier)?;
    let (operation, purpose, mask) = match request.direction {
        Direction::Encrypt => (
            Operation::Encrypt,
            Purpose::Protect,
            CryptographicUsageMask::Encrypt,
        ),
        Direction::Decrypt => (
            Operation::Decrypt,
            Purpose::Process,
            CryptographicUsageMask::Decrypt,
        ),
    };
    usage::check(&object, purpose, mask, now())?;
    let kind = object.value.as_ref().map(ManagedObject::object_type);
    if matches!(kind, Some(ObjectType::PublicKey | ObjectType::PrivateKey)) {
        return asymmetric(context, &object, request);
    }
    let (mut stream, iv) = match &request.correlation_value {
        Some(value) if !request.begins => {
            let under_way =
                context
                    .streams
                    .take(value, context.owner, operation, Some(request.identifier))?;
            match under_way {
                Progress::Cipher(stream) => (stream, None),
                Progress::Gathered(_) => {
                    return Err(Failure::invalid("the operation under way is another one"));
                }
            }
        }
        _ => begin(&object, &request)?,
    };
    let in_parts = request.begins || request.correlation_value.is_some();
    let data = request.data.expose();
    if purpose == Purpose::Protect && usage::is_limited(&object) {
        context.change(request.identifier, |object| {
            usage::spend(object, data.len())
        })?;
    }
    let mut out = stream.update(data)?;
    let mut outcome = Outcome {
        data: None,
        iv: iv.map(Bytes),
        tag: None,
        correlation_value: None,
    };
    if in_parts && !request.ends {
        outcome.correlation_value = Some(context.streams.keep(
            request.correlation_value,
            Running {
                owner: context.owner.clone(),
                operation,
                identifier: Some(request.identifier.to_owned()),
                progress: Progress::Cipher(stream),
            },
        )?);
    } else {
        let (rest, tag): Finished = stream.finish(request.tag.as_deref())?;
        let mut whole = Plain::new(Vec::with_capacity(out.len() + rest.len()));
        whole.extend_from_slice(&out);
        whole.extend_from_slice(&rest);
        out = whole;
        outcome.tag = tag.map(Bytes);
    }
    outcome.data = (!in_parts || !out.is_empty()).then_some(out);
    Ok(outcome)
}

fn begin(object: &Object, request: &Request<'_>) -> Result<Begun, Failure> {
    let own = object.attributes.cryptographic_parameters();
    let parameters = request.parameters.as_ref().or(own);
    let parameters = parameters.cloned().unwrap_or_default();
    let (algorithm, key) = symmetric_key(object)?;
    crypto::begin(&Task {
        direction: request.direction,
        algorithm: parameters.cryptographic_algorithm.unwrap_or(algorithm),
        key: key.expose(),
        parameters: &parameters,
        iv: request.iv.as_deref(),
        additional: request.additional.as_deref().unwrap_or_default(),
    })
}

/// RSA: at once, or not at all.
fn asymmetric(
    context: &mut Context<'_>,
    object: &Object,
    request: Request<'_>,
) -> Result<Outcome, Failure> {
    if request.begins || request.correlation_value.is_some() {
        return Err(Failure::invalid(
            "asymmetric keys encrypt and decrypt at once",
        ));
    }
    let own = object.attributes.cryptographic_parameters();
    let parameters = request
        .parameters
        .as_ref()
        .or(own)
        .cloned()
        .unwrap_or_default();
    let data = request.data.expose();
    let out = match request.direction {
        Direction::Encrypt => {
            if usage::is_limited(object) {
                context.change(request.identifier, |object| {
                    usage::spend(object, data.len())
                })?;
            }
            Plain::new(crypto::encrypt(&public_key(object)?, &parameters, data)?)
        }
        Direction::Decrypt => crypto::decrypt(&private_key(object)?, &parameters, data)?,
    };
    Ok(Outcome {
        data: Some(out),
        iv: None,
        tag: None,
        correlation_value: None,
    })
}

/// The key of an object that is a private key.
pub(super) fn private_key(object: &Object) -> Result<PrivateKey, Failure> {
    match &object.value {
        Some(ManagedObject::PrivateKey(key)) => PrivateKey::read(&key.key_block),
        Some(other) => Err(Failure::invalid(format!(
            "the object is a {}, expected a private key",
            other.object_type()
        ))),
        None => Err(Failure::wrong_state("the object has been destroyed")),
    }
}

/// The key of an object that is a public key or a certificate.
pub(super) fn public_key(object: &Object) -> Result<PublicKey, Failure> {
    match &object.value {
        Some(ManagedObject::PublicKey(key)) => PublicKey::read(&key.key_block),
        Some(ManagedObject::Certificate(certificate)) => {
            let info = certificate::public_key(certificate)?;
            PublicKey::from_der(KeyFormatType::X_509, &info)
        }
        Some(other) => Err(Failure::invalid(format!(
            "the object is a {}, expected a public key",
            other.object_type()
        ))),
        None => Err(Failure::wrong_state("the object has been destroyed")),
    }
}

/// The algorithm and the bytes of an object that is a symmetric key in clear.
pub(super) fn symmetric_key(
    object: &Object,
) -> Result<(CryptographicAlgorithm, &SecretBytes), Failure> {
    let value = object.value.as_ref();
    let value = value.ok_or_else(|| Failure::wrong_state("the object has been destroyed"))?;
    if value.object_type() != ObjectType::SymmetricKey {
        return Err(Failure::invalid(format!(
            "the object is a {}, expected a symmetric key",
            value.object_type()
        )));
    }
    let block = value.key_block();
    let plain = block.filter(|block| block.key_wrapping_data.is_none());
    let algorithm = object.attributes.cryptographic_algorithm().copied();
    match (algorithm, plain.and_then(|block| block.key_bytes())) {
        (Some(algorithm), Some(key)) => Ok((algorithm, key)),
        (None, _) => Err(Failure::invalid("the key has no Cryptographic Algorithm")),
        (_, None) => Err(Failure::invalid("the key is wrapped, or not here")),
    }
}
