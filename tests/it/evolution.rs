//! Plays that were saved in an older version of their game's JSON.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::game::{GAMES, game};
use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(
    an_older_play_is_read_in_the_current_version,
    a_save_writes_an_older_play_in_the_current_version,
    the_command_upgrades_every_play_while_people_save,
    a_play_of_a_newer_release_is_read_and_not_overwritten,
    a_play_that_nobody_can_read_keeps_nobody_from_the_others,
    faults_of_old_keep_no_new_answer_out,
);

/// As version 1 had them, one of them under both its names.
const OLDER: &str = r#"{"esprit_equipe":4,"patience":1,"gestion_stress":3,"gestionStress":2,"ecoute_active":0}"#;
const CURRENT: &str = r#"{"espritEquipe":4,"patience":1,"gestionStress":5,"ecouteActive":0}"#;

/// A play as an earlier release left it.
async fn older(server: &Server, somebody: &Client) -> Value {
    let play = game("scenario").save(somebody, json!({ "penalties": { "timeouts": 1 }, "completion": 50 })).await;
    let play = play.data()["play"].clone();
    server.sql(&format!("UPDATE scenario_game_data SET schema_version = 1, traits = '{OLDER}' WHERE schema_version = 2")).await;
    play
}

async fn stored(server: &Server, column: &str) -> Vec<String> {
    let text = if column == "schema_version" { "CAST(schema_version AS TEXT)" } else { "CAST(traits AS TEXT)" };
    server.sql(&format!("SELECT {text} FROM scenario_game_data ORDER BY id")).await
}

async fn an_older_play_is_read_in_the_current_version(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let saved = older(&server, &somebody).await;
    let everywhere = format!(
        "{{ me {{ scenarioGame {{ traits schemaVersion revision penalties }} plays {{ nodes {{ schemaVersion ... on ScenarioGameData {{ traits }} }} }}
            insights {{ traits {{ ranked {{ name points }} }} }} }}
            node(id: {}) {{ ... on ScenarioGameData {{ traits schemaVersion }} }} }}",
        saved["id"]
    );
    let answer = somebody.data(&everywhere).await;
    let newest = &answer["me"]["scenarioGame"];
    assert_eq!(newest["traits"].to_string(), CURRENT);
    assert_eq!(
        (&newest["schemaVersion"], &newest["revision"], &newest["penalties"]),
        (&json!(2), &json!(1), &json!({ "timeouts": 1 }))
    );
    let in_history = &answer["me"]["plays"]["nodes"][0];
    assert_eq!((in_history["traits"].to_string().as_str(), &in_history["schemaVersion"]), (CURRENT, &json!(2)));
    assert_eq!((answer["node"]["traits"].to_string().as_str(), &answer["node"]["schemaVersion"]), (CURRENT, &json!(2)));
    assert_eq!(answer["me"]["insights"]["traits"]["ranked"][0], json!({ "name": "gestionStress", "points": 5 }));
    let refused = game("scenario").save(&somebody, json!({ "expectedRevision": 9 })).await;
    let shown = &refused.body["errors"][0]["extensions"]["storedPlay"];
    assert_eq!((shown["traits"].to_string().as_str(), &shown["schemaVersion"]), (CURRENT, &json!(2)));
    // Reading writes nothing.
    assert_eq!(
        (stored(&server, "traits").await, stored(&server, "schema_version").await),
        (vec![OLDER.to_owned()], vec!["1".to_owned()])
    );
}

async fn a_save_writes_an_older_play_in_the_current_version(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let scenario = game("scenario");
    older(&server, &somebody).await;
    // A field that is not given is written along.
    let saved = scenario.save(&somebody, json!({ "completion": 60 })).await.data()["play"].clone();
    assert_eq!((saved["traits"].to_string().as_str(), &saved["revision"]), (CURRENT, &json!(2)));
    assert_eq!(
        (stored(&server, "traits").await, stored(&server, "schema_version").await),
        (vec![CURRENT.to_owned()], vec!["2".to_owned()])
    );

    older(&server, &somebody).await;
    let merged =
        scenario.save(&somebody, json!({ "traits": { "espritEquipe": null, "gestionStress": 6 } })).await.data()["play"].clone();
    assert_eq!(merged["traits"].to_string(), r#"{"patience":1,"gestionStress":6,"ecouteActive":0}"#);
    // A save that is refused leaves the play in its version.
    older(&server, &somebody).await;
    assert_eq!(scenario.save(&somebody, json!({ "traits": { "espritEquipe": -1 } })).await.codes(), ["INVALID_INPUT"]);
    assert_eq!(stored(&server, "traits").await, [OLDER]);
}

async fn the_command_upgrades_every_play_while_people_save(engine: Engine) {
    const PEOPLE: usize = 6;
    const PLAYS: usize = 40;
    let server = Arc::new(Server::start(engine).await);
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        let somebody = server.somebody().await;
        for _ in 0..PLAYS {
            game("scenario").save(&somebody, json!({ "newPlay": true, "completion": 50 })).await.data();
        }
        for other in GAMES.iter().filter(|other| other.name != "scenario") {
            other.save(&somebody, json!({ "completion": 50 })).await.data();
        }
        people.push(somebody);
    }
    server.sql(&format!("UPDATE scenario_game_data SET schema_version = 1, traits = '{OLDER}'")).await;

    // Each person saves into their newest play the while.
    let saving: Vec<_> = people
        .iter()
        .cloned()
        .map(|somebody| {
            tokio::spawn(async move {
                for round in 0..30 {
                    let traits = json!({ format!("r{round}"): 1 });
                    game("scenario").save(&somebody, json!({ "traits": traits })).await.data();
                }
            })
        })
        .collect();
    // Two at once, as when one was begun on each instance.
    let (one, two) = tokio::join!(
        server.home.command(&["games", "upgrade", "--batch", "7"]).output(),
        server.home.command(&["games", "upgrade", "--batch", "50"]).output()
    );
    for save in saving {
        save.await.unwrap();
    }
    let mut written = 0;
    for output in [one.unwrap(), two.unwrap()] {
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        let line = printed.lines().find(|line| line.contains("Scenario") && line.contains("to version 2, ")).unwrap();
        written += line.split(' ').find_map(|word| word.parse::<usize>().ok()).unwrap();
    }
    println!("{engine:?}: {written} of {} plays by the commands, the rest by their next save", PEOPLE * PLAYS);
    assert!((PEOPLE * (PLAYS - 1)..=PEOPLE * PLAYS).contains(&written), "{written}");
    assert!(stored(&server, "schema_version").await.iter().all(|version| version == "2"));
    for somebody in &people {
        let plays = somebody.data("{ me { plays(game: SCENARIO, first: 100) { nodes { revision completion ... on ScenarioGameData { traits } } } } }").await;
        let plays = plays["me"]["plays"]["nodes"].as_array().unwrap();
        let newest = &plays[0];
        assert_eq!((newest["revision"].clone(), newest["traits"].as_object().unwrap().len()), (json!(31), 4 + 30));
        assert_eq!((&newest["traits"]["gestionStress"], &newest["completion"]), (&json!(5), &json!(50.0)));
        for play in &plays[1..] {
            assert_eq!((play["traits"].to_string().as_str(), &play["revision"]), (CURRENT, &json!(1)));
        }
    }
    // Nothing is left to do.
    let again = server.home.command(&["games", "upgrade"]).output().await.unwrap();
    let printed = String::from_utf8(again.stdout).unwrap();
    assert_eq!(printed.matches(": 0 upgraded").count(), 7, "{printed}");
}

async fn a_play_of_a_newer_release_is_read_and_not_overwritten(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    game("scenario").save(&somebody, json!({ "traits": { "a": 1 } })).await.data();
    server.sql("UPDATE scenario_game_data SET schema_version = 9").await;
    assert_eq!(game("scenario").newest(&somebody).await["traits"], json!({ "a": 1 }));
    // Another instance may be of that release: the client tries again.
    assert_eq!(game("scenario").save(&somebody, json!({ "traits": { "b": 1 } })).await.codes(), ["UNAVAILABLE"]);
    assert_eq!(stored(&server, "traits").await, [r#"{"a":1}"#]);
}

async fn a_play_that_nobody_can_read_keeps_nobody_from_the_others(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, neighbour) = (server.somebody().await, server.somebody().await);
    older(&server, &neighbour).await;
    game("scenario").save(&somebody, json!({ "traits": { "a": 1 } })).await.data();
    // What PostgreSQL takes for JSON, and no number holds.
    server.sql("UPDATE scenario_game_data SET schema_version = 1, traits = '{\"a\":1e999}' WHERE schema_version = 2").await;
    let admin = server.admin().await;
    // As text: no parser here reads that number.
    let people = admin.send("{ users { nodes { scenarioGame { traits } plays { nodes { id } } } } }", Value::Null).await;
    assert!(people.text.contains(CURRENT) && people.text.contains("1e999"), "{}", people.text);
    assert!(!people.text.contains("errors"), "{}", people.text);
    let output = server.home.command(&["games", "upgrade"]).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("Scenario: 1 upgraded to version 2, 1 left"), "{printed}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't be read"), "the log names the play");
    game("scenario").save(&somebody, json!({ "traits": { "a": 2 }, "mode": "REPLACE" })).await.data();
    assert_eq!(game("scenario").newest(&somebody).await["traits"], json!({ "a": 2 }));
}

async fn faults_of_old_keep_no_new_answer_out(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let scenario = game("scenario");
    scenario.save(&somebody, json!({})).await.data();
    let unchecked = r#"{"esprit_equipe":"beaucoup","patience":-1,"deep":{"x":1}}"#;
    server.sql(&format!("UPDATE scenario_game_data SET schema_version = 1, traits = '{unchecked}'")).await;
    let merged = scenario.save(&somebody, json!({ "traits": { "audace": 1, "deep": { "x": 1 } } })).await;
    let expected = r#"{"esprit_equipe":"beaucoup","patience":-1,"deep":{"x":1},"audace":1}"#;
    assert_eq!(merged.data()["play"]["traits"].to_string(), expected);
    // What a save brings is its own.
    for fault in [json!({ "patience": -2 }), json!({ "deep": { "y": 1 } }), json!({ "new": -1 })] {
        let refused = scenario.save(&somebody, json!({ "traits": fault })).await;
        let pointer = format!("/traits/{}", fault.as_object().unwrap().keys().next().unwrap());
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec![pointer.as_str()]));
    }
    let refused = scenario.save(&somebody, json!({ "mode": "REPLACE", "traits": { "patience": -1 } })).await;
    assert_eq!(refused.pointers(), ["/traits/patience"]);
    // The same of a rule.
    let skills = game("skills");
    skills.save(&somebody, json!({})).await.data();
    server.sql(r#"UPDATE skills_game_data SET skills_assessment = '{"Strong":{"Dessin":{}},"Weak":{"Dessin":{}}}'"#).await;
    skills.save(&somebody, json!({ "skillsAssessment": { "Strong": { "Soudure": {} } } })).await.data();
    let refused = skills.save(&somebody, json!({ "skillsAssessment": { "Weak": { "Soudure": {} } } })).await;
    assert_eq!(refused.pointers(), ["/skillsAssessment"]);
    // What mends a part of it is taken; a fault of the schema hides none of the rule.
    server.sql(r#"UPDATE skills_game_data SET skills_assessment = '{"Old":{},"Strong":{"A":{}},"Weak":{"A":{}},"Skipped":{"A":{}}}'"#).await;
    skills.save(&somebody, json!({ "skillsAssessment": { "Weak": { "A": null } } })).await.data();
    let refused = skills.save(&somebody, json!({ "skillsAssessment": { "Strong": { "D": {} }, "Weak": { "D": {} } } })).await;
    assert_eq!(refused.pointers(), ["/skillsAssessment"]);
    skills.save(&somebody, json!({ "skillsAssessment": { "Old": null, "Skipped": { "A": null } } })).await.data();
}
