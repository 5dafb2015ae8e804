//! Checks on what people write. Text comes back byte for byte: nothing is trimmed, folded or escaped, only refused.

use std::str::FromStr;

use message::{Message, message};

use crate::{Error, Problem};

/// The most faults told at once: a large document could have thousands.
const MOST_PROBLEMS: usize = 50;

/// The faults found so far, so that all are told at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<Problem>);

impl Checks {
    /// Notes a fault at `pointer`; what comes after the first 50 is not told.
    pub fn problem(&mut self, pointer: impl Into<String>, message: Message) {
        if self.0.len() < MOST_PROBLEMS {
            self.0.push(Problem::new(pointer, message));
        }
    }

    /// How many faults were told so far.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Text of 1 to `limit` characters that is not blank. NUL is refused, since PostgreSQL can't store it.
    pub fn text(&mut self, pointer: &str, text: &str, limit: usize) {
        let length = text.chars().count();
        if text.trim().is_empty() {
            self.problem(pointer, message!("is empty; write something, or leave it out."));
        } else if length > limit {
            self.problem(pointer, message!("has {length} characters; at most {limit} are kept.", length, limit));
        } else if text.contains('\0') {
            self.problem(pointer, message!("holds a NUL character (U+0000), which can't be stored."));
        }
    }

    /// The same where it may be missing.
    pub fn optional(&mut self, pointer: &str, text: Option<&String>, limit: usize) {
        if let Some(text) = text {
            self.text(pointer, text, limit);
        }
    }

    /// An age in years, 0 to 150.
    pub fn age(&mut self, age: Option<i32>) {
        if age.is_some_and(|age| !(0..=150).contains(&age)) {
            self.problem("/age", message!("is not an age in years, 0 to 150."));
        }
    }

    /// An address that mail can be sent to, as far as its form tells (RFC 5321): a name, an `@`, a host with a dot.
    pub fn email(&mut self, pointer: &str, email: &str) {
        self.text(pointer, email, 254);
        let has_form = lettre::Address::from_str(email).is_ok_and(|address| {
            // Few servers take names in other letters (SMTPUTF8): mail to them would never arrive.
            address.user().is_ascii() && address.domain().contains('.')
        });
        if !has_form || email.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"') {
            self.problem(pointer, message!("is not an email address; it looks like name@example.org."));
        }
    }

    /// All well, or every fault found.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::InvalidInput(self.0)) }
    }
}

/// Text as HTML shows it, within an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A change of one field: left as it is, cleared, or set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Left as it is.
    #[default]
    Keep,
    /// Cleared.
    Clear,
    /// Set.
    Set(T),
}

impl<T> Change<T> {
    /// The new value, if it is set.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Applies it to a column.
    pub fn apply(self, column: &mut sea_orm::ActiveValue<Option<T>>)
    where
        T: Into<sea_orm::Value> + sea_orm::sea_query::Nullable,
    {
        match self {
            Self::Keep => {}
            Self::Clear => *column = sea_orm::ActiveValue::Set(None),
            Self::Set(value) => *column = sea_orm::ActiveValue::Set(Some(value)),
        }
    }
}

impl<T> From<Option<T>> for Change<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}
