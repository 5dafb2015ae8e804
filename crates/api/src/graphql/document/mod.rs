//! What is looked at in a document before async-graphql gets it: what would cost too much before its own limits apply, and variables
//! that were left out.
//!
//! To add a limit: a setting in [`Limits`], what it counts in `tokens` (of the text) or `size` (of what was parsed), and its line in
//! [`prepare`].

mod absent;
mod known;
mod size;
mod tokens;
mod variables;

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Name, Request};
pub use known::{Known, KnownDocuments};
use message::{Message, message};
use size::Count;

use super::limits::Limits;

/// The deepest that brackets may be nested: the parser calls itself for each, and ends the process when the stack is full.
const MAX_NESTING: usize = 64;
/// The same added up over the operations and fragments of a document: validation goes from one into the next.
const MAX_NESTING_IN_ALL: usize = 256;
/// The most fields and fragments that an operation may come to.
const MAX_SELECTIONS: usize = 10_000;
/// The longest name: the library compares one that it does not know with every other, to suggest one, and repeats it.
const MAX_NAME: usize = 256;
/// The most fields and fragments by which the schema may be asked for: a tool's query has some two hundred, and each is given for up to
/// thousands of fields of the schema.
const MAX_INTROSPECTION: usize = 500;
/// How many times the bytes of a request its values may come to.
const COPIES: usize = 4;
/// Up to this many fields, with names no longer than this, names that do not exist are compared with those that do.
const SUGGESTED: usize = 500;
const SUGGESTED_NAME: usize = 50;
/// The most lists of introspection within one another: tools ask for one (graphql-js stops at three as well).
const MAX_INTROSPECTED_LISTS: usize = 2;

/// How much it costs to say what is wrong with a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Names that exist may be suggested.
    Small,
    /// No suggestions.
    Great,
}

/// Why a document is not taken; nothing was run.
pub struct Refused {
    /// One of `ErrorCode`.
    pub code: &'static str,
    /// What is wrong, and the way out.
    pub message: Message,
}

/// Whether the operation that runs only reads. What is no document, or has no such operation, is left to the executor, which says why.
pub fn only_reads(request: &mut Request) -> bool {
    let wanted = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return true };
    operation(document, wanted.as_deref()).is_none_or(|operation| operation.ty == OperationType::Query)
}

/// The operation that runs, if there is one.
fn operation<'a>(document: &'a ExecutableDocument, wanted: Option<&str>) -> Option<&'a OperationDefinition> {
    named(document, wanted).map(|(_, operation)| operation)
}

/// The same, with its name.
fn named<'a>(document: &'a ExecutableDocument, wanted: Option<&str>) -> Option<(Option<&'a str>, &'a OperationDefinition)> {
    let is_only = document.operations.iter().count() == 1;
    let mut operations = document.operations.iter();
    let runs = operations.find(|(name, _)| is_only || name.is_some_and(|name| Some(name.as_str()) == wanted));
    runs.map(|(name, operation)| (name.map(Name::as_str), &operation.node))
}

/// The names of the operations of these documents, in their order.
pub fn names<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let documents = texts.into_iter().filter_map(|text| parse_query(text).ok());
    let names = |document: ExecutableDocument| -> Vec<_> {
        document.operations.iter().filter_map(|(name, _)| name.map(ToString::to_string)).collect()
    };
    documents.flat_map(names).collect()
}

/// What the requests of a batch come to so far: together no more than one alone may.
#[derive(Default)]
pub struct Spent {
    selections: usize,
    introspection: usize,
    values: usize,
}

/// What was found out of a document that may run.
pub struct Prepared {
    /// What it would cost to say what is wrong with it.
    pub cost: Cost,
    /// For [`KnownDocuments::keep`], once it has run. `None`: it is no document.
    pub known: Option<Arc<Known>>,
}

/// Checks a document's size, its input objects and its variables, and takes the variables out that were left out.
pub fn prepare(
    request: &mut Request,
    limits: &Limits,
    spent: &mut Spent,
    documents: &KnownDocuments,
) -> Result<Prepared, Refused> {
    let known = match documents.find(&request.query) {
        Some(known) => known,
        None => match look(&request.query, limits)? {
            Some(known) => known,
            // What is no document is left to the executor, which says why.
            None => return Ok(Prepared { cost: Cost::Great, known: None }),
        },
    };
    measure(&known.document, request, limits, spent)?;
    variables::check(&known.document, request)?;
    let cost = if spent.selections <= SUGGESTED { known.cost } else { Cost::Great };
    let mut document = known.document.clone();
    absent::leave_out(&mut document, request);
    request.set_parsed_query(document);
    Ok(Prepared { cost, known: Some(known) })
}

/// Checks the size of a text before it is parsed. `None`: it is no document.
fn look(text: &str, limits: &Limits) -> Result<Option<Arc<Known>>, Refused> {
    let tokens = tokens::look(text);
    at_most(tokens.count, limits.tokens, |count, limit| {
        message!(
            "The query has {count} tokens; at most {limit} are taken. Send values as variables, and ask for less at once.",
            count,
            limit
        )
    })?;
    if tokens.deepest > MAX_NESTING || tokens.deepest_in_all > MAX_NESTING_IN_ALL {
        return Err(too_complex(message!(
            "The query nests brackets {depth} deep, {in_all} with all its operations and fragments; at most {most} and {most_in_all} are \
             read. Send deep values as variables, and fewer fragments.",
            depth = tokens.deepest,
            in_all = tokens.deepest_in_all,
            most = MAX_NESTING,
            most_in_all = MAX_NESTING_IN_ALL
        )));
    }
    if tokens.longest_name > MAX_NAME {
        let length = tokens.longest_name;
        return Err(too_complex(message!(
            "The query holds a name or number of {length} characters; at most {limit} are read: shorten it.",
            length,
            limit = MAX_NAME
        )));
    }
    if let Some(name) = tokens.repeated_field {
        let message = message!("The query gives the field {name} twice in one input object; give it once.", name);
        return Err(Refused { code: "INVALID_INPUT", message });
    }
    let cost = if tokens.longest_name <= SUGGESTED_NAME { Cost::Small } else { Cost::Great };
    Ok(parse_query(text).ok().map(|document| Arc::new(Known::new(text, document, cost))))
}

/// Checks what the operations come to, with what the batch came to before.
fn measure(document: &ExecutableDocument, request: &Request, limits: &Limits, spent: &mut Spent) -> Result<(), Refused> {
    let mut count = Count::new(document, &request.variables);
    for (_, operation) in document.operations.iter() {
        let size = count.operation(&operation.node);
        if let Some(name) = count.cycle() {
            let message = message!("The fragment {name} leads to itself; let it spread other ones only.", name);
            return Err(Refused { code: "INVALID_INPUT", message });
        }
        spent.selections = spent.selections.saturating_add(size.selections);
        spent.introspection = spent.introspection.saturating_add(size.introspection);
        spent.values = spent.values.saturating_add(size.values);
        at_most(spent.selections, MAX_SELECTIONS, |count, limit| {
            message!(
                "The query has {count} fields and fragments; at most {limit} are taken. Ask for fewer, or spread fewer fragments.",
                count,
                limit
            )
        })?;
        at_most(spent.values, limits.request_bytes.saturating_mul(COPIES), |count, limit| {
            message!(
                "The values of the query come to {count} bytes, with each variable as often as it stands; at most {limit} are taken. \
                 Give a large one once.",
                count,
                limit
            )
        })?;
        at_most(size.root_fields, limits.root_fields, |count, limit| {
            message!(
                "The query has {count} fields at its root; at most {limit} are taken. Send them in several requests.",
                count,
                limit
            )
        })?;
        at_most(size.aliases, limits.aliases, |count, limit| {
            message!("The query has {count} aliases; at most {limit} are taken. Send them in several requests.", count, limit)
        })?;
        at_most(size.directives, limits.directives, |count, limit| {
            message!(
                "The query has {count} directives; at most {limit} are taken. Leave out what is not wanted in the query itself.",
                count,
                limit
            )
        })?;
        if size.introspection > 0 && !limits.introspection {
            let message = message!("The schema is not told here; it is in the schema.graphql of the release.");
            return Err(Refused { code: "FORBIDDEN", message });
        }
        at_most(spent.introspection, MAX_INTROSPECTION, |count, limit| {
            message!(
                "The query has {count} fields that ask for the schema; at most {limit} are taken. Ask for less of it at once.",
                count,
                limit
            )
        })?;
        at_most(size.introspected_lists, MAX_INTROSPECTED_LISTS, |count, limit| {
            message!(
                "The query has {count} lists of introspection in one another; at most {limit} are taken. Ask for one after the other.",
                count,
                limit
            )
        })?;
    }
    Ok(())
}

fn too_complex(message: Message) -> Refused {
    Refused { code: "TOO_COMPLEX", message }
}

fn at_most(count: usize, limit: usize, message: fn(usize, usize) -> Message) -> Result<(), Refused> {
    if count <= limit { Ok(()) } else { Err(too_complex(message(count, limit))) }
}
