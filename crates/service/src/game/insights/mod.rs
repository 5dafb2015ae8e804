//! What was played, read as what it means: strengths first, and nothing phrased as a lack. Pure functions of the JSON as it is
//! stored, in its current version; what they don't understand they pass over. `None` where a game holds no answer yet.
//!
//! To add the insight of a game: a file here with its type and its `of`, and its object in the api's `graphql/insights.rs`.

pub mod jobs;
pub mod logic;
pub mod room;
pub mod skills;
pub mod traits;
pub mod typing;

use serde_json::Value;

/// The members of an object that is kept by level, in the order of the levels.
fn by_level(value: &Value) -> Vec<(i32, &Value)> {
    let members = value.as_object().into_iter().flatten();
    let mut levels: Vec<_> = members.filter_map(|(level, value)| Some((level.parse().ok()?, value))).collect();
    levels.sort_by_key(|(level, _)| *level);
    levels
}

/// A count as clients take it: GraphQL's `Int` has 32 bits.
fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

#[cfg(test)]
fn session(game: &str, field: &str) -> Value {
    let text = include_str!("../../../../../tests/fixtures/session-1.json");
    let session: Value = serde_json::from_str(text).unwrap_or_default();
    session["games"][game][field].clone()
}
