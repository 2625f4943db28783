//! Attributes that are added, changed and deleted, each in the way of its version, and keys that are replaced.

use std::sync::{Arc, Mutex};

use kmip::operations::{
    AddAttributeResponse, DeleteAttributeResponse, GetAttributeListResponse, GetAttributesResponse,
    ModifyAttributeResponse, ReKeyResponse, RequestPayload, ResponsePayload, SetAttributeResponse,
};
use kmip::registry::{LinkType, Operation, ResultReason, Tag};
use kmip::structures::Link;
use kmip::{Attribute, AttributeName, AttributeValue, Attributes, Name, ProtocolVersion};
use kmip_client::{ErrorKind, Session};
use kmip_peer::{Act, Peer, Request, agree};

use crate::rig::{Rig, ends};

const ID: &str = "id-1";

fn group(name: &str) -> AttributeValue {
    AttributeValue::ObjectGroup(name.to_owned())
}

fn contact(text: &str) -> AttributeValue {
    AttributeValue::ContactInformation(text.to_owned())
}

/// The attributes of the only object that the peer has.
type Stored = Arc<Mutex<Vec<AttributeValue>>>;

/// The instances of an attribute: their places among all.
fn instances(stored: &[AttributeValue], name: &AttributeName) -> Vec<usize> {
    let has_name = |value: &AttributeValue| value.attribute_name() == *name;
    (0..stored.len())
        .filter(|n| has_name(&stored[*n]))
        .collect()
}

/// What a server of 1.x and of 2.x does.
fn serve(stored: &Stored, request: &Request) -> Act {
    let is_2 = request.version.has_typed_attributes();
    let mut stored = stored.lock().unwrap();
    let unique_identifier: kmip::UniqueIdentifier = ID.into();
    let payload: ResponsePayload = match &request.payload {
        RequestPayload::GetAttributes(get) => {
            let mut attributes = Attributes::new();
            for name in &get.attribute_names {
                for (index, place) in (0..).zip(instances(&stored, name)) {
                    attributes.push(Attribute {
                        index: (!is_2).then_some(index),
                        value: stored[place].clone(),
                    });
                }
            }
            GetAttributesResponse {
                unique_identifier,
                attributes,
            }
            .into()
        }
        RequestPayload::GetAttributeList(_) => {
            let mut names: Vec<AttributeName> = Vec::new();
            for value in stored.iter() {
                if !names.contains(&value.attribute_name()) {
                    names.push(value.attribute_name());
                }
            }
            GetAttributeListResponse {
                unique_identifier,
                attribute_names: names,
            }
            .into()
        }
        RequestPayload::AddAttribute(add) => {
            stored.push(add.attribute.value.clone());
            AddAttributeResponse {
                unique_identifier,
                attribute: Some(add.attribute.clone()),
            }
            .into()
        }
        RequestPayload::ModifyAttribute(modify) => {
            let places = instances(&stored, &modify.attribute.value.attribute_name());
            let place = match (&modify.current_attribute, modify.attribute.index) {
                (Some(current), None) if is_2 => {
                    stored.iter().position(|own| *own == current.value).unwrap()
                }
                (None, Some(index)) if !is_2 => places[usize::try_from(index).unwrap()],
                (None, None) => places[0],
                other => panic!("{other:?}"),
            };
            stored[place] = modify.attribute.value.clone();
            ModifyAttributeResponse {
                unique_identifier,
                attribute: Some(modify.attribute.clone()),
            }
            .into()
        }
        RequestPayload::SetAttribute(set) => {
            assert!(is_2);
            let name = set.attribute.value.attribute_name();
            stored.retain(|own| own.attribute_name() != name);
            stored.push(set.attribute.value.clone());
            SetAttributeResponse { unique_identifier }.into()
        }
        RequestPayload::DeleteAttribute(delete) => {
            match (&delete.current_attribute, &delete.attribute_name) {
                (Some(current), None) if is_2 => stored.retain(|own| *own != current.value),
                (None, Some(name)) if is_2 => stored.retain(|own| own.attribute_name() != *name),
                (None, Some(name)) => {
                    let index = delete.attribute_index.unwrap_or(0);
                    let place = instances(&stored, name)[usize::try_from(index).unwrap()];
                    stored.remove(place);
                }
                other => panic!("{other:?}"),
            }
            DeleteAttributeResponse {
                unique_identifier,
                attribute: None,
            }
            .into()
        }
        other => panic!("not expected: {:?}", other.operation()),
    };
    Act::Answer(payload)
}

/// A peer that loses the first answer to `lost`, having done it or not.
async fn start(
    rig: &Rig,
    version: ProtocolVersion,
    stored: &Stored,
    lost: Option<(Operation, bool)>,
) -> (Session, Peer) {
    let stored = stored.clone();
    let lost = Mutex::new(lost);
    let peer = Peer::start(rig, move |request| {
        if let Some(act) = agree(request, version) {
            return act;
        }
        let mut lost = lost.lock().unwrap();
        match *lost {
            Some((operation, is_done)) if request.payload.operation() == Some(operation) => {
                *lost = None;
                if is_done {
                    serve(&stored, request);
                }
                Act::Reset
            }
            _ => serve(&stored, request),
        }
    })
    .await;
    let session = rig.session(&peer).await;
    (session, peer)
}

const BOTH: [ProtocolVersion; 2] = [ProtocolVersion::V1_4, ProtocolVersion::V2_1];

#[tokio::test]
async fn attributes() {
    for version in BOTH {
        let (rig, stored) = (Rig::new(), Stored::default());
        let (mut session, peer) = start(&rig, version, &stored, None).await;
        for name in ["a", "b", "c"] {
            session.add_attribute(ID, group(name)).await.unwrap();
        }
        session
            .modify_attribute(ID, Some(&group("b")), group("B"))
            .await
            .unwrap();
        assert_eq!(
            *stored.lock().unwrap(),
            [group("a"), group("B"), group("c")],
            "{version}"
        );
        session
            .delete_attribute_value(ID, &group("B"))
            .await
            .unwrap();
        session.set_attribute(ID, contact("one")).await.unwrap();
        session.set_attribute(ID, contact("two")).await.unwrap();
        assert_eq!(
            *stored.lock().unwrap(),
            [group("a"), group("c"), contact("two")],
            "{version}"
        );
        let names = session.get_attribute_list(ID).await.unwrap();
        let expected: [AttributeName; 2] =
            [Tag::ObjectGroup.into(), Tag::ContactInformation.into()];
        assert_eq!(names, expected, "{version}");
        let groups = session
            .read_attributes(ID, &[Tag::ObjectGroup.into()])
            .await
            .unwrap();
        assert_eq!(groups.len(), 2, "{version}");
        session
            .delete_attribute(ID, Tag::ContactInformation.into())
            .await
            .unwrap();
        assert_eq!(*stored.lock().unwrap(), [group("a"), group("c")]);
        let set = usize::from(version.has_typed_attributes()) * 2;
        assert_eq!(peer.count(Operation::SetAttribute), set, "{version}");
    }
}

#[tokio::test]
async fn changes_that_make_no_sense() {
    let (rig, stored) = (Rig::new(), Stored::default());
    stored.lock().unwrap().extend([group("a"), group("b")]);
    let (mut session, peer) = start(&rig, ProtocolVersion::V1_4, &stored, None).await;
    let error = session
        .modify_attribute(ID, Some(&group("a")), contact("x"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
    let error = session
        .modify_attribute(ID, Some(&group("no such")), group("x"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
    // Which of the two?
    let error = session.set_attribute(ID, group("x")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
    // Of 2.1.
    let rotate = AttributeValue::RotateAutomatic(true);
    let error = session.add_attribute(ID, rotate).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
    for operation in [Operation::ModifyAttribute, Operation::AddAttribute] {
        assert_eq!(peer.count(operation), 0, "{operation}");
    }
}

/// Each change is made once, whether its answer is lost before or behind it.
#[tokio::test]
async fn changes_whose_answers_are_lost() {
    for version in BOTH {
        for is_done in [true, false] {
            let what = format!("{version}, done: {is_done}");
            for operation in [
                Operation::AddAttribute,
                Operation::ModifyAttribute,
                Operation::DeleteAttribute,
            ] {
                let (rig, stored) = (Rig::new(), Stored::default());
                stored.lock().unwrap().extend([group("a"), group("b")]);
                let lost = Some((operation, is_done));
                let (mut session, peer) = start(&rig, version, &stored, lost).await;
                let (result, expected) = match operation {
                    Operation::AddAttribute => (
                        ends(session.add_attribute(ID, group("c"))).await,
                        vec![group("a"), group("b"), group("c")],
                    ),
                    Operation::ModifyAttribute => (
                        ends(session.modify_attribute(ID, Some(&group("b")), group("B"))).await,
                        vec![group("a"), group("B")],
                    ),
                    _ => (
                        ends(session.delete_attribute_value(ID, &group("a"))).await,
                        vec![group("b")],
                    ),
                };
                result.unwrap_or_else(|error| panic!("{operation}, {what}: {error}"));
                assert_eq!(*stored.lock().unwrap(), expected, "{operation}, {what}");
                let times = if is_done { 1 } else { 2 };
                assert_eq!(peer.count(operation), times, "{operation}, {what}");
            }
        }
    }
}

/// 1.x knows no other way than one instance after another, and none is deleted twice.
#[tokio::test]
async fn all_instances_are_deleted() {
    for version in BOTH {
        for lost in [
            None,
            Some((Operation::DeleteAttribute, true)),
            Some((Operation::DeleteAttribute, false)),
        ] {
            let what = format!("{version}, {lost:?}");
            let (rig, stored) = (Rig::new(), Stored::default());
            let others = [contact("x"), group("a"), group("b"), group("c")];
            stored.lock().unwrap().extend(others);
            let (mut session, _peer) = start(&rig, version, &stored, lost).await;
            ends(session.delete_attribute(ID, Tag::ObjectGroup.into()))
                .await
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(*stored.lock().unwrap(), [contact("x")], "{what}");
        }
    }
}

/// A server that has no Set Attribute, or not for this attribute.
#[tokio::test]
async fn set_attribute_in_another_way() {
    for reason in [
        ResultReason::OperationNotSupported,
        ResultReason::MultiValuedAttribute,
    ] {
        let (rig, stored) = (Rig::new(), Stored::default());
        let served = stored.clone();
        let peer = Peer::start(&rig, move |request| match &request.payload {
            RequestPayload::SetAttribute(_) => Act::Refuse(reason),
            _ => agree(request, ProtocolVersion::V2_1).unwrap_or_else(|| serve(&served, request)),
        })
        .await;
        let mut session = rig.session(&peer).await;
        for text in ["one", "two", "two"] {
            session.set_attribute(ID, contact(text)).await.unwrap();
            assert_eq!(*stored.lock().unwrap(), [contact(text)]);
        }
        assert_eq!(peer.count(Operation::AddAttribute), 1);
        assert_eq!(peer.count(Operation::ModifyAttribute), 1);
    }
}

/// A change whose answer is lost, and the attribute cannot be looked at: it says so, and where to look.
#[tokio::test]
async fn changes_that_cannot_be_looked_at() {
    let (rig, stored) = (Rig::new(), Stored::default());
    let served = stored.clone();
    let peer = Peer::start(&rig, move |request| match &request.payload {
        RequestPayload::AddAttribute(_) => {
            serve(&served, request);
            Act::Reset
        }
        RequestPayload::GetAttributes(_) => Act::Refuse(ResultReason::PermissionDenied),
        _ => agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
    })
    .await;
    let mut session = rig.session(&peer).await;
    let error = ends(session.add_attribute(ID, group("a"))).await;
    let error = error.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(error.outcome_is_unknown(), "{error}");
    let text = error.to_string();
    assert!(text.contains("Object Group") && text.contains(ID), "{text}");
    assert_eq!(peer.count(Operation::AddAttribute), 1);
}

/// A server that replaces a key: the first answer is lost or not; what links there were before; whether it keeps links.
async fn re_key(
    before: Option<&str>,
    lose: bool,
    is_done: bool,
    keeps_links: bool,
) -> (Result<String, kmip_client::Error>, usize) {
    let rig = Rig::new();
    let link = Arc::new(Mutex::new(before.map(str::to_owned)));
    let lost = Mutex::new(!lose);
    let peer = Peer::start(&rig, move |request| {
        let payload: ResponsePayload = match &request.payload {
            RequestPayload::ReKey(_) => {
                let is_lost = !std::mem::replace(&mut *lost.lock().unwrap(), true);
                if is_done || !is_lost {
                    *link.lock().unwrap() = Some("new".to_owned());
                }
                if is_lost {
                    return Act::Reset;
                }
                ReKeyResponse {
                    unique_identifier: "new".into(),
                    attributes: None,
                }
                .into()
            }
            RequestPayload::GetAttributes(_) => {
                let link = link.lock().unwrap().clone().filter(|_| keeps_links);
                let mut attributes =
                    Attributes::new().with(AttributeValue::Name(Name::text("mine")));
                if let Some(link) = link {
                    attributes.push(AttributeValue::Link(Link {
                        link_type: LinkType::ReplacementObjectLink,
                        linked_object_identifier: link.into(),
                    }));
                }
                GetAttributesResponse {
                    unique_identifier: ID.into(),
                    attributes,
                }
                .into()
            }
            _ => return agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
        };
        Act::Answer(payload)
    })
    .await;
    let mut session = rig.session(&peer).await;
    let result = ends(session.re_key(ID, Some(60))).await;
    (result, peer.count(Operation::ReKey))
}

#[tokio::test]
async fn keys_that_are_replaced() {
    for (before, lose, is_done, keeps_links, expected) in [
        (None, false, true, true, Some(1)),
        (None, false, true, false, Some(1)),
        (None, true, true, true, Some(1)),
        (Some("older"), true, true, true, Some(1)),
        // It keeps links, and there is no new one: it was not done.
        (Some("older"), true, false, true, Some(2)),
        // It may keep no links: nobody knows.
        (None, true, false, true, None),
        (None, true, true, false, None),
    ] {
        let what = format!("{before:?}, lost: {lose}, done: {is_done}, links: {keeps_links}");
        let (result, times) = re_key(before, lose, is_done, keeps_links).await;
        match expected {
            Some(expected) => {
                assert_eq!(result.as_deref().unwrap(), "new", "{what}");
                assert_eq!(times, expected, "{what}");
            }
            None => {
                let error = result.unwrap_err();
                assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{what}: {error}");
                assert!(error.outcome_is_unknown(), "{what}: {error}");
                assert!(error.to_string().contains("Links"), "{what}: {error}");
                assert_eq!(times, 1, "{what}");
            }
        }
    }
}
