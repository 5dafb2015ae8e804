//! What happened to an account.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object};
use chrono::{DateTime, Utc};
use service::audit_log::Kind;
use service::entity::audit_entry::Model;
use service::viewer::Owner;

use super::id;
use super::in_turn::Item;

/// What happened to an account.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "service::audit_log::Kind")]
pub enum AuditKind {
    /// The account was made. `detail`: `password`, `passkey`, or `operator`.
    SignedUp,
    /// They signed in. `detail`: `password`, `passkey`, or `recovery` (by the link of a mail).
    SignedIn,
    /// A passkey was added. `detail`: `recovery` where it was by the link of a mail.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A password was set or changed. `detail`: `recovery` where it was by the link of a mail.
    PasswordChanged,
    /// Another address was named; it counts once it is verified.
    EmailChangeBegun,
    /// An address was shown to be theirs: they sign in with it.
    EmailVerified,
    /// They were given another role. `detail`: its name.
    RoleChanged,
    /// An administrator keeps them out.
    KeptOut,
    /// An administrator let them in again.
    LetIn,
    /// They accepted the terms. `detail`: the version.
    TermsAccepted,
    /// They asked for a copy of their data.
    ExportRequested,
    /// A copy of their data was fetched by whoever had its link: the first time of a day from a network.
    ExportDownloaded,
    /// An administrator looked at their data: the first time of a day (UTC).
    DataRead,
    /// Something that a newer release of the service wrote down.
    Other,
}

/// That something happened to an account.
pub struct AuditEntry {
    row: Arc<Model>,
    owner: Owner,
}

impl AuditEntry {
    /// An entry of this person's.
    pub fn new(row: Arc<Model>, owner: Owner) -> Self {
        Self { row, owner }
    }
}

impl Item for AuditEntry {}

/// That something happened to an account. Never changed.
#[Object]
impl AuditEntry {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("AuditEntry", self.row.id)
    }

    /// What happened.
    async fn kind(&self) -> AuditKind {
        Kind::of(&self.row).into()
    }

    /// When.
    async fn date(&self) -> DateTime<Utc> {
        self.row.date_created
    }

    /// The network that the request came from: the address cut to an IPv4 /24 or an IPv6 /48, `192.0.2.0/24`. Null where it was not the
    /// person themselves, or who had the link of their export.
    async fn address(&self) -> Option<&str> {
        self.row.address.as_deref()
    }

    /// What more the kind says, such as the way of signing in; null where it says nothing.
    async fn detail(&self) -> Option<&str> {
        self.row.detail.as_deref()
    }

    /// Whether an administrator did it.
    async fn by_admin(&self) -> bool {
        self.row.actor.is_some()
    }

    /// The global id of the administrator who did it, for administrators who look at somebody else; null otherwise. The account may be gone.
    async fn admin(&self) -> Option<ID> {
        let is_other = self.owner.oneself().is_err();
        self.row.actor.filter(|_| is_other).map(|actor| id::global("User", actor))
    }
}
