//! The values of variables, before anything runs (GraphQL specification, section 6.1.2): the library finds out when a field needs one,
//! and what stood before that field has run then.

use async_graphql::Request;
use async_graphql::parser::types::{BaseType, ExecutableDocument};
use async_graphql_value::ConstValue;
use message::message;

use super::{Refused, operation};

/// Whether every variable that must be given is, and those of the language's own scalars have such a value. What is an input object,
/// a list or an enum is looked at by the library's validation.
pub fn check(document: &ExecutableDocument, request: &Request) -> Result<(), Refused> {
    let Some(operation) = operation(document, request.operation_name.as_deref()) else { return Ok(()) };
    for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
        let (name, kind) = (&definition.name.node, &definition.var_type.node);
        let value = request.variables.get(name).or(definition.default_value.as_ref().map(|default| &default.node));
        let message = match value {
            None | Some(ConstValue::Null) if kind.nullable => continue,
            None | Some(ConstValue::Null) => {
                message!("The variable ${name} is missing; its type {kind} wants a value.", name, kind = kind)
            }
            Some(value) => match &kind.base {
                BaseType::Named(scalar) if !is_of(scalar, value) => {
                    message!("The value of the variable ${name} is not of its type {kind}.", name, kind = kind)
                }
                _ => continue,
            },
        };
        return Err(Refused { code: "INVALID_INPUT", message });
    }
    Ok(())
}

/// Whether a value is of a scalar, as far as it is one of the language's own.
fn is_of(scalar: &str, value: &ConstValue) -> bool {
    match (scalar, value) {
        ("Int", ConstValue::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("ID", ConstValue::Number(number)) => number.is_i64(),
        ("Float", ConstValue::Number(_)) | ("Boolean", ConstValue::Boolean(_)) | ("String" | "ID", ConstValue::String(_)) => true,
        ("Int" | "Float" | "Boolean" | "String" | "ID", _) => false,
        _ => true,
    }
}
