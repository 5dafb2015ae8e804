//! Secrets that nobody set: made on first start, in a file that only its owner reads.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use service::diagnosis::sqlite_file;
use service::random::{Random, bytes};
use service::sealed::RingKey;
use service::token::TokenKey;

const FILE: &str = "secrets.toml";
const LENGTH: usize = 32;

/// What the service can't do without.
pub struct Secrets {
    /// Keys of the tokens, newest first.
    pub token_keys: Vec<TokenKey>,
    /// Keys of the encrypted fields, newest first.
    pub encryption_keys: Vec<RingKey>,
    /// Key of the index of addresses.
    pub email_index_key: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct File {
    token_keys: Vec<String>,
    // Files from before fields were encrypted have none.
    #[serde(default)]
    encryption_keys: Vec<String>,
    email_index_key: String,
}

/// Keys of one use, each with a name, the newest first.
#[derive(Clone, Copy)]
pub enum Ring {
    /// They sign tokens.
    Token,
    /// They encrypt fields.
    Encryption,
}

impl Ring {
    fn keys(self, file: &mut File) -> &mut Vec<String> {
        match self {
            Self::Token => &mut file.token_keys,
            Self::Encryption => &mut file.encryption_keys,
        }
    }
}

/// Reads the secrets of `data_dir`, or makes them.
pub fn of(data_dir: &Path, random: &dyn Random) -> Result<Secrets, String> {
    if let Some(secrets) = read(data_dir)? {
        if secrets.encryption_keys.is_empty() {
            change(data_dir, random, |file| {
                // Another process may have been first.
                if file.encryption_keys.is_empty() {
                    file.encryption_keys.push(format!("first:{}", new_secret(random)?));
                }
                Ok(())
            })?;
            return of(data_dir, random);
        }
        return Ok(secrets);
    }
    let path = data_dir.join(FILE);
    secrets(&path, &make(data_dir, &path, random)?)
}

/// Secrets that are kept nowhere.
pub fn throwaway(random: &dyn Random) -> Result<Secrets, String> {
    let text = toml::to_string(&new(random)?).map_err(|error| error.to_string())?;
    secrets(Path::new(FILE), &text)
}

/// Reads the secrets of `data_dir`, if they are there; files from before fields were encrypted have no key for that. Makes and changes nothing.
pub fn read(data_dir: &Path) -> Result<Option<Secrets>, String> {
    let path = data_dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => secrets(&path, &text).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} can't be read: {error}", path.display())),
    }
}

fn secrets(path: &Path, text: &str) -> Result<Secrets, String> {
    let broken = |what: &str| format!("{} {what}", path.display());
    let parsed = toml::from_str(text).map_err(|_| broken("is not the TOML that this service wrote: put a backup in its place."));
    let file: File = parsed?;
    let token_keys: Option<Vec<_>> = file.token_keys.iter().map(|key| token_key(key)).collect();
    let encryption_keys: Option<Vec<_>> = file.encryption_keys.iter().map(|key| encryption_key(key)).collect();
    match (token_keys.filter(|keys| !keys.is_empty()), encryption_keys, secret(&file.email_index_key)) {
        (Some(token_keys), Some(encryption_keys), Some(email_index_key)) => {
            Ok(Secrets { token_keys, encryption_keys, email_index_key })
        }
        _ => Err(broken("holds a key that is not 32 bytes or more in base64url: put a backup in its place.")),
    }
}

/// The mode of the file of `data_dir`, if there is one; an error where it does not hold what it should. Makes and changes nothing.
pub fn look(data_dir: &Path) -> Result<Option<u32>, String> {
    let path = data_dir.join(FILE);
    if read(data_dir)?.is_none() {
        return Ok(None);
    }
    let metadata = std::fs::metadata(&path).map_err(|error| format!("{} can't be looked at: {error}", path.display()))?;
    Ok(Some(metadata.permissions().mode() & 0o777))
}

fn new(random: &dyn Random) -> Result<File, String> {
    Ok(File {
        token_keys: vec![format!("first:{}", new_secret(random)?)],
        encryption_keys: vec![format!("first:{}", new_secret(random)?)],
        email_index_key: new_secret(random)?,
    })
}

fn make(data_dir: &Path, path: &Path, random: &dyn Random) -> Result<String, String> {
    let text = toml::to_string(&new(random)?).map_err(|error| error.to_string())?;
    let failed = |error: std::io::Error| format!("{} can't be made: {error}", path.display());
    make_folder(data_dir).map_err(failed)?;
    // Another instance finds all of it, or nothing.
    let draft = draft(path, &text, random)?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(failed)?;
    match linked {
        Ok(()) => {}
        // Another instance was first: its secrets are the ones to use.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return std::fs::read_to_string(path).map_err(failed),
        Err(error) => return Err(failed(error)),
    }
    tracing::info!(file = %path.display(), "made the secrets: keep a backup of this file");
    Ok(text)
}

/// Adds a key to a ring of `data_dir`, as the newest.
pub fn add_key(data_dir: &Path, random: &dyn Random, ring: Ring, id: &str) -> Result<(), String> {
    change_ring(data_dir, random, ring, |keys, new| {
        keys.insert(0, format!("{id}:{new}"));
        Ok(())
    })
}

/// Takes the oldest key out of a ring of `data_dir`, and gives its name.
pub fn retire_key(data_dir: &Path, random: &dyn Random, ring: Ring) -> Result<String, String> {
    change_ring(data_dir, random, ring, |keys, _| match keys.as_slice() {
        [] | [_] => Err("There is one key alone: add another first.".to_owned()),
        [.., _] => Ok(keys.pop().unwrap_or_default().split(':').next().unwrap_or_default().to_owned()),
    })
}

fn change_ring<T>(
    data_dir: &Path,
    random: &dyn Random,
    ring: Ring,
    change: impl FnOnce(&mut Vec<String>, String) -> Result<T, String>,
) -> Result<T, String> {
    if read(data_dir)?.is_none() {
        // Made here it might stand in the place of one that is lost.
        return Err(format!("There is no {FILE} in {}: the first start makes it.", data_dir.display()));
    }
    of(data_dir, random)?;
    let new = new_secret(random)?;
    self::change(data_dir, random, |file| change(ring.keys(file), new))
}

/// Changes the file: one process after the other, and in one step, so that who reads it has the old one or the new one.
fn change<T>(data_dir: &Path, random: &dyn Random, change: impl FnOnce(&mut File) -> Result<T, String>) -> Result<T, String> {
    let path = data_dir.join(FILE);
    let failed = |error: &dyn std::fmt::Display| format!("{} can't be changed: {error}", path.display());
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path.with_extension("lock"));
    let lock = opened.map_err(|error| failed(&error))?;
    // Held until it is dropped.
    lock.lock().map_err(|error| failed(&error))?;
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
    let mut file: File = toml::from_str(&text).map_err(|_| failed(&"it is not the TOML that this service wrote"))?;
    let changed = change(&mut file)?;
    let draft = draft(&path, &toml::to_string(&file).map_err(|error| failed(&error))?, random)?;
    std::fs::rename(draft, &path).map_err(|error| failed(&error))?;
    Ok(changed)
}

fn new_secret(random: &dyn Random) -> Result<String, String> {
    bytes::<LENGTH>(random).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|error| error.to_string())
}

/// Writes the text whole under another name, for its owner alone.
fn draft(path: &Path, text: &str, random: &dyn Random) -> Result<PathBuf, String> {
    let draft = path.with_extension(format!("toml.{}", new_secret(random)?));
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map(|()| draft).map_err(|error| format!("{} can't be made: {error}", path.display()))
}

/// Makes the folder, for its owner alone: it holds secrets, and what people wrote.
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the file of an SQLite database, for its owner alone; SQLite makes the files beside it alike.
pub fn make_database_file(database_url: &str) -> Result<(), String> {
    let Some(path) = sqlite_file(database_url) else { return Ok(()) };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(format!("DATABASE_URL: {} can't be made: {error}", path.display())),
    }
}

/// `name:secret`.
pub fn token_key(text: &str) -> Option<TokenKey> {
    let (id, text) = text.split_once(':').filter(|(id, _)| !id.is_empty())?;
    Some(TokenKey { id: id.to_owned(), secret: secret(text)? })
}

/// `name:secret`.
pub fn encryption_key(text: &str) -> Option<RingKey> {
    token_key(text).map(|TokenKey { id, secret }| RingKey { id, secret })
}

/// 32 bytes or more in base64url.
pub fn secret(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().filter(|bytes| bytes.len() >= LENGTH)
}
