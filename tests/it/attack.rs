//! What an attacker tries besides what the files of each noun have: from other sites, by time, and by fixing a session. Each attack
//! and its test is in docs/SECURITY.md.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::answer;
use crate::harness::{Engine, Home, Server, on_both_engines, on_both_engines_and_two_instances, token, unique_email};
use crate::unverified_detail::verified;

mod once {
    use super::{on_both_engines, time_tells_nothing_of_who_is_known};

    on_both_engines!(time_tells_nothing_of_who_is_known);
}
on_both_engines_and_two_instances!(
    other_sites_can_not_use_the_cookie,
    a_cookie_that_somebody_put_in_is_replaced,
    tokens_of_another_kind_algorithm_or_key_are_refused,
    fields_that_are_not_known_are_refused
);

const REFRESH: &str = r#"{"query":"mutation { refreshSession { accessToken } }"}"#;

/// Somebody's refresh token as a cookie.
async fn cookie(server: &Server, email: &str) -> String {
    let query =
        format!(r#"mutation {{ signUp(input: {{ email: "{email}", password: "trois petits chats" }}) {{ accessToken }} }}"#);
    let answer = server.client().with_header("origin", &server.origin).send(&query, Value::Null).await;
    answer.data();
    answer.cookies[0].split(';').next().unwrap().to_owned()
}

async fn other_sites_can_not_use_the_cookie(engine: Engine) {
    let server = Server::start(engine).await;
    let cookie = cookie(&server, &unique_email("site")).await;
    let post = |kind: &'static str, origin: &'static str, body: &'static str| {
        let request = server.client().raw(Method::POST, "/graphql").header("cookie", &cookie).header("content-type", kind);
        let request = request.header("origin", origin).body(body);
        async move { answer(request).await }
    };
    let multipart =
        "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation { signOut }\"}\r\n--x--\r\n";
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "query=mutation+%7B+refreshSession+%7B+accessToken+%7D+%7D"),
        ("text/plain", REFRESH),
        ("multipart/form-data; boundary=x", multipart),
        ("application/json", REFRESH),
    ] {
        for origin in ["https://evil.example", "null"] {
            let answer = post(kind, origin, body).await;
            assert!([403, 415].contains(&answer.status) && answer.cookies.is_empty(), "{kind} {origin}: {}", answer.text);
        }
    }
    // The browser asks first, and is told no.
    let asked = server.client().raw(Method::OPTIONS, "/graphql").header("origin", "https://evil.example");
    let asked = asked.header("access-control-request-method", "POST").header("access-control-request-headers", "content-type");
    assert!(asked.send().await.unwrap().headers().get("access-control-allow-origin").is_none());
    // The cookie was good all the while.
    let own = server.client().raw(Method::POST, "/graphql").header("cookie", &cookie).header("origin", &server.origin);
    answer(own.header("content-type", "application/json").body(REFRESH)).await.data();
}

async fn a_cookie_that_somebody_put_in_is_replaced(engine: Engine) {
    let server = Server::start(engine).await;
    let planted = cookie(&server, &unique_email("attacker")).await;
    let email = unique_email("fixed");
    server.client().sign_up(&email).await;
    let query =
        format!(r#"mutation {{ signIn(input: {{ email: "{email}", password: "trois petits chats" }}) {{ user {{ id }} }} }}"#);
    let victim = server.client().with_header("origin", &server.origin).with_header("cookie", &planted);
    let signed_in = victim.send(&query, Value::Null).await;
    signed_in.data();
    let sid = |cookie: &str| token::claims(cookie.split_once('=').unwrap().1.split(';').next().unwrap())["sid"].clone();
    assert_ne!(sid(&signed_in.cookies[0]), sid(&planted), "a new session, whatever came along");
}

async fn tokens_of_another_kind_algorithm_or_key_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let refresh = "mutation ($token: String) { refreshSession(refreshToken: $token) { accessToken } }";
    let (access, good) = (somebody.access_token.clone().unwrap(), somebody.refresh_token.clone().unwrap());
    for (what, bad) in token::bad_ones(&access) {
        let answer = server.client().with_token(Some(&bad)).send("{ me { id } }", Value::Null).await;
        assert_eq!(answer.codes(), ["UNAUTHENTICATED"], "access: {what}");
    }
    for (what, bad) in token::bad_ones(&good).into_iter().filter(|(what, _)| *what != "for refreshing") {
        let answer = server.client().send(refresh, json!({ "token": bad })).await;
        assert_eq!(answer.codes(), ["UNAUTHENTICATED"], "refresh: {what}");
    }
    let other = server.somebody().await;
    let mixed = token::of_somebody_else(&access, other.access_token.as_ref().unwrap());
    assert_eq!(server.client().with_token(Some(&mixed)).send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    let mixed = token::of_somebody_else(&good, other.refresh_token.as_ref().unwrap());
    assert_eq!(server.client().send(refresh, json!({ "token": mixed })).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(server.client().with_token(Some(&good)).send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(server.client().send(refresh, json!({ "token": access })).await.codes(), ["UNAUTHENTICATED"]);
    server.client().send(refresh, json!({ "token": token::copy(&good) })).await.data();
}

/// Nothing is dropped in silence (a fault of the system before this one: `current_level` for `currentLevel` lost all progress).
async fn fields_that_are_not_known_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    for query in [
        "mutation { saveScenarioGame(input: { current_level: 3 }) { id } }",
        "mutation { saveJobsGame(input: { currentLevel: 3 }) { id } }",
        "mutation { updateProfile(input: { first_name: \"Zoé\" }) { id } }",
        "mutation { startPasskeySignUp(input: { userId: \"1\" }) { ceremonyId } }",
        "mutation { startPasskeyAdd(userId: \"1\") { ceremonyId } }",
        "mutation { finishPasskeySignIn(input: { ceremonyId: \"1\", credential: {}, challenge: \"1\" }) { accessToken } }",
        "mutation { verifyEmail(token: \"1\", redirect: \"https://evil.example\") { id } }",
    ] {
        assert_eq!(somebody.send(query, Value::Null).await.codes(), ["INVALID_INPUT"], "{query}");
    }
    let variables = json!({ "input": { "current_level": 3 } });
    let query = "mutation ($input: SaveScenarioGameInput!) { saveScenarioGame(input: $input) { id } }";
    assert_eq!(somebody.send(query, variables).await.codes(), ["INVALID_INPUT"]);
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Known and unknown addresses, in turn: each costs the same statements and hashes, and the medians are printed.
async fn time_tells_nothing_of_who_is_known(engine: Engine) {
    const TRIES: usize = 40;
    let home = std::sync::Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let mut known = Vec::new();
    for _ in 0..4 {
        known.push(verified(&server, "timed").await.1);
    }
    let sign_in =
        "mutation ($email: String!) { signIn(input: { email: $email, password: \"wrong wrong wrong\" }) { accessToken } }";
    let sign_up =
        "mutation ($email: String!) { signUp(input: { email: $email, password: \"trois petits chats\" }) { accessToken } }";
    let recovery = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    // As many tries as the brakes let through for each address.
    for (what, query, each, hashes) in
        [("signIn", sign_in, 10, 3), ("requestAccountRecovery", recovery, 3, 0), ("signUp", sign_up, 2, 1)]
    {
        let mut times = [Vec::new(), Vec::new()];
        for number in 0..TRIES.min(each * known.len()) {
            let unknown = unique_email("nobody");
            let mut work = Vec::new();
            for (times, email) in times.iter_mut().zip([&known[number / each], &unknown]) {
                let client = server.client().with_header("x-forwarded-for", &format!("203.0.113.{}", number + 1));
                let begun = Instant::now();
                let answer = client.send(query, json!({ "email": email })).await;
                times.push(begun.elapsed());
                assert_ne!(answer.codes(), ["RATE_LIMITED"]);
                work.push((server.statements(&answer).await, server.logged(&answer, "hashing a password")));
            }
            assert_eq!(work[0], work[1], "{what}: known and unknown");
            assert_eq!(work[0].1, hashes, "{what}");
        }
        let [one, other] = times.each_mut().map(|times| median(times));
        println!(
            "{engine:?} {what}: {} tries each, median known {one:?}, unknown {other:?}, difference {:?}",
            times[0].len(),
            one.abs_diff(other)
        );
    }
}
