//! How answers are given: the media type and the status that the GraphQL over HTTP specification asks for.

use async_graphql::{Pos, Response as GraphQLResponse};
use axum::extract::Request as HttpRequest;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use message::{Message, message};
use serde_json::json;
use service::language::Language;

use super::RequestId;
use super::admission::Declined;
use super::persisted::Fault;
use crate::graphql::document;
use crate::graphql::error::{ApiError, complete, refused};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// Why nothing was run.
pub(super) enum Refused {
    /// The request is at fault, or comes at a bad time.
    Told {
        /// What HTTP says of it; `None`: what it says of any request that GraphQL can't run, which depends on what the client takes.
        status: Option<StatusCode>,
        /// One of `ErrorCode`.
        code: &'static str,
        /// What is wrong, and the way out.
        message: Message,
    },
    /// What it is for failed.
    Failed(ApiError),
}

impl Refused {
    /// With this status.
    pub(super) fn told(status: StatusCode, code: &'static str, message: Message) -> Self {
        Self::Told { status: Some(status), code, message }
    }

    /// It is not a request as it is taken here.
    pub(super) fn bad_request(message: Message) -> Self {
        Self::told(StatusCode::BAD_REQUEST, "INVALID_INPUT", message)
    }

    /// Why, as it is counted.
    pub(super) fn reason(&self) -> (&'static str, Option<StatusCode>) {
        match self {
            Self::Told { status, code, .. } => (*code, *status),
            Self::Failed(error) => (error.code(), None),
        }
    }

    fn response(self, language: Language) -> (Option<StatusCode>, GraphQLResponse) {
        let (status, error) = match self {
            Self::Told { status, code, message } => (status, refused(code, &message, language)),
            Self::Failed(error) => {
                let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
                error.locations.clear();
                (None, error)
            }
        };
        (status, GraphQLResponse::from_errors(vec![error]))
    }
}

impl From<document::Refused> for Refused {
    fn from(document::Refused { code, message }: document::Refused) -> Self {
        Self::Told { status: None, code, message }
    }
}

impl From<Declined> for Refused {
    fn from(declined: Declined) -> Self {
        // The words that the rules have for the same.
        let message = match declined {
            Declined::Busy => message!("The service is very busy; please try again in a moment."),
            Declined::Silent => message!("The service can't do this right now; please look again in a moment."),
        };
        Self::told(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        let (code, message) = match fault {
            // The words that Apollo's clients look for.
            Fault::NotFound => ("PERSISTED_QUERY_NOT_FOUND", message!("PersistedQueryNotFound")),
            Fault::NotTrusted => ("FORBIDDEN", message!("Only the documents that the service lists run here.")),
            Fault::Malformed => (
                "INVALID_INPUT",
                message!("extensions.persistedQuery is not an object with version 1 and the sha256Hash of the document."),
            ),
            Fault::OtherHash => (
                "INVALID_INPUT",
                message!("The hash of the persisted query is of another document; give the SHA-256 of its text."),
            ),
        };
        Self::Told { status: None, code, message }
    }
}

/// How the client wants its answer.
pub(super) struct AnswerForm {
    request_id: RequestId,
    accepts_graphql: bool,
    language: Language,
}

impl AnswerForm {
    /// As the request says.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
        let wished = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = Language::of_messages(wished.and_then(Language::wished));
        Self { request_id, accepts_graphql: accepts_graphql_response(request.headers()), language }
    }

    /// What was run.
    pub(super) fn give(&self, response: GraphQLResponse) -> Response {
        self.reply(None, response)
    }

    /// What of a batch was run, in its order; the status says nothing of any of them.
    pub(super) fn give_many(&self, answers: Vec<Result<GraphQLResponse, Refused>>) -> Response {
        let (mut bodies, mut headers) = (Vec::with_capacity(answers.len()), HeaderMap::new());
        for answer in answers {
            let mut response = answer.unwrap_or_else(|refused| refused.response(self.language).1);
            append(&mut headers, std::mem::take(&mut response.http_headers));
            bodies.push(self.body(response).1);
        }
        let mut body = vec![b'['];
        body.extend(bodies.join(&b','));
        body.push(b']');
        let mut reply = self.with_type(StatusCode::OK, body);
        append(reply.headers_mut(), headers);
        reply
    }

    /// Nothing was run.
    pub(super) fn refuse(&self, refused: Refused) -> Response {
        let (status, response) = refused.response(self.language);
        let mut reply = self.reply(status, response);
        if status == Some(StatusCode::METHOD_NOT_ALLOWED) {
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if status == Some(StatusCode::SERVICE_UNAVAILABLE) {
            // Seconds. A rush is over by then, or it is as bad as before, and whoever asks knows it at once.
            reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        reply
    }

    fn reply(&self, status: Option<StatusCode>, mut response: GraphQLResponse) -> Response {
        let headers = std::mem::take(&mut response.http_headers);
        let (is_request_error, body) = self.body(response);
        let usual = if is_request_error && self.accepts_graphql { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let mut reply = self.with_type(status.unwrap_or(usual), body);
        reply.headers_mut().extend(headers);
        reply
    }

    /// The text, and whether nothing ran because the request itself is at fault.
    fn body(&self, mut response: GraphQLResponse) -> (bool, Vec<u8>) {
        complete(&mut response, self.request_id.text(), self.language);
        let is_request_error = is_request_error(&response);
        let body = if is_request_error {
            json!({ "errors": response.errors }).to_string().into_bytes()
        } else {
            super::body::write(&response).unwrap_or_else(|error| {
                tracing::error!(%error, "an answer could not be written");
                Vec::new()
            })
        };
        (is_request_error, body)
    }

    fn with_type(&self, status: StatusCode, body: Vec<u8>) -> Response {
        let media_type = if self.accepts_graphql {
            "application/graphql-response+json; charset=utf-8"
        } else {
            "application/json; charset=utf-8"
        };
        // What is answered is for one person: no cache keeps it.
        (status, [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")], body).into_response()
    }
}

/// Whether nothing ran because the request itself is at fault.
pub(super) fn is_request_error(response: &GraphQLResponse) -> bool {
    response.is_err() && response.errors.iter().all(|error| error.path.is_empty()) && response.data == async_graphql::Value::Null
}

/// Adds headers to others, of the same names too: each cookie has its own.
fn append(headers: &mut HeaderMap, more: HeaderMap) {
    let mut last = None;
    for (name, value) in more {
        last = name.or(last);
        if let Some(name) = last.clone() {
            headers.append(name, value);
        }
    }
}

/// Whether the client would rather have the newer media type (RFC 9110, section 12.5.1). Without a wish it gets `application/json`.
fn accepts_graphql_response(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> = accept.flat_map(|value| value.split(',')).map(|range| range.split(';').map(str::trim)).collect();
    let weight = |wanted: &[&str]| {
        let mut of_type = ranges.iter().cloned().filter_map(|mut range| {
            let name = range.next()?;
            let weight = range.find_map(|parameter| parameter.strip_prefix("q=")?.trim().parse::<f32>().ok());
            wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)).then_some(weight.unwrap_or(1.0))
        });
        of_type.next()
    };
    let newer = weight(&[GRAPHQL_RESPONSE]).unwrap_or_default();
    newer > 0.0 && newer >= weight(&["application/json"]).unwrap_or_default()
}
