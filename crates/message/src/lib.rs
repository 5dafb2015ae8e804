//! What clients are told: in English where it is said, in French by a catalogue. To add a message:
//!
//! 1. Say it where it happens: `message!("has {length} characters; at most {limit} are kept.", length, limit = MOST)`. Name the field,
//!    the limit and the way out. What differs from case to case is a value with a name, and goes through as it is; a word that
//!    would have to be translated is not a value: write one message for each.
//! 2. Put its French into `french.toml`, under the same English: the same values, in whatever order the sentence wants. Address people
//!    as the mails do (*tu*), in plain words.
//!
//! A test reads all sources: it fails where one of the two is missing, is not used any more, or has other values.
//!
//! A message stays in both languages until it goes out: an error carries it, and `graphql/error.rs` of the api asks for one language.

mod catalogue;
pub mod language;

use std::fmt;

use language::Language;

/// Something that a client is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    template: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Message {
    /// For [`message!`], which checks that the template's values are given.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(template: &'static str, values: Vec<(&'static str, String)>) -> Self {
        Self { template, values }
    }

    /// In words of this language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> String {
        let template = match language {
            Language::English => self.template,
            Language::French => catalogue::french(self.template).unwrap_or(self.template),
        };
        fill(template, |name| self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()))
    }
}

/// In English: for logs, and for commands.
impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.in_language(Language::English))
    }
}

/// Puts values into a template, each in the place that has its name in braces. What a value holds is not looked at.
pub fn fill<'a>(template: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) = rest.split_once('{').and_then(|(before, at)| Some((before, at.split_once('}')?))) {
        filled.push_str(before);
        filled.push_str(value(name).unwrap_or_default());
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A [`Message`]: a template, and its values by name. A variable of that name needs no `=`.
#[macro_export]
macro_rules! message {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    ($template:literal $(,)?) => { $crate::Message::new($template, ::std::vec::Vec::new()) };
    ($template:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {{
        // Does not compile where a value has no place.
        let _ = ::std::format_args!($template, $($name = ""),+);
        $crate::Message::new(
            $template,
            ::std::vec![$((::std::stringify!($name), ::std::string::ToString::to_string(&$crate::message!(@value $name $($value)?)))),+],
        )
    }};
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_go_where_their_names_are_and_are_not_looked_into() {
        let length = 3;
        let message = message!("{name} has {length}, not {limit}.", name = "{limit}", length, limit = 2);
        assert_eq!(message.to_string(), "{limit} has 3, not 2.");
        assert_eq!(fill("{a} {b", |_| Some("c")), "c {b");
    }
}
