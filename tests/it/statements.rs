//! What a screen costs: at most one statement a relation, for one person and for a page of fifty alike, and six for the page that
//! administrators work with.

use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(
    one_statement_a_relation,
    people_with_their_plays_cost_six,
    the_history_of_a_page_costs_the_same,
    a_save_costs_the_same_however_many_plays_there_were
);

/// Eleven relations; the twelfth is the person.
const RELATIONS: &str = "username role { roleName } detail { firstName } avatar { avatarColor } passions { passionText }
    scenarioGame { traits } shapeSequenceGame { levelResults } jobsGame { jobChoices } speedGame { levelStats }
    abilitiesGame { skillAssessment } skillsGame { skillsAssessment } roomEnvGame { roomData }";

const FILL: &str = r#"mutation ($results: JSON!, $stats: JSON!) {
    updateProfile(input: { firstName: "Camille" }) { id }
    setAvatar(input: { avatarColor: "vert" }) { avatarColor }
    setPassions(passions: ["vélo", "dessin"]) { id }
    saveScenarioGame(input: { traits: { empathie: 1 } }) { id }
    saveShapeSequenceGame(input: { levelResults: $results }) { id }
    saveJobsGame(input: { jobChoices: { Fleuriste: "like" } }) { id }
    saveSpeedGame(input: { levelStats: $stats }) { id }
    saveAbilitiesGame(input: { skillAssessment: { Strong: ["Patience"] } }) { id }
    saveSkillsGame(input: { skillsAssessment: { Strong: { Dessin: {} } } }) { id }
    saveRoomEnvGame(input: { roomData: [{ room: "Focus Room" }] }) { id }
}"#;

async fn fill(person: &Client) {
    person.send(FILL, json!({ "results": { "1": true }, "stats": { "1": { "wpm": 1 } } })).await.data();
}

async fn one_statement_a_relation(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    fill(&somebody).await;

    let answer = somebody.send(&format!("{{ me {{ {RELATIONS} }} }}"), Value::Null).await;
    assert_eq!(answer.data()["me"]["roomEnvGame"]["roomData"], json!([{ "room": "Focus Room" }]));
    let statements = server.statements(&answer).await;
    // The viewer with all that is asked of them.
    assert_eq!(statements.len(), 1, "{statements:#?}");

    for _ in 1..50 {
        fill(&server.somebody().await).await;
    }
    let admin = server.admin().await;
    let page = format!("{{ users(first: 50) {{ nodes {{ {RELATIONS} }} }} }}");
    let first = admin.send(&page, Value::Null).await;
    // That the administrator looks at them today is written down once, by one statement for all.
    let statements = server.statements(&first).await;
    assert_eq!(statements.iter().filter(|text| text.starts_with("INSERT")).count(), 1, "{statements:#?}");
    assert_eq!(statements.len(), 12, "{statements:#?}");
    let answer = admin.send(&page, Value::Null).await;
    let people = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(people.len(), 50);
    for person in people {
        assert_eq!(person["jobsGame"]["jobChoices"], json!({ "Fleuriste": "like" }));
        assert_eq!(person["passions"], json!([{ "passionText": "vélo" }, { "passionText": "dessin" }]));
    }
    let statements = server.statements(&answer).await;
    // The viewer (1), the page with roles and details (1), and the other nine above.
    assert_eq!(statements.len(), 11, "{statements:#?}");
}

/// What an administrator sees of fifty people at once.
const PEOPLE: &str = "query Page { page: users(first: 50) { nodes { id username role { roleName } detail { firstName lastName }
    passions { passionText order }
    scenarios: plays(game: SCENARIO, first: 10) { nodes { ... on ScenarioGameData { id currentLevel completion traits penalties } } }
    shapes: plays(game: SHAPE_SEQUENCE, first: 10) { nodes { ... on ShapeSequenceGameData { id currentLevel completion levelResults } } }
} } }";

async fn people_with_their_plays_cost_six(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..12 {
        fill(&server.somebody().await).await;
    }
    let admin = server.admin().await;
    let first = admin.send(PEOPLE, Value::Null).await;
    let people = first.data()["page"]["nodes"].as_array().unwrap();
    assert_eq!(people.len(), 13);
    for person in &people[..12] {
        assert_eq!((&person["role"]["roleName"], &person["detail"]["firstName"]), (&json!("user"), &json!("Camille")));
        assert_eq!(person["passions"][1], json!({ "passionText": "dessin", "order": 2 }));
        assert_eq!(person["scenarios"]["nodes"][0]["traits"], json!({ "empathie": 1 }));
        assert_eq!(person["shapes"]["nodes"][0]["levelResults"], json!({ "1": true }));
    }
    let statements = server.statements(&first).await;
    // The viewer, the people with roles and details, that they are looked at, passions, and the plays of each game.
    assert_eq!(statements.len(), 6, "{statements:#?}");
    let place = |word: &str| statements.iter().position(|text| text.contains(word));
    assert!(place("INSERT") < place("user_passions"), "written down before anything is read of them: {statements:#?}");
    let again = server.statements(&admin.send(PEOPLE, Value::Null).await).await;
    assert_eq!(again.len(), 5, "{again:#?}");
    // However deep in the document the people are, and by whichever name.
    let edges = PEOPLE.replace("nodes { id username", "edges { node { ...Person } } } } fragment Person on User { id username");
    let edges = edges.trim_end().strip_suffix("} }").unwrap().to_owned();
    let answer = admin.send(&edges, Value::Null).await;
    assert_eq!(answer.data()["page"]["edges"][3]["node"], people[3]);
    assert_eq!(server.statements(&answer).await.len(), 5);
}

async fn the_history_of_a_page_costs_the_same(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..10 {
        fill(&server.somebody().await).await;
    }
    let admin = server.admin().await;
    admin.look_at_everybody().await;
    let query = "{ users(first: 50) { nodes { plays(first: 10) { nodes { id user { username } ... on JobsGameData { jobChoices } } } } } }";
    let answer = admin.send(query, Value::Null).await;
    let people = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(people.iter().map(|person| person["plays"]["nodes"].as_array().unwrap().len()).sum::<usize>(), 70);
    let statements = server.statements(&answer).await;
    // The viewer, the page, the history, the plays of each game; the people they belong to are those of the page.
    assert_eq!(statements.len(), 1 + 1 + 1 + 7, "{statements:#?}");
}

/// Puts as many plays of workplace scenarios before those of this person, the only one, each saved under an id.
pub async fn play_before(server: &Server, count: usize) {
    let numbers =
        format!("WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {count})");
    let traits = json!({ "empathie": 1, "patience": 2 });
    server
        .sql(&format!(
            "{numbers} INSERT INTO scenario_game_data
            (user_id, current_level, completion, traits, penalties, schema_version, revision, date_created, date_updated)
            SELECT users.id, 1, 50.0, '{traits}', '{{}}', 2, 1, users.date_created, users.date_created FROM users, numbers"
        ))
        .await;
    let saves = "INSERT INTO saves SELECT user_id, 'earlier ' || id, 1, id, 'hash', date_created FROM scenario_game_data";
    server.sql(saves).await;
}

async fn a_save_costs_the_same_however_many_plays_there_were(engine: Engine) {
    let mut costs = Vec::new();
    for plays in [1, 100, 10_000] {
        let server = Server::start(engine).await;
        let somebody = server.somebody().await;
        play_before(&server, plays).await;
        let newest = game("scenario").newest(&somebody).await["id"].clone();
        let input = json!({ "saveId": "s", "traits": { "audace": 1 }, "expectedRevision": 1 });
        let answer = game("scenario").save(&somebody, input).await;
        assert_eq!(answer.data()["play"]["id"], newest);
        costs.push(server.statements(&answer).await);
        // The newest play, and the history, are the first that an index leads to.
        let explain = if engine == Engine::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
        for order in ["id DESC LIMIT 1", "date_created DESC, id DESC LIMIT 20"] {
            let plan = format!("SELECT * FROM scenario_game_data WHERE user_id = (SELECT MAX(id) FROM users) ORDER BY {order}");
            let plan = server.plan(&format!("{explain} {plan}")).await;
            // For a handful of rows PostgreSQL reads the table, which is as good.
            let reads_all =
                ["TEMP B-TREE", "SCAN scenario_game_data", "Sort", "Seq Scan on scenario"].iter().any(|word| plan.contains(word));
            assert!(!reads_all || plays < 1_000, "{plan}");
        }
    }
    // Who saves, the id and the newest play; the play and the id written, on PostgreSQL by one statement.
    let counted = costs[0].iter().filter(|text| !["BEGIN", "COMMIT"].iter().any(|word| text.starts_with(word))).count();
    assert_eq!(counted, if engine == Engine::Sqlite { 3 } else { 2 }, "{:#?}", costs[0]);
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:#?}");
}
