//! docs/ERRORS.md tells the truth: each of its examples gives its code and its words, in both languages. A code of the schema that has
//! no example fails.
//!
//! To add an example: who asks in bold, the document, its variables if it has some (or, without a document, the body of the request),
//! the message in both languages. Where something has to happen before, say what in italics, and do it in [`happen`].

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(every_example_gives_its_code_and_its_words, messages_are_in_the_language_that_is_asked_for);

const SAVE: &str = "mutation ($input: SaveScenarioGameInput!) { saveScenarioGame(input: $input) { id } }";

fn document() -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ERRORS.md")).unwrap()
}

#[derive(Clone, Debug, Default)]
struct Example {
    code: String,
    who: String,
    after: Option<String>,
    query: Option<String>,
    /// Variables, or the body where there is no query.
    json: Value,
    english: String,
    french: String,
}

/// The examples of the document, in its order.
fn examples(text: &str) -> Vec<Example> {
    let (_, text) = text.split_once("## Each code by an example").unwrap();
    let mut examples = Vec::<Example>::new();
    let mut code = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let between = |mark: &str| line.split(mark).nth(1).map(str::to_owned);
        if let Some(name) = line.strip_prefix("### ") {
            code = name;
        } else if line.starts_with("**") {
            let who = between("**").unwrap();
            let after =
                line.contains("after *").then(|| line.split("after *").nth(1).unwrap().split('*').next().unwrap().to_owned());
            examples.push(Example { code: code.to_owned(), who, after, ..Example::default() });
        } else if let Some(language) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let example = examples.last_mut().unwrap();
            match language {
                "graphql" => example.query = Some(block.join("\n")),
                "json" => example.json = serde_json::from_str(&block.join("\n")).unwrap(),
                other => panic!("an example has a block of {other}"),
            }
        } else if let Some(message) = line.strip_prefix("- `en`: ") {
            message.clone_into(&mut examples.last_mut().unwrap().english);
        } else if let Some(message) = line.strip_prefix("- `fr`: ") {
            message.clone_into(&mut examples.last_mut().unwrap().french);
        }
    }
    examples
}

/// The codes of the schema.
fn codes() -> Vec<&'static str> {
    let (_, after) = include_str!("../../schema.graphql").split_once("enum ErrorCode {").unwrap();
    let names = after.split('}').next().unwrap().lines().map(str::trim);
    names.filter(|line| !line.is_empty() && line.chars().all(|c| c.is_ascii_uppercase() || c == '_')).collect()
}

/// What stands beside each code in `extensions`, as the table tells.
fn extensions_of(text: &str, code: &str) -> BTreeSet<String> {
    let row = text.lines().find(|line| line.starts_with(&format!("| `{code}` |"))).unwrap_or_else(|| panic!("no row of {code}"));
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    assert!(cells.len() == 4 && !cells[1].is_empty() && !cells[2].is_empty(), "{row}");
    cells[3].split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a message is the one that is told, where `…` stands for anything.
fn is(message: &str, told: &str) -> bool {
    let (first, last) = (told.split('…').next().unwrap(), told.rsplit('…').next().unwrap());
    if first == told {
        return message == told;
    }
    let Some(mut rest) = message.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    for part in told.split('…').skip(1).take(told.matches('…').count() - 1) {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

async fn asks(server: &Server, who: &str) -> Client {
    match who {
        "Nobody" => server.client(),
        "Somebody" => server.somebody().await,
        "Somebody who has not accepted" => server.newcomer().await,
        "An administrator" => server.admin().await,
        other => panic!("nobody knows who this is: {other}"),
    }
}

async fn send(client: &Client, example: &Example) -> Answer {
    match &example.query {
        Some(query) => client.send(query, example.json.clone()).await,
        None => client.send_as(client.raw(reqwest::Method::POST, "/graphql").json(&example.json)).await,
    }
}

const HELD: &str = "something held the database for longer than REQUEST_SECONDS";
/// What [`undo`] takes back.
const OUT_OF_REACH: &str = "the database went out of reach";

/// Makes happen what an example says, as often as it is asked; what holds the
/// database is to be ended.
async fn happen(server: &Server, engine: Engine, client: &Client, example: &Example) -> Option<DatabaseTransaction> {
    let Some(what) = &example.after else { return None };
    match what.as_str() {
        "their session was ended" => {
            client.send("mutation { signOut }", Value::Null).await;
        }
        "another device saved" => {
            game("scenario").save(client, json!({ "currentLevel": 1, "newPlay": true })).await.data();
        }
        "a newer release saved the play" => {
            game("scenario").save(client, json!({ "currentLevel": 1, "newPlay": true })).await.data();
            server.sql("UPDATE scenario_game_data SET schema_version = 99").await;
        }
        "their first name was damaged in the database" => {
            let name = json!({ "input": { "firstName": "Camille-Exemple" } });
            client.send("mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }", name).await.data();
            server.sql("UPDATE user_details SET first_name = 'enc1:tests:damaged'").await;
        }
        HELD => return Some(hold(server, engine).await),
        // Somebody else holds its lock: a statement waits for five seconds.
        OUT_OF_REACH if engine == Engine::Sqlite => return Some(hold(server, engine).await),
        OUT_OF_REACH => server.home.let_in(false).await,
        what => {
            let times = what.strip_prefix("the same was sent ").and_then(|rest| rest.strip_suffix(" times"));
            let times: usize = times.and_then(|times| times.parse().ok()).unwrap_or_else(|| panic!("nobody knows how: {what}"));
            for _ in 0..times {
                send(client, example).await;
            }
        }
    }
    None
}

/// Holds what everybody who writes needs, until it is rolled back.
pub async fn hold(server: &Server, engine: Engine) -> DatabaseTransaction {
    let database = server.home.database().await;
    if engine == Engine::Sqlite {
        let mode = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        return database.begin_with_options(options).await.unwrap();
    }
    let transaction = database.begin().await.unwrap();
    transaction.execute_unprepared("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    transaction
}

/// The database is looked into when the test ends.
async fn undo(server: &Server, engine: Engine, example: &Example) {
    if example.after.as_deref() == Some(OUT_OF_REACH) && engine == Engine::Postgres {
        server.home.let_in(true).await;
    }
}

async fn every_example_gives_its_code_and_its_words(engine: Engine) {
    let text = document();
    let examples = examples(&text);
    let shared = Server::start(engine).await;
    let codes = codes();
    let mut shown = BTreeSet::new();
    for example in &examples {
        // What happens before lasts, and there is one administrator.
        let is_alone = example.after.is_some() || example.who == "An administrator";
        let own = if is_alone { Some(Server::start(engine).await) } else { None };
        let server = own.as_ref().unwrap_or(&shared);
        let mut client = asks(server, &example.who).await;
        // Only what has to end asks the one that has no time: on a busy machine signing up takes its own.
        let hurried = match example.after.as_deref() {
            Some(HELD) => Some(Server::start_on(server.home.clone(), &[("REQUEST_SECONDS", "1")]).await),
            _ => None,
        };
        if let Some(hurried) = &hurried {
            client = client.at(&hurried.url);
        }
        for (language, told) in [("en", &example.english), ("fr", &example.french)] {
            let client = client.with_header("accept-language", language);
            let held = happen(server, engine, &client, example).await;
            let answer = send(&client, example).await;
            if let Some(held) = held {
                // Dropped, it would hold on until the test waits the next time; what looks into the database waits for it.
                held.rollback().await.unwrap();
            }
            let error = &answer.body["errors"][0];
            assert_eq!(error["extensions"]["code"], example.code.as_str(), "{example:?}: {}", answer.text);
            let message = error["message"].as_str().unwrap();
            assert!(!told.is_empty() && is(message, told), "docs/ERRORS.md tells\n{told}\nand it is\n{message}");
            let names = error["extensions"].as_object().unwrap().keys().filter(|name| *name != "code");
            shown.extend(names.map(|name| (example.code.clone(), name.clone())));
        }
        undo(server, engine, example).await;
    }
    for code in codes.iter().copied() {
        assert!(examples.iter().any(|example| example.code == code), "docs/ERRORS.md has no example of {code}");
        let told = extensions_of(&text, code).into_iter().map(|name| (code.to_owned(), name)).collect::<BTreeSet<_>>();
        let given = shown.iter().filter(|(known, _)| known == code).cloned().collect::<BTreeSet<_>>();
        assert_eq!(told, given, "what stands beside {code}");
    }
    assert!(examples.iter().all(|example| codes.contains(&example.code.as_str())));
}

async fn messages_are_in_the_language_that_is_asked_for(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let save = json!({ "input": { "completion": 120, "currentLevel": -1, "traits": { "empathie": 3 } } });
    let english = ["/currentLevel is below 0; levels count from 0.", "/completion is not a percentage, 0 to 100."];
    let french = [
        "/currentLevel est inférieur à 0 ; les niveaux se comptent à partir de 0.",
        "/completion n'est pas un pourcentage, de 0 à 100.",
    ];
    for (header, is_french) in [
        (None, false),
        (Some(""), false),
        (Some("fr"), true),
        (Some("fr-CA, en;q=0.5"), true),
        (Some("en-GB, fr"), false),
        (Some("fr;q=0.2, en"), false),
        (Some("en;q=0.2, fr;q=0.9"), true),
        (Some("de, fr;q=0.1"), true),
        (Some("de, it"), false),
        (Some("*"), false),
        (Some("fr;q=0, de"), false),
        (Some(", ;;q=, fr;q=x"), false),
    ] {
        let client = header.map_or_else(|| somebody.clone(), |header| somebody.with_header("accept-language", header));
        // Two problems of a save, each beside the whole.
        let refused = client.send(SAVE, save.clone()).await;
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec!["/currentLevel", "/completion"]));
        let error = &refused.body["errors"][0];
        let (told, first) =
            if is_french { (french, "Les données ne sont pas valides : ") } else { (english, "The input is not valid: ") };
        assert_eq!(error["message"], format!("{first}{}", told.join(" ")), "{header:?}");
        for (problem, told) in error["extensions"]["problems"].as_array().unwrap().iter().zip(told) {
            let (pointer, message) = (problem["pointer"].as_str().unwrap(), problem["message"].as_str().unwrap());
            assert_eq!(format!("{pointer} {message}"), told);
        }
        // A save that is behind another.
        let behind = client.send(SAVE, json!({ "input": { "currentLevel": 1, "expectedRevision": 7 } })).await;
        let told = behind.body["errors"][0]["message"].as_str().unwrap().to_owned();
        assert_eq!(
            (behind.codes(), told.starts_with("Il n'y a pas encore")),
            (vec!["CONFLICT"], is_french),
            "{header:?}: {told}"
        );
        // What the library says, with the place of the argument.
        let wrong = client.send("mutation { updateProfile(input: { age: \"x\" }) { id } }", Value::Null).await;
        assert_eq!((wrong.codes(), wrong.pointers()), (vec!["INVALID_INPUT"], vec!["/age"]));
        let told = wrong.body["errors"][0]["message"].as_str().unwrap().to_owned();
        let expected =
            if is_french { "« input.age » n'est pas du type Int." } else { "“input.age” is not of the type Int." };
        assert_eq!((told.as_str(), wrong.body["errors"][0]["locations"].is_array()), (expected, true));
    }
    // A person's own key stays as it is, in a French sentence.
    let french = somebody.with_header("accept-language", "fr");
    let kept = french.send(SAVE, json!({ "input": { "traits": { "Wait {limit} seconds": "x" } } })).await;
    let told = "Les données ne sont pas valides : /traits/Wait {limit} seconds n'est pas un nombre entier.";
    assert_eq!(kept.body["errors"][0]["message"], told);
    // A long value is not repeated.
    let long = "é".repeat(5_000);
    let set = "mutation ($language: Language!) { updateProfile(input: { language: $language }) { id } }";
    let cut = french.send(set, json!({ "language": long })).await;
    assert_eq!((cut.codes(), cut.pointers()), (vec!["INVALID_INPUT"], vec!["/language"]), "{}", cut.text);
    let told = format!("« input.language » est « {}… », qui n'est pas une des valeurs de Language.", "é".repeat(100));
    assert_eq!(cut.body["errors"][0]["message"], told);
}
