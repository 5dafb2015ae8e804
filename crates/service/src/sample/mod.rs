//! Invented people, many at once, for benchmarks and rehearsals: sealed, indexed and versioned as the service would, and each
//! signed in. What a line says is taken as it is, and not held to the limits of sign-up and saves; all plays begin at the moment of loading.
//! For an empty database alone, so that nobody who is real is among them.

mod person;
mod write;

use std::io::{BufRead, Write};

use chrono::TimeDelta;
use sea_orm::{DbErr, EntityTrait};

use self::person::Person;
use self::write::Batch;
use crate::{Error, Service};

/// People, and bytes of their lines, that are in memory at once.
const BATCH: (usize, usize) = (200, 4 * 1024 * 1024);

/// Why a sample was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Somebody is there.
    #[error("The database has people already: a sample goes into an empty one, so that nobody real is among them.")]
    NotEmpty,
    /// A line is not a person.
    #[error("Line {line} of the sample: {fault}.")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        fault: String,
    },
    /// The sample can't be read, or the tokens can't be written.
    #[error("The sample can't be read, or its tokens can't be written:")]
    File(#[from] std::io::Error),
    /// The database did not do it.
    #[error("The database refused it:")]
    Database(#[from] DbErr),
    /// A rule did not allow it.
    #[error(transparent)]
    Service(#[from] Error),
}

/// Takes the people of `lines`, one JSON object a line, whole or not at all, and writes an access token of each, in their order, one a
/// line, that lasts for `lifetime`. Tells after each batch how many there are so far.
pub async fn load(
    service: &Service,
    lines: impl BufRead,
    mut tokens: impl Write,
    lifetime: TimeDelta,
    mut progress: impl FnMut(u64),
) -> Result<u64, SampleError> {
    let transaction = service.database.write().await?;
    if entity::user::Entity::find().one(&transaction).await?.is_some() {
        return Err(SampleError::NotEmpty);
    }
    let mut batch = Batch::begin(service, &transaction, lifetime).await?;
    let (mut people, mut bytes, mut loaded) = (Vec::new(), 0, 0);
    for (number, line) in (1..).zip(lines.lines()) {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        people.push(Person::read(&line).map_err(|fault| SampleError::Line { line: number, fault })?);
        bytes += line.len();
        if people.len() >= BATCH.0 || bytes >= BATCH.1 {
            loaded += batch.write(std::mem::take(&mut people), &mut tokens).await?;
            bytes = 0;
            progress(loaded);
        }
    }
    loaded += batch.write(people, &mut tokens).await?;
    tokens.flush()?;
    transaction.commit().await?;
    Ok(loaded)
}
