//! A ZIP archive that is written in one pass and leaves in parts while it is.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Datelike, Timelike, Utc};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use crate::Error;

/// Bytes of a part.
pub(super) const PART: usize = 256 * 1024;

/// What was produced and has not left yet.
#[derive(Clone, Default)]
struct Produced(Arc<Mutex<Vec<u8>>>);

impl Produced {
    /// The next whole part, or, when `all` is to leave, what there is.
    fn take(&self, all: bool) -> Option<Vec<u8>> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = if bytes.len() >= PART { PART } else { bytes.len() };
        (length == PART || (all && length > 0)).then(|| bytes.drain(..length).collect())
    }
}

impl Write for Produced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An archive that is being written.
pub(super) struct Archive {
    /// Away only while a thread works on it.
    zip: Option<ZipWriter<StreamWriter<Produced>>>,
    produced: Produced,
    date: zip::DateTime,
}

impl Archive {
    /// An empty one, whose files are of this time.
    pub(super) fn new(date: DateTime<Utc>) -> Self {
        let produced = Produced::default();
        Self { zip: Some(ZipWriter::new_stream(produced.clone())), produced, date: zip_date(date) }
    }

    /// Begins a file. `is_large`: it may have more than 4 GiB, which some readers do not take.
    pub(super) fn begin(&mut self, name: &str, is_large: bool) -> Result<(), Error> {
        let options = SimpleFileOptions::default().large_file(is_large).last_modified_time(self.date);
        self.zip()?.start_file(name, options).map_err(Error::internal)
    }

    /// Adds bytes to the file that was begun last: at most some hundred thousand, since what they come to waits in memory.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        let mut zip = self.zip.take().ok_or_else(closed)?;
        // Deflating takes the processor for some milliseconds.
        let written = tokio::task::spawn_blocking(move || zip.write_all(&bytes).map(|()| zip)).await;
        self.zip = Some(written.map_err(Error::internal)?.map_err(Error::internal)?);
        Ok(())
    }

    /// The next whole part, if there is one.
    pub(super) fn part(&self) -> Option<Vec<u8>> {
        self.produced.take(false)
    }

    /// Ends the archive; the rest of it leaves by [`Self::rest`].
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.zip.take().ok_or_else(closed)?.finish().map_err(Error::internal)?;
        Ok(())
    }

    /// The next part of what is left.
    pub(super) fn rest(&self) -> Option<Vec<u8>> {
        self.produced.take(true)
    }

    fn zip(&mut self) -> Result<&mut ZipWriter<StreamWriter<Produced>>, Error> {
        self.zip.as_mut().ok_or_else(closed)
    }
}

/// As a ZIP archive tells time: no zone, from 1980 to 2107.
fn zip_date(date: DateTime<Utc>) -> zip::DateTime {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(date.year()).unwrap_or_default();
    let (month, day) = (small(date.month()), small(date.day()));
    zip::DateTime::from_date_and_time(year, month, day, small(date.hour()), small(date.minute()), small(date.second()))
        .unwrap_or_default()
}

fn closed() -> Error {
    Error::internal("an archive broke off")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::{Archive, PART};

    #[tokio::test]
    async fn parts_come_to_an_archive() {
        let mut archive = Archive::new(chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("a time"));
        // Bytes that deflating makes no smaller.
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(3 * PART)
        .collect();
        archive.begin("a.txt", false).expect("begun");
        archive.write("été".into()).await.expect("written");
        archive.begin("b/noise", true).expect("begun");
        archive.write(noise.clone()).await.expect("written");
        let mut parts = Vec::new();
        while let Some(part) = archive.part() {
            parts.push(part);
        }
        assert!(parts.len() >= 2 && parts.iter().all(|part| part.len() == PART));
        archive.finish().expect("finished");
        while let Some(part) = archive.rest() {
            parts.push(part);
        }
        let mut zip = zip::ZipArchive::new(Cursor::new(parts.concat())).expect("an archive");
        let mut read = |name: &str| {
            let mut bytes = Vec::new();
            zip.by_name(name).expect("a file").read_to_end(&mut bytes).expect("read");
            bytes
        };
        assert_eq!((read("a.txt"), read("b/noise") == noise), ("été".into(), true));
    }
}
