//! The JSON Schemas (2020-12) of the games' JSON fields: data files in `crates/service/schemas`, compiled once at the start.
//!
//! To change what a field may hold so that saves of today stay valid, change its file. Otherwise begin a new version of the game:
//! a file `<field>.v<N>.json`, a line in [`FILES`], and a step in [`super::evolution`] that carries older plays across.

use std::collections::BTreeMap;

use entity::JsonText;
use entity::game::GameKind;
use jsonschema::Validator;
use serde_json::Value;

use super::evolution;
use crate::Error;

/// Game, field, the version of the game that it counts from, and the file.
const FILES: &[(GameKind, &str, i32, &str)] = &[
    (GameKind::Scenario, "traits", 1, include_str!("../../schemas/scenario/traits.v1.json")),
    (GameKind::Scenario, "traits", 2, include_str!("../../schemas/scenario/traits.v2.json")),
    (GameKind::Scenario, "penalties", 1, include_str!("../../schemas/scenario/penalties.v1.json")),
    (GameKind::ShapeSequence, "levelResults", 1, include_str!("../../schemas/shape_sequence/level_results.v1.json")),
    (GameKind::Jobs, "jobChoices", 1, include_str!("../../schemas/jobs/job_choices.v1.json")),
    (GameKind::Speed, "levelStats", 1, include_str!("../../schemas/speed/level_stats.v1.json")),
    (GameKind::Abilities, "skillAssessment", 1, include_str!("../../schemas/abilities/skill_assessment.v1.json")),
    (GameKind::Skills, "skillsAssessment", 1, include_str!("../../schemas/skills/skills_assessment.v1.json")),
    (GameKind::RoomEnv, "roomData", 1, include_str!("../../schemas/room_env/room_data.v1.json")),
];

/// The schemas, compiled.
#[derive(Debug)]
pub struct Schemas {
    fields: Fields,
    /// What clients are shown, written out once.
    by_version: BTreeMap<GameKind, JsonText>,
}

type Fields = BTreeMap<(GameKind, &'static str), BTreeMap<i32, Schema>>;

#[derive(Debug)]
struct Schema {
    document: Value,
    validator: Validator,
}

impl Schemas {
    /// Compiles them all. A fault is one of a file, which a test finds.
    pub fn compile() -> Result<Self, Error> {
        let mut fields = Fields::new();
        for (kind, name, version, text) in FILES {
            let document: Value = serde_json::from_str(text).map_err(Error::internal)?;
            let validator = jsonschema::draft202012::options().offline().build(&document);
            let validator = validator.map_err(|fault| Error::internal(fault.to_string()))?;
            fields.entry((*kind, *name)).or_default().insert(*version, Schema { document, validator });
        }
        let shown = |kind| (kind, JsonText::from_json(by_version(&fields, kind).to_string()));
        let by_version = GameKind::ALL.into_iter().map(shown).collect();
        Ok(Self { fields, by_version })
    }

    /// What a field is checked against: its schema in the game's current version.
    pub(super) fn current(&self, kind: GameKind, name: &'static str) -> Option<&Validator> {
        let versions = self.fields.get(&(kind, name))?;
        versions.last_key_value().map(|(_, schema)| &schema.validator)
    }

    /// The schemas of a game: by version, then by field.
    #[must_use]
    pub fn by_version(&self, kind: GameKind) -> Option<&JsonText> {
        self.by_version.get(&kind)
    }
}

fn by_version(fields: &Fields, kind: GameKind) -> Value {
    let of_version = |version: i32| {
        let fields = fields.iter().filter(|((game, _), _)| *game == kind);
        let schemas = fields.filter_map(|((_, name), versions)| {
            let (_, schema) = versions.range(..=version).next_back()?;
            Some(((*name).to_owned(), schema.document.clone()))
        });
        (version.to_string(), Value::Object(schemas.collect()))
    };
    Value::Object((1..=evolution::current_version(kind)).map(of_version).collect())
}

#[cfg(test)]
mod tests {
    use entity::for_each_game;
    use entity::game::Game;

    use super::{GameKind, Schemas, by_version, evolution};

    #[test]
    fn every_field_has_its_schema_whose_examples_are_valid() {
        let schemas = Schemas::compile().expect("the files are schemas");
        let mut seen = 0;
        for_each_game!(G => {
            for column in G::JSON {
                let validator = schemas.current(G::KIND, column.name).expect("a schema for each field");
                let empty = serde_json::from_str(column.empty).expect("JSON");
                assert!(validator.is_valid(&empty), "{} begins as {}", column.name, column.empty);
                let current = by_version(&schemas.fields, G::KIND)[evolution::current_version(G::KIND).to_string()][column.name].clone();
                for example in current["examples"].as_array().expect("examples") {
                    assert!(validator.is_valid(example), "{}: {example}", column.name);
                    seen += 1;
                }
            }
        });
        assert_eq!(seen, 8);
    }

    #[test]
    fn no_schema_is_newer_than_the_game() {
        let schemas = Schemas::compile().expect("the files are schemas");
        for ((kind, name), versions) in &schemas.fields {
            let newest = versions.keys().max().expect("a version");
            assert!(*newest <= evolution::current_version(*kind), "{name}: add a step to evolution.rs");
        }
        assert_eq!(by_version(&schemas.fields, GameKind::Scenario).as_object().map(serde_json::Map::len), Some(2));
    }
}
