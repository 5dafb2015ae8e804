//! Every operation of docs/operations, in the order of a person's journey, then of an administrator's. A front end sends these, and clients
//! are generated from them.

use std::collections::BTreeSet;
use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::game::{GAMES, session};
use crate::harness::operations::Operations;
use crate::harness::{Client, Engine, Server, on_both_engines, unique_email};
use crate::schema::introspect;
use crate::user_picture::file;

on_both_engines!(every_operation_of_the_docs_runs);

/// The front end.
struct App {
    server: Server,
    operations: Operations,
    sent: BTreeSet<String>,
}

impl App {
    async fn send(&mut self, client: &Client, name: &str, variables: Value) -> Value {
        self.sent.insert(name.to_owned());
        let answer = client.send(&self.operations.document(name), variables).await;
        assert!(answer.body["errors"].is_null(), "{name}: {}", answer.text);
        answer.body["data"].clone()
    }

    /// Sends what signs in, and gives who is in.
    async fn enter(&mut self, client: &Client, name: &str, variables: Value) -> Client {
        let data = self.send(client, name, variables).await;
        let payload = data.as_object().unwrap().values().next().unwrap();
        let mut entered = client.clone();
        entered.access_token = payload["accessToken"].as_str().map(str::to_owned);
        entered.refresh_token = payload["refreshToken"].as_str().map(str::to_owned);
        assert!(entered.access_token.is_some() && entered.refresh_token.is_some(), "{name}: {payload}");
        entered
    }

    /// Begins a ceremony, and gives what finishes it once `device` has answered.
    async fn ceremony(&mut self, client: &Client, name: &str, variables: Value, device: impl FnOnce(&Value) -> Value) -> Value {
        let data = self.send(client, name, variables).await;
        let challenge = data.as_object().unwrap().values().next().unwrap();
        json!({ "input": { "ceremonyId": challenge["ceremonyId"], "credential": device(&challenge["options"]), "name": "Tablet" } })
    }

    /// The token of the newest of so many links; mails of other kinds come between.
    async fn link(&self, email: &str, count: usize) -> String {
        let mut mails = Vec::new();
        loop {
            mails = self.server.mails(email, mails.len() + 1).await;
            if let Some(token) = mails.iter().filter_map(|mail| mail.token.clone()).nth(count - 1) {
                return token;
            }
        }
    }
}

async fn every_operation_of_the_docs_runs(engine: Engine) {
    let server = Server::start(engine).await;
    let operations = Operations::read();
    let missing = operations.without(&introspect(&server).await);
    assert!(missing.is_empty(), "fields that no operation of docs/operations has: {missing:?}");
    let mut app = App { server, operations, sent: BTreeSet::new() };
    visitor(&mut app).await;
    let email = unique_email("zoe");
    let zoe = signs_up(&mut app, &email).await;
    first_steps(&mut app, &zoe).await;
    plays(&mut app, &zoe).await;
    looks_back(&mut app, &zoe).await;
    let zoe = looks_after_the_account(&mut app, zoe, &email).await;
    let noe = comes_by_passkey(&mut app).await;
    administrator(&mut app, &zoe, &noe).await;
    leaves(&mut app, &zoe).await;
    let not_run: Vec<_> = app.operations.operations.keys().filter(|name| !app.sent.contains(*name)).collect();
    assert!(not_run.is_empty(), "not run: {not_run:?}");
}

async fn visitor(app: &mut App) {
    let nobody = app.server.client();
    assert_eq!(app.send(&nobody, "Opening", Value::Null).await["me"], Value::Null);
    let active = app.send(&nobody, "Terms", Value::Null).await["terms"].clone();
    assert_eq!(active["isActive"], true);
    assert_eq!(app.send(&nobody, "Terms", json!({ "version": active["version"] })).await["terms"], active);
    assert_eq!(app.send(&nobody, "EarlierTerms", json!({ "first": 10 })).await["termsVersions"]["nodes"][0]["id"], active["id"]);
    let games = app.send(&nobody, "GameCatalogue", json!({ "language": "FRENCH" })).await["gameCatalogue"].clone();
    assert_eq!(games.as_array().unwrap().len(), GAMES.len());
    let schemas = app.send(&nobody, "GameSchemas", Value::Null).await["gameCatalogue"].clone();
    assert!(schemas.as_array().unwrap().iter().all(|game| game["jsonSchemas"]["1"].is_object()), "{schemas}");
}

async fn signs_up(app: &mut App, email: &str) -> Client {
    let input = json!({ "input": { "email": email, "password": "trois petits chats", "username": "zoe-des-operations" } });
    let nobody = app.server.client();
    let zoe = app.enter(&nobody, "SignUp", input).await;
    app.link(email, 1).await;
    assert_eq!(app.send(&zoe, "ResendVerification", Value::Null).await["resendVerification"], true);
    let token = app.link(email, 2).await;
    let verified = app.send(&zoe, "VerifyEmail", json!({ "token": token })).await;
    assert_eq!(verified["verifyEmail"]["detail"]["emailVerified"], true);
    zoe
}

async fn first_steps(app: &mut App, zoe: &Client) {
    assert_eq!(app.send(zoe, "Avatar", Value::Null).await["me"]["avatar"], Value::Null);
    let avatar = session()["avatar"].clone();
    assert_eq!(app.send(zoe, "SetAvatar", json!({ "input": avatar })).await["setAvatar"], avatar);
    assert_eq!(app.send(zoe, "Avatar", Value::Null).await["me"]["avatar"], avatar);
    let set = app.send(zoe, "SetPassions", json!({ "passions": ["les trains", "le dessin"] })).await["setPassions"].clone();
    assert_eq!(app.send(zoe, "Passions", Value::Null).await["me"]["passions"], set);
    let profile = json!({ "input": { "firstName": "Zoé", "age": 17, "language": "FRENCH", "onboardingComplete": true } });
    let changed = app.send(zoe, "UpdateProfile", profile).await["updateProfile"].clone();
    assert_eq!((&changed["detail"]["firstName"], &changed["onboardingComplete"]), (&json!("Zoé"), &json!(true)));
    assert_eq!(app.send(zoe, "Profile", Value::Null).await["me"], changed);
    let asked = app.send(zoe, "TermsToAccept", Value::Null).await;
    assert_eq!((&asked["me"]["mustAcceptTerms"], &asked["me"]["termsChanges"]), (&json!(true), &Value::Null));
    let agreed = app.send(zoe, "AcceptTerms", json!({ "version": asked["terms"]["version"] })).await["acceptTerms"].clone();
    assert_eq!(app.send(zoe, "Agreements", Value::Null).await["me"]["termsAgreements"], json!([agreed]));
}

async fn plays(app: &mut App, zoe: &Client) {
    for game in &GAMES {
        let (first, rest) = game.mutation.split_at(1);
        let (save, open) = (first.to_uppercase() + rest, rest.strip_prefix("ave").unwrap());
        assert_eq!(app.send(zoe, open, Value::Null).await["me"][game.field], Value::Null, "{open}");
        let mut input = session()["games"][game.name].clone();
        input["saveId"] = format!("a save of {}", game.name).into();
        let saved = app.send(zoe, &save, json!({ "input": input })).await[game.mutation].clone();
        for held in game.holds {
            assert_eq!(saved[held], input[held], "{save} {held}");
        }
        assert_eq!(app.send(zoe, open, Value::Null).await["me"][game.field], saved, "{open}");
    }
}

async fn looks_back(app: &mut App, zoe: &Client) {
    let me = app.send(zoe, "Opening", Value::Null).await["me"].clone();
    let relations =
        ["role", "detail", "avatar", "passions", "termsAgreements"].into_iter().chain(GAMES.iter().map(|game| game.field));
    for relation in relations {
        assert!(me[relation].is_object() || me[relation][0].is_object(), "{relation}: {me}");
    }
    assert_eq!(app.send(zoe, "Home", Value::Null).await["me"]["progress"]["gamesStarted"], 7);
    let insights = app.send(zoe, "Insights", Value::Null).await["me"]["insights"].clone();
    assert!(insights.as_object().unwrap().values().all(Value::is_object), "{insights}");

    let page = app.send(zoe, "History", json!({ "first": 4 })).await["me"]["plays"].clone();
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest =
        app.send(zoe, "History", json!({ "first": 4, "after": page["pageInfo"]["endCursor"] })).await["me"]["plays"].clone();
    let plays: Vec<_> = [&page, &rest].into_iter().flat_map(|page| page["nodes"].as_array().unwrap()).collect();
    assert_eq!(plays.len(), 7);
    for play in &plays {
        let opened = app.send(zoe, "Play", json!({ "id": play["id"] })).await["node"].clone();
        assert_eq!((&opened["__typename"], &opened["completion"]), (&play["__typename"], &play["completion"]));
    }
    let both = app.send(zoe, "ComparePlays", json!({ "ids": [plays[0]["id"], plays[6]["id"]] })).await["nodes"].clone();
    assert_eq!((&both[0]["id"], &both[1]["id"]), (&plays[0]["id"], &plays[6]["id"]));
    let of_game = json!({ "game": plays[0]["game"] });
    assert_eq!(app.send(zoe, "History", of_game.clone()).await["me"]["plays"]["nodes"], json!([plays[0]]));
    assert_eq!(app.send(zoe, "DeletePlay", json!({ "id": plays[0]["id"] })).await["deletePlay"], true);
    assert_eq!(app.send(zoe, "History", of_game).await["me"]["plays"]["nodes"], json!([]));
}

/// Gives her as she is signed in at the end.
async fn looks_after_the_account(app: &mut App, zoe: Client, email: &str) -> Client {
    let variables = json!({ "type": "COVER", "file": null });
    let bytes = file(ImageFormat::Png, (120, 120));
    app.sent.insert("UploadPicture".into());
    let upload = app.operations.document("UploadPicture");
    let uploaded = zoe.send_file_with(&upload, variables, ("me.png", "image/png", &bytes)).await.data()["uploadPicture"].clone();
    assert_eq!(app.send(&zoe, "Pictures", Value::Null).await["me"]["pictures"], json!([uploaded]));
    assert_eq!(app.send(&zoe, "RemovePicture", json!({ "type": "COVER" })).await["removePicture"], true);

    let mut device = Authenticator::new(&app.server.origin);
    let finish = app.ceremony(&zoe, "StartPasskeyAdd", Value::Null, |options| device.create(options)).await;
    let added = app.send(&zoe, "FinishPasskeyAdd", finish).await["finishPasskeyAdd"].clone();
    let renamed =
        app.send(&zoe, "RenamePasskey", json!({ "id": added["id"], "name": "Telephone" })).await["renamePasskey"].clone();
    let me = app.send(&zoe, "Passkeys", Value::Null).await["me"].clone();
    assert_eq!(me["passkeys"], json!([renamed]));
    assert_eq!(me["passkeySignal"]["allAcceptedCredentialIds"], json!([added["credentialId"]]));
    assert_eq!(app.send(&zoe, "RemovePasskey", json!({ "id": added["id"] })).await["removePasskey"], true);

    let passwords = json!({ "current": "trois petits chats", "new": "quatre petits chats" });
    assert_eq!(app.send(&zoe, "ChangePassword", passwords).await["changePassword"], true);
    let nobody = app.server.client();
    let sign_in = json!({ "input": { "email": email, "password": "quatre petits chats" } });
    let other = app.enter(&nobody, "SignIn", sign_in.clone()).await;
    let sessions = app.send(&zoe, "Sessions", Value::Null).await["me"]["sessions"].clone();
    let others: Vec<_> = sessions.as_array().unwrap().iter().filter(|session| session["isCurrent"] == false).collect();
    assert_eq!((others.len(), sessions.as_array().unwrap().len()), (1, 2));
    assert_eq!(app.send(&zoe, "RevokeSession", json!({ "id": others[0]["id"] })).await["revokeSession"], true);
    assert_eq!(other.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    let other = app.enter(&nobody, "SignIn", sign_in.clone()).await;
    assert_eq!(app.send(&other, "SignOut", Value::Null).await["signOut"], true);
    let zoe = app.enter(&nobody, "RefreshSession", json!({ "refreshToken": zoe.refresh_token })).await;
    app.enter(&nobody, "SignIn", sign_in).await;
    assert_eq!(app.send(&zoe, "SignOutEverywhere", Value::Null).await["signOutEverywhere"], 2);

    let asked = app.send(&nobody, "RequestAccountRecovery", json!({ "email": email })).await;
    assert_eq!(asked["requestAccountRecovery"], true);
    let token = app.link(email, 3).await;
    app.enter(&nobody, "ResetPassword", json!({ "token": token, "password": "cinq petits chats" })).await;
    app.send(&nobody, "RequestAccountRecovery", json!({ "email": email })).await;
    let token = json!({ "token": app.link(email, 4).await });
    let finish = app.ceremony(&nobody, "StartPasskeyRecovery", token, |options| device.create(options)).await;
    let zoe = app.enter(&nobody, "FinishPasskeyRecovery", finish).await;

    let new = unique_email("zoe-new");
    let changed = app.send(&zoe, "ChangeEmail", json!({ "email": new })).await["changeEmail"]["detail"].clone();
    assert_eq!((&changed["email"], &changed["pendingEmail"]), (&json!(email), &json!(new)));
    let log = app.send(&zoe, "AuditLog", json!({ "first": 2 })).await["me"]["auditLog"].clone();
    assert_eq!(log["nodes"][0]["kind"], "EMAIL_CHANGE_BEGUN");
    let rest = app.send(&zoe, "AuditLog", json!({ "after": log["pageInfo"]["endCursor"] })).await["me"]["auditLog"].clone();
    assert_eq!(rest["nodes"].as_array().unwrap().last().unwrap()["kind"], "SIGNED_UP");
    zoe
}

async fn comes_by_passkey(app: &mut App) -> Client {
    let mut device = Authenticator::new(&app.server.origin);
    let nobody = app.server.client();
    let person = json!({ "input": { "username": "noe-des-operations" } });
    let finish = app.ceremony(&nobody, "StartPasskeySignUp", person, |options| device.create(options)).await;
    app.enter(&nobody, "FinishPasskeySignUp", finish).await;
    let finish = app.ceremony(&nobody, "StartPasskeySignIn", Value::Null, |options| device.get(options)).await;
    app.enter(&nobody, "FinishPasskeySignIn", finish).await
}

async fn administrator(app: &mut App, zoe: &Client, noe: &Client) {
    let admin = app.server.admin().await;
    let page = app.send(&admin, "People", json!({ "first": 1 })).await["users"].clone();
    let rest = app.send(&admin, "People", json!({ "after": page["pageInfo"]["endCursor"] })).await["users"].clone();
    let of_zoe = page["nodes"][0].clone();
    assert_eq!((&of_zoe["username"], rest["nodes"].as_array().unwrap().len()), (&json!("zoe-des-operations"), 2));
    let id = json!({ "id": of_zoe["id"] });
    assert_eq!(app.send(&admin, "Person", id.clone()).await["node"]["progress"]["gamesStarted"], 6);
    assert_eq!(app.send(&admin, "PersonAuditLog", id).await["node"]["auditLog"]["nodes"][0]["kind"], "DATA_READ");

    let noe = app.send(noe, "Profile", Value::Null).await["me"]["id"].clone();
    let found =
        app.send(&admin, "People", json!({ "filter": { "roleName": "admin" }, "orderBy": "NEWEST_FIRST" })).await["users"]
            .clone();
    assert_eq!(found["totalCount"], 1);
    let statistics = app.send(&admin, "Statistics", Value::Null).await["statistics"].clone();
    assert_eq!(statistics["games"].as_array().map(Vec::len), Some(7));
    let roles = app.send(&admin, "Roles", Value::Null).await["roles"].clone();
    let role = roles.as_array().unwrap().iter().find(|role| role["roleName"] == "admin").unwrap();
    let set =
        app.send(&admin, "SetUserRole", json!({ "userId": noe, "roleName": role["roleName"] })).await["setUserRole"].clone();
    assert_eq!(set["role"]["id"], role["id"]);
    let kept_out = app.send(&admin, "SetUserActive", json!({ "userId": noe, "isActive": false })).await["setUserActive"].clone();
    assert_eq!(kept_out["isActive"], false);
    let receipt = app.send(&admin, "DeleteUser", json!({ "userId": noe })).await["deleteUser"].clone();
    assert!(receipt["erased"].as_array().unwrap().iter().any(|erased| erased["kind"] == "PASSKEYS"), "{receipt}");

    let terms = json!({ "version": "2.0", "content": "# Conditions\n\nDeux." });
    assert_eq!(app.send(&admin, "PublishTerms", terms).await["publishTerms"]["isActive"], true);
    let asked = app.send(zoe, "TermsToAccept", Value::Null).await;
    assert!(asked["me"]["termsChanges"][0]["kind"].is_string(), "{asked}");
}

async fn leaves(app: &mut App, zoe: &Client) {
    app.send(zoe, "RequestDataExport", Value::Null).await;
    let export = loop {
        let export = app.send(zoe, "DataExportProgress", Value::Null).await["me"]["dataExport"].clone();
        if !["REQUESTED", "MAKING"].contains(&export["state"].as_str().unwrap()) {
            break export;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(export["state"], "READY");
    assert!(export["url"].is_string());
    let receipt = app.send(zoe, "DeleteAccount", json!({ "confirm": "zoe-des-operations" })).await["deleteAccount"].clone();
    assert!(receipt["erased"].as_array().unwrap().contains(&json!({ "kind": "PLAYS", "count": 6 })), "{receipt}");
}
