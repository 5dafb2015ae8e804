//! What a selection on a person is going to ask for, seen before anything of it runs.

use async_graphql::Context;
use service::foreseen::Part;
use service::game::GameKind;

/// What the fields under the one that is resolved ask for.
pub fn parts(context: &Context<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    for part in context.field().selection_set().filter_map(|field| part(field.name())) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

fn part(field: &str) -> Option<Part> {
    Some(match field {
        "detail" => Part::Detail,
        "avatar" => Part::Avatar,
        "passions" => Part::Passions,
        "scenarioGame" => Part::Newest(GameKind::Scenario),
        "shapeSequenceGame" => Part::Newest(GameKind::ShapeSequence),
        "jobsGame" => Part::Newest(GameKind::Jobs),
        "speedGame" => Part::Newest(GameKind::Speed),
        "abilitiesGame" => Part::Newest(GameKind::Abilities),
        "skillsGame" => Part::Newest(GameKind::Skills),
        "roomEnvGame" => Part::Newest(GameKind::RoomEnv),
        _ => return None,
    })
}
