//! No key and no password gets out: not into the log at its finest, not into an error, not into what `Debug` shows.

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kmip::objects::{KeyBlock, SecretData, SymmetricKey};
use kmip::operations::{ActivateRequest, GetRequest, RegisterRequest, RequestPayload};
use kmip::registry::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, ResultReason, SecretDataType,
};
use kmip::{Attributes, ProtocolVersion, ResponseBatchItem, SecretBytes};
use kmip_client::{Batch, Client, ClientConfig, Error, NewSymmetricKey, Session};
use kmip_peer::{Act, Certificates, Keys, Peer, agree, encode, honest};
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{LineEnding, PrivateKeyInfoRef, SecretDocument};
use tls::dev_pki::Request;
use tls::{ClientTls, IdentityFiles, Password, Trust};
use tracing::level_filters::LevelFilter;

use crate::faults::{self, BREAKS, LIES, SILENCES};
use crate::rig::{Rig, ends};
use crate::strange_answers::{got, wrapped};

/// The key that is registered and read: no two bytes alike, so that no part of it is there by chance.
const KEY: [u8; 32] = [
    0x9d, 0x3e, 0xf1, 0x72, 0xc8, 0x05, 0x4b, 0xa6, 0xe7, 0x1c, 0x58, 0x93, 0x2f, 0xb0, 0x64, 0xda,
    0x11, 0x8e, 0x47, 0xfb, 0x29, 0xd5, 0x6a, 0x83, 0x3c, 0xee, 0x90, 0x57, 0xa1, 0x0b, 0xc4, 0x78,
];
const PASSWORD: &str = "wagtail-Over-17-bridges";

/// The text of everything that must not have a secret in it.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seen {
    fn debug(&self, value: &impl Debug) {
        writeln!(self.clone(), "{value:?}\n{value:#?}").unwrap();
    }

    fn error(&self, error: &Error) {
        writeln!(self.clone(), "{error}\n{}", error.message()).unwrap();
        self.debug(error);
    }

    fn text(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// In which form a part of a secret is in a text. Eight bytes of it in a row are a part (nine in base64, whose letters
/// stand for three bytes in four).
fn leak(text: &[u8], secret: &[u8]) -> Option<&'static str> {
    let contains = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|own| own == part);
    let lower = String::from_utf8_lossy(text).to_lowercase();
    // Whatever separates the digits.
    let digits: String = lower.chars().filter(char::is_ascii_hexdigit).collect();
    let numbers: String = lower.split_whitespace().collect();
    for part in secret.windows(8) {
        if contains(text, part) {
            return Some("raw");
        }
        if digits.contains(&hex::encode(part)) {
            return Some("hexadecimal");
        }
        let decimal: Vec<String> = part.iter().map(ToString::to_string).collect();
        if numbers.contains(&decimal.join(",")) {
            return Some("decimal");
        }
    }
    let in_base64 = |part: &[u8]| contains(text, BASE64_STANDARD.encode(part).as_bytes());
    secret.windows(9).any(in_base64).then_some("base64")
}

#[test]
fn every_form_is_found() {
    for (form, text) in [
        ("raw", [b"key: ".as_slice(), &KEY[5..20]].concat()),
        ("hexadecimal", hex::encode(&KEY[3..14]).into_bytes()),
        ("hexadecimal", hex::encode_upper(&KEY[20..28]).into_bytes()),
        ("hexadecimal", format!("{:02x?}", &KEY[..9]).into_bytes()),
        ("decimal", format!("{:?}", &KEY[8..20]).into_bytes()),
        ("decimal", format!("{:#?}", &KEY[8..20]).into_bytes()),
        ("base64", BASE64_STANDARD.encode(KEY).into_bytes()),
        (
            "base64",
            BASE64_STANDARD
                .encode([b"ab", &KEY[..]].concat())
                .into_bytes(),
        ),
    ] {
        assert_eq!(leak(&text, &KEY), Some(form));
    }
    assert_eq!(leak(b"nothing: 0x9d 0x3e 0xf1", &KEY), None);
    let password = format!("password={PASSWORD}");
    assert_eq!(leak(password.as_bytes(), PASSWORD.as_bytes()), Some("raw"));
}

/// A client whose private key is encrypted; what its key is in clear.
fn encrypted(rig: &Rig) -> (ClientTls, SecretDocument) {
    let issued = rig.authority.issue(&Request::client("db-1")).unwrap();
    let (_, clear) = SecretDocument::from_pem(&issued.key_pem).unwrap();
    let parameters =
        Parameters::generate_pbkdf2_sha256_aes256cbc(2048, b"some salt", [7; 16]).unwrap();
    let key = PrivateKeyInfoRef::try_from(clear.as_bytes())
        .unwrap()
        .encrypt_with_params(parameters, PASSWORD)
        .unwrap()
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .unwrap();
    let file = rig.path().join("encrypted.pem");
    std::fs::write(&file, format!("{}{}", issued.certificate_pem, *key)).unwrap();
    let tls = ClientTls {
        trust: Trust::only(rig.ca()),
        identity: Some(IdentityFiles {
            password: Some(Password::new(PASSWORD)),
            ..IdentityFiles::combined(file)
        }),
    };
    (tls, clear)
}

fn block() -> KeyBlock {
    KeyBlock::raw(CryptographicAlgorithm::AES, SecretBytes::from(&KEY))
}

/// Answers to a Get, all with the key in them, none of them right.
fn misbehaving() -> Vec<Act> {
    let format = KeyBlock {
        key_format_type: KeyFormatType::PKCS_8,
        ..block()
    };
    let long = KeyBlock {
        cryptographic_length: Some(128),
        ..block()
    };
    let secret = SecretData {
        secret_data_type: SecretDataType::Password,
        key_block: block(),
    };
    let right = got("0", SymmetricKey { key_block: block() });
    let whole = encode(
        ProtocolVersion::V1_4,
        ResponseBatchItem::success(right.clone()),
    );
    let place = whole.windows(32).position(|bytes| bytes == KEY).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        Act::Bytes(bytes)
    };
    let mut failed = ResponseBatchItem::success(right.clone());
    failed.result_status = kmip::registry::ResultStatus::OperationFailed;
    failed.result_reason = Some(ResultReason::GeneralFailure);
    let mut mislabelled = ResponseBatchItem::success(right);
    mislabelled.operation = Some(Operation::Locate);
    vec![
        Act::Answer(got(
            "0",
            SymmetricKey {
                key_block: wrapped(block()),
            },
        )),
        Act::Answer(got("0", SymmetricKey { key_block: format })),
        Act::Answer(got("0", SymmetricKey { key_block: long })),
        Act::Answer(got("0", secret)),
        Act::Answer(got("1", SymmetricKey { key_block: block() })),
        Act::Items(vec![failed]),
        Act::Items(vec![mislabelled]),
        // The key as a text, as a number, as a structure, under another tag, with another length.
        changed(place - 5, 7),
        changed(place - 5, 4),
        changed(place - 5, 1),
        changed(place - 6, 0x44),
        changed(place - 1, 40),
        Act::BytesThenReset(whole[..place + 20].to_vec()),
        Act::BytesThenClose(whole[..place + 20].to_vec()),
        // It begins with the key itself: no header of KMIP.
        Act::Bytes(KEY.to_vec()),
        Act::Bytes([&KEY[..3], &[1, 0xff, 0xff, 0xff, 0xff], &KEY].concat()),
    ]
}

async fn connect(config: &ClientConfig, seen: &Seen) -> Session {
    let client = Client::new(config.clone()).unwrap();
    seen.debug(&client);
    let session = ends(client.connect()).await.unwrap();
    seen.debug(&session);
    session
}

/// What a well-behaved server is asked.
async fn ordinary_life(session: &mut Session, seen: &Seen) {
    let key = NewSymmetricKey::aes256("mine");
    let material = SecretBytes::from(&KEY);
    let id = session
        .register_symmetric_key(&key, &material)
        .await
        .unwrap();
    session.activate(&id).await.unwrap();
    let read = session.get_symmetric_key(&id).await.unwrap();
    assert_eq!(read.material.expose(), KEY);
    seen.debug(&read);
    let created = NewSymmetricKey::aes256("made there");
    session.create_symmetric_key(&created).await.unwrap();
    let request = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: Attributes::new(),
        object: SymmetricKey { key_block: block() }.into(),
        protection_storage_masks: None,
    };
    seen.debug(&request);
    let get = GetRequest {
        unique_identifier: Some(id.as_str().into()),
        ..GetRequest::default()
    };
    let mut batch = Batch::new();
    let _ = batch.add(request);
    let got = batch.add(get.clone());
    let _ = batch.add(ActivateRequest::default());
    seen.debug(&batch);
    match session.send(batch).await {
        Ok(mut answers) => {
            seen.debug(&answers);
            seen.debug(&answers.take(got));
        }
        Err(error) => seen.error(&error),
    }
    seen.debug(&session.submit(get).await);
}

/// The step, and what has to come before it.
async fn one_step(session: &mut Session, step: Operation, seen: &Seen) -> Result<(), Error> {
    let key = NewSymmetricKey::aes256("mine");
    let id = match step {
        Operation::Create => session.create_symmetric_key(&key).await?,
        _ => {
            let material = SecretBytes::from(&KEY);
            session.register_symmetric_key(&key, &material).await?
        }
    };
    if step == Operation::Activate {
        session.activate(&id).await?;
    }
    if step == Operation::Get {
        seen.debug(&session.get_symmetric_key(&id).await?);
    }
    Ok(())
}

#[tokio::test]
async fn nothing_leaks() {
    let seen = Seen::default();
    let writer = seen.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber alone, what another thread, which has none, is the first to log is logged nowhere from then on
    // (tracing remembers that nobody is interested).
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // For this thread, on which the whole test runs, its peers included.
    let _capturing = tracing::subscriber::set_default(subscriber);

    let rig = Rig::new();
    let (client_tls, private_key) = encrypted(&rig);
    let keys = Keys::default();
    let served = keys.clone();
    let lost = Mutex::new(false);
    let peer = Peer::start(&rig, move |request| {
        if let Some(act) = agree(request, ProtocolVersion::V1_4) {
            return act;
        }
        if request.message.batch_items.len() > 1 {
            let item = got("0", SymmetricKey { key_block: block() });
            let id = request.message.batch_items[1].unique_batch_item_id.clone();
            let denied = ResultReason::PermissionDenied;
            let first = request.message.batch_items[0].unique_batch_item_id.clone();
            return Act::Items(vec![
                ResponseBatchItem::failure(Some(Operation::Register), denied, "no")
                    .answering(first),
                ResponseBatchItem::success(item).answering(id),
            ]);
        }
        // The answer to Register gets lost, so that the key is read back.
        if matches!(request.payload, RequestPayload::Register(_))
            && !std::mem::replace(&mut *lost.lock().unwrap(), true)
        {
            honest(&served, request);
            return Act::Reset;
        }
        honest(&served, request)
    })
    .await;
    let mut config = rig.config(&peer.address.to_string());
    config.tls = client_tls;
    seen.debug(&config);
    let mut session = connect(&config, &seen).await;
    ends(ordinary_life(&mut session, &seen)).await;
    assert_eq!(peer.count(Operation::Register), 2);

    for n in 0..misbehaving().len() {
        let peer = Peer::start(&rig, move |request| {
            agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| misbehaving().swap_remove(n))
        })
        .await;
        let mut config = rig.config_of(&[peer.address]);
        config.tls = config_tls(&rig);
        let mut session = connect(&config, &seen).await;
        let error = ends(session.get_symmetric_key("0")).await.unwrap_err();
        seen.error(&error);
    }

    // Whatever goes wrong at a step, with the key in the request or in the answer.
    for operation in [
        Operation::Create,
        Operation::Register,
        Operation::Activate,
        Operation::Get,
    ] {
        let silence = SILENCES.iter().filter(|fault| fault.is_carried_out);
        for fault in BREAKS.iter().chain(&LIES).chain(silence) {
            let keys = Keys::default();
            let peer = faults::peer(&rig, &keys, &[operation], fault).await;
            let mut config = rig.config_of(&[peer.address]);
            config.operation_timeout = Duration::from_secs(1);
            let mut session = connect(&config, &seen).await;
            if let Err(error) = ends(one_step(&mut session, operation, &seen)).await {
                seen.error(&error);
            }
        }
    }

    // Wrong passwords, and one that is missing.
    for password in [Some("wrong-but-secret-too"), None] {
        let mut config = config.clone();
        config.tls.identity.as_mut().unwrap().password = password.map(Password::new);
        seen.debug(&config);
        seen.error(&Client::new(config).unwrap_err());
    }
    // A client that is refused.
    let stranger = Peer::start(&Rig::new(), |_| Act::Close).await;
    config.servers = rig.config_of(&[stranger.address]).servers;
    let error = ends(Client::new(config).unwrap().connect()).await;
    seen.error(&error.unwrap_err());

    let text = seen.text();
    for expected in [
        "connected to the KMIP server",
        "a KMIP server cannot be used",
        "the object was found by its name",
        "the answer was lost",
    ] {
        let log = String::from_utf8_lossy(&text);
        assert!(
            log.contains(expected),
            "the log is not captured: {expected}"
        );
    }
    for (what, secret) in [
        ("the key", KEY.as_slice()),
        ("the key that the server made", &[1; 32]),
        ("the password", PASSWORD.as_bytes()),
        ("the wrong password", b"wrong-but-secret-too"),
        // The private number: what is before and behind it is public.
        ("the private key", &private_key.as_bytes()[36..68]),
    ] {
        assert_eq!(leak(&text, secret), None, "{what} is in what is shown");
    }
}

/// The same files, read again.
fn config_tls(rig: &Rig) -> ClientTls {
    ClientTls {
        trust: Trust::only(rig.ca()),
        identity: Some(IdentityFiles {
            password: Some(Password::new(PASSWORD)),
            ..IdentityFiles::combined(rig.path().join("encrypted.pem"))
        }),
    }
}
