//! The history: every play of a person, newest first: of one game, its rows; of all, which plays they are, for their games' loaders.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::for_each_game;
use entity::game::{Game, GameKind, PlayRow};
use message::message;
use sea_orm::{ColumnTrait, ColumnType, EntityName, FromQueryResult, IdenStatic, Iterable, Statement, Value};

use super::opened;
use crate::page::{self, Page, PageRequest};
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

impl PlayCursor {
    /// Where this play stands.
    #[must_use]
    pub fn of<G: Game>(row: &G::Model) -> Self {
        Self { date_created: row.date_created(), game: G::KIND, id: row.id() }
    }
}

/// A play that may be read: which one, and proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayRef {
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    pub cursor: PlayCursor,
}

#[derive(FromQueryResult)]
struct Row {
    user_id: i64,
    game: i32,
    id: i64,
    date_created: DateTime<Utc>,
}

/// The pages asked for of all games, for each person: one statement for all people of whom the same page is asked.
pub async fn plays_by_requests(
    service: &Service,
    requests: &[(Owner, PageRequest<PlayCursor>)],
) -> Result<HashMap<(Owner, PageRequest<PlayCursor>), Page<PlayRef>>, Error> {
    let mut pages = HashMap::new();
    for (request, owners) in page::alike(requests) {
        let rows = Row::find_by_statement(of_all_games(service, &owners, &request)).all(service.database.pool()).await?;
        for (owner, rows) in by_owner(&owners, rows, |row| row.user_id) {
            let plays = rows.into_iter().filter_map(|row| {
                let cursor = PlayCursor { date_created: row.date_created, game: GameKind::from_number(row.game)?, id: row.id };
                Some(PlayRef { owner, cursor })
            });
            pages.insert((owner, request), request.page(plays.collect()));
        }
    }
    Ok(pages)
}

/// The pages asked for of one game, for each person, the plays themselves: one statement for all people of whom the same page is asked.
pub async fn plays_of_game_by_requests<G: Game>(
    service: &Service,
    requests: &[(Owner, PageRequest<PlayCursor>)],
) -> Result<HashMap<(Owner, PageRequest<PlayCursor>), Page<Arc<G::Model>>>, Error> {
    let mut pages = HashMap::with_capacity(requests.len());
    let mut bytes = 0;
    for (request, owners) in page::alike(requests) {
        let rows = G::Model::find_by_statement(of_game::<G>(service, &owners, &request)).all(service.database.pool()).await?;
        // Before the next ones are read: under other names a query may ask for the same plays a hundred times.
        bytes += rows.iter().flat_map(PlayRow::json).map(|json| json.as_str().len()).sum::<usize>();
        within_answer(bytes)?;
        for (owner, mut rows) in by_owner(&owners, rows, PlayRow::user_id) {
            rows.sort_unstable_by_key(|row| (row.date_created(), row.id()));
            if !request.backwards {
                rows.reverse();
            }
            let rows = rows.into_iter().map(|row| Arc::new(opened::<G>(service, row)));
            pages.insert((owner, request), request.page(rows.collect()));
        }
    }
    Ok(pages)
}

/// The most bytes of stored JSON in an answer.
const MOST_BYTES: usize = 24 * 1024 * 1024;

/// Whether so many bytes of stored JSON may go into an answer.
pub fn within_answer(bytes: usize) -> Result<(), Error> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::TooMuch(message!(
        "The answer would hold more than 24 MiB of stored JSON; ask for less at once, such as a shorter page."
    )))
}

fn of_all_games(service: &Service, owners: &[Owner], page: &PageRequest<PlayCursor>) -> Statement {
    let mut values = values(service, owners, page);
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
    let union: Vec<_> = tables()
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

fn of_game<G: Game>(service: &Service, owners: &[Owner], page: &PageRequest<PlayCursor>) -> Statement {
    let mut values = values(service, owners, page);
    let mut rest = String::new();
    for (cursor, side) in [(page.after, "<"), (page.before, ">")] {
        let Some(cursor) = cursor else { continue };
        // The cursor may stand at a play of another game: of those that began in the same moment, all of this game then come after it, or
        // none.
        let id = match G::KIND.cmp(&cursor.game) {
            Ordering::Less => i64::MIN,
            Ordering::Equal => cursor.id,
            Ordering::Greater => i64::MAX,
        };
        let first = values.len() + 1;
        let _ = write!(rest, "AND (date_created, id) {side} (${first}, ${}) ", first + 1);
        values.extend([cursor.date_created.into(), id.into()]);
    }
    rest.push_str(if page.backwards {
        "ORDER BY date_created, id LIMIT $2"
    } else {
        "ORDER BY date_created DESC, id DESC LIMIT $2"
    });
    let columns = G::Column::iter().map(|column| match column.def().get_column_type() {
        // `JsonText`: see there.
        ColumnType::Enum { .. } => format!("CAST(found.{0} AS text) AS {0}", column.as_str()),
        _ => format!("found.{}", column.as_str()),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let sql = service.database.of_each_person(&columns, G::default().table_name(), &rest);
    Statement::from_sql_and_values(service.database.pool().get_database_backend(), sql, values)
}

/// `$1`, the people, and `$2`, how many plays of each are read: one more than asked for, which says whether there are more.
fn values(service: &Service, owners: &[Owner], page: &PageRequest<PlayCursor>) -> Vec<Value> {
    vec![service.database.ids(&user_ids(owners)), Value::from(i64::try_from(page.limit).unwrap_or(i64::MAX).saturating_add(1))]
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
