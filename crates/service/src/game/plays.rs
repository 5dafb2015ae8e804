//! The history: every play of a person, of one game or of all, newest first.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use entity::for_each_game;
use entity::game::{Game, GameKind};
use sea_orm::{EntityName, FromQueryResult, Statement, Value};

use crate::page::{Page, PageRequest};
use crate::viewer::{Owner, by_owner, user_ids};
use crate::{Error, Service};

/// Where a play stands: newest first, then by game, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlayCursor {
    /// When it began.
    pub date_created: DateTime<Utc>,
    /// Which game.
    pub game: GameKind,
    /// Its id among the plays of that game.
    pub id: i64,
}

/// A play that may be read: which one, and proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayRef {
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    pub cursor: PlayCursor,
}

/// A page of one person's plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaysRequest {
    /// Of one game, or of all.
    pub game: Option<GameKind>,
    /// Which part.
    pub page: PageRequest<PlayCursor>,
}

#[derive(FromQueryResult)]
struct Row {
    user_id: i64,
    game: i32,
    id: i64,
    date_created: DateTime<Utc>,
}

/// The pages asked for, for each person: one statement for all people of whom the same page is asked.
pub async fn plays_by_requests(
    service: &Service,
    requests: &[(Owner, PlaysRequest)],
) -> Result<HashMap<(Owner, PlaysRequest), Page<PlayRef>>, Error> {
    let mut alike = HashMap::<PlaysRequest, Vec<Owner>>::new();
    for (owner, request) in requests {
        alike.entry(*request).or_default().push(*owner);
    }
    let mut pages = HashMap::new();
    for (request, owners) in alike {
        let rows = Row::find_by_statement(statement(service, &owners, &request)).all(service.database.pool()).await?;
        for (owner, rows) in by_owner(&owners, rows, |row| row.user_id) {
            let plays = rows.into_iter().filter_map(|row| {
                let cursor = PlayCursor { date_created: row.date_created, game: GameKind::from_number(row.game)?, id: row.id };
                Some(PlayRef { owner, cursor })
            });
            pages.insert((owner, request), request.page.page(plays.collect()));
        }
    }
    Ok(pages)
}

fn statement(service: &Service, owners: &[Owner], PlaysRequest { game, page }: &PlaysRequest) -> Statement {
    let tables: BTreeMap<GameKind, String> =
        tables().into_iter().filter(|(kind, _)| game.is_none_or(|game| game == *kind)).collect();
    let mut values =
        vec![service.database.ids(&user_ids(owners)), Value::from(i64::try_from(page.limit).unwrap_or(i64::MAX) + 1)];
    let mut bounds = String::new();
    // Which way each of them lies, seen from the cursor: `after` is older.
    for (cursor, [older, greater]) in [(page.after, ["<", ">"]), (page.before, [">", "<"])] {
        let Some(cursor) = cursor else { continue };
        let first = values.len() + 1;
        values.extend([cursor.date_created.into(), (cursor.game as i32).into(), cursor.id.into()]);
        let [date, kind, id] = [first, first + 1, first + 2];
        let _ = write!(
            bounds,
            " AND (date_created {older} ${date} OR (date_created = ${date} AND (game {greater} ${kind} OR (game = ${kind} AND id {older} ${id}))))"
        );
    }
    let union: Vec<_> = tables
        .iter()
        .map(|(kind, table)| {
            let theirs = service.database.is_any_text("user_id", "$1");
            format!("SELECT user_id, {} AS game, id, date_created FROM {table} WHERE {theirs}", *kind as i32)
        })
        .collect();
    let order = if page.backwards { "date_created, game DESC, id" } else { "date_created DESC, game, id DESC" };
    let sql = format!(
        "SELECT user_id, game, id, date_created FROM (\
         SELECT user_id, game, id, date_created, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY {order}) AS place \
         FROM ({}) AS every WHERE 1 = 1{bounds}) AS placed WHERE place <= $2 ORDER BY user_id, place",
        union.join(" UNION ALL ")
    );
    Statement::from_sql_and_values(service.database.pool().get_database_backend(), sql, values)
}

/// Where the plays of each game are.
pub(crate) fn tables() -> BTreeMap<GameKind, String> {
    let mut tables = BTreeMap::new();
    for_each_game!(G => {
        tables.insert(<G as Game>::KIND, G::default().table_name().to_owned());
    });
    tables
}

#[cfg(test)]
mod tests {
    use super::{GameKind, tables};

    #[test]
    fn every_game_has_its_table() {
        assert_eq!(tables().into_keys().collect::<Vec<_>>(), GameKind::ALL);
    }
}
