//! What is looked at in a document before async-graphql gets it: what would cost too much before its own limits apply, and variables
//! that were left out.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request};
use async_graphql_value::Value;

/// The deepest that brackets may be nested: the parser calls itself for each, and ends the process when the stack is full.
const MAX_NESTING: usize = 64;
/// The same added up over the operations and fragments of a document: validation goes from one into the next.
const MAX_NESTING_IN_ALL: usize = 256;
/// The most fields and fragments that an operation may come to when each fragment is counted as often as it is reached: validation
/// and execution walk them all.
const MAX_SELECTIONS: usize = 10_000;

/// The longest name: the library compares one that it does not know with every other, to suggest one, and repeats it.
const MAX_NAME: usize = 256;

/// Why a document is not taken; nothing was run.
pub struct Refused {
    /// One of `ErrorCode`.
    pub code: &'static str,
    /// What is wrong, and the way out.
    pub message: String,
}

fn too_complex(message: String) -> Refused {
    Refused { code: "TOO_COMPLEX", message }
}

/// Whether every operation of the document only reads. A text that is no document is left to the executor, which says why.
pub fn only_reads(request: &mut Request) -> bool {
    let Ok(document) = request.parsed_query() else { return true };
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// Checks a document's size and its input objects, and takes the variables out that were left out.
pub fn prepare(request: &mut Request) -> Result<(), Refused> {
    let (deepest, in_all) = nesting(&request.query);
    if deepest > MAX_NESTING || in_all > MAX_NESTING_IN_ALL {
        return Err(too_complex(format!(
            "The query nests brackets {deepest} deep, {in_all} with all its operations and fragments; at most {MAX_NESTING} and \
             {MAX_NESTING_IN_ALL} are read. Send deep values as variables, and fewer fragments."
        )));
    }
    if let Some(length) = long_name(&request.query) {
        return Err(too_complex(format!("The query holds a name of {length} characters; at most {MAX_NAME} are read.")));
    }
    if let Some(name) = repeated_field(&request.query) {
        let message = format!("The query gives the field {name} twice in one input object; give it once.");
        return Err(Refused { code: "INVALID_INPUT", message });
    }
    // What is no document is left to the executor, which says why.
    let Ok(mut document) = parse_query(&request.query) else { return Ok(()) };
    let mut counted = HashMap::new();
    for (_, operation) in document.operations.iter() {
        let selections = selections(&operation.node.selection_set.node, &document, &mut counted, &mut HashSet::new());
        if selections > MAX_SELECTIONS {
            return Err(too_complex(format!(
                "The query comes to more than {MAX_SELECTIONS} fields and fragments; ask for fewer, or spread fewer fragments."
            )));
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
            "#" => rest = after_comment(after),
            "\"" => rest = after_string(after),
            _ => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            in_all += std::mem::take(&mut of_part);
        }
    }
    (deepest, in_all + of_part)
}

/// How long the first name is that is too long, if there is one. Strings and comments hold none.
fn long_name(query: &str) -> Option<usize> {
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '#' || is_of_name(c)) {
        let found = &rest[at..];
        let length = found.find(|c: char| !is_of_name(c)).unwrap_or(found.len());
        rest = match &found[..length.max(1)] {
            "\"" => after_string(&found[1..]),
            "#" => after_comment(&found[1..]),
            name if name.len() > MAX_NAME => return Some(name.len()),
            name => &found[name.len()..],
        };
    }
    None
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A field that stands twice in one input object (GraphQL specification, section 5.6.3). The parser drops the first in silence.
fn repeated_field(query: &str) -> Option<&str> {
    // Whether each bracket that is open belongs to an input object, with the names that stood in it.
    let mut open: Vec<(&str, Option<HashSet<&str>>)> = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| "()[]{}\"#".contains(c) || c.is_ascii_alphabetic() || c == '_') {
        let found = &rest[at..];
        let length = found.find(|c: char| !is_of_name(c)).unwrap_or(found.len()).max(1);
        let (token, after) = found.split_at(length);
        rest = after;
        match token {
            "{" => {
                let in_arguments = open.iter().any(|(bracket, _)| *bracket == "(");
                open.push((token, in_arguments.then(HashSet::new)));
            }
            "(" | "[" => open.push((token, None)),
            ")" | "]" | "}" => {
                open.pop();
            }
            "\"" => rest = after_string(after),
            "#" => rest = after_comment(after),
            name => {
                if let Some((_, Some(names))) = open.last_mut()
                    && is_before_colon(after)
                    && !names.insert(name)
                {
                    return Some(name);
                }
            }
        }
    }
    None
}

/// Whether a colon follows, past what GraphQL ignores.
fn is_before_colon(mut text: &str) -> bool {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
        match text.strip_prefix('#') {
            Some(comment) => text = after_comment(comment),
            None => return text.starts_with(':'),
        }
    }
}

/// What follows a comment.
fn after_comment(text: &str) -> &str {
    text.find(['\n', '\r']).map_or("", |end| &text[end..])
}

/// What follows a string whose first quote was read.
fn after_string(text: &str) -> &str {
    if let Some(block) = text.strip_prefix("\"\"") {
        let ends = block.match_indices("\"\"\"").filter(|(at, _)| !block[..*at].ends_with('\\'));
        // One that has no end is an empty string to the parser, with something after it.
        return ends.map(|(at, quotes)| &block[at + quotes.len()..]).next().unwrap_or(&text[1..]);
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

/// How many fields and fragments a selection comes to. A fragment that leads to itself is left to validation.
fn selections(
    set: &SelectionSet,
    document: &ExecutableDocument,
    counted: &mut HashMap<Name, usize>,
    under_way: &mut HashSet<Name>,
) -> usize {
    let mut count = set.items.len();
    for selection in &set.items {
        count = count.saturating_add(match &selection.node {
            Selection::Field(field) => selections(&field.node.selection_set.node, document, counted, under_way),
            Selection::InlineFragment(fragment) => selections(&fragment.node.selection_set.node, document, counted, under_way),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(known) = counted.get(name) {
                    *known
                } else if let Some(fragment) = document.fragments.get(name).filter(|_| under_way.insert(name.clone())) {
                    let inner = selections(&fragment.node.selection_set.node, document, counted, under_way);
                    under_way.remove(name);
                    counted.insert(name.clone(), inner);
                    inner
                } else {
                    0
                }
            }
        });
    }
    count
}

/// An argument, or a field of an input object, whose variable was not given is not there (GraphQL specification, sections 6.4.1 and
/// 3.10): what was stored stays. async-graphql takes it for null, which would clear it.
fn leave_out(document: &mut ExecutableDocument, request: &Request) {
    let mut operations: Vec<(Option<&Name>, &mut OperationDefinition)> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![(None, &mut operation.node)],
        DocumentOperations::Multiple(operations) => {
            operations.iter_mut().map(|(name, operation)| (Some(name), &mut operation.node)).collect()
        }
    };
    let is_only = operations.len() == 1;
    let wanted = request.operation_name.as_deref();
    let runs = operations.iter().find(|(name, _)| is_only || (wanted.is_some() && name.map(Name::as_str) == wanted));
    let Some((_, runs)) = runs else { return };
    let absent: HashSet<Name> = runs
        .variable_definitions
        .iter()
        .map(|definition| &definition.node)
        .filter(|variable| variable.default_value.is_none() && variable.var_type.node.nullable)
        .map(|variable| variable.name.node.clone())
        .filter(|name| !request.variables.contains_key(name))
        .collect();
    if absent.is_empty() {
        return;
    }
    // Everywhere: operations that do not run share the fragments, and have to stay valid beside them.
    let mut pruning = Pruning { absent, kept: HashSet::new() };
    for fragment in document.fragments.values_mut() {
        pruning.directives(&fragment.node.directives);
        pruning.selection(&mut fragment.node.selection_set.node);
    }
    for (_, operation) in &mut operations {
        pruning.directives(&operation.directives);
        pruning.selection(&mut operation.selection_set.node);
    }
    // Validation refuses a variable that is declared and not used.
    for (_, operation) in operations {
        operation.variable_definitions.retain(|definition| {
            let name = &definition.node.name.node;
            !pruning.absent.contains(name) || pruning.kept.contains(name)
        });
    }
}

struct Pruning {
    absent: HashSet<Name>,
    /// Absent ones that stand in a list, where they are null, or in a directive.
    kept: HashSet<Name>,
}

impl Pruning {
    fn selection(&mut self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    let Field { arguments, directives, selection_set, .. } = &mut field.node;
                    self.directives(directives);
                    arguments.retain_mut(|(_, value)| self.stays(&mut value.node));
                    self.selection(&mut selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.node.directives);
                    self.selection(&mut fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.node.directives),
            }
        }
    }

    /// What is missing in a directive is validation's to tell.
    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            if let Value::Variable(name) = &value.node {
                self.kept.insert(name.clone());
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
    use super::{long_name, nesting, repeated_field};

    #[test]
    fn names_have_an_end() {
        let long = "x".repeat(257);
        assert_eq!(long_name(&format!("{{ {} }}", &long[1..])), None);
        assert_eq!(long_name(&format!("{{ a(b: \"{long}\", c: \"\"\"{long}\"\"\") # {long}\n }}")), None);
        for query in [long.clone(), format!("{{ {long} }}"), format!("query ${long} a"), format!("{{ a(b: {{ {long}: 1 }}) }}")] {
            assert_eq!(long_name(&query), Some(257), "{query}");
        }
    }

    #[test]
    fn a_field_stands_once_in_an_input_object() {
        for (query, name) in [
            ("{ a: b a: c { a: b } }", None),
            ("{ a(b: {c: 1, d: {c: 1}, e: [{c: 1}, {c: 2}]}) b(c: 1) }", None),
            ("{ a(b: {c: 1, d: 2, c: 3}) }", Some("c")),
            ("{ a(b: [[{ x : {y:1} # x: 1\n , x #\n :2}]]) }", Some("x")),
            (r#"{ a(b: {c: "c: 1 {", d: """ " d: """, e: c}) }"#, None),
            ("query ($a: JSON = {b: 1 b: 2}, $b: Int) { a }", Some("b")),
            ("{ a(b: {c: $c, d: $c}) { c: d(c: 1) c: d(c: 1) } }", None),
            ("{ a(b: {é: 1, c: 1, é: 2}) }", None),
        ] {
            assert_eq!(repeated_field(query), name, "{query}");
        }
    }

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
            (r#"{a(b:["""x" [[["#, 6),
            (r#"{a(b:["""\""" [[["#, 3),
            (r#"{a(b:["""x""" [[["#, 6),
        ] {
            assert_eq!(nesting(query).0, depth, "{query}");
        }
        assert_eq!(nesting("query($a: [Int]) { a } fragment F on B { c { d } } } {"), (2, 2 + 1 + 2 + 1));
    }
}
