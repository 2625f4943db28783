//! What is found by the indexes is what a look at every object finds, whatever is made, changed and undone.

use std::sync::Arc;

use kmip::operations::{LocateRequest, LocateResponse};
use kmip::registry::{
    CryptographicAlgorithm, ObjectGroupMember, ObjectType, State, StorageStatusMask,
};
use kmip::structures::ApplicationSpecificInformation;
use kmip::{
    AttributeValue, Attributes, DateTime, Name, ProtocolVersion, RequestMessage, RequestPayload,
    ResponseMessage, ResponsePayload,
};

use crate::failure::Failure;
use crate::object::Object;
use crate::objects::{Access, Objects};
use crate::service::TestService;

const OWNER: &str = "tenant";
const NONE: [u32; 0] = [];

fn object(objects: &Objects, number: u32) -> Object {
    let identifier = format!("id-{number}");
    let mut attributes = Attributes::new()
        .with(AttributeValue::UniqueIdentifier(identifier.as_str().into()))
        .with(AttributeValue::ObjectType(ObjectType::SecretData))
        .with(AttributeValue::State(State::PreActive))
        .with(AttributeValue::Name(Name::text(format!("name-{number}"))))
        .with(AttributeValue::InitialDate(DateTime(
            i64::from(number) * 10,
        )));
    if number.is_multiple_of(2) {
        attributes.push(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ));
    }
    if number.is_multiple_of(3) {
        attributes.push(AttributeValue::ObjectGroup("threes".to_owned()));
        attributes.push(AttributeValue::Fresh(true));
    }
    if number.is_multiple_of(5) {
        attributes.push(AttributeValue::ApplicationSpecificInformation(
            ApplicationSpecificInformation {
                application_namespace: "app".to_owned(),
                application_data: Some(format!("data-{number}")),
            },
        ));
    }
    Object {
        identifier,
        owner: OWNER.into(),
        sequence: objects.next_sequence(),
        attributes,
        value: None,
    }
}

fn insert(objects: &Objects, numbers: impl Iterator<Item = u32>) {
    let owner: Arc<str> = OWNER.into();
    for number in numbers {
        let new = object(objects, number);
        let (_, _, commit) = objects
            .transact(&owner, |transaction| {
                transaction.insert(new);
                Ok(())
            })
            .unwrap();
        assert!(commit > 0);
    }
}

fn change(objects: &Objects, number: u32, change: impl FnOnce(&mut Object)) {
    let owner: Arc<str> = OWNER.into();
    objects
        .transact(&owner, |transaction| {
            transaction.change(&format!("id-{number}"), |object| {
                change(object);
                Ok(())
            })
        })
        .unwrap();
}

/// What Locate answers.
fn locate(service: &TestService, request: LocateRequest) -> LocateResponse {
    let peer = crate::identity::test_peer(OWNER);
    let request = RequestMessage::new(ProtocolVersion::V2_1, RequestPayload::from(request));
    let reply = service
        .service
        .handle(&peer, request.encode().unwrap().as_slice());
    let response =
        ResponseMessage::decode(reply.message.as_slice(), &kmip::Limits::DEFAULT).unwrap();
    let item = response.batch_items.into_iter().next().unwrap();
    match item.payload {
        Some(ResponsePayload::Locate(located)) => located,
        _ => panic!("{:?} {:?}", item.result_reason, item.result_message),
    }
}

fn found(service: &TestService, request: LocateRequest) -> Vec<u32> {
    let located = locate(service, request);
    located
        .unique_identifiers
        .iter()
        .map(|id| id.to_string().trim_start_matches("id-").parse().unwrap())
        .collect()
}

fn with(attributes: impl IntoIterator<Item = AttributeValue>) -> LocateRequest {
    LocateRequest {
        attributes: attributes.into_iter().collect(),
        ..LocateRequest::default()
    }
}

fn newest_first(numbers: impl DoubleEndedIterator<Item = u32>) -> Vec<u32> {
    numbers.rev().collect()
}

fn namespace(data: Option<&str>) -> AttributeValue {
    AttributeValue::ApplicationSpecificInformation(ApplicationSpecificInformation {
        application_namespace: "app".to_owned(),
        application_data: data.map(str::to_owned),
    })
}

#[test]
fn by_values_dates_and_both() {
    let service = TestService::new();
    insert(service.service.objects(), 0..60);
    let aes = || AttributeValue::CryptographicAlgorithm(CryptographicAlgorithm::AES);
    let threes = || AttributeValue::ObjectGroup("threes".to_owned());
    let made = |date| AttributeValue::InitialDate(DateTime(date));

    assert_eq!(found(&service, with([])), newest_first(0..60));
    let sixes = newest_first((0..60).filter(|n| n % 6 == 0));
    assert_eq!(found(&service, with([aes(), threes()])), sixes);
    let fives = newest_first((0..60).filter(|n| n % 5 == 0));
    assert_eq!(found(&service, with([namespace(None)])), fives);
    assert_eq!(found(&service, with([namespace(Some("data-25"))])), [25]);
    assert_eq!(found(&service, with([made(170)])), [17]);
    assert_eq!(
        found(&service, with([made(100), made(155)])),
        newest_first(10..=15)
    );
    assert_eq!(
        found(&service, with([made(100), made(155), aes()])),
        [14, 12, 10]
    );
    assert_eq!(found(&service, with([made(1), made(9)])), NONE);
    let name = |text: &str| AttributeValue::Name(Name::text(text));
    assert_eq!(found(&service, with([name("name-7")])), [7]);
    assert_eq!(found(&service, with([name("name-7"), aes()])), NONE);
    assert_eq!(found(&service, with([name("none")])), NONE);
    let by_id = |id: &str| AttributeValue::UniqueIdentifier(id.into());
    assert_eq!(found(&service, with([by_id("id-8")])), [8]);
    assert_eq!(found(&service, with([by_id("id-8"), aes()])), [8]);
    assert_eq!(found(&service, with([by_id("id-9"), aes()])), NONE);
    assert_eq!(found(&service, with([by_id("id-99")])), NONE);

    let page = |offset, most| LocateRequest {
        offset_items: Some(offset),
        maximum_items: Some(most),
        ..with([aes()])
    };
    assert_eq!(found(&service, page(2, 3)), [54, 52, 50]);
    assert_eq!(locate(&service, page(2, 3)).located_items, Some(30));
    assert_eq!(found(&service, page(29, 3)), [0]);
    assert_eq!(found(&service, page(30, 3)), NONE);

    let fresh = LocateRequest {
        object_group_member: Some(ObjectGroupMember::GroupMemberFresh),
        maximum_items: Some(3),
        ..with([threes()])
    };
    assert_eq!(found(&service, fresh), [0, 3, 6]);
    let default = || LocateRequest {
        object_group_member: Some(ObjectGroupMember::GroupMemberDefault),
        ..with([threes(), aes()])
    };
    for expected in (0..60).step_by(6).chain([0, 6]) {
        assert_eq!(found(&service, default()), [expected]);
    }
}

#[test]
fn what_changes_is_found_by_what_it_is_now() {
    let service = TestService::new();
    let objects = service.service.objects();
    insert(objects, 0..10);
    change(objects, 3, |object| {
        object.remove(&kmip::registry::Tag::ObjectGroup.into());
        object.set(AttributeValue::Name(Name::text("renamed")));
    });
    change(objects, 4, |object| {
        object
            .apply(crate::lifecycle::Event::Destroy)
            .unwrap_or_else(|failure| panic!("{}", failure.message));
    });
    change(objects, 5, |object| {
        object.set(AttributeValue::ArchiveDate(DateTime(5)));
    });
    let threes = || AttributeValue::ObjectGroup("threes".to_owned());
    assert_eq!(found(&service, with([threes()])), [9, 6, 0]);
    let name = |text: &str| AttributeValue::Name(Name::text(text));
    assert_eq!(found(&service, with([name("renamed")])), [3]);
    assert_eq!(found(&service, with([name("name-3")])), NONE);
    assert_eq!(found(&service, with([])), [9, 8, 7, 6, 3, 2, 1, 0]);
    let everywhere = LocateRequest {
        storage_status_mask: Some(
            StorageStatusMask::OnLineStorage
                | StorageStatusMask::ArchivalStorage
                | StorageStatusMask::DestroyedStorage,
        ),
        ..with([])
    };
    assert_eq!(found(&service, everywhere), newest_first(0..10));
    let state = |state| with([AttributeValue::State(state)]);
    assert_eq!(found(&service, state(State::Destroyed)), [4]);

    // The name of a destroyed object is free, and that of another one is not.
    let owner: Arc<str> = OWNER.into();
    let named = |number: u32, name: &str| {
        let mut new = object(objects, number);
        new.set(AttributeValue::Name(Name::text(name)));
        objects.transact(&owner, |transaction| {
            transaction.insert(new);
            Ok(())
        })
    };
    assert!(named(20, "name-4").is_ok());
    assert!(named(21, "renamed").is_err());
    assert_eq!(found(&service, with([name("name-4")])), [20]);
}

#[test]
fn what_is_undone_is_as_it_was() {
    let service = TestService::new();
    let objects = service.service.objects();
    insert(objects, 0..5);
    let owner: Arc<str> = OWNER.into();
    let mut journal = Vec::new();
    let mut transact = |change: &dyn Fn(&mut crate::transaction::Transaction<'_>)| {
        let (_, before, _) = objects
            .transact(&owner, |transaction| {
                change(transaction);
                Ok::<_, Failure>(())
            })
            .unwrap();
        journal.extend(before);
    };
    let rename = |transaction: &mut crate::transaction::Transaction<'_>, to: &str| {
        let renamed = transaction.change("id-2", |object| {
            object.set(AttributeValue::Name(Name::text(to)));
            Ok(())
        });
        renamed.unwrap();
    };
    transact(&|transaction| rename(transaction, "first"));
    transact(&|transaction| transaction.insert(object(objects, 30)));
    transact(&|transaction| rename(transaction, "second"));
    let name = |text: &str| AttributeValue::Name(Name::text(text));
    assert_eq!(found(&service, with([name("second")])), [2]);
    objects.restore(&owner, journal).unwrap();
    assert_eq!(found(&service, with([name("name-2")])), [2]);
    for gone in ["first", "second", "name-30"] {
        assert_eq!(found(&service, with([name(gone)])), NONE, "{gone}");
    }
    assert_eq!(found(&service, with([])), newest_first(0..5));
}

#[test]
fn a_state_that_a_date_has_brought_stays_when_the_clock_goes_back() {
    let service = TestService::new();
    let objects = service.service.objects();
    let later = crate::clock::now().0 + 1_000_000;
    insert(objects, 0..3);
    change(objects, 1, |object| {
        object.set(AttributeValue::ActivationDate(DateTime(later)));
        object.set(AttributeValue::DeactivationDate(DateTime(later + 10)));
    });
    let state = |state| with([AttributeValue::State(state)]);
    assert_eq!(found(&service, state(State::PreActive)), [2, 1, 0]);
    objects.settle(later - 1).unwrap();
    assert_eq!(found(&service, state(State::PreActive)), [2, 1, 0]);
    objects.settle(later).unwrap();
    // The clock is before that again.
    assert_eq!(found(&service, state(State::PreActive)), [2, 0]);
    assert_eq!(found(&service, state(State::Active)), [1]);
    objects.settle(later + 10).unwrap();
    assert_eq!(found(&service, state(State::Active)), NONE);
    assert_eq!(found(&service, state(State::Deactivated)), [1]);
    objects.settle(i64::MAX).unwrap();
    assert_eq!(found(&service, state(State::Deactivated)), [1]);
}

/// Random objects, changes and searches: the indexes find what a look at each object finds.
#[test]
fn as_a_look_at_each_object_finds() {
    let service = std::panic::AssertUnwindSafe(TestService::new());
    let objects = std::panic::AssertUnwindSafe(service.service.objects());
    insert(&objects, 0..40);
    bolero::check!()
        .with_iterations(300)
        .with_type::<(u8, u8, u8, Option<u8>, Option<u8>, Option<(u8, u8)>)>()
        .for_each(|(which, group, comment, by_group, by_comment, range)| {
            let text = |value: &u8| format!("{}", value % 4);
            change(&objects, u32::from(*which) % 40, |object| {
                object.set(AttributeValue::ObjectGroup(text(group)));
                object.set(AttributeValue::Comment(text(comment)));
                object.set(AttributeValue::CompromiseDate(DateTime(i64::from(
                    *comment,
                ))));
            });
            let mut wanted = Vec::new();
            wanted.extend(by_group.map(|group| AttributeValue::ObjectGroup(text(&group))));
            wanted.extend(by_comment.map(|comment| AttributeValue::Comment(text(&comment))));
            if let Some((from, to)) = range {
                for date in [from, to] {
                    wanted.push(AttributeValue::CompromiseDate(DateTime(i64::from(*date))));
                }
            }
            let tenant = objects.tenant(OWNER).unwrap();
            let expected = (0..40_u32).rev().filter(|number| {
                let (object, _) = objects
                    .read(tenant, &format!("id-{number}"), Access::Blocking)
                    .unwrap()
                    .unwrap();
                let attributes = &object.attributes;
                by_group.is_none_or(|group| attributes.object_group() == Some(&text(&group)))
                    && by_comment.is_none_or(|c| attributes.comment() == Some(&text(&c)))
                    && range.is_none_or(|(from, to)| {
                        let (from, to) = (from.min(to), from.max(to));
                        attributes
                            .compromise_date()
                            .is_some_and(|date| (i64::from(from)..=i64::from(to)).contains(&date.0))
                    })
            });
            let expected: Vec<u32> = expected.collect();
            assert_eq!(found(&service, with(wanted)), expected);
        });
}
