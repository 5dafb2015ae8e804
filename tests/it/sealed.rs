//! Personal fields are encrypted: what the database holds, what happens to a value that is moved, and the life of a key.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::game::game;
use crate::harness::{Client, Engine, Home, Server, on_both_engines};
use crate::unverified_detail::verified;

on_both_engines!(
    the_database_tells_nothing_personal,
    a_value_that_was_moved_is_an_error_and_not_a_name,
    a_play_that_was_moved_is_an_error_and_not_an_answer,
    keys_are_added_rotated_and_retired,
    a_key_that_is_missing_or_another_is_told_at_the_start,
    another_index_key_is_told_at_the_start,
    secrets_that_are_lost_are_not_made_again,
    what_is_from_before_is_read_and_then_encrypted,
    rotating_may_be_interrupted
);

const FIRST: &str = "first:Zmlyc3Qga2V5IG9mIHRoZSB0ZXN0cywgdGhpcnR5IGJ5dGVz";
const SECOND: &str = "second:c2Vjb25kIGtleSBvZiB0aGUgdGVzdHMsIHRoaXJ0eSBieXRl";
const DETAIL: &str = "{ me { detail { firstName lastName age phoneNumber address email } } }";

/// Somebody who has told all there is to tell, under names that stand nowhere else.
async fn known(server: &Server, name: &str) -> Client {
    let somebody = server.somebody().await;
    let profile = json!({ "firstName": format!("Prénom-{name}"), "lastName": format!("Nom-{name}"), "age": 17,
        "phoneNumber": format!("+33 6 00 {name}"), "address": format!("12, rue de {name}") });
    let update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }";
    somebody.send(update, json!({ "input": profile })).await.data();
    save_room(&somebody, name).await;
    somebody
}

async fn save_room(somebody: &Client, name: &str) {
    let room =
        json!([{ "room": "Focus Room", "commentary": format!("Le bruit de {name}"), "userFeedback": format!("calme, {name}") }]);
    game("roomEnv").save(somebody, json!({ "roomData": room, "newPlay": true })).await.data();
}

async fn run(home: &Home, keys: &str, arguments: &[&str]) -> (bool, String) {
    let output = home.command(arguments).env("ENCRYPTION_KEYS", keys).output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

/// The values of every sealed column.
async fn stored(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for column in ["first_name", "last_name", "phone_number", "address", "email"] {
        all.extend(server.sql(&format!("SELECT {column} FROM user_details WHERE {column} IS NOT NULL")).await);
    }
    all.extend(server.sql("SELECT email FROM unverified_details").await);
    all.extend(server.sql("SELECT CAST(room_data AS text) FROM room_env_game_data").await);
    all
}

/// Nobody would be found by their address, and somebody else could take it.
async fn another_index_key_is_told_at_the_start(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[]).await;
    server.somebody().await;
    drop(server);
    for claims in [true, false] {
        let other = ("EMAIL_INDEX_KEY", "YW5vdGhlciBpbmRleCB3aXRoIHRoaXJ0eS10d28gYnl0ZXM");
        let printed = home.gives_up(&[other]).await;
        assert!(printed.contains("is not the key that addresses are found by"), "{printed}");
        let (is_well, printed) = crate::doctor::doctor(&home, &[other]).await;
        assert!(!is_well && printed.contains("is not the one that addresses are found by"), "{printed}");
        let server = Server::start_on(home.clone(), &[]).await;
        if claims {
            verified(&server, "indexed").await;
            server.sql("DELETE FROM unverified_details").await;
        }
    }
}

/// What a first start makes is not made where it would take the place of what is lost.
async fn secrets_that_are_lost_are_not_made_again(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let unset = [("TOKEN_KEYS", ""), ("ENCRYPTION_KEYS", "")];
    drop(Server::start_on(home.clone(), &unset).await);
    let (file, kept) = (home.folder.join("secrets.toml"), home.folder.join("kept.toml"));
    std::fs::rename(&file, &kept).unwrap();
    for keys in [&unset[..], &unset[..1]] {
        let printed = home.gives_up(keys).await;
        assert!(printed.contains("put it back from a backup") && !file.exists(), "{printed}");
        let (is_well, printed) = crate::doctor::doctor(&home, keys).await;
        assert!(!is_well && printed.contains("put it back from a backup") && !file.exists(), "{printed}");
    }
    for command in [["keys", "add"], ["token-keys", "add"], ["token-keys", "retire"]] {
        let output = home.command(&command).envs(unset).output().await.unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && printed.contains("There is no secrets.toml") && !file.exists(), "{printed}");
    }
    // One from before fields were encrypted is not made whole either.
    let whole = std::fs::read_to_string(&kept).unwrap();
    let old = whole.lines().filter(|line| !line.starts_with("encryption_keys")).collect::<Vec<_>>().join("\n");
    std::fs::write(&file, &old).unwrap();
    let printed = home.gives_up(&unset).await;
    assert!(printed.contains("put it back from a backup"), "{printed}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
    // Without those of tokens everybody signs in again, and no more.
    std::fs::remove_file(&file).unwrap();
    let set: Vec<_> = [("EMAIL_INDEX_KEY", "email_index_key = "), ("ENCRYPTION_KEYS", "encryption_keys = ")]
        .map(|(name, line)| {
            let value = whole.lines().find_map(|found| found.strip_prefix(line)).unwrap();
            (name, value.trim_matches(['[', ']', '"']).to_owned())
        })
        .into();
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, value.as_str())).chain([("TOKEN_KEYS", "")]).collect();
    drop(Server::start_on(home.clone(), &set).await);
    std::fs::rename(&kept, &file).unwrap();
    drop(Server::start_on(home, &unset).await);
}

async fn the_database_tells_nothing_personal(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = known(&server, "Quelqu'une").await;
    server.client().data(r#"mutation { startPasskeySignUp(input: { firstName: "Une-Passagère" }) { ceremonyId } }"#).await;
    server.client().data(r#"mutation { requestAccountRecovery(email: "personne-ici@example.org") }"#).await;
    let bytes = server.home.bytes();
    assert_eq!(server.home.personal.told_by(&bytes), None);
    // It would be found: the search is done on what is sent as it is, too.
    somebody.data(r#"mutation { setPassions(passions: ["les-oiseaux-de-mer"]) { id } }"#).await;
    server.home.personal.note("les-oiseaux-de-nuit");
    assert_eq!(server.home.personal.told_by(&server.home.bytes()), None);
    somebody.data(r#"mutation { setPassions(passions: ["les-oiseaux-de-nuit"]) { id } }"#).await;
    assert_eq!(server.home.personal.told_by(&server.home.bytes()).as_deref(), Some("les-oiseaux-de-nuit"));
    somebody.data("mutation { setPassions(passions: []) { id } }").await;
    server.home.personal.forget("les-oiseaux-de-nuit");

    assert_eq!(stored(&server).await.len(), 6);
    for value in stored(&server).await {
        assert!(value.trim_start_matches('"').starts_with("enc1:tests:"), "{value}");
    }
}

async fn a_value_that_was_moved_is_an_error_and_not_a_name(engine: Engine) {
    let server = Server::start(engine).await;
    let (victim, other) = (known(&server, "Victime").await, known(&server, "Autre").await);
    let before = victim.data(DETAIL).await;
    // Of another person, another column, another table; changed; cut.
    let details = "user_details WHERE user_id = (SELECT MIN(user_id) FROM user_details)";
    let [name, last] = ["first_name", "last_name"].map(|column| format!("SELECT {column} FROM {details}"));
    let (name, last) = (server.sql(&name).await.remove(0), server.sql(&last).await.remove(0));
    let theirs = server.sql("SELECT first_name FROM user_details ORDER BY user_id DESC LIMIT 1").await.remove(0);
    let address = server.sql("SELECT email FROM unverified_details ORDER BY user_detail_id LIMIT 1").await.remove(0);
    let changed = format!("{}{}", &name[..name.len() - 1], if name.ends_with('A') { 'E' } else { 'A' });
    let other_key = name.replace("enc1:tests:", "enc1:nobody:");
    for wrong in [&theirs, &last, &address, &changed, &name[..40].to_owned(), &other_key, &"enc1:".to_owned()] {
        server
            .sql(&format!(
                "UPDATE user_details SET first_name = '{wrong}' WHERE user_id = (SELECT MIN(user_id) FROM user_details)"
            ))
            .await;
        let answer = victim.send(DETAIL, Value::Null).await;
        assert_eq!(answer.codes(), ["INTERNAL"], "{wrong}: {}", answer.text);
        assert_eq!(answer.body["errors"][0]["path"], json!(["me", "detail", "firstName"]));
        assert_eq!(answer.body["data"]["me"]["detail"]["lastName"], before["me"]["detail"]["lastName"]);
        assert!(!answer.text.contains("Autre") && server.log().contains("user_details.first_name of row"), "{}", answer.text);
    }
    assert_eq!(other.data(DETAIL).await["me"]["detail"]["firstName"], "Prénom-Autre");
    // It keeps nobody from signing in, taking what is there, and going.
    let email = before["me"]["detail"]["email"].as_str().unwrap().to_owned();
    let again = server.client().sign_in(&email, "trois petits chats").await;
    again.data("mutation { requestDataExport { state } }").await;
    while again.data("{ me { dataExport { state } } }").await["me"]["dataExport"]["state"] != "READY" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    server
        .sql(&format!("UPDATE user_details SET first_name = '{name}' WHERE user_id = (SELECT MIN(user_id) FROM user_details)"))
        .await;
    assert_eq!(victim.data(DETAIL).await, before);
}

async fn a_play_that_was_moved_is_an_error_and_not_an_answer(engine: Engine) {
    let server = Server::start(engine).await;
    let (victim, _) = (known(&server, "Victime").await, known(&server, "Autre").await);
    game("jobs").save(&victim, json!({ "completion": 40 })).await.data();
    save_room(&victim, "Plus tard").await;
    let query = "{ me { jobsGame { completion } roomEnvGame { completion roomData } insights { room { preferred { room } } } } }";
    let before = victim.data(query).await;
    let room = |id: i32| format!("(SELECT room_data FROM room_env_game_data WHERE id = {id})");
    for from in [1, 2] {
        // Of an earlier play of their own, and of another person.
        let kept = server.sql("SELECT CAST(room_data AS text) FROM room_env_game_data WHERE id = 3").await.remove(0);
        server.sql(&format!("UPDATE room_env_game_data SET room_data = {} WHERE id = 3", room(from))).await;
        let answer = victim.send(query, Value::Null).await;
        assert!(answer.codes().contains(&"INTERNAL"), "{}", answer.text);
        assert_eq!(answer.body["data"]["me"]["jobsGame"], before["me"]["jobsGame"]);
        assert!(!answer.text.contains("Le bruit") && !answer.text.contains("enc1"), "{}", answer.text);
        assert!(server.log().contains("room_env_game_data.room_data of row 3"));
        let saved = game("roomEnv").save(&victim, json!({ "completion": 10 })).await;
        assert_eq!(saved.codes(), ["INTERNAL"], "what can't be read is not merged into: {}", saved.text);
        // The others of the history are there, and so is its id.
        let answer =
            victim.send("{ me { plays { nodes { id completion ... on RoomEnvGameData { roomData } } } } }", Value::Null).await;
        assert_eq!(answer.codes(), ["INTERNAL"]);
        let ids = victim.data("{ me { plays { nodes { id } } } }").await["me"]["plays"]["nodes"].clone();
        assert_eq!(ids.as_array().unwrap().len(), 3);
        let replaced = game("roomEnv").save(&victim, json!({ "roomData": [], "mode": "REPLACE" })).await;
        assert_eq!(replaced.data()["play"]["roomData"], json!([]), "it may be written over");
        server.sql("UPDATE room_env_game_data SET revision = 1, date_updated = date_created WHERE id = 3").await;
        server.sql(&format!("UPDATE room_env_game_data SET room_data = '{kept}' WHERE id = 3")).await;
    }
    assert_eq!(victim.data(query).await, before);
}

async fn keys_are_added_rotated_and_retired(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // From the file: made on first start.
    let of_file = [("ENCRYPTION_KEYS", "")];
    let server = Server::start_on(home.clone(), &of_file).await;
    let somebody = known(&server, "Clé").await;
    let before = somebody.data(DETAIL).await;
    assert!(stored(&server).await.iter().all(|value| value.contains("enc1:first:")));
    assert!(run(&home, "", &["keys", "retire"]).await.1.contains("The newest key stays"));
    let (went, printed) = run(&home, "", &["keys", "add"]).await;
    assert!(went && printed.contains("Added the key k20"), "{printed}");
    // An instance that does not know the new key could not read what is encrypted with it.
    let (went, printed) = run(&home, "", &["keys", "rotate"]).await;
    assert!(!went && printed.contains("No instance has started with the encryption key k20"), "{printed}");
    let (went, printed) = run(&home, "", &["admin", "create", "--email", "admin@example.org"]).await;
    assert!(!went && printed.contains("No instance has started with the encryption key k20"), "{printed}");
    drop(server);

    let server = Server::start_on(home.clone(), &of_file).await;
    let somebody = server.client().with_token(somebody.access_token.as_deref());
    assert_eq!(somebody.data(DETAIL).await, before);
    let (went, printed) = run(&home, "", &["keys", "retire"]).await;
    assert!(!went && printed.contains("1 rows of user_details") && printed.contains("1 rows of room_env_game_data"), "{printed}");
    let (went, printed) = run(&home, "", &["keys", "rotate"]).await;
    assert!(went && printed.contains("everything is encrypted with k20"), "{printed}");
    assert_eq!(somebody.data(DETAIL).await, before);
    assert!(stored(&server).await.iter().all(|value| value.contains("enc1:k20")), "{:?}", stored(&server).await);
    let (went, printed) = run(&home, "", &["keys", "rotate"]).await;
    assert!(went && printed.contains("0 rows were encrypted anew"), "{printed}");
    let (went, printed) = run(&home, "", &["keys", "retire"]).await;
    assert!(went && printed.contains("Retired the key first"), "{printed}");
    drop(server);

    let server = Server::start_on(home.clone(), &of_file).await;
    let somebody = server.client().with_token(somebody.access_token.as_deref());
    assert_eq!(somebody.data(DETAIL).await, before);
    let secrets = std::fs::read_to_string(home.folder.join("secrets.toml")).unwrap();
    assert_eq!(secrets.parse::<String>().unwrap().matches("first:").count(), 1, "that of the tokens alone");
    // A ring of the environment is changed there.
    for command in [["keys", "add"], ["keys", "retire"]] {
        let (went, printed) = run(&home, FIRST, &command).await;
        assert!(!went && printed.contains("ENCRYPTION_KEYS"), "{printed}");
    }
}

async fn a_key_that_is_missing_or_another_is_told_at_the_start(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[("ENCRYPTION_KEYS", FIRST)]).await;
    known(&server, "Départ").await;
    drop(server);
    let other = FIRST.replace("Zmlyc3Q", "b3RoZXI");
    for (keys, told) in [
        (SECOND.to_owned(), "The encryption key first is missing"),
        (other.clone(), "The encryption key first is not the one"),
        (format!("{SECOND},{other}"), "The encryption key first is not the one"),
        (format!("{FIRST},{FIRST}"), "ENCRYPTION_KEYS is not a list of name:secret, each name once"),
        ("a b:Zmlyc3Qga2V5IG9mIHRoZSB0ZXN0cywgdGhpcnR5IGJ5dGVz".to_owned(), "ENCRYPTION_KEYS is not"),
        ("short:c2VjcmV0".to_owned(), "ENCRYPTION_KEYS is not"),
    ] {
        for command in [&["serve"][..], &["keys", "rotate"], &["games", "upgrade"]] {
            let (went, printed) = run(&home, &keys, command).await;
            assert!(!went && printed.contains(told) && !printed.contains("Zmlyc3Q"), "{command:?}: {printed}");
        }
    }
    // With one more it starts, and the newest one encrypts.
    let server = Server::start_on(home.clone(), &[("ENCRYPTION_KEYS", &format!("{SECOND},{FIRST}"))]).await;
    assert_eq!(known(&server, "Arrivée").await.data(DETAIL).await["me"]["detail"]["lastName"], "Nom-Arrivée");
    let stored = stored(&server).await;
    let of = |key: &str| stored.iter().filter(|value| value.contains(&format!("enc1:{key}:"))).count();
    assert_eq!((of("first"), of("second")), (6, 6));
}

async fn what_is_from_before_is_read_and_then_encrypted(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = known(&server, "Nouvelle").await;
    let room = r#"[{"room":"Focus Room","commentary":"avant-hier"}]"#;
    server.sql("UPDATE user_details SET first_name = 'Ancienne', phone_number = ''").await;
    server.sql(&format!("UPDATE room_env_game_data SET room_data = '{room}'")).await;
    let query = "{ me { detail { firstName lastName phoneNumber } roomEnvGame { roomData } } }";
    let before = somebody.data(query).await;
    assert_eq!(before["me"]["detail"], json!({ "firstName": "Ancienne", "lastName": "Nom-Nouvelle", "phoneNumber": "" }));
    assert_eq!(before["me"]["roomEnvGame"]["roomData"].to_string(), room);
    let (went, printed) = run(&server.home, crate::harness::ENCRYPTION_KEYS, &["keys", "rotate"]).await;
    assert!(went && printed.contains("2 rows were encrypted anew"), "{printed}");
    assert_eq!(somebody.data(query).await, before);
    assert!(stored(&server).await.iter().all(|value| value.trim_start_matches('"').starts_with("enc1:")));
    server.home.personal.note("Ancienne");
    server.home.personal.note("avant-hier");
    if engine == Engine::Sqlite {
        // What it said before is overwritten, once the write-ahead log has begun anew.
        server.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
}

async fn rotating_may_be_interrupted(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[("ENCRYPTION_KEYS", FIRST)]).await;
    let mut people = Vec::new();
    for number in 0..12 {
        people.push(known(&server, &format!("Numéro {number}")).await);
    }
    drop(server);
    let keys = format!("{SECOND},{FIRST}");
    let server = Server::start_on(home.clone(), &[("ENCRYPTION_KEYS", &keys)]).await;
    let mut command = home.command(&["keys", "rotate", "--batch", "1"]);
    let null = std::process::Stdio::null;
    let mut child = command.env("ENCRYPTION_KEYS", &keys).stdout(null()).stderr(null()).spawn().unwrap();
    while !stored(&server).await.iter().any(|value| value.contains("enc1:second:")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended without doing anything");
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    child.kill().await.unwrap();
    // Two at once finish it, while people save.
    let (one, two, ()) = tokio::join!(
        run(&home, &keys, &["keys", "rotate", "--batch", "1"]),
        run(&home, &keys, &["keys", "rotate", "--batch", "3"]),
        async {
            for (number, person) in people.iter().enumerate() {
                let person = server.client().with_token(person.access_token.as_deref());
                save_room(&person, &format!("Nouveau {number}")).await;
            }
        }
    );
    assert!(one.0 && two.0, "{one:?} {two:?}");
    let stored = stored(&server).await;
    assert!(stored.len() == 12 * 7 && stored.iter().all(|value| value.contains("enc1:second:")), "{stored:?}");
    for (number, person) in people.iter().enumerate() {
        let person = server.client().with_token(person.access_token.as_deref());
        let me = person.data("{ me { detail { lastName } roomEnvGame { roomData } } }").await["me"].clone();
        assert_eq!(me["detail"]["lastName"], format!("Nom-Numéro {number}"));
        assert_eq!(me["roomEnvGame"]["roomData"][0]["commentary"], format!("Le bruit de Nouveau {number}"));
    }
}
