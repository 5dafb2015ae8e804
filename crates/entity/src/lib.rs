//! The tables, one file each. No rule, no GraphQL, no HTTP; the schema itself is made by the `migration` crate, which does not
//! depend on this one.
//!
//! To add a table: a step in `migration`, a file here with the same columns, a line below; then its rules in the service under
//! the same name.

pub mod account_recovery;
pub mod audit_entry;
pub mod ceremony;
pub mod data_export;
pub mod data_export_part;
pub mod encryption_key;
pub mod game;
mod json_text;
pub mod mail;
pub mod passkey_credential;
pub mod past_agreement;
pub mod rate_limit;
pub mod revoked_token;
pub mod role;
pub mod save;
mod sealed;
pub mod session;
pub mod terms_version;
pub mod unverified_detail;
pub mod user;
pub mod user_avatar_info;
pub mod user_detail;
pub mod user_passion;
pub mod user_picture;
pub mod user_terms_agreement;

pub use json_text::JsonText;
pub use sealed::Sealed;
