//! One answer is lost, at each step of what a subcommand does: it is done once, and what the tool says of it is true.

use kmip::registry::Operation;
use kmip_client::ErrorKind;
use kmip_tool::Cause;
use serde_json::Value;

use crate::lossy::{Loss, Lossy};
use crate::rig::{Ran, Rig};

/// A subcommand that is run again and again.
struct Trial<'a> {
    rig: &'a Rig,
    /// Distinguishes the objects of this run from those of others.
    name: String,
    /// What the run came to.
    ran: Ran,
    /// What was lost, and how.
    what: String,
    loss: Loss,
    operation: Operation,
}

impl Trial<'_> {
    /// The objects of this run's Name, as the server has them.
    async fn objects(&self) -> Vec<Value> {
        let arguments = ["locate", "--name", &self.name, "--json"];
        let document = self.rig.run(&arguments).await.json();
        document["objects"].as_array().unwrap().clone()
    }

    fn succeeded(&self) -> bool {
        self.ran.failure.is_none()
    }

    /// It failed, because nobody can know: it says so, and with what to look.
    fn says_that_nobody_knows(&self, look: &str) {
        let what = &self.what;
        let failure = self.ran.failure.as_ref().unwrap_or_else(|| {
            panic!("{what}: it succeeded without having had its answer");
        });
        assert!(
            matches!(
                failure.cause(),
                Cause::OutcomeUnknown(ErrorKind::ConnectionLost)
            ),
            "{what}: {failure:?}"
        );
        let text = failure.to_string();
        assert!(text.contains("the answer was lost: look with"), "{text}");
        assert!(text.contains(look), "{what}: {text}");
        let json: Value = serde_json::from_str(&failure.to_json(99, "x")).unwrap();
        assert_eq!(json["error"]["outcomeIsUnknown"], true);
    }
}

/// Runs the subcommand as often as it has steps, twice: each time, the request of another step, or its answer, is lost.
/// `prepare` makes what it needs, for a Name, and returns its command line.
async fn at_each_step(
    stdin: &[u8],
    prepare: impl AsyncFn(&Rig, &str) -> Vec<String>,
    check: impl AsyncFn(&Trial<'_>),
) {
    let rig = Rig::start().await;
    let lossy = Lossy::start(&rig).await;
    let run = async |name: &str, lost| {
        let mut arguments = prepare(&rig, name).await;
        arguments.extend(["--kmipServerName".to_owned(), lossy.server()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        lossy.lose(lost);
        rig.run_with(&arguments, stdin, false).await
    };
    let ran = run("nothing lost", None).await;
    assert!(ran.failure.is_none(), "{ran:?}");
    let steps = lossy.seen();
    assert!(steps.len() > 1, "{steps:?}");
    for (step, operation) in steps.into_iter().enumerate() {
        for loss in [Loss::Request, Loss::Answer] {
            let name = format!("{step} {loss:?}");
            let ran = run(&name, Some((step, loss))).await;
            check(&Trial {
                rig: &rig,
                what: format!("{operation} ({name}): {:?}", lossy.seen()),
                name,
                ran,
                loss,
                operation,
            })
            .await;
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn create_with_attributes_and_a_name() {
    let prepare = async |_: &Rig, name: &str| {
        words(&[
            "create",
            "--json",
            "--name",
            name,
            "--group",
            "g",
            "--attribute",
            "x-Purpose=tests",
            "--activate",
        ])
    };
    at_each_step(b"", prepare, async |trial: &Trial<'_>| {
        let what = &trial.what;
        assert!(trial.succeeded(), "{what}: {:?}", trial.ran);
        let objects = trial.objects().await;
        assert_eq!(objects.len(), 1, "{what}");
        let told: Value = serde_json::from_str(&trial.ran.stdout).unwrap();
        assert_eq!(
            objects[0]["uniqueIdentifier"], told["uniqueIdentifier"],
            "{what}"
        );
        assert_eq!(objects[0]["state"], "Active", "{what}");
        assert_eq!(objects[0]["objectGroups"][0], "g", "{what}");
    })
    .await;
}

/// Nothing tells the new key from any other: when its identifier is lost, nobody knows whether there is one.
#[tokio::test]
async fn create_without_a_name() {
    let group = |name: &str| format!("group {name}");
    let prepare = async |_: &Rig, name: &str| {
        words(&["create", "--json", "--group", &group(name), "--activate"])
    };
    at_each_step(b"", prepare, async |trial: &Trial<'_>| {
        let what = &trial.what;
        let arguments = ["locate", "--group", &group(&trial.name), "--json"];
        let there = trial.rig.run(&arguments).await.json();
        let there = there["objects"].as_array().unwrap().len();
        match (trial.operation, trial.loss) {
            (Operation::Create, loss) => {
                trial.says_that_nobody_knows("strongroom kmip locate`");
                let text = trial.ran.failure.as_ref().unwrap().to_string();
                assert!(text.contains("no Name"), "{text}");
                assert_eq!(there, usize::from(loss == Loss::Answer), "{what}");
            }
            _ => {
                assert!(trial.succeeded(), "{what}: {:?}", trial.ran);
                assert_eq!(there, 1, "{what}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn register_secret_data() {
    let prepare = async |_: &Rig, name: &str| {
        words(&[
            "register",
            "--json",
            "--type",
            "secret-data",
            "--name",
            name,
            "--group",
            "g",
        ])
    };
    at_each_step(b"a password", prepare, async |trial: &Trial<'_>| {
        let what = &trial.what;
        assert!(trial.succeeded(), "{what}: {:?}", trial.ran);
        let objects = trial.objects().await;
        assert_eq!(objects.len(), 1, "{what}");
        assert_eq!(objects[0]["objectType"], "SecretData", "{what}");
        assert!(!trial.ran.everything().contains("a password"), "{what}");
    })
    .await;
}

#[tokio::test]
async fn register_a_certificate() {
    let prepare = async |rig: &Rig, name: &str| {
        let file = rig.path("ca.pem").display().to_string();
        words(&["register", "--json", "--file", &file, "--name", name])
    };
    at_each_step(b"", prepare, async |trial: &Trial<'_>| {
        assert!(trial.succeeded(), "{}: {:?}", trial.what, trial.ran);
        assert_eq!(trial.objects().await.len(), 1, "{}", trial.what);
    })
    .await;
}

/// The new key has the Name, and the old one a link to it.
#[tokio::test]
async fn rekey() {
    let prepare = async |rig: &Rig, name: &str| {
        let old = rig.create(&["--name", name, "--activate"]).await;
        words(&["rekey", &old, "--json", "--activate"])
    };
    at_each_step(b"", prepare, async |trial: &Trial<'_>| {
        let what = &trial.what;
        let named = trial.objects().await;
        assert_eq!(named.len(), 1, "{what}");
        if trial.operation == Operation::ReKey && trial.loss == Loss::Request {
            // A key that had no link before may have one at a server that keeps none.
            trial.says_that_nobody_knows("Link`");
            assert_eq!(named[0]["state"], "Active", "{what}");
            return;
        }
        assert!(trial.succeeded(), "{what}: {:?}", trial.ran);
        let told: Value = serde_json::from_str(&trial.ran.stdout).unwrap();
        assert_eq!(
            named[0]["uniqueIdentifier"], told["uniqueIdentifier"],
            "{what}"
        );
        assert_ne!(told["uniqueIdentifier"], told["replaced"], "{what}");
        assert_eq!(named[0]["state"], "Active", "{what}");
    })
    .await;
}

#[tokio::test]
async fn attributes() {
    for version in ["1.4", "2.1"] {
        let prepare = async |rig: &Rig, name: &str| {
            let id = rig
                .create(&[
                    "--name",
                    name,
                    "--group",
                    "a",
                    "--attribute",
                    "Object Group=b",
                ])
                .await;
            words(&[
                "attributes",
                &id,
                "--json",
                "--kmip-version",
                version,
                "Object Group",
                "Contact Information",
                "--set",
                "Contact Information=ops",
                "--add",
                "Object Group=c",
                "--delete",
                "Object Group=a",
            ])
        };
        at_each_step(b"", prepare, async |trial: &Trial<'_>| {
            let what = &trial.what;
            assert!(trial.succeeded(), "{version}, {what}: {:?}", trial.ran);
            let told: Value = serde_json::from_str(&trial.ran.stdout).unwrap();
            let mut groups: Vec<&str> = told["attributes"]["ObjectGroup"]
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group.as_str().unwrap())
                .collect();
            groups.sort_unstable();
            assert_eq!(groups, ["b", "c"], "{version}, {what}");
            let contact = &told["attributes"]["ContactInformation"];
            assert_eq!(*contact, serde_json::json!(["ops"]), "{version}, {what}");
        })
        .await;
    }
}

/// An attribute with several instances goes as a whole, in 1.x one instance after another.
#[tokio::test]
async fn attributes_deleted_with_all_instances() {
    for version in ["1.2", "2.1"] {
        let prepare = async |rig: &Rig, name: &str| {
            let id = rig
                .create(&[
                    "--name",
                    name,
                    "--group",
                    "a",
                    "--attribute",
                    "Object Group=b",
                ])
                .await;
            words(&[
                "attributes",
                &id,
                "--json",
                "--kmip-version",
                version,
                "--delete",
                "Object Group",
            ])
        };
        at_each_step(b"", prepare, async |trial: &Trial<'_>| {
            let what = &trial.what;
            assert!(trial.succeeded(), "{version}, {what}: {:?}", trial.ran);
            let objects = trial.objects().await;
            assert_eq!(
                objects[0]["objectGroups"],
                serde_json::json!([]),
                "{version}, {what}"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn revoke_with_a_date_and_destroy() {
    let prepare = async |rig: &Rig, name: &str| {
        let id = rig.create(&["--name", name, "--activate"]).await;
        words(&[
            "revoke",
            &id,
            "--json",
            "--reason",
            "KeyCompromise",
            "--compromise-date",
            "2026-01-02T03:04:05Z",
        ])
    };
    at_each_step(b"", prepare, async |trial: &Trial<'_>| {
        assert!(trial.succeeded(), "{}: {:?}", trial.what, trial.ran);
        assert_eq!(
            trial.objects().await[0]["state"],
            "Compromised",
            "{}",
            trial.what
        );
    })
    .await;
    let prepare = async |rig: &Rig, name: &str| {
        let id = rig.create(&["--name", name]).await;
        words(&["destroy", &id, "--json"])
    };
    at_each_step(b"", prepare, async |trial: &Trial<'_>| {
        assert!(trial.succeeded(), "{}: {:?}", trial.what, trial.ran);
        assert!(trial.objects().await.is_empty(), "{}", trial.what);
    })
    .await;
}

/// What only looks is looked at again.
#[tokio::test]
async fn get_and_locate() {
    for command in [
        &["get", "NAME", "--json"][..],
        &["locate", "--name", "NAME", "--json"],
        &["activate", "NAME", "--json"],
    ] {
        let prepare = async |rig: &Rig, name: &str| {
            rig.create(&["--name", name]).await;
            let command = command.iter();
            command.map(|word| word.replace("NAME", name)).collect()
        };
        at_each_step(b"", prepare, async |trial: &Trial<'_>| {
            assert!(trial.succeeded(), "{}: {:?}", trial.what, trial.ran);
        })
        .await;
    }
}
