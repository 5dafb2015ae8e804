//! What is deleted is gone: every row, the bytes of the file, whoever is still about to save.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::client::answer;
use crate::harness::game::{GAMES, session};
use crate::harness::plain::{forms, hex};
use crate::harness::{Client, Engine, Server, on_both_engines, on_both_engines_and_two_instances, unique_email};
use crate::unverified_detail::verified;
use crate::user_picture::upload_any;

mod once {
    use super::{
        a_browser_forgets_its_cookie, an_administrator_deletes_somebody_else, it_is_confirmed_by_name_or_address,
        nothing_of_a_person_is_left, on_both_engines,
    };

    on_both_engines!(
        nothing_of_a_person_is_left,
        it_is_confirmed_by_name_or_address,
        an_administrator_deletes_somebody_else,
        a_browser_forgets_its_cookie
    );
}
on_both_engines_and_two_instances!(a_save_at_the_same_moment_is_refused_or_erased, two_deletions_at_once_are_one);

const DELETE: &str =
    "mutation ($confirm: String!) { deleteAccount(confirm: $confirm) { dateErased isMailed erased { kind count } } }";

async fn delete(client: &Client, confirm: &str) -> crate::harness::Answer {
    client.send(DELETE, json!({ "confirm": confirm })).await
}

/// What of a person must stand nowhere when they are gone, in every form.
fn found(bytes: &[u8], values: &[Vec<u8>]) -> Vec<String> {
    let found = values.iter().filter(|value| {
        let patterns = aho_corasick::AhoCorasick::new(forms(value)).unwrap();
        patterns.is_match(bytes)
    });
    found.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

/// Somebody with a row in every table, and the values that are theirs alone.
pub async fn with_everything(server: &Server) -> (Client, String, Vec<Vec<u8>>) {
    let (somebody, email) = verified(server, "effacee").await;
    let profile = json!({ "username": "efface-moi-vite", "firstName": "Prénom-effacé", "lastName": "Nom-effacé", "age": 16,
        "phoneNumber": "+33 6 98 76 54 32", "address": "99, rue Effacée" });
    somebody
        .send("mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }", json!({ "input": profile }))
        .await
        .data();
    somebody
        .data(r#"mutation { setAvatar(input: { avatarColor: "couleur-effacée" }) { avatarColor } setPassions(passions: ["passion-effacée"]) { id } acceptTerms(version: "1.0") { id } }"#)
        .await;
    for game in &GAMES {
        let mut input = session()["games"][game.name].clone();
        input["saveId"] = format!("un-numéro-effacé {}", game.name).into();
        game.save(&somebody, input).await.data();
    }
    let mut authenticator = Authenticator::new(&server.origin);
    let started = somebody.data("mutation { startPasskeyAdd { ceremonyId options } }").await["startPasskeyAdd"].clone();
    let credential = authenticator.create(&started["options"]);
    let finish = "mutation ($input: FinishPasskeyInput!) { finishPasskeyAdd(input: $input) { id } }";
    somebody
        .send(
            finish,
            json!({ "input": { "ceremonyId": started["ceremonyId"], "credential": credential, "name": "clé-effacée" } }),
        )
        .await
        .data();
    let handle = URL_SAFE_NO_PAD.decode(started["options"]["user"]["id"].as_str().unwrap()).unwrap();
    let credential_id = URL_SAFE_NO_PAD.decode(credential["id"].as_str().unwrap()).unwrap();
    // A ceremony under way, a recovery that was asked for, an address that waits, mail that waits.
    somebody.data("mutation { startPasskeyAdd { ceremonyId } }").await;
    let recovery = json!({ "email": email });
    somebody.send("mutation ($email: String!) { requestAccountRecovery(email: $email) }", recovery).await.data();
    server.mails(&email, 3).await;
    let pending = unique_email("nouvelle-effacee");
    somebody.send("mutation ($email: String!) { changeEmail(email: $email) { id } }", json!({ "email": pending })).await.data();
    upload_any(&somebody).await.data();
    somebody.data("mutation { requestDataExport { state } }").await;
    while somebody.data("{ me { dataExport { state } } }").await["me"]["dataExport"]["state"] != "READY" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let device = somebody.with_header("user-agent", "appareil-effacé").sign_in(&email, "trois petits chats").await;
    let uuid = uuid_text(&handle);
    let values = [
        "efface-moi-vite",
        "Prénom-effacé",
        "Nom-effacé",
        "+33 6 98 76 54 32",
        "99, rue Effacée",
        "couleur-effacée",
        "passion-effacée",
        "un-numéro-effacé",
        "clé-effacée",
        &email,
        &pending,
        &uuid,
    ];
    let values = values.iter().map(|value| value.as_bytes().to_vec()).chain([handle, credential_id]).collect();
    (device, email, values)
}

fn uuid_text(bytes: &[u8]) -> String {
    let hex = hex(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// How many rows every table has.
async fn rows(server: &Server) -> Vec<(String, usize)> {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let tables = if server.home.database_url.starts_with("sqlite") {
        server.sql(tables).await
    } else {
        server.sql("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename").await
    };
    let mut rows = Vec::new();
    for table in tables {
        let count = server.sql(&format!("SELECT CAST(COUNT(*) AS text) FROM {table}")).await.remove(0);
        rows.push((table, count.parse().unwrap()));
    }
    rows
}

async fn nothing_of_a_person_is_left(engine: Engine) {
    let server = Server::start(engine).await;
    let other = server.somebody().await;
    GAMES[0].save(&other, session()["games"][GAMES[0].name].clone()).await.data();
    server.queue_is_empty().await;
    let before = rows(&server).await;
    let (somebody, email, values) = with_everything(&server).await;
    let full = rows(&server).await;
    let found_before = found(&server.home.bytes(), &values);
    assert!(found_before.len() >= 6, "the search finds what is not encrypted: {found_before:?}");

    let receipt = delete(&somebody, "Efface-Moi-Vite").await;
    assert_eq!(receipt.pointers(), ["/confirm"], "a username is written one way: {}", receipt.text);
    let receipt = delete(&somebody, "efface-moi-vite").await.data()["deleteAccount"].clone();
    assert_eq!(receipt["isMailed"], true);
    let counts: Vec<_> = receipt["erased"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["kind"].as_str().unwrap(), row["count"].as_i64().unwrap()))
        .collect();
    let without_mail: Vec<_> = counts.iter().copied().filter(|(kind, _)| !["MAILS", "AUDIT_ENTRIES"].contains(kind)).collect();
    assert_eq!(
        without_mail,
        [
            ("DETAILS", 2),
            ("PLAYS", 7),
            ("SAVE_IDS", 7),
            ("AVATARS", 1),
            ("PASSIONS", 1),
            ("PICTURES", 1),
            ("TERMS_AGREEMENTS", 1),
            ("PASSKEYS", 1),
            ("SESSIONS", 2),
            ("CEREMONIES", 1),
            ("RECOVERIES", 1),
            ("DATA_EXPORTS", 1)
        ]
    );

    // The receipt says it, too, and is the last mail.
    let mails = server.mails(&email, 4).await;
    let last = mails.iter().find(|mail| mail.subject.contains("supprimé")).unwrap();
    assert!(last.plain.contains("parties des jeux\u{a0}: 7") && last.html.contains("<li>"), "{}", last.plain);
    server.queue_is_empty().await;

    // Every table has what it had before, but for what stays of the agreement, and what tells nothing of anybody.
    let after = rows(&server).await;
    for (((table, before), (_, full)), (_, after)) in before.iter().zip(full).zip(after) {
        let stays = match table.as_str() {
            "past_agreements" => 1,
            "rate_limits" | "revoked_tokens" | "encryption_keys" => continue,
            _ => 0,
        };
        assert_eq!(after, before + stays, "{table}, which had {full}");
    }
    let day = match engine {
        Engine::Sqlite => "SELECT day FROM past_agreements",
        _ => "SELECT day::text FROM past_agreements",
    };
    assert_eq!(server.sql(day).await[0].len(), "2026-11-26".len(), "a day, not a moment");
    assert_eq!(found(&server.home.bytes(), &values), Vec::<String>::new());

    // Nobody gets in any more, and the other one's answers are there.
    assert_eq!(somebody.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    let refresh = json!({ "token": somebody.refresh_token });
    assert_eq!(
        somebody
            .send("mutation ($token: String) { refreshSession(refreshToken: $token) { accessToken } }", refresh)
            .await
            .codes(),
        ["UNAUTHENTICATED"]
    );
    let again = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": email, "password": "trois petits chats" } });
    assert_eq!(server.client().send(again, input).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(GAMES[0].newest(&other).await["revision"], 1);
    // The address and the username are free.
    let again = server.client().sign_up(&email).await;
    again.data(r#"mutation { updateProfile(input: { username: "efface-moi-vite" }) { id } }"#).await;
}

async fn it_is_confirmed_by_name_or_address(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("confirm");
    let somebody = server.client().sign_up(&email).await;
    for wrong in ["", " ", "delete", "supprimer", "person@example.org", "efface", "\u{0}", &"x".repeat(10_000)] {
        assert_eq!(delete(&somebody, wrong).await.pointers(), ["/confirm"], "{wrong:?}");
    }
    assert_eq!(delete(&server.client(), &email).await.codes(), ["UNAUTHENTICATED"]);
    let receipt = delete(&somebody, &format!(" {} ", email.to_uppercase())).await;
    assert_eq!(receipt.data()["deleteAccount"]["isMailed"], false, "the address was not verified: somebody else's, perhaps");
    assert_eq!(delete(&somebody, &email).await.codes(), ["UNAUTHENTICATED"]);

    // Somebody with a passkey alone has neither.
    let mut authenticator = Authenticator::new(&server.origin);
    let client = server.client();
    let started = client.data("mutation { startPasskeySignUp { ceremonyId options } }").await["startPasskeySignUp"].clone();
    let credential = authenticator.create(&started["options"]);
    let finish =
        "mutation ($input: FinishPasskeyInput!) { payload: finishPasskeySignUp(input: $input) { accessToken refreshToken } }";
    let finished =
        client.send(finish, json!({ "input": { "ceremonyId": started["ceremonyId"], "credential": credential } })).await;
    let somebody = client.signed_in(&finished);
    assert_eq!(delete(&somebody, "oui").await.pointers(), ["/confirm"]);
    assert_eq!(delete(&somebody, "Supprimer").await.data()["deleteAccount"]["isMailed"], false);
}

async fn an_administrator_deletes_somebody_else(engine: Engine) {
    let server = Server::start(engine).await;
    let (admin, somebody, other) = (server.admin().await, server.somebody().await, server.somebody().await);
    let id = |client: Client| async move { client.data("{ me { id } }").await["me"]["id"].clone() };
    let (theirs, own, others) = (id(somebody.clone()).await, id(admin.clone()).await, id(other.clone()).await);
    let delete = "mutation ($id: ID!) { deleteUser(userId: $id) { erased { kind count } } }";
    assert_eq!(other.send(delete, json!({ "id": theirs })).await.codes(), ["FORBIDDEN"]);
    assert_eq!(server.client().send(delete, json!({ "id": theirs })).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(admin.send(delete, json!({ "id": own })).await.codes(), ["FORBIDDEN"]);
    assert_eq!(admin.send(delete, json!({ "id": "nobody" })).await.codes(), ["NOT_FOUND"]);
    let erased = admin.send(delete, json!({ "id": theirs })).await.data()["deleteUser"]["erased"].clone();
    assert!(erased.as_array().unwrap().contains(&json!({ "kind": "SESSIONS", "count": 1 })), "{erased}");
    assert_eq!(somebody.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(admin.send(delete, json!({ "id": theirs })).await.codes(), ["NOT_FOUND"]);
    assert_eq!(other.data("{ me { id } }").await["me"]["id"], others);
    // The last administrator stays until there is another.
    assert_eq!(self::delete(&admin, "admin@example.org").await.codes(), ["CONFLICT"]);
    let role = "mutation ($id: ID!) { setUserRole(userId: $id, roleName: \"admin\") { id } }";
    admin.send(role, json!({ "id": others })).await.data();
    self::delete(&admin, "admin@example.org").await.data();
}

async fn a_browser_forgets_its_cookie(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("cookie");
    let somebody = server.client().sign_up(&email).await;
    let body = json!({ "query": DELETE, "variables": { "confirm": email } });
    let request = somebody.raw(Method::POST, "/graphql").header("origin", &server.origin).json(&body);
    let answer = answer(request.bearer_auth(somebody.access_token.as_ref().unwrap())).await;
    answer.data();
    assert!(answer.cookies[0].contains("Max-Age=0"), "{:?}", answer.cookies);
}

async fn a_save_at_the_same_moment_is_refused_or_erased(engine: Engine) {
    let server = Server::start(engine).await;
    for round in 0..10 {
        let email = unique_email("moment");
        let somebody = server.client().sign_up(&email).await;
        somebody.data(r#"mutation { acceptTerms(version: "1.0") { id } }"#).await;
        let saves: Vec<_> = (0..8)
            .map(|number: usize| {
                let (somebody, game) = (somebody.clone(), &GAMES[number % GAMES.len()]);
                tokio::spawn(async move {
                    let mut codes = Vec::new();
                    for save in 0..10 {
                        let input = json!({ "completion": save, "newPlay": save % 2 == 0, "saveId": format!("{number}-{save}") });
                        let answer = game.save(&somebody, input).await;
                        codes.extend(answer.codes().iter().map(|code| (*code).to_owned()));
                    }
                    codes
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(10 + round * 7)).await;
        delete(&somebody, &email).await.data();
        for save in saves {
            let codes = save.await.unwrap();
            assert!(codes.iter().all(|code| code == "UNAUTHENTICATED"), "{codes:?}");
        }
        for game in &GAMES {
            let table = format!("{}_game_data", snake(game.name));
            assert_eq!(server.sql(&format!("SELECT CAST(id AS text) FROM {table}")).await, Vec::<String>::new(), "{table}");
        }
        assert_eq!(server.sql("SELECT save_id FROM saves").await, Vec::<String>::new());
    }
}

fn snake(name: &str) -> String {
    name.chars().map(|c| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.to_string() }).collect()
}

async fn two_deletions_at_once_are_one(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..10 {
        let email = unique_email("twice");
        let somebody = server.client().sign_up(&email).await;
        let (one, two) = tokio::join!(delete(&somebody, &email), delete(&somebody, &email));
        let mut codes = [one.codes(), two.codes()].concat();
        codes.sort_unstable();
        assert_eq!(codes, ["UNAUTHENTICATED"], "{} {}", one.text, two.text);
    }
}
