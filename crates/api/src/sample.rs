//! `sample load`: the files beside what the service does with invented people.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::TimeDelta;
use service::Service;
use service::sample;

use crate::print::say;

/// Takes the people of `file` into the database, and puts their tokens into `tokens` once they are there.
pub async fn load(service: &Service, file: &Path, tokens: &Path, token_hours: u32) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let people = File::open(file).map_err(|error| failed(file, error))?;
    // Under another name until the people are there: a load that is refused leaves the tokens of those who are.
    let draft = tokens.with_added_extension("new");
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let written = opened.map_err(|error| failed(&draft, error))?;
    let lifetime = TimeDelta::hours(token_hours.into());
    let told = |so_far| {
        if so_far % 2000 == 0 {
            say!("{so_far} people so far");
        }
    };
    let loaded = sample::load(service, BufReader::new(people), BufWriter::new(written), lifetime, told).await;
    let loaded = loaded.map_err(|error| {
        let _ = std::fs::remove_file(&draft);
        let source = std::error::Error::source(&error).map(|source| format!(" {source}")).unwrap_or_default();
        format!("{error}{source}")
    })?;
    std::fs::rename(&draft, tokens).map_err(|error| failed(tokens, error))?;
    say!("Loaded {loaded} people; their access tokens, good for {token_hours} hours, are in {}.", tokens.display());
    Ok(())
}
