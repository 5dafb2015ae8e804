//! Getting back in by mail.

use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::{Answer, Client, Engine, Server, mailbox, on_both_engines_and_two_instances, unique_email};
use crate::passkey::{finish, sign_in};
use crate::unverified_detail::verified;

on_both_engines_and_two_instances!(
    a_link_sets_a_password_once_and_ends_every_session,
    a_link_adds_a_passkey,
    a_link_ends_after_half_an_hour,
    of_two_at_once_one_gets_in,
    only_a_verified_address_gets_a_link,
    a_password_that_is_refused_does_not_use_the_link,
    a_mail_that_is_sent_again_brings_no_used_link_back,
    a_change_of_address_ends_with_a_recovery
);

async fn request(client: &Client, email: &str) -> Answer {
    let query = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    client.send(query, json!({ "email": email })).await
}

pub async fn reset(client: &Client, token: &str, password: &str) -> Answer {
    let query = "mutation ($token: String!, $password: String!) { payload: resetPassword(token: $token, password: $password) { accessToken refreshToken } }";
    client.send(query, json!({ "token": token, "password": password })).await
}

async fn start_passkey(client: &Client, token: &str) -> Answer {
    let query = "mutation ($token: String!) { challenge: startPasskeyRecovery(token: $token) { ceremonyId options } }";
    client.send(query, json!({ "token": token })).await
}

/// The token of the newest link, of so many mails to this address.
pub async fn link(server: &Server, email: &str, count: usize) -> String {
    assert_eq!(request(&server.client(), email).await.data(), &json!({ "requestAccountRecovery": true }));
    server.mails(email, count).await.remove(count - 1).token.unwrap()
}

async fn a_link_sets_a_password_once_and_ends_every_session(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, email) = verified(&server, "forgot").await;
    let token = link(&server, &email, 2).await;
    let other = link(&server, &email, 3).await;
    assert!(!server.sql("SELECT reset_token FROM account_recoveries").await.contains(&token), "only a hash is stored");
    for guess in ["", "guess", &token[..token.len() - 1], &token.to_uppercase()] {
        assert_eq!(reset(&server.client(), guess, "quatre petits chats").await.codes(), ["UNAUTHENTICATED"], "{guess}");
    }
    let back = server.client().signed_in(&reset(&server.client(), &token, "quatre petits chats").await);
    assert!(back.data("{ me { id } }").await["me"]["id"].is_string());
    assert_eq!(client.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    for used in [&token, &other] {
        assert_eq!(reset(&server.client(), used, "cinq petits chats").await.codes(), ["UNAUTHENTICATED"]);
        assert_eq!(start_passkey(&server.client(), used).await.codes(), ["UNAUTHENTICATED"]);
    }
    server.client().sign_in(&email, "quatre petits chats").await;
    assert_eq!(server.mails(&email, 4).await[3].subject, "Ton compte a un nouvel accès");
}

async fn a_link_adds_a_passkey(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, email) = verified(&server, "lost").await;
    let token = link(&server, &email, 2).await;
    let mut authenticator = Authenticator::new(&server.origin);
    let challenge = start_passkey(&server.client(), &token).await.data()["challenge"].clone();
    let credential = authenticator.create(&challenge["options"]);
    // A ceremony for something else does not get in with it.
    let wrong = finish(&server.client(), "finishPasskeySignUp", &challenge, credential.clone()).await;
    assert_eq!(wrong.codes(), ["UNAUTHENTICATED"]);
    finish(&server.client(), "finishPasskeyRecovery", &challenge, credential.clone()).await.data();
    assert_eq!(client.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    sign_in(&server, &mut authenticator).await.data();
    assert_eq!(finish(&server.client(), "finishPasskeyRecovery", &challenge, credential).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(reset(&server.client(), &token, "quatre petits chats").await.codes(), ["UNAUTHENTICATED"]);
}

async fn a_link_ends_after_half_an_hour(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, email) = verified(&server, "late").await;
    let token = link(&server, &email, 2).await;
    for (seconds, codes) in [("1801", vec!["UNAUTHENTICATED"]), ("1740", vec![])] {
        let settings = [("CLOCK_OFFSET", seconds), ("PUBLIC_URL", server.origin.as_str())];
        let later = Server::start_on(server.home.clone(), &settings).await;
        assert_eq!(start_passkey(&later.client(), &token).await.codes(), codes, "after {seconds} s");
        assert_eq!(reset(&later.client(), &token, "quatre petits chats").await.codes(), codes, "after {seconds} s");
    }
}

async fn of_two_at_once_one_gets_in(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, email) = verified(&server, "twice").await;
    let token = link(&server, &email, 2).await;
    let (one, two) = (server.client(), server.client());
    let (one, two) = tokio::join!(reset(&one, &token, "quatre petits chats"), reset(&two, &token, "cinq petits chats"));
    assert_eq!([one.codes(), two.codes()].concat(), ["UNAUTHENTICATED"]);
}

async fn only_a_verified_address_gets_a_link(engine: Engine) {
    let server = Server::start(engine).await;
    let (unknown, unverified) = (unique_email("unknown"), unique_email("unverified"));
    server.client().sign_up(&unverified).await;
    server.mails(&unverified, 1).await;
    let (_, known) = verified(&server, "known").await;
    let answers = [
        request(&server.client(), &unknown).await,
        request(&server.client(), &unverified).await,
        request(&server.client(), &known).await,
    ];
    assert!(answers.iter().all(|answer| answer.text == answers[0].text), "{answers:?}");
    server.mails(&known, 2).await;
    server.queue_is_empty().await;
    assert_eq!((mailbox::to(&unknown).len(), mailbox::to(&unverified).len()), (0, 1));
    assert_eq!(request(&server.client(), "nonsense").await.pointers(), ["/email"]);
    // Mail goes to the address as its owner wrote it, not to what somebody asks with.
    request(&server.client(), &known.to_uppercase()).await.data();
    server.mails(&known, 3).await;
    assert!(mailbox::to(&known.to_uppercase()).is_empty());
}

async fn a_password_that_is_refused_does_not_use_the_link(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, email) = verified(&server, "weak").await;
    let token = link(&server, &email, 2).await;
    for weak in ["password1", "short", &email] {
        assert_eq!(reset(&server.client(), &token, weak).await.pointers(), ["/password"]);
    }
    reset(&server.client(), &token, "quatre petits chats").await.data();
}

/// The mail server took it, but its answer was lost: the mail goes out a second time, when its link is used already.
async fn a_mail_that_is_sent_again_brings_no_used_link_back(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, email) = verified(&server, "again").await;
    let (home, origin) = (server.home.clone(), server.origin.clone());
    drop(server);
    let without = Server::start_on(home.clone(), &[("SMTP_URL", "smtp://127.0.0.1:9"), ("PUBLIC_URL", &origin)]).await;
    request(&without.client(), &email).await.data();
    without.sql("CREATE TABLE kept AS SELECT * FROM mails").await;
    drop(without);
    let server = Server::start_on(home, &[("CLOCK_OFFSET", "3700"), ("PUBLIC_URL", &origin)]).await;
    let token = server.mails(&email, 2).await.remove(1).token.unwrap();
    reset(&server.client(), &token, "quatre petits chats").await.data();
    server.mails(&email, 3).await;
    server.sql("DELETE FROM mails").await;
    server.sql("INSERT INTO mails SELECT * FROM kept").await;
    server.queue_is_empty().await;
    assert_eq!(mailbox::to(&email).len(), 3, "not even sent");
    assert_eq!(reset(&server.client(), &token, "cinq petits chats").await.codes(), ["UNAUTHENTICATED"]);
}

async fn a_change_of_address_ends_with_a_recovery(engine: Engine) {
    let server = Server::start(engine).await;
    let (thief, email) = verified(&server, "owner").await;
    let other = unique_email("thief");
    crate::unverified_detail::change_email(&thief, &other).await.data();
    let theirs = server.mails(&other, 1).await.remove(0).token.unwrap();
    let token = link(&server, &email, 2).await;
    let owner = server.client().signed_in(&reset(&server.client(), &token, "quatre petits chats").await);
    assert_eq!(owner.data("{ me { detail { pendingEmail } } }").await["me"]["detail"]["pendingEmail"], Value::Null);
    assert_eq!(crate::unverified_detail::verify(&owner, &theirs).await.codes(), ["INVALID_INPUT"]);
}
