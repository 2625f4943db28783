//! Cryptography with managed keys. Bytes in, bytes out: nothing here knows of objects, states or messages.

mod asymmetric;
mod block;
mod chacha;
mod der;
mod derive;
mod ec;
mod gcm;
mod hash;
mod keys;
mod padding;
mod pkcs12;
mod symmetric;
mod wrap;

pub(crate) use asymmetric::{Signed, decrypt, encrypt, new_ec, new_rsa, sign, verify};
pub(crate) use derive::{MOST_BYTES as MOST_DERIVED_BYTES, derive};
pub(crate) use ec::Curve;
pub(crate) use hash::{hash, mac};
pub(crate) use keys::{PrivateKey, PublicKey, with_material};
pub(crate) use pkcs12::pkcs12;
pub(crate) use symmetric::{Direction, Task, begin};
pub(crate) use wrap::{unwrap, wrap};

use kmip::registry::ResultReason;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Clear text, or bytes that may be: wiped when dropped.
pub(crate) type Plain = Zeroizing<Vec<u8>>;

/// An encryption or decryption, whole or in parts.
pub(crate) trait Stream: Send {
    /// Takes the next part, and gives what can be given already.
    fn update(&mut self, part: &[u8]) -> Result<Plain, Failure>;

    /// Gives the rest. An authenticated decryption verifies the tag, and gives nothing before.
    fn finish(self: Box<Self>, tag: Option<&[u8]>) -> Result<Finished, Failure>;
}

/// The rest, and the authentication tag of an authenticated encryption.
pub(crate) type Finished = (Plain, Option<Vec<u8>>);

/// What has begun, and the IV if the server has made it.
pub(crate) type Begun = (Box<dyn Stream>, Option<Vec<u8>>);

/// Random bytes.
pub(crate) fn random(count: usize) -> Result<Plain, Failure> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::cryptographic("there are no random numbers"))?;
    Ok(bytes)
}

/// The parameters are not supported, or do not fit together.
fn unsupported(message: impl Into<String>) -> Failure {
    Failure::new(ResultReason::UnsupportedCryptographicParameters, message)
}
