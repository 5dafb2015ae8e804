//! Erasing an account: one transaction takes the person and all that is theirs. What stays is that somebody accepted which terms on
//! which day.
//!
//! Every table of a person's refers to `users` and goes with it; a table that does so is counted here, in [`tables`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::{
    account_recovery, audit_entry, ceremony, data_export, mail as mail_row, passkey_credential, past_agreement, save, session,
    unverified_detail, user, user_avatar_info, user_detail as detail, user_passion, user_picture, user_terms_agreement,
};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityName, EntityTrait, FromQueryResult, ModelTrait, QueryFilter, Statement};

use crate::caller::Caller;
use crate::game;
use crate::language::Language;
use crate::viewer::{Admin, Viewer};
use crate::{Error, Service, mail, user as people, user_detail};

/// A kind of what is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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
    /// What happened to the account.
    AuditEntries,
    /// Copies of everything that they asked for.
    DataExports,
}

/// Each kind as the content of a mail says it.
pub(crate) const KINDS: [(Kind, &str); 14] = [
    (Kind::Details, "details"),
    (Kind::Plays, "plays"),
    (Kind::SaveIds, "save_ids"),
    (Kind::Avatars, "avatars"),
    (Kind::Passions, "passions"),
    (Kind::Pictures, "pictures"),
    (Kind::TermsAgreements, "terms_agreements"),
    (Kind::Passkeys, "passkeys"),
    (Kind::Sessions, "sessions"),
    (Kind::Ceremonies, "ceremonies"),
    (Kind::Recoveries, "recoveries"),
    (Kind::Mails, "mails"),
    (Kind::AuditEntries, "audit_entries"),
    (Kind::DataExports, "data_exports"),
];

/// Where the rows of each kind are: what stands behind FROM, up to the person's number.
fn tables() -> Vec<(Kind, String)> {
    fn by_user(table: &str) -> String {
        format!("{table} WHERE user_id =")
    }
    fn named(kind: Kind, table: impl EntityName) -> (Kind, String) {
        (kind, by_user(table.table_name()))
    }
    let mut tables = vec![
        named(Kind::Details, detail::Entity),
        named(Kind::SaveIds, save::Entity),
        named(Kind::Avatars, user_avatar_info::Entity),
        named(Kind::Passions, user_passion::Entity),
        named(Kind::Pictures, user_picture::Entity),
        named(Kind::TermsAgreements, user_terms_agreement::Entity),
        named(Kind::Passkeys, passkey_credential::Entity),
        named(Kind::Sessions, session::Entity),
        named(Kind::Ceremonies, ceremony::Entity),
        named(Kind::Recoveries, account_recovery::Entity),
        named(Kind::Mails, mail_row::Entity),
        named(Kind::AuditEntries, audit_entry::Entity),
        named(Kind::DataExports, data_export::Entity),
    ];
    let (claims, details) = (unverified_detail::Entity.table_name().to_owned(), detail::Entity.table_name());
    // An address that waits to be verified is part of who they are.
    tables.push((Kind::Details, format!("{claims} AS c JOIN {details} AS d ON d.id = c.user_detail_id WHERE d.user_id =")));
    tables.extend(game::tables().into_values().map(|table| (Kind::Plays, by_user(&table))));
    tables
}

/// What was erased.
#[derive(Debug)]
pub struct Receipt {
    /// When, UTC.
    pub date_erased: DateTime<Utc>,
    /// How many rows of each kind there were, one at least.
    pub erased: BTreeMap<Kind, i64>,
    /// Whether it is mailed, too: to the address that they had verified.
    pub is_mailed: bool,
}

/// What who has neither a username nor an address types.
const WORDS: [&str; 2] = ["supprimer", "delete"];

/// Erases the viewer's own account. They type their username or an address of theirs to confirm it.
pub async fn erase_own(service: &Service, viewer: &Viewer, confirm: &str, caller: &Caller) -> Result<Receipt, Error> {
    let transaction = service.database.write().await?;
    let user = people::lock_viewer(&transaction, viewer).await?;
    let language = mail::language_of(&user, caller.language());
    // PostgreSQL takes no NUL, and nobody has one in their name.
    let typed = if confirm.contains('\0') { "" } else { confirm.trim() };
    let (has_email, is_email) = user_detail::is_email_of(service, &transaction, user.id, typed).await?;
    let is_word = user.username.is_none() && !has_email && WORDS.contains(&typed.to_lowercase().as_str());
    if !is_email && !is_word && user.username.as_deref() != Some(typed) {
        let message = match (user.username.is_some(), has_email) {
            (false, false) => message!("is not \"delete\": type that word to delete your account."),
            (true, false) => message!("is not your username: type it to delete your account."),
            (false, true) => message!("is not your address: type it to delete your account."),
            (true, true) => message!("is neither your username nor your address: type one of them to delete your account."),
        };
        return Err(Error::invalid("/confirm", message));
    }
    people::another_admin_stays(&transaction, viewer, &user).await?;
    let receipt = erase(service, transaction, user, language).await?;
    tracing::info!("an account was deleted by its owner");
    Ok(receipt)
}

/// Erases somebody else's account.
pub async fn erase_by_admin(service: &Service, admin: &Admin<'_>, user_id: i64) -> Result<Receipt, Error> {
    let transaction = service.database.write().await?;
    let user = people::lock_by_admin(&transaction, admin, user_id).await?;
    let language = mail::language_of(&user, Language::default());
    let receipt = erase(service, transaction, user, language).await?;
    tracing::info!(by = admin.viewer().user().id, "an account was deleted by an administrator");
    Ok(receipt)
}

/// Erases a person who is locked: whoever saves at the same moment was before, and it goes along, or comes after, and is refused.
async fn erase(
    service: &Service,
    transaction: DatabaseTransaction,
    user: user::Model,
    language: Language,
) -> Result<Receipt, Error> {
    let now = service.clock.now();
    let mut erased = count(service, &transaction, user.id).await?;
    keep_agreements(&transaction, user.id).await?;
    // One that does not open keeps nobody from going.
    let email = user_detail::verified_email(service, &transaction, user.id).await.unwrap_or_else(|error| {
        tracing::error!(error = error.cause(), "an erased person's address can't be told");
        None
    });
    if let Some(email) = &email {
        // What was asked for by the address alone. Where they only claimed an address, such mail is its owner's.
        let more = mail::forget_to(service, &transaction, email).await?;
        if more > 0 {
            *erased.entry(Kind::Mails).or_default() += more;
        }
    }
    let is_mailed = email.is_some();
    let user_id = user.id;
    user.delete(&transaction).await?;
    if let Some(email) = email {
        mail::queue_receipt(service, &transaction, email, language, &erased).await?;
    }
    transaction.commit().await?;
    service.remembered.forget(user_id);
    service.database.scrub().await;
    Ok(Receipt { date_erased: now, erased, is_mailed })
}

#[derive(FromQueryResult)]
struct Count {
    place: i32,
    count: i64,
}

async fn count(service: &Service, transaction: &DatabaseTransaction, user_id: i64) -> Result<BTreeMap<Kind, i64>, Error> {
    let tables = tables();
    let counts: Vec<_> = tables
        .iter()
        .enumerate()
        .map(|(place, (_, theirs))| format!("SELECT {place} AS place, COUNT(*) AS count FROM {theirs} $1"))
        .collect();
    let backend = service.database.pool().get_database_backend();
    let statement = Statement::from_sql_and_values(backend, counts.join(" UNION ALL "), [user_id.into()]);
    let mut erased = BTreeMap::new();
    for Count { place, count } in Count::find_by_statement(statement).all(transaction).await? {
        let kind = usize::try_from(place).ok().and_then(|place| tables.get(place)).map(|(kind, _)| *kind);
        if let Some(kind) = kind.filter(|_| count > 0) {
            *erased.entry(kind).or_default() += count;
        }
    }
    Ok(erased)
}

async fn keep_agreements(transaction: &DatabaseTransaction, user_id: i64) -> Result<(), Error> {
    use user_terms_agreement::{Column, Entity};
    let agreements = Entity::find().filter(Column::UserId.eq(user_id)).all(transaction).await?;
    let kept = agreements.into_iter().map(|agreement| past_agreement::ActiveModel {
        terms_id: Set(agreement.terms_id),
        day: Set(agreement.date_agreed.date_naive()),
        ..Default::default()
    });
    past_agreement::Entity::insert_many(kept).exec_without_returning(transaction).await?;
    Ok(())
}
