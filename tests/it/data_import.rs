//! An export, taken into another database.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::account_recovery::{link, reset};
use crate::data_export::{Files, exported, pack, rows, text, whole_person};
use crate::harness::authenticator::Authenticator;
use crate::harness::{Client, Engine, Home, Server, on_both_engines};
use crate::passkey;

on_both_engines!(
    what_is_imported_is_exported_again_as_it_was,
    a_passkey_gets_in_where_the_relying_party_is_the_same,
    what_does_not_fit_is_not_imported,
    roles_and_names_are_the_operators_to_give,
    other_terms_are_to_be_accepted_again,
);

/// Runs the command on this archive.
async fn import(home: &Home, archive: &[u8], options: &[&str]) -> (bool, String) {
    let file: PathBuf = home.folder.join("export.zip");
    std::fs::write(&file, archive).unwrap();
    let mut arguments = vec!["import", file.to_str().unwrap()];
    arguments.extend(options);
    let output = home.command(&arguments).env("LOG", "warn").output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

/// An empty instance, with an address of its own so that nothing is found under the keys of the other.
async fn elsewhere(engine: Engine) -> Arc<Home> {
    Arc::new(Home::migrated(engine).await)
}

/// What is compared of a file: everything that comes back. Not the time of the last sign-in, since signing in is how the second export
/// is asked for; and not when the platform published a version of the terms, which is each platform's own.
fn comparable(files: &Files, name: &str) -> Vec<u8> {
    let table = name.trim_start_matches("data/").trim_end_matches(".json");
    let without = |column: &str| {
        let mut rows = rows(files, table);
        for row in &mut rows {
            assert!(row.as_object_mut().unwrap().shift_remove(column).is_some());
        }
        serde_json::to_vec(&rows).unwrap()
    };
    match table {
        "users" => without("last_login"),
        "terms_versions" => without("date_created"),
        _ => files[name].clone(),
    }
}

/// What does not come back: it belongs to a device, or to a moment.
const NOT_IMPORTED: &[&str] = &["sessions", "account_recoveries", "webauthn_ceremonies", "mails", "audit_log"];

async fn what_is_imported_is_exported_again_as_it_was(engine: Engine) {
    let server = Server::start(engine).await;
    // So that numbers of rows are others there.
    let other = server.somebody().await;
    other.data(r#"mutation { saveJobsGame(input: { completion: 1 }) { id } setPassions(passions: ["x"]) { id } }"#).await;
    let (client, email) = whole_person(&server, "moves").await;
    let (archive, before) = exported(&server, &client).await;
    let home = elsewhere(engine).await;
    let (went, printed) = import(&home, &archive, &[]).await;
    assert!(went && printed.contains("Imported <script>alert(1)</script>"), "{printed}");

    let server = Server::start_on(home, &[]).await;
    assert_eq!(server.sql("SELECT version FROM terms_versions").await, ["1.0"]);
    // Passwords do not come along; the address does.
    let refused = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": email, "password": "trois petits chats" } });
    assert_eq!(server.client().send(refused, input).await.codes(), ["UNAUTHENTICATED"]);
    let earlier = crate::harness::mailbox::to(&email).len();
    let token = link(&server, &email, earlier + 1).await;
    let back = server.client().signed_in(&reset(&server.client(), &token, "quatre petits chats").await);
    server.queue_is_empty().await;
    let (_, after) = exported(&server, &back).await;
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let mut compared = 0;
    for name in
        before.keys().filter(|name| name.starts_with("data/") || name.starts_with("pictures/") || name.starts_with("schema/"))
    {
        if NOT_IMPORTED.iter().any(|table| *name == format!("data/{table}.json")) {
            continue;
        }
        let is_equal = comparable(&before, name) == comparable(&after, name);
        assert!(is_equal, "{name}:\n{}\n{}", text(&before, name), text(&after, name));
        compared += 1;
    }
    assert_eq!(compared, 17 + 22 + 2, "17 tables that come back, 22 schemas, 2 pictures");
    // A save that was sent before is not counted again under another instance: whether it is the same can't be told any more.
    let again = "mutation { saveJobsGame(input: { saveId: \"s1\", completion: 5 }) { id } }";
    assert_eq!(back.send(again, Value::Null).await.codes(), ["CONFLICT"]);
    back.data(r#"mutation { saveJobsGame(input: { jobChoices: { Fleuriste: "like" } }) { revision } }"#).await;
}

async fn a_passkey_gets_in_where_the_relying_party_is_the_same(engine: Engine) {
    let server = Server::start_on(elsewhere(engine).await, &[("PUBLIC_URL", "http://localhost:4711")]).await;
    let mut authenticator = Authenticator::new("http://localhost:4711");
    let client = passkey::sign_up(&server, &mut authenticator).await;
    client.data("mutation { requestDataExport { id } }").await;
    let archive = ready_behind(&server, &client).await;
    let home = elsewhere(engine).await;
    let (went, printed) = import(&home, &archive, &["--username", "zoé"]).await;
    assert!(went, "{printed}");
    let server = Server::start_on(home, &[("PUBLIC_URL", "http://localhost:4711")]).await;
    let answer = passkey::sign_in(&server, &mut authenticator).await;
    assert_eq!(answer.data()["payload"]["user"]["username"], "zoé");
}

/// The archive of a service that says to be somewhere else.
async fn ready_behind(server: &Server, client: &Client) -> Vec<u8> {
    let url = crate::data_export::ready(server, client).await["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("http://localhost:4711").unwrap();
    let answer = server.client().raw(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap().to_vec()
}

fn with(files: &Files, name: &str, change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut files = files.clone();
    let changed = change(text(&files, name).to_owned());
    files.insert(name.to_owned(), changed.into_bytes());
    pack(&files)
}

async fn what_does_not_fit_is_not_imported(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, email) = whole_person(&server, "twice").await;
    let (archive, files) = exported(&server, &client).await;
    let without = |name: &str| {
        let mut files = files.clone();
        files.remove(name);
        pack(&files)
    };
    let home = elsewhere(engine).await;
    let replace = |name: &str, from: &str, to: &str| {
        with(&files, name, |text| {
            assert!(text.contains(from), "{name}: {text}");
            text.replacen(from, to, 1)
        })
    };
    let long = "x".repeat(9 * 1024 * 1024);
    for (archive, told) in [
        (b"no archive".to_vec(), "can't be read"),
        (archive[..archive.len() - 100].to_vec(), "can't be read"),
        (without("manifest.json"), "manifest.json is missing"),
        (replace("manifest.json", "autrement-capable-export", "another"), "another format"),
        (replace("manifest.json", "\"version\": 1", "\"version\": 2"), "reads the form 1"),
        (replace("manifest.json", "\"saves\"", "\"diaries\""), "diaries, which this release does not know"),
        (replace("manifest.json", "\"user_passions\": 3", "\"user_passions\": 4"), "has 3 rows where manifest.json tells 4"),
        (without("data/saves.json"), "data/saves.json is missing"),
        (without("pictures/cover.jpg"), "can't be read"),
        (
            replace("data/users.json", "\"is_active\":true", "\"is_active\":\"yes\""),
            "data/users.json: is_active is not what it should be",
        ),
        (replace("data/users.json", "\"is_active\":true,", ""), "data/users.json: is_active is missing"),
        (
            replace("data/users.json", "\"is_active\"", "\"shoe_size\":41,\"is_active\""),
            "data/users.json: shoe_size is not known",
        ),
        (replace("data/users.json", "\"role\":\"user\"", "\"role\":\"queen\""), "is not taken over"),
        (replace("data/jobs_game_data.json", "[\n", "[\n["), "data/jobs_game_data.json can't be read"),
        (replace("data/user_passions.json", "DROP TABLE", &long), "more than 8 MiB"),
        (replace("data/user_passions.json", "DROP", "\\u0000"), "NUL"),
        (replace("data/users.json", "<script>", &"x".repeat(65)), "at most 64"),
        (replace("data/user_terms_agreements.json", "\"1.0\"", "\"9\""), "9 is not in data/terms_versions.json"),
    ] {
        let (went, printed) = import(&home, &archive, if told == "is not taken over" { &["--keep-role"] } else { &[] }).await;
        let told = if told == "is not taken over" { "There is no role queen here" } else { told };
        assert!(!went && printed.contains(told), "{told}: {printed}");
    }
    let there = Server::start_on(home.clone(), &[]).await;
    assert_eq!(there.sql("SELECT username FROM users").await.len(), 0, "what is refused changes nothing");
    assert_eq!(there.sql("SELECT save_id FROM saves").await.len(), 0);

    // Somebody is there already.
    there.somebody().await.data("mutation { updateProfile(input: { username: \"<script>alert(1)</script>\" }) { id } }").await;
    let (went, printed) = import(&home, &archive, &[]).await;
    assert!(!went && printed.contains("give another one with --username"), "{printed}");
    let (went, printed) = import(&home, &archive, &["--username", "zoé"]).await;
    assert!(went, "{printed}");
    let (went, printed) = import(&home, &archive, &["--username", "zoé 2"]).await;
    assert!(!went && printed.contains("here already"), "{printed}");
    let handle = rows(&files, "users")[0]["webauthn_user_handle"].as_str().unwrap().to_owned();
    let stranger = replace("data/users.json", &handle, "00000000-0000-4000-8000-000000000001");
    let (went, printed) = import(&home, &stranger, &["--username", "zoé 2"]).await;
    assert!(!went && printed.contains("address of this person is verified"), "{printed}");
    assert!(!printed.contains(&email), "{printed}");
}

async fn roles_and_names_are_the_operators_to_give(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, files) = exported(&server, &server.admin().await).await;
    assert_eq!(rows(&files, "users")[0]["role"], "admin");
    let role = "SELECT roles.role_name FROM users JOIN roles ON roles.id = users.role_id";
    for (options, expected, told) in [(vec![], "user", "--keep-role does"), (vec!["--keep-role"], "admin", "Imported a person")] {
        let home = elsewhere(engine).await;
        let (went, printed) = import(&home, &pack(&files), &options).await;
        assert!(went && printed.contains(told), "{printed}");
        let there = Server::start_on(home, &[]).await;
        assert_eq!(there.sql(role).await, [expected]);
    }
}

async fn other_terms_are_to_be_accepted_again(engine: Engine) {
    let server = Server::start(engine).await;
    let client = server.somebody().await;
    client.data(r#"mutation { acceptTerms(version: "1.0") { id } }"#).await;
    let (_, files) = exported(&server, &client).await;
    let agreed = "SELECT terms_versions.version FROM user_terms_agreements JOIN terms_versions ON terms_versions.id = terms_id";
    // Other words under the same name; a version that is not there yet.
    let other = with(&files, "data/terms_versions.json", |text| text.replacen("# ", "# Autres ", 1));
    let home = elsewhere(engine).await;
    let (went, printed) = import(&home, &other, &[]).await;
    assert!(went && printed.contains("The terms 1.0 have other words here"), "{printed}");
    let there = Server::start_on(home.clone(), &[]).await;
    assert_eq!(there.sql(agreed).await, Vec::<String>::new());
    drop(there);
    let mut newer = files.clone();
    for name in ["data/terms_versions.json", "data/user_terms_agreements.json"] {
        newer.insert(name.to_owned(), text(&files, name).replace("\"1.0\"", "\"7.0\"").into_bytes());
    }
    let home = elsewhere(engine).await;
    let (went, printed) = import(&home, &pack(&newer), &[]).await;
    assert!(went, "{printed}");
    let there = Server::start_on(home, &[]).await;
    assert_eq!(there.sql(agreed).await, ["7.0"]);
    assert_eq!(
        there.client().data("{ terms { version } }").await["terms"]["version"],
        "1.0",
        "what is imported is not activated"
    );
}
