//! The process is stopped at every step of a rotation, a migration, and a change of a tree's key. Afterwards the
//! keystore opens with the old master key or with the new one, nothing is lost, and doing it again completes it
//! without a second key.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{env, fs};

use keystore::provider::key_file;
use keystore::rotation::{
    Rotated, Target, TreeTarget, migrate, revoke_old, rotate, set_tree_key, unlock_tree,
};
use keystore::{Keystore, MasterKeyRef, Provider, TreeId, failpoint, key_name, tree_key_name};

use kmip::registry::State;

use crate::front::{Front, Ways};
use crate::support::*;
use crate::world::*;

/// Each write of the keystore passes these.
const WRITE: [&str; 4] = [
    "keystore.before_write",
    "keystore.half_written",
    "keystore.synced",
    "keystore.renamed",
];
/// To a key that is created: the keystore is written three times, to announce, as the previous one, and anew.
const TO_NEW: [&str; 7] = [
    "rotate.announced",
    "kmip.before_create",
    "kmip.created",
    "kmip.activated",
    "rotate.fetched",
    "keystore.previous_kept",
    "rotate.done",
];
/// To a key that is there: as the previous one, and anew.
const TO_GIVEN: [&str; 3] = ["rotate.fetched", "keystore.previous_kept", "rotate.done"];
/// To a key of a tree's own that is created: the keystore is written to announce, and anew.
const TO_NEW_OF_TREE: [&str; 7] = [
    "rotate.announced",
    "kmip.before_create",
    "kmip.created",
    "kmip.activated",
    "tree.fetched",
    "tree.previous_removed",
    "tree.done",
];

/// Tell the child process what to do, and where.
const SCENARIO: &str = "KEYSTORE_TEST_SCENARIO";
const DIRECTORY: &str = "KEYSTORE_TEST_DIRECTORY";
const DBPATH: &str = "KEYSTORE_TEST_ROTATION_DBPATH";
const PORTS: &str = "KEYSTORE_TEST_PORTS";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    RotateToNew,
    RotateToGiven,
    RotateToWrapped,
    FileToKmip,
    KmipToFile,
    KmipToKmip,
    SetTreeKey,
    ClearTreeKey,
    RotateTreeKey,
    DropTree,
    RevokeOld,
}

impl Scenario {
    const ALL: [Scenario; 11] = [
        Scenario::RotateToNew,
        Scenario::RotateToGiven,
        Scenario::RotateToWrapped,
        Scenario::FileToKmip,
        Scenario::KmipToFile,
        Scenario::KmipToKmip,
        Scenario::SetTreeKey,
        Scenario::ClearTreeKey,
        Scenario::RotateTreeKey,
        Scenario::DropTree,
        Scenario::RevokeOld,
    ];

    fn steps(self) -> Vec<String> {
        let (writes, others): (_, &[&str]) = match self {
            Scenario::RotateToNew
            | Scenario::RotateToWrapped
            | Scenario::FileToKmip
            | Scenario::KmipToKmip => (3, &TO_NEW),
            Scenario::RotateToGiven | Scenario::KmipToFile => (2, &TO_GIVEN),
            Scenario::SetTreeKey | Scenario::ClearTreeKey => (1, &[]),
            // As the previous one, and anew.
            Scenario::DropTree => (2, &["keystore.previous_forgotten"]),
            Scenario::RotateTreeKey => (2, &TO_NEW_OF_TREE),
            // To note it in the history.
            Scenario::RevokeOld => (1, &["kmip.before_revoke", "kmip.revoked"]),
        };
        let of_write = |write| WRITE.map(|step| format!("{step}#{write}"));
        let others = others.iter().map(|step| (*step).to_owned());
        (1..=writes).flat_map(of_write).chain(others).collect()
    }
}

/// Where everything is, for parent and child.
#[derive(Clone)]
struct Place {
    directory: PathBuf,
    dbpath: PathBuf,
    /// Server A, server B, and the one that encrypts, which is in front of A.
    ports: [u16; 3],
}

impl Place {
    fn site(&self, server: usize) -> Site {
        Site {
            directory: self.directory.clone(),
            port: self.ports[server],
            version: kmip_client::VersionPolicy::default(),
            others: Vec::new(),
        }
    }

    fn key_file(&self) -> PathBuf {
        self.directory.join("key-1")
    }

    /// The keystore, with the master key that it names; and the server that has it, if one has.
    async fn open(&self) -> (Arc<Keystore>, Option<usize>) {
        let header = Keystore::inspect(&self.dbpath).unwrap().unwrap();
        let key = header.master_key().unwrap();
        if key.provider == Provider::KeyFile {
            let master = key_file::read(&self.key_file()).unwrap();
            return (
                Arc::new(Keystore::open(&self.dbpath, &master).unwrap()),
                None,
            );
        }
        for server in [2, 1] {
            let mut keys = self.site(server).keys().await;
            if let Ok(opened) = keys.open_key(key, header.dbpath_id(), None).await {
                let keystore = Keystore::open(&self.dbpath, &opened.key).unwrap();
                return (Arc::new(keystore), Some(server));
            }
        }
        panic!("no server has {key}");
    }

    async fn create(&self, scenario: Scenario) {
        let keystore = match scenario {
            Scenario::FileToKmip => created_from_file(&self.dbpath, &self.key_file()),
            _ => self.site(0).created(&self.dbpath).await,
        };
        for n in 1..=3 {
            keystore.create_data_key(tree(n)).unwrap();
        }
        keystore.rotate_data_key(tree(1)).unwrap();
        let own = MasterKeyRef::key_file(1);
        keystore
            .set_tree_master_key(tree(3), own.clone(), &master(93))
            .unwrap();
        if scenario == Scenario::ClearTreeKey {
            keystore
                .set_tree_master_key(tree(2), own, &master(92))
                .unwrap();
        }
        if scenario == Scenario::DropTree {
            let (keys, key) = (&mut self.site(0).keys().await, "given");
            let rotated = rotate(&keystore, Target::KmipKey { keys, key }).await;
            rotated.unwrap();
        }
        if scenario == Scenario::RotateTreeKey {
            let mut keys = self.site(0).keys().await;
            let target = TreeTarget::NewKmipKey(&mut keys);
            set_tree_key(&keystore, tree(2), target).await.unwrap();
        }
    }

    /// The change itself. A repetition of it is the same call.
    async fn run(&self, scenario: Scenario, keystore: &Arc<Keystore>) -> Option<Rotated> {
        let site = |server| self.site(server);
        let rotated = match scenario {
            Scenario::RotateToNew => {
                let mut keys = site(0).keys().await;
                rotate(keystore, Target::NewKmipKey(&mut keys)).await
            }
            Scenario::RotateToGiven => {
                let (keys, key) = (&mut site(0).keys().await, "given");
                rotate(keystore, Target::KmipKey { keys, key }).await
            }
            Scenario::RotateToWrapped => {
                let mut keys = site(2).keys().await.with_wrap_on_server(true);
                rotate(keystore, Target::NewKmipKey(&mut keys)).await
            }
            Scenario::FileToKmip => {
                let mut keys = site(0).keys().await;
                migrate(keystore, Target::NewKmipKey(&mut keys)).await
            }
            Scenario::KmipToFile => migrate(keystore, Target::KeyFile(&self.key_file())).await,
            Scenario::KmipToKmip => {
                let mut keys = site(1).keys().await;
                migrate(keystore, Target::NewKmipKey(&mut keys)).await
            }
            Scenario::SetTreeKey => {
                let own = MasterKeyRef::key_file(1);
                keystore
                    .set_tree_master_key(tree(2), own, &master(92))
                    .unwrap();
                return None;
            }
            Scenario::ClearTreeKey => {
                unlock(keystore, 2);
                keystore.clear_tree_master_key(tree(2)).unwrap();
                return None;
            }
            Scenario::RotateTreeKey => {
                let mut keys = site(0).keys().await;
                unlock_tree(keystore, tree(2), &mut keys).await.unwrap();
                let target = TreeTarget::NewKmipKey(&mut keys);
                set_tree_key(keystore, tree(2), target).await.unwrap();
                return None;
            }
            Scenario::DropTree => {
                keystore.destroy_data_key(tree(2)).unwrap();
                return None;
            }
            Scenario::RevokeOld => {
                let old = &keystore.info().history[0].key;
                let mut keys = site(0).keys().await;
                revoke_old(keystore, &mut keys, old).await.unwrap();
                return None;
            }
        };
        Some(rotated.unwrap())
    }

    async fn crash(&self, scenario: Scenario, step: &str) {
        let mut child = Command::new(env::current_exe().unwrap());
        child
            .args(["rotation_crash::child", "--exact", "--nocapture"])
            .env(SCENARIO, format!("{scenario:?}"))
            .env(DIRECTORY, &self.directory)
            .env(DBPATH, &self.dbpath)
            .env(PORTS, self.ports.map(|port| port.to_string()).join(","))
            .env(failpoint::VARIABLE, step)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = tokio::task::spawn_blocking(move || child.status());
        let status = status.await.unwrap().unwrap();
        assert!(
            status.code().is_none(),
            "{scenario:?} did not stop at {step}: {status}"
        );
    }
}

/// Provides the master key of a tree's own, if it has one.
fn unlock(keystore: &Keystore, number: u8) {
    if keystore.tree_master_key(tree(number)).unwrap().is_some() {
        keystore
            .unlock_tree(tree(number), &master(90 + number))
            .unwrap();
    }
}

/// Not a test: what the tests below run in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(scenario) = env::var(SCENARIO) else {
        return;
    };
    let all = Scenario::ALL;
    let scenario = all
        .into_iter()
        .find(|known| format!("{known:?}") == scenario)
        .unwrap();
    let ports = env::var(PORTS).unwrap();
    let ports: Vec<_> = ports.split(',').map(|port| port.parse().unwrap()).collect();
    let place = Place {
        directory: env::var_os(DIRECTORY).unwrap().into(),
        dbpath: env::var_os(DBPATH).unwrap().into(),
        ports: ports.try_into().unwrap(),
    };
    let (keystore, _) = place.open().await;
    place.run(scenario, &keystore).await;
}

async fn at_every_step(scenario: Scenario) {
    let (mut world, a) = World::new().await;
    let b = world.another_server().await;
    let front = Front::start(&world, a, Ways::MakesNonce).await;
    world.key_file(1);
    world.site(a).active_key("given").await;
    for step in scenario.steps() {
        let place = Place {
            directory: world.path(""),
            dbpath: world.dbpath(),
            ports: [a, b, front.port],
        };
        place.create(scenario).await;
        let what = format!("{scenario:?} {step}");
        let before = {
            let (keystore, _) = place.open().await;
            unlock(&keystore, 2);
            unlock(&keystore, 3);
            contents(&keystore)
        };

        place.crash(scenario, &step).await;
        let (keystore, server) = place.open().await;
        let is_done = check(scenario, &place, &keystore, server, &before, &what).await;
        // What takes effect is the rename of the last write.
        let steps = scenario.steps();
        let takes_effect = steps.iter().rfind(|step| step.starts_with(WRITE[3]));
        let last_write = takes_effect == Some(&step);
        assert_eq!(is_done, last_write || step == "rotate.done", "{what}");

        if !is_done {
            // Another crash at the same place does no more harm, where it is passed again.
            if !matches!(step.as_str(), "kmip.created" | "kmip.before_create")
                && !step.ends_with("#1")
                && !step.ends_with("#3")
                && scenario != Scenario::DropTree
            {
                drop(keystore);
                let step = if step.ends_with("#2") {
                    "rotate.fetched"
                } else {
                    &step
                };
                place.crash(scenario, step).await;
                let (keystore, server) = place.open().await;
                check(scenario, &place, &keystore, server, &before, &what).await;
            }
            let (keystore, _) = place.open().await;
            place.run(scenario, &keystore).await;
        }
        let (keystore, server) = place.open().await;
        let is_done = check(scenario, &place, &keystore, server, &before, &what).await;
        assert!(is_done, "{what}");
        assert_eq!(keystore.info().pending, None, "{what}");
        no_orphans(scenario, &place, &keystore, &what).await;
        no_leftovers(&place.dbpath, &what);
    }
}

/// Whether the change is done; everything is there in either case.
async fn check(
    scenario: Scenario,
    place: &Place,
    keystore: &Keystore,
    server: Option<usize>,
    before: &Contents,
    what: &str,
) -> bool {
    if scenario == Scenario::DropTree && !keystore.tree_ids().contains(&tree(2)) {
        unlock(keystore, 3);
        let others: Contents = before
            .iter()
            .filter(|key| key.0 != tree(2))
            .copied()
            .collect();
        assert_eq!(contents(keystore), others, "{what}");
        assert_eq!(previous_trees(place).await, [tree(1), tree(3)], "{what}");
        return true;
    }
    // Locked until its own key is there, whatever becomes of the others.
    assert!(keystore.check_unlocked(tree(3)).is_err(), "{what}");
    unlock(keystore, 2);
    unlock(keystore, 3);
    assert_eq!(&contents(keystore), before, "{what}");
    let has_own = keystore.tree_master_key(tree(2)).unwrap().is_some();
    let key = keystore.master_key();
    match scenario {
        Scenario::SetTreeKey => has_own,
        Scenario::ClearTreeKey => !has_own,
        Scenario::DropTree => false,
        _ => {
            let is_done = key.generation == 2;
            if is_done {
                let expected = match scenario {
                    Scenario::KmipToFile => None,
                    Scenario::KmipToKmip => Some(1),
                    _ => Some(2),
                };
                assert_eq!(server, expected, "{what}");
                let wraps = scenario == Scenario::RotateToWrapped;
                assert_eq!(key.is_wrapped_on_server(), wraps, "{what}");
                assert_eq!(keystore.info().history.len(), 2, "{what}");
            }
            is_done
        }
    }
}

/// The trees in `keystore.previous`, as its own master key opens it.
async fn previous_trees(place: &Place) -> Vec<TreeId> {
    let directory = tempfile::tempdir().unwrap();
    let previous = place.dbpath.join(keystore::PREVIOUS_FILE_NAME);
    fs::copy(previous, directory.path().join(keystore::FILE_NAME)).unwrap();
    let master = place.site(0).master(directory.path()).await;
    let keystore = Keystore::open(directory.path(), &master).unwrap();
    assert_eq!(keystore.master_key().generation, 1);
    keystore.tree_ids()
}

/// The keys that were created are those that the keystore was under.
async fn no_orphans(scenario: Scenario, place: &Place, keystore: &Keystore, what: &str) {
    let id = keystore.info().dbpath_id;
    let (mut on_a, mut on_b) = (Vec::new(), Vec::new());
    for generation in 1..=3 {
        on_a.push(place.site(0).count(&key_name(id, generation)).await);
        on_b.push(place.site(1).count(&key_name(id, generation)).await);
        let second = format!("{}-2", key_name(id, generation));
        assert_eq!(place.site(0).count(&second).await, 0, "{what}");
    }
    let (expected_a, expected_b) = match scenario {
        Scenario::RotateToNew | Scenario::RotateToWrapped => ([1, 1, 0], [0; 3]),
        Scenario::FileToKmip => ([0, 1, 0], [0; 3]),
        Scenario::KmipToKmip => ([1, 0, 0], [0, 1, 0]),
        _ => ([1, 0, 0], [0; 3]),
    };
    assert_eq!(
        (&on_a[..], &on_b[..]),
        (&expected_a[..], &expected_b[..]),
        "{what}"
    );
}

fn no_leftovers(dbpath: &Path, what: &str) {
    for entry in fs::read_dir(dbpath).unwrap() {
        let name = entry.unwrap().file_name();
        let known = [keystore::FILE_NAME, keystore::PREVIOUS_FILE_NAME];
        assert!(known.iter().any(|known| *known == name), "{what}: {name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_the_old_key() {
    let (world, a) = World::new().await;
    for step in Scenario::RevokeOld.steps() {
        let place = Place {
            directory: world.path(""),
            dbpath: world.dbpath(),
            ports: [a; 3],
        };
        place.create(Scenario::RevokeOld).await;
        let (keystore, _) = place.open().await;
        let rotated = place.run(Scenario::RotateToNew, &keystore).await.unwrap();
        place.crash(Scenario::RevokeOld, &step).await;
        let old = rotated.old.identifier.unwrap();
        let mut session = place.site(0).session().await;
        let state = session.get_attributes(&old).await.unwrap().state;
        let is_revoked = state == Some(State::Deactivated);
        assert_eq!(is_revoked, step != "kmip.before_revoke", "{step}");
        let (keystore, _) = place.open().await;
        place.run(Scenario::RevokeOld, &keystore).await;
        let history = place.open().await.0.info().history;
        let revoked = history
            .iter()
            .map(|entry| entry.revoked_unix_secs.is_some());
        assert_eq!(revoked.collect::<Vec<_>>(), [true, false], "{step}");
        let state = session.get_attributes(&old).await.unwrap().state;
        assert_eq!(state, Some(State::Deactivated));
        place.open().await;
    }
}

/// As the other scenarios, with a tree whose own key is on the KMIP server.
#[tokio::test(flavor = "multi_thread")]
async fn rotating_the_key_of_a_tree() {
    let (world, a) = World::new().await;
    let scenario = Scenario::RotateTreeKey;
    for step in scenario.steps() {
        let place = Place {
            directory: world.path(""),
            dbpath: world.dbpath(),
            ports: [a; 3],
        };
        place.create(scenario).await;
        let opened = async || {
            let (keystore, _) = place.open().await;
            let mut keys = place.site(0).keys().await;
            unlock_tree(&keystore, tree(2), &mut keys).await.unwrap();
            unlock(&keystore, 3);
            keystore
        };
        let before = contents(&*opened().await);
        place.crash(scenario, &step).await;
        let keystore = opened().await;
        assert_eq!(contents(&keystore), before, "{step}");
        let own = |keystore: &Keystore| keystore.tree_master_keys()[0].key.clone();
        let is_done = matches!(step.as_str(), "keystore.renamed#2" | "tree.done");
        assert_eq!(
            own(&keystore).generation,
            if is_done { 2 } else { 1 },
            "{step}"
        );
        // Nothing is announced before the first write, and after the second.
        let writes_once = [
            "keystore.before_write#1",
            "keystore.half_written#1",
            "keystore.synced#1",
        ];
        let is_announced = !is_done && !writes_once.contains(&step.as_str());
        let announced = keystore.announced_tree_keys();
        assert_eq!(announced.len(), usize::from(is_announced), "{step}");
        if !is_done {
            place.run(scenario, &keystore).await;
        }
        let keystore = opened().await;
        assert_eq!(contents(&keystore), before, "{step}");
        assert_eq!(own(&keystore).generation, 2, "{step}");
        assert!(keystore.announced_tree_keys().is_empty(), "{step}");
        let id = keystore.info().dbpath_id;
        for (generation, expected) in [(1, 1), (2, 1), (3, 0)] {
            let name = tree_key_name(id, tree(2), generation);
            assert_eq!(place.site(0).count(&name).await, expected, "{step} {name}");
            let second = format!("{name}-2");
            assert_eq!(place.site(0).count(&second).await, 0, "{step}");
        }
        no_leftovers(&place.dbpath, &step);
    }
}

macro_rules! scenarios {
    ($($name:ident: $scenario:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                at_every_step(Scenario::$scenario).await;
            }
        )*
    };
}

scenarios! {
    rotating_to_a_new_key: RotateToNew;
    rotating_to_a_given_key: RotateToGiven;
    rotating_to_a_key_that_stays_on_the_server: RotateToWrapped;
    migrating_from_a_key_file: FileToKmip;
    migrating_to_a_key_file: KmipToFile;
    migrating_to_another_server: KmipToKmip;
    giving_a_tree_a_key_of_its_own: SetTreeKey;
    taking_a_tree_its_own_key: ClearTreeKey;
    dropping_a_tree: DropTree;
}
