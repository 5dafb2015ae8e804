//! Erasing an account.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use service::Missing;
use service::erasure::{Kind, Receipt};

use super::error::Result;
use super::id;
use super::request::Request;
use super::session::signed_out;

/// A kind of what is erased with an account.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum ErasedKind {
    /// Who they are: names, age, phone number, addresses.
    Details,
    /// Plays of the seven games.
    Plays,
    /// The ids of saves.
    SaveIds,
    /// How they chose to appear.
    Avatars,
    /// What they love.
    Passions,
    /// Their pictures.
    Pictures,
    /// That they accepted the terms.
    TermsAgreements,
    /// Their passkeys.
    Passkeys,
    /// Where they were signed in.
    Sessions,
    /// What was under way with a passkey.
    Ceremonies,
    /// Ways back in that were asked for.
    Recoveries,
    /// Mails that waited to be sent.
    Mails,
    /// What happened to the account (`auditLog`).
    AuditEntries,
    /// Copies of everything that they asked for (`dataExport`).
    DataExports,
}

/// How much of a kind was erased.
#[derive(SimpleObject)]
pub struct Erased {
    /// What.
    kind: ErasedKind,
    /// How many rows, 1 or more.
    count: i64,
}

/// What was erased with an account.
pub struct ErasureReceipt(Receipt);

/// What was erased with an account. What stays is that somebody accepted which version of the terms on which day.
#[Object]
impl ErasureReceipt {
    /// When.
    async fn date_erased(&self) -> DateTime<Utc> {
        self.0.date_erased
    }

    /// How much of each kind there was.
    async fn erased(&self) -> Vec<Erased> {
        self.0.erased.iter().map(|(kind, count)| Erased { kind: (*kind).into(), count: *count }).collect()
    }

    /// Whether this receipt is mailed, too: to the address that they had verified, if they had one.
    async fn is_mailed(&self) -> bool {
        self.0.is_mailed
    }
}

/// Erasing accounts.
#[derive(Default)]
pub struct ErasureMutation;

#[Object]
impl ErasureMutation {
    /// Deletes the viewer's account and everything that is theirs, at once and for good: every session ends, and nothing can be brought
    /// back. To keep a copy, ask for an export first (`requestDataExport`) and wait until it is downloaded:
    /// the file and its link go with the account. `INVALID_INPUT` at `/confirm` where what was typed is something else.
    async fn delete_account(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Their username or an address of theirs, typed again; \"delete\" or \"supprimer\" where they have neither."
        )]
        confirm: String,
    ) -> Result<ErasureReceipt> {
        let request = Request::that_writes(context);
        let receipt = service::erasure::erase_own(&request.service, request.viewer().await?, &confirm, request.caller()).await?;
        signed_out(context);
        Ok(ErasureReceipt(receipt))
    }

    /// Deletes a person's account and everything that is theirs, at once and for good. For administrators, not on themselves: `FORBIDDEN`;
    /// `NOT_FOUND` where there is no such person. It is in the service's log; there is no audit log left that it could be in.
    async fn delete_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of the person.")] user_id: ID,
    ) -> Result<ErasureReceipt> {
        let request = Request::that_writes(context);
        let admin = request.viewer().await?.admin()?;
        let id = id::row(&user_id, "User", Missing::Person)?;
        Ok(ErasureReceipt(service::erasure::erase_by_admin(&request.service, &admin, id).await?))
    }
}
