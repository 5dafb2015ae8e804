//! Mail: in the person's language, at least once, whatever happens in between.

use std::sync::Arc;

use serde_json::json;

use crate::harness::{Engine, Home, Server, mailbox, on_both_engines_and_two_instances, unique_email};

on_both_engines_and_two_instances!(
    it_is_written_in_the_language_of_the_person,
    it_waits_for_the_mail_server_over_a_restart,
    it_goes_with_what_it_is_about
);

async fn it_is_written_in_the_language_of_the_person(engine: Engine) {
    let server = Server::start(engine).await;
    let [french, english] = ["fr", "en"].map(unique_email);
    server.client().sign_up(&french).await;
    let client = server.client().with_header("accept-language", "en-GB,en;q=0.9,fr;q=0.8").sign_up(&english).await;
    let mail = server.mails(&french, 1).await.remove(0);
    assert_eq!(mail.subject, "Confirme ton adresse e-mail");
    assert!(mail.plain.contains("24 heures") && mail.html.contains("<html lang=\"fr\">"), "{mail:?}");
    assert!(mail.from.contains("no-reply@localhost"), "{}", mail.from);
    assert!(mail.id.ends_with("@localhost>"), "{}", mail.id);
    let mail = server.mails(&english, 1).await.remove(0);
    assert_eq!(mail.subject, "Confirm your e-mail address");
    assert!(mail.html.contains("<html lang=\"en\">"));
    // A choice goes before what the client asks for.
    client.data("mutation { updateProfile(input: { language: FRENCH }) { language } }").await;
    client.data("mutation { resendVerification }").await;
    assert_eq!(server.mails(&english, 2).await[1].subject, "Confirme ton adresse e-mail");
    client.data("mutation { updateProfile(input: { language: null }) { language } resendVerification }").await;
    assert_eq!(server.mails(&english, 3).await[2].subject, "Confirm your e-mail address");
    // Whoever asks, and in whatever language: it is the owner's that counts.
    let token = server.mails(&english, 3).await.remove(2).token.unwrap();
    crate::unverified_detail::verify(&client, &token).await.data();
    client.data("mutation { updateProfile(input: { language: ENGLISH }) { language } }").await;
    let request = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    server.client().with_header("accept-language", "fr").send(request, json!({ "email": english })).await.data();
    assert_eq!(server.mails(&english, 4).await[3].subject, "Get back into your account");
}

async fn it_waits_for_the_mail_server_over_a_restart(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // Nobody listens there.
    let server = Server::start_on(home.clone(), &[("SMTP_URL", "smtp://127.0.0.1:9")]).await;
    let email = unique_email("patient");
    let client = server.client().sign_up(&email).await;
    while server.sql("SELECT kind FROM mails WHERE tries > 0").await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let origin = server.origin.clone();
    drop(server);
    let early = Server::start_on(home.clone(), &[("PUBLIC_URL", &origin)]).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert!(mailbox::to(&email).is_empty(), "not before a minute has passed");
    drop(early);
    let later = Server::start_on(home, &[("CLOCK_OFFSET", "61"), ("PUBLIC_URL", &origin)]).await;
    let token = later.mails(&email, 1).await.remove(0).token.unwrap();
    let client = later.client().with_token(client.access_token.as_deref());
    crate::unverified_detail::verify(&client, &token).await.data();
    later.queue_is_empty().await;
    assert_eq!(mailbox::to(&email).len(), 1);
}

async fn it_goes_with_what_it_is_about(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    let server = Server::start_on(home.clone(), &[("SMTP_URL", "smtp://127.0.0.1:9")]).await;
    let email = unique_email("undone");
    // The username is taken: nothing of the second sign-up stays, its mail neither.
    let sign_up = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    let input = |email: &str| json!({ "input": { "email": email, "password": "trois petits chats", "username": "zoé" } });
    server.client().send(sign_up, input(&unique_email("first"))).await.data();
    assert_eq!(server.client().send(sign_up, input(&email)).await.pointers(), ["/username"]);
    assert_eq!(server.sql("SELECT kind FROM mails").await, ["verification"]);
    server.sql("DELETE FROM users").await;
    assert!(server.sql("SELECT kind FROM mails").await.is_empty(), "it goes with the person");
}

/// A server that takes the connection and says nothing more does not hold up the mails behind.
#[tokio::test]
async fn a_silent_mail_server_is_given_up_for_now() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let server = Server::start_on(home, &[("SMTP_URL", &url)]).await;
    server.client().sign_up(&unique_email("silent")).await;
    let (_kept, _) = silent.accept().await.unwrap();
    server.client().sign_up(&unique_email("behind")).await;
    tokio::time::timeout(std::time::Duration::from_secs(40), silent.accept()).await.unwrap().unwrap();
    assert!(server.log().contains("the server took too long"));
}

#[tokio::test]
async fn without_a_mail_server_it_is_printed_on_localhost_and_refused_elsewhere() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let server = Server::start_on(home.clone(), &[("SMTP_URL", "")]).await;
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    // Not noted as a secret: here the log is where it goes.
    let body =
        json!({ "query": query, "variables": { "input": { "email": "printed@example.org", "password": "trois petits chats" } } });
    server.client().raw(reqwest::Method::POST, "/graphql").json(&body).send().await.unwrap();
    for _ in 0..100 {
        if server.log().contains("verify-email#token=") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(server.log().contains("printed@example.org"), "{}", server.log());
    let mut command = home.command(&[]);
    command.env("SMTP_URL", "").env("PUBLIC_URL", "https://example.org");
    let output = command.output().await.unwrap();
    assert!(!output.status.success() && String::from_utf8(output.stderr).unwrap().contains("SMTP_URL is not set"));
    for (name, value) in [
        ("SMTP_URL", "http://example.org"),
        ("SMTP_URL", "smtp://mail.example.org"),
        ("MAIL_FROM", "nobody"),
        ("RELYING_PARTY_ID", "elsewhere.example"),
    ] {
        let output = home.command(&[]).env(name, value).output().await.unwrap();
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && printed.contains(name), "{name}: {printed}");
    }
}
