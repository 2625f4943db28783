//! What an honest KMIP server does, small enough for a peer.

use std::sync::{Arc, Mutex};

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{
    ActivateResponse, CreateResponse, GetAttributesResponse, GetResponse, LocateResponse,
    RegisterResponse, RequestPayload, ResponsePayload,
};
use kmip::registry::{CryptographicAlgorithm, ObjectType, ResultReason, State};
use kmip::{AttributeValue, Attributes, Name, SecretBytes};

use crate::{Act, Request};

/// A key that a peer has made.
pub struct Key {
    /// Its Name.
    pub name: String,
    /// Itself.
    pub material: SecretBytes,
    /// Its state.
    pub state: State,
}

impl Key {
    /// A key as it is made: Pre-Active.
    pub fn new(name: &str, material: SecretBytes) -> Self {
        Self {
            name: name.to_owned(),
            material,
            state: State::PreActive,
        }
    }
}

/// The keys that a peer has made. Their identifiers are their places.
pub type Keys = Arc<Mutex<Vec<Key>>>;

/// These keys, each with a name and a byte that its material repeats.
pub fn keys(of: &[(&str, u8)]) -> Keys {
    let keys = of
        .iter()
        .map(|(name, byte)| Key::new(name, SecretBytes::from(&[*byte; 32])));
    Arc::new(Mutex::new(keys.collect()))
}

fn name_of(attributes: &Attributes) -> &str {
    &attributes.names().next().unwrap().value
}

fn attributes_of(key: &Key) -> Attributes {
    Attributes::new()
        .with(AttributeValue::Name(Name::text(key.name.clone())))
        .with(AttributeValue::ObjectType(ObjectType::SymmetricKey))
        .with(AttributeValue::State(key.state))
}

/// What an honest server does.
pub fn honest(keys: &Keys, request: &Request) -> Act {
    let mut keys = keys.lock().unwrap();
    let count = keys.len();
    let find = |id: &Option<kmip::UniqueIdentifier>| -> Option<usize> {
        let place = id.as_ref()?.as_str()?.parse().ok()?;
        (place < count).then_some(place)
    };
    let absent = Act::Refuse(ResultReason::ItemNotFound);
    let payload: ResponsePayload = match &request.payload {
        RequestPayload::Create(create) => {
            let material = SecretBytes::from(&[1; 32]);
            keys.push(Key::new(name_of(&create.attributes), material));
            CreateResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: (keys.len() - 1).to_string().into(),
                attributes: None,
            }
            .into()
        }
        RequestPayload::Register(register) => {
            let block = register.object.key_block().unwrap();
            let material = block.key_bytes().unwrap().clone();
            keys.push(Key::new(name_of(&register.attributes), material));
            RegisterResponse {
                unique_identifier: (keys.len() - 1).to_string().into(),
                attributes: None,
            }
            .into()
        }
        // As PyKMIP does for what it cannot search by: everything.
        RequestPayload::Locate(_) => LocateResponse {
            located_items: None,
            unique_identifiers: (0..keys.len()).map(|n| n.to_string().into()).collect(),
        }
        .into(),
        RequestPayload::GetAttributes(get) => {
            let Some(place) = find(&get.unique_identifier) else {
                return absent;
            };
            GetAttributesResponse {
                unique_identifier: place.to_string().into(),
                attributes: attributes_of(&keys[place]),
            }
            .into()
        }
        RequestPayload::Get(get) => {
            let Some(place) = find(&get.unique_identifier) else {
                return absent;
            };
            let material = keys[place].material.clone();
            let key_block = KeyBlock::raw(CryptographicAlgorithm::AES, material);
            GetResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: place.to_string().into(),
                object: SymmetricKey { key_block }.into(),
            }
            .into()
        }
        RequestPayload::Activate(activate) => {
            let Some(place) = find(&activate.unique_identifier) else {
                return absent;
            };
            if keys[place].state != State::PreActive {
                return Act::Refuse(ResultReason::PermissionDenied);
            }
            keys[place].state = State::Active;
            ActivateResponse {
                unique_identifier: place.to_string().into(),
            }
            .into()
        }
        _ => return Act::Refuse(ResultReason::OperationNotSupported),
    };
    Act::Answer(payload)
}
