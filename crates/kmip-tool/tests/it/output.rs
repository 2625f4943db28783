//! What people see, whole.

use crate::rig::Rig;

/// With identifiers, times and the address replaced.
fn stable(rig: &Rig, text: &str, ids: &[&str]) -> String {
    let mut text = text.replace(&rig.address.to_string(), "kms1:5696");
    for (n, id) in ids.iter().enumerate() {
        let placeholder = format!("{:0>36}", n + 1);
        text = text.replace(id, &placeholder);
    }
    let mut words: Vec<String> = Vec::new();
    for word in text.split_inclusive([' ', '\n']) {
        let is_time = word.len() >= 20
            && word.starts_with("20")
            && word.contains("T")
            && word.trim_end().ends_with('Z');
        words.push(match is_time {
            true => format!("2026-11-23T18:00:00Z{}", &word[word.trim_end().len()..]),
            false => word.to_owned(),
        });
    }
    let mut text = words.concat();
    // The server makes it.
    if let Some((_, value)) = text.split_once("Short Unique Identifier") {
        let value = value.split_whitespace().next().unwrap().to_owned();
        text = text.replace(&value, &"0".repeat(value.len()));
    }
    text
}

#[tokio::test]
async fn pages_for_people() {
    let rig = Rig::start().await;
    let ran = rig
        .run_with(
            &[
                "register",
                "--name",
                "payroll",
                "--group",
                "hr",
                "--activate",
            ],
            &[7; 32],
            false,
        )
        .await
        .text();
    let id = ran
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().last())
        .unwrap()
        .to_owned();
    let second = rig.create(&["--length", "128"]).await;
    let ids = [id.as_str(), second.as_str()];
    insta::assert_snapshot!("register", stable(&rig, &ran, &ids));
    for (name, arguments) in [
        ("get", &["get", "payroll"][..]),
        ("get_json", &["get", "payroll", "--json"]),
        ("attributes", &["attributes", "payroll"]),
        ("locate_one", &["locate", "--name", "payroll"]),
        ("locate_json", &["locate", "--name", "payroll", "--json"]),
        (
            "revoke",
            &["revoke", "payroll", "--reason", "KeyCompromise"],
        ),
    ] {
        let text = rig.run(arguments).await.text();
        insta::assert_snapshot!(name, stable(&rig, &text, &ids));
    }
    let failure = rig.run(&["get", "nobody"]).await.failure();
    insta::assert_snapshot!("not_found", stable(&rig, &failure.to_string(), &ids));
    let failure = rig.run(&["activate", "payroll"]).await.failure();
    insta::assert_snapshot!("wrong_state", stable(&rig, &failure.to_string(), &ids));
}

/// What another client has put into a name does not reach the terminal.
#[tokio::test]
async fn control_characters_are_escaped() {
    let rig = Rig::start().await;
    let id = rig.create(&["--name", "a\u{1b}[31m\nb"]).await;
    for arguments in [&["locate"][..], &["attributes", &id], &["get", &id]] {
        let text = rig.run(arguments).await.text();
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
    let text = rig.run(&["locate"]).await.text();
    assert!(text.contains("a\\u{1b}[31m\\nb"), "{text}");
    let failure = rig.run(&["get", "x\u{1b}[31m"]).await.failure().to_string();
    assert!(!failure.contains('\u{1b}'), "{failure:?}");
}
