//! The least that any server does for the workloads: TLS with a client certificate, and an answer that it had ready. For
//! Create it appends what it was sent to a file and waits until that is on the disk. It knows no client, keeps no
//! object, searches, encrypts and audits nothing: what it takes is the client's time, the system's and the disk's. No
//! server is measured faster than that by this client on this machine, and that is all it is for.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{CreateResponse, DiscoverVersionsResponse, GetResponse, ResponsePayload};
use kmip::registry::{CryptographicAlgorithm, ObjectType};
use kmip::ttlv::{HEADER_BYTES, message_bytes};
use kmip::{
    Limits, ProtocolVersion, RequestMessage, RequestPayload, ResponseBatchItem, ResponseMessage,
    SecretBytes,
};
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{Fallible, say};

pub(crate) const NAME: &str = "bare";
/// The first argument of the process that is this server.
pub(crate) const ARGUMENT: &str = "--bare";
const IDENTIFIER: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// Says its port, and serves until it is killed.
pub(crate) fn serve(directory: &Path) -> Fallible<()> {
    let tls = ServerTls {
        identity: IdentityFiles::combined(directory.join("server.pem")),
        client_auth: ClientAuth::Required(Trust::only(directory.join("ca.pem"))),
    };
    let config = tls.load()?.config;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join("bare.log"))?;
    let file = Arc::new(file);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    say(&listener.local_addr()?.port().to_string());
    loop {
        let (stream, _) = listener.accept()?;
        let (config, file) = (config.clone(), file.clone());
        // A client that leaves is the end of its thread.
        std::thread::spawn(move || converse(stream, config, &file));
    }
}

fn converse(stream: TcpStream, config: Arc<ServerConfig>, file: &File) -> Fallible<()> {
    stream.set_nodelay(true)?;
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
    loop {
        let mut header = [0; HEADER_BYTES];
        stream.read_exact(&mut header)?;
        let mut request = vec![0; message_bytes(header, &Limits::DEFAULT)?];
        let (start, rest) = request.split_at_mut(HEADER_BYTES);
        start.copy_from_slice(&header);
        stream.read_exact(rest)?;
        let answer = answer(&request, file)?;
        stream.write_all(&answer)?;
    }
}

fn answer(request: &[u8], mut file: &File) -> Fallible<Vec<u8>> {
    let message = RequestMessage::decode(request, &Limits::DEFAULT)?;
    let item = message.batch_items.into_iter().next().ok_or("no item")?;
    let payload: ResponsePayload = match item.payload {
        RequestPayload::DiscoverVersions(_) => DiscoverVersionsResponse {
            protocol_versions: ProtocolVersion::SUPPORTED.to_vec(),
        }
        .into(),
        RequestPayload::Get(_) => {
            let key = SecretBytes::from(&[7; 32]);
            let key_block = KeyBlock {
                cryptographic_length: Some(256),
                ..KeyBlock::raw(CryptographicAlgorithm::AES, key)
            };
            GetResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: IDENTIFIER.to_owned().into(),
                object: SymmetricKey { key_block }.into(),
            }
            .into()
        }
        RequestPayload::Create(_) => {
            file.write_all(request)?;
            file.sync_data()?;
            CreateResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: IDENTIFIER.to_owned().into(),
                attributes: None,
            }
            .into()
        }
        other => return Err(format!("{:?} is not for this server", other.operation()).into()),
    };
    let item = ResponseBatchItem::success(payload).answering(item.unique_batch_item_id);
    let version = message.header.protocol_version;
    let answer = ResponseMessage::new(version, kmip::DateTime(0), vec![item]);
    Ok(answer.encode()?.as_slice().to_vec())
}
