//! The service, put together from its parts as the settings say, and the database that it works on.

use std::sync::Arc;
use std::time::Duration;

use service::Service;
use service::audit_log::AuditLog;
use service::clock::SystemClock;
use service::database::{Database, Observer};
use service::game::{Remembered, Schemas};
use service::keyed_hash::KeyedHash;
use service::mail::{Mailer, MailerError};
use service::metrics::Metrics;
use service::passkey::RelyingParty;
use service::password::Passwords;
use service::random::SystemRandom;
use service::replica::Replica;
use service::sealed::{self, KeyRing};
use service::together::Together;
use service::token;
use service::user_picture::Pictures;
use url::Url;

use crate::command::{Result, text};
use crate::secrets::{self, Secrets};
use crate::settings::Settings;
use crate::traces::Traces;

/// What an instance serves with: its statements are timed, and are part of traces.
pub async fn serving(settings: &Settings, public_url: &Url, traces: Option<Traces>) -> Result<Service> {
    let metrics = Metrics::default();
    let counts = metrics.clone();
    let observer: Observer = Arc::new(move |info| {
        counts.statement(&info.statement.sql, info.elapsed, info.failed);
        if let Some(traces) = &traces {
            traces.statement(&info.statement.sql, info.elapsed, info.failed);
        }
    });
    // PostgreSQL ends a statement once nobody waits for it any more.
    let statement = settings.limits.time + Duration::from_secs(1);
    let (url, connections) = (&settings.database_url, settings.database_connections);
    let database = Database::connect_to_serve(url, connections, statement, observer.clone()).await;
    let database = database.map_err(|error| does_not_answer(settings, &error))?;
    let replica = replica(settings, Some(observer)).await?;
    let keys = keys(settings, &database, || secrets::of(&settings.data_dir, &SystemRandom)).await?;
    assemble(settings, public_url, metrics, database, replica, &keys)
}

async fn replica(settings: &Settings, observer: Option<Observer>) -> Result<Option<Replica>> {
    let Some(url) = &settings.database_replica_url else { return Ok(None) };
    Replica::new(url, settings.database_connections, observer).await.map(Some).map_err(text)
}

fn assemble(
    settings: &Settings,
    public_url: &Url,
    metrics: Metrics,
    database: Database,
    replica: Option<Replica>,
    keys: &Secrets,
) -> Result<Service> {
    let random = SystemRandom;
    let relying_party_id = settings.relying_party_id.as_deref().or(public_url.host_str()).unwrap_or_default();
    Ok(Service {
        replica,
        clock: Arc::new(SystemClock { offset: settings.clock_offset }),
        tokens: token::TokenKeys::new(&keys.token_keys).ok_or("TOKEN_KEYS holds no key")?,
        keys: KeyRing::new(&keys.encryption_keys).ok_or("ENCRYPTION_KEYS holds no key, or two of one name")?,
        remembered: Remembered::default(),
        together: Together::new(&database, settings.database_connections),
        database,
        schemas: Schemas::compile().map_err(text)?,
        passwords: Passwords::new(settings.hashing, &random, &metrics).map_err(text)?,
        passkeys: RelyingParty::new(relying_party_id, public_url, &settings.allowed_origins).map_err(|_| {
            format!("RELYING_PARTY_ID {relying_party_id} is neither the host of PUBLIC_URL nor a domain above it")
        })?,
        keyed_hash: KeyedHash::new(&keys.email_index_key).map_err(text)?,
        mailer: mailer(settings, public_url)?,
        audit_log: AuditLog::new(settings.audit_log),
        pictures: Pictures::new(public_url, &metrics),
        metrics,
        public_url: public_url.clone(),
        random: Arc::new(random),
    })
}

/// What a command works with that runs beside the service, or without it.
pub async fn beside(settings: &Settings) -> Result<Service> {
    let origin = Url::parse("http://localhost").map_err(text)?;
    let database = connect(settings, settings.database_connections).await?;
    let replica = replica(settings, None).await?;
    let keys = keys(settings, &database, || secrets::of(&settings.data_dir, &SystemRandom)).await?;
    assemble(settings, settings.public_url.as_ref().unwrap_or(&origin), Metrics::default(), database, replica, &keys)
}

/// The same for a command that writes what is encrypted.
pub async fn to_write(settings: &Settings) -> Result<Service> {
    let service = beside(settings).await?;
    sealed::check_to_write(&service).await.map_err(text)?;
    Ok(service)
}

/// What `doctor` looks with: nothing is made or changed, neither files nor the database.
pub async fn to_look(settings: &Settings) -> Result<Service> {
    let origin = Url::parse("http://localhost").map_err(text)?;
    let database = Database::connect_to_look(&settings.database_url).await;
    let database = database.map_err(|error| does_not_answer(settings, &error))?;
    let keys = keys(settings, &database, || secrets::throwaway(&SystemRandom)).await?;
    assemble(settings, settings.public_url.as_ref().unwrap_or(&origin), Metrics::default(), database, None, &keys)
}

/// The keys that are set, and for what is not those that are kept in `DATA_DIR`, which are made where none have been used yet.
async fn keys(settings: &Settings, database: &Database, make: impl FnOnce() -> Result<Secrets>) -> Result<Secrets> {
    let set = Secrets {
        token_keys: settings.token_keys.clone(),
        encryption_keys: settings.encryption_keys.clone(),
        email_index_key: settings.email_index_key.clone(),
    };
    let encrypts = !set.encryption_keys.is_empty();
    if encrypts && !set.token_keys.is_empty() && !set.email_index_key.is_empty() {
        return Ok(set);
    }
    // Files from before fields were encrypted have no key for that.
    let read = || secrets::read(&settings.data_dir).map(|kept| kept.filter(|kept| encrypts || !kept.encryption_keys.is_empty()));
    let kept = match read()? {
        Some(kept) => kept,
        // An instance that starts at the same time makes the file before it uses what is in it, so that it is there by now.
        None if have_been_used(settings, database).await? => read()?.ok_or_else(|| are_lost(settings))?,
        None => make()?,
    };
    Ok(Secrets {
        token_keys: if set.token_keys.is_empty() { kept.token_keys } else { set.token_keys },
        encryption_keys: if encrypts { set.encryption_keys } else { kept.encryption_keys },
        email_index_key: if set.email_index_key.is_empty() { kept.email_index_key } else { set.email_index_key },
    })
}

/// Whether keys that are not set have been used: new ones would stand where the right ones belong. Without the keys of tokens everybody signs in
/// again, and no more.
async fn have_been_used(settings: &Settings, database: &Database) -> Result<bool> {
    let would_be_lost = settings.encryption_keys.is_empty() || settings.email_index_key.is_empty();
    Ok(would_be_lost && sealed::has_known_keys(database).await.map_err(text)?)
}

fn are_lost(settings: &Settings) -> String {
    format!(
        "The database {} has been used with keys that are neither set (ENCRYPTION_KEYS, EMAIL_INDEX_KEY) nor in {}/secrets.toml: put it back from a \
         backup. None were made in their place.",
        settings.database_name(),
        settings.data_dir.display()
    )
}

/// Where mail goes, and from whom it is: by default `no-reply` at the host of the service.
pub fn mailer(settings: &Settings, public_url: &Url) -> Result<Mailer> {
    let host = public_url.host_str().unwrap_or("localhost");
    let from = settings.mail_from.clone().unwrap_or_else(|| format!("Autrement Capable <no-reply@{host}>"));
    let app_url = settings.app_url.as_ref().unwrap_or(public_url).clone();
    Mailer::new(settings.smtp_url.as_deref(), &from, app_url).map_err(|error| match error {
        MailerError::Server => "SMTP_URL is not smtp://user:password@host:port or smtps://…".to_owned(),
        MailerError::Sender => "MAIL_FROM is not an address, Name <name@example.org>".to_owned(),
    })
}

/// Opens the database; makes the file where it is SQLite's and not there.
pub async fn connect(settings: &Settings, connections: u32) -> Result<Database> {
    if settings.is_sqlite() {
        secrets::make_folder(&settings.data_dir).map_err(|error| format!("DATA_DIR {}: {error}", settings.data_dir.display()))?;
        secrets::make_database_file(&settings.database_url)?;
    }
    Database::connect(&settings.database_url, connections).await.map_err(|error| does_not_answer(settings, &error))
}

fn does_not_answer(settings: &Settings, error: &impl std::fmt::Display) -> String {
    format!("The database {} does not answer: {error}", settings.database_name())
}
