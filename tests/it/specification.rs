//! Where versions of async-graphql have broken the GraphQL specification.

use serde_json::Value;

use crate::harness::{Engine, Server, on_both_engines};

on_both_engines!(keys_come_in_the_order_of_the_query, a_failing_field_nulls_its_nearest_nullable_parent);

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
