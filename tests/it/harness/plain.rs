//! What must not stand in a database in the clear: filled in as it is sent, looked for when a database is dropped.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Arguments, fields and keys of JSON that hold something personal.
const PERSONAL: &[&str] = &["firstName", "lastName", "phoneNumber", "address", "email", "commentary", "userFeedback"];

/// How many bytes of a value are looked for.
const LONG: usize = 48;

/// What was sent.
#[derive(Clone, Default)]
pub struct Personal(Arc<Mutex<Sent>>);

#[derive(Default)]
struct Sent {
    personal: HashSet<String>,
    /// What was sent as something else, too, such as a username.
    open: HashSet<String>,
}

impl Personal {
    /// Notes what these variables of a query hold.
    pub fn note_all(&self, value: &Value) {
        let mut sent = self.0.lock().unwrap();
        note(&mut sent, "", value);
    }

    /// Notes what is written out in a query.
    pub fn note_query(&self, query: &str) {
        let mut sent = self.0.lock().unwrap();
        let mut rest = query;
        while let Some((before, value)) = rest.split_once(": \"") {
            let name = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap();
            let text = value.split('"').next().unwrap();
            note(&mut sent, name, &text.into());
            rest = value;
        }
    }

    /// Notes one value.
    pub fn note(&self, value: &str) {
        self.0.lock().unwrap().personal.insert(value.to_owned());
    }

    /// Takes one back.
    pub fn forget(&self, value: &str) {
        self.0.lock().unwrap().personal.remove(value);
    }

    /// The first that these bytes hold in some form.
    pub fn told_by(&self, bytes: &[u8]) -> Option<String> {
        let sent = self.0.lock().unwrap();
        // Shorter ones stand anywhere by chance; of long ones the beginning is enough to be found by.
        let values: Vec<_> = sent.personal.difference(&sent.open).filter(|value| value.len() >= 8).collect();
        let beginnings: HashSet<_> = values.into_iter().map(|value| &value[..value.floor_char_boundary(LONG)]).collect();
        let (owners, patterns): (Vec<_>, Vec<_>) =
            beginnings.iter().flat_map(|value| forms(value.as_bytes()).into_iter().map(move |form| (*value, form))).unzip();
        let found = AhoCorasick::new(patterns).unwrap().find(bytes)?;
        Some(owners[found.pattern().as_usize()].to_owned())
    }
}

fn note(sent: &mut Sent, name: &str, value: &Value) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| note(sent, name, value)),
        Value::Array(items) => items.iter().for_each(|item| note(sent, name, item)),
        Value::String(text) => {
            let values = if PERSONAL.contains(&name) { &mut sent.personal } else { &mut sent.open };
            values.insert(text.clone());
        }
        _ => {}
    }
}

/// A value as somebody may find it: UTF-8, UTF-16, hexadecimal, and base64 at each of its three places.
pub fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    if let Ok(text) = std::str::from_utf8(value) {
        forms.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        forms.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let hex = hex(value);
    forms.push(hex.to_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    for place in 0..3 {
        // The characters at either end hold bits of what stands beside it.
        let shifted = [&vec![0; place][..], value].concat();
        let whole = shifted.len() / 3 * 4;
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            forms.push(encoded.into_bytes()[[0, 2, 3][place]..whole].to_vec());
        }
    }
    forms
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Every byte of an SQLite database, what is deleted and what waits in its log included.
pub fn sqlite_bytes(file: &Path) -> Vec<u8> {
    let log = file.with_extension("db-wal");
    [file, &log].into_iter().filter_map(|file| std::fs::read(file).ok()).flatten().collect()
}

/// A PostgreSQL database as `pg_dump` writes it.
pub fn postgres_dump(url: &str) -> Vec<u8> {
    let output = std::process::Command::new(postgres_tool("pg_dump")).arg(url).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A program that comes with PostgreSQL, of the newest that is installed.
pub fn postgres_tool(name: &str) -> String {
    let mut found: Vec<_> = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().collect();
    found.sort_by_key(std::fs::DirEntry::file_name);
    let newest = found.pop().map(|version| version.path().join("bin").join(name));
    newest.filter(|path| path.exists()).map_or(name.to_owned(), |path| path.display().to_string())
}

#[test]
fn finds_a_value_in_each_form() {
    let personal = Personal::default();
    personal.note("Zoé Ünver-7");
    for place in 0..4 {
        let around = [&b"abcd"[..place], "Zoé Ünver-7".as_bytes(), b"!?"].concat();
        let utf16: Vec<_> = String::from_utf8(around.clone()).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hex = hex(&around).to_uppercase();
        for bytes in [
            around.clone(),
            utf16,
            hex.into_bytes(),
            STANDARD_NO_PAD.encode(&around).into(),
            URL_SAFE_NO_PAD.encode(&around).into(),
        ] {
            assert_eq!(
                personal.told_by(&bytes).as_deref(),
                Some("Zoé Ünver-7"),
                "{place}: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
    assert_eq!(personal.told_by(b"Zo\xc3\xa9 Unver-7"), None);
}
