//! The terms, in versions; exactly one is active. They are public, and stay as they were published.

use std::collections::HashMap;
use std::sync::Arc;

use entity::terms_version::{ActiveModel, Column, Entity, Model};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, SqlErr,
};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::page::{self, Page, PageRequest};
use crate::text::Checks;
use crate::viewer::Admin;
use crate::{Error, Service, user};

/// The most characters of a version's name.
pub const VERSION_LENGTH: usize = 50;
/// The most characters of the terms.
pub const CONTENT_LENGTH: usize = 100_000;

/// What became of lines from one version to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// They are in both.
    Same,
    /// They are in the later one only.
    Added,
    /// They are in the earlier one only.
    Removed,
}

/// Neighbouring lines of which the same became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsChange {
    /// What became of them.
    pub kind: ChangeKind,
    /// Whole lines of Markdown, without the end of the last one.
    pub text: String,
}

/// The version of this name; the active one when none is named.
pub async fn find(service: &Service, version: Option<&str>) -> Result<Option<Model>, Error> {
    if version.is_some_and(|version| version.contains('\0')) {
        // PostgreSQL has no such text.
        return Ok(None);
    }
    let condition = version.map_or(Column::IsActive.eq(true), |version| Column::Version.eq(version));
    Ok(Entity::find().filter(condition).one(service.database.pool()).await?)
}

/// The versions with these ids.
pub async fn by_ids(service: &Service, ids: &[i64]) -> Result<HashMap<i64, Arc<Model>>, Error> {
    let rows = Entity::find().filter(service.database.is_any(Column::Id, ids)).all(service.database.pool()).await?;
    Ok(rows.into_iter().map(|version| (version.id, Arc::new(version))).collect())
}

/// A page of the versions, the newest first.
pub async fn page(service: &Service, request: PageRequest<i64>) -> Result<Page<Model>, Error> {
    page::by_id(service.database.pool(), Entity::find(), Column::Id, true, &request).await
}

/// How many versions there are.
pub async fn count(service: &Service) -> Result<u64, Error> {
    Ok(Entity::find().count(service.database.pool()).await?)
}

/// Makes a version and has it be the active one from now on. The active one sent again is the same version; another text under its
/// name, or the name of an earlier one, is refused.
pub async fn publish(service: &Service, admin: &Admin<'_>, version: String, content: String) -> Result<Model, Error> {
    let mut checks = Checks::default();
    checks.text("/version", &version, VERSION_LENGTH);
    checks.text("/content", &content, CONTENT_LENGTH);
    checks.finish()?;
    let transaction = service.database.write().await?;
    let acting = user::lock(&transaction, admin.viewer().owner()).await?;
    user::still_admin(&transaction, admin, &acting).await?;
    // The first version that there ever was is who comes first: it stays, so all wait at the same row, and each then sees what the one
    // before has done.
    Entity::find().order_by_asc(Column::Id).limit(1).lock(LockType::NoKeyUpdate).one(&transaction).await?;
    if let Some(known) = Entity::find().filter(Column::Version.eq(&version)).one(&transaction).await? {
        return if known.is_active && known.content == content { Ok(known) } else { Err(taken()) };
    }
    let active = Entity::update_many().col_expr(Column::IsActive, false.into()).filter(Column::IsActive.eq(true));
    active.exec(&transaction).await?;
    let row = ActiveModel {
        version: Set(version),
        content: Set(content),
        is_active: Set(true),
        date_created: Set(service.clock.now()),
        ..Default::default()
    };
    let published = row.insert(&transaction).await.map_err(came_second)?;
    transaction.commit().await?;
    tracing::info!(version = published.id, admin = acting.id, "terms were published");
    Ok(published)
}

fn taken() -> Error {
    Error::conflict(message!("There is a version of this name already: choose another name."))
}

/// Where there was no version to wait at, the index over the active one decides.
fn came_second(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(message!("Another version was published just now: look at it, then publish again."))
        }
        _ => error.into(),
    }
}

/// That this version is the active one and stays it until the transaction ends. The others go on accepting it meanwhile.
pub(crate) async fn keep_active(transaction: &DatabaseTransaction, id: i64) -> Result<(), Error> {
    let kept = Entity::find_by_id(id).filter(Column::IsActive.eq(true)).lock(LockType::Share).one(transaction).await?;
    if kept.is_some() {
        return Ok(());
    }
    let active = active_name(transaction).await?.unwrap_or_default();
    Err(Error::conflict(message!(
        "This version of the terms is not the active one any more. Read version {active} and accept that.",
        active
    )))
}

async fn active_name(connection: &impl ConnectionTrait) -> Result<Option<String>, Error> {
    let active = Entity::find().filter(Column::IsActive.eq(true)).one(connection).await?;
    Ok(active.map(|terms| terms.version))
}

/// What changed from the first to the second version of each pair, in the order of the text; nothing where one of them is not there.
pub async fn changes(
    service: &Service,
    pairs: &[(i64, i64)],
) -> Result<HashMap<(i64, i64), Option<Arc<Vec<TermsChange>>>>, Error> {
    let ids: Vec<_> = pairs.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let texts = by_ids(service, &ids).await?;
    let pairs = pairs.to_vec();
    // Some milliseconds each for texts that are made to be slow.
    let compared = tokio::task::spawn_blocking(move || {
        let compared = pairs.into_iter().map(|pair| {
            let (from, to) = (texts.get(&pair.0), texts.get(&pair.1));
            (pair, from.zip(to).map(|(from, to)| Arc::new(compare(&from.content, &to.content))))
        });
        compared.collect()
    });
    compared.await.map_err(Error::internal)
}

/// By lines: a paragraph of Markdown is one, mostly. The algorithm bounds its search where texts have little in common.
fn compare(from: &str, to: &str) -> Vec<TermsChange> {
    let (from, to): (Vec<_>, Vec<_>) = (from.lines().collect(), to.lines().collect());
    let mut changes = Vec::new();
    let mut push = |kind, lines: &[&str]| {
        if !lines.is_empty() {
            changes.push(TermsChange { kind, text: lines.join("\n") });
        }
    };
    for operation in capture_diff_slices(Algorithm::Myers, &from, &to) {
        let (old, new) = (&from[operation.old_range()], &to[operation.new_range()]);
        if matches!(operation, DiffOp::Equal { .. }) {
            push(ChangeKind::Same, new);
        } else {
            push(ChangeKind::Removed, old);
            push(ChangeKind::Added, new);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::ChangeKind::{Added, Removed, Same};
    use super::{CONTENT_LENGTH, ChangeKind, compare};

    /// What one of the two versions was, from the pieces.
    fn side(from: &str, to: &str, without: ChangeKind) -> String {
        let pieces = compare(from, to).into_iter().filter(|change| change.kind != without);
        pieces.map(|change| change.text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_side_comes_back_from_the_pieces() {
        let from = "# A\n\nOne paragraph.\n\n- a\n- b\n\nThe end.";
        let to = "# A\n\nAnother paragraph.\n\n- a\n- c\n- b\n\nThe end.";
        assert_eq!(side(from, to, Added), from);
        assert_eq!(side(from, to, Removed), to);
        let kinds: Vec<_> = compare(from, to).iter().map(|change| change.kind).collect();
        assert_eq!(kinds, [Same, Removed, Added, Same, Added, Same]);
        assert_eq!(compare(from, &format!("{from}\r\n")).len(), 1);
    }

    /// Half a second at most without optimisation, a tenth of a second with it.
    #[test]
    fn the_longest_texts_are_compared_in_bounded_time() {
        let lines = |line: &dyn Fn(usize) -> String| {
            let mut text = String::new();
            for number in 0.. {
                let line = line(number);
                if text.len() + line.len() >= CONTENT_LENGTH {
                    break;
                }
                text += &line;
                text.push('\n');
            }
            text
        };
        let noise = |seed: usize| move |number: usize| ((number.wrapping_mul(2_654_435_761 + 2 * seed) >> 7) % 61).to_string();
        let texts = [
            lines(&|number| number.to_string()),
            lines(&|number| format!("x{number}")),
            lines(&|number| (number % 2).to_string()),
            lines(&|number| (number % 3 % 2).to_string()),
            lines(&noise(1)),
            lines(&noise(9)),
            "x".repeat(CONTENT_LENGTH),
            "\n".repeat(CONTENT_LENGTH),
        ];
        let mut slowest = Duration::ZERO;
        for (place, from) in texts.iter().enumerate() {
            for (other, to) in texts.iter().enumerate() {
                let begun = Instant::now();
                let pieces = compare(from, to).len();
                let took = begun.elapsed();
                slowest = slowest.max(took);
                println!("{place} to {other}: {took:?}, {pieces} pieces");
            }
        }
        assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    }
}
