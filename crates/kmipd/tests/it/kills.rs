//! kill -9 in the midst of work: nothing that was answered is lost, and nothing that was destroyed comes back.
//!
//! `KMIPD_KILLS=100 cargo test -p kmipd --test it kills` is the long form.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip::SecretBytes;
use kmip::registry::{RevocationReasonCode, State};
use kmip_client::{ErrorKind, NewSymmetricKey, Session};

use crate::rig::Rig;

/// Who works at the same time.
const WORKERS: usize = 4;

/// What is known of a key.
struct Known {
    /// The state that was answered last.
    state: State,
    /// The state that was asked for and not answered: it may be there or not.
    asked: Option<State>,
    material: Option<SecretBytes>,
}

type Model = Arc<Mutex<HashMap<String, Known>>>;

fn ask(model: &Model, id: &str, next: State) {
    model.lock().unwrap().get_mut(id).unwrap().asked = Some(next);
}

fn answered(model: &Model, id: &str) {
    let mut model = model.lock().unwrap();
    let known = model.get_mut(id).unwrap();
    known.state = known.asked.take().unwrap();
}

/// Makes keys and leads each some way through its life, until the server is gone.
async fn work(mut session: Session, worker: usize, round: usize, model: Model) {
    for number in 0.. {
        let name = format!("{round}-{worker}-{number}");
        let made = session
            .create_symmetric_key(&NewSymmetricKey::aes256(name))
            .await;
        let Ok(id) = made else { return };
        let known = Known {
            state: State::PreActive,
            asked: None,
            material: None,
        };
        model.lock().unwrap().insert(id.clone(), known);
        let Ok(key) = session.get_symmetric_key(&id).await else {
            return;
        };
        model.lock().unwrap().get_mut(&id).unwrap().material = Some(key.material);
        // Some stay at each station.
        let stations = number % 4;
        if stations > 0 {
            ask(&model, &id, State::Active);
            if session.activate(&id).await.is_err() {
                return;
            }
            answered(&model, &id);
        }
        if stations > 1 {
            ask(&model, &id, State::Deactivated);
            let reason = RevocationReasonCode::CessationOfOperation;
            if session.revoke(&id, reason, None).await.is_err() {
                return;
            }
            answered(&model, &id);
        }
        if stations > 2 {
            ask(&model, &id, State::Destroyed);
            if session.destroy(&id).await.is_err() {
                return;
            }
            answered(&model, &id);
        }
    }
}

/// Compares what is there with what is known, and goes on with what is there.
async fn verify(session: &mut Session, model: &Model) {
    let mut keys = std::mem::take(&mut *model.lock().unwrap());
    for (id, known) in &mut keys {
        let state = match session.get_attributes(id).await {
            Ok(attributes) => attributes.state.unwrap(),
            Err(error) => panic!("{id} was answered and is not there: {error}"),
        };
        assert!(
            state == known.state || Some(state) == known.asked,
            "{id} is {state}; answered was {}, asked for {:?}",
            known.state,
            known.asked
        );
        (known.state, known.asked) = (state, None);
        match (session.get_symmetric_key(id).await, &known.material) {
            (Ok(key), Some(material)) => assert_eq!(&key.material, material, "{id}"),
            (Ok(_), None) => {}
            (Err(error), _) => {
                assert_eq!(state, State::Destroyed, "{id}: {error}");
                assert_ne!(*error.kind(), ErrorKind::Connect, "{error}");
            }
        }
        if state == State::Destroyed {
            assert!(session.get_symmetric_key(id).await.is_err(), "{id}");
        }
    }
    *model.lock().unwrap() = keys;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load() {
    let rounds = std::env::var("KMIPD_KILLS").map_or(6, |text| text.parse().unwrap());
    let rig = Rig::new();
    rig.configure("\ntenants:", "\nlimits: {requestsPerSecond: 0}\ntenants:");
    let model = Model::default();
    for round in 0..rounds {
        let server = rig.start();
        let mut session = rig.connect(&server, "strongroom").await;
        verify(&mut session, &model).await;
        drop(session);
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            let session = rig.connect(&server, "strongroom").await;
            workers.push(tokio::spawn(work(session, worker, round, model.clone())));
        }
        // Another moment each time.
        tokio::time::sleep(Duration::from_millis(40 + 37 * (round as u64 % 8))).await;
        server.kill();
        for worker in workers {
            worker.await.unwrap();
        }
        let log = rig.audit_log();
        let said = rig.ok(&["audit", "verify", log.to_str().unwrap()]);
        assert!(said.contains("is whole"), "{said}");
    }
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    verify(&mut session, &model).await;
    assert!(model.lock().unwrap().len() > rounds, "the workers did work");
    server.stop();
}
