//! What a screen costs: at most one statement a relation, for one person and for a page of fifty alike.

use serde_json::{Value, json};

use crate::harness::{Engine, Server, on_both_engines};

on_both_engines!(one_statement_a_relation, the_history_of_a_page_costs_the_same);

/// Eleven relations; the twelfth is the person.
const RELATIONS: &str = "username role { roleName } detail { firstName } avatar { avatarColor } passions { passionText }
    scenarioGame { traits } shapeSequenceGame { levelResults } jobsGame { jobChoices } speedGame { levelStats }
    abilitiesGame { skillAssessment } skillsGame { skillsAssessment } roomEnvGame { roomData }";

const FILL: &str = r#"mutation {
    updateProfile(input: { firstName: "Camille" }) { id }
    setAvatar(input: { avatarColor: "vert" }) { avatarColor }
    setPassions(passions: ["vélo", "dessin"]) { id }
    saveScenarioGame(input: { traits: { empathie: 1 } }) { id }
    saveShapeSequenceGame(input: { levelResults: { a: true } }) { id }
    saveJobsGame(input: { jobChoices: { Fleuriste: "like" } }) { id }
    saveSpeedGame(input: { levelStats: { a: { wpm: 1 } } }) { id }
    saveAbilitiesGame(input: { skillAssessment: { Strong: ["Patience"] } }) { id }
    saveSkillsGame(input: { skillsAssessment: { Strong: { Dessin: {} } } }) { id }
    saveRoomEnvGame(input: { roomData: [{ room: "Focus Room" }] }) { id }
}"#;

async fn one_statement_a_relation(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody.data(FILL).await;

    let answer = somebody.send(&format!("{{ me {{ {RELATIONS} }} }}"), Value::Null).await;
    assert_eq!(answer.data()["me"]["roomEnvGame"]["roomData"], json!([{ "room": "Focus Room" }]));
    let statements = server.statements(&answer).await;
    // The viewer with their role (1); details, avatar, passions (3); newest plays (7).
    assert_eq!(statements.len(), 11, "{statements:#?}");

    for _ in 1..50 {
        server.somebody().await.data(FILL).await;
    }
    let admin = server.admin().await;
    let answer = admin.send(&format!("{{ users(first: 50) {{ nodes {{ {RELATIONS} }} }} }}"), Value::Null).await;
    let people = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(people.len(), 50);
    for person in people {
        assert_eq!(person["jobsGame"]["jobChoices"], json!({ "Fleuriste": "like" }));
        assert_eq!(person["passions"], json!([{ "passionText": "vélo" }, { "passionText": "dessin" }]));
    }
    let statements = server.statements(&answer).await;
    // The viewer (1), the page (1), roles (1), and the ten above.
    assert_eq!(statements.len(), 13, "{statements:#?}");
}

async fn the_history_of_a_page_costs_the_same(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..10 {
        server.somebody().await.data(FILL).await;
    }
    let admin = server.admin().await;
    let query = "{ users(first: 50) { nodes { plays(first: 10) { nodes { id user { username } ... on JobsGameData { jobChoices } } } } } }";
    let answer = admin.send(query, Value::Null).await;
    let people = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(people.iter().map(|person| person["plays"]["nodes"].as_array().unwrap().len()).sum::<usize>(), 70);
    let statements = server.statements(&answer).await;
    // The viewer, the page, the history, the plays of each game, the people they belong to.
    assert_eq!(statements.len(), 1 + 1 + 1 + 7 + 1, "{statements:#?}");
}
