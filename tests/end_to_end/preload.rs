//! Functions put before the C library's in the program under test.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A compiled library, in a folder of its own.
pub(crate) struct Library {
    folder: TempDir,
}

impl Library {
    /// Compiles a C text. `None` where there is no C compiler, said loudly with what is not tried for want of it.
    pub(crate) fn of(text: &str, without: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("library.c"), text).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", "library.so", "library.c", "-ldl"])
            .current_dir(folder.path())
            .output();
        match compiled {
            Ok(compiled) => assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr)),
            Err(error) => {
                eprintln!("LEFT OUT: cc does not start ({error}), so {without}");
                return None;
            }
        }
        Some(Self { folder })
    }

    /// A file beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts it before the C library of a program.
    pub(crate) fn load<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("LD_PRELOAD", self.beside("library.so"))
    }
}
