//! The languages that people are written to in.

use async_graphql::Enum;

/// A language that mail is written in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "service::language::Language")]
pub enum Language {
    /// French.
    French,
    /// English.
    English,
}

impl Language {
    /// The language of a tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        service::language::Language::of_tag(tag).map(Self::from)
    }
}
