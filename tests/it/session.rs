//! Sessions: tokens that are refreshed, and end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::answer;
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(
    a_refresh_token_gives_new_tokens_once,
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
    // Used twice: two parties have it. The whole session ends.
    assert_eq!(refresh(&server.client(), Some(&first)).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(renewed.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), renewed.refresh_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    // An access token does not refresh, nor does nothing.
    let other = server.somebody().await;
    assert_eq!(refresh(&server.client(), other.access_token.as_deref()).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(refresh(&server.client(), None).await.codes(), ["UNAUTHENTICATED"]);
    refresh(&server.client(), other.refresh_token.as_deref()).await.data();
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
    let database = server.home.database().await;
    let count = async || {
        let sql = "SELECT (SELECT COUNT(*) FROM webauthn_ceremonies) + (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM revoked_tokens) AS n";
        let statement = sea_orm::Statement::from_string(sea_orm::ConnectionTrait::get_database_backend(&database), sql);
        let row = sea_orm::ConnectionTrait::query_one_raw(&database, statement).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap()
    };
    assert_eq!(count().await, 4, "a ceremony, a session, two revoked tokens");
    let _month = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "2592100")]).await;
    for _ in 0..100 {
        if count().await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{} rows are left", count().await);
}
