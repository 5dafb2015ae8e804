//! The list of people for administrators, and counts over everybody.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::{Client, Engine, Server, on_both_engines, unique_email};

on_both_engines!(people_are_found_by_what_is_known_of_them, statistics_count_and_tell_of_nobody, lists_say_how_long_they_are);

const PAGE: &str = "query ($filter: UserFilter, $orderBy: UserOrder, $first: Int, $after: String) {
    users(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
        totalCount nodes { username } pageInfo { hasNextPage endCursor }
    }
}";

async fn named(server: &Server, username: &str, email: &str) -> Client {
    let person = server.client().sign_up(email).await;
    let update = "mutation ($username: String) { updateProfile(input: { username: $username }) { id } }";
    person.send(update, json!({ "username": username })).await.data();
    person
}

async fn people_are_found_by_what_is_known_of_them(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    let claimed = unique_email("Claimed");
    named(&server, "Zélie", &claimed).await;
    let (verified, email) = crate::unverified_detail::verified(&server, "verified").await;
    verified.data("mutation { updateProfile(input: { username: \"zéphyr_1\", onboardingComplete: true }) { id } }").await;
    let kept_out = named(&server, "Zén%", &unique_email("kept")).await.data("{ me { id } }").await["me"]["id"].clone();
    admin.data(&format!("mutation {{ setUserActive(userId: {kept_out}, isActive: false) {{ id }} }}")).await;

    let found = async |filter: Value| {
        let answer = admin.send(PAGE, json!({ "filter": filter })).await;
        let users = answer.data()["users"].clone();
        let names: Vec<_> = users["nodes"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect();
        assert_eq!(users["totalCount"], names.len(), "{filter}");
        Value::from(names)
    };
    assert_eq!(found(json!({ "username": "Zé" })).await, json!(["Zélie", "Zén%"]), "capitals are capitals");
    assert_eq!(found(json!({ "username": "Zén%" })).await, json!(["Zén%"]), "nothing stands for anything");
    assert_eq!(found(json!({ "username": "%" })).await, json!([]));
    assert_eq!(found(json!({ "email": claimed.to_uppercase() })).await, json!(["Zélie"]));
    assert_eq!(found(json!({ "email": email })).await, json!(["zéphyr_1"]));
    assert_eq!(found(json!({ "email": "nobody@example.net" })).await, json!([]));
    assert_eq!(found(json!({ "isActive": false })).await, json!(["Zén%"]));
    assert_eq!(found(json!({ "onboardingComplete": true, "roleName": "user" })).await, json!(["zéphyr_1"]));
    assert_eq!(found(json!({ "roleName": "admin", "username": "Z" })).await, json!([]));
    let refused = admin.send(PAGE, json!({ "filter": { "roleName": "king" } })).await;
    assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec!["/filter/roleName"]));
    // Null is as good as nothing.
    assert_eq!(found(json!({ "username": "Zél", "email": null, "isActive": null })).await, json!(["Zélie"]));

    // From the newest on, a page at a time: those who come meanwhile shift nothing.
    let mut after = Value::Null;
    let mut seen = Vec::new();
    loop {
        let page = json!({ "orderBy": "NEWEST_FIRST", "filter": { "isActive": true }, "first": 1, "after": after });
        let page = admin.send(PAGE, page).await.data()["users"].clone();
        seen.push(page["nodes"][0]["username"].clone());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
        server.somebody().await;
    }
    assert_eq!(seen[..2], [json!("zéphyr_1"), json!("Zélie")], "{seen:?}");
    assert_eq!(seen.len(), 3, "and the administrator: {seen:?}");
    let other = server.somebody().await;
    for query in ["{ users { totalCount } }", "{ users(filter: { email: \"a@example.net\" }) { nodes { id } } }"] {
        assert_eq!(other.send(query, Value::Null).await.codes(), ["FORBIDDEN"]);
    }
}

async fn statistics_count_and_tell_of_nobody(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    let query = "{ statistics {
        accounts active onboarded withPasskey newLately signedInLately agreed games { game players plays completed }
    } }";
    let before = admin.data(query).await["statistics"].clone();
    assert_eq!(before["games"][0], json!({ "game": "SCENARIO", "players": 0, "plays": 0, "completed": 0 }));
    let one = server.somebody().await;
    one.data("mutation { updateProfile(input: { onboardingComplete: true }) { id } }").await;
    game("jobs").save(&one, json!({ "completion": 100 })).await.data();
    game("jobs").save(&one, json!({ "completion": 5, "newPlay": true })).await.data();
    let two = server.newcomer().await.data("{ me { id } }").await["me"]["id"].clone();
    admin.data(&format!("mutation {{ setUserActive(userId: {two}, isActive: false) {{ id }} }}")).await;
    let after = admin.send(query, Value::Null).await;
    assert!(server.statements(&after).await.len() <= 5);
    let after = after.data()["statistics"].clone();
    let more = |name: &str| after[name].as_i64().unwrap() - before[name].as_i64().unwrap();
    let names = ["accounts", "active", "onboarded", "withPasskey", "newLately", "signedInLately", "agreed"];
    assert_eq!(names.map(more), [2, 1, 1, 0, 2, 2, 1], "{after}");
    assert_eq!(after["games"][2], json!({ "game": "JOBS", "players": 1, "plays": 2, "completed": 1 }));
    assert_eq!(one.send(query, Value::Null).await.codes(), ["FORBIDDEN"]);
    // A month later only who signs up then is new.
    let later = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "2678400")]).await;
    let somebody = later.somebody().await;
    let promote = "UPDATE users SET role_id = (SELECT id FROM roles WHERE role_name = 'admin')";
    server.home.database().await.execute_unprepared(promote).await.unwrap();
    let later = somebody.data(query).await["statistics"].clone();
    assert_eq!((&later["newLately"], &later["signedInLately"]), (&json!(1), &json!(1)));
}

async fn lists_say_how_long_they_are(engine: Engine) {
    let server = Server::start(engine).await;
    let one = server.somebody().await;
    for _ in 0..3 {
        game("jobs").save(&one, json!({ "newPlay": true })).await.data();
    }
    game("speed").save(&one, json!({ "completion": 5 })).await.data();
    let query = "{ me { all: plays(first: 1) { totalCount nodes { id } } jobs: plays(game: JOBS, first: 0) { totalCount }
        none: plays(game: SKILLS) { totalCount } auditLog { totalCount } } termsVersions { totalCount } }";
    let answer = one.send(query, Value::Null).await;
    let me = &answer.data()["me"];
    let counts = ["all", "jobs", "none", "auditLog"].map(|name| me[name]["totalCount"].clone());
    assert_eq!(counts, [json!(4), json!(3), json!(0), Value::Null]);
    assert_eq!(answer.data()["termsVersions"]["totalCount"], 1);
    // However many people are on a page, one statement counts their plays.
    let admin = server.admin().await;
    let page = "{ users(first: 50) { nodes { plays(first: 5) { totalCount } } } }";
    admin.data(page).await;
    let few = server.statements(&admin.send(page, Value::Null).await).await.len();
    for _ in 0..5 {
        server.somebody().await;
    }
    admin.data(page).await;
    let many = server.statements(&admin.send(page, Value::Null).await).await;
    assert!(many.len() <= few, "{} and then {}: {many:#?}", few, many.len());
}
