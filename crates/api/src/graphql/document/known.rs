//! Documents that were looked at before: a front end sends the same few again and again.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{BaseType, ExecutableDocument};
use lru::LruCache;

use super::Cost;

/// The most documents that are kept, and the most bytes that their texts have together; parsed, they take up to two hundred times as many.
const KEPT: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
const KEPT_BYTES: usize = 128 * 1024;
/// The largest of them, in bytes.
const LARGEST: usize = 16 * 1024;

/// A document that was parsed, and whose text is within bounds.
pub struct Known {
    text: String,
    pub(super) document: ExecutableDocument,
    pub(super) cost: Cost,
    /// Whether validation comes out the same whatever values are given with it.
    is_constant: bool,
    is_valid: AtomicBool,
}

impl Known {
    pub(super) fn new(text: &str, document: ExecutableDocument, cost: Cost) -> Self {
        let is_constant = is_constant(&document);
        Self { text: text.to_owned(), document, cost, is_constant, is_valid: AtomicBool::new(false) }
    }

    /// The name of the operation that runs, if it has one; `wanted` is the one that was asked for.
    pub fn operation(&self, wanted: Option<&str>) -> Option<&str> {
        super::named(&self.document, wanted)?.0
    }

    /// The SHA-256 of its text, in hexadecimal: the id under which clients have it remembered.
    pub fn hash(&self) -> String {
        crate::http::persisted::hash(&self.text)
    }

    /// Whether the schema's rules are known to let it pass, whatever values come with it that `variables::check` lets pass. Depth and
    /// complexity depend on values: they are counted each time, also where the rules are not run again (`ValidationMode::Fast`).
    pub fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }
}

/// Whether it has one operation, whose variables all have to be given and are of the language's own scalars: their values are looked at for
/// each request (`variables::check`), and nothing else of the rules depends on values. Where a variable may be left out, what is validated is
/// another document for who leaves it out (`absent`).
fn is_constant(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter();
    let (Some((_, only)), None) = (operations.next(), operations.next()) else { return false };
    only.node.variable_definitions.iter().all(|variable| {
        let (kind, default) = (&variable.node.var_type.node, &variable.node.default_value);
        let is_scalar =
            matches!(&kind.base, BaseType::Named(name) if ["Int", "Float", "String", "Boolean", "ID"].contains(&name.as_str()));
        is_scalar && !kind.nullable && default.is_none()
    })
}

/// The documents that ran of late, by their texts.
pub struct KnownDocuments(Mutex<Kept>);

struct Kept {
    documents: LruCache<String, Arc<Known>>,
    bytes: usize,
}

impl KnownDocuments {
    /// None yet.
    pub fn new() -> Self {
        Self(Mutex::new(Kept { documents: LruCache::new(KEPT), bytes: 0 }))
    }

    pub(super) fn find(&self, text: &str) -> Option<Arc<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).documents.get(text).cloned()
    }

    /// A document has run, and so is valid: it is kept for the next time.
    pub fn keep(&self, known: &Arc<Known>) {
        if known.is_valid() || known.text.len() > LARGEST {
            return;
        }
        known.is_valid.store(known.is_constant, Ordering::Relaxed);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.documents.contains(&known.text) {
            return;
        }
        kept.bytes += known.text.len();
        let mut dropped = kept.documents.push(known.text.clone(), known.clone());
        loop {
            if let Some((text, _)) = dropped {
                kept.bytes -= text.len();
            }
            if kept.bytes <= KEPT_BYTES {
                return;
            }
            dropped = kept.documents.pop_lru();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_graphql::parser::parse_query;

    use super::{Cost, KEPT, KEPT_BYTES, Known, KnownDocuments, LARGEST};

    fn known(text: &str) -> Arc<Known> {
        Arc::new(Known::new(text, parse_query(text).expect("a document"), Cost::Small))
    }

    #[test]
    fn what_depends_on_values_is_validated_each_time() {
        for (text, is_constant) in [
            ("{ a }", true),
            ("query ($a: Int!, $b: ID!) { a(b: $a, c: $b) }", true),
            ("query ($a: Int) { a(b: $a) }", false),
            ("query ($a: Int! = 5) { a(b: $a) }", false),
            ("query ($a: [ID!]!) { a(b: $a) }", false),
            ("mutation ($a: SignInInput!) { a(b: $a) }", false),
            ("query ($a: GameKind!) { a(b: $a) }", false),
            ("query A { a } query B { b }", false),
        ] {
            let documents = KnownDocuments::new();
            let known = known(text);
            assert!(documents.find(text).is_none() && !known.is_valid());
            documents.keep(&known);
            assert_eq!((documents.find(text).is_some(), known.is_valid()), (true, is_constant), "{text}");
        }
    }

    #[test]
    fn the_ones_of_late_are_kept_within_bounds() {
        let documents = KnownDocuments::new();
        let text = |number: usize, length: usize| format!("{{ a{number}{} }}", " ".repeat(length));
        for number in 0..100 {
            documents.keep(&known(&text(number, 10_000)));
        }
        let kept = |length| (0..2000).filter(|number| documents.find(&text(*number, length)).is_some()).collect::<Vec<_>>();
        assert_eq!(kept(10_000), ((100 - KEPT_BYTES / 10_006)..100).collect::<Vec<_>>());
        for number in 0..2000 {
            documents.keep(&known(&text(number, 0)));
        }
        assert_eq!(kept(0), ((2000 - KEPT.get())..2000).collect::<Vec<_>>());
        documents.keep(&known(&text(0, LARGEST)));
        assert_eq!(kept(LARGEST), [] as [usize; 0]);
    }
}
