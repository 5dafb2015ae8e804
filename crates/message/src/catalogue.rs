//! The French of what is said in English.

use std::collections::HashMap;
use std::sync::LazyLock;

const FRENCH: &str = include_str!("../french.toml");

static CATALOGUE: LazyLock<HashMap<String, String>> = LazyLock::new(|| toml::from_str(FRENCH).unwrap_or_default());

pub(crate) fn french(english: &str) -> Option<&'static str> {
    CATALOGUE.get(english).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    use proc_macro2::{Delimiter, TokenStream, TokenTree};

    use super::FRENCH;

    /// A template where it is said.
    #[derive(Debug)]
    struct Said {
        file: String,
        template: String,
        values: BTreeSet<String>,
    }

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// Every `message!(…)` of a source, wherever it stands.
    fn find(tokens: TokenStream, file: &str, found: &mut Vec<Said>) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let name = |back: usize| at.checked_sub(back).map(|at| tokens[at].to_string()).unwrap_or_default();
            if group.delimiter() == Delimiter::Parenthesis && name(1) == "!" && name(2) == "message" {
                found.push(said(group.stream(), file));
            }
            find(group.stream(), file, found);
        }
    }

    fn said(arguments: TokenStream, file: &str) -> Said {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let template = syn::parse2::<syn::LitStr>(TokenStream::from(arguments[0].clone())).unwrap().value();
        let names = arguments.windows(2).filter_map(|pair| match pair {
            [TokenTree::Punct(comma), TokenTree::Ident(name)] if comma.as_char() == ',' => Some(name.to_string()),
            _ => None,
        });
        Said { file: file.to_owned(), template, values: names.collect() }
    }

    fn places(template: &str) -> BTreeSet<String> {
        template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
    }

    fn all_said() -> Vec<Said> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut files = Vec::new();
        for name in ["picture", "service", "api"] {
            sources(&crates.join(name).join("src"), &mut files);
        }
        assert!(files.len() > 100, "{} sources were found", files.len());
        let mut found = Vec::new();
        for file in files {
            let name = file.strip_prefix(crates).unwrap().display().to_string();
            find(std::fs::read_to_string(&file).unwrap().parse().unwrap(), &name, &mut found);
        }
        found
    }

    #[test]
    fn every_message_is_said_in_french_with_the_same_values() {
        let french: BTreeMap<String, String> = toml::from_str(FRENCH).unwrap();
        let said = all_said();
        let mut faults = Vec::new();
        for Said { file, template, values } in &said {
            if *values != places(template) {
                faults.push(format!("{file} gives {values:?} to: {template}"));
            }
            match french.get(template) {
                None => faults.push(format!("{file} has no French for: {template}")),
                Some(french) if places(french) != *values => faults.push(format!("The French has other values than: {template}")),
                Some(_) => {}
            }
        }
        let unused = french.keys().filter(|english| !said.iter().any(|said| said.template == **english));
        faults.extend(unused.map(|english| format!("Nobody says any more: {english}")));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
