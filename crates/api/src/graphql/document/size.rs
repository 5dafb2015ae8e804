//! What a parsed document comes to when each fragment is counted as often as it is reached: validation and execution walk them all.

use std::collections::{HashMap, HashSet};

use async_graphql::Name;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};

/// How much an operation, or a part of one, comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Fields at the root.
    pub root_fields: usize,
    /// Fields and fragments.
    pub selections: usize,
    /// Fields under other names.
    pub aliases: usize,
    /// Directives.
    pub directives: usize,
    /// Lists of introspection within one another, as deep as they go: each multiplies what is given.
    pub introspected_lists: usize,
    /// About how many fields are given of the schema where it is asked for; 0 where it is not.
    pub introspection: usize,
    /// The same as if all of this were about the schema.
    weight: usize,
}

/// About how many items a list of introspection gives: what this schema has, on average.
fn items(field: &str) -> usize {
    match field {
        "types" => 150,
        "possibleTypes" | "directives" => 8,
        "fields" => 5,
        "inputFields" | "enumValues" => 2,
        _ => 1,
    }
}

impl Size {
    fn add(&mut self, other: Self) {
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.introspected_lists = self.introspected_lists.max(other.introspected_lists);
        self.introspection = self.introspection.saturating_add(other.introspection);
        self.weight = self.weight.saturating_add(other.weight);
    }
}

/// Counts operations of one document.
pub struct Count<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a Name, Size>,
    under_way: HashSet<&'a Name>,
    cycle: Option<&'a Name>,
}

impl<'a> Count<'a> {
    /// Nothing is counted yet.
    pub fn new(document: &'a ExecutableDocument) -> Self {
        Self { document, fragments: HashMap::new(), under_way: HashSet::new(), cycle: None }
    }

    /// A fragment that leads to itself, if one was met.
    pub fn cycle(&self) -> Option<&'a Name> {
        self.cycle
    }

    /// What an operation comes to.
    pub fn operation(&mut self, operation: &'a OperationDefinition) -> Size {
        let mut size = self.selection(&operation.selection_set.node);
        let of_variables = operation.variable_definitions.iter().map(|variable| variable.node.directives.len());
        size.directives = size.directives.saturating_add(operation.directives.len() + of_variables.sum::<usize>());
        size
    }

    fn selection(&mut self, set: &'a SelectionSet) -> Size {
        let mut size = Size { selections: set.items.len(), ..Size::default() };
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let name = field.name.node.as_str();
                    let mut inner = self.selection(&field.selection_set.node);
                    inner.root_fields = 1;
                    inner.aliases = inner.aliases.saturating_add(field.alias.is_some().into());
                    inner.directives = inner.directives.saturating_add(field.directives.len());
                    inner.introspected_lists +=
                        usize::from(["fields", "interfaces", "possibleTypes", "inputFields"].contains(&name));
                    inner.weight = inner.weight.saturating_mul(items(name)).saturating_add(1);
                    if ["__schema", "__type"].contains(&name) {
                        inner.introspection = inner.weight;
                    }
                    size.add(inner);
                }
                Selection::InlineFragment(fragment) => {
                    size.directives = size.directives.saturating_add(fragment.node.directives.len());
                    let inner = self.selection(&fragment.node.selection_set.node);
                    size.add(inner);
                }
                Selection::FragmentSpread(spread) => {
                    size.directives = size.directives.saturating_add(spread.node.directives.len());
                    let inner = self.fragment(&spread.node.fragment_name.node);
                    size.add(inner);
                }
            }
        }
        size
    }

    fn fragment(&mut self, name: &'a Name) -> Size {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        // One that is not there is validation's to tell.
        let Some(fragment) = self.document.fragments.get(name) else { return Size::default() };
        if !self.under_way.insert(name) {
            self.cycle = Some(name);
            return Size::default();
        }
        let mut size = self.selection(&fragment.node.selection_set.node);
        size.directives = size.directives.saturating_add(fragment.node.directives.len());
        self.under_way.remove(name);
        self.fragments.insert(name, size);
        size
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::{Count, Size};

    fn sizes(document: &str) -> Vec<Size> {
        let document = parse_query(document).expect("a document");
        let mut count = Count::new(&document);
        document.operations.iter().map(|(_, operation)| count.operation(&operation.node)).collect()
    }

    #[test]
    fn fragments_count_as_often_as_they_are_reached() {
        let size = sizes("query ($a: Int @x) @y { a: b @z ...F ...F @z } fragment F on Q { c: d ... on E @w { f g: h { i } } }");
        // b, two spreads, and twice: d, the inline fragment, f, h, i.
        let expected = Size {
            root_fields: 1 + 2 * 3,
            selections: 3 + 2 * 5,
            aliases: 1 + 2 * 2,
            directives: 2 + 1 + 1 + 2,
            weight: 1 + 2 * 4,
            ..Size::default()
        };
        assert_eq!(size, [expected]);
        assert_eq!(sizes("{ ...A } fragment A on Q { b ...A }")[0].selections, 3, "one that leads to itself ends");
    }

    #[test]
    fn lists_of_introspection_are_followed() {
        let size = sizes(
            "{ __schema { types { fields { type { ...T } } interfaces { name } } } } fragment T on __Type { possibleTypes { name } }",
        )[0];
        assert_eq!((size.introspected_lists, size.introspection), (2, 1 + 1 + 150 * ((1 + 5 * (1 + 1 + 8)) + (1 + 1))));
        assert_eq!(sizes("{ me { id __typename types { fields { id } } } }")[0].introspection, 0);
    }
}
