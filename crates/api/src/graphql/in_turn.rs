//! Small objects that a list has many of, resolved one field after the other. The library makes a future of each field of each object, on
//! the heap, and waits for all of them at once; that pays where fields wait for something. Those of a play or a passion wait for nothing.

use std::borrow::Cow;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::ContainerType;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value, indexmap::IndexMap};

use super::connection::Connection;
use super::role::Role;
use super::user_detail::UserDetail;
use super::user_passion::UserPassion;

/// What is resolved one field after the other.
pub trait Small: OutputType {
    /// Resolves it so.
    fn in_turn(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> impl Future<Output = ServerResult<Value>> + Send;

    /// Whether no field of it has to wait.
    fn is_ready(&self) -> bool {
        true
    }
}

/// What a list has many of.
pub trait Item: OutputType {
    /// Whether no field of it has to wait; false where that is not known.
    fn is_ready(&self) -> bool {
        false
    }
}

impl<T: Item> Item for &T {
    fn is_ready(&self) -> bool {
        (**self).is_ready()
    }
}

impl<T: Small> Item for InTurn<T> {
    fn is_ready(&self) -> bool {
        self.0.is_ready()
    }
}

/// A list whose items are resolved one after the other, where none of them has to wait: the library makes a future of each, as large as all
/// that it may come to, and moves it about.
pub struct Items<T>(pub Vec<T>);

impl<T: Item> OutputType for Items<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Self(items) = self;
        if !items.iter().all(Item::is_ready) {
            return items.resolve(context, field).await;
        }
        let mut values = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let context = context.with_index(place);
            values.push(item.resolve(&context, field).await.map_err(|error| context.set_error_path(error))?);
        }
        Ok(Value::List(values))
    }
}

/// A small object, in the place of the object itself.
pub struct InTurn<T>(pub T);

impl<T: Small> OutputType for InTurn<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.in_turn(context, field).await
    }
}

/// Says of objects that they are small.
macro_rules! small {
    ($($object:ty),*) => {
        $(impl Small for $object {
            async fn in_turn(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
                fields(self, context, field).await
            }
        })*
    };
}
small!(Role, UserDetail, UserPassion);

/// Of its fields `totalCount` alone waits, and then for everybody's.
impl<N: Item> Small for Connection<N> {
    async fn in_turn(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        fields(self, context, field).await
    }
}

/// Resolves the fields of an object one after the other. What is out of the ordinary (directives, named fragments, fragments on other
/// types, one name for several fields, more than 32 fields) is left to the library.
pub async fn fields<T: ContainerType>(
    object: &T,
    context: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    let mut selected = Vec::with_capacity(context.item.node.items.len());
    if !ordinary(&context.item.node, &T::type_name(), &mut selected) {
        return object.resolve(context, field).await;
    }
    let mut values = IndexMap::with_capacity(selected.len());
    for field in selected {
        let value = if field.node.name.node == TYPE_NAME {
            object.introspection_type_name().into()
        } else {
            object.resolve_field(&context.with_field(field)).await?.unwrap_or_default()
        };
        values.insert(field.node.response_key().node.clone(), value);
    }
    Ok(Value::Object(values))
}

/// What many clients add to every selection; no object resolves it.
const TYPE_NAME: &str = "__typename";

/// The most fields that are compared with each other.
const MOST: usize = 32;

/// Puts the fields together, if they are nothing but that.
fn ordinary<'a>(selection: &'a SelectionSet, type_name: &str, selected: &mut Vec<&'a Positioned<Field>>) -> bool {
    selection.items.iter().all(|item| match &item.node {
        Selection::Field(field) => {
            let key = &field.node.response_key().node;
            let is_new = !selected.iter().any(|other| other.node.response_key().node == *key);
            selected.push(field);
            is_new && selected.len() <= MOST && field.node.directives.is_empty()
        }
        Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref();
            fragment.node.directives.is_empty()
                && condition.is_none_or(|condition| condition.node.on.node.as_str() == type_name)
                && ordinary(&fragment.node.selection_set.node, type_name, selected)
        }
        Selection::FragmentSpread(_) => false,
    })
}
