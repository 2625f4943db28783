//! The keystore's cryptography: key derivation, wrapping of data keys, sealing of the body.
//!
//! The master key is used for nothing but HKDF-SHA-256 (RFC 5869), with a random salt for each time a
//! keystore is put under a master key. Three keys come out of it, told apart by HKDF's `info`:
//! one wraps data keys, one seals the body, one is only compared (the key check value).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use subtle::ConstantTimeEq;

use crate::error::Error;
use crate::memory::{DataKey, KEY_LEN, Locked32, MasterKey};
use crate::tree_id::TreeId;

/// Bytes in an AES-256-GCM tag.
pub(crate) const TAG_LEN: usize = 16;
/// Bytes in a wrapped data key: nonce, ciphertext, tag.
pub(crate) const WRAPPED_LEN: usize = NONCE_LEN + KEY_LEN + TAG_LEN;
/// What sealing adds to a body: nonce before, tag after.
pub(crate) const SEAL_OVERHEAD: usize = NONCE_LEN + TAG_LEN;

const INFO_WRAP: &[u8] = b"strongroom keystore 1: wrap data keys";
const INFO_SEAL: &[u8] = b"strongroom keystore 1: seal body";
const INFO_CHECK: &[u8] = b"strongroom keystore 1: key check value";
const AAD_WRAP: &[u8] = b"strongroom data key 1";
const AAD_PREVIOUS: &[u8] = b"strongroom previous seal 1";

/// A salt and the check value that belongs to it and to the master key. Neither is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) salt: [u8; 32],
    pub(crate) check: [u8; 32],
}

/// The keys derived from a master key.
pub(crate) struct DerivedKeys {
    wrap: Locked32,
    seal: SealKey,
}

/// Seals and opens the body of one keystore. It does not unwrap the data keys in it.
pub(crate) struct SealKey(Locked32);

struct Len32;

impl hkdf::KeyType for Len32 {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

fn expand(prk: &hkdf::Prk, info: &[u8], out: &mut [u8; KEY_LEN]) -> Result<(), Error> {
    prk.expand(&[info], Len32)
        .and_then(|okm| okm.fill(out))
        .map_err(|_| Error::Crypto("derive a key"))
}

fn derive(master: &MasterKey, salt: &[u8; 32]) -> Result<(DerivedKeys, [u8; 32]), Error> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(master.expose());
    let (mut wrap, mut seal, mut check) = (Locked32::zeroed(), Locked32::zeroed(), [0; 32]);
    expand(&prk, INFO_WRAP, &mut wrap)?;
    expand(&prk, INFO_SEAL, &mut seal)?;
    expand(&prk, INFO_CHECK, &mut check)?;
    let seal = SealKey(seal);
    Ok((DerivedKeys { wrap, seal }, check))
}

impl DerivedKeys {
    /// Derives the keys of a keystore that is put under `master` now, with a new salt.
    pub(crate) fn bind(master: &MasterKey) -> Result<(DerivedKeys, Binding), Error> {
        let salt = random()?;
        let (keys, check) = derive(master, &salt)?;
        Ok((keys, Binding { salt, check }))
    }

    /// Derives the keys of a keystore that exists; `None` if it was written under another master key.
    pub(crate) fn recover(
        master: &MasterKey,
        binding: &Binding,
    ) -> Result<Option<DerivedKeys>, Error> {
        let (keys, check) = derive(master, &binding.salt)?;
        Ok(bool::from(check.ct_eq(&binding.check)).then_some(keys))
    }

    /// Wraps a data key for one place in one keystore; it unwraps nowhere else.
    pub(crate) fn wrap(
        &self,
        place: &Place<'_>,
        key: &DataKey,
    ) -> Result<[u8; WRAPPED_LEN], Error> {
        self.wrap_bytes(&place.aad(), key.expose())
    }

    /// Unwraps a data key straight into locked memory; `None` if authentication fails.
    pub(crate) fn unwrap(
        &self,
        place: &Place<'_>,
        wrapped: &[u8; WRAPPED_LEN],
    ) -> Result<Option<DataKey>, Error> {
        let key = self.unwrap_bytes(&place.aad(), wrapped)?;
        Ok(key.map(DataKey::from_locked))
    }

    /// The key that seals the body.
    pub(crate) fn seal_key(&self) -> &SealKey {
        &self.seal
    }

    /// Wraps the key that sealed the keystore of before, of the same dbpath.
    pub(crate) fn wrap_seal(
        &self,
        dbpath_id: &[u8; 16],
        key: &SealKey,
    ) -> Result<[u8; WRAPPED_LEN], Error> {
        self.wrap_bytes(&[AAD_PREVIOUS, dbpath_id].concat(), &key.0)
    }

    /// Unwraps the key that sealed the keystore of before; `None` if authentication fails.
    pub(crate) fn unwrap_seal(
        &self,
        dbpath_id: &[u8; 16],
        wrapped: &[u8; WRAPPED_LEN],
    ) -> Result<Option<SealKey>, Error> {
        let key = self.unwrap_bytes(&[AAD_PREVIOUS, dbpath_id].concat(), wrapped)?;
        Ok(key.map(SealKey))
    }

    fn wrap_bytes(&self, aad: &[u8], key: &[u8; KEY_LEN]) -> Result<[u8; WRAPPED_LEN], Error> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut ciphertext = [0; KEY_LEN];
        let mut tag = [0; TAG_LEN];
        cipher(&self.wrap)?
            .seal_out_of_place_scatter(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                key,
                &mut ciphertext,
                &[],
                &mut tag,
            )
            .map_err(|_| Error::Crypto("wrap a key"))?;
        let mut wrapped = [0; WRAPPED_LEN];
        for (to, from) in wrapped
            .iter_mut()
            .zip(nonce.iter().chain(&ciphertext).chain(&tag))
        {
            *to = *from;
        }
        Ok(wrapped)
    }

    fn unwrap_bytes(
        &self,
        aad: &[u8],
        wrapped: &[u8; WRAPPED_LEN],
    ) -> Result<Option<Locked32>, Error> {
        let (nonce, rest) = wrapped.split_at(NONCE_LEN);
        let (ciphertext, tag) = rest.split_at(KEY_LEN);
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else {
            return Ok(None);
        };
        let mut key = Locked32::zeroed();
        let opened = cipher(&self.wrap)?.open_separate_gather(
            nonce,
            Aad::from(aad),
            ciphertext,
            tag,
            &mut key[..],
        );
        Ok(opened.is_ok().then_some(key))
    }
}

impl SealKey {
    /// Encrypts the body and authenticates it together with everything before it in the file.
    pub(crate) fn seal(&self, before: &[u8], body: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut ciphertext = body.to_vec();
        cipher(&self.0)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(before),
                &mut ciphertext,
            )
            .map_err(|_| Error::Crypto("seal the keystore"))?;
        let mut sealed = Vec::with_capacity(body.len() + SEAL_OVERHEAD);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut ciphertext);
        Ok(sealed)
    }

    /// Decrypts a sealed body; `None` if it, or what is before it, is not what was sealed.
    pub(crate) fn open(&self, before: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let Some((nonce, ciphertext)) = sealed.split_at_checked(NONCE_LEN) else {
            return Ok(None);
        };
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else {
            return Ok(None);
        };
        let mut body = ciphertext.to_vec();
        let opened = cipher(&self.0)?
            .open_in_place(nonce, Aad::from(before), &mut body)
            .map(|plain| plain.len());
        Ok(opened.ok().map(|len| {
            body.truncate(len);
            body
        }))
    }
}

/// Where a wrapped data key belongs: an entry moved elsewhere must not unwrap.
pub(crate) struct Place<'a> {
    pub(crate) dbpath_id: &'a [u8; 16],
    pub(crate) tree: TreeId,
    pub(crate) key_id: u32,
}

impl Place<'_> {
    fn aad(&self) -> Vec<u8> {
        [
            AAD_WRAP,
            self.dbpath_id,
            &self.tree.0,
            &self.key_id.to_be_bytes(),
        ]
        .concat()
    }
}

fn cipher(key: &Locked32) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM, &key[..])
        .map(LessSafeKey::new)
        .map_err(|_| Error::Crypto("set up AES-256-GCM"))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> MasterKey {
        MasterKey::from_slice(&[byte; 32]).unwrap()
    }

    fn place(dbpath_id: &[u8; 16], tree: u8, key_id: u32) -> Place<'_> {
        Place {
            dbpath_id,
            tree: TreeId([tree; 16]),
            key_id,
        }
    }

    #[test]
    fn the_derived_values_all_differ_from_each_other_and_from_the_master_key() {
        let master = master(1);
        let (keys, binding) = DerivedKeys::bind(&master).unwrap();
        let all = [*keys.wrap, *keys.seal.0, binding.check, *master.expose()];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a, b);
            }
        }
        let (again, other) = DerivedKeys::bind(&master).unwrap();
        assert_ne!(binding, other, "a salt of its own each time");
        assert_ne!(*keys.wrap, *again.wrap);
    }

    #[test]
    fn the_check_value_tells_master_keys_apart() {
        let (keys, binding) = DerivedKeys::bind(&master(1)).unwrap();
        let same = DerivedKeys::recover(&master(1), &binding).unwrap().unwrap();
        assert_eq!(*keys.seal.0, *same.seal.0);
        assert!(
            DerivedKeys::recover(&master(2), &binding)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn a_wrapped_key_opens_in_its_own_place_only() {
        let (keys, _) = DerivedKeys::bind(&master(1)).unwrap();
        let key = DataKey::generate().unwrap();
        let wrapped = keys.wrap(&place(&[1; 16], 2, 3), &key).unwrap();
        let opened = keys.unwrap(&place(&[1; 16], 2, 3), &wrapped).unwrap();
        assert_eq!(opened.unwrap().expose(), key.expose());
        for elsewhere in [
            place(&[9; 16], 2, 3),
            place(&[1; 16], 9, 3),
            place(&[1; 16], 2, 9),
        ] {
            assert!(keys.unwrap(&elsewhere, &wrapped).unwrap().is_none());
        }
        for at in 0..WRAPPED_LEN {
            let mut broken = wrapped;
            broken[at] ^= 1;
            let opened = keys.unwrap(&place(&[1; 16], 2, 3), &broken).unwrap();
            assert!(opened.is_none(), "{at}");
        }
    }

    #[test]
    fn the_seal_of_before_opens_bodies_and_no_data_keys() {
        let (old, _) = DerivedKeys::bind(&master(1)).unwrap();
        let (new, _) = DerivedKeys::bind(&master(2)).unwrap();
        let sealed = old.seal_key().seal(b"header", b"body").unwrap();
        let wrapped = new.wrap_seal(&[1; 16], old.seal_key()).unwrap();
        let seal = new.unwrap_seal(&[1; 16], &wrapped).unwrap().unwrap();
        assert_eq!(seal.open(b"header", &sealed).unwrap().unwrap(), b"body");
        assert!(new.unwrap_seal(&[2; 16], &wrapped).unwrap().is_none());
        assert!(old.unwrap_seal(&[1; 16], &wrapped).unwrap().is_none());
        let place = place(&[1; 16], 2, 3);
        let key = new.wrap(&place, &DataKey::generate().unwrap()).unwrap();
        assert!(new.unwrap_seal(&[1; 16], &key).unwrap().is_none());
        assert!(new.unwrap(&place, &wrapped).unwrap().is_none());
    }

    #[test]
    fn a_body_opens_behind_the_bytes_it_was_sealed_behind() {
        let (keys, _) = DerivedKeys::bind(&master(1)).unwrap();
        let sealed = keys.seal_key().seal(b"header", b"body").unwrap();
        assert_eq!(sealed.len(), 4 + SEAL_OVERHEAD);
        assert_eq!(
            keys.seal_key().open(b"header", &sealed).unwrap().unwrap(),
            b"body"
        );
        assert!(keys.seal_key().open(b"Header", &sealed).unwrap().is_none());
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert!(
                keys.seal_key().open(b"header", &broken).unwrap().is_none(),
                "{at}"
            );
        }
        for len in 0..sealed.len() {
            assert!(
                keys.seal_key()
                    .open(b"header", &sealed[..len])
                    .unwrap()
                    .is_none()
            );
        }
    }
}
