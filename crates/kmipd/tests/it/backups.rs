//! Backups of a server that works, and another key-encryption key.

use kmip_client::{NewSymmetricKey, Session};

use crate::rig::Rig;

async fn create(session: &mut Session, name: String) -> String {
    session
        .create_symmetric_key(&NewSymmetricKey::aes256(name))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_instant_while_the_server_works() {
    let rig = Rig::new();
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    let mut before = Vec::new();
    for number in 0..30 {
        before.push(create(&mut session, format!("before-{number}")).await);
    }
    let config = rig.layout().config();
    let config = config.to_str().unwrap().to_owned();
    let backup = rig.path().join("backup");
    let backup = backup.to_str().unwrap().to_owned();
    // Keys are made all the time: those that are made before the copy's instant are in it, the others are not.
    let meanwhile = tokio::spawn(async move {
        let mut made = Vec::new();
        for number in 0..200 {
            made.push(create(&mut session, format!("meanwhile-{number}")).await);
        }
        (made, session)
    });
    let taking = {
        let (config, backup) = (config.clone(), backup.clone());
        tokio::task::spawn_blocking(move || {
            crate::rig::kmipd(&["backup", "create", "--config", &config, &backup])
        })
    };
    let output = taking.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let (made, mut session) = meanwhile.await.unwrap();
    assert!(rig.ok(&["backup", "verify", &backup]).contains("whole"));
    // Not twice to one place.
    let (status, complaint) = rig.fails(&["backup", "create", "--config", &config, &backup]);
    assert_eq!(status, 6, "{complaint}");
    let lost = create(&mut session, "after the backup".to_owned()).await;
    let (status, complaint) = rig.fails(&["backup", "restore", "--config", &config, &backup]);
    assert_eq!(status, 6, "{complaint}");
    server.stop();
    assert!(
        rig.ok(&["audit", "verify", rig.audit_log().to_str().unwrap()])
            .contains("whole")
    );
    let log = std::fs::read_to_string(rig.audit_log()).unwrap();
    assert!(log.contains("\"event\":\"backup\""), "{log}");

    let (status, complaint) = rig.fails(&["backup", "create", "--config", &config, "/nowhere"]);
    assert_eq!(status, 6, "{complaint}");
    assert!(complaint.contains("no kmipd is running"), "{complaint}");

    std::fs::remove_dir_all(rig.path().join("data")).unwrap();
    rig.ok(&["backup", "restore", "--config", &config, &backup]);
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    for id in &before {
        session.get_symmetric_key(id).await.unwrap();
    }
    // A prefix of what was made meanwhile.
    let mut is_there = true;
    for id in &made {
        let found = session.get_symmetric_key(id).await.is_ok();
        assert!(
            is_there || !found,
            "a later key is there, an earlier one is not"
        );
        is_there = found;
    }
    assert!(session.get_symmetric_key(&lost).await.is_err());
    let found = session.locate_by_name("before-7").await.unwrap();
    assert_eq!(found.len(), 1);
    server.stop();

    // Damage is found.
    let backup_path = std::path::Path::new(&backup);
    let manifest = storage::backup::Manifest::read(backup_path).unwrap();
    let largest = manifest.files.iter().max_by_key(|file| file.bytes).unwrap();
    let largest = backup_path.join(&largest.path);
    let mut bytes = std::fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&largest, bytes).unwrap();
    let (status, complaint) = rig.fails(&["backup", "verify", &backup]);
    assert_eq!(status, 6, "{complaint}");
    assert!(complaint.contains("SHA-256"), "{complaint}");
}

#[tokio::test]
async fn another_key_encryption_key() {
    let rig = Rig::new();
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    let id = create(&mut session, "k".to_owned()).await;
    let config = rig.layout().config();
    let text = std::fs::read_to_string(&config).unwrap();
    tls::write_private(&rig.path().join("passphrase"), b"open sesame\n").unwrap();
    let new = rig.path().join("new.yaml");
    let new_text = text.replace("    file: kek\n", "    passphrase: {file: passphrase}\n");
    assert_ne!(text, new_text);
    std::fs::write(&new, &new_text).unwrap();
    let (old, new) = (config.to_str().unwrap(), new.to_str().unwrap());
    let change = ["key", "change", "--config", old, "--to", new];
    // Not under a server that runs.
    let (status, complaint) = rig.fails(&change);
    assert_eq!(status, 6, "{complaint}");
    server.stop();
    rig.ok(&change);
    let (status, complaint) = rig.fails(&["--config", old]);
    assert_eq!(status, 5, "{complaint}");
    assert!(complaint.contains("kmipd key change"), "{complaint}");
    std::fs::write(old, new_text).unwrap();
    std::fs::remove_file(rig.path().join("kek")).unwrap();
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    session.get_symmetric_key(&id).await.unwrap();
    server.stop();
}
