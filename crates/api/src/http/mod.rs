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
pub mod observe;
pub mod persisted;
mod picture;
pub mod proxies;
mod request_id;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::ValidationMode;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use proxies::Proxies;
use request_id::{RequestId, RequestIds};
use service::{Error, Service};
use tower::ServiceExt;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use crate::graphql::Schema;
use crate::graphql::document::{self, KnownDocuments};
use crate::graphql::limits::Limits;
use admission::Admission;
use observe::Observe;
use persisted::Documents;

/// Names a request, in the answer and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where the API is.
const API: &str = "/graphql";

/// What answers, for all requests.
#[derive(Clone)]
struct Routes {
    app: App,
    request_ids: Arc<RequestIds>,
    /// The API for requests from pages: browsers are told which of them may read the answer.
    of_pages: Router,
    /// The same where there is no place.
    declining_pages: Router,
}

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
    observe: Observe,
    readiness: health::Readiness,
    /// Requests with a file that are read or answered.
    uploads: Arc<upload::Places>,
}

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
    /// What an operator sees.
    pub observe: Observe,
}

/// All routes.
///
/// # Errors
///
/// Where there is no randomness to begin the names of requests with.
pub fn router(service: Arc<Service>, options: Options) -> Result<Router, Error> {
    let Options { origins, proxies, limits, requests_at_once, trusted_documents, graphiql, observe } = options;
    let request_ids = RequestIds::new(&*service.random)?;
    // Its own requests are not on anybody's list.
    let graphiql = graphiql && trusted_documents.is_none();
    let allowed: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE].into_iter().chain(upload::PREFLIGHT).collect::<Vec<_>>())
        .expose_headers([REQUEST_ID, RETRY_AFTER])
        .allow_credentials(true);
    let schema = |limits: &Limits, mode| crate::graphql::schema(limits, mode, &observe.metrics.fields);
    if let Some(trusted) = &trusted_documents {
        observe.metrics.operations.expect(document::names(trusted.values()).iter().map(String::as_str));
    }
    let app = Arc::new(Shared {
        schema: schema(&limits, ValidationMode::Strict),
        quiet_schema: schema(&Limits { suggestions: false, ..limits.clone() }, ValidationMode::Strict),
        schema_of_valid: schema(&limits, ValidationMode::Fast),
        known_documents: KnownDocuments::new(),
        limits,
        documents: Documents::new(trusted_documents),
        service,
        origins,
        proxies,
        admission: Admission::new(requests_at_once),
        observe,
        readiness: health::Readiness::default(),
        uploads: Arc::new(upload::Places::new(upload::PLACES)),
    });
    let api = Router::new().route(API, get(graphql::get).post(graphql::post).fallback(graphql::other_method));
    // A browser keeps a picture for whoever shows it next, so its headers are the same for all.
    let pictures = Router::new().route("/pictures/{id}", get(picture::get)).layer(cors.clone());
    let rest = Router::new()
        .merge(pictures)
        .merge(if graphiql { graphiql::routes() } else { Router::new() })
        .route("/exports/{id}", get(data_export::get))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    let of_pages = api.clone().layer(cors.clone()).with_state(app.clone());
    let declines = async |State(app): State<App>, request: Request| graphql::decline(&app, request).await;
    let declining_pages = Router::new().fallback(declines).layer(cors).with_state(app.clone());
    let routes = Routes { app: app.clone(), request_ids: Arc::new(request_ids), of_pages, declining_pages };
    Ok(rest.merge(api).with_state(app).layer(middleware::from_fn_with_state(routes, named)))
}

impl Routes {
    /// Refuses a request of the API before it is looked at, since there is no place for it.
    async fn decline(&self, request: Request, id: &RequestId) -> Response {
        let under_way = self.app.observe.metrics.begin(API);
        let mut response = if request.headers().contains_key(ORIGIN) {
            let Ok(response) = self.declining_pages.clone().oneshot(request).await;
            response
        } else {
            graphql::decline(&self.app, request).await
        };
        name(&mut response, id);
        self.app.observe.declined(id.text(), under_way, response.status());
        response
    }
}

/// What all answers have.
fn name(response: &mut Response, id: &RequestId) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REQUEST_ID, id.header());
}

/// Gives each request a name, and each answer the headers that all have.
async fn named(State(routes): State<Routes>, mut request: Request, next: Next) -> Response {
    let id = routes.request_ids.next();
    request.extensions_mut().insert(id.clone());
    if request.uri().path() == API && routes.app.admission.is_full() {
        return routes.decline(request, &id).await;
    }
    let (span, watched) = routes.app.observe.begin(id.text(), &request);
    async move {
        let mut response = if request.headers().contains_key(ORIGIN) && request.uri().path() == API {
            let Ok(response) = routes.of_pages.oneshot(request).await;
            response
        } else {
            next.run(request).await
        };
        name(&mut response, &id);
        routes.app.observe.end(watched, response.status());
        response
    }
    .instrument(span)
    .await
}
