//! HTTP: the API, pictures, exports, GraphiQL and the health of the service.

mod admission;
mod answer;
pub mod body;
pub mod connections;
mod data_export;
mod graphiql;
mod graphql;
mod health;
mod i_json;
mod persisted;
mod picture;
pub mod proxies;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::ValidationMode;
use axum::Router;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proxies::Proxies;
use service::Service;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use crate::graphql::Schema;
use crate::graphql::document::KnownDocuments;
use crate::graphql::limits::Limits;
use admission::Admission;
use persisted::Documents;

/// Names a request, in the answer and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the handlers work with, one for all requests: each layer of the router has its own hold of it for each.
type App = Arc<Shared>;

struct Shared {
    schema: Schema,
    /// The same, which suggests no names: for documents where that would take long.
    quiet_schema: Schema,
    /// The same for documents that are known to be valid.
    schema_of_valid: Schema,
    limits: Limits,
    documents: Documents,
    known_documents: KnownDocuments,
    service: Arc<Service>,
    /// Origins that may call the API, besides its own.
    origins: Vec<String>,
    proxies: Proxies,
    admission: Admission,
    /// Requests with a file that are read or answered.
    uploads: Arc<upload::Places>,
}

/// A request's name, among its extensions.
#[derive(Clone)]
struct RequestId(String);

/// What the settings say of HTTP.
pub struct Options {
    /// Origins that may call the API.
    pub origins: Vec<String>,
    /// Proxies that say where a request comes from.
    pub proxies: Proxies,
    /// What a request may ask for.
    pub limits: Limits,
    /// How many are worked on at once.
    pub requests_at_once: usize,
    /// The only documents that run, by id; `None`: any.
    pub trusted_documents: Option<BTreeMap<String, String>>,
    /// Whether GraphiQL is served.
    pub graphiql: bool,
}

/// All routes.
pub fn router(
    service: Arc<Service>,
    Options { origins, proxies, limits, requests_at_once, trusted_documents, graphiql }: Options,
) -> Router {
    // Its own requests are not on anybody's list.
    let graphiql = graphiql && trusted_documents.is_none();
    let allowed: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE].into_iter().chain(upload::PREFLIGHT).collect::<Vec<_>>())
        .expose_headers([REQUEST_ID, RETRY_AFTER])
        .allow_credentials(true);
    let app = Arc::new(Shared {
        schema: crate::graphql::schema(&limits, ValidationMode::Strict),
        quiet_schema: crate::graphql::schema(&Limits { suggestions: false, ..limits.clone() }, ValidationMode::Strict),
        schema_of_valid: crate::graphql::schema(&limits, ValidationMode::Fast),
        known_documents: KnownDocuments::new(),
        limits,
        documents: Documents::new(trusted_documents),
        service,
        origins,
        proxies,
        admission: Admission::new(requests_at_once),
        uploads: Arc::new(upload::Places::new(upload::PLACES)),
    });
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post).fallback(graphql::other_method))
        .route("/pictures/{id}", get(picture::get))
        .layer(cors)
        .merge(if graphiql { graphiql::routes() } else { Router::new() })
        .route("/exports/{id}", get(data_export::get))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .layer(middleware::from_fn_with_state(app.clone(), named))
        .with_state(app)
}

/// Gives each request a name, and each answer the headers that all have.
async fn named(
    axum::extract::State(app): axum::extract::State<App>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    let id = service::random::bytes::<12>(&*app.service.random).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", id);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    async move {
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        tracing::debug!(%method, path, status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}
