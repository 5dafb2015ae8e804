//! Pages of a list, by keyset: a cursor says where an item stands, so that what is added or removed meanwhile shifts nothing.

use std::collections::HashMap;
use std::hash::Hash;

use message::message;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::Error;
use crate::text::Checks;
use crate::viewer::Owner;

/// The most items that one page gives.
pub const MAX_PAGE: u64 = 100;
/// The items of a page when neither `first` nor `last` is given.
pub const DEFAULT_PAGE: usize = 20;

/// Which part of a list is asked for, as in the Relay connection specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest<C> {
    /// How many items at most.
    pub limit: u64,
    /// From the end of the list instead of its start.
    pub backwards: bool,
    /// Only what comes after this.
    pub after: Option<C>,
    /// Only what comes before this.
    pub before: Option<C>,
}

impl<C> PageRequest<C> {
    /// Checks `first` and `last`: one of them at most, 0 to [`MAX_PAGE`].
    pub fn new(first: Option<i32>, after: Option<C>, last: Option<i32>, before: Option<C>) -> Result<Self, Error> {
        let mut checks = Checks::default();
        let mut limit = |name: &str, count: Option<i32>| {
            count.map(|count| {
                u64::try_from(count).ok().filter(|count| *count <= MAX_PAGE).unwrap_or_else(|| {
                    checks.problem(
                        format!("/{name}"),
                        message!("is {count}; a page has 0 to {limit} items.", count, limit = MAX_PAGE),
                    );
                    0
                })
            })
        };
        let (first, last) = (limit("first", first), limit("last", last));
        if first.is_some() && last.is_some() {
            checks.problem("/last", message!("can't be given together with first; ask for one end of the list."));
        }
        checks.finish()?;
        Ok(Self { limit: first.or(last).unwrap_or(DEFAULT_PAGE as u64), backwards: last.is_some(), after, before })
    }

    /// Makes a page of `items`, which were read in the direction asked for and one more than the limit.
    pub fn page<T>(&self, mut items: Vec<T>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        if self.backwards {
            items.reverse();
            Page { items, has_previous: more, has_next: self.before.is_some() }
        } else {
            Page { items, has_previous: self.after.is_some(), has_next: more }
        }
    }
}

/// Reads a page of what a query gives, ordered by an id.
pub(crate) async fn by_id<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
    id: E::Column,
    newest_first: bool,
    request: &PageRequest<i64>,
) -> Result<Page<E::Model>, Error> {
    Ok(request.page(part_by_id(query, id, newest_first, request).all(connection).await?))
}

/// What of a query a page is made of ([`PageRequest::page`]), ordered by an id.
pub(crate) fn part_by_id<E: EntityTrait>(
    mut query: Select<E>,
    id: E::Column,
    newest_first: bool,
    request: &PageRequest<i64>,
) -> Select<E> {
    query = query.limit(request.limit + 1);
    let (above, below) = if newest_first { (request.before, request.after) } else { (request.after, request.before) };
    if let Some(above) = above {
        query = query.filter(id.gt(above));
    }
    if let Some(below) = below {
        query = query.filter(id.lt(below));
    }
    query.order_by(id, if newest_first == request.backwards { Order::Asc } else { Order::Desc })
}

/// The people of whom the same is asked: one statement reads it for all of them.
pub(crate) fn alike<R: Copy + Eq + Hash>(requests: &[(Owner, R)]) -> HashMap<R, Vec<Owner>> {
    let mut alike = HashMap::<R, Vec<Owner>>::new();
    for (owner, request) in requests {
        alike.entry(*request).or_default().push(*owner);
    }
    alike
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// In the list's order, whichever end was asked for.
    pub items: Vec<T>,
    /// Whether something comes before.
    pub has_previous: bool,
    /// Whether something comes after.
    pub has_next: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), has_previous: false, has_next: false }
    }
}
