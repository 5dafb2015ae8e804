//! What `me` is going to be asked for comes with the person, by one statement; what was not foreseen is loaded, relation by relation.
//! Both say the same.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(what_is_foreseen_is_what_is_loaded, what_does_not_open_is_told_where_it_stands, many_at_once_each_get_their_own);

const SCREEN: &str = r"id username dateCreated lastLogin role { id roleName description }
    detail { firstName lastName age phoneNumber address email emailVerified hasPassword pendingEmail }
    avatar { avatarGender avatarAccessories avatarColor avatarPassions avatarExpression } passions { id passionText order }
    scenarioGame { ...P currentLevel traits penalties } ...Games shape: shapeSequenceGame { ...P currentLevel levelResults }";
const FRAGMENTS: &str = r"fragment P on GameData { id game completion schemaVersion revision dateCreated dateUpdated user { username } }
    fragment Games on User { jobsGame { ...P jobChoices } speedGame { ...P currentLevel levelStats } abilitiesGame { ...P skillAssessment }
        ... on User { skillsGame { ...P skillsAssessment } roomEnvGame { ...P roomData } } }";

/// The screen foreseen, and loaded: who it is has been found out there before `me` is looked at.
async fn both(server: &Server, person: &Client) -> [Value; 2] {
    let foreseen = person.send(&format!("{{ me {{ {SCREEN} }} }} {FRAGMENTS}"), Value::Null).await;
    let loaded = person.send(&format!("{{ first: me {{ id }} me {{ {SCREEN} }} }} {FRAGMENTS}"), Value::Null).await;
    let said = [&foreseen, &loaded].map(|answer| answer.data()["me"].clone());
    assert_eq!(server.statements(&foreseen).await.len(), 1, "{:#?}", server.statements(&foreseen).await);
    assert_eq!(server.statements(&loaded).await.len(), 11, "{:#?}", server.statements(&loaded).await);
    said
}

async fn what_is_foreseen_is_what_is_loaded(engine: Engine) {
    let server = Server::start(engine).await;
    let newcomer = server.newcomer().await;
    let [foreseen, loaded] = both(&server, &newcomer).await;
    assert_eq!(foreseen, loaded);
    assert_eq!((&foreseen["passions"], &foreseen["avatar"], &foreseen["roomEnvGame"]), (&json!([]), &Value::Null, &Value::Null));

    let somebody = server.somebody().await;
    let save = r#"mutation ($traits: JSON!, $results: JSON!, $stats: JSON!, $jobs: JSON!, $completion: Float!) {
        updateProfile(input: { username: "É \"\\ 🦊", firstName: "Zoë\n\"", lastName: "O'Neil", age: 17, phoneNumber: "+33", address: "1 rue\\" }) { id }
        setAvatar(input: { avatarColor: "vert", avatarPassions: "[\"a\"]" }) { avatarColor }
        setPassions(passions: ["vélo, \"dessin\"", "a\\b", "🦊"]) { id }
        older: saveScenarioGame(input: { completion: 1, traits: { audace: 1 } }) { id }
        saveScenarioGame(input: { newPlay: true, completion: $completion, currentLevel: 7, traits: $traits }) { id }
        saveShapeSequenceGame(input: { completion: 100, levelResults: $results }) { id }
        saveJobsGame(input: { jobChoices: $jobs }) { id }
        saveSpeedGame(input: { levelStats: $stats }) { id }
        saveAbilitiesGame(input: { skillAssessment: { Strong: ["Patience"] } }) { id }
        saveSkillsGame(input: { skillsAssessment: { Strong: { Dessin: {} } } }) { id }
        saveRoomEnvGame(input: { roomData: [{ room: "Focus Room", userFeedback: "trop de \"bruit\"" }] }) { id }
    }"#;
    // A number of 17 digits, which JSON of SQLite's own making would round.
    let completion = 33.333_333_333_333_336;
    let values = json!({
        "traits": { "empathie": 3, "patience": 2 }, "results": { "1": true }, "completion": completion, "jobs": { "Fleuriste": "like", "L'\"art\" \\ 🦊": "dislike" },
        "stats": { "1": { "wpm": 0.1, "accuracy": 98.765_432_101_234_57, "text": "\u{1}\t\"/é\u{2028}🦊" } },
    });
    somebody.send(save, values).await.data();
    // One from before traits were renamed.
    server.sql("UPDATE scenario_game_data SET schema_version = 1, traits = '{\"ecoute_active\":3,\"b\":1.0}' WHERE current_level = 7").await;
    let [foreseen, loaded] = both(&server, &somebody).await;
    assert_eq!(foreseen, loaded);
    assert_eq!(foreseen["scenarioGame"]["completion"], json!(completion));
    assert_eq!(foreseen["scenarioGame"]["traits"].to_string(), r#"{"ecouteActive":3,"b":1.0}"#);
    assert_eq!(foreseen["detail"]["firstName"], "Zoë\n\"");
    assert_eq!(foreseen["passions"].as_array().unwrap().len(), 3);
    assert_eq!(foreseen["detail"]["emailVerified"], false, "the address waits to be verified, in a row of its own");
    assert!(foreseen["detail"]["email"].as_str().unwrap().contains('@'));
}

async fn what_does_not_open_is_told_where_it_stands(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody.data("mutation { updateProfile(input: { firstName: \"Zoë\", lastName: \"Roy\" }) { id } }").await;
    server.sql("UPDATE user_details SET first_name = 'enc1:tests:damaged'").await;
    let answer = somebody.send("{ me { username detail { lastName } broken: detail { firstName } } }", Value::Null).await;
    assert_eq!(answer.codes(), ["INTERNAL"]);
    assert_eq!(server.statements(&answer).await.len(), 1);
    let answer = somebody.data("{ me { detail { lastName } } }").await;
    assert_eq!(answer["me"]["detail"]["lastName"], "Roy");
}

/// Those who ask at the same moment share statements: nobody gets what is another one's, nobody who has signed out gets in along with
/// others, and who breaks off leaves nobody waiting.
async fn many_at_once_each_get_their_own(engine: Engine) {
    let server = Server::start(engine).await;
    let mut people = Vec::new();
    for number in 0..12 {
        let person = server.somebody().await;
        let save =
            "mutation ($name: String!, $traits: JSON!) { updateProfile(input: { username: $name, firstName: $name }) { id }
            saveScenarioGame(input: { traits: $traits }) { id } }";
        let name = format!("person-{number}");
        person.send(save, json!({ "name": name, "traits": { "audace": number } })).await.data();
        people.push((number, name, person));
    }
    let gone = people.pop().unwrap().2;
    gone.data("mutation { signOut }").await;
    let nobody = server.client().with_token(Some("not.a.token"));
    let everybody = Arc::new((people, gone, nobody));
    let screens = [
        "{ me { username } }",
        "{ me { username detail { firstName } } }",
        "{ me { username scenarioGame { traits } detail { firstName } } }",
        "{ me { username scenarioGame { traits } passions { passionText } } }",
    ];
    let mut asked = JoinSet::new();
    for place in 0..400_usize {
        let (everybody, query) = (everybody.clone(), screens[place % screens.len()]);
        asked.spawn(async move {
            let (people, gone, nobody) = &*everybody;
            match place % 10 {
                7 => assert_eq!(gone.send(query, Value::Null).await.codes(), ["UNAUTHENTICATED"]),
                8 => assert_eq!(nobody.send(query, Value::Null).await.codes(), ["UNAUTHENTICATED"]),
                9 => {
                    let (_, _, person) = &people[place % people.len()];
                    let _ = tokio::time::timeout(Duration::from_micros(300), person.send(query, Value::Null)).await;
                }
                _ => {
                    let (number, name, person) = &people[place % people.len()];
                    let me = person.data(query).await["me"].clone();
                    assert_eq!(me["username"], **name);
                    assert!(me["detail"].is_null() || me["detail"]["firstName"] == **name, "{me}");
                    assert!(me["scenarioGame"].is_null() || me["scenarioGame"]["traits"] == json!({ "audace": number }), "{me}");
                }
            }
        });
    }
    asked.join_all().await;
    if engine == Engine::Postgres {
        let log = server.log();
        let shared = log.lines().filter(|line| line.contains("FROM asked CROSS JOIN LATERAL")).count();
        assert!((1..300).contains(&shared), "{shared} statements for 320 people who were let in or not");
    }
    assert_eq!(everybody.0[0].2.data("{ me { username } }").await["me"]["username"], "person-0");
}
