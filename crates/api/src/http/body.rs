//! An answer as text. Stored JSON is in it as bytes ([`Value::Binary`], which nothing else is on the way out) and goes on as it is; a
//! serialiser would read through it again.

use std::io;

use async_graphql::{Response, Value};
use serde::Serialize;

/// The text of an answer.
pub fn write(response: &Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(1024);
    body.extend(b"{\"data\":");
    value(&mut body, &response.data)?;
    if !response.extensions.is_empty() {
        member(&mut body, "extensions", &response.extensions)?;
    }
    if !response.errors.is_empty() {
        member(&mut body, "errors", &response.errors)?;
    }
    body.push(b'}');
    Ok(body)
}

fn member(body: &mut Vec<u8>, name: &str, member: &impl Serialize) -> io::Result<()> {
    body.extend([b",\"", name.as_bytes(), b"\":"].concat());
    Ok(serde_json::to_writer(body, member)?)
}

fn value(body: &mut Vec<u8>, of: &Value) -> io::Result<()> {
    match of {
        Value::Binary(json) => body.extend_from_slice(json),
        Value::List(items) => {
            body.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    body.push(b',');
                }
                value(body, item)?;
            }
            body.push(b']');
        }
        Value::Object(members) => {
            body.push(b'{');
            for (place, (name, member)) in members.iter().enumerate() {
                if place > 0 {
                    body.push(b',');
                }
                serde_json::to_writer(&mut *body, name.as_str())?;
                body.push(b':');
                value(body, member)?;
            }
            body.push(b'}');
        }
        plain => serde_json::to_writer(body, plain)?,
    }
    Ok(())
}
