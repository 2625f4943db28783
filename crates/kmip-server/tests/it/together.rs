//! Changes that are made at the same time: by the task that makes most of them, and by threads of their own.

use std::collections::BTreeSet;

use kmip::operations::{
    ActivateRequest, GetRequest, LocateRequest, LocateResponse, RequestPayload,
};
use kmip::registry::{BatchErrorContinuationOption, ResultReason, ResultStatus, State};
use kmip::{AttributeValue, Attributes, Name, ProtocolVersion};
use kmip_client::NewSymmetricKey;

use crate::peer::{Peer, aes256};
use crate::rig::Rig;

/// At the same time.
const CLIENTS: usize = 6;
/// Each client's.
const KEYS: usize = 15;

async fn located(peer: &mut Peer, name: &str) -> usize {
    let found: LocateResponse = peer
        .ask(LocateRequest {
            attributes: Attributes::new().with(AttributeValue::Name(Name::text(name))),
            ..LocateRequest::default()
        })
        .await;
    found.unique_identifiers.len()
}

/// Each client finds what it has done, at once and after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_finds_what_they_have_done() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let mut session = rig.connect(&server).await;
        clients.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for number in 0..KEYS {
                let name = format!("key-{client}-{number}");
                let key = NewSymmetricKey::aes256(name.as_str());
                let id = session.create_symmetric_key(&key).await.unwrap();
                session.activate(&id).await.unwrap();
                // The first time it is handed out is noted, too.
                let material = session.get_symmetric_key(&id).await.unwrap().material;
                let attributes = session.get_attributes(&id).await.unwrap();
                assert_eq!(attributes.state, Some(State::Active));
                assert_eq!(attributes.names, [name]);
                made.push((id, material));
            }
            made
        }));
    }
    let mut made = Vec::new();
    for client in clients {
        made.extend(client.await.unwrap());
    }
    server.stop().await;
    let ids: BTreeSet<_> = made.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), CLIENTS * KEYS);
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    for (id, material) in &made {
        let key = session.get_symmetric_key(id).await.unwrap();
        assert_eq!(key.material, *material);
        let attributes = session.get_attributes(id).await.unwrap();
        assert_eq!(attributes.state, Some(State::Active));
    }
}

/// A Name is given once, and a key is activated once, whoever asks at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_gets_it() {
    let rig = Rig::new();
    let server = rig.start().await;
    for round in 0..10 {
        let name = format!("wanted-{round}");
        let mut peers = Vec::new();
        for _ in 0..CLIENTS {
            peers.push(Peer::new(&rig, &server, ProtocolVersion::V1_4).await);
        }
        let race = |payloads: Vec<RequestPayload>, peers: Vec<Peer>| async move {
            let racing: Vec<_> = std::iter::zip(payloads, peers)
                .map(|(payload, mut peer)| {
                    tokio::spawn(async move { (peer.item(payload).await, peer) })
                })
                .collect();
            let (mut won, mut lost, mut peers) = (Vec::new(), Vec::new(), Vec::new());
            for racer in racing {
                let (item, peer) = racer.await.unwrap();
                match item.result_status {
                    ResultStatus::Success => won.push(item),
                    _ => lost.push(item.result_reason),
                }
                peers.push(peer);
            }
            (won, lost, peers)
        };
        let payloads = vec![aes256(&name).into(); CLIENTS];
        let (won, lost, mut peers) = race(payloads, peers).await;
        assert_eq!(won.len(), 1, "{lost:?}");
        assert!(
            lost.iter()
                .all(|reason| *reason == Some(ResultReason::InvalidField)),
            "{lost:?}"
        );
        assert_eq!(located(&mut peers[0], &name).await, 1);
        let unique_identifier = match won.into_iter().next().and_then(|item| item.payload) {
            Some(kmip::ResponsePayload::Create(created)) => Some(created.unique_identifier),
            other => panic!("{other:?}"),
        };
        let payloads = vec![ActivateRequest { unique_identifier }.into(); CLIENTS];
        let (won, lost, _) = race(payloads, peers).await;
        assert_eq!(won.len(), 1, "{lost:?}");
    }
}

/// A batch that is undone leaves nothing, and takes nothing of what others of its tenant do meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_batches_that_are_undone() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
        clients.push(tokio::spawn(async move {
            for number in 0..KEYS {
                let name = format!("{client}-{number}");
                if client % 2 == 0 {
                    let item = peer.item(aes256(&name)).await;
                    assert_eq!(item.result_status, ResultStatus::Success, "{item:?}");
                    continue;
                }
                let nowhere = GetRequest {
                    unique_identifier: Some("nowhere".into()),
                    ..GetRequest::default()
                };
                let items = peer
                    .batch(
                        Some(BatchErrorContinuationOption::Undo),
                        [aes256(&name).into(), nowhere.into()],
                    )
                    .await;
                assert_eq!(items[0].result_status, ResultStatus::OperationUndone);
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    for client in 0..CLIENTS {
        for number in 0..KEYS {
            let found = located(&mut peer, &format!("{client}-{number}")).await;
            assert_eq!(found, usize::from(client % 2 == 0), "{client}-{number}");
        }
    }
}
