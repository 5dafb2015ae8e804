//! How far a database is, without changing it. The library's own ways make their table first, or take a step that a later release has applied
//! for an error; here both are answers.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder};
use sea_orm_migration::{MigratorTrait, seaql_migrations};

use crate::Migrator;

/// How far a database is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Steps that it lacks, in their order.
    pub missing: Vec<String>,
    /// Steps that it has and this release does not know: a later one has applied them.
    pub unknown: Vec<String>,
}

/// Looks which steps are applied.
pub async fn state(database: &impl ConnectionTrait) -> Result<State, DbErr> {
    let steps: Vec<String> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    let applied = seaql_migrations::Entity::find().order_by_asc(seaql_migrations::Column::Version).all(database).await?;
    let applied: Vec<String> = applied.into_iter().map(|step| step.version).collect();
    Ok(State {
        missing: steps.iter().filter(|step| !applied.contains(step)).cloned().collect(),
        unknown: applied.into_iter().filter(|step| !steps.contains(step)).collect(),
    })
}
