//! Sessions: tokens that are refreshed, and end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::answer;
use crate::harness::{Answer, Client, Engine, Home, Server, on_both_engines_and_two_instances};

on_both_engines_and_two_instances!(
    a_refresh_token_gives_new_tokens_once,
    a_lost_answer_locks_nobody_out,
    two_refreshes_at_once_from_one_tab_are_one,
    devices_are_listed_and_signed_out,
    signing_out_everywhere_ends_all,
    administrators_let_in_keep_out_and_give_roles,
    one_administrator_stays,
    signing_out_while_refreshing_ends_the_session,
    signing_out_ends_both_tokens,
    nothing_is_done_after_signing_out_in_one_request,
    an_access_token_ends_after_fifteen_minutes,
    browsers_keep_the_refresh_token_in_a_cookie,
    what_has_expired_is_removed
);

async fn refresh(client: &Client, token: Option<&str>) -> Answer {
    let query = "mutation ($token: String) { payload: refreshSession(refreshToken: $token) { accessToken refreshToken } }";
    client.send(query, json!({ "token": token })).await
}

async fn a_refresh_token_gives_new_tokens_once(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let first = somebody.refresh_token.clone().unwrap();
    let answer = refresh(&server.client(), Some(&first)).await;
    let renewed = server.client().signed_in(&answer);
    assert_ne!(renewed.refresh_token.as_ref(), Some(&first));
    assert!(renewed.data("{ me { id } }").await["me"]["id"].is_string());
    let next = server.client().signed_in(&refresh(&server.client(), renewed.refresh_token.as_deref()).await);
    // Used twice, and what followed it is used: two parties have it. The whole session ends.
    assert_eq!(refresh(&server.client(), Some(&first)).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(next.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), next.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    // An access token does not refresh, nor does nothing.
    let other = server.somebody().await;
    assert_eq!(refresh(&server.client(), other.access_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), None).await.codes(), ["UNAUTHENTICATED"]);
    refresh(&server.client(), other.refresh_token.as_deref()).await.data();
}

async fn a_lost_answer_locks_nobody_out(engine: Engine) {
    let server = Server::start(engine).await;
    let tab = server.client().with_header("user-agent", "A browser");
    let somebody = tab.sign_up("tab@example.org").await;
    let spent = somebody.refresh_token.clone().unwrap();
    let lost = refresh(&tab, Some(&spent)).await;
    let again = refresh(&tab, Some(&spent)).await;
    let jti = |answer: &Answer| {
        crate::harness::token::claims(answer.data()["payload"]["refreshToken"].as_str().unwrap())["jti"].clone()
    };
    assert_eq!(jti(&lost), jti(&again), "one token follows a token, however often it is asked for");
    // Another client with the same token is a thief, however quick.
    let other = tab.sign_in("tab@example.org", "trois petits chats").await;
    let stolen = other.refresh_token.clone().unwrap();
    refresh(&tab, Some(&stolen)).await.data();
    let thief = server.client().with_header("user-agent", "Another browser");
    assert_eq!(refresh(&thief, Some(&stolen)).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(other.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    // So is the same one after half a minute; the first session still lives.
    let later = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "40")]).await;
    let tab = later.client().with_header("user-agent", "A browser");
    assert!(tab.signed_in(&again).data("{ me { id } }").await["me"]["id"].is_string());
    assert_eq!(refresh(&tab, Some(&spent)).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(tab.signed_in(&again).send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
}

async fn two_refreshes_at_once_from_one_tab_are_one(engine: Engine) {
    let server = Server::start(engine).await;
    let mut somebody = server.somebody().await;
    for _ in 0..5 {
        let token = somebody.refresh_token.clone();
        let callers = [(); 4].map(|()| server.client());
        let (one, two, three, four) = tokio::join!(
            refresh(&callers[0], token.as_deref()),
            refresh(&callers[1], token.as_deref()),
            refresh(&callers[2], token.as_deref()),
            refresh(&callers[3], token.as_deref())
        );
        let jti = |answer: &Answer| {
            crate::harness::token::claims(answer.data()["payload"]["refreshToken"].as_str().unwrap())["jti"].clone()
        };
        assert!([&two, &three, &four].into_iter().all(|answer| jti(answer) == jti(&one)));
        for answer in [&one, &two, &three] {
            assert!(somebody.signed_in(answer).data("{ me { id } }").await["me"]["id"].is_string());
        }
        somebody = server.client().signed_in(&four);
    }
}

async fn devices_are_listed_and_signed_out(engine: Engine) {
    let server = Server::start(engine).await;
    let [phone, tablet] = ["A phone", "A tablet"].map(|device| server.client().with_header("user-agent", device));
    let phone = phone.sign_up("devices@example.org").await;
    let tablet = tablet.sign_in("devices@example.org", "trois petits chats").await;
    // What signing in answers knows it already, before the new token is sent.
    let at_once = r#"mutation { signIn(input: { email: "devices@example.org", password: "trois petits chats" }) { user { sessions { isCurrent } } } }"#;
    let listed = server.client().data(at_once).await["signIn"]["user"]["sessions"].clone();
    assert_eq!(listed, json!([{ "isCurrent": true }, { "isCurrent": false }, { "isCurrent": false }]));
    let query = "{ me { sessions { id device dateCreated lastSeen isCurrent } } }";
    let sessions = phone.data(query).await["me"]["sessions"].clone();
    let listed: Vec<_> =
        sessions.as_array().unwrap().iter().map(|session| (session["device"].clone(), session["isCurrent"].clone())).collect();
    assert_eq!(listed[1..], [(json!("A tablet"), json!(false)), (json!("A phone"), json!(true))]);
    let sessions = json!([sessions[1], sessions[2]]);
    assert!(sessions[0]["lastSeen"].as_str() >= sessions[0]["dateCreated"].as_str());
    let end = "mutation ($id: ID!) { revokeSession(id: $id) }";
    let stranger = server.somebody().await;
    let id = json!({ "id": sessions[0]["id"] });
    assert_eq!(stranger.send(end, id.clone()).await.codes(), ["NOT_FOUND"]);
    assert!(tablet.data("{ me { id } }").await["me"]["id"].is_string());
    assert_eq!(phone.send(end, id.clone()).await.data()["revokeSession"], true);
    assert_eq!(tablet.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), tablet.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(phone.send(end, id).await.codes(), ["NOT_FOUND"]);
    // One's own, and nothing after it in the same request.
    let own = json!({ "id": sessions[1]["id"] });
    let both = "mutation ($id: ID!) { revokeSession(id: $id) updateProfile(input: { firstName: \"after\" }) { id } }";
    assert_eq!(phone.send(both, own).await.codes(), ["UNAUTHENTICATED"]);
}

async fn signing_out_everywhere_ends_all(engine: Engine) {
    let server = Server::start(engine).await;
    let one = server.client().sign_up("everywhere@example.org").await;
    let two = server.client().sign_in("everywhere@example.org", "trois petits chats").await;
    let stranger = server.somebody().await;
    assert_eq!(one.data("mutation { signOutEverywhere }").await["signOutEverywhere"], 2);
    for ended in [&one, &two] {
        assert_eq!(ended.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
        assert_eq!(refresh(&server.client(), ended.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    }
    assert!(stranger.data("{ me { id } }").await["me"]["id"].is_string());
}

async fn administrators_let_in_keep_out_and_give_roles(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    let somebody = server.client().sign_up("kept-out@example.org").await;
    let id = somebody.data("{ me { id } }").await["me"]["id"].clone();
    let active = "mutation ($id: ID!, $active: Boolean!) { setUserActive(userId: $id, isActive: $active) { isActive } }";
    let role = "mutation ($id: ID!, $role: String!) { setUserRole(userId: $id, roleName: $role) { role { roleName } } }";
    // The very same token may more, and then less, from the next request on.
    assert_eq!(somebody.send("{ roles { id } }", Value::Null).await.codes(), ["FORBIDDEN"]);
    admin.send(role, json!({ "id": id, "role": "admin" })).await.data();
    somebody.data("{ roles { id } }").await;
    admin.send(role, json!({ "id": id, "role": "user" })).await.data();
    assert_eq!(somebody.send("{ roles { id } }", Value::Null).await.codes(), ["FORBIDDEN"]);
    assert_eq!(admin.send(role, json!({ "id": id, "role": "nonsense" })).await.pointers(), ["/roleName"]);

    assert_eq!(admin.send(active, json!({ "id": id, "active": false })).await.data()["setUserActive"]["isActive"], false);
    assert_eq!(somebody.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), somebody.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    let sign_in =
        r#"mutation { signIn(input: { email: "kept-out@example.org", password: "trois petits chats" }) { accessToken } }"#;
    assert_eq!(server.client().send(sign_in, Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    admin.send(active, json!({ "id": id, "active": true })).await.data();
    assert_eq!(somebody.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"], "what was ended stays so");
    server.client().data(sign_in).await;
    let own = admin.data("{ me { id } }").await["me"]["id"].clone();
    assert_eq!(admin.send(active, json!({ "id": own, "active": false })).await.codes(), ["FORBIDDEN"]);
    assert_eq!(admin.send(role, json!({ "id": own, "role": "user" })).await.codes(), ["FORBIDDEN"]);
}

async fn one_administrator_stays(engine: Engine) {
    let server = Server::start(engine).await;
    let first = server.admin().await;
    let second = server.client().sign_up("second@example.org").await;
    let id = async |client: &Client| client.data("{ me { id } }").await["me"]["id"].clone();
    let role = "mutation ($id: ID!, $role: String!) { setUserRole(userId: $id, roleName: $role) { id } }";
    let (one, two) = (id(&first).await, id(&second).await);
    first.send(role, json!({ "id": two, "role": "admin" })).await.data();
    let answers = tokio::join!(
        first.send(role, json!({ "id": two, "role": "user" })),
        second.send(role, json!({ "id": one, "role": "user" }))
    );
    assert_eq!([answers.0.codes(), answers.1.codes()].concat(), ["FORBIDDEN"]);
}

async fn signing_out_while_refreshing_ends_the_session(engine: Engine) {
    let server = Server::start(engine).await;
    for _ in 0..10 {
        let somebody = server.somebody().await;
        let elsewhere = server.client();
        let (_, out) = tokio::join!(
            refresh(&elsewhere, somebody.refresh_token.as_deref()),
            somebody.send("mutation { signOut }", Value::Null)
        );
        assert_eq!(out.data()["signOut"], true);
        assert_eq!(somebody.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    }
}

#[tokio::test]
async fn a_retired_key_signs_nobody_in() {
    let home = std::sync::Arc::new(Home::migrated(Engine::Sqlite).await);
    let from_file = [("TOKEN_KEYS", "")];
    let run = async |command: &str| {
        let output = home.command(&["token-keys", command]).env("TOKEN_KEYS", "").output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let old = Server::start_on(home.clone(), &from_file).await.somebody().await;
    let (went, printed) = run("retire").await;
    assert!(!went && printed.contains("one key alone"), "{printed}");
    let (went, printed) = run("add").await;
    assert!(went && printed.contains("Added the key k2"), "{printed}");
    // Both keys check, the new one signs.
    let server = Server::start_on(home.clone(), &from_file).await;
    let asked = async |server: &Server, client: &Client| {
        let client = server.client().with_token(client.access_token.as_deref());
        client.send("{ me { id } }", Value::Null).await.codes().is_empty()
    };
    let new = server.somebody().await;
    assert!(asked(&server, &old).await && asked(&server, &new).await);
    let (went, printed) = run("retire").await;
    assert!(went && printed.contains("Retired the key first"), "{printed}");
    let server = Server::start_on(home.clone(), &from_file).await;
    assert!(!asked(&server, &old).await && asked(&server, &new).await);
    assert_eq!(refresh(&server.client(), old.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    let output = home.command(&["token-keys", "add"]).output().await.unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("TOKEN_KEYS is set"));
}

async fn signing_out_ends_both_tokens(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.client().sign_up("two@example.org").await;
    let elsewhere = server.client().sign_in("two@example.org", "trois petits chats").await;
    assert_eq!(somebody.data("mutation { signOut }").await["signOut"], true);
    assert_eq!(somebody.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), somebody.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    let database = server.home.database().await;
    let statement = sea_orm::Statement::from_string(
        sea_orm::ConnectionTrait::get_database_backend(&database),
        "SELECT type AS kind FROM revoked_tokens ORDER BY type",
    );
    let revoked = sea_orm::ConnectionTrait::query_all_raw(&database, statement).await.unwrap();
    let kinds: Vec<String> = revoked.iter().map(|row| row.try_get("", "kind").unwrap()).collect();
    assert_eq!(kinds, ["access", "refresh"]);
    assert!(elsewhere.data("{ me { id } }").await["me"]["id"].is_string(), "another device stays signed in");
}

async fn nothing_is_done_after_signing_out_in_one_request(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let answer = somebody.send(r#"mutation { signOut updateProfile(input: { firstName: "after" }) { id } }"#, Value::Null).await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED"]);
}

async fn an_access_token_ends_after_fifteen_minutes(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for (seconds, codes) in [("840", vec![]), ("901", vec!["UNAUTHENTICATED"])] {
        let later = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", seconds)]).await;
        let client = later.client().with_token(somebody.access_token.as_deref());
        assert_eq!(client.send("{ me { id } }", Value::Null).await.codes(), codes, "after {seconds} s");
    }
    let month = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "2592001")]).await;
    assert_eq!(refresh(&month.client(), somebody.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
}

async fn browsers_keep_the_refresh_token_in_a_cookie(engine: Engine) {
    let server = Server::start(engine).await;
    let send = |query: &'static str, cookie: String, token: Option<String>| {
        let mut request =
            server.client().raw(Method::POST, "/graphql").header("origin", &server.origin).json(&json!({ "query": query }));
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        async move { answer(request).await }
    };
    let sign_up = r#"mutation { payload: signUp(input: { email: "browser@example.org", password: "trois petits chats" }) { accessToken refreshToken } }"#;
    let answer = send(sign_up, String::new(), None).await;
    assert_eq!(answer.data()["payload"]["refreshToken"], Value::Null);
    let cookie = answer.cookies[0].clone();
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/graphql", "Max-Age=2592000"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let kept = format!("theme=dark; {}", cookie.split(';').next().unwrap());
    let refreshed = send("mutation { payload: refreshSession { accessToken refreshToken } }", kept, None).await;
    assert_eq!(refreshed.data()["payload"]["refreshToken"], Value::Null);
    assert_ne!(refreshed.cookies[0], cookie);
    let token = refreshed.data()["payload"]["accessToken"].as_str().unwrap().to_owned();
    let out = send("mutation { signOut }", String::new(), Some(token)).await;
    assert!(out.cookies[0].contains("Max-Age=0"), "{:?}", out.cookies);
}

async fn what_has_expired_is_removed(engine: Engine) {
    let server = Server::start(engine).await;
    server.somebody().await.data("mutation { signOut }").await;
    server.somebody().await;
    server.client().data(r#"mutation { startPasskeySignUp(input: { firstName: "Zoé" }) { ceremonyId } }"#).await;
    let (_, email) = crate::unverified_detail::verified(&server, "purged").await;
    let request = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    server.client().send(request, json!({ "email": email })).await.data();
    server.mails(&email, 2).await;
    let database = server.home.database().await;
    let count = async || {
        let sql = "SELECT (SELECT COUNT(*) FROM webauthn_ceremonies) + (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM revoked_tokens) \
            + (SELECT COUNT(*) FROM account_recoveries) + (SELECT COUNT(*) FROM unverified_details WHERE token_hash IS NOT NULL) AS n";
        let limits = server.sql("SELECT key FROM rate_limits").await.len();
        let statement = sea_orm::Statement::from_string(sea_orm::ConnectionTrait::get_database_backend(&database), sql);
        let row = sea_orm::ConnectionTrait::query_one_raw(&database, statement).await.unwrap().unwrap();
        (row.try_get::<i64>("", "n").unwrap(), limits)
    };
    let (rows, limits) = count().await;
    assert_eq!(rows, 8, "a ceremony, two sessions, two revoked tokens, a recovery, two links of addresses");
    assert!(limits > 0);
    let _month = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "2592100")]).await;
    for _ in 0..100 {
        if count().await == (0, 0) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{:?} rows are left", count().await);
}
