//! How far somebody has come.

use serde_json::{Value, json};

use crate::harness::game::{GAMES, game, play_session};
use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(progress_adds_up, beginning_anew_takes_nothing_away, a_page_of_people_costs_one_statement);

const PROGRESS: &str =
    "progress { gamesStarted gamesCompleted completion onboarding nextGame games { game completion dateUpdated } }";

async fn progress(somebody: &Client) -> Value {
    somebody.data(&format!("{{ me {{ {PROGRESS} }} }}")).await["me"]["progress"].clone()
}

async fn progress_adds_up(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let none = progress(&somebody).await;
    assert_eq!((&none["gamesStarted"], &none["gamesCompleted"], &none["completion"]), (&json!(0), &json!(0), &json!(0.0)));
    assert_eq!((&none["onboarding"], &none["nextGame"]), (&json!(false), &json!("SCENARIO")));
    assert_eq!(none["games"][6], json!({ "game": "ROOM_ENV", "completion": 0.0, "dateUpdated": null }));

    play_session(&somebody).await;
    somebody.data("mutation { updateProfile(input: { onboardingComplete: true }) { id } }").await;
    let played = progress(&somebody).await;
    // 37.5, 100, 16.67, 60, 100, 24.14 and 100 percent.
    assert_eq!((&played["gamesStarted"], &played["gamesCompleted"], &played["onboarding"]), (&json!(7), &json!(3), &json!(true)));
    assert!((played["completion"].as_f64().unwrap() - 438.31 / 7.0).abs() < 1e-9);
    assert_eq!(played["nextGame"], "SCENARIO");
    let games = played["games"].as_array().unwrap();
    assert_eq!(
        games.iter().map(|one| one["completion"].as_f64().unwrap()).collect::<Vec<_>>(),
        [37.5, 100.0, 16.67, 60.0, 100.0, 24.14, 100.0]
    );
    for (one, game) in games.iter().zip(&GAMES) {
        assert_eq!(one["dateUpdated"], game.newest(&somebody).await["dateUpdated"], "{}", game.name);
    }
    game("scenario").save(&somebody, json!({ "completion": 100 })).await.data();
    assert_eq!(progress(&somebody).await["nextGame"], "JOBS");
    for game in &GAMES {
        game.save(&somebody, json!({ "completion": 100 })).await.data();
    }
    let done = progress(&somebody).await;
    assert_eq!((&done["gamesCompleted"], &done["completion"], &done["nextGame"]), (&json!(7), &json!(100.0), &json!(null)));
}

async fn beginning_anew_takes_nothing_away(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let jobs = game("jobs");
    jobs.save(&somebody, json!({ "completion": 100 })).await.data();
    let anew = jobs.save(&somebody, json!({ "newPlay": true, "completion": 3 })).await.data()["play"].clone();
    let now = progress(&somebody).await;
    assert_eq!((&now["gamesCompleted"], &now["games"][2]["completion"]), (&json!(1), &json!(100.0)));
    assert_eq!(now["games"][2]["dateUpdated"], anew["dateUpdated"]);
    // What is deleted counts no more.
    let first = somebody.data("{ me { plays(last: 1) { nodes { id } } } }").await["me"]["plays"]["nodes"][0]["id"].clone();
    somebody.data(&format!("mutation {{ deletePlay(id: {first}) }}")).await;
    assert_eq!(progress(&somebody).await["games"][2]["completion"], json!(3.0));
}

async fn a_page_of_people_costs_one_statement(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..20 {
        play_session(&server.somebody().await).await;
    }
    let admin = server.admin().await;
    admin.look_at_everybody().await;
    let answer = admin.send(&format!("{{ users(first: 50) {{ nodes {{ {PROGRESS} }} }} }}"), Value::Null).await;
    let people = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(people.iter().filter(|person| person["progress"]["gamesCompleted"] == 3).count(), 20);
    let statements = server.statements(&answer).await;
    // The viewer, the page, the progress of all of them.
    assert_eq!(statements.len(), 3, "{statements:#?}");
}
