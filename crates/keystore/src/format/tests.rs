use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use uuid::Uuid;

use super::record::Unknown;
use super::*;
use crate::crypto::{Binding, WRAPPED_LEN};
use crate::tree_id::TreeId;

fn unknown() -> impl Strategy<Value = Vec<Unknown>> {
    // Behind those that are known somewhere.
    vec((0x8010u16.., vec(any::<u8>(), 0..20)), 0..3)
}

fn master_key(announced: bool) -> impl Strategy<Value = MasterKeyRef> {
    let identifier =
        proptest::option::of("[ -~]{1,40}").prop_map(move |text| text.filter(|_| !announced));
    let name = proptest::option::of("\\PC{1,20}");
    (any::<bool>(), any::<u32>(), name, identifier, unknown()).prop_map(
        |(kmip, generation, name, identifier, unknown)| {
            let mut key = match kmip {
                true => MasterKeyRef::kmip(generation, name, identifier).unwrap(),
                false => MasterKeyRef::key_file(generation),
            };
            key.unknown = unknown;
            key
        },
    )
}

fn wrapped() -> impl Strategy<Value = WrappedMasterKey> {
    let nonce = vec(any::<u8>(), 8..=64);
    (nonce, any::<[u8; 32]>(), any::<[u8; 16]>()).prop_map(|(nonce, ciphertext, tag)| {
        WrappedMasterKey {
            nonce,
            ciphertext,
            tag,
        }
    })
}

fn current() -> impl Strategy<Value = Current> {
    let binding = (any::<[u8; 32]>(), any::<[u8; 32]>());
    let binding = binding.prop_map(|(salt, check)| Binding { salt, check });
    let wrapped = proptest::option::of(wrapped());
    (master_key(false), binding, wrapped).prop_map(|(key, binding, wrapped)| Current {
        key: match key.provider {
            Provider::Kmip => key.with_wrapped(wrapped),
            Provider::KeyFile => key,
        },
        binding,
    })
}

fn history() -> impl Strategy<Value = Vec<HistoryEntry>> {
    let reason = prop_oneof![
        Just(HistoryReason::Created),
        Just(HistoryReason::Rotated),
        Just(HistoryReason::Migrated)
    ];
    let revoked = proptest::option::of(any::<u64>());
    let entry = (any::<u64>(), reason, current(), revoked, unknown());
    let entry = entry.prop_map(|(time, reason, current, revoked, unknown)| HistoryEntry {
        revoked_unix_secs: revoked,
        unknown,
        ..HistoryEntry::new(time, reason, &current.key)
    });
    vec(entry, 0..4)
}

fn header() -> impl Strategy<Value = Header> {
    let keys = prop_oneof![
        master_key(true).prop_map(|key| (None, Some(key))),
        (current(), proptest::option::of(master_key(true)))
            .prop_map(|(current, pending)| (Some(current), pending)),
    ];
    (any::<u128>(), any::<u64>(), any::<bool>(), keys, unknown()).prop_map(
        |(id, sequence, gcm, (current, pending), unknown)| Header {
            dbpath_id: Uuid::from_u128(id),
            sequence,
            cipher: match gcm {
                true => Cipher::Aes256Gcm,
                false => Cipher::XChaCha20Poly1305,
            },
            current,
            pending,
            unknown,
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let entry = (vec(any::<u8>(), WRAPPED_LEN), unknown());
    let lineage = (
        any::<u32>(),
        proptest::option::of(master_key(true)),
        unknown(),
    );
    let lineage = lineage.prop_map(|(last_generation, pending, unknown)| Lineage {
        last_generation,
        pending,
        unknown,
    });
    let lineage = proptest::option::of(lineage);
    let tree = (vec(entry, 1..4), proptest::option::of(current()), lineage);
    let trees = btree_map(any::<[u8; 16]>(), tree, 0..6);
    let seal = proptest::option::of(vec(any::<u8>(), WRAPPED_LEN));
    (trees, history(), seal, unknown()).prop_map(|(trees, history, seal, unknown)| {
        let mut body = Body {
            history,
            previous_seal: seal.map(|seal| seal.try_into().unwrap()),
            unknown,
            ..Body::default()
        };
        for (tree, (keys, own, lineage)) in trees {
            if let Some(lineage) = lineage {
                body.lineages.insert(TreeId(tree), lineage);
            }
            if let Some(own) = own {
                body.tree_master_keys.insert(TreeId(tree), own);
            }
            let active = keys.len() - 1;
            for (i, (wrapped, unknown)) in keys.into_iter().enumerate() {
                let entry = Entry {
                    state: match i == active {
                        true => KeyState::Active,
                        false => KeyState::DecryptOnly,
                    },
                    wrapped: wrapped.try_into().unwrap(),
                    unknown,
                };
                body.entries.insert((TreeId(tree), i as u32), entry);
            }
        }
        body
    })
}

fn encoded(header: &Header, sealed: &[u8]) -> Vec<u8> {
    encode::<()>(header, sealed.len(), |_| Ok(sealed.to_vec())).unwrap()
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_the_same(header in header(), body in body(), sealed in vec(any::<u8>(), 1..100)) {
        prop_assert_eq!(&Body::decode(&body.encode()).unwrap(), &body);
        let sealed = if header.current.is_some() { &sealed[..] } else { &[] };
        let bytes = encoded(&header, sealed);
        let file = decode(&bytes).unwrap();
        prop_assert_eq!(&file.header, &header);
        prop_assert_eq!(file.sealed, sealed);
        prop_assert_eq!(file.before_body.len() + sealed.len() + DIGEST_LEN, bytes.len());
    }

    #[test]
    fn every_prefix_is_refused(header in header(), cut in any::<prop::sample::Index>()) {
        let sealed: &[u8] = if header.current.is_some() { b"sealed" } else { b"" };
        let bytes = encoded(&header, sealed);
        prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
    }
}

fn announced() -> Header {
    let mut header = Header::new(Uuid::from_u128(7), Cipher::Aes256Gcm);
    header.pending = Some(MasterKeyRef::kmip(1, Some("name".into()), None).unwrap());
    header
}

/// The file with `change` made to it and the digest computed anew, as a newer version or a forger
/// would write it.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Result<Header, FormatError> {
    let mut bytes = encoded(&announced(), &[]);
    bytes.truncate(bytes.len() - DIGEST_LEN);
    change(&mut bytes);
    let digest = digest(&SHA256, &bytes);
    bytes.extend_from_slice(digest.as_ref());
    decode(&bytes).map(|file| file.header)
}

#[test]
fn the_bytes_are_as_drawn() {
    let bytes = encoded(&announced(), &[]);
    let expected = [
        "8953524b45590d0a", // magic
        "0001",
        "0000", // version, reserved
        "0000004c",
        "00000000", // lengths
        "0001",
        "00000010",
        "00000000000000000000000000000007", // dbpath id
        "0002",
        "00000008",
        "0000000000000001", // sequence
        "0003",
        "00000001",
        "01", // cipher
        "0005",
        "0000001b", // announced master key
        "0001",
        "00000001",
        "01", // provider
        "0002",
        "00000004",
        "00000001", // generation
        "0003",
        "00000004",
        "6e616d65", // Name
    ]
    .concat();
    let content = &bytes[..bytes.len() - DIGEST_LEN];
    assert_eq!(hex::encode(content), expected);
}

/// The body of a tree with a master key of its own, which stays on its server, and the history.
#[test]
fn the_bytes_of_the_body_are_as_drawn() {
    let wrapped = WrappedMasterKey::new(&[0xA1; 12], &[0xA2; 32], &[0xA3; 16]).unwrap();
    let key = MasterKeyRef::kmip(2, None, Some("id".into())).unwrap();
    let key = key.with_wrapped(Some(wrapped));
    let binding = Binding {
        salt: [0xB1; 32],
        check: [0xB2; 32],
    };
    let history = HistoryEntry {
        revoked_unix_secs: Some(9),
        ..HistoryEntry::new(7, HistoryReason::Rotated, &key)
    };
    let mut body = Body {
        history: vec![history],
        ..Body::default()
    };
    let entry = Entry {
        state: KeyState::Active,
        wrapped: [0xC1; WRAPPED_LEN],
        unknown: Vec::new(),
    };
    let tree = TreeId([0xD1; 16]);
    body.entries.insert((tree, 1), entry);
    let own = Current { key, binding };
    body.tree_master_keys.insert(tree, own.clone());
    let lineage = Lineage {
        last_generation: 3,
        pending: Some(MasterKeyRef::key_file(4)),
        unknown: Vec::new(),
    };
    body.lineages.insert(tree, lineage);
    body.previous_seal = Some([0xE1; WRAPPED_LEN]);
    let master_key = [
        "0001", "00000001", "01", // provider
        "0002", "00000004", "00000002", // generation
        "0004", "00000002", "6964", // Unique Identifier
    ]
    .concat();
    let wrapped = [
        "0007",
        "0000004e", // wrapped master key
        "0001",
        "0000000c",
        &"a1".repeat(12), // nonce
        "0002",
        "00000020",
        &"a2".repeat(32), // ciphertext
        "0003",
        "00000010",
        &"a3".repeat(16), // tag
    ]
    .concat();
    let expected = [
        "0001",
        "00000069", // data key
        "0001",
        "00000010",
        &"d1".repeat(16), // tree id
        "0002",
        "00000004",
        "00000001", // key id
        "0003",
        "00000001",
        "01", // state
        "0004",
        "0000003c",
        &"c1".repeat(60), // wrapped data key
        "0002",
        "000000d5", // master key of a tree
        "0001",
        "00000010",
        &"d1".repeat(16), // tree id
        "0002",
        "000000b9", // master key
        &master_key,
        "0005",
        "00000020",
        &"b1".repeat(32), // salt
        "0006",
        "00000020",
        &"b2".repeat(32), // key check value
        &wrapped,
        "8001",
        "00000037", // lineage
        "0001",
        "00000010",
        &"d1".repeat(16), // tree id
        "0002",
        "00000004",
        "00000003", // generation of the last one
        "0003",
        "00000011", // announced master key
        "0001",
        "00000001",
        "02", // provider
        "0002",
        "00000004",
        "00000004", // generation
        "8002",
        "0000003c",
        &"e1".repeat(60), // seal of the previous keystore
        "0003",
        "00000049", // history
        "0001",
        "00000008",
        "0000000000000007", // time
        "0002",
        "00000001",
        "02", // reason
        "0003",
        "00000019", // master key
        &master_key,
        "0004",
        "00000001",
        "01", // it stays on the server
        "8001",
        "00000008",
        "0000000000000009", // revoked
    ]
    .concat();
    assert_eq!(hex::encode(body.encode()), expected);
    assert_eq!(Body::decode(&body.encode()).unwrap(), body);

    // The header's master key is written the same way.
    let mut header = announced();
    header.current = Some(own.clone());
    let shown = hex::encode(header.encode());
    assert!(shown.contains(&hex::encode(own.encode())), "{shown}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let binding = Binding {
        salt: [1; 32],
        check: [2; 32],
    };
    let own = Current {
        key: MasterKeyRef::key_file(1),
        binding: binding.clone(),
    };
    let decode = |body: &Body| Body::decode(&body.encode()).map(drop);
    // A master key of a tree without data keys.
    let mut body = Body::default();
    body.tree_master_keys.insert(TreeId([1; 16]), own.clone());
    assert!(matches!(decode(&body), Err(FormatError::Missing { .. })));
    // Two of them.
    let entry = Entry {
        state: KeyState::Active,
        wrapped: [0; WRAPPED_LEN],
        unknown: Vec::new(),
    };
    body.entries.insert((TreeId([1; 16]), 1), entry);
    let mut twice = body.encode();
    body.entries.clear();
    twice.extend(body.encode());
    let twice = Body::decode(&twice);
    assert!(matches!(twice, Err(FormatError::Duplicate { .. })));
    // What is remembered of a tree that an older version has dropped is dropped as well.
    let mut body = Body::default();
    body.lineages.insert(TreeId([1; 16]), Lineage::default());
    assert_eq!(Body::decode(&body.encode()).unwrap(), Body::default());
    // More history than is kept.
    let entry = HistoryEntry::new(1, HistoryReason::Created, &own.key);
    let mut body = Body {
        history: vec![entry; MAX_HISTORY],
        ..Body::default()
    };
    assert_eq!(decode(&body), Ok(()));
    body.history.push(body.history[0].clone());
    let field = "history";
    assert_eq!(decode(&body), Err(FormatError::Value { field }));
    // A wrapped key for a provider that wraps nothing, or where nothing is under the key.
    let wrapped = || WrappedMasterKey::new(&[1; 12], &[2; 32], &[3; 16]);
    let mut header = announced();
    header.pending = Some(announced().pending.unwrap().with_wrapped(wrapped()));
    let field = "announced master key";
    assert_eq!(
        Header::decode(&header.encode()),
        Err(FormatError::Value { field })
    );
    let mut header = announced();
    header.current = Some(Current {
        key: MasterKeyRef::key_file(1).with_wrapped(wrapped()),
        binding,
    });
    let field = "wrapped master key";
    assert_eq!(
        Header::decode(&header.encode()),
        Err(FormatError::Value { field })
    );
    // Lengths that are not those of AES-GCM.
    for (nonce, ciphertext, tag) in [(7, 32, 16), (65, 32, 16), (12, 31, 16), (12, 32, 12)] {
        let [nonce, ciphertext, tag] = [nonce, ciphertext, tag].map(|len| vec![0; len]);
        assert_eq!(WrappedMasterKey::new(&nonce, &ciphertext, &tag), None);
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let newer = changed(|bytes| bytes[9] = 2);
    assert_eq!(newer, Err(FormatError::NewerVersion { got: 2 }));
    let mut damaged = encoded(&announced(), &[]);
    damaged[9] = 2;
    assert_eq!(decode(&damaged).unwrap_err(), FormatError::Digest);
}

#[test]
fn unknown_records_are_kept_if_optional_and_refused_if_not() {
    let with_record = |kind: u16| {
        changed(|bytes| {
            record::put(bytes, kind, b"later");
            let header_len = (bytes.len() - PREFIX_LEN) as u32;
            bytes[12..16].copy_from_slice(&header_len.to_be_bytes());
        })
    };
    let header = with_record(0x8001).unwrap();
    assert_eq!(header.unknown, [(0x8001, b"later".to_vec())]);
    assert_eq!(Header::decode(&header.encode()).unwrap(), header);
    let place = "header";
    assert_eq!(
        with_record(0x7FFF),
        Err(FormatError::UnknownRecord {
            place,
            kind: 0x7FFF
        })
    );
    let field = "sequence";
    assert_eq!(with_record(2), Err(FormatError::Value { field }));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    for (at, value) in [
        (12, u32::MAX),
        (12, 1),
        (12, 88),
        (16, u32::MAX),
        (16, 1),
        (22, u32::MAX),
    ] {
        let result = changed(|bytes| bytes[at..at + 4].copy_from_slice(&value.to_be_bytes()));
        assert!(result.is_err(), "{at} {value}");
    }
    assert!(matches!(
        decode(&vec![0; MAX_FILE_LEN + 1]),
        Err(FormatError::TooLong { .. })
    ));
}

#[test]
fn a_tree_has_exactly_one_active_key() {
    let entry = |state| Entry {
        state,
        wrapped: [0; WRAPPED_LEN],
        unknown: Vec::new(),
    };
    let decode = |states: &[KeyState]| {
        let mut body = Body::default();
        for (id, state) in (1..).zip(states) {
            body.entries.insert((TreeId([1; 16]), id), entry(*state));
        }
        Body::decode(&body.encode()).map(drop)
    };
    use KeyState::{Active, DecryptOnly};
    let field = "active data key of a tree";
    assert_eq!(decode(&[Active, DecryptOnly]), Ok(()));
    assert_eq!(decode(&[DecryptOnly]), Err(FormatError::Missing { field }));
    assert_eq!(
        decode(&[Active, Active]),
        Err(FormatError::Duplicate { field })
    );
}

#[test]
fn names_and_identifiers_have_limits() {
    let name = |len| MasterKeyRef::kmip(1, Some("n".repeat(len)), None);
    let identifier = |len| MasterKeyRef::kmip(1, None, Some("i".repeat(len)));
    assert!(name(256).is_ok() && identifier(1024).is_ok());
    for bad in [name(257), name(0), identifier(1025), identifier(0)] {
        assert!(matches!(bad, Err(crate::Error::TooLong { .. })));
    }
}

#[test]
fn fuzz_decoding() {
    let mut seeds = vec![encoded(&announced(), &[])];
    let full = encoded(&announced(), &[]);
    seeds.push(full[..full.len() - DIGEST_LEN].to_vec());
    for seed in &seeds {
        fuzz(seed);
    }
    // Bodies and headers with every record there is, and these with something changed.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..200 {
        let tree = (body(), header()).new_tree(&mut runner).unwrap();
        let (body, header) = tree.current();
        for mut bytes in [body.encode(), header.encode()] {
            fuzz(&bytes);
            for at in (0..bytes.len()).step_by(7) {
                bytes[at] ^= 1 << (at % 8);
                fuzz(&bytes);
                bytes[at] ^= 1 << (at % 8);
            }
        }
    }
    bolero::check!()
        .with_iterations(20_000)
        .for_each(|bytes: &[u8]| {
            fuzz(bytes);
            // Behind a valid prefix, so that the records are reached.
            let mut file = MAGIC.to_vec();
            file.extend_from_slice(&[0, 1, 0, 0]);
            file.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            file.extend_from_slice(&[0; 4]);
            file.extend_from_slice(bytes);
            fuzz(&file);
        });
}
