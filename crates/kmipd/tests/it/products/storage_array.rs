//! Arrays of self-encrypting disks: KMIP 1.0, several operations in one message that mean the object of the one
//! before, custom attributes, a key in the format Opaque; and an Application Specific Information for each disk.

use kmip::registry::{ResultReason, ResultStatus, Tag};
use kmip::ttlv::ItemValue;

use super::wire::{
    Product, attribute, bytes, enumeration, integer, object, structure, text, text_attribute,
};
use crate::rig::Rig;

const IN_ORDER: &str = "<BatchOrderOption type=\"Boolean\" value=\"true\"/>";

fn password() -> Vec<u8> {
    (0..32).map(|byte| byte ^ 0x5C).collect()
}

fn registration() -> String {
    let block = [
        enumeration("KeyFormatType", "Opaque"),
        structure("KeyValue", &[bytes("KeyMaterial", &password())]),
    ];
    let information = [
        text("ApplicationNamespace", "example-array"),
        text("ApplicationData", "disk-7"),
    ];
    enumeration("ObjectType", "SecretData")
        + &structure(
            "TemplateAttribute",
            &[
                attribute(
                    "Cryptographic Usage Mask",
                    integer("AttributeValue", "Verify"),
                ),
                text_attribute("x-ResourceID", "san01-pod1 351538/351539"),
                text_attribute("x-SystemID", "351538"),
                attribute(
                    "Application Specific Information",
                    structure("AttributeValue", &information),
                ),
            ],
        )
        + &structure(
            "SecretData",
            &[
                enumeration("SecretDataType", "Password"),
                structure("KeyBlock", &block),
            ],
        )
}

#[tokio::test]
async fn one_message_with_all_that_a_start_needs() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 0))
        .await
        .with_header(IN_ORDER.to_owned());
    let made = product
        .batch(&[
            ("Register", &registration()),
            ("Activate", ""),
            ("GetAttributes", &text("AttributeName", "State")),
        ])
        .await;
    assert!(
        made.iter().all(|item| item.status == ResultStatus::Success),
        "{made:?}"
    );
    let id = made[0].id();
    assert_eq!(made[2].value("State"), ItemValue::Enumeration(2));

    let functions = enumeration("QueryFunction", "QueryOperations")
        + &enumeration("QueryFunction", "QueryObjects")
        + &enumeration("QueryFunction", "QueryServerInformation")
        + &enumeration("QueryFunction", "QueryApplicationNamespaces");
    let filters = text_attribute("x-ResourceID", "san01-pod1 351538/351539")
        + &text_attribute("x-SystemID", "351538");
    let names = ["Unique Identifier", "Object Type", "Initial Date", "State"];
    let names: String = names.map(|name| text("AttributeName", name)).concat();
    let answers = product
        .batch(&[
            ("Query", &functions),
            ("Locate", &filters),
            ("Get", &enumeration("KeyFormatType", "Opaque")),
            ("GetAttributes", &names),
        ])
        .await;
    assert!(
        answers
            .iter()
            .all(|item| item.status == ResultStatus::Success),
        "{answers:?}"
    );
    assert_eq!(answers[1].ids(), [id.as_str()]);
    assert_eq!(answers[2].id(), id);
    assert_eq!(answers[2].material(Tag::SecretData), password());
    let attributes: Vec<String> = answers[3]
        .attributes()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in ["Unique Identifier", "Object Type", "Initial Date", "State"] {
        assert!(attributes.iter().any(|own| own == name), "{attributes:?}");
    }
    assert_eq!(attributes.len(), 4);

    // By what the array says of the disk: the name space alone, or with the disk.
    for (data, expected) in [
        (None, vec![id.clone()]),
        (Some("disk-7"), vec![id.clone()]),
        (Some("disk-8"), vec![]),
    ] {
        let mut information = vec![text("ApplicationNamespace", "example-array")];
        information.extend(data.map(|data| text("ApplicationData", data)));
        let filter = attribute(
            "Application Specific Information",
            structure("AttributeValue", &information),
        );
        let found = product.ask("Locate", &filter).await;
        assert_eq!(found.ids(), expected, "{data:?}: {found:?}");
    }
    server.stop();
}

#[tokio::test]
async fn a_message_whose_first_operation_finds_nothing() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 0))
        .await
        .with_header(IN_ORDER.to_owned());
    let nothing = text_attribute("x-SystemID", "another");
    // Stop is the default: what comes after the failed Get is not done, and not answered.
    let answers = product
        .batch(&[
            ("Locate", &nothing),
            ("Get", ""),
            ("Register", &registration()),
        ])
        .await;
    let reasons: Vec<_> = answers.iter().map(|item| item.reason).collect();
    assert_eq!(reasons, [None, Some(ResultReason::ItemNotFound)]);
    let found = product.does("Locate", "").await;
    assert!(found.ids().is_empty());

    let continues = enumeration("BatchErrorContinuationOption", "Continue");
    let mut product = product.with_header(continues + IN_ORDER);
    let answers = product
        .batch(&[
            ("Locate", &nothing),
            ("Get", ""),
            ("Register", &registration()),
        ])
        .await;
    let reasons: Vec<_> = answers.iter().map(|item| item.reason).collect();
    assert_eq!(reasons, [None, Some(ResultReason::ItemNotFound), None]);
    let id = answers[2].id();
    let got = product.does("Get", &object(&id)).await;
    assert_eq!(got.material(Tag::SecretData), password());
    server.stop();
}
