//! The clock is set back an hour, as after a wrong one was put right: what was written before is dated in the future now.

use std::sync::Arc;

use serde_json::json;

use crate::data_export;
use crate::harness::game::game;
use crate::harness::{Client, Engine, Home, Server, on_both_engines, unique_email};

on_both_engines!(nothing_waits_for_a_clock_that_was_set_back);

const AN_HOUR_AGO: (&str, &str) = ("CLOCK_OFFSET", "-3600");

async fn try_password(client: &Client, email: &str) -> (Vec<String>, i64) {
    let query = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let answer = client.send(query, json!({ "input": { "email": email, "password": "wrong wrong wrong" } })).await;
    let codes = answer.codes().into_iter().map(str::to_owned).collect();
    (codes, answer.body["errors"][0]["extensions"]["retryAfter"].as_i64().unwrap_or_default())
}

async fn nothing_waits_for_a_clock_that_was_set_back(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // Mail finds no server, so that it waits.
    let server = Server::start_on(home.clone(), &[("SMTP_URL", "smtp://127.0.0.1:1")]).await;
    let (email, other) = (unique_email("back"), unique_email("other"));
    let somebody = server.client().sign_up(&email).await;
    server.client().sign_up(&other).await;
    game("scenario").save(&somebody, json!({ "traits": { "a": 1 } })).await.data();
    // Ten wrong passwords, and the brake holds.
    while try_password(&server.client(), &other).await.0 != ["RATE_LIMITED"] {}
    data_export::request(&somebody).await;
    data_export::ready(&server, &somebody).await;
    server.kill().await;

    let server = Server::start_on(home, &[AN_HOUR_AGO]).await;
    let somebody = somebody.at(&server.url);
    // The session and its tokens.
    somebody.data("{ me { id sessions { id } } }").await;
    let refresh = "mutation ($token: String) { payload: refreshSession(refreshToken: $token) { accessToken refreshToken } }";
    let token = json!({ "token": somebody.refresh_token });
    let somebody = somebody.signed_in(&somebody.send(refresh, token).await);
    let again = json!({ "token": somebody.refresh_token });
    let somebody = somebody.signed_in(&somebody.send(refresh, again).await);
    somebody.data("{ me { id } }").await;
    // Saves go on from what is there.
    let saved = game("scenario").save(&somebody, json!({ "traits": { "b": 2 }, "expectedRevision": 1 })).await;
    assert_eq!(saved.data()["play"]["traits"], json!({ "a": 1, "b": 2 }));
    // A right password is not kept out by what was tried before, and the brake holds for as long as it does anyway, not for an hour more.
    let signed_in = server.client().sign_in(&email, "trois petits chats").await;
    signed_in.data("{ me { id } }").await;
    let (codes, wait) = try_password(&server.client(), &other).await;
    assert!(codes == ["RATE_LIMITED"] && wait <= 130 || codes == ["UNAUTHENTICATED"], "{codes:?}, {wait} s");
    // Mail that waited, and new mail.
    server.mails(&email, 1).await;
    let newcomer = unique_email("new");
    server.client().sign_up(&newcomer).await;
    server.mails(&newcomer, 1).await;
    // An export that was being made.
    server.sql("UPDATE data_exports SET state = 'making', lease = date_requested").await;
    data_export::ready(&server, &somebody).await;
}
