//! What is not valid is refused, with the place where it stands, and changes nothing.

use serde_json::{Value, json};

use crate::harness::game::{GAMES, game};
use crate::harness::{Engine, Server, on_both_engines};

on_both_engines!(
    each_fault_is_refused_at_its_place_and_changes_nothing,
    what_is_stored_is_checked_with_what_comes,
    both_shapes_of_the_room_are_kept_as_they_came,
    a_save_brings_five_hundred_keys_at_most,
    the_catalogue_has_the_schemas_that_saves_are_checked_by,
);

/// Faults that people and front ends made, and as many again.
const FAULTS: [&str; 2] = [include_str!("../fixtures/invalid.json"), include_str!("../fixtures/invalid-2.json")];

async fn each_fault_is_refused_at_its_place_and_changes_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let (begun, new) = (server.somebody().await, server.somebody().await);
    crate::harness::game::play_session(&begun).await;
    let mut seen = std::collections::HashMap::<_, usize>::new();
    for (file, text) in FAULTS.iter().enumerate() {
        for fault in serde_json::from_str::<Vec<Value>>(text).unwrap() {
            let game = game(fault["game"].as_str().unwrap());
            *seen.entry((file, game.name)).or_default() += 1;
            for somebody in [&begun, &new] {
                let before = game.newest(somebody).await;
                let mut input = fault["input"].clone();
                for mode in ["REPLACE", "MERGE"] {
                    // In a merge, null takes away.
                    if mode == "MERGE" && input.to_string().contains("null") {
                        continue;
                    }
                    input["mode"] = json!(mode);
                    let refused = game.save(somebody, input.clone()).await;
                    assert_eq!(refused.codes(), ["INVALID_INPUT"], "{fault}");
                    assert_eq!(refused.pointers(), [fault["pointer"].as_str().unwrap()], "{fault}: {}", refused.text);
                    assert_eq!(game.newest(somebody).await, before, "{fault}");
                }
            }
        }
    }
    assert_eq!(new.data("{ me { plays { nodes { id } } } }").await["me"]["plays"]["nodes"], json!([]));
    assert_eq!(seen.iter().filter(|((file, _), _)| *file == 0).map(|(_, count)| count).sum::<usize>(), 17);
    for game in &GAMES {
        assert!(seen[&(1, game.name)] >= 10, "{}: {}", game.name, seen[&(1, game.name)]);
    }
}

async fn what_is_stored_is_checked_with_what_comes(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let skills = game("skills");
    skills.save(&somebody, json!({ "skillsAssessment": { "Weak": { "Dessin": {} } } })).await.data();
    // Good by itself, but what it comes to says two things of one skill.
    let twice = skills.save(&somebody, json!({ "skillsAssessment": { "Strong": { "Dessin": {} } } })).await;
    assert_eq!((twice.codes(), twice.pointers()), (vec!["INVALID_INPUT"], vec!["/skillsAssessment"]));
    let moved = json!({ "skillsAssessment": { "Strong": { "Dessin": {} }, "Weak": { "Dessin": null } } });
    let moved = skills.save(&somebody, moved).await.data()["play"]["skillsAssessment"].clone();
    assert_eq!(moved, json!({ "Weak": {}, "Strong": { "Dessin": {} } }));

    // The size is that of the whole.
    let room = game("roomEnv");
    let words = |count: usize| json!([{ "room": "Focus Room", "commentary": "é".repeat(9_000) }, { "room": "x", "more": vec!["y".repeat(8_000); count] }]);
    room.save(&somebody, json!({ "roomData": words(5) })).await.data();
    let large = room.save(&somebody, json!({ "roomData": words(6) })).await;
    assert_eq!((large.codes(), large.pointers()), (vec!["INVALID_INPUT"], vec!["/roomData"]));
    let jobs = game("jobs");
    let names = |from: usize| {
        (from..from + 400).map(|number| (format!("{number:0>150}"), json!("like"))).collect::<serde_json::Map<_, _>>()
    };
    jobs.save(&somebody, json!({ "jobChoices": names(0) })).await.data();
    let before = jobs.newest(&somebody).await;
    let large = jobs.save(&somebody, json!({ "jobChoices": names(400) })).await;
    assert_eq!((large.codes(), large.pointers()), (vec!["INVALID_INPUT"], vec!["/jobChoices"]));
    assert!(large.text.contains("65536"), "the limit is told: {}", large.text);
    assert_eq!(jobs.newest(&somebody).await, before);
}

async fn both_shapes_of_the_room_are_kept_as_they_came(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let data = json!([
        { "room": "Open Room" },
        { "objectType": "furniture", "type": null, "position": { "x": -1.5, "y": 0, "z": 1e3, "w": "more" }, "rotation": [1, 2, 3] },
        { "room": "Focus Room", "completion": 0.5, "noiseVolume": null, "peopleInRoom": null, "lightColor": null, "theme": { "a": 1 } },
        { "objectType": "lighting", "room": 3 }
    ]);
    let saved = game("roomEnv").save(&somebody, json!({ "roomData": data })).await;
    assert_eq!(saved.data()["play"]["roomData"].to_string(), data.to_string());
}

async fn a_save_brings_five_hundred_keys_at_most(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let traits =
        |range: std::ops::Range<usize>| range.map(|number| (format!("t{number}"), json!(1))).collect::<serde_json::Map<_, _>>();
    let many = game("scenario").save(&somebody, json!({ "traits": traits(0..501) })).await;
    assert_eq!((many.codes(), many.pointers()), (vec!["INVALID_INPUT"], vec!["/traits"]));
    game("scenario").save(&somebody, json!({ "traits": traits(0..500) })).await.data();
    let labels = |range| traits(range).into_iter().map(|(key, _)| (key, json!({}))).collect::<serde_json::Map<_, _>>();
    let many = game("skills").save(&somebody, json!({ "skillsAssessment": { "Strong": labels(0..501) } })).await;
    assert_eq!((many.codes(), many.pointers()), (vec!["INVALID_INPUT"], vec!["/skillsAssessment/Strong"]));
    // A room full of objects has more keys in all.
    let objects = vec![json!({ "objectType": "plant", "type": "fern", "position": { "x": 1, "y": 2, "z": 3 } }); 300];
    game("roomEnv").save(&somebody, json!({ "roomData": objects })).await.data();
}

async fn the_catalogue_has_the_schemas_that_saves_are_checked_by(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let query = "{ gameCatalogue { game title(language: FRENCH) description levels schemaVersion jsonSchemas } }";
    let catalogue = server.client().data(query).await["gameCatalogue"].clone();
    let catalogue = catalogue.as_array().unwrap();
    let kinds: Vec<_> = catalogue.iter().map(|game| game["game"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["SCENARIO", "SHAPE_SEQUENCE", "JOBS", "SPEED", "ABILITIES", "SKILLS", "ROOM_ENV"]);
    assert_eq!(
        catalogue.iter().map(|game| game["levels"].clone()).collect::<Vec<_>>(),
        [json!(10), json!(12), json!(null), json!(8), json!(null), json!(null), json!(null)]
    );
    for (info, game) in catalogue.iter().zip(&GAMES) {
        let schemas = info["jsonSchemas"].as_object().unwrap();
        assert_eq!(schemas.keys().next_back().unwrap(), &info["schemaVersion"].to_string());
        let current = &schemas[&info["schemaVersion"].to_string()];
        for field in game.holds.iter().filter(|field| **field != "currentLevel") {
            assert_eq!(current[field]["$schema"], "https://json-schema.org/draft/2020-12/schema", "{field}");
            for example in current[*field]["examples"].as_array().unwrap() {
                let saved = game.save(&somebody, json!({ *field: example, "mode": "REPLACE" })).await;
                assert_eq!(&saved.data()["play"][*field], example, "{field}");
            }
        }
        assert_eq!(current.as_object().unwrap().len(), game.holds.iter().filter(|field| **field != "currentLevel").count());
    }
    let titled = |language| {
        let client = server.client().with_header("accept-language", language);
        async move { client.data("{ gameCatalogue { title } }").await["gameCatalogue"][2]["title"].clone() }
    };
    assert_eq!((titled("en").await, titled("fr").await), (json!("Jobs"), json!("Métiers")));
}
