//! kill -9, and what is there afterwards.

use kmip_client::NewSymmetricKey;

use crate::rig::Rig;

#[tokio::test]
async fn what_was_answered_is_there_after_kill_9() {
    let rig = Rig::new();
    let mut kept: Vec<(String, kmip::SecretBytes)> = Vec::new();
    for round in 0..3 {
        let server = rig.start();
        let mut session = rig.connect(&server, "strongroom").await;
        for (id, material) in &kept {
            let key = session.get_symmetric_key(id).await.unwrap();
            assert_eq!(&key.material, material);
        }
        for n in 0..5 {
            let name = format!("{round}-{n}");
            let id = session
                .create_symmetric_key(&NewSymmetricKey::aes256(name))
                .await
                .unwrap();
            session.activate(&id).await.unwrap();
            let key = session.get_symmetric_key(&id).await.unwrap();
            kept.push((id, key.material));
        }
        server.kill();
        // The changes that were answered are in the audit, whatever happened behind them.
        let log = std::fs::read_to_string(rig.audit_log()).unwrap();
        for (id, _) in &kept {
            let about = log.lines().filter(|line| line.contains(id.as_str()));
            let operations: Vec<_> = about
                .filter(|line| line.contains("\"Create\"") || line.contains("\"Activate\""))
                .collect();
            assert_eq!(operations.len(), 2, "{operations:?}");
        }
        let log = rig.audit_log();
        let said = rig.ok(&["audit", "verify", log.to_str().unwrap()]);
        assert!(said.contains("is whole"), "{said}");
    }
}

#[tokio::test]
async fn two_servers_on_one_directory() {
    let rig = Rig::new();
    let server = rig.start();
    let config = rig.layout().config();
    let (status, complaint) = rig.fails(&["--config", config.to_str().unwrap()]);
    assert_eq!(status, 7, "{complaint}");
    assert!(complaint.contains("another process"), "{complaint}");
    // Looking is allowed.
    rig.ok(&["check", "--config", config.to_str().unwrap()]);
    server.stop();
}
