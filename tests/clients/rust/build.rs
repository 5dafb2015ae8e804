//! Makes a module of each operation in docs/operations: what it takes, what it gives, and its text with the fragments that it uses.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use graphql_client_codegen::{CodegenMode, GraphQLClientCodegenOptions, generate_module_token_stream_from_string};
use graphql_parser::query::{Definition, Mutation, OperationDefinition, Query, Type, VariableDefinition};
use graphql_parser::schema::{Definition as SchemaDefinition, TypeDefinition};

/// No operation names `ErrorCode`, but its enum is wanted. Never sent.
const ERRORS: &str = "query Errors($code: ErrorCode) { me { id } }";

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let (schema, folder) = (root.join("schema.graphql"), root.join("docs/operations"));
    println!("cargo::rerun-if-changed={}", schema.display());
    println!("cargo::rerun-if-changed={}", folder.display());

    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "graphql"));
    files.sort();
    let texts = files.iter().map(fs::read_to_string).collect::<Result<Vec<String>, _>>()?;
    let document = graphql_parser::parse_query::<String>(&format!("{ERRORS}\n{}", texts.concat()))?.into_static();

    let schema_text = fs::read_to_string(&schema)?;
    let enums = graphql_parser::parse_schema::<String>(&schema_text)?.definitions.into_iter().filter_map(|definition| {
        let SchemaDefinition::TypeDefinition(TypeDefinition::Enum(it)) = definition else { return None };
        Some(it.name)
    });
    let enums: HashSet<String> = enums.collect();

    let mut generated = String::new();
    for definition in &document.definitions {
        let Definition::Operation(operation) = definition else { continue };
        let variables = match operation {
            OperationDefinition::Query(Query { variable_definitions, .. })
            | OperationDefinition::Mutation(Mutation { variable_definitions, .. }) => variable_definitions,
            OperationDefinition::Subscription(_) | OperationDefinition::SelectionSet(_) => {
                return Err("an operation without a name, or a subscription".into());
            }
        };
        let mut options = GraphQLClientCodegenOptions::new(CodegenMode::Cli);
        options.set_module_visibility(syn::Visibility::Public(syn::token::Pub::default()));
        options.set_response_derives("Clone, Debug, PartialEq".to_owned());
        // An enum has no default, so no variables that need one.
        let default = if variables.iter().any(|it| needs_enum(it, &enums)) { "" } else { ", Default" };
        options.set_variables_derives(format!("Clone, Debug{default}"));
        // What is None is left out, and stays as it is stored.
        options.set_skip_serializing_none(true);
        // A newer service may have types that this client does not know yet.
        options.set_fragments_other_variant(true);
        let text = with_fragments(operation.to_string(), &document.definitions);
        writeln!(generated, "{}", generate_module_token_stream_from_string(&text, &schema, options)?)?;
    }
    fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("api.rs"), generated)?;
    Ok(())
}

fn needs_enum(variable: &VariableDefinition<'_, String>, enums: &HashSet<String>) -> bool {
    matches!(&variable.var_type, Type::NonNullType(inner) if matches!(&**inner, Type::NamedType(name) if enums.contains(name)))
}

/// An operation, and the fragments that it uses, those that these use, and so on: each spread is a line of its own.
fn with_fragments(mut text: String, definitions: &[Definition<'_, String>]) -> String {
    let mut taken = HashSet::new();
    loop {
        let spreads: HashSet<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("...")).collect();
        let next = definitions.iter().find_map(|definition| match definition {
            Definition::Fragment(it) if spreads.contains(it.name.as_str()) && taken.insert(it.name.as_str()) => Some(it),
            _ => None,
        });
        let Some(fragment) = next else { return text };
        text.push('\n');
        text.push_str(&fragment.to_string());
    }
}
