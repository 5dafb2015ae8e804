//! The file of an SQLite database, looked at from outside while it is open: SQLite goes on with one that was removed or replaced, and what it
//! writes there is gone when the process ends.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// A file that is open.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    /// Its device and inode.
    id: (u64, u64),
}

impl OpenFile {
    /// The file at `path`, just opened; `None` where there is none.
    pub(super) fn at(path: PathBuf) -> Option<Self> {
        let id = id(&path)?;
        Some(Self { path, id })
    }

    /// Why what is written would not be kept. Never by opening the file: to close it again gives all of SQLite's locks up.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let may_not = "the file of the database may not be written by the user of the service";
        self.is_gone().or_else(|| access(&self.path, Access::WRITE_OK).is_err().then_some(may_not))
    }

    /// The same of a file that is another one now.
    pub(super) fn is_gone(&self) -> Option<&'static str> {
        let gone = "the file of the database was removed or replaced while it was open: put it back, and start the service again";
        (id(&self.path) != Some(self.id)).then_some(gone)
    }
}

fn id(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
