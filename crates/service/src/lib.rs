//! The rules: who may do what, what is valid, what happens together. No GraphQL, no HTTP.
//!
//! Every verb on a person's data takes a value that proves who asks ([`viewer::Viewer`], [`viewer::Admin`], [`viewer::Owner`]).
//! Time and randomness are parts of [`Service`], so that expiry is tested without waiting.
//!
//! To add a noun: its entity, a file here under the same name whose verbs take such a value, a line below, then its file in the
//! api's `graphql/`.

pub mod account_recovery;
pub mod audit_log;
pub mod backup;
mod brake;
pub mod caller;
pub mod clock;
pub mod copy;
pub mod data_export;
pub mod database;
pub mod diagnosis;
pub mod erasure;
pub mod error;
pub mod expired;
pub mod foreseen;
pub mod game;
pub mod keyed_hash;
pub mod line;
mod lookup;
pub mod mail;
pub mod metrics;
pub mod micro;
pub mod page;
pub mod passkey;
pub mod password;
pub mod random;
pub mod replica;
pub mod role;
pub mod sample;
pub mod sealed;
pub mod session;
pub mod statistics;
pub mod terms_version;
pub mod text;
pub mod together;
pub mod token;
pub mod unverified_detail;
pub mod user;
pub mod user_avatar_info;
pub mod user_detail;
pub mod user_page;
pub mod user_passion;
pub mod user_picture;
pub mod user_terms_agreement;
pub mod viewer;
mod workers;

use std::sync::Arc;

pub use entity;
pub use error::{Error, Missing, Problem};
pub use message::language;
pub use uuid::Uuid;

/// What every verb works with: the database, the time, randomness and the keys.
pub struct Service {
    /// Where everything is kept.
    pub database: database::Database,
    /// What bears long reads, if there is one.
    pub replica: Option<replica::Replica>,
    /// What time it is.
    pub clock: Arc<dyn clock::Clock>,
    /// Where ids, salts and tokens come from.
    pub random: Arc<dyn random::Random>,
    /// Signs and checks access and refresh tokens.
    pub tokens: token::TokenKeys,
    /// Encrypts personal fields, and decrypts them.
    pub keys: sealed::KeyRing,
    /// Hashes passwords, a bounded number at once.
    pub passwords: password::Passwords,
    /// Makes pictures of what is sent, a bounded number at once, and the links to them.
    pub pictures: user_picture::Pictures,
    /// The relying party of WebAuthn.
    pub passkeys: passkey::RelyingParty,
    /// Turns addresses into what they are found by, mails into the tokens of their links, and signs the links to pictures.
    pub keyed_hash: keyed_hash::KeyedHash,
    /// Where statements wait that requests share.
    pub together: together::Together,
    /// Plays that were written here of late.
    pub remembered: game::Remembered,
    /// What the JSON of the games is checked against.
    pub schemas: game::Schemas,
    /// Counts what is done, for Prometheus.
    pub metrics: metrics::Metrics,
    /// Sends mail.
    pub mailer: mail::Mailer,
    /// How long it is kept what happened to an account.
    pub audit_log: audit_log::AuditLog,
    /// The origin that browsers see.
    pub public_url: url::Url,
}
