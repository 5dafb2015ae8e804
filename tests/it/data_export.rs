//! Everything that is held on a person, as one file for themselves; and back into another database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Write as _};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::catalogue::foreign_keys;
use crate::harness::game::{GAMES, game, play_session, session};
use crate::harness::{Client, Engine, Home, Server, on_both_engines_and_two_instances};
use crate::statements::play_before;
use crate::unverified_detail::verified;

on_both_engines_and_two_instances!(
    everything_is_there_and_as_it_was_given,
    every_table_that_leads_to_a_person_is_exported,
    the_language_is_theirs,
    a_link_is_for_who_has_it_as_it_is,
    a_link_ends_after_a_day_and_the_archive_goes,
    who_asks_twice_gets_one,
    an_instance_that_dies_is_followed,
    what_can_not_be_made_fails_with_a_way_out,
);

const EXPORT: &str = "{ id state progress dateRequested url expires size }";

pub async fn request(client: &Client) -> Value {
    client.data(&format!("mutation {{ requestDataExport {EXPORT} }}")).await["requestDataExport"].clone()
}

pub async fn state(client: &Client) -> Value {
    client.data(&format!("{{ me {{ dataExport {EXPORT} }} }}")).await["me"]["dataExport"].clone()
}

/// The export once it is ready.
pub async fn ready(server: &Server, client: &Client) -> Value {
    for _ in 0..1200 {
        let export = state(client).await;
        if export["state"] == "READY" {
            server.note_secret(export["url"].as_str().unwrap().split_once("signature=").unwrap().1);
            return export;
        }
        assert_ne!(export["state"], "FAILED");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is never ready: {}", state(client).await);
}

/// What a link answers: the status, the headers and the bytes.
pub async fn follow(server: &Server, url: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let path = url.strip_prefix(&server.origin).unwrap_or_else(|| panic!("{url} is not under {}", server.origin));
    let answer = server.client().raw(reqwest::Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn unpack(archive: &[u8]) -> Files {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let read = |name: String| {
        let mut bytes = Vec::new();
        zip.by_name(&name).unwrap().read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

pub fn pack(files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The archive of somebody, and its files.
pub async fn exported(server: &Server, client: &Client) -> (Vec<u8>, Files) {
    request(client).await;
    let export = ready(server, client).await;
    let (status, _, bytes) = follow(server, export["url"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    let files = unpack(&bytes);
    (bytes, files)
}

pub fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).unwrap()
}

pub fn rows(files: &Files, table: &str) -> Vec<Value> {
    serde_json::from_slice(&files[&format!("data/{table}.json")]).unwrap()
}

/// Puts pictures into the table, one of each kind.
pub async fn put_pictures(server: &Server, pictures: &[(&str, Vec<u8>)]) {
    let database = server.home.database().await;
    let backend = database.get_database_backend();
    let [one, two, three, four] = if backend == sea_orm::DbBackend::Postgres { ["$1", "$2", "$3", "$4"] } else { ["?"; 4] };
    for (kind, bytes) in pictures {
        let sql = format!(
            "INSERT INTO user_pictures (user_id, picture_data, date_updated, type, media_type, content_hash) \
             SELECT MAX(id), {one}, MAX(date_created), {two}, {three}, {four} FROM users"
        );
        let media_type = if bytes.starts_with(PNG) { "image/png" } else { "image/jpeg" };
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        let values = [bytes.clone().into(), (*kind).into(), media_type.into(), hash.into()];
        database.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
    }
}

/// Bytes that look like a picture to who reads the first of them, and that can't be made smaller.
pub fn picture(first: &[u8], length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    first.iter().copied().chain(noise).take(length).collect()
}

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
pub const JPEG: &[u8] = b"\xff\xd8\xff\xe0";

const HOSTILE: &str = "<script>alert(1)</script>";

/// Somebody who did everything that there is to do.
pub async fn whole_person(server: &Server, name: &str) -> (Client, String) {
    let (client, email) = verified(server, name).await;
    let session = session();
    let mut profile = session["detail"].as_object().unwrap().clone();
    profile.remove("email");
    profile.insert("username".into(), HOSTILE.into());
    profile.insert("onboardingComplete".into(), true.into());
    let update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }";
    client.send(update, json!({ "input": profile })).await.data();
    let avatar = "mutation ($input: AvatarInput!) { setAvatar(input: $input) { avatarColor } }";
    client.send(avatar, json!({ "input": session["avatar"] })).await.data();
    let passions = "mutation ($passions: [String!]!) { setPassions(passions: $passions) { order } }";
    client.send(passions, json!({ "passions": ["'; DROP TABLE users; --", "👩🏽‍🦽‍➡️ & \"مرحبا\"", HOSTILE] })).await.data();
    client.data(r#"mutation { acceptTerms(version: "1.0") { id } }"#).await;
    play_session(&client).await;
    for number in 0..45 {
        let input =
            json!({ "newPlay": true, "saveId": format!("s{number}"), "completion": number, "jobChoices": { (HOSTILE): "like" } });
        game("jobs").save(&client, input).await.data();
    }
    let plays = client.data("{ me { plays(first: 1, game: JOBS) { nodes { id } } } }").await;
    client.data(&format!("mutation {{ deletePlay(id: {}) }}", plays["me"]["plays"]["nodes"][0]["id"])).await;
    put_pictures(server, &[("profile", picture(PNG, 300_000)), ("cover", picture(JPEG, 700_000))]).await;
    server.queue_is_empty().await;
    (client, email)
}

async fn everything_is_there_and_as_it_was_given(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, email) = whole_person(&server, "whole").await;
    assert_eq!(state(&client).await, Value::Null);
    let asked = request(&client).await;
    assert_eq!((&asked["state"], &asked["url"], &asked["size"]), (&json!("REQUESTED"), &json!(null), &json!(null)));
    let export = ready(&server, &client).await;
    assert_eq!((&export["id"], &export["progress"]), (&asked["id"], &json!(100.0)));
    let (status, headers, bytes) = follow(&server, export["url"].as_str().unwrap()).await;
    assert_eq!((status, Some(&json!(bytes.len())).and_then(Value::as_f64)), (200, export["size"].as_f64()));
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!((header("content-type"), header("cache-control")), ("application/zip", "no-store"));
    assert_eq!((header("x-content-type-options"), header("referrer-policy")), ("nosniff", "no-referrer"));
    assert_eq!(header("content-length"), bytes.len().to_string());
    let day = &asked["dateRequested"].as_str().unwrap()[..10];
    assert_eq!(header("content-disposition"), format!("attachment; filename=\"autrement-capable-{day}.zip\""));

    let files = unpack(&bytes);
    let schemas: Vec<_> = files.keys().filter(|name| name.starts_with("schema/")).collect();
    for name in &schemas {
        let table = name.strip_prefix("schema/").unwrap().strip_suffix(".schema.json").unwrap();
        let schema: Value = serde_json::from_slice(&files[*name]).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        let data: Value = serde_json::from_slice(&files[&format!("data/{table}.json")]).unwrap();
        let faults: Vec<_> = validator.iter_errors(&data).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{table}: {faults:?}");
        assert!(!validator.is_valid(&json!([{ "unknown": 1 }])), "{table}");
    }
    assert_eq!(files.keys().filter(|name| name.starts_with("data/")).count(), schemas.len());

    let session = session();
    let detail = &rows(&files, "user_details")[0];
    for (written, name) in [
        ("firstName", "first_name"),
        ("lastName", "last_name"),
        ("age", "age"),
        ("phoneNumber", "phone_number"),
        ("address", "address"),
    ] {
        assert_eq!(detail[name], session["detail"][written]);
    }
    assert_eq!(detail["email"], email.as_str());
    let user = &rows(&files, "users")[0];
    assert_eq!((&user["username"], &user["role"], &user["onboarding_complete"]), (&json!(HOSTILE), &json!("user"), &json!(true)));
    assert_eq!(rows(&files, "user_avatar_infos")[0]["avatar_color"], session["avatar"]["avatarColor"]);
    assert_eq!(rows(&files, "user_passions")[1], json!({ "passion_text": "👩🏽‍🦽‍➡️ & \"مرحبا\"", "order": 2 }));
    assert_eq!(rows(&files, "user_terms_agreements")[0]["terms_version"], "1.0");
    assert!(rows(&files, "terms_versions")[0]["content"].as_str().unwrap().starts_with("# "));
    assert_eq!(rows(&files, "sessions").len(), 1);
    for game in &GAMES {
        let table = game.mutation.strip_prefix("save").unwrap().strip_suffix("Game").unwrap();
        let snake = |name: &str| {
            name.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect::<String>()
        };
        let first = rows(&files, &format!("{}_game_data", snake(table).trim_start_matches('_')))[0].clone();
        assert_eq!(first["number"], 1);
        for (name, value) in session["games"][game.name].as_object().unwrap() {
            // Numbers are compared as numbers: 100 is stored as 100.0.
            let there = &first[snake(name)];
            assert!(there == value || there.as_f64().is_some_and(|number| Some(number) == value.as_f64()), "{name}: {there}");
        }
    }
    assert_eq!(rows(&files, "jobs_game_data").len(), 45);
    let saves = rows(&files, "saves");
    assert_eq!(saves.len(), 45);
    let play_of = |id: &str| saves.iter().find(|save| save["save_id"] == id).unwrap()["play"].clone();
    assert_eq!((play_of("s0"), play_of("s43"), play_of("s44")), (json!(2), json!(45), json!(null)), "the last play is deleted");
    let pictures = rows(&files, "user_pictures");
    assert_eq!((&pictures[0]["file"], &pictures[1]["file"]), (&json!("pictures/profile.png"), &json!("pictures/cover.jpg")));
    assert!(files["pictures/profile.png"] == picture(PNG, 300_000) && files["pictures/cover.jpg"] == picture(JPEG, 700_000));

    let page = text(&files, "index.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
    for part in
        ["<html lang=\"fr\">", "default-src 'none'", "Pragmatisme", "L&#39;Hermitte-Nguyễn", "<svg", "12 bis, rue de l&#39;Œuvre"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    for part in [" src=\"http", "href=\"http", "style=\"", " onload", "url("] {
        assert!(!page.contains(part), "{part}: {page}");
    }
    no_secret_is_in_it(&server, &files).await;
}

/// Neither what keeps the account safe is in the archive, nor anything of the person in the parts as they are stored.
async fn no_secret_is_in_it(server: &Server, files: &Files) {
    let mut secrets = Vec::new();
    for secret in [
        "SELECT password_hash FROM user_details",
        "SELECT email_index FROM user_details",
        "SELECT refresh_jti FROM sessions",
        "SELECT content_hash FROM saves",
        "SELECT key FROM data_exports",
    ] {
        secrets.extend(server.sql(secret).await);
    }
    for (name, bytes) in files.iter().filter(|(name, _)| !name.starts_with("pictures/")) {
        let text = std::str::from_utf8(bytes).unwrap();
        for secret in secrets.iter().filter(|secret| secret.len() > 8) {
            assert!(!text.contains(secret.as_str()), "{name} has {secret}");
        }
    }
    let database = server.home.database().await;
    let statement =
        Statement::from_string(database.get_database_backend(), "SELECT bytes FROM data_export_parts ORDER BY position");
    let parts: Vec<Vec<u8>> =
        database.query_all_raw(statement).await.unwrap().iter().map(|row| row.try_get("", "bytes").unwrap()).collect();
    assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= 256 * 1024 + 16));
    let stored = parts.concat();
    assert!(!stored.windows(4).any(|bytes| bytes == b"PK\x03\x04"), "a part is stored as it is");
    for name in files.keys() {
        assert!(!stored.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
    }
}

/// What is not exported though it leads to a person, and why.
const NOT_EXPORTED: &[(&str, &str)] = &[("data_exports", "the export itself"), ("data_export_parts", "the export itself")];

async fn every_table_that_leads_to_a_person_is_exported(engine: Engine) {
    let server = Server::start(engine).await;
    let keys = foreign_keys(engine, &server.home.database().await).await;
    let mut of_people = BTreeSet::from(["users".to_owned()]);
    for _ in 0..keys.len() {
        let more: Vec<_> = keys.iter().filter(|key| of_people.contains(&key.to)).map(|key| key.table.clone()).collect();
        of_people.extend(more);
    }
    let (_, files) = exported(&server, &server.somebody().await).await;
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    for table in &of_people {
        let is_exported = manifest["tables"].get(table).is_some();
        let is_excused = NOT_EXPORTED.iter().any(|(name, _)| name == table);
        assert!(
            is_exported != is_excused,
            "{table} leads to a person: export it (service::data_export::tables), or say here why not"
        );
    }
    assert!(of_people.len() > 20, "{of_people:?}");
}

async fn the_language_is_theirs(engine: Engine) {
    let server = Server::start(engine).await;
    let wished = server.somebody().await.with_header("accept-language", "en-GB");
    let chosen = server.somebody().await.with_header("accept-language", "en");
    chosen.data("mutation { updateProfile(input: { language: FRENCH }) { id } }").await;
    for (client, tag, title) in [(wished, "en", "Your data"), (chosen, "fr", "Tes données")] {
        let (_, files) = exported(&server, &client).await;
        let page = text(&files, "index.html");
        assert!(page.contains(&format!("<html lang=\"{tag}\">")) && page.contains(&format!("<h1>{title}</h1>")), "{page}");
        // Nobody has played yet, and the page says so in kind words.
        assert!(page.contains("Pas encore joué") || page.contains("Not played yet"));
        let readme = text(&files, "README.txt");
        assert!(readme.contains("une page à lire") && readme.contains("a page to read"));
    }
}

async fn a_link_is_for_who_has_it_as_it_is(engine: Engine) {
    let server = Server::start(engine).await;
    let (one, other) = (server.somebody().await, server.somebody().await);
    request(&one).await;
    request(&other).await;
    let (url, others) = (ready(&server, &one).await["url"].clone(), ready(&server, &other).await["url"].clone());
    let (url, others) = (url.as_str().unwrap(), others.as_str().unwrap());
    assert_eq!(follow(&server, url).await.0, 200);
    let (path, query) = url.split_once('?').unwrap();
    let signature = query.split_once("signature=").unwrap().1;
    let later = query.replace("expires=1", "expires=2");
    let others_path = others.split_once('?').unwrap().0;
    for bad in [
        path.to_owned(),
        format!("{path}?{}", query.split_once('&').unwrap().0),
        format!("{path}?{later}"),
        format!("{path}?expires=x&signature={signature}"),
        format!("{path}?{query}&expires=2"),
        format!("{path}?{}", &query[..query.len() - 1]),
        format!("{path}?{}", query.replace(signature, &signature.to_lowercase())),
        format!("{others_path}?{query}"),
        format!("{}/exports/1?{query}", server.origin),
        format!("{}/exports/00000000-0000-4000-8000-000000000000?{query}", server.origin),
    ] {
        let (status, headers, bytes) = follow(&server, &bad).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (404, "text/plain; charset=utf-8"), "{bad}");
        assert!(String::from_utf8(bytes).unwrap().contains("Ask for a new export"));
    }
    // Who may not get in gets no file either; whoever signs out still does.
    one.data("mutation { signOut }").await;
    assert_eq!(follow(&server, url).await.0, 200);
    server.sql("UPDATE users SET is_active = false WHERE id = (SELECT MIN(id) FROM users)").await;
    assert_eq!(follow(&server, url).await.0, 404);
    assert_eq!(follow(&server, others).await.0, 200);
    // What is stored under another place does not open.
    server.sql("UPDATE data_export_parts SET position = 1 WHERE export_id = (SELECT id FROM data_exports ORDER BY user_id DESC LIMIT 1)").await;
    server.sql("UPDATE data_export_parts SET position = 0, export_id = (SELECT id FROM data_exports ORDER BY user_id DESC LIMIT 1) WHERE position = 0").await;
    let path = others.strip_prefix(&server.origin).unwrap();
    let is_whole = match server.client().raw(reqwest::Method::GET, path).send().await {
        Ok(answer) => answer.bytes().await.is_ok(),
        Err(_) => false,
    };
    assert!(!is_whole, "the answer breaks off");
}

async fn a_link_ends_after_a_day_and_the_archive_goes(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[]).await;
    let (client, email) = verified(&server, "day").await;
    request(&client).await;
    let export = ready(&server, &client).await;
    let url = export["url"].as_str().unwrap().to_owned();
    let expires = chrono::DateTime::parse_from_rfc3339(export["expires"].as_str().unwrap()).unwrap();
    let asked = chrono::DateTime::parse_from_rfc3339(export["dateRequested"].as_str().unwrap()).unwrap();
    let minutes = (expires - asked).num_minutes();
    assert!((24 * 60..24 * 60 + 5).contains(&minutes), "{minutes}");
    let origin = server.origin.clone();
    drop(server);
    for (offset, status, parts) in [("82800", 200, "1"), ("86460", 404, "1"), ("90000", 404, "0")] {
        let server = Server::start_on(home.clone(), &[("CLOCK_OFFSET", offset)]).await;
        let url = url.replace(&origin, &server.origin);
        assert_eq!(follow(&server, &url).await.0, status, "{offset}");
        if status == 404 {
            let back = server.client().sign_in(&email, "trois petits chats").await;
            assert_eq!(state(&back).await, Value::Null);
        }
        if parts == "0" {
            let count = "SELECT CAST(COUNT(*) AS TEXT) FROM data_export_parts";
            for _ in 0..100 {
                if server.sql(count).await == [parts] {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(server.sql(count).await, [parts]);
        }
    }
}

async fn who_asks_twice_gets_one(engine: Engine) {
    let server = Server::start(engine).await;
    let client = server.somebody().await;
    let (one, two, three) = tokio::join!(request(&client), request(&client), request(&client));
    // Where the first is ready before the last asks, the last gets a new one.
    let ids: BTreeSet<_> = [&one, &two, &three].map(|export| export["id"].as_str().unwrap().to_owned()).into();
    assert_eq!(server.sql("SELECT state FROM data_exports").await.len(), 1, "{ids:?}");
    let first = ready(&server, &client).await;
    assert!(ids.contains(first["id"].as_str().unwrap()));
    let second = request(&client).await;
    assert_ne!(second["id"], first["id"]);
    assert_eq!(follow(&server, first["url"].as_str().unwrap()).await.0, 404, "the one before gives way");
    // Five, of which those that were one count once.
    let mut codes = Vec::new();
    for _ in 0..6 {
        ready(&server, &client).await;
        let answer = client.send("mutation { requestDataExport { id } }", Value::Null).await;
        codes.extend(answer.codes().into_iter().map(str::to_owned));
    }
    assert!(codes.len() >= 3 && codes.iter().all(|code| code == "RATE_LIMITED"), "{codes:?}");
    // Another person is not braked by it.
    request(&server.somebody().await).await;
}

/// Enough that it takes some seconds.
async fn much(server: &Server) {
    play_before(server, 20_000).await;
}

async fn an_instance_that_dies_is_followed(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[]).await;
    let client = server.somebody().await;
    much(&server).await;
    put_pictures(&server, &[("cover", picture(JPEG, 2_000_000))]).await;
    request(&client).await;
    loop {
        let export = state(&client).await;
        assert_ne!(export["state"], "READY", "it is made too quickly to be interrupted");
        if export["progress"].as_f64().unwrap() > 0.0 {
            assert_eq!(export["state"], "MAKING");
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let token = client.access_token.clone();
    server.kill().await;
    // The lease of the one that died is over.
    let server = Server::start_on(home, &[("CLOCK_OFFSET", "120")]).await;
    let client = server.client().with_token(token.as_deref());
    let export = ready(&server, &client).await;
    assert_eq!(server.sql("SELECT CAST(tries AS TEXT) FROM data_exports").await, ["2"]);
    let (_, _, bytes) = follow(&server, export["url"].as_str().unwrap()).await;
    let files = unpack(&bytes);
    assert_eq!((rows(&files, "scenario_game_data").len(), rows(&files, "saves").len()), (20_000, 20_000));
    assert_eq!(rows(&files, "saves").iter().filter(|save| save["play"].is_null()).count(), 0);
    let page = text(&files, "index.html");
    assert!(page.contains("20000 parties") && page.contains("<polyline") && page.len() < 60_000, "{}", page.len());
}

async fn what_can_not_be_made_fails_with_a_way_out(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[]).await;
    let client = server.somebody().await;
    server.sql("ALTER TABLE user_passions RENAME TO elsewhere").await;
    request(&client).await;
    for _ in 0..400 {
        // Later tries wait for minutes.
        server.sql("UPDATE data_exports SET lease = date_requested WHERE lease IS NOT NULL").await;
        if state(&client).await["state"] == "FAILED" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let failed = state(&client).await;
    assert_eq!((&failed["state"], &failed["url"]), (&json!("FAILED"), &json!(null)));
    assert_eq!(server.sql("SELECT CAST(COUNT(*) AS TEXT) FROM data_export_parts").await, ["0"]);
    assert!(server.log().contains("an export is given up"));
    server.sql("ALTER TABLE elsewhere RENAME TO user_passions").await;
    exported(&server, &client).await;
}
