//! The endpoint keeps to GraphQL over HTTP, as others understand it. `tests/contract/run` installs what is needed.

use std::path::Path;

use tokio::process::Command;

use crate::harness::{Engine, Server};

/// Every audit of the graphql-http package, MUST, SHOULD and MAY.
#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    let server = Server::start(Engine::Sqlite).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract");
    assert!(folder.join("node_modules").exists(), "run tests/contract/run first, which installs the audits");
    let url = format!("{}/graphql", server.url);
    let output = Command::new("node").arg("audit.mjs").arg(url).current_dir(folder).output().await.unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    let passed = report.lines().filter(|line| line.starts_with("passed ")).count();
    assert!(passed >= 61, "only {passed} audits ran");
}
