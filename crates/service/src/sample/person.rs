//! An invented person as a line of the sample says them. Names are those of the API, but plays are under the names of their
//! tables; what is left out is as in a new account.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::for_each_game;
use entity::game::Game;
use sea_orm::EntityName;
use serde::Deserialize;
use serde_json::Value;

/// Somebody.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Person {
    pub(super) username: Option<String>,
    pub(super) date_created: DateTime<Utc>,
    #[serde(default = "yes")]
    pub(super) is_active: bool,
    #[serde(default)]
    pub(super) onboarding_complete: bool,
    pub(super) role: Role,
    #[serde(default)]
    pub(super) detail: Detail,
    pub(super) avatar: Option<Avatar>,
    /// In their order.
    #[serde(default)]
    pub(super) passions: Vec<String>,
    /// The plays of each game, by the name of its table, the oldest first.
    #[serde(default)]
    pub(super) plays: BTreeMap<String, Vec<Play>>,
}

/// What somebody may do; a role that is there gets this description, and one that is not yet is made.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Role {
    pub(super) role_name: String,
    pub(super) description: String,
}

/// Who somebody is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Detail {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) age: Option<i32>,
    pub(super) phone_number: Option<String>,
    pub(super) address: Option<String>,
    /// Counts as shown to be theirs.
    pub(super) email: Option<String>,
}

/// How somebody chose to appear.
#[expect(clippy::struct_field_names, reason = "the names of the API")]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Avatar {
    pub(super) avatar_gender: Option<String>,
    pub(super) avatar_accessories: Option<String>,
    pub(super) avatar_color: Option<String>,
    pub(super) avatar_passions: Option<String>,
    pub(super) avatar_expression: Option<String>,
}

/// What somebody played.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Play {
    #[serde(default)]
    pub(super) current_level: i32,
    #[serde(default)]
    pub(super) completion: f64,
    /// The JSON fields, by their names, in the current version.
    #[serde(default)]
    pub(super) json: BTreeMap<String, Value>,
}

fn yes() -> bool {
    true
}

impl Person {
    /// Reads a line, or says what is wrong with it.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let person: Self = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let mut known = Vec::new();
        for_each_game!(G => {
            let table = G::default().table_name();
            known.push(table);
            for name in person.plays.get(table).into_iter().flatten().flat_map(|play| play.json.keys()) {
                if !G::JSON.iter().any(|column| column.name == name) {
                    return Err(format!("a play of {table} has no field {name}"));
                }
            }
        });
        match person.plays.keys().find(|table| !known.contains(&table.as_str())) {
            Some(table) => Err(format!("{table} is no table of a game; those are {}", known.join(", "))),
            None => Ok(person),
        }
    }
}
