//! Variables that were left out.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request};
use async_graphql_value::Value;

/// An argument, or a field of an input object, whose variable was not given is not there (GraphQL specification, sections 6.4.1 and
/// 3.10): what was stored stays. async-graphql takes it for null, which would clear it.
pub fn leave_out(document: &mut ExecutableDocument, request: &Request) {
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
    let mut pruning = Pruning { absent, pruned: HashSet::new(), kept: HashSet::new() };
    for fragment in document.fragments.values_mut() {
        pruning.directives(&fragment.node.directives);
        pruning.selection(&mut fragment.node.selection_set.node);
    }
    for (_, operation) in &mut operations {
        pruning.directives(&operation.directives);
        pruning.selection(&mut operation.selection_set.node);
    }
    // Validation refuses a variable that is declared and not used; so those go that were, and are no more.
    for (_, operation) in operations {
        operation.variable_definitions.retain(|definition| {
            let name = &definition.node.name.node;
            !pruning.pruned.contains(name) || pruning.kept.contains(name)
        });
    }
}

struct Pruning {
    absent: HashSet<Name>,
    /// Absent ones that were taken out.
    pruned: HashSet<Name>,
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
            Value::Variable(name) if self.absent.contains(name) => {
                self.pruned.insert(name.clone());
                false
            }
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
