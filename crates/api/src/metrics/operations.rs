//! Operations by name. A name is a client's to choose, so only so many become series: those of the documents that the operator lists
//! (`TRUSTED_DOCUMENTS`), or else the first that ran; the rest is `other`. Whoever fills the places with names of their own hides names, and
//! nothing else: the fields of the root are the schema's, and stay.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use service::metrics::{Histograms, seconds};

/// The most names that get series of their own.
const MOST: usize = 100;
/// The longest of them.
const LONGEST: usize = 64;
/// Operations whose name is not one of those.
const OTHER: &str = "other";
/// Operations without a name.
const ANONYMOUS: &str = "anonymous";

/// What came of an operation without errors.
pub const OK: &str = "ok";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    operation: String,
    outcome: &'static str,
}

/// Operations by name.
pub struct Operations {
    times: Histograms<Name>,
    ended: Family<Ended, Counter>,
    known: RwLock<HashMap<String, Counted>>,
}

/// What one operation is counted by.
#[derive(Clone)]
struct Counted {
    seconds: Histogram,
    ok: Counter,
}

impl Operations {
    /// Shown in this registry.
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (times, ended) = (Histograms::<Name>::new_with_constructor(seconds), Family::default());
        registry.register("autrement_operation_seconds", "Time that an operation ran", times.clone());
        registry.register(
            "autrement_operations",
            "Operations by their outcome: ok, or the code of the first error",
            ended.clone(),
        );
        let operations = Self { times, ended, known: RwLock::default() };
        for name in [OTHER, ANONYMOUS] {
            operations.add(name);
        }
        operations
    }

    /// Operations of documents that the operator lists: they have their places before any client sends one.
    pub fn expect<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.find(Some(name), true);
        }
    }

    /// An operation ended. `ran`: its document is a valid one, so its name may get a place.
    pub fn ended(&self, name: Option<&str>, took: Duration, outcome: &'static str, ran: bool) {
        let (name, counted) = self.find(name, ran);
        counted.seconds.observe(took.as_secs_f64());
        if outcome == OK {
            counted.ok.inc();
        } else {
            self.ended.get_or_create(&Ended { operation: name.to_owned(), outcome }).inc();
        }
    }

    fn find<'a>(&self, name: Option<&'a str>, may_add: bool) -> (&'a str, Counted) {
        let name = name.unwrap_or(ANONYMOUS);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = known.get(name) {
            return (name, counted.clone());
        }
        // Its own two are no clients' to take.
        if may_add && known.len() < MOST + 2 && name.len() <= LONGEST {
            drop(known);
            return (name, self.add(name));
        }
        (OTHER, known.get(OTHER).cloned().unwrap_or_else(|| Counted { seconds: seconds(), ok: Counter::default() }))
    }

    fn add(&self, name: &str) -> Counted {
        // One after the other: who comes late finds the place taken, by this name or by others.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = known.get(name).or_else(|| known.get(OTHER).filter(|_| known.len() >= MOST + 2)) {
            return counted.clone();
        }
        let counted = Counted {
            seconds: self.times.get_or_create_owned(&Name { operation: name.to_owned() }),
            ok: self.ended.get_or_create_owned(&Ended { operation: name.to_owned(), outcome: OK }),
        };
        known.insert(name.to_owned(), counted.clone());
        counted
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::{LONGEST, MOST, OK, Operations};

    fn names(registry: &Registry) -> usize {
        let mut shown = String::new();
        text::encode(&mut shown, registry).expect("text");
        shown.lines().filter(|line| line.starts_with("autrement_operation_seconds_count")).count()
    }

    #[test]
    fn names_get_places_within_bounds() {
        let mut registry = Registry::default();
        let operations = Operations::new(&mut registry);
        let run = |name: &str, ran| operations.ended(Some(name), Duration::from_millis(1), OK, ran);
        run("Invalid", false);
        run(&"x".repeat(LONGEST + 1), true);
        assert_eq!(names(&registry), 2, "what is invalid or too long gets no place");
        for number in 0..3 * MOST {
            run(&format!("Made{number}"), true);
        }
        assert_eq!(names(&registry), MOST + 2);
    }

    #[test]
    fn what_is_listed_has_its_place_first() {
        let mut registry = Registry::default();
        let operations = Operations::new(&mut registry);
        operations.expect(["Home", "Save"]);
        for number in 0..3 * MOST {
            operations.ended(Some(&format!("Made{number}")), Duration::ZERO, OK, true);
        }
        operations.ended(Some("Save"), Duration::ZERO, OK, true);
        let mut shown = String::new();
        text::encode(&mut shown, &registry).expect("text");
        assert!(shown.contains(r#"autrement_operations_total{operation="Save",outcome="ok"} 1"#), "{shown}");
        assert_eq!(names(&registry), MOST + 2);
    }
}
