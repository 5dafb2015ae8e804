//! The terms: published by administrators, accepted by everybody, and asked for before anything is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::game::{GAMES, game};
use crate::harness::{Answer, Client, Engine, Server, on_both_engines_and_two_instances};
use crate::permission::Walk;
use crate::schema::introspect;
use crate::user_picture::upload_any;

on_both_engines_and_two_instances!(
    every_write_asks_for_the_terms_and_nothing_else_does,
    the_first_steps_come_before_the_terms,
    a_version_is_accepted_once,
    a_version_that_is_not_active_any_more_is_not_accepted,
    administrators_publish_and_nobody_else,
    of_two_who_publish_at_once_one_version_is_active,
    accepting_while_another_version_is_published,
    who_plays_while_terms_are_published_is_asked_from_then_on,
    what_changed_since_is_told
);

/// Refused until the active terms are accepted.
const GATED: &[&str] = &[
    "saveScenarioGame",
    "saveShapeSequenceGame",
    "saveJobsGame",
    "saveSpeedGame",
    "saveAbilitiesGame",
    "saveSkillsGame",
    "saveRoomEnvGame",
    "uploadPicture",
];
/// The same, but open to who has not come to the terms yet.
const FIRST_STEPS: &[&str] = &["updateProfile", "setAvatar", "setPassions"];
/// Never refused for the terms: accepting, deleting, ways to sign in, and what administrators do.
const OPEN: &[&str] = &[
    "acceptTerms",
    "publishTerms",
    "deletePlay",
    "setUserActive",
    "setUserRole",
    "signUp",
    "signIn",
    "signOut",
    "signOutEverywhere",
    "refreshSession",
    "revokeSession",
    "changePassword",
    "changeEmail",
    "verifyEmail",
    "resendVerification",
    "requestAccountRecovery",
    "resetPassword",
    "startPasskeyRecovery",
    "finishPasskeyRecovery",
    "startPasskeySignUp",
    "finishPasskeySignUp",
    "startPasskeySignIn",
    "finishPasskeySignIn",
    "startPasskeyAdd",
    "finishPasskeyAdd",
    "renamePasskey",
    "removePasskey",
    "removePicture",
    "requestDataExport",
    "deleteAccount",
    "deleteUser",
];

async fn publish(client: &Client, version: &str, content: &str) -> Answer {
    let query = "mutation ($version: String!, $content: String!) { terms: publishTerms(version: $version, content: $content) { id version content isActive } }";
    client.send(query, json!({ "version": version, "content": content })).await
}

async fn accept(client: &Client, version: &str) -> Answer {
    let query =
        "mutation ($version: String!) { agreement: acceptTerms(version: $version) { id dateAgreed terms { version isActive } } }";
    client.send(query, json!({ "version": version })).await
}

async fn save(client: &Client) -> Answer {
    game("jobs").save(client, json!({ "jobChoices": { "Fleuriste": "like" } })).await
}

/// Refused, with the version to accept.
fn not_accepted(answer: &Answer, version: &str, what: &str) {
    let error = &answer.body["errors"][0];
    assert_eq!(error["extensions"], json!({ "code": "TERMS_NOT_ACCEPTED", "version": version }), "{what}: {}", answer.text);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(version) && message.contains("acceptTerms"), "{message}");
}

/// The active versions, of which there has to be one.
async fn active(server: &Server) -> Vec<String> {
    server.sql("SELECT version FROM terms_versions WHERE is_active").await
}

/// A second administrator.
async fn another_admin(server: &Server, admin: &Client) -> Client {
    let second = server.somebody().await;
    let id = second.data("{ me { id } }").await["me"]["id"].clone();
    let role = "mutation ($id: ID!) { setUserRole(userId: $id, roleName: \"admin\") { id } }";
    admin.send(role, json!({ "id": id })).await.data();
    second
}

async fn every_write_asks_for_the_terms_and_nothing_else_does(engine: Engine) {
    let server = Server::start(engine).await;
    let walk = Walk { schema: introspect(&server).await };
    let admin = server.admin().await;
    // One who has accepted an older version, and one who has accepted none, a play of whom is from before there were terms.
    let (older, newcomer) = (server.somebody().await, server.newcomer().await);
    let play = save(&older).await.data()["play"]["id"].as_str().unwrap().to_owned();
    publish(&admin, "2.0", "# Two").await.data();
    let seen = "{ me { username mustAcceptTerms detail { firstName } passions { passionText } progress { gamesStarted } plays { nodes { id completion } } } }";
    let before = older.data(seen).await;
    assert_eq!(before["me"]["mustAcceptTerms"], true);

    let mutations = walk.fields("Mutation");
    for field in mutations {
        let name = field["name"].as_str().unwrap();
        let call = format!("mutation {{ {} }}", walk.call(field, &play));
        let lists = [GATED, FIRST_STEPS, OPEN].map(|list| list.contains(&name));
        assert_eq!(lists.iter().filter(|is_in| **is_in).count(), 1, "say in this file whether {name} asks for the terms");
        if lists[2] {
            // Somebody new for each: some end the session.
            let codes = server.newcomer().await.send(&call, Value::Null).await;
            assert!(!codes.codes().contains(&"TERMS_NOT_ACCEPTED"), "{name}: {}", codes.text);
            continue;
        }
        let send = async |client: &Client| match name {
            "uploadPicture" => upload_any(client).await,
            _ => client.send(&call, Value::Null).await,
        };
        not_accepted(&send(&older).await, "2.0", name);
        let answer = send(&newcomer).await;
        if lists[0] { not_accepted(&answer, "2.0", name) } else { assert!(answer.codes().is_empty(), "{name}: {}", answer.text) }
    }
    assert_eq!(mutations.len(), GATED.len() + FIRST_STEPS.len() + OPEN.len(), "a mutation that is named above is gone");
    assert_eq!(older.data(seen).await, before, "nothing was changed");
    // Administrators do theirs without.
    let id = older.data("{ me { id } }").await["me"]["id"].clone();
    admin.data(&format!("mutation {{ setUserRole(userId: {id}, roleName: \"user\") {{ id }} }}")).await;

    older.data(&format!("mutation {{ deletePlay(id: {play:?}) }}")).await;
    let older = older.accepting().await;
    for game in &GAMES {
        game.save(&older, json!({ "completion": 1 })).await.data();
    }
    // Nothing to accept, nothing to ask for.
    server.sql("UPDATE terms_versions SET is_active = false").await;
    save(&newcomer).await.data();
}

async fn the_first_steps_come_before_the_terms(engine: Engine) {
    let server = Server::start(engine).await;
    let newcomer = server.newcomer().await;
    let steps = r#"mutation {
        updateProfile(input: { firstName: "Zoé", onboardingComplete: true }) { id }
        setAvatar(input: { avatarColor: "vert" }) { avatarColor }
        setPassions(passions: ["vélo"]) { id }
    }"#;
    newcomer.data(steps).await;
    newcomer.data(steps).await;
    not_accepted(&save(&newcomer).await, "1.0", "playing");
    accept(&newcomer, "1.0").await.data();
    save(&newcomer).await.data();

    // Who has accepted a version is asked for the next one.
    let halfway = server.somebody().await;
    let admin = server.admin().await;
    publish(&admin, "2.0", "# Two").await.data();
    for person in [&newcomer, &halfway] {
        for step in [
            "updateProfile(input: { firstName: \"Zo\" }) { id }",
            "setAvatar(input: {}) { avatarColor }",
            "setPassions(passions: []) { id }",
        ] {
            not_accepted(&person.send(&format!("mutation {{ {step} }}"), Value::Null).await, "2.0", step);
        }
        accept(person, "2.0").await.data();
        person.data(steps).await;
    }
}

async fn a_version_is_accepted_once(engine: Engine) {
    let server = Server::start(engine).await;
    let newcomer = server.newcomer().await;
    let at_once: Vec<_> = (0..8)
        .map(|_| {
            let client = newcomer.clone();
            tokio::spawn(async move { accept(&client, "1.0").await.data()["agreement"].clone() })
        })
        .collect();
    let mut agreements = Vec::new();
    for agreement in at_once {
        agreements.push(agreement.await.unwrap());
    }
    assert_eq!(agreements[0]["terms"], json!({ "version": "1.0", "isActive": true }));
    assert!(agreements.iter().all(|agreement| *agreement == agreements[0]), "{agreements:#?}");
    assert_eq!(accept(&newcomer, "1.0").await.data()["agreement"], agreements[0]);
    assert_eq!(server.sql("SELECT kind FROM audit_log WHERE kind = 'terms_accepted'").await.len(), 1);
    for version in ["0", "\0"] {
        assert_eq!(accept(&newcomer, version).await.codes(), ["NOT_FOUND"], "{version}");
    }
    let terms = server
        .client()
        .data(r#"{ terms { content } none: terms(version: "0") { id } termsVersions { nodes { version } } }"#)
        .await;
    assert!(terms["terms"]["content"].as_str().unwrap().starts_with("# "));
    assert_eq!((&terms["none"], &terms["termsVersions"]["nodes"]), (&Value::Null, &json!([{ "version": "1.0" }])));
}

async fn a_version_that_is_not_active_any_more_is_not_accepted(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, newcomer, admin) = (server.somebody().await, server.newcomer().await, server.admin().await);
    let first = accept(&somebody, "1.0").await.data()["agreement"].clone();
    publish(&admin, "2.0", "# Two").await.data();
    let refused = accept(&newcomer, "1.0").await;
    assert_eq!(refused.codes(), ["CONFLICT"]);
    assert!(refused.body["errors"][0]["message"].as_str().unwrap().contains("2.0"), "{}", refused.text);
    // Who did accept it has done so, for ever.
    let again = accept(&somebody, "1.0").await;
    assert_eq!(again.data()["agreement"]["dateAgreed"], first["dateAgreed"]);
    let second = accept(&somebody, "2.0").await.data()["agreement"].clone();
    let kept = somebody.data("{ me { termsAgreements { id dateAgreed terms { version isActive } } } }").await;
    let kept = kept["me"]["termsAgreements"].as_array().unwrap();
    assert_eq!((&kept[0]["id"], &kept[0]["dateAgreed"]), (&first["id"], &first["dateAgreed"]));
    assert_eq!((kept.len(), &kept[1]), (2, &second));
}

async fn administrators_publish_and_nobody_else(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, admin) = (server.somebody().await, server.admin().await);
    assert_eq!(publish(&somebody, "2.0", "# Two").await.codes(), ["FORBIDDEN"]);
    assert_eq!(publish(&server.client(), "2.0", "# Two").await.codes(), ["UNAUTHENTICATED"]);
    for (version, content, pointers) in [
        ("", "# Two", vec!["/version"]),
        (" ", "", vec!["/version", "/content"]),
        (&*"x".repeat(51), "# Two", vec!["/version"]),
        ("2\0", "# Two", vec!["/version"]),
        ("2.0", "\n", vec!["/content"]),
        ("2.0", "a\0", vec!["/content"]),
        ("2.0", &*"é".repeat(100_001), vec!["/content"]),
    ] {
        let refused = publish(&admin, version, content).await;
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], pointers));
    }
    assert_eq!(active(&server).await, ["1.0"]);
    let long = "é".repeat(100_000);
    let published = publish(&admin, "2.0", &long).await.data()["terms"].clone();
    assert_eq!((&published["content"], &published["isActive"]), (&json!(long), &json!(true)));
    // The answer was lost: the same again is the same version.
    assert_eq!(publish(&admin, "2.0", &long).await.data()["terms"], published);
    for version in ["2.0", "1.0"] {
        assert_eq!(publish(&admin, version, "# Another").await.codes(), ["CONFLICT"], "{version}");
    }
    publish(&admin, "3.0", "# Three").await.data();
    assert_eq!(publish(&admin, "2.0", &long).await.codes(), ["CONFLICT"], "what was published before does not come back");
    assert_eq!(active(&server).await, ["3.0"]);
    let versions = server.client().data("{ termsVersions { nodes { version isActive } } terms { version } }").await;
    let nodes = ["3.0", "2.0", "1.0"].map(|version| json!({ "version": version, "isActive": version == "3.0" }));
    assert_eq!((&versions["termsVersions"]["nodes"], &versions["terms"]["version"]), (&json!(nodes), &json!("3.0")));
}

async fn of_two_who_publish_at_once_one_version_is_active(engine: Engine) {
    let server = Server::start(engine).await;
    let first = server.admin().await;
    let second = another_admin(&server, &first).await;
    for round in 0..20 {
        let (one, two) = (format!("{round} of one"), format!("{round} of two"));
        // Three at once: of those who wait, one is waited for again.
        let answers =
            tokio::join!(publish(&first, &one, "# One"), publish(&second, &two, "# Two"), publish(&second, &two, "# Another"));
        answers.0.data();
        // Of one name and two texts, one counts.
        assert_eq!([answers.1.codes(), answers.2.codes()].concat(), ["CONFLICT"], "{} {}", answers.1.text, answers.2.text);
        let active = active(&server).await;
        assert!(active.len() == 1 && [one, two].contains(&active[0]), "{active:?}");
    }
    assert_eq!(server.sql("SELECT version FROM terms_versions").await.len(), 41);
    // Where there is no version at all, none is there to wait at.
    server.sql("DELETE FROM user_terms_agreements").await;
    server.sql("DELETE FROM terms_versions").await;
    let answers = tokio::join!(publish(&first, "one", "# One"), publish(&second, "two", "# Two"));
    let codes = [answers.0.codes(), answers.1.codes()].concat();
    assert!(codes.iter().all(|code| *code == "CONFLICT") && codes.len() < 2, "{codes:?}");
    assert_eq!(active(&server).await.len(), 1);
}

async fn accepting_while_another_version_is_published(engine: Engine) {
    let server = Server::start(engine).await;
    let (admin, somebody) = (server.admin().await, server.newcomer().await);
    let mut current = "1.0".to_owned();
    for round in 0..10 {
        let next = format!("2.{round}");
        let (accepted, published) = tokio::join!(accept(&somebody, &current), publish(&admin, &next, "# Next"));
        published.data();
        assert!(accepted.codes().is_empty() || accepted.codes() == ["CONFLICT"], "{}", accepted.text);
        not_accepted(&save(&somebody).await, &next, "whichever came first");
        current = next;
    }
    accept(&somebody, &current).await.data();
    save(&somebody).await.data();
}

async fn who_plays_while_terms_are_published_is_asked_from_then_on(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    let is_published = Arc::new(AtomicBool::new(false));
    let mut playing = Vec::new();
    for _ in 0..4 {
        let (client, is_published) = (server.somebody().await, is_published.clone());
        save(&client).await.data();
        playing.push(tokio::spawn(async move {
            loop {
                let must_be_refused = is_published.load(Ordering::SeqCst);
                let answer = save(&client).await;
                if answer.codes().is_empty() {
                    assert!(!must_be_refused, "a save after the terms were published: {}", answer.text);
                } else {
                    not_accepted(&answer, "2.0", "a save");
                    break;
                }
            }
            accept(&client, "2.0").await.data();
            save(&client).await.data();
        }));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    publish(&admin, "2.0", "# Two").await.data();
    is_published.store(true, Ordering::SeqCst);
    for person in playing {
        person.await.unwrap();
    }
}

async fn what_changed_since_is_told(engine: Engine) {
    let server = Server::start(engine).await;
    let (somebody, admin) = (server.somebody().await, server.admin().await);
    let changes =
        async |client: &Client| client.data("{ me { termsChanges { kind text } } }").await["me"]["termsChanges"].clone();
    assert_eq!(changes(&somebody).await, Value::Null);
    let two = "# Terms\n\nYour answers are yours.\n\n- Nobody sells them.\n";
    let three = "# Terms\n\nYour answers are yours, and stay it.\n\n- Nobody sells them.\n- Nobody shows them.\n";
    publish(&admin, "2.0", two).await.data();
    let somebody = somebody.accepting().await;
    assert_eq!(changes(&somebody).await, Value::Null);
    publish(&admin, "3.0", "# Nothing like it").await.data();
    publish(&admin, "4.0", three).await.data();
    // From the one that they accepted, whatever was in between.
    let expected = json!([
        { "kind": "SAME", "text": "# Terms\n" },
        { "kind": "REMOVED", "text": "Your answers are yours." },
        { "kind": "ADDED", "text": "Your answers are yours, and stay it." },
        { "kind": "SAME", "text": "\n- Nobody sells them." },
        { "kind": "ADDED", "text": "- Nobody shows them." },
    ]);
    assert_eq!(changes(&somebody).await, expected);
    assert_eq!(changes(&server.newcomer().await).await, Value::Null, "who has accepted none reads the whole");
    // For a page of people: who they are, the active version, what they accepted, the texts.
    let page = "{ users(first: 50) { nodes { termsChanges { kind text } } } }";
    admin.look_at_everybody().await;
    let answer = admin.send(page, Value::Null).await;
    assert!(answer.data()["users"]["nodes"].as_array().unwrap().iter().any(|person| person["termsChanges"] == expected));
    if engine != Engine::Pair {
        assert_eq!(server.statements(&answer).await.len(), 5);
    }
}
