//! Documents that are named instead of sent, and those that alone may run.

use std::fmt::Write as _;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::client::answer;
use crate::harness::{Answer, Engine, Home, Server};

const QUERY: &str = "query Terms($version: String) { terms(version: $version) { version } }";

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

async fn post(server: &Server, body: Value) -> Answer {
    answer(server.client().raw(Method::POST, "/graphql").json(&body)).await
}

fn persisted(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

/// As Apollo's clients do it: the hash alone, then with the document, then the hash alone again.
#[tokio::test]
async fn a_document_is_sent_once_and_named_from_then_on() {
    let server = Server::start(Engine::Sqlite).await;
    let hash = hash(QUERY);
    let unknown = post(&server, json!({ "extensions": persisted(&hash) })).await;
    assert_eq!((unknown.status, unknown.codes()), (200, vec!["PERSISTED_QUERY_NOT_FOUND"]));
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    post(&server, json!({ "query": QUERY, "extensions": persisted(&hash) })).await.data();
    let variables = json!({ "version": "1.0" });
    for body in [
        json!({ "extensions": persisted(&hash), "variables": variables }),
        json!({ "extensions": persisted(&hash.to_uppercase()), "variables": variables }),
        json!({ "documentId": format!("sha256:{hash}"), "variables": variables }),
    ] {
        assert_eq!(post(&server, body).await.data()["terms"]["version"], "1.0");
    }
    let by_get = |query: String| answer(server.client().raw(Method::GET, &format!("/graphql?{query}")));
    let extensions = persisted(&hash).to_string().replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    assert_eq!(by_get(format!("extensions={extensions}")).await.data()["terms"]["version"], "1.0");
    assert_eq!(by_get(format!("documentId=sha256:{hash}")).await.data()["terms"]["version"], "1.0");
    // In a batch each names its own.
    let batch = post(&server, json!([{ "query": "{ __typename }" }, { "documentId": format!("sha256:{hash}") }])).await;
    assert_eq!(batch.body, json!([{ "data": { "__typename": "Query" } }, { "data": { "terms": { "version": "1.0" } } }]));
    // A mutation that is remembered does not run by GET.
    let mutation = "mutation { startPasskeySignIn { ceremonyId } }";
    let of_mutation = self::hash(mutation);
    post(&server, json!({ "query": mutation, "extensions": persisted(&of_mutation) })).await.data();
    assert_eq!(by_get(format!("documentId=sha256:{of_mutation}")).await.status, 405);
}

#[tokio::test]
async fn nobody_puts_another_document_under_a_hash() {
    let server = Server::start(Engine::Sqlite).await;
    let hash = hash(QUERY);
    let other = json!({ "query": "{ me { id } }", "extensions": persisted(&hash) });
    assert_eq!(post(&server, other).await.codes(), ["INVALID_INPUT"]);
    for extensions in [
        json!({ "persistedQuery": { "version": 2, "sha256Hash": hash } }),
        json!({ "persistedQuery": { "version": 1 } }),
        json!({ "persistedQuery": { "version": 1, "sha256Hash": 1 } }),
        json!({ "persistedQuery": hash }),
        json!({ "persistedQuery": null }),
    ] {
        assert_eq!(post(&server, json!({ "query": QUERY, "extensions": extensions })).await.codes(), ["INVALID_INPUT"]);
    }
    assert_eq!(post(&server, json!({ "documentId": 1 })).await.status, 400);
    // What is refused, or is no document, is not remembered.
    for bad in ["{ me", "{ nope }"] {
        let id = self::hash(bad);
        post(&server, json!({ "query": bad, "extensions": persisted(&id) })).await;
        let again = post(&server, json!({ "extensions": persisted(&id) })).await;
        assert_eq!(again.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
    }
    assert_eq!(post(&server, json!({ "extensions": persisted(&hash) })).await.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
}

/// With a list only what is on it runs, whether it is named or sent.
#[tokio::test]
async fn only_trusted_documents_run_where_there_is_a_list() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let list = home.folder.join("documents.json");
    let mutation = "mutation { signOut }";
    std::fs::write(&list, json!({ "terms-1": QUERY, "sha256:terms-2": QUERY, (hash(mutation)): mutation }).to_string()).unwrap();
    let server = Server::start_on(home.clone(), &[("TRUSTED_DOCUMENTS", list.to_str().unwrap())]).await;
    for good in [
        json!({ "documentId": "terms-1" }),
        json!({ "documentId": "sha256:terms-2" }),
        json!({ "documentId": format!("sha256:{}", hash(QUERY)) }),
        json!({ "extensions": persisted(&hash(QUERY)) }),
        json!({ "query": QUERY }),
        json!({ "query": QUERY, "extensions": persisted(&hash(QUERY)) }),
    ] {
        assert_eq!(post(&server, good.clone()).await.data()["terms"]["version"], "1.0", "{good}");
    }
    for (bad, code) in [
        (json!({ "query": "{ terms { version } }" }), "FORBIDDEN"),
        (json!({ "query": QUERY.replace("version }", "id }") , "documentId": "terms-1" }), "FORBIDDEN"),
        (json!({ "query": "{ me { id } }", "extensions": persisted(&hash("{ me { id } }")) }), "FORBIDDEN"),
        (json!({ "query": "{ __schema { queryType { name } } }" }), "FORBIDDEN"),
        (json!({}), "FORBIDDEN"),
        (json!({ "documentId": "terms-3" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "extensions": persisted(&hash("{ me { id } }")) }), "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        assert_eq!(post(&server, bad.clone()).await.codes(), [code], "{bad}");
    }
    std::fs::write(&list, "[]").unwrap();
    let output = home.command(&["serve"]).env("TRUSTED_DOCUMENTS", &list).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("TRUSTED_DOCUMENTS is not the path of a JSON file"), "{told}");
}
