//! Passwords: chosen, changed, and hashed with more work as time goes by.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Engine, Server, on_both_engines_and_two_instances, unique_email};
use crate::unverified_detail::verified;

on_both_engines_and_two_instances!(
    changing_it_ends_the_other_sessions_and_is_told,
    one_that_is_guessed_first_is_refused,
    a_long_one_is_taken_whole,
    somebody_with_a_passkey_sets_their_first_one,
    more_work_counts_from_the_next_sign_in
);

pub async fn change(client: &Client, current: Option<&str>, new: &str) -> Answer {
    let query = "mutation ($current: String, $new: String!) { changePassword(current: $current, new: $new) }";
    client.send(query, json!({ "current": current, "new": new })).await
}

async fn changing_it_ends_the_other_sessions_and_is_told(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, email) = verified(&server, "password").await;
    let elsewhere = server.client().sign_in(&email, "trois petits chats").await;
    for (current, pointer) in [(None, "/current"), (Some("not the one"), "/current")] {
        let refused = change(&client, current, "quatre petits chats").await;
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec![pointer]));
    }
    assert_eq!(change(&client, Some("trois petits chats"), "quatre petits chats").await.data()["changePassword"], true);
    assert_eq!(elsewhere.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    assert!(client.data("{ me { id } }").await["me"]["id"].is_string());
    server.client().sign_in(&email, "quatre petits chats").await;
    let old = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": email, "password": "trois petits chats" } });
    assert_eq!(server.client().send(old, input).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(server.mails(&email, 2).await[1].subject, "Ton mot de passe a été changé");
}

async fn one_that_is_guessed_first_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("guessed");
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    let own = email.split('@').next().unwrap();
    for password in ["password1", "Password123", "azertyuiop", "12345678", "seven77", &email, &email.to_uppercase(), own] {
        let refused = server.client().send(query, json!({ "input": { "email": email, "password": password } })).await;
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec!["/password"]), "{password}");
    }
    let client = server.client().sign_up(&email).await;
    for new in ["iloveyou1", own] {
        assert_eq!(change(&client, Some("trois petits chats"), new).await.pointers(), ["/new"], "{new}");
    }
}

async fn a_long_one_is_taken_whole(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("long");
    let long = "é🦊x".repeat(341);
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    server.client().send(query, json!({ "input": { "email": email, "password": long } })).await.data();
    server.client().sign_in(&email, &long).await;
    let shorter = &long[..long.len() - 1];
    let query = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let refused = server.client().send(query, json!({ "input": { "email": email, "password": shorter } })).await;
    assert_eq!(refused.codes(), ["UNAUTHENTICATED"]);
}

async fn somebody_with_a_passkey_sets_their_first_one(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = crate::harness::authenticator::Authenticator::new(&server.origin);
    let client = crate::passkey::sign_up(&server, &mut authenticator).await;
    let refused = change(&client, None, "trois petits chats").await;
    assert_eq!(refused.codes(), ["CONFLICT"], "there is no address to sign in with");
    let email = unique_email("first");
    crate::unverified_detail::change_email(&client, &email).await.data();
    change(&client, None, "trois petits chats").await.data();
    server.client().sign_in(&email, "trois petits chats").await;
}

async fn more_work_counts_from_the_next_sign_in(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("raised");
    server.client().sign_up(&email).await;
    let hashes = async || server.sql("SELECT password_hash FROM user_details").await.remove(0);
    let before = hashes().await;
    assert!(before.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{before}");
    let raised = Server::start_on(server.home.clone(), &[("HASHING_PASSES", "3")]).await;
    raised.client().sign_in(&email, "trois petits chats").await;
    let after = hashes().await;
    assert!(after.starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{after}");
    // Settings that ask for less make nothing weaker.
    server.client().sign_in(&email, "trois petits chats").await;
    assert_eq!(hashes().await, after);
}
