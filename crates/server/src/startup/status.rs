//! `serverStatus().encryptionAtRest`: PSMDB's fields, and more.

use bson::{Document, RawDocumentBuf, doc};
use keystore::Provider;

use super::EncryptionStatus;

impl EncryptionStatus {
    /// The section as `serverStatus` shows it. Nothing in it is secret.
    pub fn to_document(&self) -> RawDocumentBuf {
        let key = &self.keystore.master_key;
        let key_id = match key.provider {
            Provider::Kmip => doc! { "kmip": { "keyId": key.identifier.clone() } },
            // PSMDB's word for a key file.
            _ => doc! { "local": true },
        };
        let mut section = doc! {
            "encryptionEnabled": true,
            "encryptionCipherMode": self.keystore.cipher.mode(),
            "encryptionKeyId": key_id,
            "masterKeyGeneration": i64::from(key.generation),
        };
        if let Some(kmip) = &self.kmip {
            let mut server = doc! {
                "server": &kmip.server,
                "protocolVersion": &kmip.version,
                "keyState": &kmip.key_state,
                "keyName": key.name.clone(),
            };
            if let Some(seconds) = kmip.client_certificate_not_after_unix_secs {
                let end = bson::DateTime::from_millis(seconds.saturating_mul(1000));
                server.insert("clientCertificateNotAfter", end);
            }
            section.extend(Document::from_iter([("kmip".to_owned(), server.into())]));
        }
        RawDocumentBuf::try_from(&section).unwrap_or_default()
    }
}
