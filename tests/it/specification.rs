//! Where versions of async-graphql have broken the GraphQL specification.

use serde_json::Value;

use crate::harness::{Engine, Server, on_both_engines};

on_both_engines!(
    a_variable_that_is_left_out_leaves_what_is_stored,
    keys_come_in_the_order_of_the_query,
    a_failing_field_nulls_its_nearest_nullable_parent
);

/// Section 7.2.2: serialised in the order of the selection, however long each field took.
async fn keys_come_in_the_order_of_the_query(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    let query = "{ z: me { scenarioGame { id } username passions { id } a: id role { id roleName } detail { age email } id } \
                 terms { version id } a: me { id } }";
    let answer = somebody.send(query, Value::Null).await;
    let data = answer.data();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(data), ["z", "terms", "a"]);
    assert_eq!(keys(&data["z"]), ["scenarioGame", "username", "passions", "a", "role", "detail", "id"]);
    assert_eq!(keys(&data["z"]["role"]), ["id", "roleName"]);
    assert_eq!(keys(&data["terms"]), ["version", "id"]);
}

/// Section 6.4.4. `passkeys` is never null and only its owner's: for an administrator it fails, and with it the person.
async fn a_failing_field_nulls_its_nearest_nullable_parent(engine: Engine) {
    let server = Server::start(engine).await;
    let id = server.somebody().await.data("{ me { id } }").await["me"]["id"].clone();
    let admin = server.admin().await;
    let query = format!("{{ node(id: {id}) {{ id ... on User {{ username passkeys {{ name }} }} }} terms {{ version }} }}");
    let answer = admin.send(&query, Value::Null).await;
    assert_eq!(answer.body["data"]["node"], Value::Null);
    assert_eq!(answer.body["data"]["terms"]["version"], "1.0", "what stands beside it survives");
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    assert_eq!(answer.body["errors"][0]["path"], serde_json::json!(["node", "passkeys"]));
}

/// Sections 3.10 and 6.4.1: an argument or input field whose variable was not given is not there. Null would clear or delete.
async fn a_variable_that_is_left_out_leaves_what_is_stored(engine: Engine) {
    let server = Server::start(engine).await;
    let somebody = server.somebody().await;
    somebody
        .data(
            r#"mutation { updateProfile(input: { address: "ici" }) { id }
            saveScenarioGame(input: { currentLevel: 2, completion: 5, traits: { empathie: 1 } }) { id } }"#,
        )
        .await;
    let query = "mutation ($address: String, $level: Int, $completion: Float, $traits: JSON, $trait: Int, $mode: SaveMode, $new: Boolean, $game: GameKind, $first: Int) {
        updateProfile(input: { address: $address }) { detail { address } plays(game: $game, first: $first) { nodes { id } } }
        a: saveScenarioGame(input: { currentLevel: $level, completion: $completion, traits: $traits, mode: $mode, newPlay: $new }) { revision }
        b: saveScenarioGame(input: { traits: { empathie: $trait } }) { currentLevel completion traits }
    }";
    let answer = somebody.send(query, serde_json::json!({})).await;
    assert_eq!(answer.data()["updateProfile"]["detail"]["address"], "ici");
    assert_eq!(answer.data()["updateProfile"]["plays"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(answer.data()["b"], serde_json::json!({ "currentLevel": 2, "completion": 5.0, "traits": { "empathie": 1 } }));
    // Of several operations the one that runs says what is given.
    let both = "mutation A($f: String) { updateProfile(input: { address: $f }) { detail { address } } }
        mutation B($f: String = \"x\") { updateProfile(input: { address: $f }) { id } }";
    let body = serde_json::json!({ "query": both, "operationName": "A" });
    let request =
        somebody.raw(reqwest::Method::POST, "/graphql").bearer_auth(somebody.access_token.as_ref().unwrap()).json(&body);
    let ran = crate::harness::client::answer(request).await;
    assert_eq!(ran.data()["updateProfile"]["detail"]["address"], "ici");
    let directive = somebody.send("query ($x: Boolean) { me @include(if: $x) { id } }", serde_json::json!({})).await;
    let undefined = ["needs a value", "not declared"].iter().any(|words| directive.text.contains(words));
    assert!(!undefined, "it is: {}", directive.text);
    // Null is null.
    let cleared = somebody
        .send(
            "mutation ($a: String) { updateProfile(input: { address: $a }) { detail { address } } }",
            serde_json::json!({ "a": null }),
        )
        .await;
    assert_eq!(cleared.data()["updateProfile"]["detail"]["address"], Value::Null);
    // What is required is missing, and is told so.
    let missing = somebody.send("mutation ($v: String!) { acceptTerms(version: $v) { id } }", serde_json::json!({})).await;
    assert_eq!(missing.codes(), ["INVALID_INPUT"]);
    let missing = somebody.send("mutation ($v: String) { acceptTerms(version: $v) { id } }", serde_json::json!({})).await;
    assert_eq!(missing.codes().first(), Some(&"INVALID_INPUT"));
}
