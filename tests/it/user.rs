//! Signing up and in by password, and the profile.

use serde_json::{Value, json};

use crate::harness::{Engine, Server, on_both_engines};

on_both_engines!(
    answers_do_not_tell_whether_an_address_is_known,
    a_username_is_unique,
    what_is_left_out_of_a_profile_stays_and_null_clears,
    what_is_not_valid_is_refused_at_its_field,
    passions_keep_their_order,
    nothing_of_the_database_reaches_a_client,
    deactivating_and_roles_work_from_the_next_request_on
);

async fn answers_do_not_tell_whether_an_address_is_known(engine: Engine) {
    let server = Server::start(engine).await;
    let query = "mutation ($input: SignUpInput!) { payload: signUp(input: $input) { user { detail { email emailVerified } } } }";
    let input = json!({ "input": { "email": "known@example.org", "password": "trois petits chats" } });
    let first = server.client().send(query, input.clone()).await;
    let second = server.client().send(query, input).await;
    assert_eq!(first.data(), second.data());
    // Nor does a later claim take anybody's way in.
    let other =
        r#"mutation { signUp(input: { email: "known@example.org", password: "somebody else entirely" }) { accessToken } }"#;
    server.client().data(other).await;
    let one = server.client().sign_in("known@example.org", "trois petits chats").await;
    let two = server.client().sign_in("known@example.org", "somebody else entirely").await;
    assert_ne!(one.data("{ me { id } }").await, two.data("{ me { id } }").await);

    let query = "mutation ($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let wrong = |email: &str| json!({ "input": { "email": email, "password": "trois petits chiens" } });
    let known = server.client().send(query, wrong("known@example.org")).await;
    let unknown = server.client().send(query, wrong("unknown@example.org")).await;
    assert_eq!(known.body, unknown.body);
    assert_eq!(known.codes(), ["UNAUTHENTICATED"]);
    // Nor does an address that an administrator has verified.
    server.admin().await;
    let query = r#"mutation { signUp(input: { email: "admin@example.org", password: "trois petits chats" }) { user { role { roleName } } } }"#;
    assert_eq!(server.client().data(query).await["signUp"]["user"]["role"]["roleName"], "user");
    // Signing in with it afterwards works as with one that nobody has, and leads into one's own account.
    let own = server.client().sign_in("admin@example.org", "trois petits chats").await;
    assert_eq!(own.data("{ me { role { roleName } } }").await["me"]["role"]["roleName"], "user");
}

async fn a_username_is_unique(engine: Engine) {
    let server = Server::start(engine).await;
    let name = r#"mutation { updateProfile(input: { username: "zoé_🦊" }) { username } }"#;
    server.somebody().await.data(name).await;
    let other = server.somebody().await;
    let refused = other.send(name, Value::Null).await;
    assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], vec!["/username"]));
    let sign_up = r#"mutation { signUp(input: { email: "z@example.org", password: "trois petits chats", username: "zoé_🦊" }) { accessToken } }"#;
    assert_eq!(server.client().send(sign_up, Value::Null).await.pointers(), ["/username"]);
    assert_eq!(other.data("{ me { username } }").await["me"]["username"], Value::Null);
}

async fn what_is_left_out_of_a_profile_stays_and_null_clears(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody.data(r#"mutation { updateProfile(input: { firstName: "Zoé", lastName: "N", age: 17, onboardingComplete: true }) { id } setAvatar(input: { avatarColor: "bleu", avatarGender: "girl" }) { avatarColor } }"#).await;
    somebody.data("mutation { updateProfile(input: { lastName: null, age: 18 }) { id } setAvatar(input: { avatarGender: null }) { avatarColor } }").await;
    let me = somebody
        .data("{ me { onboardingComplete detail { firstName lastName age } avatar { avatarColor avatarGender } } }")
        .await["me"]
        .clone();
    assert_eq!(me["detail"], json!({ "firstName": "Zoé", "lastName": null, "age": 18 }));
    assert_eq!(me["avatar"], json!({ "avatarColor": "bleu", "avatarGender": null }));
    assert_eq!(me["onboardingComplete"], true);
}

async fn what_is_not_valid_is_refused_at_its_field(engine: Engine) {
    let server = Server::start(engine).await;
    let query = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    for (email, password, pointers) in [
        ("nobody", "trois petits chats", vec!["/email"]),
        ("a@b", "trois petits chats", vec!["/email"]),
        ("a b@example.org", "trois petits chats", vec!["/email"]),
        // Mail programs read these as somebody else's address, or none can be written to.
        ("x<victim@example.org>", "trois petits chats", vec!["/email"]),
        ("<victim@example.org>", "trois petits chats", vec!["/email"]),
        ("\"a\"@example.org", "trois petits chats", vec!["/email"]),
        ("a,b@example.org", "trois petits chats", vec!["/email"]),
        ("a..b@example.org", "trois petits chats", vec!["/email"]),
        ("a@@example.org", "trois petits chats", vec!["/email"]),
        ("a@b.c:25", "trois petits chats", vec!["/email"]),
        ("\u{202e}a@example.org", "trois petits chats", vec!["/email"]),
        ("é@example.org", "trois petits chats", vec!["/email"]),
        ("a@example.org\r\nBcc: b@example.org", "trois petits chats", vec!["/email"]),
        ("a@example.org", "court", vec!["/password"]),
        ("@example.org", "", vec!["/email", "/password"]),
    ] {
        let refused = server.client().send(query, json!({ "input": { "email": email, "password": password } })).await;
        assert_eq!((refused.codes(), refused.pointers()), (vec!["INVALID_INPUT"], pointers), "{email}");
    }
    let long = json!({ "input": { "email": "long@example.org", "password": "é".repeat(1024) } });
    server.client().send(query, long).await.data();

    let somebody = server.somebody().await;
    let query = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }";
    for (input, pointer) in [
        (json!({ "username": "" }), "/username"),
        (json!({ "username": "  " }), "/username"),
        (json!({ "username": "x".repeat(65) }), "/username"),
        (json!({ "firstName": "nul \u{0}" }), "/firstName"),
        (json!({ "lastName": "x".repeat(101) }), "/lastName"),
        (json!({ "phoneNumber": "1".repeat(41) }), "/phoneNumber"),
        (json!({ "address": "x".repeat(501) }), "/address"),
        (json!({ "age": 151 }), "/age"),
        (json!({ "age": -1 }), "/age"),
    ] {
        assert_eq!(somebody.send(query, json!({ "input": input })).await.pointers(), [pointer], "{input}");
    }
    somebody.send(query, json!({ "input": { "username": "é".repeat(64) } })).await.data();
    // A number that does not fit, a value of another type, a field that is not there.
    for input in [json!({ "age": 4_294_967_296_i64 }), json!({ "age": "17" }), json!({ "first_name": "Zoé" })] {
        assert_eq!(somebody.send(query, json!({ "input": input })).await.codes(), ["INVALID_INPUT"], "{input}");
    }
}

async fn passions_keep_their_order(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let set = |passions: Value| {
        let somebody = somebody.clone();
        async move {
            somebody
                .send(
                    "mutation ($passions: [String!]!) { setPassions(passions: $passions) { id order passionText } }",
                    json!({ "passions": passions }),
                )
                .await
        }
    };
    let first = set(json!(["a", "b", "c"])).await.data()["setPassions"].clone();
    let second = set(json!(["c", "b"])).await.data()["setPassions"].clone();
    assert_eq!(second[1], first[1], "what stays in its place keeps its id");
    assert_eq!(second[0]["passionText"], "c");
    let twice = set(json!(["x", "x"])).await;
    assert_eq!(twice.data()["setPassions"].as_array().unwrap().len(), 2);
    assert_eq!(set(json!(["a", "b", "c", "d"])).await.pointers(), ["/passions"]);
    assert_eq!(set(json!(["a", " "])).await.pointers(), ["/passions/1"]);
    let (one, two) = tokio::join!(set(json!(["p", "q", "r"])), set(json!(["s", "t"])));
    one.data();
    two.data();
    let kept = somebody.data("{ me { passions { passionText } } }").await["me"]["passions"].clone();
    let texts: Vec<_> = kept.as_array().unwrap().iter().map(|passion| passion["passionText"].as_str().unwrap()).collect();
    assert!(texts == ["p", "q", "r"] || texts == ["s", "t"], "one list or the other, not both: {texts:?}");
    set(json!([])).await.data();
    assert_eq!(somebody.data("{ me { passions { id } } }").await["me"]["passions"], json!([]));
}

/// A fault of the service says nothing but the request's name, which its log has too.
async fn nothing_of_the_database_reaches_a_client(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let database = server.home.database().await;
    sea_orm::ConnectionTrait::execute_unprepared(&database, "DROP TABLE user_passions").await.unwrap();
    let answer = somebody.send("{ me { username passions { id } } }", Value::Null).await;
    assert_eq!(answer.codes(), ["INTERNAL"]);
    assert_eq!(answer.body["errors"][0]["extensions"], json!({ "code": "INTERNAL", "requestId": answer.request_id }));
    for word in ["user_passions", "table", "relation", "SELECT", "sql"] {
        assert!(!answer.text.contains(word), "{}", answer.text);
    }
    server.statements(&answer).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("a request failed") && line.contains(&answer.request_id));
    assert!(line.is_some_and(|line| line.contains("user_passions")), "the log says what it was: {log}");
}

async fn deactivating_and_roles_work_from_the_next_request_on(engine: Engine) {
    let server = Server::start(engine).await;
    let admin = server.admin().await;
    let database = server.home.database().await;
    let change = |sql: &'static str| sea_orm::ConnectionTrait::execute_unprepared(&database, sql);
    admin.data("{ roles { id } }").await;
    change("UPDATE users SET role_id = (SELECT id FROM roles WHERE role_name = 'user')").await.unwrap();
    assert_eq!(admin.send("{ roles { id } }", Value::Null).await.codes(), ["FORBIDDEN"]);
    change("UPDATE users SET is_active = false").await.unwrap();
    assert_eq!(admin.send("{ me { id } }", Value::Null).await.codes(), ["UNAUTHENTICATED"]);
    let refresh = format!("mutation {{ refreshSession(refreshToken: {:?}) {{ accessToken }} }}", admin.refresh_token.unwrap());
    assert_eq!(server.client().send(&refresh, Value::Null).await.codes(), ["UNAUTHENTICATED"]);
}
