//! The GraphQL schema: one file a noun, merged into the root below. A resolver asks who the viewer is, calls one verb of the
//! service, and shapes the answer; a relation goes through a loader.
//!
//! To add a noun: a file here with its type, and its `…Query` and `…Mutation` in the roots below; then `schema.graphql`, printed
//! anew (`cargo run -- schema > schema.graphql`).

mod account_recovery;
mod ahead;
mod audit_entry;
pub mod connection;
mod data_export;
pub mod document;
mod erasure;
pub mod error;
mod foreseen;
pub mod game;
pub mod id;
mod in_turn;
mod insights;
pub mod json;
mod language;
mod library;
pub mod limits;
pub mod loaders;
mod node;
mod passkey;
mod progress;
pub mod request;
mod role;
mod session;
mod statistics;
mod terms_version;
mod timed;
mod unverified_detail;
pub mod upload;
mod user;
mod user_avatar_info;
mod user_detail;
mod user_page;
mod user_passion;
mod user_picture;
mod user_terms_agreement;

use async_graphql::connection::PageInfo;
use async_graphql::{EmptySubscription, MergedObject, ValidationMode};
use chrono::{DateTime, Utc};
use timed::Timed;

use crate::metrics::RootFields;

/// Everything that can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    user::UserQuery,
    node::NodeQuery,
    terms_version::TermsVersionQuery,
    role::RoleQuery,
    game::GameQuery,
    user_page::UserPageQuery,
    statistics::StatisticsQuery,
);

/// Everything that can be done. The fields of one request run one after the other.
#[derive(MergedObject, Default)]
pub struct Mutation(
    user::UserMutation,
    passkey::PasskeyMutation,
    session::SessionMutation,
    unverified_detail::UnverifiedDetailMutation,
    account_recovery::AccountRecoveryMutation,
    erasure::ErasureMutation,
    data_export::DataExportMutation,
    user_avatar_info::UserAvatarInfoMutation,
    user_passion::UserPassionMutation,
    user_picture::UserPictureMutation,
    user_terms_agreement::UserTermsAgreementMutation,
    terms_version::TermsVersionMutation,
    game::GameMutation,
);

/// The schema, without data: each request brings its own (`request::Request`).
pub type Schema = async_graphql::Schema<Timed<Query>, Timed<Mutation>, EmptySubscription>;

/// How many fragments may be in one another besides the fields that are: the library counts both together.
const FRAGMENTS_DEEP: usize = 12;

/// Builds the schema, whose fields of the root are counted.
pub fn schema(limits: &limits::Limits, validation: ValidationMode, counted: &RootFields) -> Schema {
    let (query, mutation) = (Timed::new(counted.clone()), Timed::new(counted.clone()));
    let mut schema = Schema::build(query, mutation, EmptySubscription)
        .register_output_type::<error::ErrorCode>()
        // In place of the library's own words.
        .override_output_type_description::<DateTime<Utc>>(
            "A moment: text as in RFC 3339, in UTC, to the microsecond at most, such as `2026-11-26T04:01:24.123456+00:00`.",
        )
        .override_output_type_description::<PageInfo>("Where a part of a list stands in it, with the cursors to go on from.")
        .validation_mode(validation)
        .limit_depth(limits.depth)
        .limit_recursive_depth(limits.depth + FRAGMENTS_DEEP)
        .limit_complexity(limits.complexity);
    if !limits.suggestions {
        schema = schema.disable_suggestions();
    }
    schema.finish()
}

/// The schema's text, as `schema.graphql` holds it.
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new().sorted_fields().sorted_enum_items().include_specified_by();
    schema(&limits::Limits::default(), ValidationMode::Strict, &RootFields::default()).sdl_with_options(options)
}
