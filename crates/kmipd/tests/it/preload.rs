//! Functions of a test's own before those of the C library, in the program as it is. (They are compiled by the compiler
//! that links everything else here.)

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Before the test's source: `told`, the number that the test tells while the program runs.
const PRELUDE: &str = r#"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const volatile long long *told;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("PRELOAD_TOLD");
    if (!path)
        return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *page = mmap(0, sizeof *told, PROT_READ, MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        abort();
    close(file);
    told = page;
}
"#;

pub(crate) struct Preload {
    library: PathBuf,
    told: File,
    path: PathBuf,
}

impl Preload {
    /// Compiles C in files of that name in the directory. 0 is told at first.
    pub(crate) fn new(directory: &Path, name: &str, source: &str) -> Self {
        let c = directory.join(format!("{name}.c"));
        let library = directory.join(format!("{name}.so"));
        std::fs::write(&c, format!("{PRELUDE}{source}")).unwrap();
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let compiled = Command::new(compiler)
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .args([&library, &c])
            .status()
            .expect("the C compiler, which links Rust's programs too");
        assert!(compiled.success());
        let path = directory.join(format!("{name}.told"));
        let told = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        let preload = Self {
            library,
            told,
            path,
        };
        preload.tell(0);
        preload
    }

    /// From now on, for all programs that have been started with it.
    pub(crate) fn tell(&self, number: i64) {
        self.told.write_all_at(&number.to_ne_bytes(), 0).unwrap();
    }

    /// The command, with it.
    pub(crate) fn before(&self, mut command: Command) -> Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("PRELOAD_TOLD", &self.path);
        command
    }
}
