//! GraphQL over HTTP: which requests are taken, and how answers are given back. What `async-graphql-axum` offers for this runs
//! mutations by GET; only its reading of a request is used.

use async_graphql::futures_util::StreamExt;
use async_graphql::{Pos, Response as GraphQLResponse};
use async_graphql_axum::GraphQLRequest;
use axum::body::Body;
use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, ORIGIN, USER_AGENT,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use service::caller::Caller;
use service::language::Language;
use url::form_urlencoded;

use super::{App, RequestId, i_json, upload};
use crate::graphql::document;
use crate::graphql::error::{ApiError, complete};
use crate::graphql::request::{REFRESH_COOKIE, Request, Sender};

/// The most bytes of a request, but for a file that it brings.
pub(super) const REQUEST_BYTES: usize = 1024 * 1024;
/// The most bytes that are read of a request that has too many.
const DROPPED_BYTES: usize = 32 * 1024 * 1024;
const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";
const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// How a request comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Get,
    Json,
    /// With a file.
    Form,
}

/// Why nothing was run.
pub(super) enum Refused {
    /// The request is at fault, or comes at a bad time.
    Told {
        /// What HTTP says of it.
        status: StatusCode,
        /// One of `ErrorCode`.
        code: &'static str,
        /// What is wrong, and the way out.
        message: String,
    },
    /// What it is for failed.
    Failed(ApiError),
}

pub(super) async fn get(State(app): State<App>, request: HttpRequest) -> Response {
    if request.uri().query().is_none() {
        return refuse(
            &request,
            StatusCode::BAD_REQUEST,
            "INVALID_INPUT",
            "There is no query. Send one as ?query=…, or by POST.",
        );
    }
    answer(&app, request, Way::Get).await
}

pub(super) async fn post(State(app): State<App>, request: HttpRequest) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(JSON) {
        return answer(&app, request, Way::Json).await;
    }
    if !media_type.eq_ignore_ascii_case(FORM) {
        // It could come from a page elsewhere without the browser asking first.
        let message = "Send the request as application/json, or with a file as multipart/form-data.";
        return refuse(&request, StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_INPUT", message);
    }
    if !upload::has_preflight(request.headers()) {
        let message =
            "Send a header GraphQL-Require-Preflight: 1 with a form, so that browsers ask first whether its page may send it.";
        return refuse(&request, StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_INPUT", message);
    }
    answer(&app, request, Way::Form).await
}

async fn answer(app: &App, request: HttpRequest, way: Way) -> Response {
    if !origin_is_allowed(app, request.headers()) {
        return refuse(&request, StatusCode::FORBIDDEN, "FORBIDDEN", "This origin may not call the API (ALLOWED_ORIGINS).");
    }
    let accepts_graphql = accepts_graphql_response(request.headers());
    let request_id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default();
    let asked = Request::new(app.service.clone(), sender(app, &request));
    let language = asked.caller().message_language();
    let (mut parts, body) = request.into_parts();
    let shell = HttpRequest::from_parts(parts.clone(), Body::empty());
    let (bytes, form) = if way == Way::Form {
        match upload::read(app, &asked, &parts.headers, body).await {
            Ok(form) => (form.operations.clone(), Some(form)),
            Err(Refused::Told { status, code, message }) => return refuse(&shell, status, code, &message),
            Err(Refused::Failed(error)) => return shape(failed(error), &request_id, language, accepts_graphql),
        }
    } else {
        let Some(bytes) = read_body(body, REQUEST_BYTES).await else {
            return refuse(&shell, StatusCode::PAYLOAD_TOO_LARGE, "INVALID_INPUT", "The request has more than 1 MiB.");
        };
        (bytes.into(), None)
    };
    let by_get = way == Way::Get;
    if form.is_some() {
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    // By GET the JSON is in parameters, the same ones that the library reads.
    let parameters: Vec<_> =
        shell.uri().query().map(|query| form_urlencoded::parse(query.as_bytes()).collect()).unwrap_or_default();
    let json = parameters.iter().filter(|(name, _)| by_get && (name == "variables" || name == "extensions"));
    let json = json.map(|(_, text)| text.as_bytes()).chain((!by_get).then_some(&*bytes));
    if let Some(fault) = json.map(i_json::check).find_map(Result::err) {
        let message = format!("The request is not JSON as it is taken here: {fault}.");
        return refuse(&shell, StatusCode::BAD_REQUEST, "INVALID_INPUT", &message);
    }
    let Ok(read) = GraphQLRequest::<async_graphql_axum::rejection::GraphQLRejection>::from_request(
        HttpRequest::from_parts(parts, Body::from(bytes)),
        app,
    )
    .await
    else {
        return refuse(&shell, StatusCode::BAD_REQUEST, "INVALID_INPUT", "The request is not a JSON object with a query.");
    };
    let mut read = read.into_inner();
    if by_get && read.operation_name.is_none() {
        // The library looks for `operation_name`.
        read.operation_name =
            parameters.iter().find(|(name, _)| name == "operationName").map(|(_, name)| name.clone().into_owned());
    }
    if let Some(Err(fault)) = form.as_ref().map(|form| form.put(&asked, &mut read)) {
        let message = format!("The form is not as it is taken here: {fault}.");
        return refuse(&shell, StatusCode::BAD_REQUEST, "INVALID_INPUT", &message);
    }
    if let Err(document::Refused { code, message }) = document::prepare(&mut read) {
        return refuse(&shell, StatusCode::BAD_REQUEST, code, &message);
    }
    if by_get && !document::only_reads(&mut read) {
        let mut refused =
            refuse(&shell, StatusCode::METHOD_NOT_ALLOWED, "INVALID_INPUT", "By GET only queries run; send this by POST.");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return refused;
    }
    let response = app.schema.execute(read.data(asked)).await;
    shape(response, &request_id, language, accepts_graphql)
}

/// The answer where nothing was run because of this.
fn failed(error: ApiError) -> GraphQLResponse {
    let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
    error.locations.clear();
    GraphQLResponse::from_errors(vec![error])
}

fn shape(mut response: GraphQLResponse, request_id: &str, language: Language, accepts_graphql: bool) -> Response {
    complete(&mut response, request_id, language);
    let headers = std::mem::take(&mut response.http_headers);
    // Nothing ran: the request itself is at fault.
    let is_request_error = response.is_err()
        && response.errors.iter().all(|error| error.path.is_empty())
        && response.data == async_graphql::Value::Null;
    let body = if is_request_error {
        json!({ "errors": response.errors }).to_string().into_bytes()
    } else {
        serde_json::to_vec(&response).unwrap_or_default()
    };
    let status = if is_request_error && accepts_graphql { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let mut answer = reply(status, accepts_graphql, body);
    answer.headers_mut().extend(headers);
    answer
}

/// The body, if it is not too large. One that is too large is read to its end all the same and dropped, as far as that is bearable: a
/// client that is still sending would find the connection broken instead of the answer.
pub(super) async fn read_body(body: Body, limit: usize) -> Option<Vec<u8>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.ok()?;
        length += part.len();
        if length <= limit {
            bytes.extend_from_slice(&part);
        } else if length > DROPPED_BYTES {
            break;
        }
    }
    (length <= limit).then_some(bytes)
}

pub(super) fn sender(app: &App, request: &HttpRequest) -> Sender {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // A header of another form is a token that is not good, rather than none.
    let bearer = headers.get(AUTHORIZATION).map(|value| {
        let parts = value.to_str().unwrap_or_default().split_once(' ');
        parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map_or("", |(_, token)| token.trim()).to_owned()
    });
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let refresh_cookie = cookies.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == REFRESH_COOKIE);
    Sender {
        bearer,
        refresh_cookie: refresh_cookie.map(|(_, token)| token.to_owned()),
        is_browser: headers.contains_key(ORIGIN),
        caller: Caller {
            device: text(USER_AGENT).unwrap_or_default().to_owned(),
            address: app.proxies.address(request),
            wished: Language::wished(text(ACCEPT_LANGUAGE).unwrap_or_default()),
        },
    }
}

/// No origin (not a browser), one of the list, or, on this machine itself, the address under which GraphiQL was opened. Elsewhere
/// `PUBLIC_URL` says what is our own: a name that somebody else points at us is not.
fn origin_is_allowed(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = ["127.0.0.1", "localhost", "[::1]"].contains(&name) && origin.strip_prefix("http://") == Some(host);
    is_local || app.origins.iter().any(|allowed| allowed == origin)
}

/// Whether the client asks for the newer media type. Without a wish it gets `application/json`.
fn accepts_graphql_response(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|range| range.split(';').next().unwrap_or_default().trim() == GRAPHQL_RESPONSE)
}

fn refuse(request: &HttpRequest, status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    reply(status, accepts_graphql_response(request.headers()), body.to_string().into_bytes())
}

fn reply(status: StatusCode, graphql_response: bool, body: Vec<u8>) -> Response {
    let media_type =
        if graphql_response { "application/graphql-response+json; charset=utf-8" } else { "application/json; charset=utf-8" };
    // What is answered is for one person: no cache keeps it.
    (status, [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")], body).into_response()
}
