//! `security.kmip.wrapOnServer`: the KMIP key never leaves the server.
//!
//! What plays the master key's part here is 256 random bits, encrypted by the server (KMIP Encrypt, AES-GCM) under
//! its key, and kept in the keystore. Whoever opens the keystore has the server decrypt them each time, so that it sees
//! each use, and can end it.
//!
//! Encrypt is of KMIP 1.2; its associated data and authentication tag are of 1.4, which is therefore needed. PyKMIP
//! 0.11 does it (with nonces of 16 bytes, of its own), as does Vault.

use kmip::registry::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask, Operation, ResultReason,
};
use kmip::structures::CryptographicParameters;
use kmip::{ProtocolVersion, SecretBytes};
use kmip_client::{Encrypted, ErrorKind, ObjectAttributes};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::find::is_active;
use super::{Fetched, KmipKeyError, KmipKeys};
use crate::crypto::TAG_LEN;
use crate::format::WrappedMasterKey;
use crate::memory::MasterKey;
use crate::tree_id::TreeId;

const AAD: &[u8] = b"strongroom master key 1";
/// What a nonce is long that we make ourselves, in bytes: what AES-GCM is made for.
const NONCE_LEN: usize = 12;
/// The version from which Encrypt has associated data and a tag.
const SINCE: ProtocolVersion = ProtocolVersion::V1_4;
const REMEDY: &str =
    "permit it there, use a server that has it, or turn security.kmip.wrapOnServer off";

/// What a wrapped master key belongs to: it unwraps for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapContext {
    /// The dbpath.
    pub dbpath_id: Uuid,
    /// The tree whose own master key it is; `None` for the dbpath's.
    pub tree: Option<TreeId>,
    /// The master key's generation.
    pub generation: u32,
}

impl WrapContext {
    /// What the server authenticates together with the key.
    fn associated_data(&self) -> Vec<u8> {
        let tree = self.tree.map_or([0; 16], |tree| tree.0);
        let generation = self.generation.to_be_bytes();
        [AAD, self.dbpath_id.as_bytes(), &tree, &generation].concat()
    }
}

impl KmipKeys {
    /// Looks whether the server says that it cannot wrap and unwrap keys, so that it is known before anything is
    /// created.
    ///
    /// # Errors
    /// [`KmipKeyError::NotOffered`].
    pub async fn check_can_wrap(&mut self) -> Result<(), KmipKeyError> {
        let version = self.session.negotiated_version();
        if version < SINCE {
            return Err(KmipKeyError::NotOffered {
                server: self.server(),
                operations: format!(
                    "authenticated encryption (it is of KMIP {SINCE}, and the server speaks {version})"
                ),
                remedy: REMEDY,
            });
        }
        self.check_offered(&[Operation::Encrypt, Operation::Decrypt], REMEDY)
            .await
    }

    /// Makes a new key that plays the master key's part and has the server wrap it with the key that was found. It is
    /// unwrapped again for a trial.
    ///
    /// # Errors
    /// [`KmipKeyError::NotOffered`] for a server that cannot; [`KmipKeyError::CannotWrap`] for a key that may not;
    /// [`KmipKeyError::Unusable`], [`KmipKeyError::NotUnwrapped`], and those of the client.
    pub async fn wrap_new(
        &mut self,
        attributes: ObjectAttributes,
        context: &WrapContext,
    ) -> Result<Fetched, KmipKeyError> {
        self.check_can_wrap().await?;
        self.check_kind(&attributes)?;
        let needed = CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt;
        let problem = match (attributes.state, attributes.usage) {
            (Some(state), _) if !is_active(&attributes) => {
                format!("it is in the state {state}, and must be Active: activate it there")
            }
            (_, Some(usage)) if !usage.contains(needed) => {
                "its Cryptographic Usage Mask must have Encrypt and Decrypt".to_owned()
            }
            _ => String::new(),
        };
        if !problem.is_empty() {
            return Err(KmipKeyError::CannotWrap {
                key: attributes.unique_identifier,
                server: self.server(),
                problem,
            });
        }
        let key = MasterKey::generate().map_err(|_| KmipKeyError::Random)?;
        let identifier = &attributes.unique_identifier;
        let wrapped = self.wrap(identifier, &key, context).await?;
        let again = self.unwrap(identifier, &wrapped, context).await?;
        if !bool::from(again.expose().ct_eq(key.expose())) {
            return Err(self.not_unwrapped(identifier, "it returned another key".to_owned()));
        }
        Ok(Fetched {
            key,
            attributes,
            wrapped: Some(wrapped),
        })
    }

    async fn wrap(
        &mut self,
        identifier: &str,
        key: &MasterKey,
        context: &WrapContext,
    ) -> Result<WrappedMasterKey, KmipKeyError> {
        let clear = SecretBytes::from(key.expose());
        let aad = context.associated_data();
        // Servers in a FIPS mode insist on making the nonce, as they should; others want to be given one.
        let of_server = CryptographicParameters {
            random_iv: Some(true),
            ..parameters()
        };
        let answer = self
            .session
            .encrypt(identifier, Some(of_server), &clear, None, Some(&aad))
            .await;
        match answer {
            Ok(Encrypted {
                data,
                iv_counter_nonce: Some(nonce),
                tag,
            }) => return self.wrapped(&nonce, &data, tag.as_deref()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::Refused { .. }) => {
                tracing::debug!(%error, "The KMIP server does not make the nonce");
            }
            Err(error) => return Err(self.not_offered_or(error)),
        }
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| KmipKeyError::Random)?;
        let answer = self
            .session
            .encrypt(
                identifier,
                Some(parameters()),
                &clear,
                Some(&nonce),
                Some(&aad),
            )
            .await;
        match answer {
            Ok(encrypted) => self.wrapped(&nonce, &encrypted.data, encrypted.tag.as_deref()),
            Err(error) => Err(self.not_offered_or(error)),
        }
    }

    /// Has the server unwrap a master key with its key `identifier`.
    ///
    /// # Errors
    /// [`KmipKeyError::NotUnwrapped`] if it refuses; [`KmipKeyError::NotOffered`] if it cannot; those of the
    /// client.
    pub async fn unwrap(
        &mut self,
        identifier: &str,
        wrapped: &WrappedMasterKey,
        context: &WrapContext,
    ) -> Result<MasterKey, KmipKeyError> {
        let encrypted = Encrypted {
            data: wrapped.ciphertext.to_vec(),
            iv_counter_nonce: Some(wrapped.nonce.clone()),
            tag: Some(wrapped.tag.to_vec()),
        };
        let aad = context.associated_data();
        let answer = self
            .session
            .decrypt(identifier, Some(parameters()), &encrypted, Some(&aad))
            .await;
        match answer {
            Ok(clear) => MasterKey::from_slice(clear.expose()).ok_or_else(|| {
                let problem = format!("it returned {} bits, not 256", clear.len() * 8);
                self.not_unwrapped(identifier, problem)
            }),
            Err(error) => match self.not_offered_or(error) {
                KmipKeyError::Client(error)
                    if matches!(error.kind(), ErrorKind::Refused { .. }) =>
                {
                    Err(self.not_unwrapped(identifier, error.message().to_owned()))
                }
                error => Err(error),
            },
        }
    }

    fn wrapped(
        &self,
        nonce: &[u8],
        data: &[u8],
        tag: Option<&[u8]>,
    ) -> Result<WrappedMasterKey, KmipKeyError> {
        let wrapped = tag.and_then(|tag| WrappedMasterKey::new(nonce, data, tag));
        wrapped.ok_or_else(|| self.cannot_gcm("its answer has not the lengths of AES-GCM"))
    }

    /// Says of a refusal that means "I cannot do that" that the server cannot.
    fn not_offered_or(&self, error: kmip_client::Error) -> KmipKeyError {
        let cannot = match error.kind() {
            ErrorKind::Configuration => true,
            ErrorKind::Refused { reason, .. } => matches!(
                reason,
                Some(
                    ResultReason::OperationNotSupported
                        | ResultReason::FeatureNotSupported
                        | ResultReason::InvalidField
                        | ResultReason::InvalidMessage
                )
            ),
            _ => false,
        };
        match cannot {
            true => self.cannot_gcm(error.message()),
            false => error.into(),
        }
    }

    fn cannot_gcm(&self, why: &str) -> KmipKeyError {
        KmipKeyError::NotOffered {
            server: self.server(),
            operations: format!("encryption with AES-GCM ({why})"),
            remedy: REMEDY,
        }
    }

    fn not_unwrapped(&self, identifier: &str, problem: String) -> KmipKeyError {
        KmipKeyError::NotUnwrapped {
            key: identifier.to_owned(),
            server: self.server(),
            problem,
        }
    }
}

fn parameters() -> CryptographicParameters {
    CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::AES),
        block_cipher_mode: Some(BlockCipherMode::GCM),
        tag_length: Some(TAG_LEN as i32),
        ..CryptographicParameters::default()
    }
}
