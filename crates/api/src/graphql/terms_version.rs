//! The terms.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use service::entity::terms_version::Model;
use service::terms_version as terms;

use super::connection::{Connection, Total, Window, connection, cost};
use super::error::Result;
use super::id;
use super::in_turn::Item;
use super::request::Request;

/// A version of the terms.
pub struct TermsVersion(pub Arc<Model>);

impl Item for TermsVersion {}

/// A version of the terms. Public.
#[Object]
impl TermsVersion {
    /// Global id.
    pub async fn id(&self) -> ID {
        id::global("TermsVersion", self.0.id)
    }

    /// Its name, unique.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// The text, in Markdown.
    #[expect(clippy::unused_async, reason = "the library takes no other methods")]
    async fn content(&self, context: &Context<'_>) -> Result<&str> {
        Request::of(context).spend(self.0.content.len())?;
        Ok(&self.0.content)
    }

    /// The one to accept now; exactly one is.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// When it was published.
    async fn date_created(&self) -> DateTime<Utc> {
        self.0.date_created
    }
}

/// What became of lines of the terms.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "service::terms_version::ChangeKind")]
pub enum TermsChangeKind {
    /// They are as they were.
    Same,
    /// They are new.
    Added,
    /// They are gone.
    Removed,
}

/// Neighbouring lines of the terms of which the same became.
#[derive(SimpleObject)]
pub struct TermsChange {
    /// What became of them.
    kind: TermsChangeKind,
    /// Whole lines of Markdown, without the end of the last one. Those that are not `REMOVED` are the new terms, in their order; those
    /// that are not `ADDED` the earlier ones.
    text: String,
}

impl From<&terms::TermsChange> for TermsChange {
    fn from(change: &terms::TermsChange) -> Self {
        Self { kind: change.kind.into(), text: change.text.clone() }
    }
}

/// Publishing the terms.
#[derive(Default)]
pub struct TermsVersionMutation;

#[Object]
impl TermsVersionMutation {
    /// Publishes a version of the terms: from now on what people write wants it accepted; what stays open is said at `TERMS_NOT_ACCEPTED`. The same
    /// again changes nothing; `CONFLICT` where the name is taken. What is published stays as it is. For administrators.
    async fn publish_terms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its name, unique: 1 to 50 characters.")] version: String,
        #[graphql(name = "content", desc = "The text in Markdown: 1 to 100,000 characters.")] text: String,
    ) -> Result<TermsVersion> {
        let request = Request::that_writes(context);
        let admin = request.viewer().await?.admin()?;
        let published = terms::publish(&request.service, &admin, version, text).await?;
        Ok(TermsVersion(Arc::new(published)))
    }
}

/// Reading the terms.
#[derive(Default)]
pub struct TermsVersionQuery;

#[Object]
impl TermsVersionQuery {
    /// A version of the terms; null where there is none of that name. Public.
    async fn terms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its name; the active version when none is named.")] version: Option<String>,
    ) -> Option<Result<TermsVersion>> {
        let found = service::terms_version::find(&Request::of(context).service, version.as_deref()).await;
        found.map_err(Into::into).map(|found| found.map(|terms| TermsVersion(Arc::new(terms)))).transpose()
    }

    /// Every version of the terms, the newest first. Public.
    #[graphql(complexity = "cost(first, last, child_complexity)")]
    async fn terms_versions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "How many from the start, 0 to 100; 20 when neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TermsVersion>> {
        let page = Window { first, after, last, before }.request()?;
        let page = service::terms_version::page(&Request::of(context).service, page).await?;
        Ok(connection(page, Total::TermsVersions, |terms| (terms.id, TermsVersion(Arc::new(terms)))))
    }
}
