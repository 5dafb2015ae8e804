//! Agreements to the terms.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use service::entity::user_terms_agreement::Model;
use service::{Error, Missing};

use super::error::Result;
use super::id;
use super::request::Request;
use super::terms_version::TermsVersion;

/// That a person accepted a version of the terms.
pub struct UserTermsAgreement(Arc<Model>);

impl From<Arc<Model>> for UserTermsAgreement {
    fn from(row: Arc<Model>) -> Self {
        Self(row)
    }
}

/// That a person accepted a version of the terms.
#[Object]
impl UserTermsAgreement {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("UserTermsAgreement", self.0.id)
    }

    /// Which version.
    async fn terms(&self, context: &Context<'_>) -> Result<TermsVersion> {
        let terms = Request::of(context).loaders().terms.load(self.0.terms_id).await?;
        Ok(TermsVersion(terms.ok_or(Error::NotFound(Missing::TermsVersion))?))
    }

    /// When they first accepted it.
    async fn date_agreed(&self) -> DateTime<Utc> {
        self.0.date_agreed
    }
}

/// Accepting the terms.
#[derive(Default)]
pub struct UserTermsAgreementMutation;

#[Object]
impl UserTermsAgreementMutation {
    /// Accepts the active version of the terms. Again changes nothing: the first date stands. `CONFLICT` where another version is active
    /// by now: read that one, then accept it.
    async fn accept_terms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The name of the version.")] version: String,
    ) -> Result<UserTermsAgreement> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let agreement = service::user_terms_agreement::accept(&request.service, viewer, &version, request.caller()).await?;
        Ok(UserTermsAgreement(Arc::new(agreement)))
    }
}
