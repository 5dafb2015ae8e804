//! Signing up and in with passkeys, and what must not get in.

use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::{Answer, Client, Engine, Home, Server, on_both_engines_and_two_instances};
use crate::unverified_detail::verified;

on_both_engines_and_two_instances!(
    a_passkey_signs_up_and_in_without_a_name,
    a_ceremony_is_used_once,
    a_ceremony_ends_after_five_minutes,
    answers_that_are_not_right_are_refused,
    a_sign_up_that_is_not_finished_leaves_nobody,
    a_counter_that_goes_back_is_refused_and_told,
    a_person_has_several_and_knows_them,
    a_ceremony_is_finished_by_the_one_it_was_made_for,
    the_last_way_in_stays,
    a_passkey_belongs_to_one_account,
    origins_under_the_relying_party_are_allowed_and_no_others,
    what_was_stored_signs_in_still
);

pub async fn start(client: &Client, mutation: &str) -> Value {
    client.data(&format!("mutation {{ challenge: {mutation} {{ ceremonyId options expires }} }}")).await["challenge"].clone()
}

pub async fn finish(client: &Client, mutation: &str, challenge: &Value, credential: Value) -> Answer {
    let query = format!(
        "mutation ($input: FinishPasskeyInput!) {{ payload: {mutation}(input: $input) {{ accessToken refreshToken user {{ id username }} }} }}"
    );
    client.send(&query, json!({ "input": { "ceremonyId": challenge["ceremonyId"], "credential": credential } })).await
}

pub async fn sign_up(server: &Server, authenticator: &mut Authenticator) -> Client {
    let client = server.client();
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = authenticator.create(&challenge["options"]);
    client.signed_in(&finish(&client, "finishPasskeySignUp", &challenge, credential).await).accepting().await
}

pub async fn sign_in(server: &Server, authenticator: &mut Authenticator) -> Answer {
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
    // Synced keys do not count: it is the ceremony that ends, not a counter that gives it away.
    authenticator.backed_up = true;
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
    assert_eq!(finish(&client, "finishPasskeySignIn", &challenge, credential).await.codes(), ["UNAUTHENTICATED"]);
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

    // For another relying party.
    good.relying_party = Some("elsewhere.example.org".to_owned());
    refused(&sign_in(&server, &mut good).await, "used for another relying party");
    good.relying_party = None;
    let mut other = Authenticator::new(&server.origin);
    other.relying_party = Some("elsewhere.example.org".to_owned());
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = other.create(&challenge["options"]);
    refused(&finish(&client, "finishPasskeySignUp", &challenge, credential).await, "made for another relying party");
    // One that its device does not keep could not sign in.
    let mut forgetful = Authenticator::new(&server.origin);
    forgetful.keeps = false;
    let challenge = start(&client, "startPasskeySignUp").await;
    let credential = forgetful.create(&challenge["options"]);
    assert_eq!(finish(&client, "finishPasskeySignUp", &challenge, credential).await.pointers(), ["/credential"]);

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

/// Adds a passkey to the account of a client.
pub async fn add(client: &Client, authenticator: &mut Authenticator, name: &str) -> Answer {
    let challenge = start(client, "startPasskeyAdd").await;
    let credential = authenticator.create(&challenge["options"]);
    finish_add(client, &challenge, credential, name).await
}

async fn finish_add(client: &Client, challenge: &Value, credential: Value, name: &str) -> Answer {
    let query = "mutation ($input: FinishPasskeyInput!) { passkey: finishPasskeyAdd(input: $input) { id name deviceType } }";
    let input = json!({ "ceremonyId": challenge["ceremonyId"], "credential": credential, "name": name });
    client.send(query, json!({ "input": input })).await
}

pub async fn remove(client: &Client, id: &Value) -> Answer {
    client.send("mutation ($id: ID!) { removePasskey(id: $id) }", json!({ "id": id })).await
}

async fn a_counter_that_goes_back_is_refused_and_told(engine: Engine) {
    let server = Server::start(engine).await;
    let (client, email) = verified(&server, "counter").await;
    let mut authenticator = Authenticator::new(&server.origin);
    add(&client, &mut authenticator, "Key").await.data();
    authenticator.keys[0].counter = 1000;
    sign_in(&server, &mut authenticator).await.data();
    for suspect in [1, 999] {
        authenticator.keys[0].counter = suspect;
        assert_eq!(sign_in(&server, &mut authenticator).await.codes(), ["UNAUTHENTICATED"]);
    }
    let mails = server.mails(&email, 4).await;
    let mut subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).skip(1).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["Une clé d'accès a été ajoutée", "Une connexion a été refusée", "Une connexion a été refusée"]);
    assert!(server.log().contains("a known passkey gave an answer that is not right"));
    // Who knows the key's id but does not have it can't have its owner written to: the signature is looked at first.
    let mut forged = Authenticator::new(&server.origin);
    let challenge = start(&server.client(), "startPasskeySignUp").await;
    forged.create(&challenge["options"]);
    forged.keys[0].id.clone_from(&authenticator.keys[0].id);
    forged.keys[0].user_handle.clone_from(&authenticator.keys[0].user_handle);
    assert_eq!(sign_in(&server, &mut forged).await.codes(), ["UNAUTHENTICATED"]);
    server.queue_is_empty().await;
    assert_eq!(server.mails(&email, 4).await.len(), 4);
    authenticator.keys[0].counter = 1001;
    sign_in(&server, &mut authenticator).await.data();
}

async fn a_person_has_several_and_knows_them(engine: Engine) {
    let server = Server::start(engine).await;
    let mut phone = Authenticator::new(&server.origin);
    phone.backed_up = true;
    let client = sign_up(&server, &mut phone).await;
    // The phone has one already, and says so.
    let challenge = start(&client, "startPasskeyAdd").await;
    assert!(phone.is_excluded(&challenge["options"]), "{challenge}");
    let mut key = Authenticator::new(&server.origin);
    assert!(!key.is_excluded(&challenge["options"]));
    let credential = key.create(&challenge["options"]);
    assert_eq!(key.keys[0].user_handle, phone.keys[0].user_handle);
    let added = finish_add(&client, &challenge, credential, "Clé bleue").await.data()["passkey"].clone();
    assert_eq!((&added["name"], &added["deviceType"]), (&json!("Clé bleue"), &json!("singleDevice")));
    sign_in(&server, &mut key).await.data();
    sign_in(&server, &mut phone).await.data();
    sign_in(&server, &mut phone).await.data();
    let query = "{ me { isPasskey passkeys { id name deviceType lastUsed credentialId } passkeySignal { rpId userId allAcceptedCredentialIds } } }";
    let me = client.data(query).await["me"].clone();
    assert_eq!(me["passkeys"][0]["deviceType"], "multiDevice");
    assert!(me["passkeys"][0]["lastUsed"].is_string() && me["passkeys"][1]["lastUsed"].is_string());
    let ids: Vec<_> = [&me["passkeys"][0], &me["passkeys"][1]].map(|passkey| passkey["credentialId"].clone()).to_vec();
    assert_eq!(
        me["passkeySignal"],
        json!({ "rpId": "localhost", "userId": phone.keys[0].user_handle, "allAcceptedCredentialIds": ids })
    );

    let rename = "mutation ($id: ID!, $name: String!) { renamePasskey(id: $id, name: $name) { name } }";
    let renamed = client.send(rename, json!({ "id": added["id"], "name": "Clé rouge" })).await;
    assert_eq!(renamed.data()["renamePasskey"]["name"], "Clé rouge");
    for (name, pointer) in [("", "/name"), (&"x".repeat(101), "/name")] {
        assert_eq!(client.send(rename, json!({ "id": added["id"], "name": name })).await.pointers(), [pointer]);
    }
    let stranger = server.somebody().await;
    assert_eq!(stranger.send(rename, json!({ "id": added["id"], "name": "mine" })).await.codes(), ["NOT_FOUND"]);
    assert_eq!(remove(&stranger, &added["id"]).await.codes(), ["NOT_FOUND"]);
    assert_eq!(remove(&client, &added["id"]).await.data()["removePasskey"], true);
    assert_eq!(sign_in(&server, &mut key).await.codes(), ["UNAUTHENTICATED"]);
    assert_eq!(client.data(query).await["me"]["passkeySignal"]["allAcceptedCredentialIds"], json!([ids[0]]));
}

async fn a_ceremony_is_finished_by_the_one_it_was_made_for(engine: Engine) {
    let server = Server::start(engine).await;
    let (victim, thief) = (server.somebody().await, server.somebody().await);
    let mut authenticator = Authenticator::new(&server.origin);
    // A key of the thief's can't be put into the victim's ceremony, nor by naming the victim in one's own: there is nothing to name.
    let challenge = start(&victim, "startPasskeyAdd").await;
    let credential = authenticator.create(&challenge["options"]);
    for caller in [&thief, &server.client()] {
        assert_eq!(finish_add(caller, &challenge, credential.clone(), "mine").await.codes(), ["UNAUTHENTICATED"]);
    }
    for mutation in ["finishPasskeySignUp", "finishPasskeyRecovery"] {
        assert_eq!(finish(&thief, mutation, &challenge, credential.clone()).await.codes(), ["UNAUTHENTICATED"], "{mutation}");
    }
    // Of two at once, one; and the victim's own still works.
    let (one, two) = tokio::join!(
        finish_add(&victim, &challenge, credential.clone(), "mine"),
        finish_add(&victim, &challenge, credential.clone(), "mine")
    );
    assert_eq!([one.codes(), two.codes()].concat(), ["UNAUTHENTICATED"]);
    assert_eq!(victim.data("{ me { passkeys { name } } }").await["me"]["passkeys"], json!([{ "name": "mine" }]));
    // Signing out ends what is under way, too.
    let challenge = start(&victim, "startPasskeyAdd").await;
    let mut second = Authenticator::new(&server.origin);
    let credential = second.create(&challenge["options"]);
    victim.data("mutation { signOut }").await;
    assert_eq!(finish_add(&victim, &challenge, credential, "late").await.codes(), ["UNAUTHENTICATED"]);
}

async fn the_last_way_in_stays(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    let client = sign_up(&server, &mut authenticator).await;
    let passkeys = async || client.data("{ me { passkeys { id } } }").await["me"]["passkeys"].clone();
    let first = passkeys().await[0]["id"].clone();
    assert_eq!(remove(&client, &first).await.codes(), ["CONFLICT"]);
    // Of two, removed at the same time, one stays.
    add(&client, &mut Authenticator::new(&server.origin), "Second").await.data();
    let second = passkeys().await[1]["id"].clone();
    let (one, two) = tokio::join!(remove(&client, &first), remove(&client, &second));
    assert_eq!([one.codes(), two.codes()].concat(), ["CONFLICT"]);
    let last = passkeys().await[0]["id"].clone();
    // A password with an address that is not verified is no way in for certain.
    let email = crate::harness::unique_email("last");
    crate::unverified_detail::change_email(&client, &email).await.data();
    client.data(r#"mutation { changePassword(new: "trois petits chats") }"#).await;
    assert_eq!(remove(&client, &last).await.codes(), ["CONFLICT"]);
    let token = server.mails(&email, 1).await.remove(0).token.unwrap();
    crate::unverified_detail::verify(&client, &token).await.data();
    remove(&client, &last).await.data();
    assert_eq!(client.data("{ me { isPasskey } }").await["me"]["isPasskey"], false);
    server.client().sign_in(&email, "trois petits chats").await;
}

async fn a_passkey_belongs_to_one_account(engine: Engine) {
    let server = Server::start(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    sign_up(&server, &mut authenticator).await;
    // Another person's ceremony, answered with the credential id of somebody's passkey.
    let thief = server.somebody().await;
    let challenge = start(&thief, "startPasskeyAdd").await;
    let mut forged = Authenticator::new(&server.origin);
    forged.next_id = Some(authenticator.keys[0].id.clone());
    let credential = forged.create(&challenge["options"]);
    assert_eq!(finish_add(&thief, &challenge, credential, "theirs").await.codes(), ["CONFLICT"]);
    // The right key under another person's handle.
    let mut other = Authenticator::new(&server.origin);
    sign_up(&server, &mut other).await;
    let own = std::mem::replace(&mut authenticator.keys[0].user_handle, other.keys[0].user_handle.clone());
    assert_eq!(sign_in(&server, &mut authenticator).await.codes(), ["UNAUTHENTICATED"]);
    authenticator.keys[0].user_handle = own;
    sign_in(&server, &mut authenticator).await.data();
}

async fn origins_under_the_relying_party_are_allowed_and_no_others(engine: Engine) {
    let home = std::sync::Arc::new(Home::migrated(engine).await);
    let settings = [
        ("PUBLIC_URL", "https://api.example.org"),
        ("RELYING_PARTY_ID", "example.org"),
        ("ALLOWED_ORIGINS", "https://app.example.org,https://elsewhere.example.com,https://notexample.org"),
    ];
    let server = Server::start_on(home, &settings).await;
    for (origin, is_allowed) in [
        ("https://api.example.org", true),
        ("https://app.example.org", true),
        ("https://other.example.org", false),
        ("https://example.org", false),
        ("http://app.example.org", false),
        ("https://app.example.org:8443", false),
        ("https://elsewhere.example.com", false),
        ("https://notexample.org", false),
    ] {
        let mut authenticator = Authenticator::new(origin);
        let challenge = start(&server.client(), "startPasskeySignUp").await;
        assert_eq!(challenge["options"]["rp"]["id"], "example.org");
        let credential = authenticator.create(&challenge["options"]);
        let answer = finish(&server.client(), "finishPasskeySignUp", &challenge, credential).await;
        assert_eq!(answer.codes().is_empty(), is_allowed, "{origin}: {}", answer.text);
    }
}

/// A passkey as a version of this service once stored it: a newer one strands nobody.
async fn what_was_stored_signs_in_still(engine: Engine) {
    let server = Server::start(engine).await;
    let stored: Value = serde_json::from_str(include_str!("../fixtures/passkey.json")).unwrap();
    let [id, record, handle, key] =
        ["credentialId", "record", "userHandle", "publicKey"].map(|name| stored[name].as_str().unwrap());
    let (uuid, key) = if engine == Engine::Sqlite {
        (format!("x'{}'", handle.replace('-', "")), format!("x'{key}'"))
    } else {
        (format!("'{handle}'"), format!("'\\x{key}'"))
    };
    server
        .sql(&format!(
            "INSERT INTO users (username, date_created, is_active, is_passkey, role_id, webauthn_user_handle) \
             SELECT 'stored', '2026-11-25 00:00:00+00:00', true, true, id, {uuid} FROM roles WHERE role_name = 'user'"
        ))
        .await;
    server.sql("INSERT INTO user_details (user_id) SELECT id FROM users").await;
    server
        .sql(&format!(
            "INSERT INTO passkey_credentials (credential_id, public_key, sign_count, device_type, backup_state, name, record, date_created, user_id) \
             SELECT '{id}', {key}, 3, 'singleDevice', false, 'Stored', '{record}', '2026-11-25 00:00:00+00:00', id FROM users"
        ))
        .await;
    let mut authenticator = Authenticator::new(&server.origin);
    let bytes =
        |text: &str| (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect::<Vec<_>>();
    authenticator.put_stored(id, &bytes(stored["secret"].as_str().unwrap()), &bytes(&handle.replace('-', "")));
    authenticator.keys[0].counter = 3;
    let answer = sign_in(&server, &mut authenticator).await;
    assert_eq!(answer.data()["payload"]["user"]["username"], "stored");
    authenticator.keys[0].counter = 2;
    assert_eq!(sign_in(&server, &mut authenticator).await.codes(), ["UNAUTHENTICATED"], "the counter of the column counts");
}
