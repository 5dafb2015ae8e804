//! What a request's JSON may be: as in I-JSON (RFC 7493, section 2.3), no key stands twice in an object. Parsers keep one of the two and
//! drop the other in silence, and with it somebody's answer. Lone surrogates and numbers beyond a double are refused by the parser.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The most keys and items of a request in all: nobody's answers come to as many.
const MAX_VALUES: usize = 10_000;

/// Says what is wrong with a JSON text, and where.
pub fn check(json: &[u8]) -> Result<(), String> {
    let values = Cell::new(0);
    let mut parser = serde_json::Deserializer::from_slice(json);
    Checking(&values).deserialize(&mut parser).and_then(|()| parser.end()).map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Checking<'a>(&'a Cell<usize>);

impl Checking<'_> {
    fn count<E: Error>(self) -> Result<(), E> {
        self.0.set(self.0.get() + 1);
        if self.0.get() > MAX_VALUES {
            return Err(E::custom(format_args!("it has more than {MAX_VALUES} keys and items in all; send less at once")));
        }
        Ok(())
    }
}

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
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.count()?;
            if let Some(twice) = names.replace(name) {
                let twice: String = twice.chars().take(100).collect();
                return Err(A::Error::custom(format_args!("the key {twice:?} stands twice in one object")));
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
            (r#"{"a":1,"a":1}"#, "the key \"a\" stands twice"),
            (r#"{"x":[{"é":1,"\u00e9":2}]}"#, "stands twice"),
            (r#"{"a":"\ud800"}"#, "hex escape"),
            (r#"{"a":1e999}"#, "number out of range"),
            (r#"{"a":NaN}"#, "expected value"),
            (r"{} {}", "trailing characters"),
        ] {
            let told = check(bad.as_bytes()).expect_err(bad);
            assert!(told.contains(why), "{bad}: {told}");
        }
        assert!(check("[".repeat(1000).as_bytes()).expect_err("too deep").contains("recursion limit"));
        let many = format!("{{{}}}", (0..=10_000).map(|key| format!("\"{key}\":0")).collect::<Vec<_>>().join(","));
        assert!(check(many.as_bytes()).expect_err("too many").contains("more than 10000 keys and items"));
        let many = format!("[{}0]", "0,".repeat(10_000));
        assert!(check(many.as_bytes()).expect_err("too many").contains("more than 10000 keys and items"));
        assert!(check(b"{\"a\":\"\xff\"}").is_err());
    }
}
