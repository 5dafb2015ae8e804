//! Reads an archive that is to be imported, which may be anything: every length has a limit.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use zip::ZipArchive;

use super::import::{ImportError, refused};
use super::make::{FORMAT, VERSION};
use super::tables::for_each_exported_table;

/// The most bytes of a row; what is played has at most 64 KiB a field.
const ROW: usize = 8 * 1024 * 1024;
/// The most bytes of a picture.
const PICTURE: u64 = 32 * 1024 * 1024;
/// The most bytes of the manifest.
const MANIFEST: u64 = 1024 * 1024;
/// Rows, and bytes of them, that are in memory at once.
const BATCH: (usize, usize) = (20, 1024 * 1024);

/// The members of a row, as they are written.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// What an archive says of itself.
#[derive(Deserialize)]
pub(super) struct Manifest {
    format: String,
    version: u32,
    /// How many rows each table has.
    pub(super) tables: BTreeMap<String, u64>,
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, ImportError> {
    match File::open(path) {
        Ok(file) => Ok(ZipArchive::new(BufReader::new(file))?),
        Err(error) => refused(format!("{}: {error}", path.display())),
    }
}

/// What an archive says of itself, if it is one of ours in a form that is known.
pub(super) fn manifest(path: &Path) -> Result<Manifest, ImportError> {
    let mut archive = open(path)?;
    let not_ours = "This is no export of Autrement Capable: manifest.json";
    let Ok(file) = archive.by_name("manifest.json") else { return refused(format!("{not_ours} is missing.")) };
    let manifest: Manifest = match serde_json::from_reader(file.take(MANIFEST)) {
        Ok(manifest) => manifest,
        Err(error) => return refused(format!("{not_ours} can't be read: {error}.")),
    };
    if manifest.format != FORMAT {
        return refused(format!("{not_ours} tells another format."));
    }
    if manifest.version != VERSION {
        return refused(format!(
            "The export has the form {}; this release reads the form {VERSION}. Take the release that made it, or a later one.",
            manifest.version
        ));
    }
    let mut known = HashSet::new();
    for_each_exported_table!(table => known.insert(table.name()));
    if let Some(table) = manifest.tables.keys().find(|table| !known.contains(table.as_str())) {
        return refused(format!("The export holds {table}, which this release does not know. Take the release that made it."));
    }
    Ok(manifest)
}

/// The picture in the file of this name.
pub(super) fn picture(path: &Path, name: Option<&str>) -> Result<Vec<u8>, ImportError> {
    let Some(name) = name else { return refused("data/user_pictures.json names no file of a picture.") };
    let mut archive = open(path)?;
    let file = archive.by_name(name)?;
    if file.size() > PICTURE {
        return refused(format!("{name} has more than 32 MiB."));
    }
    let mut bytes = Vec::new();
    match file.take(PICTURE).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => refused(format!("{name}: {error}")),
    }
}

/// Reads the rows of a file one after the other, and gives how many there are.
pub(super) fn rows(path: &Path, file: &str, sender: &mpsc::Sender<Vec<Fields>>) -> Result<u64, ImportError> {
    let mut archive = open(path)?;
    let Ok(entry) = archive.by_name(file) else { return refused(format!("{file} is missing.")) };
    let used = Rc::new(Cell::new(0));
    let bounded = Bounded { inner: BufReader::new(entry), used: used.clone() };
    let mut json = serde_json::Deserializer::from_reader(bounded);
    let read = Rows { sender, used }.deserialize(&mut json).and_then(|count| json.end().map(|()| count));
    read.or_else(|error| refused(format!("{file} can't be read: {error}.")))
}

/// Reads on until a row has too many bytes.
struct Bounded<R> {
    inner: R,
    /// Bytes since the last row ended.
    used: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.used.set(self.used.get() + read);
        if self.used.get() > ROW { Err(io::Error::other("a row has more than 8 MiB")) } else { Ok(read) }
    }
}

/// Hands the rows of an array over, some at a time.
struct Rows<'a> {
    sender: &'a mpsc::Sender<Vec<Fields>>,
    used: Rc<Cell<usize>>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = u64;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = u64;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<u64, A::Error> {
        let (mut batch, mut bytes, mut count) = (Vec::new(), 0, 0);
        // Where nobody takes them any more, something else went wrong, and is told.
        let hand_over = |batch| self.sender.blocking_send(batch).map_err(|_| serde::de::Error::custom("it is not read on"));
        while let Some(row) = rows.next_element()? {
            batch.push(row);
            bytes += self.used.replace(0);
            count += 1;
            if batch.len() >= BATCH.0 || bytes >= BATCH.1 {
                hand_over(std::mem::take(&mut batch))?;
                bytes = 0;
            }
        }
        hand_over(batch)?;
        Ok(count)
    }
}
