//! The roots of the schema, with the time of each of their fields. The library's own way, an extension, would be asked about each field of each
//! object; this is asked once a field of the root.

use std::borrow::Cow;
use std::time::Instant;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value};
use tracing::Instrument;

use crate::metrics::RootFields;
use crate::traces::SPANS;

/// A root, in the place of the root itself.
pub struct Timed<T> {
    root: T,
    fields: RootFields,
}

impl<T: Default> Timed<T> {
    /// This root, whose fields are counted here.
    pub fn new(fields: RootFields) -> Self {
        Self { root: T::default(), fields }
    }
}

impl<T: ObjectType> ContainerType for Timed<T> {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        let name = context.item.node.name.node.as_str();
        let began = Instant::now();
        let span = tracing::trace_span!(target: SPANS, "field", otel.name = name);
        let value = self.root.resolve_field(context).instrument(span).await;
        // `None`: there is no such field, so it gets no series either.
        if !matches!(value, Ok(None)) {
            self.fields.observe(name, began.elapsed());
        }
        value
    }
}

impl<T: ObjectType> OutputType for Timed<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.root.resolve(context, field).await
    }
}

impl<T: ObjectType> ObjectType for Timed<T> {}
