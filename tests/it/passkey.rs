//! Signing up and in with passkeys, and what must not get in.

use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(
    a_passkey_signs_up_and_in_without_a_name,
    a_ceremony_is_used_once,
    a_ceremony_ends_after_five_minutes,
    answers_that_are_not_right_are_refused,
    a_sign_up_that_is_not_finished_leaves_nobody,
    a_counter_that_goes_back_is_refused
);

async fn start(client: &Client, mutation: &str) -> Value {
    client.data(&format!("mutation {{ challenge: {mutation} {{ ceremonyId options expires }} }}")).await["challenge"].clone()
}

async fn finish(client: &Client, mutation: &str, challenge: &Value, credential: Value) -> Answer {
    let query = format!(
        "mutation ($input: FinishPasskeyInput!) {{ payload: {mutation}(input: $input) {{ accessToken refreshToken user {{ id username }} }} }}"
    );
    client.send(&query, json!({ "input": { "ceremonyId": challenge["ceremonyId"], "credential": credential } })).await
}

async fn sign_up(server: &Server, authenticator: &mut Authenticator) -> Client {
    let client = server.client();
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = authenticator.create(&challenge["options"]);
    client.signed_in(&finish(&client, "finishPasskeySignUp", &challenge, credential).await)
}

async fn sign_in(server: &Server, authenticator: &mut Authenticator) -> Answer {
    let client = server.client();
    let challenge = start(&client, "startPasskeySignIn").await;
    let credential = authenticator.get(&challenge["options"]);
    finish(&client, "finishPasskeySignIn", &challenge, credential).await
}

async fn a_passkey_signs_up_and_in_without_a_name(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    let client = sign_up(&server, &mut authenticator).await;
    let first = client.data("{ me { id passkeys { lastUsed } } }").await["me"].clone();
    assert_eq!(first["passkeys"], json!([{ "lastUsed": null }]));
    let again = sign_in(&server, &mut authenticator).await;
    assert_eq!(again.data()["payload"]["user"]["id"], first["id"]);
    let client = server.client().signed_in(&again);
    assert!(client.data("{ me { passkeys { lastUsed } } }").await["me"]["passkeys"][0]["lastUsed"].is_string());
}

async fn a_ceremony_is_used_once(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    let client = server.client();
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = authenticator.create(&challenge["options"]);
    finish(&client, "finishPasskeySignUp", &challenge, credential.clone()).await.data();
    assert_eq!(finish(&client, "finishPasskeySignUp", &challenge, credential).await.codes(), ["UNAUTHENTICATED"]);

    let challenge = start(&client, "startPasskeySignIn").await;
    let credential = authenticator.get(&challenge["options"]);
    let (one, two) = tokio::join!(
        finish(&client, "finishPasskeySignIn", &challenge, credential.clone()),
        finish(&client, "finishPasskeySignIn", &challenge, credential.clone())
    );
    let mut codes = [one.codes(), two.codes()].concat();
    codes.sort_unstable();
    assert_eq!(codes, ["UNAUTHENTICATED"], "one of two at once gets in");
}

async fn a_ceremony_ends_after_five_minutes(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    sign_up(&server, &mut authenticator).await;
    let challenge = start(&server.client(), "startPasskeySignIn").await;
    let credential = authenticator.get(&challenge["options"]);
    // Another instance, whose clock is ahead: the ceremony is in the database.
    let finish_at = |seconds: &'static str| {
        let (home, origin) = (server.home.clone(), server.origin.clone());
        let (challenge, credential) = (challenge.clone(), credential.clone());
        async move {
            let later = Server::start_on(home, &[("CLOCK_OFFSET", seconds), ("PUBLIC_URL", &origin)]).await;
            finish(&later.client(), "finishPasskeySignIn", &challenge, credential).await
        }
    };
    assert_eq!(finish_at("301").await.codes(), ["UNAUTHENTICATED"]);
    finish_at("200").await.data();
}

async fn answers_that_are_not_right_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let client = server.client();
    let mut good = Authenticator::new(&server.origin);
    sign_up(&server, &mut good).await;

    let refused = |answer: &Answer, what: &str| assert_eq!(answer.codes(), ["UNAUTHENTICATED"], "{what}: {}", answer.text);
    // Another site, and nobody verified.
    let mut elsewhere = Authenticator::new("https://elsewhere.example.org");
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = elsewhere.create(&challenge["options"]);
    refused(&finish(&client, "finishPasskeySignUp", &challenge, credential).await, "made elsewhere");
    let mut careless = Authenticator::new(&server.origin);
    careless.verifies = false;
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = careless.create(&challenge["options"]);
    refused(&finish(&client, "finishPasskeySignUp", &challenge, credential).await, "made without verifying");

    good.verifies = false;
    refused(&sign_in(&server, &mut good).await, "used without verifying");
    good.verifies = true;
    "https://elsewhere.example.org".clone_into(&mut good.origin);
    refused(&sign_in(&server, &mut good).await, "used elsewhere");
    good.origin.clone_from(&server.origin);

    // The challenge of another ceremony, and a ceremony of another purpose.
    let (one, two) = (start(&client, "startPasskeySignIn").await, start(&client, "startPasskeySignIn").await);
    let credential = good.get(&one["options"]);
    refused(&finish(&client, "finishPasskeySignIn", &two, credential).await, "another challenge");
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = good.get(&one["options"]);
    refused(&finish(&client, "finishPasskeySignIn", &challenge, credential).await, "another purpose");

    // A key that was never registered, under the name of somebody who is.
    let mut forged = Authenticator::new(&server.origin);
    let challenge = start(&client, "startPasskeySignUp").await;
    forged.create(&challenge["options"]);
    forged.keys[0].user_handle.clone_from(&good.keys[0].user_handle);
    refused(&sign_in(&server, &mut forged).await, "a key that nobody registered");
    forged.keys[0].id.clone_from(&good.keys[0].id);
    refused(&sign_in(&server, &mut forged).await, "another key under a known id");

    let challenge = start(&client, "startPasskeySignIn").await;
    let malformed = finish(&client, "finishPasskeySignIn", &challenge, json!({ "id": 1 })).await;
    assert_eq!((malformed.codes(), malformed.pointers()), (vec!["INVALID_INPUT"], vec!["/credential"]));
    let unknown = json!({ "ceremonyId": "nonsense" });
    assert_eq!(finish(&client, "finishPasskeySignIn", &unknown, json!({})).await.pointers(), ["/ceremonyId"]);
    sign_in(&server, &mut good).await.data();
}

async fn a_sign_up_that_is_not_finished_leaves_nobody(engine: Engine) {
    let server = Server::start(engine).await;
    let query = r#"mutation { startPasskeySignUp(input: { username: "zoé", firstName: "Zoé", age: 17 }) { ceremonyId } }"#;
    server.client().data(query).await;
    let people = server.admin().await.data("{ users { nodes { role { roleName } } } }").await["users"]["nodes"].clone();
    assert_eq!(people, json!([{ "role": { "roleName": "admin" } }]));
    let refused = server
        .client()
        .send("mutation { startPasskeySignUp(input: { username: \"\", age: -1 }) { ceremonyId } }", Value::Null)
        .await;
    assert_eq!(refused.pointers(), ["/username", "/age"]);
    server.somebody().await.data(r#"mutation { updateProfile(input: { username: "zoé" }) { id } }"#).await;
    let taken = server.client().send(query, Value::Null).await;
    assert_eq!(taken.pointers(), ["/username"], "before a device makes a passkey of no account");
}

async fn a_counter_that_goes_back_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    sign_up(&server, &mut authenticator).await;
    authenticator.keys[0].counter = 1000;
    sign_in(&server, &mut authenticator).await.data();
    authenticator.keys[0].counter = 1;
    assert_eq!(sign_in(&server, &mut authenticator).await.codes(), ["UNAUTHENTICATED"]);
    authenticator.keys[0].counter = 1001;
    sign_in(&server, &mut authenticator).await.data();
}
