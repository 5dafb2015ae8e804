//! What a parsed document comes to when each fragment is counted as often as it is reached: validation and execution walk them all.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Variables};
use async_graphql_value::{ConstValue, Value};

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
    /// Of the fields and fragments, those by which the schema is asked for.
    pub introspection: usize,
    /// About how many bytes the values of its arguments have, a variable counted as often as it stands: each is a copy.
    pub values: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.introspected_lists = self.introspected_lists.max(other.introspected_lists);
        self.introspection = self.introspection.saturating_add(other.introspection);
        self.values = self.values.saturating_add(other.values);
    }
}

/// Counts operations of one document.
pub struct Count<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a Name, Size>,
    under_way: HashSet<&'a Name>,
    cycle: Option<&'a Name>,
    variables: HashMap<&'a str, usize>,
}

impl<'a> Count<'a> {
    /// Nothing is counted yet.
    pub fn new(document: &'a ExecutableDocument, given: &'a Variables) -> Self {
        let mut variables: HashMap<_, _> = given.iter().map(|(name, value)| (name.as_str(), of_const(value))).collect();
        let definitions = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
        for definition in definitions {
            if let Some(default) = &definition.node.default_value {
                // Operations may have one of the same name: the largest counts.
                let largest = variables.entry(definition.node.name.node.as_str()).or_default();
                *largest = of_const(&default.node).max(*largest);
            }
        }
        Self { document, fragments: HashMap::new(), under_way: HashSet::new(), cycle: None, variables }
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
                    if ["__schema", "__type"].contains(&name) {
                        inner.introspection = inner.selections.saturating_add(1);
                    }
                    for (_, value) in &field.arguments {
                        inner.values = inner.values.saturating_add(self.bytes(&value.node));
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

    fn bytes(&self, value: &Value) -> usize {
        match value {
            Value::Variable(name) => self.variables.get(name.as_str()).copied().unwrap_or_default(),
            Value::String(text) => text.len(),
            Value::List(items) => items.iter().map(|item| self.bytes(item)).fold(ITEM, usize::saturating_add),
            Value::Object(members) => {
                members.iter().map(|(name, value)| self.bytes(value) + name.len()).fold(ITEM, usize::saturating_add)
            }
            _ => ITEM,
        }
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

/// About how many bytes a value takes besides what it holds.
const ITEM: usize = 32;

fn of_const(value: &ConstValue) -> usize {
    match value {
        ConstValue::String(text) => text.len() + ITEM,
        ConstValue::List(items) => items.iter().map(of_const).fold(ITEM, usize::saturating_add),
        ConstValue::Object(members) => {
            members.iter().map(|(name, value)| of_const(value) + name.len()).fold(ITEM, usize::saturating_add)
        }
        _ => ITEM,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use async_graphql::parser::parse_query;

    use super::{Count, Size};

    fn sizes(document: &str) -> Vec<Size> {
        let document = parse_query(document).expect("a document");
        let variables = Variables::from_json(serde_json::json!({ "long": "x".repeat(1000) }));
        let mut count = Count::new(&document, &variables);
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
        assert_eq!((size.introspected_lists, size.introspection), (2, 9));
        assert_eq!(sizes("{ me { id __typename types { fields { id } } } }")[0].introspection, 0);
    }

    #[test]
    fn values_count_as_often_as_they_stand() {
        let query = "query ($long: String, $other: Int = 5) { a(b: [$long, $long], c: $other) ...F ...F } fragment F on Q { d(e: {f: $long}) }";
        assert_eq!(sizes(query)[0].values, (2 * 1032 + 32) + 32 + 2 * (1032 + 1 + 32));
        let two = format!("query A($v: ID = 1) {{ a(b: $v) }} query B($v: ID = \"{}\") {{ a(b: [$v, $v]) }}", "x".repeat(1000));
        assert!(
            sizes(&two).iter().any(|size| size.values == 2 * 1032 + 32),
            "a default is not hidden behind that of another operation"
        );
    }
}
