//! What happened to an account, written down for its person.

use std::time::Duration;

use serde_json::{Value, json};

use crate::account_recovery::{link, reset, start_passkey};
use crate::harness::authenticator::Authenticator;
use crate::harness::{Client, Engine, Home, Server, on_both_engines, on_both_engines_and_two_instances, unique_email};
use crate::unverified_detail::{change_email, verify};
use crate::{passkey, password};

mod once {
    use super::{nothing_is_changed_in_it, on_both_engines, one_statement_for_a_page_and_none_for_what_is_written_down};

    on_both_engines!(nothing_is_changed_in_it, one_statement_for_a_page_and_none_for_what_is_written_down);
}
on_both_engines_and_two_instances!(
    each_change_of_a_way_in_is_written_down,
    what_administrators_do_is_written_down,
    an_administrators_look_is_written_down_once_a_day,
    who_goes_while_they_are_looked_at_is_no_fault,
    addresses_are_cut,
    it_is_read_in_pages_by_its_person_and_administrators,
    it_goes_after_some_days_and_with_its_person
);

const LOG: &str = "{ me { auditLog(first: 100) { nodes { kind detail byAdmin address admin date } } } }";

/// Kind and detail of everything, the oldest first.
async fn log(client: &Client) -> Vec<String> {
    let log = client.data(LOG).await["me"]["auditLog"]["nodes"].clone();
    let text = |entry: &Value| match entry["detail"].as_str() {
        Some(detail) => format!("{} {detail}", entry["kind"].as_str().unwrap()),
        None => entry["kind"].as_str().unwrap().to_owned(),
    };
    log.as_array().unwrap().iter().rev().map(text).collect()
}

async fn id_of(client: &Client) -> String {
    client.data("{ me { id } }").await["me"]["id"].as_str().unwrap().to_owned()
}

async fn each_change_of_a_way_in_is_written_down(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("log");
    let client = server.client().sign_up(&email).await;
    let mail = server.mails(&email, 1).await.remove(0);
    verify(&client, mail.token.as_ref().unwrap()).await.data();
    password::change(&client, Some("trois petits chats"), "quatre petits chats").await.data();
    let mut phone = Authenticator::new(&server.origin);
    let added = passkey::add(&client, &mut phone, "secret name of a phone").await;
    passkey::sign_in(&server, &mut phone).await.data();
    passkey::remove(&client, &added.data()["passkey"]["id"]).await.data();
    // Asked for only: the address is not theirs yet. The same again, and wrong passwords, are no change.
    let other = unique_email("other");
    change_email(&client, &other).await.data();
    change_email(&client, &email).await.data();
    assert_eq!(password::change(&client, Some("wrong wrong wrong"), "cinq petits chats").await.codes(), ["INVALID_INPUT"]);
    server.client().sign_in(&email, "quatre petits chats").await;
    assert_eq!(server.mails(&email, 4).await.len(), 4, "the link, and what was changed");
    let token = link(&server, &email, 5).await;
    let back = server.client().signed_in(&reset(&server.client(), &token, "six petits chats").await);
    let mut tablet = Authenticator::new(&server.origin);
    server.mails(&email, 6).await;
    let token = link(&server, &email, 7).await;
    let challenge = start_passkey(&back, &token).await.data()["challenge"].clone();
    let credential = tablet.create(&challenge["options"]);
    let finished = passkey::finish(&back, "finishPasskeyRecovery", &challenge, credential).await;
    let back = server.client().signed_in(&finished);
    assert_eq!(
        log(&back).await,
        [
            "SIGNED_UP password",
            "TERMS_ACCEPTED 1.0",
            "EMAIL_VERIFIED",
            "PASSWORD_CHANGED",
            "PASSKEY_ADDED",
            "SIGNED_IN passkey",
            "PASSKEY_REMOVED",
            "EMAIL_CHANGE_BEGUN",
            "SIGNED_IN password",
            "PASSWORD_CHANGED recovery",
            "SIGNED_IN recovery",
            "PASSKEY_ADDED recovery",
            "SIGNED_IN recovery",
        ]
    );
    // What is written down is no personal value.
    let stored =
        server.sql("SELECT kind || ' ' || COALESCE(detail, '') || ' ' || COALESCE(address, '') FROM audit_log").await.join("\n");
    for value in [&*email, &*other, "secret name", "127.0.0.1"] {
        assert!(!stored.contains(value), "{value}: {stored}");
    }
    let with_passkey = passkey::sign_up(&server, &mut Authenticator::new(&server.origin)).await;
    assert_eq!(log(&with_passkey).await, ["SIGNED_UP passkey", "TERMS_ACCEPTED 1.0"]);
}

async fn what_administrators_do_is_written_down(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    assert_eq!(log(&admin).await, ["SIGNED_UP operator", "SIGNED_IN password", "TERMS_ACCEPTED 1.0"]);
    let email = unique_email("role");
    let somebody = server.client().sign_up(&email).await;
    let id = id_of(&somebody).await;
    let role = async |name: &str| {
        admin
            .data(&format!("mutation {{ setUserRole(userId: {id:?}, roleName: {name:?}) {{ id detail {{ firstName }} }} }}"))
            .await
    };
    let active =
        async |is: bool| admin.data(&format!("mutation {{ setUserActive(userId: {id:?}, isActive: {is}) {{ id }} }}")).await;
    // What was so before is no change; but the answer of it may be read.
    role("user").await;
    assert_eq!(log(&somebody).await, ["SIGNED_UP password", "TERMS_ACCEPTED 1.0", "DATA_READ"]);
    role("admin").await;
    role("user").await;
    active(true).await;
    active(false).await;
    active(true).await;
    let somebody = server.client().sign_in(&email, "trois petits chats").await;
    let kinds = log(&somebody).await;
    assert_eq!(kinds[3..], ["ROLE_CHANGED admin", "ROLE_CHANGED user", "KEPT_OUT", "LET_IN", "SIGNED_IN password"]);
    let entries = somebody.data(LOG).await["me"]["auditLog"]["nodes"].clone();
    for entry in entries.as_array().unwrap() {
        let by_admin = ["ROLE_CHANGED", "KEPT_OUT", "LET_IN", "DATA_READ"].contains(&entry["kind"].as_str().unwrap());
        assert_eq!((&entry["byAdmin"], entry["address"].is_null()), (&json!(by_admin), by_admin), "{entry}");
        assert_eq!(entry["admin"], Value::Null, "which one is told to administrators alone");
    }
    let query = format!("{{ node(id: {id:?}) {{ ... on User {{ auditLog(first: 100) {{ nodes {{ admin byAdmin }} }} }} }} }}");
    let seen = admin.data(&query).await["node"]["auditLog"]["nodes"].clone();
    let acting = id_of(&admin).await;
    for entry in seen.as_array().unwrap() {
        let expected = if entry["byAdmin"] == true { json!(acting) } else { Value::Null };
        assert_eq!(entry["admin"], expected);
    }
}

async fn an_administrators_look_is_written_down_once_a_day(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, other) = (server.somebody().await, server.somebody().await);
    let play = "mutation { saveJobsGame(input: { completion: 1 }) { id } }";
    let play = somebody.data(play).await["saveJobsGame"]["id"].as_str().unwrap().to_owned();
    let id = id_of(&somebody).await;
    let admin = server.admin().await;
    let reads = async |client: &Client| log(client).await.iter().filter(|kind| *kind == "DATA_READ").count();
    let looks = [
        format!("{{ node(id: {play:?}) {{ id }} }}"),
        format!("{{ node(id: {id:?}) {{ id }} }}"),
        format!("{{ nodes(ids: [{id:?}, {play:?}]) {{ id }} }}"),
        "{ users { nodes { id } } }".to_owned(),
    ];
    assert_eq!(reads(&somebody).await, 0);
    // At once, on whichever instance, by whichever way.
    let at_once = looks.iter().cycle().take(16).map(|look| {
        let (admin, look) = (admin.clone(), look.clone());
        tokio::spawn(async move { admin.send(&look, Value::Null).await.data().clone() })
    });
    for look in at_once.collect::<Vec<_>>() {
        look.await.unwrap();
    }
    assert_eq!((reads(&somebody).await, reads(&other).await, reads(&admin).await), (1, 1, 0));
    // Who is refused has read nothing, and what is not there is nobody's.
    assert_eq!(other.send(&looks[0], Value::Null).await.codes(), ["NOT_FOUND"]);
    assert_eq!(other.send(&looks[1], Value::Null).await.codes(), ["NOT_FOUND"]);
    assert_eq!(reads(&somebody).await, 1);
    // Another administrator is another; the same one on another day, too.
    admin.data(&format!("mutation {{ setUserRole(userId: {:?}, roleName: \"admin\") {{ id }} }}", id_of(&other).await)).await;
    other.data(&looks[0]).await;
    other.data(&looks[1]).await;
    assert_eq!(reads(&somebody).await, 2);
    let tomorrow = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "86400")]).await;
    let refresh = "mutation ($token: String) { payload: refreshSession(refreshToken: $token) { accessToken refreshToken } }";
    let refreshed = tomorrow.client().send(refresh, json!({ "token": admin.refresh_token })).await;
    let admin = tomorrow.client().signed_in(&refreshed);
    admin.data(&looks[2]).await;
    admin.data(&looks[3]).await;
    assert_eq!(reads(&somebody).await, 3);
}

async fn who_goes_while_they_are_looked_at_is_no_fault(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    for _ in 0..12 {
        server.newcomer().await;
    }
    for round in 0..12 {
        let one = format!("DELETE FROM users WHERE id = (SELECT M{}(id) FROM users WHERE role_id = 1)", ["IN", "AX"][round % 2]);
        // Nobody is written down as seen, so that every look writes.
        server.sql("DELETE FROM audit_log").await;
        let fresh = Server::start_on(server.home.clone(), &[]).await;
        let client = fresh.client().with_token(admin.access_token.as_deref());
        let page = "{ users(first: 100) { nodes { id } } }";
        let back = "{ users(last: 100) { nodes { id } } }";
        let answers = tokio::join!(
            client.send(page, Value::Null),
            client.send(back, Value::Null),
            server.sql(&one),
            client.send(page, Value::Null)
        );
        for answer in [answers.0, answers.1, answers.3] {
            answer.data();
        }
    }
}

async fn addresses_are_cut(engine: Engine) {
    let home = std::sync::Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    for (address, cut) in [
        ("198.51.100.77", "198.51.100.0/24"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "2001:db8:aaaa::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
    ] {
        let client = server.client().with_header("x-forwarded-for", address).sign_up(&unique_email("cut")).await;
        let entries = client.data(LOG).await["me"]["auditLog"]["nodes"].clone();
        assert_eq!(entries.as_array().unwrap().len(), 2);
        assert!(entries.as_array().unwrap().iter().all(|entry| entry["address"] == cut), "{entries}");
    }
}

async fn it_is_read_in_pages_by_its_person_and_administrators(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("pages");
    let somebody = server.client().sign_up(&email).await;
    for _ in 0..3 {
        server.client().sign_in(&email, "trois petits chats").await;
    }
    let page = async |arguments: &str| {
        let selection = "nodes { id kind date } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
        somebody.data(&format!("{{ me {{ auditLog{arguments} {{ {selection} }} }} }}")).await["me"]["auditLog"].clone()
    };
    let all = page("").await["nodes"].as_array().unwrap().clone();
    let kinds: Vec<_> = all.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["SIGNED_IN", "SIGNED_IN", "SIGNED_IN", "TERMS_ACCEPTED", "SIGNED_UP"]);
    assert!(all.is_sorted_by_key(|entry| std::cmp::Reverse(entry["date"].as_str().unwrap().to_owned())));
    let first = page("(first: 2)").await;
    assert_eq!((&first["nodes"][1], &first["pageInfo"]["hasNextPage"]), (&all[1], &json!(true)));
    let next = page(&format!("(first: 3, after: {})", first["pageInfo"]["endCursor"])).await;
    assert_eq!((&next["nodes"], &next["pageInfo"]["hasNextPage"]), (&json!(all[2..]), &json!(false)));
    let last = page("(last: 2)").await;
    assert_eq!((&last["nodes"], &last["pageInfo"]["hasPreviousPage"]), (&json!(all[3..]), &json!(true)));
    let before = page(&format!("(last: 2, before: {})", last["pageInfo"]["startCursor"])).await;
    assert_eq!(before["nodes"], json!(all[1..3]));
    // Nobody else's.
    let id = id_of(&somebody).await;
    let query = format!("{{ node(id: {id:?}) {{ ... on User {{ auditLog {{ nodes {{ kind }} }} }} }} }}");
    assert_eq!(server.somebody().await.send(&query, Value::Null).await.codes(), ["NOT_FOUND"]);
    assert_eq!(server.client().send(&query, Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    let seen = server.admin().await.data(&query).await["node"]["auditLog"]["nodes"].clone();
    assert_eq!((seen.as_array().unwrap().len(), &seen[0]["kind"]), (6, &json!("DATA_READ")), "their own look is there already");
}

async fn it_goes_after_some_days_and_with_its_person(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    server.somebody().await;
    let count = async || server.sql("SELECT kind FROM audit_log").await.len();
    // More than are removed at once.
    let numbers = "WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 2500)";
    let old = format!(
        "{numbers} INSERT INTO audit_log (user_id, kind, date_created) SELECT users.id, 'signed_in', users.date_created FROM users, numbers WHERE users.id = (SELECT MIN(id) FROM users)"
    );
    server.sql(&old).await;
    assert_eq!(count().await, 2504);
    // A day before the end everything is there, a day after it nothing is; what a newer release wrote is told as well as it can be.
    server
        .sql("INSERT INTO audit_log (user_id, kind, date_created) SELECT id, 'of a newer release', date_created FROM users")
        .await;
    assert_eq!(log(&somebody).await.iter().filter(|kind| *kind == "OTHER").count(), 1);
    let day = 86_400;
    let before = (29 * day).to_string();
    let after = (31 * day).to_string();
    let still = Server::start_on(server.home.clone(), &[("AUDIT_LOG_DAYS", "30"), ("CLOCK_OFFSET", &before)]).await;
    let young = still.client().sign_up(&unique_email("young")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count().await, 2508);
    let later = Server::start_on(server.home.clone(), &[("AUDIT_LOG_DAYS", "30"), ("CLOCK_OFFSET", &after)]).await;
    for _ in 0..200 {
        if count().await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count().await, 2, "what is younger stays");
    drop(later);
    assert_eq!(log(&young).await.len(), 2);
    // Agreements are on record for ever.
    assert_eq!(server.sql("SELECT CAST(terms_id AS text) FROM user_terms_agreements").await.len(), 3);
    server.sql("DELETE FROM users").await;
    assert_eq!(count().await, 0);
}

async fn nothing_is_changed_in_it(engine: Engine) {
    let server = Server::start(engine).await;
    server.somebody().await;
    let database = server.home.database().await;
    let before = server.sql("SELECT kind FROM audit_log ORDER BY id").await;
    for change in ["SET kind = 'other'", "SET date_created = date_created", "SET detail = NULL WHERE kind = 'signed_up'"] {
        let refused = sea_orm::ConnectionTrait::execute_unprepared(&database, &format!("UPDATE audit_log {change}")).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{change}");
    }
    assert_eq!(server.sql("SELECT kind FROM audit_log ORDER BY id").await, before);
}

async fn one_statement_for_a_page_and_none_for_what_is_written_down(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..5 {
        server.somebody().await;
    }
    let admin = server.admin().await;
    let page = "{ users(first: 50) { nodes { auditLog(first: 3) { nodes { kind date } } } } }";
    let first = admin.send(page, Value::Null).await;
    assert_eq!(first.data()["users"]["nodes"][0]["auditLog"]["nodes"].as_array().unwrap().len(), 3);
    // The viewer, the page, their logs; and once that they are looked at.
    assert_eq!(server.statements(&first).await.len(), 4);
    server.somebody().await;
    let second = admin.send(page, Value::Null).await;
    assert_eq!(server.statements(&second).await.len(), 4, "somebody is new among them");
    assert_eq!(server.statements(&admin.send(page, Value::Null).await).await.len(), 3);
    let plan = "SELECT id FROM audit_log WHERE user_id = 1 ORDER BY id DESC LIMIT 3";
    let explain = if engine == Engine::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let plan = server.plan(&format!("{explain} {plan}")).await;
    assert!(!plan.contains("SCAN audit_log"), "{plan}");
}
