//! A KMIP server in front of another: it does Encrypt and Decrypt with AES-GCM, in the ways that servers differ in,
//! and passes everything else on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use kmip::operations::{
    DecryptResponse, EncryptResponse, QueryResponse, RequestPayload, ResponsePayload,
};
use kmip::registry::{BlockCipherMode, Operation, ResultReason, State};
use kmip::{
    Bytes, Data, DateTime, Limits, ProtocolVersion, RequestMessage, ResponseBatchItem,
    ResponseMessage, UniqueIdentifier,
};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::world::{Site, World};

/// How a server does what we ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    /// It makes the nonce and takes none.
    MakesNonce,
    /// It wants to be given a nonce.
    WantsNonce,
    /// It says that it does not encrypt, and does not.
    NoEncrypt,
    /// It says that it encrypts, and does not know GCM.
    NoGcm,
    /// It returns something else than it was given.
    Confused,
    /// It lets nobody create keys, and says so only when asked to.
    NoCreate,
    /// It creates a key, and is gone before it answers.
    LosesCreate,
}

pub(crate) struct Front {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    /// In front of the server of that port.
    pub(crate) async fn start(world: &World, behind: u16, ways: Ways) -> Front {
        let acceptor = TlsAcceptor::from(world.server_tls().load().unwrap().config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let site = world.site(behind);
        let task = tokio::spawn(async move {
            let mut serving = JoinSet::new();
            let is_gone = Arc::new(AtomicBool::new(false));
            while let Ok((tcp, _)) = listener.accept().await {
                if is_gone.load(Ordering::SeqCst) {
                    continue;
                }
                let (acceptor, site, is_gone) =
                    (acceptor.clone(), site.clone(), Arc::clone(&is_gone));
                serving.spawn(async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        serve(stream, site, ways, is_gone).await;
                    }
                });
            }
        });
        Front { port, task }
    }
}

async fn serve(
    mut client: tokio_rustls::server::TlsStream<TcpStream>,
    site: Site,
    ways: Ways,
    is_gone: Arc<AtomicBool>,
) {
    let tcp = TcpStream::connect(("127.0.0.1", site.port)).await.unwrap();
    let connector = TlsConnector::from(Arc::clone(&site.tls().load().unwrap().config));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut server = connector.connect(name, tcp).await.unwrap();
    while let Some(message) = read(&mut client).await {
        let request = RequestMessage::decode(&message, &Limits::DEFAULT).unwrap();
        let version = request.header.protocol_version;
        let item = request.batch_items.into_iter().next().unwrap();
        let is_lost = ways == Ways::LosesCreate
            && item.payload.operation() == Some(Operation::Create)
            && !is_gone.swap(true, Ordering::SeqCst);
        let answer = match own_answer(item.payload, &site, ways).await {
            Some(item) => encode(version, item),
            None => {
                server.write_all(&message).await.unwrap();
                server.flush().await.unwrap();
                read(&mut server).await.unwrap()
            }
        };
        if is_lost {
            return;
        }
        if client.write_all(&answer).await.is_err() || client.flush().await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut message = vec![0; 8];
    stream.read_exact(&mut message).await.ok()?;
    let header = message[..].try_into().unwrap();
    message.resize(
        kmip::ttlv::message_bytes(header, &Limits::DEFAULT).unwrap(),
        0,
    );
    stream.read_exact(&mut message[8..]).await.ok()?;
    Some(message)
}

fn encode(version: ProtocolVersion, item: ResponseBatchItem) -> Vec<u8> {
    let response = ResponseMessage::new(version, DateTime(0), vec![item]);
    response.encode().unwrap().as_slice().to_vec()
}

/// The answer to what is not passed on.
async fn own_answer(payload: RequestPayload, site: &Site, ways: Ways) -> Option<ResponseBatchItem> {
    let operation = payload.operation();
    let answer = match payload {
        RequestPayload::Query(_) => Ok(query(ways).into()),
        RequestPayload::Create(_) if ways == Ways::NoCreate => Err(ResultReason::PermissionDenied),
        RequestPayload::Encrypt(request) => {
            let (identifier, data) = (request.unique_identifier, request.data);
            let parameters = request.cryptographic_parameters.unwrap_or_default();
            let is_gcm = parameters.block_cipher_mode == Some(BlockCipherMode::GCM);
            let aad = request.authenticated_encryption_additional_data;
            match (ways, request.iv_counter_nonce) {
                (Ways::NoEncrypt, _) => Err(ResultReason::OperationNotSupported),
                (Ways::NoGcm, _) => Err(ResultReason::InvalidField),
                (Ways::WantsNonce, None) => Err(ResultReason::InvalidField),
                (Ways::MakesNonce, Some(_)) => Err(ResultReason::InvalidField),
                (_, nonce) => {
                    let made = nonce.is_none().then(|| vec![7; 12]);
                    let nonce = made.clone().or(nonce.map(|nonce| nonce.0)).unwrap();
                    let key = key(site, &identifier).await;
                    key.filter(|_| is_gcm)
                        .map(|key| encrypt(&key, identifier, data, &nonce, made, aad))
                        .ok_or(ResultReason::PermissionDenied)
                }
            }
        }
        RequestPayload::Decrypt(request) => {
            let identifier = request.unique_identifier;
            match key(site, &identifier).await {
                _ if ways == Ways::NoEncrypt => Err(ResultReason::OperationNotSupported),
                None => Err(ResultReason::PermissionDenied),
                Some(key) => {
                    let nonce = request.iv_counter_nonce.unwrap().0;
                    let tag = request.authenticated_encryption_tag.unwrap().0;
                    let aad = request.authenticated_encryption_additional_data;
                    decrypt(&key, identifier, request.data, &nonce, &tag, aad)
                        .map(|answer| confuse(answer, ways).into())
                        .ok_or(ResultReason::CryptographicFailure)
                }
            }
        }
        _ => return None,
    };
    Some(match answer {
        Ok(payload) => ResponseBatchItem::success(payload),
        Err(reason) => ResponseBatchItem::failure(operation, reason, "no"),
    })
}

fn query(ways: Ways) -> QueryResponse {
    let mut operations = vec![
        Operation::Create,
        Operation::Get,
        Operation::GetAttributes,
        Operation::Activate,
        Operation::Locate,
    ];
    if ways != Ways::NoEncrypt {
        operations.extend([Operation::Encrypt, Operation::Decrypt]);
    }
    QueryResponse {
        operations,
        ..QueryResponse::default()
    }
}

/// The key, if it is Active.
async fn key(site: &Site, identifier: &Option<UniqueIdentifier>) -> Option<LessSafeKey> {
    let identifier = identifier.as_ref()?.as_str()?;
    let mut session = site.session().await;
    let attributes = session.get_attributes(identifier).await.ok()?;
    (attributes.state == Some(State::Active)).then_some(())?;
    let key = session.get_symmetric_key(identifier).await.ok()?;
    let key = UnboundKey::new(&AES_256_GCM, key.material.expose()).unwrap();
    Some(LessSafeKey::new(key))
}

fn encrypt(
    key: &LessSafeKey,
    identifier: Option<UniqueIdentifier>,
    data: Option<Data>,
    nonce: &[u8],
    made: Option<Vec<u8>>,
    aad: Option<Bytes>,
) -> ResponsePayload {
    let mut data = data.unwrap().as_bytes().unwrap().to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    let aad = Aad::from(aad.unwrap().0);
    let tag = key
        .seal_in_place_separate_tag(nonce, aad, &mut data)
        .unwrap();
    EncryptResponse {
        unique_identifier: identifier.unwrap(),
        data: Some(Data::from(data.as_slice())),
        iv_counter_nonce: made.map(Bytes),
        correlation_value: None,
        authenticated_encryption_tag: Some(Bytes(tag.as_ref().to_vec())),
    }
    .into()
}

fn decrypt(
    key: &LessSafeKey,
    identifier: Option<UniqueIdentifier>,
    data: Option<Data>,
    nonce: &[u8],
    tag: &[u8],
    aad: Option<Bytes>,
) -> Option<DecryptResponse> {
    let mut data = data?.as_bytes()?.to_vec();
    data.extend_from_slice(tag);
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    let clear = key
        .open_in_place(nonce, Aad::from(aad?.0), &mut data)
        .ok()?;
    Some(DecryptResponse {
        unique_identifier: identifier?,
        data: Some(Data::from(&*clear)),
        correlation_value: None,
    })
}

fn confuse(answer: DecryptResponse, ways: Ways) -> DecryptResponse {
    let data = match ways {
        Ways::Confused => Some(Data::from([5; 32].as_slice())),
        _ => answer.data,
    };
    DecryptResponse { data, ..answer }
}
