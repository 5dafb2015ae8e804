//! What a request may ask for, as far as a service may want it otherwise: settings. What keeps the process alive whoever asks is fixed, in
//! `document/mod.rs` and `http/i_json.rs`. What goes beyond is refused before a statement runs.

use std::time::Duration;

/// The limits, as the settings say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep fields may be nested; brackets stop at 64 anyway.
    pub depth: usize,
    /// How many fields an answer may have, a list counted with as many items as it is asked for.
    pub complexity: usize,
    /// How many tokens a document may have.
    pub tokens: usize,
    /// How many fields may be asked for under other names.
    pub aliases: usize,
    /// How many fields may be asked for at the root.
    pub root_fields: usize,
    /// How many directives a document may have.
    pub directives: usize,
    /// How many bytes a request may have, besides a file that it brings.
    pub request_bytes: usize,
    /// How many requests may be sent as one.
    pub batch: usize,
    /// How long the answer may take.
    pub time: Duration,
    /// Whether the schema may be asked for.
    pub introspection: bool,
    /// Whether errors suggest names that exist.
    pub suggestions: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 20,
            complexity: 50_000,
            tokens: 15_000,
            aliases: 100,
            root_fields: 50,
            directives: 100,
            request_bytes: 1024 * 1024,
            batch: 10,
            time: Duration::from_secs(30),
            introspection: true,
            suggestions: true,
        }
    }
}
