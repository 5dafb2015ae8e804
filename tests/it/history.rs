//! The plays of one game by pages are those of all games, less the others: in the same order, from any cursor, both ways.

use serde_json::{Value, json};

use crate::harness::game::{GAMES, game};
use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(
    the_plays_of_one_game_come_in_the_order_of_all,
    a_page_of_people_has_the_plays_of_each,
    plays_of_an_older_version_are_brought_up_page_by_page,
    however_a_query_is_written_it_is_answered_alike
);

/// The edges of a part of somebody's plays.
async fn edges(client: &Client, arguments: &str) -> (Vec<(String, String)>, Value) {
    let query = format!(
        "{{ me {{ plays({arguments}) {{ edges {{ cursor node {{ id game }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}"
    );
    let plays = client.data(&query).await["me"]["plays"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let edges = plays["edges"].as_array().unwrap().iter();
    (edges.map(|edge| (text(&edge["cursor"]), text(&edge["node"]["game"]))).collect(), plays["pageInfo"].clone())
}

async fn the_plays_of_one_game_come_in_the_order_of_all(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for _ in 0..3 {
        for name in ["jobs", "scenario", "speed"] {
            game(name).save(&somebody, json!({ "newPlay": true })).await.data();
        }
    }
    // Most of them began in one moment, as they may have in what was imported.
    for name in ["jobs", "scenario", "speed"] {
        let table = format!("{name}_game_data");
        let moment = "SELECT MIN(date_created) FROM jobs_game_data";
        server.sql(&format!("UPDATE {table} SET date_created = ({moment}) WHERE id > (SELECT MIN(id) FROM {table})")).await;
    }
    let (all, _) = edges(&somebody, "first: 100").await;
    assert_eq!(all.len(), 9);
    for kind in ["JOBS", "SCENARIO", "SPEED", "SKILLS"] {
        let of_kind = |edges: &[(String, String)]| edges.iter().filter(|(_, game)| game == kind).cloned().collect::<Vec<_>>();
        let wanted = of_kind(&all);
        assert_eq!(edges(&somebody, &format!("game: {kind}, first: 100")).await.0, wanted);
        assert_eq!(edges(&somebody, &format!("game: {kind}, last: 100")).await.0, wanted);
        // From each cursor, also one of another game.
        for (place, (cursor, _)) in all.iter().enumerate() {
            let (after, before) = (of_kind(&all[place + 1..]), of_kind(&all[..place]));
            for (arguments, wanted) in [
                (format!("first: 100, after: \"{cursor}\""), &after[..]),
                (format!("last: 100, after: \"{cursor}\""), &after[..]),
                (format!("first: 100, before: \"{cursor}\""), &before[..]),
                (format!("last: 100, before: \"{cursor}\""), &before[..]),
                (format!("first: 1, after: \"{cursor}\""), &after[..after.len().min(1)]),
                (format!("last: 1, before: \"{cursor}\""), &before[before.len().saturating_sub(1)..]),
            ] {
                assert_eq!(edges(&somebody, &format!("game: {kind}, {arguments}")).await.0, wanted, "{kind} {arguments}");
            }
        }
    }
    let (_, info) = edges(&somebody, "game: JOBS, first: 2").await;
    assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(true), &json!(false)));
    let (rest, info) = edges(&somebody, &format!("game: JOBS, first: 2, after: {}", info["endCursor"])).await;
    assert_eq!((rest.len(), &info["hasNextPage"], &info["hasPreviousPage"]), (1, &json!(false), &json!(true)));
    let (_, info) = edges(&somebody, "game: JOBS, last: 2").await;
    assert_eq!((&info["hasNextPage"], &info["hasPreviousPage"]), (&json!(false), &json!(true)));
    let (_, info) = edges(&somebody, "game: JOBS, first: 0").await;
    assert_eq!((&info["hasNextPage"], &info["startCursor"]), (&json!(true), &Value::Null));
}

async fn a_page_of_people_has_the_plays_of_each(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    let mut wanted = vec![(admin.clone(), 0)];
    for count in [3, 0, 1] {
        let person = server.somebody().await;
        for level in 1..=count {
            let input = json!({ "newPlay": true, "currentLevel": level, "levelStats": { "1": { "wpm": level } } });
            game("speed").save(&person, input).await.data();
        }
        wanted.push((person, count));
    }
    let plays = |arguments: &str| {
        format!(
            "plays({arguments}) {{ nodes {{ id completion ... on SpeedGameData {{ currentLevel levelStats }} }} pageInfo {{ hasNextPage }} }}"
        )
    };
    let selection = format!("id two: {} last: {}", plays("game: SPEED, first: 2"), plays("game: SPEED, last: 1"));
    for list in [format!("nodes {{ {selection} }}"), format!("edges {{ node {{ {selection} }} }}")] {
        // With a variable, too, and by way of a fragment.
        let query = format!("query ($first: Int) {{ users(first: $first) {{ ... on UserConnection {{ {list} }} }} }}");
        let users = admin.send(&query, json!({ "first": 50 })).await.data()["users"].clone();
        let people = users["nodes"].as_array().or(users["edges"].as_array()).unwrap().clone();
        assert_eq!(people.len(), wanted.len());
        for (person, (client, count)) in people.iter().zip(&wanted) {
            let person = person.get("node").unwrap_or(person);
            // What the person sees of themselves.
            assert_eq!(*person, client.data(&format!("{{ me {{ {selection} }} }}")).await["me"]);
            assert_eq!(person["two"]["nodes"].as_array().unwrap().len(), (*count).min(2));
            assert_eq!(person["two"]["pageInfo"]["hasNextPage"], *count > 2);
            if *count > 0 {
                assert_eq!(person["two"]["nodes"][0]["currentLevel"], *count);
                assert_eq!(person["last"]["nodes"][0]["levelStats"], json!({ "1": { "wpm": 1 } }));
            }
        }
    }
    // What is not good is told where it stands, once for each person.
    let query = "query ($after: String) { users { nodes { id plays(game: SPEED, after: $after) { nodes { id } } } } }";
    let answer = admin.send(query, json!({ "after": "x" })).await;
    assert_eq!((&answer.codes()[..1], &answer.pointers()[..1]), (&["INVALID_INPUT"][..], &["/after"][..]));
}

async fn plays_of_an_older_version_are_brought_up_page_by_page(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for game in &GAMES {
        game.save(&somebody, json!({})).await.data();
    }
    server.sql("UPDATE scenario_game_data SET schema_version = 1, traits = '{\"esprit_equipe\": 4}'").await;
    let query = "{ me { plays(game: SCENARIO, first: 5) { nodes { schemaVersion ... on ScenarioGameData { traits } } }
        rooms: plays(game: ROOM_ENV) { nodes { ... on RoomEnvGameData { roomData } } } } }";
    let me = somebody.data(query).await["me"].clone();
    assert_eq!(me["plays"]["nodes"], json!([{ "schemaVersion": 2, "traits": { "espritEquipe": 4 } }]));
    // Stored sealed, given opened.
    assert_eq!(me["rooms"]["nodes"], json!([{ "roomData": [] }]));
}

/// What is loaded ahead, and resolved field by field, is what the library makes of the same query written in an unusual way.
async fn however_a_query_is_written_it_is_answered_alike(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    for name in ["speed", "jobs"] {
        let person = server.somebody().await;
        person.data("mutation { setPassions(passions: [\"vélo\", \"dessin\"]) { id } updateProfile(input: { lastName: \"Exemple\" }) { id } }").await;
        game(name).save(&person, json!({ "completion": 5 })).await.data();
    }
    let plain = "{ users { nodes { id isActive role { id roleName } detail { lastName age } passions { passionText order }
        plays(first: 5) { nodes { id completion user { username } ... on SpeedGameData { currentLevel levelStats } } } } } }";
    let unusual = "query ($yes: Boolean!) {
        users { nodes { ...Person isActive @include(if: $yes) isActive @skip(if: $yes) } nodes { id role { roleName __typename } } }
    }
    fragment Person on User {
        ... on Node { id } role { id } role { ... on Role { roleName roleName } }
        detail { ... { lastName } age } detail { lastName }
        passions { ...Passion } ...Plays
    }
    fragment Passion on UserPassion { passionText order @include(if: $yes) }
    fragment Plays on User {
        plays(first: 5) { nodes { ... on Node { id } ... on GameData { completion user { username } } ...Speed ... on SkillsGameData { revision } } }
        plays(first: 5) { nodes { id } }
    }
    fragment Speed on SpeedGameData { currentLevel levelStats currentLevel }";
    let wanted = admin.data(plain).await["users"]["nodes"].clone();
    assert_eq!(wanted[1]["plays"]["nodes"][0]["levelStats"], json!({}));
    assert_eq!(wanted[2]["detail"]["lastName"], "Exemple");
    let mut answered = admin.send(unusual, json!({ "yes": true })).await.data()["users"]["nodes"].clone();
    for person in answered.as_array_mut().unwrap() {
        assert_eq!(person["role"].as_object_mut().unwrap().remove("__typename"), Some(json!("Role")));
    }
    assert_eq!(answered, wanted);
}
