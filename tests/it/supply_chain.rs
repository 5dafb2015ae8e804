//! What the service is built of: each dependency is described, and used.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The workspace's members.
const MEMBERS: [&str; 8] = [
    "crates/entity",
    "crates/message",
    "crates/picture",
    "crates/service",
    "crates/api",
    "migration",
    "tests",
    "tests/clients/rust",
];
/// Their names, where others depend on them.
const OURS: [&str; 6] = ["entity", "service", "migration", "message", "picture", "client"];
/// There so that they are pinned, and named by nobody.
const NOT_NAMED: [&str; 2] = ["async-graphql-derive", "async-graphql-parser"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in every section of dependencies.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inside = line.ends_with("dependencies]");
        } else if is_inside && line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            found.insert(line.split(['.', ' ', '=']).next().unwrap().to_owned());
        }
    }
    found.retain(|name| !OURS.contains(&name.as_str()));
    found
}

#[test]
fn each_dependency_is_described_and_no_other() {
    let described: BTreeSet<_> = read("docs/DEPENDENCIES.md")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();
    let of_members: BTreeSet<_> =
        MEMBERS.iter().flat_map(|member| dependencies(&read(&format!("{member}/Cargo.toml")))).collect();
    assert!(of_members.len() > 50, "{of_members:?}");
    assert_eq!(described, of_members, "docs/DEPENDENCIES.md on the left, the members' Cargo.toml on the right");
    let unused: Vec<_> = dependencies(&read("Cargo.toml")).difference(&of_members).cloned().collect();
    assert!(unused.is_empty(), "no member uses {unused:?} of the workspace");
}

#[test]
fn each_dependency_is_named_in_a_source() {
    for member in MEMBERS {
        let mut sources = String::new();
        for folder in ["src", "benches", "it"] {
            gather(&root().join(member).join(folder), &mut sources);
        }
        sources.push_str(&std::fs::read_to_string(root().join(member).join("build.rs")).unwrap_or_default());
        for name in dependencies(&read(&format!("{member}/Cargo.toml"))) {
            let is_named = sources.contains(&name.replace('-', "_"));
            assert!(is_named || NOT_NAMED.contains(&name.as_str()), "{member} depends on {name} and does not name it");
        }
    }
}

fn gather(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}
