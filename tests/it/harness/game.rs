//! The seven games, as a client calls them.

use serde_json::{Value, json};

use super::{Answer, Client};

/// A game.
#[derive(Debug)]
pub struct Game {
    /// Its name in the fixtures.
    pub name: &'static str,
    /// The mutation that saves it.
    pub mutation: &'static str,
    /// What that takes.
    pub input: &'static str,
    /// The field of a person that has the newest play.
    pub field: &'static str,
    /// What a play has of its own.
    pub holds: &'static [&'static str],
}

/// In the order they are offered.
pub const GAMES: [Game; 7] = [
    Game {
        name: "scenario",
        mutation: "saveScenarioGame",
        input: "SaveScenarioGameInput",
        field: "scenarioGame",
        holds: &["currentLevel", "traits", "penalties"],
    },
    Game {
        name: "shapeSequence",
        mutation: "saveShapeSequenceGame",
        input: "SaveShapeSequenceGameInput",
        field: "shapeSequenceGame",
        holds: &["currentLevel", "levelResults"],
    },
    Game { name: "jobs", mutation: "saveJobsGame", input: "SaveJobsGameInput", field: "jobsGame", holds: &["jobChoices"] },
    Game {
        name: "speed",
        mutation: "saveSpeedGame",
        input: "SaveSpeedGameInput",
        field: "speedGame",
        holds: &["currentLevel", "levelStats"],
    },
    Game {
        name: "abilities",
        mutation: "saveAbilitiesGame",
        input: "SaveAbilitiesGameInput",
        field: "abilitiesGame",
        holds: &["skillAssessment"],
    },
    Game {
        name: "skills",
        mutation: "saveSkillsGame",
        input: "SaveSkillsGameInput",
        field: "skillsGame",
        holds: &["skillsAssessment"],
    },
    Game {
        name: "roomEnv",
        mutation: "saveRoomEnvGame",
        input: "SaveRoomEnvGameInput",
        field: "roomEnvGame",
        holds: &["roomData"],
    },
];

/// The game of this name.
pub fn game(name: &str) -> &'static Game {
    GAMES.iter().find(|game| game.name == name).unwrap()
}

impl Game {
    /// Everything that a play has.
    pub fn selection(&self) -> String {
        format!("id game completion revision schemaVersion dateCreated dateUpdated {}", self.holds.join(" "))
    }

    /// The text of a save that answers with everything, as `play`.
    pub fn query(&self) -> String {
        let Self { mutation, input, .. } = self;
        format!("mutation ($input: {input}!) {{ play: {mutation}(input: $input) {{ {} }} }}", self.selection())
    }

    /// Saves.
    pub async fn save(&self, client: &Client, input: Value) -> Answer {
        client.send(&self.query(), json!({ "input": input })).await
    }

    /// The newest play, or null.
    pub async fn newest(&self, client: &Client) -> Value {
        let answer = client.data(&format!("{{ me {{ play: {} {{ {} }} }} }}", self.field, self.selection())).await;
        answer["me"]["play"].clone()
    }
}

/// What one young person sent.
pub fn session() -> Value {
    serde_json::from_str(include_str!("../../fixtures/session-1.json")).unwrap()
}

/// Saves every game of it.
pub async fn play_session(client: &Client) {
    let session = session();
    for game in &GAMES {
        game.save(client, session["games"][game.name].clone()).await.data();
    }
}
