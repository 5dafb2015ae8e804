//! What is looked at in a document before async-graphql gets it: what would cost too much before its own limits apply, and variables
//! that were left out.
//!
//! To add a limit: a setting in [`Limits`], what it counts in `tokens` (of the text) or `size` (of what was parsed), and its line in
//! [`prepare`].

mod absent;
mod size;
mod tokens;

use async_graphql::Request;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::OperationType;
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
/// The most lists of introspection within one another: tools ask for one (graphql-js stops at three as well).
const MAX_INTROSPECTED_LISTS: usize = 2;

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
    let is_only = document.operations.iter().count() == 1;
    let mut operations = document.operations.iter();
    let runs = operations.find(|(name, _)| is_only || name.is_some_and(|name| Some(name.as_str()) == wanted.as_deref()));
    runs.is_none_or(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// Checks a document's size and its input objects, and takes the variables out that were left out.
pub fn prepare(request: &mut Request, limits: &Limits) -> Result<(), Refused> {
    let tokens = tokens::look(&request.query);
    let too_complex = |message: Message| Err(Refused { code: "TOO_COMPLEX", message });
    let at_most = |count: usize, limit: usize, message: fn(usize, usize) -> Message| {
        if count <= limit { Ok(()) } else { too_complex(message(count, limit)) }
    };
    at_most(tokens.count, limits.tokens, |count, limit| {
        message!(
            "The query has {count} tokens; at most {limit} are taken. Send values as variables, and ask for less at once.",
            count,
            limit
        )
    })?;
    if tokens.deepest > MAX_NESTING || tokens.deepest_in_all > MAX_NESTING_IN_ALL {
        return too_complex(message!(
            "The query nests brackets {depth} deep, {in_all} with all its operations and fragments; at most {most} and {most_in_all} are \
             read. Send deep values as variables, and fewer fragments.",
            depth = tokens.deepest,
            in_all = tokens.deepest_in_all,
            most = MAX_NESTING,
            most_in_all = MAX_NESTING_IN_ALL
        ));
    }
    if tokens.longest_name > MAX_NAME {
        let length = tokens.longest_name;
        return too_complex(message!(
            "The query holds a name of {length} characters; at most {limit} are read.",
            length,
            limit = MAX_NAME
        ));
    }
    if let Some(name) = tokens.repeated_field {
        let message = message!("The query gives the field {name} twice in one input object; give it once.", name);
        return Err(Refused { code: "INVALID_INPUT", message });
    }
    // What is no document is left to the executor, which says why.
    let Ok(mut document) = parse_query(&request.query) else { return Ok(()) };
    let mut count = Count::new(&document);
    for (_, operation) in document.operations.iter() {
        let size = count.operation(&operation.node);
        if let Some(name) = count.cycle() {
            let message = message!("The fragment {name} leads to itself; let it spread other ones only.", name);
            return Err(Refused { code: "INVALID_INPUT", message });
        }
        at_most(size.selections, MAX_SELECTIONS, |count, limit| {
            message!(
                "The query has {count} fields and fragments; at most {limit} are taken. Ask for fewer, or spread fewer fragments.",
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
        at_most(size.introspection, limits.complexity, |count, limit| {
            message!(
                "The query has {count} fields of the schema to give; at most {limit} are taken. Ask for less of it at once.",
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
    absent::leave_out(&mut document, request);
    request.set_parsed_query(document);
    Ok(())
}
