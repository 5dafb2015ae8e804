//! What is looked at in a document before async-graphql gets it: what would cost too much before its own limits apply, and variables
//! that were left out.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Request};
use async_graphql_value::Value;

/// The deepest that brackets may be nested: the parser calls itself for each, and ends the process when the stack is full.
const MAX_NESTING: usize = 64;
/// The same added up over the operations and fragments of a document: validation goes from one into the next.
const MAX_NESTING_IN_ALL: usize = 256;
/// The most fragments that an operation may come to when each spread is counted as often as it is reached: validation walks them all.
const MAX_SPREADS: usize = 1000;

/// What is wrong with the size of a document; nothing was run.
pub struct TooComplex(pub String);

/// Whether every operation of the document only reads. A text that is no document is left to the executor, which says why.
pub fn only_reads(request: &mut Request) -> bool {
    let Ok(document) = request.parsed_query() else { return true };
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// Checks a document's size, and takes the variables out that were left out.
pub fn prepare(request: &mut Request) -> Result<(), TooComplex> {
    let (deepest, in_all) = nesting(&request.query);
    if deepest > MAX_NESTING || in_all > MAX_NESTING_IN_ALL {
        return Err(TooComplex(format!(
            "The query nests brackets {deepest} deep, {in_all} with all its operations and fragments; at most {MAX_NESTING} and \
             {MAX_NESTING_IN_ALL} are read. Send deep values as variables, and fewer fragments."
        )));
    }
    let Ok(document) = request.parsed_query() else { return Ok(()) };
    let mut document = document.clone();
    let mut counted = HashMap::new();
    for (_, operation) in document.operations.iter() {
        let spreads = spreads(&operation.node.selection_set.node, &document, &mut counted, &mut HashSet::new());
        if spreads > MAX_SPREADS {
            return Err(TooComplex(format!("The query comes to more than {MAX_SPREADS} fragments; spread fewer of them.")));
        }
    }
    leave_out(&mut document, request);
    request.set_parsed_query(document);
    Ok(())
}

/// How deep brackets are nested, and how deep they are in each part of the document added up. Strings and comments do not count.
fn nesting(query: &str) -> (usize, usize) {
    let (mut depth, mut deepest, mut of_part, mut in_all) = (0_usize, 0, 0, 0);
    let mut rest = query;
    while let Some(at) = rest.find(['(', ')', '[', ']', '{', '}', '"', '#']) {
        let (found, after) = rest[at..].split_at(1);
        rest = after;
        match found {
            "(" | "[" | "{" => {
                depth += 1;
                of_part = of_part.max(depth);
                deepest = deepest.max(depth);
            }
            "#" => rest = rest.find(['\n', '\r']).map_or("", |end| &rest[end..]),
            "\"" => rest = after_string(after),
            _ => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            in_all += std::mem::take(&mut of_part);
        }
    }
    (deepest, in_all + of_part)
}

/// What follows a string whose first quote was read.
fn after_string(text: &str) -> &str {
    if let Some(block) = text.strip_prefix("\"\"") {
        let mut from = 0;
        while let Some(at) = block[from..].find("\"\"\"") {
            let end = from + at;
            from = end + 3;
            if !block[..end].ends_with('\\') {
                break;
            }
        }
        return if from == 0 { "" } else { &block[from..] };
    }
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' | '\n' | '\r' if !escaped => return &text[at + 1..],
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

/// How many spreads a selection comes to. A fragment that leads to itself is left to validation.
fn spreads(
    set: &SelectionSet,
    document: &ExecutableDocument,
    counted: &mut HashMap<Name, usize>,
    under_way: &mut HashSet<Name>,
) -> usize {
    let mut count = 0_usize;
    for selection in &set.items {
        count = count.saturating_add(match &selection.node {
            Selection::Field(field) => spreads(&field.node.selection_set.node, document, counted, under_way),
            Selection::InlineFragment(fragment) => spreads(&fragment.node.selection_set.node, document, counted, under_way),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(known) = counted.get(name) {
                    *known
                } else if let Some(fragment) = document.fragments.get(name).filter(|_| under_way.insert(name.clone())) {
                    let inner = spreads(&fragment.node.selection_set.node, document, counted, under_way).saturating_add(1);
                    under_way.remove(name);
                    counted.insert(name.clone(), inner);
                    inner
                } else {
                    1
                }
            }
        });
    }
    count
}

/// An argument, or a field of an input object, whose variable was not given is not there (GraphQL specification, sections 6.4.1 and
/// 3.10): what was stored stays. async-graphql takes it for null, which would clear it.
fn leave_out(document: &mut ExecutableDocument, request: &Request) {
    let mut absent = HashSet::new();
    let given = |name: &Name| request.variables.contains_key(name);
    let is_absent = |operation: &OperationDefinition, name: &Name| {
        operation.variable_definitions.iter().any(|definition| {
            let definition = &definition.node;
            definition.name.node == *name
                && definition.default_value.is_none()
                && definition.var_type.node.nullable
                && !given(name)
        })
    };
    for (_, operation) in document.operations.iter() {
        for definition in &operation.node.variable_definitions {
            let name = &definition.node.name.node;
            // Of several operations one runs: a name stands for the same in each, or it is left alone.
            if document.operations.iter().all(|(_, other)| is_absent(&other.node, name) || !declares(&other.node, name)) {
                absent.insert(name.clone());
            }
        }
    }
    if absent.is_empty() {
        return;
    }
    let mut pruning = Pruning { absent, kept: HashSet::new() };
    for fragment in document.fragments.values_mut() {
        pruning.selection(&mut fragment.node.selection_set.node);
    }
    let mut operations: Vec<&mut OperationDefinition> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => operations.values_mut().map(|operation| &mut operation.node).collect(),
    };
    for operation in &mut operations {
        pruning.selection(&mut operation.selection_set.node);
    }
    // Validation refuses a variable that is declared and not used.
    for operation in operations {
        operation.variable_definitions.retain(|definition| {
            let name = &definition.node.name.node;
            !pruning.absent.contains(name) || pruning.kept.contains(name)
        });
    }
}

fn declares(operation: &OperationDefinition, name: &Name) -> bool {
    operation.variable_definitions.iter().any(|definition| definition.node.name.node == *name)
}

struct Pruning {
    absent: HashSet<Name>,
    /// Absent ones that stand in a list, where they are null.
    kept: HashSet<Name>,
}

impl Pruning {
    fn selection(&mut self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    let Field { arguments, selection_set, .. } = &mut field.node;
                    arguments.retain_mut(|(_, value)| self.stays(&mut value.node));
                    self.selection(&mut selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.selection(&mut fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Whether a value stays; takes out of it what does not.
    fn stays(&mut self, value: &mut Value) -> bool {
        match value {
            Value::Variable(name) => !self.absent.contains(name),
            Value::Object(members) => {
                members.retain(|_, value| self.stays(value));
                true
            }
            Value::List(items) => {
                for item in items {
                    match item {
                        Value::Variable(name) if self.absent.contains(name) => {
                            self.kept.insert(name.clone());
                        }
                        item => {
                            self.stays(item);
                        }
                    }
                }
                true
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::nesting;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for (query, depth) in [
            ("", 0),
            ("{a}", 1),
            ("{a(b:[[1]]){c}}", 4),
            ("}}}{a}", 1),
            (r#"{a(b:"[[[{{{"){c}}"#, 2),
            (r#"{a(b:"\"[[["){c}}"#, 2),
            (r#"{a(b:"\\"){c(d:[1])}}"#, 4),
            ("{a # [[[[\n b(c:[1])}", 3),
            (r#"{a(b:"""[[" \""" [[""") c(d:[{e:1}])}"#, 4),
            (r#"{a(b:"no end [[["#, 2),
            (r#"{a(b:"""no end [[["#, 2),
        ] {
            assert_eq!(nesting(query).0, depth, "{query}");
        }
        assert_eq!(nesting("query($a: [Int]) { a } fragment F on B { c { d } } } {"), (2, 2 + 1 + 2 + 1));
    }
}
