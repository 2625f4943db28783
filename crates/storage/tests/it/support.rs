//! What the tests share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use storage::keys::{DataKeys, KeyError, KeyRing, TreeId};
use zeroize::Zeroizing;

/// A data key of a test.
pub(crate) struct TestKey(pub(crate) [u8; 32]);

impl DataKeys for TestKey {
    fn active(&self) -> u32 {
        1
    }

    fn key(&self, id: u32) -> Option<Zeroizing<[u8; 32]>> {
        (id == 1).then(|| Zeroizing::new(self.0))
    }
}

/// A key ring in memory, which outlives the stores that a test opens with it.
#[derive(Default)]
pub(crate) struct TestRing {
    pub(crate) keys: Mutex<HashMap<TreeId, [u8; 32]>>,
}

impl KeyRing for TestRing {
    fn create(&self, tree: TreeId) -> Result<Arc<dyn DataKeys>, KeyError> {
        let mut key = [0; 32];
        key[..16].copy_from_slice(&tree.0);
        key[16..].copy_from_slice(&TreeId::random()?.0);
        self.keys.lock().unwrap().insert(tree, key);
        Ok(Arc::new(TestKey(key)))
    }

    fn lookup(&self, tree: TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError> {
        let keys = self.keys.lock().unwrap();
        Ok(keys
            .get(&tree)
            .map(|&key| Arc::new(TestKey(key)) as Arc<dyn DataKeys>))
    }

    fn destroy(&self, tree: TreeId) -> Result<(), KeyError> {
        self.keys.lock().unwrap().remove(&tree);
        Ok(())
    }

    fn trees(&self) -> Result<Vec<TreeId>, KeyError> {
        Ok(self.keys.lock().unwrap().keys().copied().collect())
    }
}
