//! What a request's JSON may be: as in I-JSON (RFC 7493, section 2.3), no key stands twice in an object. Parsers keep one of the two and
//! drop the other in silence, and with it somebody's answer. Lone surrogates and numbers beyond a double are refused by the parser.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use message::{Message, message};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The most keys and items of a request in all: nobody's answers come to as many.
const MAX_VALUES: usize = 10_000;
/// Up to so many keys of an object are compared with each other, which is quicker than hashing them.
const FEW: usize = 16;

/// Says what is wrong with a JSON text, and where.
pub fn check(json: &[u8]) -> Result<(), Message> {
    let seen = Seen::default();
    let mut parser = serde_json::Deserializer::from_slice(json);
    let read = Checking(&seen).deserialize(&mut parser).and_then(|()| parser.end());
    read.map_err(|error| {
        seen.fault.take().unwrap_or_else(|| {
            let (line, column) = (error.line(), error.column());
            message!("The JSON can't be read: something is wrong at line {line}, column {column}.", line, column)
        })
    })
}

#[derive(Default)]
struct Seen {
    /// Keys and items, so far.
    values: Cell<usize>,
    /// What is wrong, where it is ours to say.
    fault: RefCell<Option<Message>>,
}

#[derive(Clone, Copy)]
struct Checking<'a>(&'a Seen);

impl Checking<'_> {
    fn count<E: Error>(self) -> Result<(), E> {
        let values = self.0.values.get() + 1;
        self.0.values.set(values);
        if values > MAX_VALUES {
            return Err(self.refuse(message!(
                "The JSON has more than {limit} keys and items in all; send less at once.",
                limit = MAX_VALUES
            )));
        }
        Ok(())
    }

    fn refuse<E: Error>(self, fault: Message) -> E {
        self.0.fault.replace(Some(fault));
        E::custom("it is refused")
    }
}

/// A key, as it stands in the text where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for Checking<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<(), D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checking<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (mut few, mut more) = (Vec::new(), HashSet::new());
        while let Some(Name(name)) = members.next_key()? {
            self.count()?;
            let is_more = few.len() == FEW;
            if few.contains(&name) || (is_more && !more.insert(name.clone())) {
                let key: String = name.chars().take(100).collect();
                return Err(self.refuse(message!("The JSON has the key “{key}” twice in one object; give it once.", key)));
            }
            if !is_more {
                few.push(name);
            }
            members.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {
            self.count()?;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_key_stands_once_in_an_object() {
        for good in ["{}", "null", r#"[1, -1, 1.5, "a", true, null]"#, r#"{"a":{"a":[{"a":1},{"a":1}]},"A":1}"#] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, why) in [
            (r#"{"a":1,"a":1}"#, "the key “a” twice"),
            (r#"{"x":[{"é":1,"\u00e9":2}]}"#, "the key “é” twice"),
            (r#"{"a":"\ud800"}"#, "wrong at line 1, column"),
            (r#"{"a":1e999}"#, "wrong at line 1, column"),
            (r#"{"a":NaN}"#, "wrong at line 1, column"),
            (r"{} {}", "wrong at line 1, column"),
        ] {
            let told = check(bad.as_bytes()).expect_err(bad).to_string();
            assert!(told.contains(why), "{bad}: {told}");
        }
        assert!(check("[".repeat(1000).as_bytes()).expect_err("too deep").to_string().contains("line 1"));
        let many = format!("{{{}}}", (0..=10_000).map(|key| format!("\"{key}\":0")).collect::<Vec<_>>().join(","));
        assert!(check(many.as_bytes()).expect_err("too many").to_string().contains("more than 10000 keys and items"));
        let many = format!("[{}0]", "0,".repeat(10_000));
        assert!(check(many.as_bytes()).expect_err("too many").to_string().contains("more than 10000 keys and items"));
        assert!(check(b"{\"a\":\"\xff\"}").is_err());
    }
}
