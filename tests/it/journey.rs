//! One young person's whole journey, with real-shaped input.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::game::{GAMES, Game, session};
use crate::harness::{Client, Engine, Server, on_both_engines};

on_both_engines!(a_young_person_gets_back_every_value_as_it_was_sent, every_line_comes_back_byte_for_byte);

const UNICODE: &str = include_str!("../fixtures/unicode.txt");

async fn sign_up_with_passkey(server: &Server, person: Value) -> Client {
    let mut authenticator = Authenticator::new(&server.origin);
    let client = server.client();
    let start = "mutation ($input: PasskeySignUpInput) { startPasskeySignUp(input: $input) { ceremonyId options expires } }";
    let started = client.send(start, json!({ "input": person })).await;
    let challenge = &started.data()["startPasskeySignUp"];
    let finish = "mutation ($input: FinishPasskeyInput!) {
        payload: finishPasskeySignUp(input: $input) { accessToken refreshToken user { username isPasskey passkeys { name deviceType } } }
    }";
    let credential = authenticator.create(&challenge["options"]);
    let input = json!({ "input": { "ceremonyId": challenge["ceremonyId"], "credential": credential, "name": "Ma tablette" } });
    let finished = client.send(finish, input).await;
    let user = &finished.data()["payload"]["user"];
    assert_eq!(user["passkeys"], json!([{ "name": "Ma tablette", "deviceType": "singleDevice" }]));
    assert_eq!(user["isPasskey"], true);
    client.signed_in(&finished)
}

async fn a_young_person_gets_back_every_value_as_it_was_sent(engine: Engine) {
    let session = session();
    let server = Server::start(engine).await;
    let zoe = sign_up_with_passkey(&server, json!({ "username": session["username"] })).await;

    let mut profile = session["detail"].as_object().unwrap().clone();
    profile.remove("email");
    let update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { onboardingComplete } }";
    assert_eq!(zoe.send(update, json!({ "input": profile })).await.data()["updateProfile"]["onboardingComplete"], false);

    let avatar = "mutation ($input: AvatarInput!) { setAvatar(input: $input) { avatarColor } }";
    zoe.send(avatar, json!({ "input": session["avatar"] })).await.data();
    let texts: Vec<_> = session["passions"].as_array().unwrap().iter().map(|passion| &passion["passionText"]).collect();
    let passions = "mutation ($passions: [String!]!) { setPassions(passions: $passions) { order } }";
    zoe.send(passions, json!({ "passions": texts })).await.data();
    assert_eq!(zoe.data("{ me { mustAcceptTerms } }").await["me"]["mustAcceptTerms"], true);
    let version = zoe.data("{ terms { version content } }").await["terms"]["version"].clone();
    let accept = "mutation ($version: String!) { acceptTerms(version: $version) { terms { version } } }";
    zoe.send(accept, json!({ "version": version })).await.data();
    let through = json!({ "input": { "onboardingComplete": true } });
    assert_eq!(zoe.send(update, through).await.data()["updateProfile"]["onboardingComplete"], true);

    let mut selection = String::new();
    for game in &GAMES {
        let saved = game.save(&zoe, session["games"][game.name].clone()).await;
        assert_eq!(saved.data()["play"]["revision"], 1);
        write!(selection, " {} {{ completion {} }}", game.field, game.holds.join(" ")).unwrap();
    }
    let me = "{ me {
        username mustAcceptTerms onboardingComplete
        role { roleName }
        detail { firstName lastName age phoneNumber address }
        avatar { avatarGender avatarAccessories avatarColor avatarPassions avatarExpression }
        passions { order passionText }
        termsAgreements { terms { version } }
        GAMES
    } }"
    .replace("GAMES", &selection);
    let answer = zoe.send(&me, Value::Null).await;
    let me = &answer.data()["me"];

    assert_eq!(me["username"], session["username"]);
    assert_eq!(me["role"]["roleName"], "user");
    assert_eq!(me["detail"].to_string(), Value::from(profile).to_string());
    assert_eq!(me["avatar"].to_string(), session["avatar"].to_string());
    assert_eq!(me["passions"].to_string(), session["passions"].to_string());
    assert_eq!(me["termsAgreements"], json!([{ "terms": { "version": version } }]));
    assert_eq!((&me["mustAcceptTerms"], &me["onboardingComplete"]), (&json!(false), &json!(true)));
    for Game { name, field, holds, .. } in &GAMES {
        let (sent, back) = (&session["games"][name], &me[field]);
        assert_eq!(back["completion"].as_f64(), sent["completion"].as_f64(), "{name}");
        for value in *holds {
            assert_eq!(back[value].to_string(), sent[value].to_string(), "{name} {value}");
            assert!(answer.text.contains(&sent[value].to_string()), "{name} {value} is not in the answer byte for byte");
        }
    }

    // By address and password the address comes back as it was written, too.
    let email = session["detail"]["email"].as_str().unwrap();
    server.client().sign_up(email).await;
    let again = server.client().sign_in(&email.to_uppercase(), "trois petits chats").await;
    assert_eq!(
        again.data("{ me { detail { email emailVerified } } }").await["me"]["detail"],
        json!({ "email": email, "emailVerified": false })
    );
}

async fn every_line_comes_back_byte_for_byte(engine: Engine) {
    let server = Server::start(engine).await;
    let lines: Vec<_> = UNICODE.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 19);
    for line in lines {
        let somebody = server.somebody().await;
        let save = "mutation ($text: String!, $passions: [String!]!, $jobs: JSON!, $room: JSON!) {
            updateProfile(input: { username: $text, firstName: $text }) { username }
            setPassions(passions: $passions) { passionText }
            saveJobsGame(input: { jobChoices: $jobs }) { jobChoices }
            saveRoomEnvGame(input: { roomData: $room }) { roomData }
        }";
        let (jobs, room) = (json!({ line: "like" }), json!([{ "room": "Focus Room", "commentary": line }]));
        somebody.send(save, json!({ "text": line, "passions": [line], "jobs": jobs, "room": room })).await.data();
        let me = somebody
            .data("{ me { username detail { firstName } passions { passionText } jobsGame { jobChoices } roomEnvGame { roomData } } }")
            .await["me"]
            .clone();
        assert_eq!(me["username"], line);
        assert_eq!(me["detail"]["firstName"], line);
        assert_eq!(me["passions"][0]["passionText"], line);
        assert_eq!(me["jobsGame"]["jobChoices"], jobs);
        assert_eq!(me["roomEnvGame"]["roomData"], room);
    }
}
