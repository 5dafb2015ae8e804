//! Saves that somebody comes between: after they have looked at how things stand, and before they write.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::harness::game::game;
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(
    a_save_that_is_overtaken_looks_again,
    a_save_that_is_overtaken_says_which_revision_it_met,
    the_same_save_that_overtakes_itself_is_one,
    a_save_whose_play_is_deleted_meanwhile_goes_on_with_the_one_before,
    who_is_not_let_in_any_more_saves_nothing,
    an_account_that_is_deleted_waits_for_a_save_and_takes_it_along,
    a_first_save_costs_as_little,
    what_came_between_is_seen_without_a_look,
    saves_of_many_people_at_once_are_each_their_own,
    who_breaks_off_loses_nobodys_saves,
);

/// A transaction that holds what a save is about to write: the play alone, or the person, whom a save that does not get by waits for.
/// On SQLite whoever writes is alone.
async fn hold(database: &DatabaseConnection, engine: Engine, what: &str) -> DatabaseTransaction {
    let immediate = (engine == Engine::Sqlite).then_some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..Default::default() };
    let held = database.begin_with_options(options).await.unwrap();
    held.execute_unprepared(what).await.unwrap();
    held
}

const PLAY: &str = "UPDATE scenario_game_data SET completion = completion";
const PERSON: &str = "UPDATE users SET is_active = is_active";

/// Sends a save, and comes back once it waits for what is held. On SQLite it can't be seen to: it has not looked yet, or waits to.
async fn begin(engine: Engine, database: &DatabaseConnection, somebody: &Client, input: Value) -> JoinHandle<Answer> {
    let somebody = somebody.clone();
    let save = tokio::spawn(async move { game("scenario").save(&somebody, input).await });
    waits(engine, database, 1).await;
    save
}

async fn waits(engine: Engine, database: &DatabaseConnection, how_many: usize) {
    if engine == Engine::Sqlite {
        return tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..500 {
        let statement = Statement::from_string(database.get_database_backend(), sql);
        if database.query_all_raw(statement).await.unwrap().len() >= how_many {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}

/// Somebody with a play of workplace scenarios at revision 1.
async fn player(server: &Server) -> (Client, Value) {
    let somebody = server.somebody().await;
    let play =
        game("scenario").save(&somebody, json!({ "traits": { "empathie": 1 }, "completion": 5 })).await.data()["play"].clone();
    (somebody, play)
}

const OVERTAKE: &str = r#"UPDATE scenario_game_data SET traits = '{"empathie":1,"audace":2}', revision = 2"#;

async fn a_save_that_is_overtaken_looks_again(engine: Engine) {
    let server = Server::start(engine).await;
    let database = server.home.database().await;
    for what in [PLAY, PERSON] {
        let (somebody, play) = player(&server).await;
        let held = hold(&database, engine, what).await;
        let save = begin(engine, &database, &somebody, json!({ "saveId": what, "traits": { "patience": 3 } })).await;
        held.execute_unprepared(&format!("{OVERTAKE} WHERE revision = 1")).await.unwrap();
        held.commit().await.unwrap();
        let saved = save.await.unwrap().data()["play"].clone();
        assert_eq!((&saved["id"], &saved["revision"]), (&play["id"], &json!(3)), "{what}");
        assert_eq!(saved["traits"], json!({ "empathie": 1, "audace": 2, "patience": 3 }), "{what}");
        assert_eq!(game("scenario").newest(&somebody).await, saved);
    }
}

async fn a_save_that_is_overtaken_says_which_revision_it_met(engine: Engine) {
    let server = Server::start(engine).await;
    let database = server.home.database().await;
    let (somebody, _) = player(&server).await;
    let held = hold(&database, engine, PLAY).await;
    let save = begin(engine, &database, &somebody, json!({ "expectedRevision": 1, "traits": { "patience": 3 } })).await;
    held.execute_unprepared(OVERTAKE).await.unwrap();
    held.commit().await.unwrap();
    let refused = save.await.unwrap();
    let extensions = &refused.body["errors"][0]["extensions"];
    assert_eq!((refused.codes(), &extensions["storedRevision"]), (vec!["CONFLICT"], &json!(2)));
    assert_eq!(extensions["storedPlay"]["traits"], json!({ "empathie": 1, "audace": 2 }));
}

async fn the_same_save_that_overtakes_itself_is_one(engine: Engine) {
    let server = Server::start(engine).await;
    let database = server.home.database().await;
    let (somebody, first) = player(&server).await;
    let second = game("scenario").save(&somebody, json!({ "newPlay": true })).await.data()["play"].clone();
    let held = hold(&database, engine, PLAY).await;
    let input = |play: &Value| json!({ "saveId": "s", "playId": play["id"], "traits": { "patience": 3 } });
    let one = begin(engine, &database, &somebody, input(&first)).await;
    let same = begin(engine, &database, &somebody, input(&first)).await;
    // Other content under the same id: whichever is first, the other is refused.
    let other = begin(engine, &database, &somebody, input(&second)).await;
    held.commit().await.unwrap();
    let (one, same, other) = (one.await.unwrap(), same.await.unwrap(), other.await.unwrap());
    let codes = [one.codes(), same.codes(), other.codes()];
    assert!(codes == [vec![], vec![], vec!["CONFLICT"]] || codes == [vec!["CONFLICT"], vec!["CONFLICT"], vec![]], "{codes:?}");
    let revisions = server.sql("SELECT CAST(revision AS text) FROM scenario_game_data ORDER BY revision").await;
    assert_eq!(revisions, ["1", "2"]);
    assert_eq!(server.sql("SELECT save_id FROM saves").await, ["s"]);
}

async fn a_save_whose_play_is_deleted_meanwhile_goes_on_with_the_one_before(engine: Engine) {
    let server = Server::start(engine).await;
    let database = server.home.database().await;
    let (somebody, first) = player(&server).await;
    game("scenario").save(&somebody, json!({ "newPlay": true, "traits": { "audace": 1 } })).await.data();
    let held = hold(&database, engine, PLAY).await;
    let save = begin(engine, &database, &somebody, json!({ "traits": { "patience": 3 } })).await;
    held.execute_unprepared("DELETE FROM scenario_game_data WHERE id = (SELECT MAX(id) FROM scenario_game_data)").await.unwrap();
    held.commit().await.unwrap();
    let saved = save.await.unwrap().data()["play"].clone();
    assert_eq!((&saved["id"], &saved["traits"]), (&first["id"], &json!({ "empathie": 1, "patience": 3 })));
}

async fn who_is_not_let_in_any_more_saves_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let database = server.home.database().await;
    let revoke = "INSERT INTO terms_versions (version, content, is_active, date_created)
        SELECT 'next', 'text', TRUE, date_created FROM users LIMIT 1";
    for (code, what) in [
        ("UNAUTHENTICATED", vec!["DELETE FROM sessions"]),
        ("UNAUTHENTICATED", vec!["UPDATE users SET is_active = FALSE"]),
        ("UNAUTHENTICATED", vec!["DELETE FROM users"]),
        ("TERMS_NOT_ACCEPTED", vec!["UPDATE terms_versions SET is_active = FALSE", revoke]),
    ] {
        let (somebody, _) = player(&server).await;
        let before = server.sql("SELECT CAST(SUM(revision) AS text) FROM scenario_game_data").await;
        let held = hold(&database, engine, PERSON).await;
        let input = json!({ "saveId": code, "traits": { "patience": 3 } });
        let save = begin(engine, &database, &somebody, input).await;
        for statement in &what {
            held.execute_unprepared(statement).await.unwrap();
        }
        held.commit().await.unwrap();
        assert_eq!(save.await.unwrap().codes(), [code], "{what:?}");
        let after = server.sql("SELECT CAST(SUM(revision) AS text) FROM scenario_game_data").await;
        let expected = if what == ["DELETE FROM users"] { vec![String::new()] } else { before };
        assert_eq!(after, expected, "{what:?}");
        assert_eq!(server.sql("SELECT save_id FROM saves").await, Vec::<String>::new());
    }
}

async fn an_account_that_is_deleted_waits_for_a_save_and_takes_it_along(engine: Engine) {
    let server = Server::start(engine).await;
    let database = server.home.database().await;
    let (somebody, _) = player(&server).await;
    somebody.data("mutation { updateProfile(input: { username: \"partant\" }) { id } }").await;
    let held = hold(&database, engine, PLAY).await;
    let save = begin(engine, &database, &somebody, json!({ "saveId": "s", "traits": { "patience": 3 } })).await;
    let leaving = somebody.clone();
    let deletion = tokio::spawn(async move {
        leaving.send("mutation { deleteAccount(confirm: \"partant\") { erased { kind count } } }", Value::Null).await
    });
    waits(engine, &database, 2).await;
    held.commit().await.unwrap();
    let (save, deletion) = (save.await.unwrap(), deletion.await.unwrap());
    // On PostgreSQL the save was first. It is told or refused; nothing of it is left either way.
    assert!(save.codes().is_empty() || (engine == Engine::Sqlite && save.codes() == ["UNAUTHENTICATED"]), "{}", save.text);
    deletion.data();
    for table in ["scenario_game_data", "saves", "users"] {
        assert_eq!(server.sql(&format!("SELECT CAST(COUNT(*) AS text) FROM {table}")).await, ["0"], "{table}");
    }
}

async fn a_first_save_costs_as_little(engine: Engine) {
    let server = Arc::new(Server::start(engine).await);
    let somebody = server.somebody().await;
    let mut costs = Vec::new();
    for input in
        [json!({ "saveId": "1" }), json!({ "saveId": "2" }), json!({ "saveId": "3", "newPlay": true }), json!({ "saveId": "1" })]
    {
        let answer = game("scenario").save(&somebody, input).await;
        answer.data();
        costs.push(
            server
                .statements(&answer)
                .await
                .iter()
                .filter(|text| !text.starts_with("BEGIN") && !text.starts_with("COMMIT"))
                .count(),
        );
    }
    // The first, one that goes on, a further play, one that is sent again after that: it tries to write without a look, and looks twice.
    assert_eq!(costs, if engine == Engine::Sqlite { [3, 3, 3, 2] } else { [3, 1, 3, 3] });
}

/// On PostgreSQL who saves again needs no look, and what came between is found out all the same: a release before, another instance, or
/// a hand in the database.
async fn what_came_between_is_seen_without_a_look(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, first) = player(&server).await;
    let save = async |input: Value| game("scenario").save(&somebody, input).await;
    server.sql(OVERTAKE).await;
    let saved = save(json!({ "traits": { "patience": 3 } })).await.data()["play"].clone();
    assert_eq!(saved["traits"], json!({ "empathie": 1, "audace": 2, "patience": 3 }), "another has saved");
    assert_eq!(save(json!({ "expectedRevision": 2 })).await.codes(), ["CONFLICT"]);
    save(json!({ "saveId": "s", "traits": { "calme": 1 } })).await.data();
    save(json!({ "traits": { "calme": 2 } })).await.data();
    let again = save(json!({ "saveId": "s", "traits": { "calme": 1 } })).await.data()["play"].clone();
    assert_eq!((&again["revision"], &again["traits"]["calme"]), (&json!(5), &json!(2)), "it was saved before");
    assert_eq!(save(json!({ "saveId": "s", "traits": { "calme": 3 } })).await.codes(), ["CONFLICT"]);
    // Another play is begun where this instance does not see it.
    server
        .sql(
            "INSERT INTO scenario_game_data (user_id, current_level, completion, traits, penalties, schema_version, revision, date_created, date_updated) \
             SELECT user_id, 9, completion, traits, penalties, schema_version, 1, date_created, date_updated FROM scenario_game_data",
        )
        .await;
    let saved = save(json!({ "completion": 7 })).await.data()["play"].clone();
    assert_eq!((&saved["currentLevel"], &saved["revision"]), (&json!(9), &json!(2)), "the newest play goes on");
    server.sql("DELETE FROM scenario_game_data WHERE current_level = 9").await;
    let saved = save(json!({ "completion": 8 })).await.data()["play"].clone();
    assert_eq!((&saved["id"], &saved["revision"]), (&first["id"], &json!(6)), "the newest play was deleted");
    // What is wrong is told as it is stored.
    server.sql("UPDATE scenario_game_data SET traits = '{}', revision = 20").await;
    let refused = save(json!({ "expectedRevision": 6, "traits": { "calme": 9 } })).await;
    assert_eq!(refused.body["errors"][0]["extensions"]["storedRevision"], json!(20));
}

/// They share statements on PostgreSQL; what is wrong with one of them is nobody else's.
async fn saves_of_many_people_at_once_are_each_their_own(engine: Engine) {
    let server = Server::start(engine).await;
    let mut people = Vec::new();
    for _ in 0..16 {
        let (somebody, first) = player(&server).await;
        let second = game("scenario").save(&somebody, json!({ "newPlay": true })).await.data()["play"].clone();
        people.push((somebody, [first, second]));
    }
    for round in 0..5 {
        let saves = people.iter().enumerate().map(|(number, (somebody, plays))| {
            let (somebody, plays, saved) = (somebody.clone(), plays.clone(), format!("round {round}"));
            tokio::spawn(async move {
                // The same id for both plays: one of the two is refused.
                let inputs = plays.each_ref().map(|play| {
                    json!({ "saveId": saved, "playId": play["id"], "currentLevel": number, "traits": { &saved.replace(' ', ""): number } })
                });
                let scenario = game("scenario");
                let [one, two] = inputs;
                let (one, two) = tokio::join!(scenario.save(&somebody, one), scenario.save(&somebody, two));
                let is_first = one.codes().is_empty();
                let (saved, refused) = if is_first { (one, two) } else { (two, one) };
                assert_eq!(refused.codes(), ["CONFLICT"], "{}", refused.text);
                let play = &saved.data()["play"];
                assert_eq!((&play["id"], &play["currentLevel"]), (&plays[usize::from(!is_first)]["id"], &json!(number)));
                assert_eq!(play["traits"][format!("round{round}")], number);
            })
        });
        for save in saves.collect::<Vec<_>>() {
            save.await.unwrap();
        }
    }
    let revisions = server.sql("SELECT CAST(SUM(revision) AS text) FROM scenario_game_data GROUP BY user_id").await;
    assert_eq!(revisions, vec!["7"; 16], "two plays that were begun, and five saves");
    let saves = server.sql("SELECT CAST(COUNT(*) AS text) FROM saves JOIN users ON users.id = saves.user_id").await;
    assert_eq!(saves, ["80"]);
}

/// Whoever breaks off leaves nothing behind by which what others save is lost: it is there after the service was killed.
async fn who_breaks_off_loses_nobodys_saves(engine: Engine) {
    let server = Server::start(engine).await;
    let mut people = Vec::new();
    for _ in 0..8 {
        people.push(player(&server).await.0);
    }
    let (breaks_off, _) = player(&server).await;
    let jobs = game("jobs");
    for round in 0..150_u64 {
        let input = json!({ "newPlay": true, "jobChoices": { "x": "like" } });
        let after = Duration::from_micros(500 + round * 97 % 8_000);
        let _ = tokio::time::timeout(after, jobs.save(&breaks_off, input)).await;
        if round % 10 == 9 {
            for (number, person) in people.iter().enumerate() {
                let traits = json!({ format!("round{round}"): number });
                game("scenario").save(person, json!({ "traits": traits })).await.data();
            }
        }
    }
    let home = server.home.clone();
    server.kill().await;
    let again = Server::start_on(home, &[]).await;
    for (number, person) in people.iter().enumerate() {
        let traits = game("scenario").newest(&person.at(&again.url)).await["traits"].clone();
        for round in (9..150).step_by(10) {
            assert_eq!(traits[format!("round{round}")], number, "{traits}");
        }
    }
}
