//! Saves that are sent twice, at once, to another play, or over a line that breaks.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::harness::game::{GAMES, game, session};
use crate::harness::{Client, Engine, Home, Server, on_both_engines, on_both_engines_and_two_instances};

on_both_engines!(
    a_save_sent_again_changes_nothing,
    an_id_with_other_content_is_refused,
    a_save_whose_play_is_gone_does_not_bring_it_back,
    an_id_is_known_for_thirty_days,
    a_conflict_shows_the_stored_play,
    a_tab_goes_on_with_its_own_play,
    somebody_elses_play_is_not_there,
    every_game_is_saved_once,
);

mod at_once {
    use super::*;
    on_both_engines_and_two_instances!(
        one_id_sent_by_many_at_once_makes_one_play,
        sixty_four_clients_lose_no_key,
        a_line_that_breaks_loses_and_doubles_nothing,
        plays_begun_and_deleted_at_once_end_in_order,
    );
    use super::{
        a_line_that_breaks_loses_and_doubles_nothing, one_id_sent_by_many_at_once_makes_one_play,
        plays_begun_and_deleted_at_once_end_in_order, sixty_four_clients_lose_no_key,
    };
}

async fn a_save_sent_again_changes_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let scenario = game("scenario");
    let first = json!({ "saveId": "s1", "traits": { "empathie": 1, "patience": 2 }, "completion": 10 });
    let play = scenario.save(&somebody, first.clone()).await.data()["play"].clone();
    // A client that writes its keys in another order, or has read the revision anew, says the same.
    let same = json!({ "completion": 10.0, "traits": { "patience": 2, "empathie": 1 }, "expectedRevision": 1, "saveId": "s1" });
    for again in [first.clone(), same] {
        assert_eq!(scenario.save(&somebody, again).await.data()["play"], play);
    }
    scenario.save(&somebody, json!({ "saveId": "s2", "traits": { "empathie": 5 } })).await.data();
    // The same play, as it is by then; what came later is not undone.
    let later = scenario.save(&somebody, first).await.data()["play"].clone();
    assert_eq!((&later["id"], &later["revision"]), (&play["id"], &json!(2)));
    assert_eq!(later["traits"], json!({ "empathie": 5, "patience": 2 }));

    let anew = json!({ "saveId": "s3", "newPlay": true, "traits": { "audace": 1 } });
    let begun = scenario.save(&somebody, anew.clone()).await.data()["play"]["id"].clone();
    assert_eq!(scenario.save(&somebody, anew).await.data()["play"]["id"], begun);
    let plays = somebody.data("{ me { plays { nodes { id } } } }").await["me"]["plays"]["nodes"].clone();
    assert_eq!(plays, json!([{ "id": begun }, { "id": play["id"] }]));
}

async fn an_id_with_other_content_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, another) = (server.somebody().await, server.somebody().await);
    let (scenario, jobs) = (game("scenario"), game("jobs"));
    scenario.save(&somebody, json!({ "saveId": "s", "traits": { "a": 1 }, "completion": 1 })).await.data();
    let before = scenario.newest(&somebody).await;
    for other in [
        json!({ "saveId": "s", "traits": { "a": 2 }, "completion": 1 }),
        json!({ "saveId": "s", "traits": { "a": 1 }, "completion": 2 }),
        json!({ "saveId": "s", "traits": { "a": 1 } }),
        json!({ "saveId": "s", "traits": { "a": 1 }, "completion": 1, "currentLevel": 0 }),
        json!({ "saveId": "s", "traits": { "a": 1 }, "completion": 1, "mode": "REPLACE" }),
        json!({ "saveId": "s", "traits": { "a": 1 }, "completion": 1, "newPlay": true }),
        json!({ "saveId": "s", "traits": { "a": 1 }, "completion": 1, "playId": before["id"] }),
        json!({ "saveId": "s", "penalties": { "a": 1 }, "completion": 1 }),
    ] {
        assert_eq!(scenario.save(&somebody, other.clone()).await.codes(), ["CONFLICT"], "{other}");
    }
    assert_eq!(jobs.save(&somebody, json!({ "saveId": "s", "completion": 1 })).await.codes(), ["CONFLICT"]);
    assert_eq!(scenario.newest(&somebody).await, before);
    assert_eq!(jobs.newest(&somebody).await, Value::Null);
    // An id is its owner's: somebody else's is another one.
    assert_eq!(scenario.save(&another, json!({ "saveId": "s", "traits": { "b": 1 } })).await.data()["play"]["revision"], 1);
    // A save that was refused has not been: its id is free.
    assert_eq!(scenario.save(&somebody, json!({ "saveId": "free", "completion": 101 })).await.codes(), ["INVALID_INPUT"]);
    scenario.save(&somebody, json!({ "saveId": "free", "completion": 100 })).await.data();
    for (id, pointer) in [("", "/saveId"), ("  ", "/saveId"), (&*"x".repeat(101), "/saveId"), ("a\0", "/saveId")] {
        let refused = scenario.save(&somebody, json!({ "saveId": id })).await;
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec![pointer]));
    }
}

async fn a_save_whose_play_is_gone_does_not_bring_it_back(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let jobs = game("jobs");
    let input = json!({ "saveId": "s", "jobChoices": { "Fleuriste": "like" } });
    let id = jobs.save(&somebody, input.clone()).await.data()["play"]["id"].clone();
    somebody.data(&format!("mutation {{ deletePlay(id: {id}) }}")).await;
    assert_eq!(jobs.save(&somebody, input).await.codes(), ["NOT_FOUND"]);
    assert_eq!(jobs.newest(&somebody).await, Value::Null);
}

async fn an_id_is_known_for_thirty_days(engine: Engine) {
    let days = |days: i64, minutes: i64| (days * 86_400 + minutes * 60).to_string();
    let home = Arc::new(Home::migrated(engine).await);
    let input = json!({ "saveId": "s", "traits": { "a": 1 } });
    let server = Server::start_on(home.clone(), &[]).await;
    let email = crate::harness::unique_email("days");
    let somebody = server.client().sign_up(&email).await;
    game("scenario").save(&somebody, input.clone()).await.data();
    drop(server);
    for (offset, revision) in [(days(30, 0), 1), (days(30, 10), 2)] {
        // A sign that what has expired was removed: it goes once a minute, first at the start.
        let old = "INSERT INTO saves SELECT user_id, 'old', game, play_id, content_hash, '2001-01-01 00:00:00+00:00' FROM saves WHERE save_id = 's'";
        home.database().await.execute_unprepared(old).await.unwrap();
        let server = Server::start_on(home.clone(), &[("CLOCK_OFFSET", &offset)]).await;
        for _ in 0..400 {
            if server.sql("SELECT save_id FROM saves WHERE save_id = 'old'").await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let known = server.sql("SELECT save_id FROM saves").await;
        assert_eq!(known.len(), usize::from(revision == 1), "{known:?}");
        let somebody = server.client().sign_in(&email, "trois petits chats").await;
        assert_eq!(game("scenario").save(&somebody, input.clone()).await.data()["play"]["revision"], revision);
    }
}

async fn a_conflict_shows_the_stored_play(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for game in &GAMES {
        let none = game.save(&somebody, json!({ "expectedRevision": 1 })).await;
        let extensions = &none.body["errors"][0]["extensions"];
        assert_eq!((none.codes(), &extensions["storedRevision"]), (vec!["CONFLICT"], &json!(0)));
        assert!(extensions["storedPlay"].is_null() && extensions.as_object().unwrap().contains_key("storedPlay"));

        game.save(&somebody, session()["games"][game.name].clone()).await.data();
        let refused = game.save(&somebody, json!({ "expectedRevision": 7, "completion": 1 })).await;
        let extensions = &refused.body["errors"][0]["extensions"];
        assert_eq!((refused.codes(), &extensions["storedRevision"]), (vec!["CONFLICT"], &json!(1)));
        let (shown, stored) = (&extensions["storedPlay"], game.newest(&somebody).await);
        for (name, value) in stored.as_object().unwrap() {
            assert_eq!(shown[name].to_string(), value.to_string(), "{} {name}", game.name);
        }
        assert_eq!(shown.as_object().unwrap().len(), stored.as_object().unwrap().len());
    }
}

async fn a_tab_goes_on_with_its_own_play(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let scenario = game("scenario");
    let first = scenario.save(&somebody, json!({ "traits": { "a": 1 } })).await.data()["play"].clone();
    let second = scenario.save(&somebody, json!({ "newPlay": true, "traits": { "b": 1 } })).await.data()["play"].clone();
    // The first tab does not know of the second play, which is at the same revision.
    let goes_on = json!({ "playId": first["id"], "expectedRevision": 1, "traits": { "c": 1 } });
    let saved = scenario.save(&somebody, goes_on).await.data()["play"].clone();
    assert_eq!((&saved["id"], &saved["traits"]), (&first["id"], &json!({ "a": 1, "c": 1 })));
    assert_eq!(scenario.newest(&somebody).await, second);
    let both = scenario.save(&somebody, json!({ "playId": first["id"], "newPlay": true })).await;
    assert_eq!((both.codes(), both.pointers()), (vec!["INVALID_INPUT"], vec!["/playId"]));
    // Of another game, of nothing, or deleted: not there.
    let jobs = game("jobs").save(&somebody, json!({})).await.data()["play"]["id"].clone();
    somebody.data(&format!("mutation {{ deletePlay(id: {}) }}", first["id"])).await;
    for id in [&jobs, &first["id"], &json!("nonsense"), &json!("")] {
        let refused = scenario.save(&somebody, json!({ "playId": id, "traits": { "d": 1 } })).await;
        assert_eq!(refused.codes(), ["NOT_FOUND"], "{id}");
    }
    assert_eq!(scenario.newest(&somebody).await, second);
}

async fn somebody_elses_play_is_not_there(engine: Engine) {
    let server = Server::start(engine).await;
    let (owner, thief, admin) = (server.somebody().await, server.somebody().await, server.admin().await);
    for game in &GAMES {
        let play = game.save(&owner, session()["games"][game.name].clone()).await.data()["play"].clone();
        for other in [&thief, &admin] {
            for expected in [json!({}), json!({ "expectedRevision": 9 }), json!({ "saveId": "s" })] {
                let mut input = expected;
                input["playId"] = play["id"].clone();
                input["completion"] = json!(1);
                assert_eq!(game.save(other, input).await.codes(), ["NOT_FOUND"], "{}", game.name);
            }
        }
        assert_eq!(game.newest(&owner).await, play);
    }
}

async fn every_game_is_saved_once(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for game in &GAMES {
        let mut input = session()["games"][game.name].clone();
        input["saveId"] = json!(format!("{}-1", game.name));
        let first = game.save(&somebody, input.clone()).await.data()["play"].clone();
        assert_eq!(game.save(&somebody, input).await.data()["play"], first);
    }
    assert_eq!(somebody.data("{ me { plays { nodes { id } } } }").await["me"]["plays"]["nodes"].as_array().unwrap().len(), 7);
}

async fn one_id_sent_by_many_at_once_makes_one_play(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let input = json!({ "saveId": "s", "newPlay": true, "jobChoices": { "Fleuriste": "like" } });
    let saves = (0..32).map(|_| {
        let (somebody, input) = (somebody.clone(), input.clone());
        tokio::spawn(async move { game("jobs").save(&somebody, input).await.data()["play"].clone() })
    });
    let mut plays = HashSet::new();
    for save in saves.collect::<Vec<_>>() {
        let play = save.await.unwrap();
        assert_eq!(play["revision"], 1);
        plays.insert(play["id"].to_string());
    }
    assert_eq!(plays.len(), 1);
}

const CLIENTS: usize = 64;
const ROUNDS: usize = 20;

fn key(client: usize, round: usize) -> String {
    format!("c{client}r{round}")
}

fn input(client: usize, round: usize) -> Value {
    json!({ "saveId": format!("{client}/{round}"), "traits": { key(client, round): round + 1 } })
}

/// Every key is there with its points, and no save counted twice.
async fn all_are_there(somebody: &Client) {
    let play = game("scenario").newest(somebody).await;
    let traits = play["traits"].as_object().unwrap();
    assert_eq!(traits.len(), CLIENTS * ROUNDS);
    for client in 0..CLIENTS {
        for round in 0..ROUNDS {
            assert_eq!(traits[&key(client, round)], round + 1);
        }
    }
    assert_eq!(play["revision"], CLIENTS * ROUNDS);
    let plays = somebody.data("{ me { plays { nodes { id } } } }").await;
    assert_eq!(plays["me"]["plays"]["nodes"].as_array().unwrap().len(), 1);
}

async fn sixty_four_clients_lose_no_key(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let together = Arc::new(Barrier::new(CLIENTS));
    let clients = (0..CLIENTS).map(|client| {
        let (somebody, together) = (somebody.clone(), together.clone());
        async move {
            for round in 0..ROUNDS {
                together.wait().await;
                game("scenario").save(&somebody, input(client, round)).await.data();
            }
        }
    });
    // Ends with the first that fails: the others would wait for it.
    clients.collect::<JoinSet<_>>().join_all().await;
    all_are_there(&somebody).await;
}

/// A number that differs from call to call, the same in each run.
fn chance(seed: usize) -> usize {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33
}

/// Sends the request and breaks the line: some milliseconds later, or once the answer is there and before it is read.
async fn send_and_break(server: &Server, somebody: &Client, body: &str, luck: usize) {
    let address = server.url.trim_start_matches("http://");
    let token = somebody.access_token.as_ref().unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(body.as_bytes()).await.unwrap();
    if luck.is_multiple_of(4) {
        line.readable().await.unwrap();
    } else {
        tokio::time::sleep(Duration::from_millis(u64::try_from(luck % 40).unwrap())).await;
    }
}

async fn a_line_that_breaks_loses_and_doubles_nothing(engine: Engine) {
    let server = Arc::new(Server::start(engine).await);
    let somebody = server.somebody().await;
    let database = server.home.database().await;
    let clients = (0..CLIENTS).map(|client| {
        let (server, somebody, database) = (server.clone(), somebody.clone(), database.clone());
        tokio::spawn(async move {
            let (mut broken_off, mut stored) = (0, 0);
            for round in 0..ROUNDS {
                let body =
                    json!({ "query": game("scenario").query(), "variables": { "input": input(client, round) } }).to_string();
                // Two of three are broken off, some of them twice.
                let luck = chance(client * ROUNDS + round);
                for broken in 0..luck % 3 {
                    send_and_break(&server, &somebody, &body, luck >> (2 + broken)).await;
                    broken_off += 1;
                }
                if !luck.is_multiple_of(3) {
                    let sql = format!("SELECT save_id FROM saves WHERE save_id = '{client}/{round}'");
                    let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
                    stored += database.query_all_raw(statement).await.unwrap().len();
                }
                game("scenario").save(&somebody, input(client, round)).await.data();
            }
            (broken_off, stored)
        })
    });
    let (mut broken_off, mut stored) = (0, 0);
    for client in clients.collect::<Vec<_>>() {
        let of_client = client.await.unwrap();
        (broken_off, stored) = (broken_off + of_client.0, stored + of_client.1);
    }
    println!("{engine:?}: {broken_off} requests broken off, {stored} of them seen stored before they were sent again");
    assert!(stored > 0, "no request that was broken off was stored");
    all_are_there(&somebody).await;
}

async fn plays_begun_and_deleted_at_once_end_in_order(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let tasks = (0..16).map(|number| {
        let somebody = somebody.clone();
        tokio::spawn(async move {
            for round in 0..8 {
                let input = json!({ "newPlay": true, "saveId": format!("{number}/{round}"), "completion": round });
                let play = game("speed").save(&somebody, input).await.data()["play"]["id"].clone();
                if round % 2 == 0 {
                    somebody.data(&format!("mutation {{ deletePlay(id: {play}) }}")).await;
                } else {
                    game("speed").save(&somebody, json!({ "playId": play, "completion": 100 })).await.data();
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let plays = somebody.data("{ me { plays(first: 100) { nodes { completion revision } } } }").await;
    let plays = plays["me"]["plays"]["nodes"].as_array().unwrap();
    assert_eq!(plays.len(), 64);
    assert!(plays.iter().all(|play| play["completion"] == 100.0 && play["revision"] == 2));
}
