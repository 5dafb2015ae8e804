//! Connections of the Relay specification, over the service's pages.

use std::borrow::Cow;

use async_graphql::connection::{CursorType, Edge, EmptyFields, PageInfo};
use async_graphql::{Context, Object, TypeName};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike};
use message::message;
use service::Error;
use service::game::{GameKind, PlayCursor};
use service::page::{DEFAULT_PAGE, Page, PageRequest};
use service::user_page::UserFilter;
use service::viewer::Owner;
use tokio::sync::OnceCell;

use super::error::Result;
use super::in_turn::{Item, Items};
use super::request::Request;

/// `first`, `after`, `last` and `before` as a client sends them.
#[derive(Default)]
pub struct Window {
    /// From the start.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// From the end.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

/// A part of a list. Not async-graphql's own type, which has no description.
pub struct Connection<N: Item> {
    edges: Vec<Edge<Place, N, EmptyFields>>,
    has_previous_page: bool,
    has_next_page: bool,
    total: Total,
    counted: OnceCell<Option<i64>>,
}

/// What is counted for a list's `totalCount`: only if it is asked for.
pub enum Total {
    /// A person's plays, of one game or of all.
    Plays(Owner, Option<GameKind>),
    /// The people whom a filter lets through.
    People(UserFilter),
    /// All versions of the terms.
    TermsVersions,
    /// It would not be cheap.
    NotCounted,
}

impl Total {
    async fn count(&self, context: &Context<'_>) -> Result<Option<i64>> {
        let request = Request::of(context);
        let count = match self {
            // What progress knows: one statement for all people of a page.
            Self::Plays(owner, game) => return Ok(Some(request.loaders().progress.load(*owner).await?.plays(*game))),
            Self::People(filter) => {
                service::user_page::count(&request.service, &request.viewer().await?.admin()?, filter).await?
            }
            Self::TermsVersions => service::terms_version::count(&request.service).await?,
            Self::NotCounted => return Ok(None),
        };
        Ok(i64::try_from(count).ok())
    }
}

impl<N: Item> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// A part of a list, as in the Relay connection specification.
#[Object(name_type)]
impl<N: Item> Connection<N> {
    /// The items, each with its cursor.
    async fn edges(&self) -> &[Edge<Place, N, EmptyFields>] {
        &self.edges
    }

    /// The items alone.
    async fn nodes(&self) -> Items<&N> {
        Items(self.edges.iter().map(|edge| &edge.node).collect())
    }

    /// How many items the whole list has; null where counting them would not be cheap, as in `auditLog`.
    #[graphql(complexity = "COUNT")]
    async fn total_count(&self, context: &Context<'_>) -> Option<Result<i64>> {
        self.counted.get_or_try_init(|| self.total.count(context)).await.copied().transpose()
    }

    /// Where this part stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous_page,
            has_next_page: self.has_next_page,
            start_cursor: self.edges.first().map(|edge| edge.cursor.encode_cursor()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.encode_cursor()),
        }
    }
}

/// What counting a list costs.
const COUNT: usize = 100;

/// What a list costs: what one item does, as often as it may come.
pub fn cost(first: Option<i32>, last: Option<i32>, item: usize) -> usize {
    let items = first.or(last).and_then(|count| usize::try_from(count).ok()).unwrap_or(DEFAULT_PAGE);
    items.max(1).saturating_mul(item).saturating_add(1)
}

/// Where an item stands in its list: its cursor, which is written out only if it is asked for.
#[derive(Clone, Copy)]
pub enum Place {
    /// In a list by id.
    Id(i64),
    /// In a history.
    Play(PlayCursor),
}

impl From<i64> for Place {
    fn from(id: i64) -> Self {
        Self::Id(id)
    }
}

impl From<PlayCursor> for Place {
    fn from(cursor: PlayCursor) -> Self {
        Self::Play(cursor)
    }
}

impl CursorType for Place {
    type Error = &'static str;

    fn decode_cursor(_: &str) -> std::result::Result<Self, Self::Error> {
        Err("which list it is of is not said: see Cursor")
    }

    fn encode_cursor(&self) -> String {
        let text = match self {
            Self::Id(id) => id.to_string(),
            Self::Play(PlayCursor { date_created, game, id }) => {
                format!("{}:{}:{id}", date_created.timestamp_micros(), *game as i32)
            }
        };
        URL_SAFE_NO_PAD.encode(text)
    }
}

/// What a cursor says.
pub trait Cursor: Sized {
    /// Back from its text.
    fn parse(text: &str) -> Option<Self>;
}

impl Cursor for i64 {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Cursor for PlayCursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let mut next = || parts.next()?.parse::<i64>().ok();
        let (date, game, id) = (next()?, next()?, next()?);
        // What no database has is no cursor of ours.
        let date_created = DateTime::from_timestamp_micros(date).filter(|date| (2000..=9999).contains(&date.year()))?;
        Some(Self { date_created, game: GameKind::from_number(i32::try_from(game).ok()?)?, id })
    }
}

impl Window {
    /// As the service asks for it.
    pub fn request<C: Cursor>(self) -> Result<PageRequest<C>> {
        let cursor = |name: &str, text: Option<String>| {
            text.map(|text| {
                let bytes = URL_SAFE_NO_PAD.decode(&text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                bytes.and_then(|text| C::parse(&text)).ok_or_else(|| {
                    Error::invalid(
                        format!("/{name}"),
                        message!("is not a cursor of this list; take one from its edges or pageInfo."),
                    )
                })
            })
            .transpose()
        };
        let (after, before) = (cursor("after", self.after)?, cursor("before", self.before)?);
        Ok(PageRequest::new(self.first, after, self.last, before)?)
    }
}

/// A page as a connection.
pub fn connection<T, C: Into<Place>, N: Item>(page: Page<T>, total: Total, node: impl Fn(T) -> (C, N)) -> Connection<N> {
    let edges = page.items.into_iter().map(|item| {
        let (cursor, node) = node(item);
        Edge::new(cursor.into(), node)
    });
    Connection {
        edges: edges.collect(),
        has_previous_page: page.has_previous,
        has_next_page: page.has_next,
        total,
        counted: OnceCell::new(),
    }
}
