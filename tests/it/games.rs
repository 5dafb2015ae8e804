//! Saving, resuming and reading plays.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(
    a_save_merges_or_replaces,
    numbers_come_back_as_they_were_sent,
    what_is_left_out_stays,
    a_new_play_leaves_the_earlier_ones,
    a_save_that_builds_on_another_revision_is_refused,
    two_saves_at_once_lose_nothing,
    a_first_save_at_once_makes_one_play,
    what_is_not_valid_is_refused_and_changes_nothing,
    the_history_is_read_in_pages_both_ways,
    a_play_is_deleted_by_its_owner,
    later_fields_of_a_request_see_what_earlier_ones_wrote
);

async fn save(client: &Client, input: Value) -> Answer {
    let query = "mutation ($input: SaveScenarioGameInput!) {
        play: saveScenarioGame(input: $input) { id currentLevel completion traits penalties revision schemaVersion }
    }";
    client.send(query, json!({ "input": input })).await
}

async fn a_save_merges_or_replaces(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    save(&somebody, json!({ "traits": { "b": 1, "a": 2 } })).await.data();
    let merged = save(&somebody, json!({ "traits": { "a": null, "c": 3 } })).await;
    assert_eq!(merged.data()["play"]["traits"].to_string(), r#"{"b":1,"c":3}"#);
    let replaced = save(&somebody, json!({ "traits": { "z": 1 }, "mode": "REPLACE" })).await;
    assert_eq!(replaced.data()["play"]["traits"], json!({ "z": 1 }));
    assert_eq!(replaced.data()["play"]["revision"], 3);
}

async fn numbers_come_back_as_they_were_sent(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let mut numbers = vec![
        "0",
        "-1",
        "1.0",
        "37.5",
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
        "31.245270191439438",
        "5e-324",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    // Doubles of every size, from a fixed sequence.
    let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
    while numbers.len() < 2000 {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = f64::from_bits(bits);
        // Greater ones are refused.
        if number.abs() < 9.2e18 {
            numbers.push(Value::from(number).to_string());
        }
    }
    let sent = format!(r#"[{{"room":"Focus Room","more":[{}]}}]"#, numbers.join(","));
    let query = "mutation ($data: JSON) { saveRoomEnvGame(input: { roomData: $data }) { roomData } }";
    let body = format!(r#"{{"query":"{query}","variables":{{"data":{sent}}}}}"#);
    let request = somebody
        .raw(reqwest::Method::POST, "/graphql")
        .header("content-type", "application/json")
        .bearer_auth(somebody.access_token.as_ref().unwrap());
    let answer = crate::harness::client::answer(request.body(body)).await;
    assert!(answer.text.contains(&sent), "{}", &answer.text[..300]);
}

async fn what_is_left_out_stays(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    save(&somebody, json!({ "currentLevel": 4, "completion": 12.5, "traits": { "a": 1 }, "penalties": { "timeouts": 1 } }))
        .await
        .data();
    let again = save(&somebody, json!({ "completion": 25 })).await;
    let play = &again.data()["play"];
    assert_eq!((&play["currentLevel"], &play["completion"]), (&json!(4), &json!(25.0)));
    assert_eq!((&play["traits"], &play["penalties"]), (&json!({ "a": 1 }), &json!({ "timeouts": 1 })));
}

async fn a_new_play_leaves_the_earlier_ones(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let first = save(&somebody, json!({ "completion": 100, "traits": { "a": 1 } })).await.data()["play"]["id"].clone();
    let second = save(&somebody, json!({ "newPlay": true, "currentLevel": 1 })).await.data()["play"].clone();
    assert_ne!(first, second["id"]);
    assert_eq!((&second["completion"], &second["traits"], &second["revision"]), (&json!(0.0), &json!({}), &json!(1)));
    let me = somebody.data("{ me { scenarioGame { id } plays(game: SCENARIO) { nodes { id } } } }").await["me"].clone();
    assert_eq!(me["scenarioGame"]["id"], second["id"]);
    assert_eq!(me["plays"]["nodes"], json!([{ "id": second["id"] }, { "id": first }]));
}

async fn a_save_that_builds_on_another_revision_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    save(&somebody, json!({ "expectedRevision": 0, "traits": { "a": 1 } })).await.data();
    save(&somebody, json!({ "expectedRevision": 1, "traits": { "b": 1 } })).await.data();
    let refused = save(&somebody, json!({ "expectedRevision": 1, "traits": { "a": null } })).await;
    assert_eq!(refused.codes(), ["CONFLICT"]);
    assert_eq!(refused.body["errors"][0]["extensions"]["storedRevision"], 2);
    assert_eq!(
        somebody.data("{ me { scenarioGame { traits } } }").await["me"]["scenarioGame"]["traits"],
        json!({ "a": 1, "b": 1 })
    );
}

async fn two_saves_at_once_lose_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let saves: Vec<_> = (0..24)
        .map(|number| {
            let somebody = somebody.clone();
            tokio::spawn(
                async move { save(&somebody, json!({ "traits": { format!("key{number}"): number } })).await.data().clone() },
            )
        })
        .collect();
    for done in saves {
        done.await.unwrap();
    }
    let play = somebody.data("{ me { scenarioGame { traits revision } } }").await["me"]["scenarioGame"].clone();
    assert_eq!(play["traits"].as_object().unwrap().len(), 24);
    assert_eq!(play["revision"], 24);
}

async fn a_first_save_at_once_makes_one_play(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let (one, two) =
        tokio::join!(save(&somebody, json!({ "traits": { "a": 1 } })), save(&somebody, json!({ "traits": { "b": 1 } })));
    assert_eq!(one.data()["play"]["id"], two.data()["play"]["id"]);
}

async fn what_is_not_valid_is_refused_and_changes_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    save(&somebody, json!({ "currentLevel": 1, "completion": 1, "traits": { "a": 1 } })).await.data();
    let before = somebody.data("{ me { scenarioGame { currentLevel completion traits revision } } }").await;
    let cases = [
        (json!({ "currentLevel": -1 }), "/currentLevel"),
        (json!({ "completion": 100.01 }), "/completion"),
        (json!({ "completion": -0.5 }), "/completion"),
        (json!({ "traits": [1] }), "/traits"),
        (json!({ "traits": "text" }), "/traits"),
        (json!({ "traits": null }), "/traits"),
        (json!({ "currentLevel": null }), "/currentLevel"),
        (
            serde_json::from_str(&format!(r#"{{ "traits": {{ "a": {}{} }} }}"#, "[".repeat(16), "]".repeat(16))).unwrap(),
            "/traits",
        ),
        (json!({ "newPlay": true, "expectedRevision": 3 }), "/expectedRevision"),
        (json!({ "traits": { "a": "nul \u{0}" } }), "/traits/a"),
        (json!({ "traits": { "a": "x".repeat(65_536) } }), "/traits/a"),
    ];
    for (input, pointer) in cases {
        let answer = save(&somebody, input.clone()).await;
        assert_eq!((answer.codes(), answer.pointers()), (vec!["INVALID_INPUT"], vec![pointer]), "{input}");
    }
    let several = save(&somebody, json!({ "currentLevel": -1, "completion": 101 })).await;
    assert_eq!(several.pointers(), ["/currentLevel", "/completion"]);
    // A field that is not there is told, not dropped: what was meant to be saved would be lost.
    let unknown = save(&somebody, json!({ "current_level": 2 })).await;
    assert_eq!(unknown.codes(), ["INVALID_INPUT"]);
    let passed_through = save(&somebody, json!({ "traits": { "deep": { "$serde_json::private::RawValue": "[1]" } } })).await;
    assert_eq!(passed_through.codes(), ["INVALID_INPUT"]);
    assert_eq!(somebody.data("{ me { scenarioGame { currentLevel completion traits revision } } }").await, before);
}

async fn the_history_is_read_in_pages_both_ways(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for _ in 0..4 {
        somebody
            .data("mutation { saveScenarioGame(input: { newPlay: true }) { id } saveJobsGame(input: { newPlay: true }) { id } saveSpeedGame(input: { newPlay: true }) { id } }")
            .await;
    }
    let page = |arguments: String| {
        let somebody = &somebody;
        async move {
            let query = format!(
                "{{ me {{ plays({arguments}) {{ edges {{ cursor node {{ id game }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
            );
            somebody.data(&query).await["me"]["plays"].clone()
        }
    };
    let ids = |page: &Value| {
        page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let whole = page("first: 100".to_owned()).await;
    let all = ids(&whole);
    assert_eq!(all.len(), 12);
    let newest = somebody.data("{ me { speedGame { id } } }").await["me"]["speedGame"]["id"].as_str().unwrap().to_owned();
    assert_eq!(all[0], newest, "the newest first");

    let (mut forwards, mut after) = (Vec::new(), String::new());
    loop {
        let part = page(format!("first: 5{after}")).await;
        forwards.extend(ids(&part));
        if part["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", part["pageInfo"]["endCursor"]);
    }
    assert_eq!(forwards, all);
    let (mut backwards, mut before) = (Vec::new(), String::new());
    loop {
        let part = page(format!("last: 5{before}")).await;
        backwards.splice(0..0, ids(&part));
        if part["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
        before = format!(", before: {}", part["pageInfo"]["startCursor"]);
    }
    assert_eq!(backwards, all);
    assert_eq!(page("first: 100, game: JOBS".to_owned()).await["edges"].as_array().unwrap().len(), 4);
    // What comes meanwhile shifts nothing.
    let first = page("first: 3".to_owned()).await;
    somebody.data("mutation { saveJobsGame(input: { newPlay: true }) { id } }").await;
    assert_eq!(ids(&page(format!("first: 3, after: {}", first["pageInfo"]["endCursor"])).await), all[3..6]);

    for (arguments, pointer) in [
        ("first: -1", "/first"),
        ("first: 101", "/first"),
        ("first: 1, last: 1", "/last"),
        ("after: \"x\"", "/after"),
        ("after: \"LTgwMDAwMDAwMDAwMDAwMDAwMDA6MTox\"", "/after"),
    ] {
        let answer = somebody.send(&format!("{{ me {{ plays({arguments}) {{ nodes {{ id }} }} }} }}"), Value::Null).await;
        assert_eq!((answer.codes(), answer.pointers()), (vec!["INVALID_INPUT"], vec![pointer]), "{arguments}");
    }
}

async fn a_play_is_deleted_by_its_owner(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let id = save(&somebody, json!({})).await.data()["play"]["id"].clone();
    let delete = format!("mutation {{ deletePlay(id: {id}) }}");
    assert_eq!(somebody.data(&delete).await["deletePlay"], true);
    assert_eq!(somebody.data("{ me { scenarioGame { id } } }").await["me"]["scenarioGame"], Value::Null);
    assert_eq!(somebody.send(&delete, Value::Null).await.codes(), ["NOT_FOUND"]);
    for other in ["\"\"", "\"VXNlcjox\"", "\"nonsense\""] {
        assert_eq!(somebody.send(&format!("mutation {{ deletePlay(id: {other}) }}"), Value::Null).await.codes(), ["NOT_FOUND"]);
    }
}

async fn later_fields_of_a_request_see_what_earlier_ones_wrote(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let data = somebody
        .data(
            r#"mutation {
            a: updateProfile(input: {}) { passions { passionText } jobsGame { revision } }
            b: setPassions(passions: ["vélo"]) { id }
            c: saveJobsGame(input: { completion: 5 }) { user { passions { passionText } jobsGame { revision } } }
        }"#,
        )
        .await;
    let renamed =
        r#"mutation { updateProfile(input: { username: "neuf" }) { plays(first: 1) { nodes { user { username } } } } }"#;
    let renamed = somebody.data(renamed).await;
    assert_eq!(renamed["updateProfile"]["plays"]["nodes"][0]["user"]["username"], "neuf");
    assert_eq!(data["a"], json!({ "passions": [], "jobsGame": null }));
    assert_eq!(data["c"]["user"], json!({ "passions": [{ "passionText": "vélo" }], "jobsGame": { "revision": 1 } }));
}

/// The recipe in `entity::game` keeps its word: an eighth game costs two short files and a line here and there. What is read out of
/// its answers (`insights`) is not counted: a game can do without.
#[test]
fn an_eighth_game_costs_little() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut own, mut elsewhere) = (0, 0);
    let mut folders = vec![root.join("crates"), root.join("migration")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.to_string_lossy().contains("insights")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                if path.ends_with("game/jobs.rs") {
                    own += text.lines().count();
                } else {
                    elsewhere += text.lines().filter(|line| line.contains("jobs") || line.contains("Jobs")).count();
                }
            }
        }
    }
    println!("a game costs {own} lines of its own and is named in {elsewhere} lines elsewhere");
    assert!((80..=110).contains(&own), "{own} lines of its own");
    assert!((20..=35).contains(&elsewhere), "named in {elsewhere} lines elsewhere");
}
