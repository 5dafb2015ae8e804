//! What a selection on a person is going to ask for, seen before anything of it runs.

use async_graphql::Context;
use service::foreseen::Part;

use super::game;

/// What the fields under the one that is resolved ask for.
pub fn parts(context: &Context<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    for part in context.field().selection_set().filter_map(|field| part(field.name())) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    // However they stand in the query, the statement is the same.
    parts.sort_unstable();
    parts
}

fn part(field: &str) -> Option<Part> {
    Some(match field {
        "detail" => Part::Detail,
        "avatar" => Part::Avatar,
        "passions" => Part::Passions,
        field => Part::Newest(game::newest_of(field)?),
    })
}
