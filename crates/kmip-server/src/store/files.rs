//! A directory with one sealed file for each object.
//!
//! ```text
//! DIRECTORY/lock          held while a server uses the directory
//! DIRECTORY/kek           the key-encryption key (0600), unless it lies elsewhere
//! DIRECTORY/objects/ID    a sealed record
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::seal::Sealer;
use super::{Change, KeyEncryptionKey, Record, RecordStore, StoreError};

/// A file that is being written has this suffix; identifiers never have it.
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Objects in a directory. For thousands of them, not for millions: all are read at the start.
pub struct FileStore {
    objects: PathBuf,
    sealer: Sealer,
    /// Held until the store is dropped.
    _lock: File,
}

impl FileStore {
    /// Opens the directory, or makes it (mode 0700). `key_file` is where the key-encryption key
    /// lies, `DIRECTORY/kek` if `None`; it is generated if there is none and no object either.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(directory: &Path, key_file: Option<&Path>) -> Result<Self, StoreError> {
        let objects = directory.join("objects");
        make_directory(&objects)?;
        let lock = lock(directory)?;
        let key_path = key_file.map_or_else(|| directory.join("kek"), Path::to_owned);
        let key = match KeyEncryptionKey::read(&key_path)? {
            Some(key) => key,
            None if object_files(&objects)?.is_empty() => KeyEncryptionKey::generate(&key_path)?,
            None => {
                return Err(StoreError::KeyMissing {
                    key: key_path,
                    objects,
                });
            }
        };
        let sealer = Sealer::new(key.bytes()).ok_or(StoreError::Crypto)?;
        Ok(Self {
            objects,
            sealer,
            _lock: lock,
        })
    }
}

impl RecordStore for FileStore {
    fn load(&self) -> Result<Vec<(String, Record)>, StoreError> {
        object_files(&self.objects)?
            .into_iter()
            .map(|(identifier, path)| {
                let sealed = fs::read(&path).map_err(io("read", &path))?;
                let record = self
                    .sealer
                    .open(&identifier, &sealed)
                    .ok_or(StoreError::Sealed { path })?;
                Ok((identifier, record))
            })
            .collect()
    }

    fn apply(&self, changes: &[Change<'_>]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                Change::Put { identifier, record } => self.put(identifier, record)?,
                Change::Remove { identifier } => self.remove(identifier)?,
            }
        }
        Ok(())
    }
}

impl FileStore {
    fn remove(&self, identifier: &str) -> Result<(), StoreError> {
        let path = self.objects.join(identifier);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io("remove", &path)(error));
            }
            _ => sync_directory(&self.objects),
        }
    }

    fn put(&self, identifier: &str, record: &[u8]) -> Result<(), StoreError> {
        let sealed = self
            .sealer
            .seal(identifier, record)
            .ok_or(StoreError::Crypto)?;
        let path = self.objects.join(identifier);
        let temporary = self.objects.join(format!("{identifier}{TEMPORARY_SUFFIX}"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary).map_err(io("create", &temporary))?;
        file.write_all(&sealed)
            .and_then(|()| file.sync_all())
            .map_err(io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(io("rename", &temporary))?;
        // The new name is durable when its directory is.
        sync_directory(&self.objects)
    }
}

fn io<'a>(action: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> StoreError + 'a {
    move |source| StoreError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

fn make_directory(path: &Path) -> Result<(), StoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io("create", path))
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(io("sync", path))?;
    Ok(())
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(io("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: directory.to_owned(),
        }),
        Err(fs::TryLockError::Error(source)) => Err(StoreError::Io {
            action: "lock",
            path,
            source,
        }),
    }
}

/// Identifier and path of every object; what an interrupted write left behind is removed.
fn object_files(objects: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(objects).map_err(io("read", objects))? {
        let path = entry.map_err(io("read", objects))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if name.ends_with(TEMPORARY_SUFFIX) {
            fs::remove_file(&path).map_err(io("remove", &path))?;
        } else {
            found.push((name.to_owned(), path.clone()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_there_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::open(directory.path(), None).unwrap();
        store.put("a", b"first").unwrap();
        store.put("b", b"second").unwrap();
        store.put("a", b"changed").unwrap();
        assert!(matches!(
            FileStore::open(directory.path(), None),
            Err(StoreError::InUse { .. })
        ));
        drop(store);
        fs::write(directory.path().join("objects/c.tmp"), "half a record").unwrap();

        let mut records = FileStore::open(directory.path(), None)
            .unwrap()
            .load()
            .unwrap();
        records.sort_by(|a, b| a.0.cmp(&b.0));
        let records: Vec<_> = records
            .iter()
            .map(|(id, record)| (id.as_str(), record.as_slice()))
            .collect();
        assert_eq!(records, [("a", b"changed".as_slice()), ("b", b"second")]);
        assert!(!directory.path().join("objects/c.tmp").exists());
    }

    #[test]
    fn a_lost_or_foreign_key_is_told() {
        let directory = tempfile::tempdir().unwrap();
        FileStore::open(directory.path(), None)
            .unwrap()
            .put("a", b"record")
            .unwrap();
        let key = directory.path().join("kek");
        let kept = fs::read(&key).unwrap();
        fs::remove_file(&key).unwrap();
        assert!(matches!(
            FileStore::open(directory.path(), None),
            Err(StoreError::KeyMissing { .. })
        ));
        KeyEncryptionKey::generate(&key).unwrap();
        let store = FileStore::open(directory.path(), None).unwrap();
        assert!(matches!(store.load(), Err(StoreError::Sealed { .. })));
        drop(store);
        fs::write(&key, kept).unwrap();
        FileStore::open(directory.path(), None)
            .unwrap()
            .load()
            .unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("kmip");
        FileStore::open(&directory, None)
            .unwrap()
            .put("a", b"record")
            .unwrap();
        let mode = |name: &str| {
            fs::metadata(directory.join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode(""), 0o700);
        assert_eq!(mode("objects"), 0o700);
        assert_eq!(mode("kek"), 0o600);
        assert_eq!(mode("objects/a"), 0o600);
    }
}
