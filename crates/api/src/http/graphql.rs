//! GraphQL over HTTP: which requests are taken, and how they are run. What `async-graphql-axum` offers for this runs mutations by GET; only
//! its reading of parameters is used. How answers are given is in [`super::answer`].

use std::pin::pin;
use std::sync::Arc;

use async_graphql::futures_util::StreamExt;
use async_graphql::{BatchRequest, Response as GraphQLResponse};
use async_graphql_axum::GraphQLBatchRequest;
use async_graphql_axum::rejection::GraphQLRejection;
use axum::body::Body;
use axum::extract::{FromRequest, Request as HttpRequest, State};
use axum::http::header::{ACCEPT_LANGUAGE, ALLOW, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use message::message;
use serde::Deserialize;
use service::caller::Caller;
use service::language::Language;
use tokio::time::{Instant, timeout, timeout_at};
use url::form_urlencoded;

use super::admission::Declined;
use super::answer::{AnswerForm, Refused, is_request_error};
use super::{App, i_json, upload};
use crate::graphql::document::{self, Cost, Known, Spent};
use crate::graphql::error::outcome;
use crate::graphql::request::{REFRESH_COOKIE, Request, Sender};

/// The most bytes that are read of a request that has too many.
const DROPPED_BYTES: usize = 32 * 1024 * 1024;
const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data";

/// How a request comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Get,
    Json,
    /// With a file.
    Form,
}

/// What a request comes to.
enum Answers {
    One(GraphQLResponse),
    /// Of a batch, in its order.
    Many(Vec<Result<GraphQLResponse, Refused>>),
}

pub(super) async fn get(State(app): State<App>, request: HttpRequest) -> Response {
    answer(&app, request, Way::Get).await
}

pub(super) async fn post(State(app): State<App>, request: HttpRequest) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_form = media_type.eq_ignore_ascii_case(FORM);
    let message = if media_type.eq_ignore_ascii_case(JSON) {
        return answer(&app, request, Way::Json).await;
    } else if is_form && upload::has_preflight(request.headers()) {
        return answer(&app, request, Way::Form).await;
    } else if is_form {
        message!(
            "Send a header GraphQL-Require-Preflight: 1 with a form, so that browsers ask first whether its page may send it."
        )
    } else {
        // It could come from a page elsewhere without the browser asking first.
        message!("Send the request as application/json, or with a file as multipart/form-data.")
    };
    let refused = Refused::told(StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_INPUT", message);
    app.observe.refused(&refused);
    AnswerForm::of(&request).refuse(refused)
}

pub(super) async fn other_method(State(app): State<App>, request: HttpRequest) -> Response {
    let message = message!("Send queries by GET or POST, and mutations by POST.");
    let refused = Refused::told(StatusCode::METHOD_NOT_ALLOWED, "INVALID_INPUT", message);
    app.observe.refused(&refused);
    let mut refused = AnswerForm::of(&request).refuse(refused);
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    refused
}

/// There is no place for it. Its body is dropped as it comes, which costs a connection and no more.
pub(super) async fn decline(app: &App, request: HttpRequest) -> Response {
    let form = AnswerForm::of(&request);
    let _ = timeout(app.limits.time, read_body(request.into_body(), 0, |_| false)).await;
    let refused = Declined::Busy.into();
    app.observe.refused(&refused);
    form.refuse(refused)
}

async fn answer(app: &App, request: HttpRequest, way: Way) -> Response {
    let form = AnswerForm::of(&request);
    match run(app, request, way).await {
        Ok(Answers::One(response)) => form.give(response),
        Ok(Answers::Many(answers)) => {
            answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(|refused| app.observe.refused(refused));
            form.give_many(answers)
        }
        Err(refused) => {
            app.observe.refused(&refused);
            form.refuse(refused)
        }
    }
}

async fn run(app: &App, request: HttpRequest, way: Way) -> Result<Answers, Refused> {
    if !origin_is_allowed(app, request.headers()) {
        let message = message!("This origin may not call the API (ALLOWED_ORIGINS).");
        return Err(Refused::told(StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    let asked = Request::new(app.service.clone(), sender(app, &request));
    let (parts, body) = request.into_parts();
    let mut room = app.admission.room();
    let (bytes, form) = match way {
        Way::Get => (Bytes::new(), None),
        Way::Form => {
            let form = upload::read(app, &asked, &parts.headers, body).await?;
            (form.operations.clone(), Some(form))
        }
        Way::Json => {
            let limit = app.limits.request_bytes;
            let read = read_body(body, limit, |bytes| room.take(bytes));
            let bytes = timeout(app.limits.time, read).await.map_err(|_| {
                let message = message!("The request took too long to arrive; send it again.");
                Refused::told(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
            })?;
            let bytes = bytes.map_err(|unread| match unread {
                Unread::NoRoom => Declined::Busy.into(),
                Unread::Broken => Refused::bad_request(message!(
                    "The body of the request broke off, or is not framed as HTTP asks; send it again."
                )),
                Unread::TooLarge => {
                    let message = message!("The request has more than {limit} bytes; send less at once.", limit);
                    Refused::told(StatusCode::PAYLOAD_TOO_LARGE, "INVALID_INPUT", message)
                }
            })?;
            (bytes.into(), None)
        }
    };
    // Only now: who sends slowly keeps a connection, and no place.
    let work = pin!(answer_read(app, parts, &bytes, form, way, asked));
    app.admission.run(&app.service.database, work).await.unwrap_or_else(|declined| Err(declined.into()))
}

/// Answers what has arrived.
async fn answer_read(
    app: &App,
    parts: Parts,
    bytes: &[u8],
    form: Option<upload::Form>,
    way: Way,
    asked: Request,
) -> Result<Answers, Refused> {
    let (requests, ids) = read(app, parts, bytes, way).await?;
    let mut ids = ids.into_iter();
    // One for all of a batch.
    let deadline = Instant::now() + app.limits.time;
    let mut spent = Spent::default();
    match requests {
        BatchRequest::Single(mut request) => {
            if let Some(form) = &form {
                form.put(&asked, &mut request).map_err(Refused::bad_request)?;
            }
            let request = prepare(app, request, ids.next().flatten().as_deref(), way, &mut spent)?;
            execute(app, request, asked, deadline).await.map(Answers::One)
        }
        BatchRequest::Batch(_) if form.is_some() => {
            Err(Refused::bad_request(message!("A form brings one request, not several in an array.")))
        }
        BatchRequest::Batch(requests) if requests.len() > app.limits.batch => {
            let (count, limit) = (requests.len(), app.limits.batch);
            let message = message!("The batch has {count} requests; at most {limit} are taken at once.", count, limit);
            Err(Refused::told(StatusCode::BAD_REQUEST, "TOO_COMPLEX", message))
        }
        BatchRequest::Batch(requests) => {
            let mut answers = Vec::with_capacity(requests.len());
            // One after the other: what one writes, the next reads.
            for request in requests {
                answers.push(match prepare(app, request, ids.next().flatten().as_deref(), way, &mut spent) {
                    Ok(request) => execute(app, request, asked.beside(), deadline).await,
                    Err(refused) => Err(refused),
                });
            }
            Ok(Answers::Many(answers))
        }
    }
}

/// The ids by which a request names documents instead of sending them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    One(NamedDocument),
    Many(Vec<NamedDocument>),
}

#[derive(Deserialize)]
struct NamedDocument {
    #[serde(rename = "documentId")]
    document_id: Option<String>,
}

/// Reads what was sent, with the ids of documents that it names, in its order.
async fn read(app: &App, mut parts: Parts, bytes: &[u8], way: Way) -> Result<(BatchRequest, Vec<Option<String>>), Refused> {
    let by_get = way == Way::Get;
    // By GET the JSON is in parameters, the same ones that the library reads.
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let parameters: Vec<_> = if by_get { form_urlencoded::parse(query.as_bytes()).collect() } else { Vec::new() };
    let parameter =
        |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone().into_owned());
    let mut json = ["variables", "extensions"].into_iter().filter_map(parameter);
    if by_get { json.try_for_each(|text| i_json::check(text.as_bytes())) } else { i_json::check(bytes) }
        .map_err(Refused::bad_request)?;
    let not_one = || Refused::bad_request(message!("The request is not a JSON object with a query, or an array of them."));
    let ids = if by_get {
        vec![parameter("documentId")]
    } else if contains(bytes, b"documentId") {
        match serde_json::from_slice(bytes).map_err(|_| not_one())? {
            Named::One(named) => vec![named.document_id],
            Named::Many(named) => named.into_iter().map(|named| named.document_id).collect(),
        }
    } else {
        Vec::new()
    };
    let mut read = if by_get {
        // HEAD is answered as GET is.
        parts.method = Method::GET;
        let request = HttpRequest::from_parts(parts, Body::empty());
        let read = GraphQLBatchRequest::<GraphQLRejection>::from_request(request, app).await;
        read.map_err(|_| not_one())?.into_inner()
    } else if bytes.trim_ascii_start().starts_with(b"[") {
        let requests: Vec<_> = serde_json::from_slice(bytes).map_err(|_| not_one())?;
        if requests.is_empty() {
            return Err(not_one());
        }
        BatchRequest::Batch(requests)
    } else {
        BatchRequest::Single(serde_json::from_slice(bytes).map_err(|_| not_one())?)
    };
    if let (true, BatchRequest::Single(request)) = (by_get, &mut read) {
        // The library looks for `operation_name`.
        request.operation_name = request.operation_name.take().or_else(|| parameter("operationName"));
    }
    Ok((read, ids))
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|part| part == word)
}

/// A request that is to be run.
struct Prepared {
    request: async_graphql::Request,
    cost: Cost,
    /// The hash under which its document is remembered, once it has shown to be one.
    to_remember: Option<String>,
    known: Option<Arc<Known>>,
}

/// Finds the document, and checks what can be checked before it runs.
fn prepare(
    app: &App,
    mut request: async_graphql::Request,
    document_id: Option<&str>,
    way: Way,
    spent: &mut Spent,
) -> Result<Prepared, Refused> {
    let to_remember = app.documents.find(&mut request, document_id)?;
    if request.query.trim().is_empty() {
        return Err(Refused::bad_request(message!(
            "There is no query: send one as the member query of a JSON object, or by GET as ?query=…"
        )));
    }
    let document::Prepared { cost, known } = document::prepare(&mut request, &app.limits, spent, &app.known_documents)?;
    if way == Way::Get && !document::only_reads(&mut request) {
        let message = message!("By GET only queries run; send this by POST.");
        return Err(Refused::told(StatusCode::METHOD_NOT_ALLOWED, "INVALID_INPUT", message));
    }
    Ok(Prepared { request, cost, to_remember, known })
}

/// Runs one request, if there is time left.
async fn execute(
    app: &App,
    Prepared { request, cost, to_remember, known }: Prepared,
    asked: Request,
    deadline: Instant,
) -> Result<GraphQLResponse, Refused> {
    let too_late = || {
        let message = message!(
            "The request took longer than {limit} s. Ask for less at once; whether something was changed is to be read again.",
            limit = app.limits.time.as_secs()
        );
        Refused::told(StatusCode::SERVICE_UNAVAILABLE, "TIMEOUT", message)
    };
    let began = Instant::now();
    if began >= deadline {
        return Err(too_late());
    }
    let operation = known.as_ref().and_then(|known| known.operation(request.operation_name.as_deref()));
    let document = to_remember.map(|hash| (hash, request.query.clone()));
    let schema = match cost {
        _ if known.as_ref().is_some_and(|known| known.is_valid()) => &app.schema_of_valid,
        Cost::Small => &app.schema,
        Cost::Great => &app.quiet_schema,
    };
    let response = timeout_at(deadline, schema.execute(request.data(asked))).await;
    let outcome = response.as_ref().map_or("TIMEOUT", outcome);
    let ran = response.as_ref().is_ok_and(|response| !is_request_error(response));
    app.observe.ran(known.as_deref(), operation, began.elapsed(), outcome, ran);
    let response = response.map_err(|_| too_late())?;
    if ran {
        if let Some((hash, document)) = document {
            app.documents.remember(hash, &document);
        }
        if let Some(known) = &known {
            app.known_documents.keep(known);
        }
    }
    Ok(response)
}

/// Why a body was not read.
pub(super) enum Unread {
    TooLarge,
    /// There is no room for it now.
    NoRoom,
    /// It broke off, or its chunks are none.
    Broken,
}

/// The body, if it is not too large, and there is room for it. One that is too large is read to its end all the same and dropped, as far as
/// that is bearable: a client that is still sending would find the connection broken instead of the answer.
pub(super) async fn read_body(body: Body, limit: usize, mut has_room: impl FnMut(usize) -> bool) -> Result<Vec<u8>, Unread> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Unread::Broken)?;
        length += part.len();
        if length <= limit {
            if !has_room(part.len()) {
                return Err(Unread::NoRoom);
            }
            bytes.extend_from_slice(&part);
        } else if length > DROPPED_BYTES {
            break;
        }
    }
    if length <= limit { Ok(bytes) } else { Err(Unread::TooLarge) }
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
