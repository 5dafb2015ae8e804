//! Sends generated operations.

use graphql_client::GraphQLQuery;
use reqwest::header::ACCEPT;
use serde::Deserialize;

pub use crate::api::errors::ErrorCode;
use crate::api::{RefreshSession, refresh_session};

/// A caller of the API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    /// Of the last sign-in.
    pub access_token: Option<String>,
    /// Of the same.
    pub refresh_token: Option<String>,
}

/// Why there is no data.
#[derive(Debug)]
pub enum Error {
    /// There was no answer, or it can't be read.
    Http(reqwest::Error),
    /// The service does not do what was asked.
    Api(ApiError),
    /// What answers is no GraphQL service.
    Empty,
}

/// What the service says then: one of `errors`.
#[derive(Debug, Deserialize)]
pub struct ApiError {
    /// In words.
    pub message: String,
    /// For code.
    pub extensions: Extensions,
}

/// What code reads of an error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
    /// Which kind of error; `Other` where a newer service has further ones.
    pub code: ErrorCode,
    /// Of `INVALID_INPUT`: what is wrong.
    #[serde(default)]
    pub problems: Vec<Problem>,
    /// Of `RATE_LIMITED`: for how many seconds to wait.
    pub retry_after: Option<u64>,
}

/// What is wrong with an input.
#[derive(Debug, Deserialize)]
pub struct Problem {
    /// Where: a JSON Pointer into the input.
    pub pointer: String,
    /// What.
    pub message: String,
}

#[derive(Deserialize)]
struct Answer<Data> {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<ApiError>,
}

impl Client {
    /// Of the API at this address, nobody yet.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { http: reqwest::Client::new(), url: url.to_owned(), access_token: None, refresh_token: None }
    }

    /// Sends an operation, and gives its data. Where the access token is not good any more it gets a new one, and sends once more.
    pub async fn send<Operation>(&mut self, variables: Operation::Variables) -> Result<Operation::ResponseData, Error>
    where
        Operation: GraphQLQuery,
        Operation::Variables: Clone,
    {
        let answer = self.request::<Operation>(variables.clone()).await;
        match (&answer, self.refresh_token.clone()) {
            (Err(Error::Api(error)), Some(token)) if error.extensions.code == ErrorCode::UNAUTHENTICATED => {
                let spent = refresh_session::Variables { refresh_token: Some(token) };
                let tokens = Self::new(&self.url).request::<RefreshSession>(spent).await?.refresh_session;
                (self.access_token, self.refresh_token) = (Some(tokens.access_token), tokens.refresh_token);
                self.request::<Operation>(variables).await
            }
            _ => answer,
        }
    }

    async fn request<Operation: GraphQLQuery>(&self, variables: Operation::Variables) -> Result<Operation::ResponseData, Error> {
        let mut request = self.http.post(&self.url).json(&Operation::build_query(variables));
        request = request.header(ACCEPT, "application/graphql-response+json, application/json");
        if let Some(token) = &self.access_token {
            request = request.bearer_auth(token);
        }
        let Answer { data, errors } = request.send().await?.json().await?;
        match errors.into_iter().next() {
            Some(error) => Err(Error::Api(error)),
            None => data.ok_or(Error::Empty),
        }
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error)
    }
}
