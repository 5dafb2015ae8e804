//! Invented people, loaded by the operator's command.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::{Client, Engine, Home, Server, on_both_engines};

on_both_engines!(
    who_is_loaded_is_signed_in_and_reads_what_was_loaded,
    a_sample_is_loaded_once,
    a_wrong_line_is_named_and_nobody_is_loaded,
);

fn tokens_file(home: &Home) -> PathBuf {
    home.folder.join("tokens")
}

/// Runs the command on these lines.
async fn load(home: &Home, lines: &str, options: &[&str]) -> (bool, String) {
    let (file, tokens) = (home.folder.join("people.jsonl"), tokens_file(home));
    std::fs::write(&file, lines).unwrap();
    let mut arguments = vec!["sample", "load", file.to_str().unwrap(), "--tokens", tokens.to_str().unwrap()];
    arguments.extend(options);
    let output = home.command(&arguments).env("LOG", "warn").output().await.unwrap();
    std::fs::remove_file(file).unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

fn lines(people: &[Value]) -> String {
    people.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// One with everything, one with nothing, one who is kept out, and an administrator.
fn people() -> Vec<Value> {
    let role = |name: &str| json!({ "roleName": name, "description": format!("Tells of {name}") });
    let created = "2024-02-29T08:15:30.5Z";
    vec![
        json!({
            "username": "first", "dateCreated": created, "onboardingComplete": true, "role": role("coach"),
            "detail": {
                "firstName": "Zoë-Invented", "lastName": "Sample-Person", "age": 31, "email": "First.Sample@example.org",
                "phoneNumber": "+33 6 00 00 00 00", "address": "1 rue du Modèle, 75000 Paris"
            },
            "avatar": { "avatarGender": "neutral", "avatarColor": "teal" },
            "passions": ["Music and stage lighting", "Animals and the sea"],
            "plays": {
                "scenario_game_data": [
                    { "currentLevel": 1, "completion": 12.5, "json": { "traits": { "b": 1, "a": 2 } } },
                    { "currentLevel": 4, "completion": 40.0, "json": { "traits": { "b": 5 }, "penalties": { "timeouts": 1 } } }
                ],
                "room_env_game_data": [
                    { "completion": 50, "json": { "roomData": [{ "commentary": "plenty of light" }] } },
                    { "completion": 60, "json": { "roomData": [{ "commentary": "rather too loud" }] } }
                ]
            }
        }),
        json!({ "dateCreated": created, "role": role("user") }),
        json!({ "username": "third", "dateCreated": created, "isActive": false, "role": role("user") }),
        json!({ "username": "fourth", "dateCreated": created, "role": role("admin") }),
    ]
}

/// The people as clients, in their order.
fn clients(server: &Server) -> Vec<Client> {
    let tokens = std::fs::read_to_string(tokens_file(&server.home)).unwrap();
    tokens.lines().for_each(|token| server.note_secret(token));
    tokens.lines().map(|token| server.client().with_token(Some(token))).collect()
}

async fn who_is_loaded_is_signed_in_and_reads_what_was_loaded(engine: Engine) {
    let home = Arc::new(Home::empty(engine).await);
    home.personal.note_all(&json!(people()));
    let (went, printed) = load(&home, &lines(&people()), &["--token-hours", "1"]).await;
    assert!(went && printed.contains("Loaded 4 people"), "{printed}");
    assert_eq!(std::fs::metadata(tokens_file(&home)).unwrap().permissions().mode() & 0o777, 0o600);
    let server = Server::start_on(home.clone(), &[]).await;
    let clients = clients(&server);
    let [first, second, third, fourth] = clients.as_slice() else { panic!("{} tokens", clients.len()) };

    let me = "{ me { username dateCreated isActive onboardingComplete isPasskey mustAcceptTerms role { roleName description }
        detail { firstName lastName age email emailVerified phoneNumber address hasPassword }
        avatar { avatarGender avatarAccessories avatarColor } passions { passionText order }
        scenarioGame { currentLevel completion traits penalties revision schemaVersion } jobsGame { id } roomEnvGame { completion roomData }
        plays { nodes { ... on ScenarioGameData { traits } ... on RoomEnvGameData { roomData } } } sessions { device isCurrent } } }";
    let expected = json!({
        "username": "first", "dateCreated": "2024-02-29T08:15:30.500+00:00", "isActive": true, "onboardingComplete": true,
        "isPasskey": false, "mustAcceptTerms": false, "role": { "roleName": "coach", "description": "Tells of coach" },
        "detail": {
            "firstName": "Zoë-Invented", "lastName": "Sample-Person", "age": 31, "email": "First.Sample@example.org",
            "emailVerified": true, "phoneNumber": "+33 6 00 00 00 00", "address": "1 rue du Modèle, 75000 Paris", "hasPassword": false
        },
        "avatar": { "avatarGender": "neutral", "avatarAccessories": null, "avatarColor": "teal" },
        "passions": [
            { "passionText": "Music and stage lighting", "order": 1 }, { "passionText": "Animals and the sea", "order": 2 }
        ],
        "scenarioGame": {
            "currentLevel": 4, "completion": 40.0, "traits": { "b": 5 }, "penalties": { "timeouts": 1 }, "revision": 1,
            "schemaVersion": 2
        },
        "jobsGame": null,
        "roomEnvGame": { "completion": 60.0, "roomData": [{ "commentary": "rather too loud" }] },
        "plays": { "nodes": [
            { "traits": { "b": 5 } }, { "traits": { "b": 1, "a": 2 } },
            { "roomData": [{ "commentary": "rather too loud" }] }, { "roomData": [{ "commentary": "plenty of light" }] }
        ] },
        "sessions": [{ "device": "sample", "isCurrent": true }]
    });
    assert_eq!(first.data(me).await["me"], expected);
    // They go on from there as anybody does.
    let saved = first.data(r"mutation { saveScenarioGame(input: { traits: { a: 1 } }) { traits revision } }").await;
    assert_eq!(saved["saveScenarioGame"], json!({ "traits": { "b": 5, "a": 1 }, "revision": 2 }));
    let bare = second.data("{ me { username avatar { avatarColor } passions { order } detail { email firstName } } }").await;
    let nothing = json!({ "email": null, "firstName": null });
    assert_eq!(bare["me"], json!({ "username": null, "avatar": null, "passions": [], "detail": nothing }));
    assert_eq!(third.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    let everybody = fourth.data("{ users(first: 10) { nodes { username } } }").await;
    let names: Vec<_> = everybody["users"]["nodes"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect();
    assert_eq!(names, [json!("first"), Value::Null, json!("third"), json!("fourth")]);
    drop(server);

    // The tokens end when they were told to.
    let server = Server::start_on(home, &[("CLOCK_OFFSET", "3601")]).await;
    assert_eq!(self::clients(&server)[0].send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
}

async fn a_sample_is_loaded_once(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let (went, printed) = load(&home, &lines(&people()[1..2]), &[]).await;
    assert!(went, "{printed}");
    let (went, printed) = load(&home, &lines(&people()), &[]).await;
    assert!(!went && printed.contains("has people already"), "{printed}");
    // The tokens of who is there are still theirs.
    let server = Server::start_on(home, &[]).await;
    let clients = clients(&server);
    assert_eq!(clients.len(), 1);
    assert!(clients[0].data("{ me { id } }").await["me"]["id"].is_string());
}

async fn a_wrong_line_is_named_and_nobody_is_loaded(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // More than are written at once come before it.
    let good = lines(&vec![people()[1].clone(); 250]);
    let mut wrong = people()[1].clone();
    wrong["plays"] = json!({ "jobs_game_data": [{ "json": { "jobs": {} } }] });
    for (line, told) in [
        (wrong.to_string(), "Line 251 of the sample: a play of jobs_game_data has no field jobs"),
        (
            r#"{"dateCreated":"2024-01-01T00:00:00Z","role":{"roleName":"user","description":""},"plays":{"chess":[]}}"#.into(),
            "chess is no table",
        ),
        (r#"{"dateCreated":"2024-01-01T00:00:00Z"}"#.to_owned(), "missing field `role`"),
    ] {
        let (went, printed) = load(&home, &format!("{good}\n{line}"), &[]).await;
        assert!(!went && printed.contains(told), "{printed}");
    }
    assert!(!tokens_file(&home).exists());
    let server = Server::start_on(home, &[]).await;
    assert!(server.sql("SELECT username FROM users").await.is_empty());
}
