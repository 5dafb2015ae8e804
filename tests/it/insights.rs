//! What was played, read as what it means.

use serde_json::{Value, json};

use crate::harness::game::{GAMES, game, play_session};
use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(
    the_session_reads_as_the_snapshot_says,
    a_game_that_was_not_played_says_nothing,
    a_page_of_people_costs_a_statement_a_game,
);

const INSIGHTS: &str = "insights {
    traits { ranked { rank name group points } groups { group points } }
    logic { solved played score longestRun course { level solved } }
    typing { levelReached levelsPassed wordsPerMinute accuracy course { level passed wordsPerMinute accuracy } }
    jobs { liked undecided disliked }
    skills { strong wantToLearn withSupport toDiscover leftForLater }
    room {
        preferred { ...Conditions } difficult { ...Conditions } tried { ...Conditions }
        objects { objectType name setting }
    }
}";
const CONDITIONS: &str = "fragment Conditions on RoomConditions {
    room lightIntensity lightColor roomColor noiseType noiseVolume peopleInRoom feedback commentary
}";

async fn insights(somebody: &Client) -> Value {
    somebody.data(&format!("{{ me {{ {INSIGHTS} }} }} {CONDITIONS}")).await["me"]["insights"].clone()
}

/// The snapshot is `fixtures/insights-1.json`: compare it with `session-1.json` by eye.
async fn the_session_reads_as_the_snapshot_says(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    play_session(&somebody).await;
    let read = serde_json::to_string_pretty(&insights(&somebody).await).unwrap();
    let kept = include_str!("../fixtures/insights-1.json").trim_end();
    assert!(read == kept, "the insights are now:\n{read}");
}

async fn a_game_that_was_not_played_says_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let nothing = json!({ "traits": null, "logic": null, "typing": null, "jobs": null, "skills": null, "room": null });
    assert_eq!(insights(&somebody).await, nothing);
    // Begun, without an answer yet.
    for game in &GAMES {
        game.save(&somebody, json!({})).await.data();
    }
    assert_eq!(insights(&somebody).await, nothing);
    game("abilities").save(&somebody, json!({ "skillAssessment": { "Strong": ["Patience"] } })).await.data();
    let skills = insights(&somebody).await["skills"].clone();
    assert_eq!((&skills["strong"], &skills["withSupport"]), (&json!(["Patience"]), &json!([])));
}

async fn a_page_of_people_costs_a_statement_a_game(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..10 {
        play_session(&server.somebody().await).await;
    }
    let admin = server.admin().await;
    admin.look_at_everybody().await;
    let query = format!("{{ users(first: 50) {{ nodes {{ {INSIGHTS} jobsGame {{ jobChoices }} }} }} }} {CONDITIONS}");
    let answer = admin.send(&query, Value::Null).await;
    let people = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(people.iter().filter(|person| person["insights"]["jobs"]["liked"][0] == "Soudeur/Soudeuse").count(), 10);
    let statements = server.statements(&answer).await;
    // The viewer, the page, and the seven games, which the plays themselves share.
    assert_eq!(statements.len(), 2 + 7, "{statements:#?}");
}
