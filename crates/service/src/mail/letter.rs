//! From a row of the queue to what is sent: looks up what it is about, and makes its link.

use std::collections::BTreeMap;

use entity::mail::Model;
use entity::user;
use sea_orm::EntityTrait;

use super::text::{self, Topic};
use super::{Kind, language_of};
use crate::keyed_hash::token_hash;
use crate::language::Language;
use crate::{Error, Service, account_recovery, unverified_detail, user_detail};

/// A mail, ready to be sent.
pub(super) struct Letter {
    /// The same at each try, so that a mail that arrives twice can be told.
    pub(super) id: uuid::Uuid,
    pub(super) recipient: String,
    pub(super) title: &'static str,
    pub(super) plain: String,
    pub(super) html: String,
}

/// Writes the letter; `None` where what it is about is gone.
pub(super) async fn write(service: &Service, mail: &Model) -> Result<Option<Letter>, Error> {
    let mut language = Language::of_tag(&mail.language).unwrap_or_default();
    let kind = Kind::of_name(&mail.kind);
    let mut recipient = mail.recipient.clone();
    let token = service.keyed_hash.mail_token(mail.id);
    let mut lines = Vec::new();
    let (topic, page) = match (kind, mail.user_id) {
        (Some(Kind::Verification), Some(user_id)) => {
            if !unverified_detail::is_waiting(service, user_id, &token_hash(&token)).await? {
                return Ok(None);
            }
            if let Some((owner, email)) = user_detail::verified_owner(service, &mail.recipient).await? {
                recipient = email;
                language = chosen(service, owner, language).await?;
                (Topic::AlreadyRegistered, "sign-in".to_owned())
            } else {
                (Topic::Verification, format!("verify-email#token={token}"))
            }
        }
        (Some(Kind::Recovery), _) => {
            let Some((user_id, email)) = user_detail::verified_owner(service, &mail.recipient).await? else { return Ok(None) };
            if !account_recovery::begin(service, user_id, mail, &token).await? {
                return Ok(None);
            }
            recipient = email;
            language = chosen(service, user_id, language).await?;
            (Topic::Recovery, format!("recover#token={token}"))
        }
        (Some(Kind::Receipt), _) => {
            let content = mail.content.as_ref().map_or("{}", |content| content.as_str());
            let counts: BTreeMap<String, i64> = serde_json::from_str(content).map_err(Error::internal)?;
            lines = text::erased(&counts, language);
            (Topic::Receipt, String::new())
        }
        (Some(Kind::Event(event)), _) => (Topic::Event(event), "account".to_owned()),
        (Some(Kind::Verification), None) | (None, _) => {
            return Err(Error::internal(format!("a mail that can not be written: {}", mail.kind)));
        }
    };
    let link = service.mailer.link(&page);
    let words = text::words(topic, language);
    Ok(Some(Letter {
        id: mail.id,
        recipient,
        title: words.title,
        plain: text::plain(&words, &lines, &link),
        html: text::html(&words, &lines, &link, language),
    }))
}

/// The language that the owner of an address chose goes before the one of who asked.
async fn chosen(service: &Service, owner: i64, wished: Language) -> Result<Language, Error> {
    let user = user::Entity::find_by_id(owner).one(service.database.pool()).await?;
    Ok(user.map_or(wished, |user| language_of(&user, wished)))
}
