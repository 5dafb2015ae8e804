//! Where settings stand: the environment, and a TOML file with the same names in lower case.

use std::collections::BTreeMap;
use std::env::VarError;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The environment, and the file that it names.
pub(super) struct Source {
    file: BTreeMap<String, String>,
    /// What is wrong, so far.
    pub(super) faults: Vec<String>,
}

impl Source {
    /// Both, with these names.
    pub(super) fn read(names: &[&str]) -> Self {
        let mut source = Self { file: BTreeMap::new(), faults: Vec::new() };
        for name in names {
            // Otherwise it would be as if it were not set.
            if matches!(std::env::var(name), Err(VarError::NotUnicode(_))) {
                source.faults.push(format!("{name} is not UTF-8"));
            }
        }
        if let Some(path) = source.text("CONFIG") {
            source.read_file(&path, names);
        }
        source
    }

    /// The value of a setting, if it has one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let set = std::env::var(name).ok().filter(|value| !value.is_empty());
        set.or_else(|| self.file.get(name).filter(|value| !value.is_empty()).cloned())
    }

    /// The same, as what it means; a fault where it is not `expected`.
    pub(super) fn parse<T>(&mut self, name: &str, default: T, expected: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = self.text(name) else { return default };
        parse(&text).unwrap_or_else(|| {
            self.faults.push(format!("{name} is not {expected}"));
            default
        })
    }

    /// A number within bounds.
    pub(super) fn number<T: FromStr + PartialOrd + Display>(&mut self, name: &str, default: T, range: RangeInclusive<T>) -> T {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.parse(name, default, &expected, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    /// On or off.
    pub(super) fn switch(&mut self, name: &str, default: bool) -> bool {
        self.parse(name, default, "on or off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        })
    }

    fn read_file(&mut self, path: &str, names: &[&str]) {
        let table = match std::fs::read_to_string(path).map(|text| text.parse::<toml::Table>()) {
            Ok(Ok(table)) => table,
            Ok(Err(error)) => return self.faults.push(format!("CONFIG: {path} is not TOML: {}", error.message())),
            Err(error) => return self.faults.push(format!("CONFIG: {path} can't be read: {error}")),
        };
        for (name, value) in table {
            let upper = name.to_uppercase();
            if name == "config" || name != name.to_lowercase() || !names.contains(&upper.as_str()) {
                self.faults.push(format!("CONFIG: {path} has a setting {name}, which does not exist"));
                continue;
            }
            let value = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            self.file.insert(upper, value);
        }
    }
}
