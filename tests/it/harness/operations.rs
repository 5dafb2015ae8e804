//! The operations of docs/operations, as a front end has them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_graphql_parser::parse_query;
use async_graphql_parser::types::{OperationType, Selection};
use serde_json::Value;

/// The definitions of the folder, by name: those of operations, and those of fragments.
pub struct Operations {
    pub operations: BTreeMap<String, String>,
    fragments: BTreeMap<String, String>,
}

impl Operations {
    /// As the files are.
    pub fn read() -> Self {
        let mut read = Self { operations: BTreeMap::new(), fragments: BTreeMap::new() };
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "graphql") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // A definition ends with the brace that closes a line of its own, as the files are written.
            for definition in text.split_inclusive("\n}\n").filter(|part| !part.trim().is_empty()) {
                let code: String =
                    definition.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
                let mut words = code.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
                let (kind, name) = (words.next().unwrap(), words.next().unwrap().to_owned());
                let kept = if kind == "fragment" { &mut read.fragments } else { &mut read.operations };
                assert!(kept.insert(name.clone(), code).is_none(), "{name} is there twice");
            }
        }
        read
    }

    /// An operation with the fragments that it uses, and no others.
    pub fn document(&self, name: &str) -> String {
        let operation = self.operations.get(name).unwrap_or_else(|| panic!("there is no operation {name}"));
        let mut parts = vec![operation];
        let mut seen = BTreeSet::new();
        let mut next = 0;
        while let Some(part) = parts.get(next) {
            let spread = part.split("...").skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap());
            let new: Vec<_> = spread.filter(|name| !name.is_empty() && seen.insert(*name)).collect();
            parts.extend(
                new.iter().map(|name| self.fragments.get(*name).unwrap_or_else(|| panic!("there is no fragment {name}"))),
            );
            next += 1;
        }
        parts.into_iter().cloned().collect()
    }

    /// The fields of `Query` and `Mutation` that are in none; what is deprecated need not be.
    pub fn without(&self, schema: &Value) -> Vec<String> {
        let mut used = BTreeSet::new();
        for name in self.operations.keys() {
            for (_, operation) in parse_query(self.document(name)).unwrap().operations.iter() {
                let root = if operation.node.ty == OperationType::Query { "Query" } else { "Mutation" };
                for selection in &operation.node.selection_set.node.items {
                    let Selection::Field(field) = &selection.node else { panic!("{name} begins with a fragment") };
                    used.insert(format!("{root}.{}", field.node.name.node));
                }
            }
        }
        let roots = schema["types"].as_array().unwrap().iter().filter(|of| of["name"] == "Query" || of["name"] == "Mutation");
        let fields = roots.flat_map(|of| {
            let fields = of["fields"].as_array().unwrap().iter().filter(|field| field["isDeprecated"] == false);
            fields.map(|field| format!("{}.{}", of["name"].as_str().unwrap(), field["name"].as_str().unwrap()))
        });
        fields.filter(|field| !used.contains(field)).collect()
    }
}
