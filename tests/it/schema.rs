//! The contract: `schema.graphql` is what the binary prints, and explains itself.

use serde_json::Value;

use crate::harness::{Engine, Server, binary};

/// Everything that introspection tells, as far as the tests use it.
pub async fn introspect(server: &Server) -> Value {
    const QUERY: &str = "{ __schema { queryType { name } mutationType { name } types {
        kind name description possibleTypes { name }
        fields(includeDeprecated: true) { name description isDeprecated args { ...Input } type { ...Type } }
        inputFields { ...Input }
        enumValues(includeDeprecated: true) { name description }
    } } }
    fragment Input on __InputValue { name description defaultValue type { ...Type } }
    fragment Type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    server.client().data(QUERY).await["__schema"].clone()
}

#[test]
fn schema_graphql_is_what_the_binary_prints() {
    let printed = std::process::Command::new(binary()).arg("schema").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let kept = include_str!("../../schema.graphql");
    assert!(kept == printed, "schema.graphql is not what the binary prints; mend it by: cargo run -- schema > schema.graphql");
}

#[tokio::test]
async fn everything_has_a_description() {
    let server = Server::start(Engine::Sqlite).await;
    let schema = introspect(&server).await;
    let mut missing = Vec::new();
    let mut seen = 0;
    let mut check = |path: String, value: &Value| {
        seen += 1;
        if value["description"].as_str().unwrap_or_default().trim().is_empty() {
            missing.push(path);
        }
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for of_type in list(&schema["types"]) {
        let name = of_type["name"].as_str().unwrap();
        // The specification's own.
        if name.starts_with("__") || ["Boolean", "Float", "ID", "Int", "String"].contains(&name) {
            continue;
        }
        check(name.to_owned(), &of_type);
        for field in list(&of_type["fields"]) {
            let path = format!("{name}.{}", field["name"].as_str().unwrap());
            check(path.clone(), &field);
            for argument in list(&field["args"]) {
                check(format!("{path}({})", argument["name"].as_str().unwrap()), &argument);
            }
        }
        for part in list(&of_type["inputFields"]).into_iter().chain(list(&of_type["enumValues"])) {
            check(format!("{name}.{}", part["name"].as_str().unwrap()), &part);
        }
    }
    assert!(seen > 200, "only {seen} things were looked at");
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}

/// Each test that docs/SECURITY.md names is there.
#[test]
fn the_attacks_in_the_docs_have_their_tests() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(folder.join("../docs/SECURITY.md")).unwrap();
    let names = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
    let mut seen = 0;
    for (file, name) in names.filter(|(file, _)| *file != "harness") {
        let source = std::fs::read_to_string(folder.join(format!("it/{file}.rs"))).unwrap();
        assert!(source.contains(&format!("async fn {name}(")), "docs/SECURITY.md names {file}::{name}");
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}
