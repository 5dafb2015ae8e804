//! What a request is going to ask of its viewer, read by the statement that finds out who they are: one round trip for a whole screen,
//! where a loader for each relation would take a dozen. What was not foreseen is loaded as ever.
//!
//! A relation comes as one column: a JSON array of its row's columns in the order of its entity, or an array of such arrays. That is
//! cheaper for the database and for the way here than a join of as many columns.
//!
//! To foresee another relation: a variant of [`Part`], also in `all`, with its statement in `write`; a way to read it in [`Foreseen`]; in
//! the api the field that asks for it (`graphql/foreseen.rs`), the line that fills its loader (`Loaders::prime_viewer`), and its field in
//! `tests/it/foreseen.rs`. Its entity is [`serde::Deserialize`], with its fields in the order of the columns; none of these holds bytes, a
//! UUID or a boolean.

use std::sync::{Arc, LazyLock};

use entity::game::{Game, GameKind, Row};
use entity::{for_each_game, unverified_detail, user_avatar_info, user_detail, user_passion};
use sea_orm::{ColumnTrait, ColumnType, DbBackend, EntityName, EntityTrait, IdenStatic, Iterable};
use serde::de::DeserializeOwned;

use crate::user_detail::UserDetail;
use crate::{Service, game};

/// A relation that can be foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who they are.
    Detail,
    /// How they chose to appear.
    Avatar,
    /// What they love.
    Passions,
    /// The newest play of a game.
    Newest(GameKind),
}

/// The subselect of each part on each engine.
static SELECTS: LazyLock<Vec<(DbBackend, Part, String)>> = LazyLock::new(|| {
    let of = |backend| Part::all().map(move |part| (backend, part, part.write(backend)));
    of(DbBackend::Postgres).chain(of(DbBackend::Sqlite)).collect()
});

impl Part {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Detail, Self::Avatar, Self::Passions].into_iter().chain(GameKind::ALL.map(Self::Newest))
    }

    /// A subselect of one column for the person `users.id`. `None`: it is not in `all`, and is loaded without foresight.
    pub(crate) fn select(self, backend: DbBackend) -> Option<&'static str> {
        let mut selects = SELECTS.iter();
        selects.find(|(of, part, _)| (*of, *part) == (backend, self)).map(|(_, _, select)| select.as_str())
    }

    fn write(self, backend: DbBackend) -> String {
        let (one, all, json) = match backend {
            DbBackend::Postgres => ("json_build_array", "json_agg", ""),
            _ => ("json_array", "json_group_array", "json"),
        };
        let select = match self {
            Self::Detail => {
                let detail = columns::<user_detail::Entity>(backend);
                let claim = columns::<unverified_detail::Entity>(backend);
                format!(
                    "SELECT {one}({one}({detail}), {json}(CASE WHEN unverified_details.id IS NOT NULL THEN {one}({claim}) END)) FROM user_details \
                     LEFT JOIN unverified_details ON unverified_details.user_detail_id = user_details.id WHERE user_details.user_id = users.id"
                )
            }
            Self::Avatar => {
                let avatar = columns::<user_avatar_info::Entity>(backend);
                format!("SELECT {one}({avatar}) FROM user_avatar_infos WHERE user_avatar_infos.user_id = users.id")
            }
            Self::Passions => {
                let passion = columns::<user_passion::Entity>(backend);
                format!(
                    "SELECT {all}({one}({passion})) FROM \
                     (SELECT * FROM user_passions WHERE user_id = users.id ORDER BY \"order\") AS user_passions"
                )
            }
            Self::Newest(kind) => {
                let mut newest = String::new();
                for_each_game!(G => if <G as Game>::KIND == kind {
                    let (table, play) = (G::default().table_name(), columns::<G>(backend));
                    newest = format!("SELECT {one}({play}) FROM {table} WHERE user_id = users.id ORDER BY id DESC LIMIT 1");
                });
                newest
            }
        };
        match backend {
            DbBackend::Postgres => format!("({select})::text"),
            _ => format!("({select})"),
        }
    }
}

/// The columns of an entity in its order, each as JSON takes it.
fn columns<E: EntityTrait>(backend: DbBackend) -> String {
    let table = E::default();
    let columns = E::Column::iter().map(|column| {
        let name = format!("\"{}\".\"{}\"", table.table_name(), column.as_str());
        match (backend, column.def().get_column_type()) {
            // As its text: what was written is what is read.
            (DbBackend::Postgres, ColumnType::Enum { .. }) => format!("{name}::text"),
            // SQLite gives 15 digits to JSON, which is not every number.
            (DbBackend::Sqlite, ColumnType::Double) => format!("json(printf('%!.17g', {name}))"),
            _ => name,
        }
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// What was read of the relations that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Foreseen(Vec<(Part, Option<String>)>);

impl Foreseen {
    /// What each part came to, in their order.
    pub(crate) fn new(parts: Vec<Part>, read: Vec<Option<String>>) -> Self {
        Self(parts.into_iter().zip(read).collect())
    }

    /// Who they are. `None`: that was not foreseen.
    #[must_use]
    pub fn detail(&self) -> Option<Option<Arc<UserDetail>>> {
        let found = self.read::<(user_detail::Model, Option<unverified_detail::Model>)>(Part::Detail)?;
        Some(found.map(|(row, claim)| Arc::new(UserDetail::of(row, claim))))
    }

    /// How they chose to appear. `None`: that was not foreseen.
    #[must_use]
    pub fn avatar(&self) -> Option<Option<Arc<user_avatar_info::Model>>> {
        Some(self.read(Part::Avatar)?.map(Arc::new))
    }

    /// What they love. `None`: that was not foreseen.
    #[must_use]
    pub fn passions(&self) -> Option<Vec<Arc<user_passion::Model>>> {
        let rows: Vec<user_passion::Model> = self.read(Part::Passions)?.unwrap_or_default();
        Some(rows.into_iter().map(Arc::new).collect())
    }

    /// The newest play of a game. `None`: that was not foreseen.
    #[must_use]
    pub fn newest<G: Game>(&self, service: &Service) -> Option<Option<Arc<Row<G>>>>
    where
        Row<G>: DeserializeOwned,
    {
        let row = self.read(Part::Newest(G::KIND))?;
        Some(row.map(|row| Arc::new(game::opened::<G>(service, row))))
    }

    /// What a part came to, if it was asked for. What can't be read is left to who loads it without foresight.
    #[expect(clippy::option_option, reason = "not foreseen, not there, there")]
    fn read<T: DeserializeOwned>(&self, part: Part) -> Option<Option<T>> {
        let (_, text) = self.0.iter().find(|(of, _)| *of == part)?;
        let Some(text) = text else { return Some(None) };
        match serde_json::from_str(text) {
            Ok(found) => Some(Some(found)),
            Err(error) => {
                tracing::error!(?part, line = error.line(), column = error.column(), "what was foreseen can't be read");
                None
            }
        }
    }
}
