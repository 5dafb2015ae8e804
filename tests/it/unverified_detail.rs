//! Addresses: verified by a link, changed, and never somebody else's.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Engine, Home, Server, mailbox, on_both_engines_and_two_instances, unique_email};

on_both_engines_and_two_instances!(
    an_address_is_verified_by_its_link_and_by_its_own_account,
    a_link_ends_after_a_day_and_when_another_is_sent,
    an_address_changes_once_the_new_one_is_verified,
    an_address_that_has_an_account_is_told_so_by_mail_alone,
    the_first_to_verify_an_address_has_it,
    nobody_claims_somebody_elses_way_in,
    a_mistyped_address_is_mended
);

const DETAIL: &str = "{ me { detail { email emailVerified pendingEmail } } }";

pub async fn verify(client: &Client, token: &str) -> Answer {
    client.send("mutation ($token: String!) { verifyEmail(token: $token) { id } }", json!({ "token": token })).await
}

pub async fn change_email(client: &Client, email: &str) -> Answer {
    client.send("mutation ($email: String!) { changeEmail(email: $email) { id } }", json!({ "email": email })).await
}

/// Somebody who has verified their address.
pub async fn verified(server: &Server, name: &str) -> (Client, String) {
    let email = unique_email(name);
    let client = server.client().sign_up(&email).await;
    let mail = server.mails(&email, 1).await.remove(0);
    verify(&client, mail.token.as_ref().unwrap()).await.data();
    (client, email)
}

async fn an_address_is_verified_by_its_link_and_by_its_own_account(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("verify");
    let client = server.client().sign_up(&email).await;
    assert_eq!(
        client.data(DETAIL).await["me"]["detail"],
        json!({ "email": email, "emailVerified": false, "pendingEmail": null })
    );
    let mail = server.mails(&email, 1).await.remove(0);
    let token = mail.token.unwrap();
    assert!(mail.link.starts_with(&format!("{}/verify-email#token=", server.origin)), "{}", mail.link);
    // Only a hash is stored, and the queue is empty once it is sent.
    assert_eq!(server.sql("SELECT token_hash FROM unverified_details").await.iter().filter(|hash| **hash == token).count(), 0);
    // Nobody, a stranger who got the link, and a guess.
    assert_eq!(verify(&server.client(), &token).await.codes(), ["UNAUTHENTICATED"]);
    let refused = verify(&server.somebody().await, &token).await;
    assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec!["/token"]));
    assert_eq!(verify(&client, "guess").await.pointers(), ["/token"]);
    assert_eq!(client.data(DETAIL).await["me"]["detail"]["emailVerified"], false);
    verify(&client, &token).await.data();
    assert_eq!(client.data(DETAIL).await["me"]["detail"], json!({ "email": email, "emailVerified": true, "pendingEmail": null }));
    assert_eq!(verify(&client, &token).await.codes(), ["INVALID_INPUT"], "once");
    let nothing = client.send("mutation { resendVerification }", Value::Null).await;
    assert_eq!(nothing.codes(), ["CONFLICT"]);
    server.client().sign_in(&email, "trois petits chats").await;
}

async fn a_link_ends_after_a_day_and_when_another_is_sent(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("resend");
    let client = server.client().sign_up(&email).await;
    let first = server.mails(&email, 1).await.remove(0).token.unwrap();
    assert_eq!(client.data("mutation { resendVerification }").await["resendVerification"], true);
    let second = server.mails(&email, 2).await.remove(1).token.unwrap();
    assert_ne!(first, second);
    assert_eq!(verify(&client, &first).await.codes(), ["INVALID_INPUT"]);
    let later = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "86401"), ("PUBLIC_URL", &server.origin)]).await;
    let there = later.client().sign_in(&email, "trois petits chats").await;
    assert_eq!(verify(&there, &second).await.codes(), ["INVALID_INPUT"]);
    verify(&client, &second).await.data();
}

async fn an_address_changes_once_the_new_one_is_verified(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, old) = verified(&server, "old").await;
    let new = unique_email("new");
    change_email(&client, &new).await.data();
    assert_eq!(client.data(DETAIL).await["me"]["detail"], json!({ "email": old, "emailVerified": true, "pendingEmail": new }));
    let unused = server.mails(&new, 1).await.remove(0).token.unwrap();
    // Changed again before: the link for the address that was given up verifies nothing.
    let newest = unique_email("newest");
    change_email(&client, &newest).await.data();
    let token = server.mails(&newest, 1).await.remove(0).token.unwrap();
    assert_eq!(verify(&client, &unused).await.codes(), ["INVALID_INPUT"]);
    // A way back in that is under way to the old address ends with it.
    let recovery = json!({ "email": old });
    let request = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    server.client().send(request, recovery).await.data();
    let recovery = server.mails(&old, 2).await.remove(1).token.unwrap();
    verify(&client, &token).await.data();
    let reset = "mutation ($token: String!) { resetPassword(token: $token, password: \"un mot de passe neuf\") { accessToken } }";
    assert_eq!(server.client().send(reset, json!({ "token": recovery })).await.codes(), ["UNAUTHENTICATED"]);
    let told = server.mails(&old, 3).await.remove(2);
    assert_eq!(told.subject, "Ton adresse e-mail a été changée");
    let sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = |email: &str| json!({ "input": { "email": email, "password": "trois petits chats" } });
    assert_eq!(server.client().send(sign_in, input(&old)).await.codes(), ["UNAUTHENTICATED"]);
    server.client().send(sign_in, input(&newest)).await.data();
    // Naming the verified one again takes a change back.
    change_email(&client, &unique_email("never")).await.data();
    change_email(&client, &newest.to_uppercase()).await.data();
    assert_eq!(client.data(DETAIL).await["me"]["detail"]["pendingEmail"], Value::Null);
    assert_eq!(change_email(&client, "not an address").await.pointers(), ["/email"]);
}

async fn an_address_that_has_an_account_is_told_so_by_mail_alone(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, email) = verified(&server, "taken").await;
    let other = server.client().sign_up(&email).await;
    let mail = server.mails(&email, 2).await.remove(1);
    assert_eq!((mail.subject.as_str(), mail.token), ("Tu as déjà un compte", None));
    assert_eq!(other.data(DETAIL).await["me"]["detail"], json!({ "email": email, "emailVerified": false, "pendingEmail": null }));
    assert_eq!(server.sql("SELECT kind FROM mails").await, Vec::<String>::new());
}

async fn the_first_to_verify_an_address_has_it(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("race");
    let one = server.client().sign_up(&email).await;
    let two = server.client().sign_up(&email).await;
    server.mails(&email, 2).await;
    let tokens: Vec<_> = mailbox::to(&email).into_iter().map(|mail| mail.token.unwrap()).collect();
    // Which mail is whose is not told: each tries both.
    let mut codes = Vec::new();
    for (client, token) in tokens.iter().flat_map(|token| [(&one, token), (&two, token)]) {
        codes.extend(verify(client, token).await.codes().into_iter().map(str::to_owned));
    }
    codes.sort();
    assert_eq!(codes, ["CONFLICT", "INVALID_INPUT", "INVALID_INPUT"]);
}

async fn nobody_claims_somebody_elses_way_in(engine: Engine) {
    // Eight bits of a keyed hash tell whose claim a password may belong to: under this key, those of the five here differ.
    let key = "E".repeat(43);
    let server = Server::start_on(Arc::new(Home::migrated(engine).await), &[("EMAIL_INDEX_KEY", &key)]).await;
    let email = unique_email("wanted");
    // Accounts that are older, which change to the address before and after its owner signs up.
    let squatters = [server.somebody().await, server.somebody().await, server.somebody().await];
    change_email(&squatters[0], &email).await.data();
    server.client().sign_up(&email).await;
    for squatter in &squatters[1..] {
        change_email(squatter, &email).await.data();
    }
    let sign_up = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    let sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { user { username } } }";
    for number in 0..4 {
        let password = format!("another password {number}");
        let input = json!({ "input": { "email": email, "password": password } });
        server.client().send(sign_up, input.clone()).await.data();
        // Each gets into what they made, so that nobody learns of the others.
        server.client().send(sign_in, input).await.data();
    }
    server.client().sign_in(&email, "trois petits chats").await;
}

/// Who mistyped their address and mends it still signs in, by the new one alone.
async fn a_mistyped_address_is_mended(engine: Engine) {
    let server = Server::start(engine).await;
    let (typo, right) = (unique_email("typo"), unique_email("right"));
    let client = server.client().sign_up(&typo).await;
    change_email(&client, &right).await.data();
    let again = server.client().sign_in(&right, "trois petits chats").await;
    let token = server.mails(&right, 1).await.remove(0).token.unwrap();
    verify(&again, &token).await.data();
    let sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "input": { "email": typo, "password": "trois petits chats" } });
    assert_eq!(server.client().send(sign_in, input).await.codes(), ["UNAUTHENTICATED"]);
}
