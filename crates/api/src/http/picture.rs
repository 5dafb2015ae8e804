//! Pictures, for whoever has a link that was signed. Nothing that is given here is taken for anything but a picture.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use service::Error;
use service::user_picture::{Link, by_link};

use super::App;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) async fn get(
    State(app): State<App>,
    id: Result<Path<i64>, PathRejection>,
    link: Result<Query<Link>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    // What is not of the form of a link leads nowhere, as one that is not good; what is wrong with it is nobody's to know.
    let (Ok(Path(id)), Ok(Query(link))) = (id, link) else { return nothing(StatusCode::NOT_FOUND) };
    let tag = format!("\"{}\"", link.version);
    let is_known = is_known(&headers, &tag);
    let linked = match by_link(&app.service, id, &link, !is_known).await {
        Ok(linked) => linked,
        Err(Error::NotFound(_)) => return nothing(StatusCode::NOT_FOUND),
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(source, "a request failed");
            return nothing(StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    let caching = [
        (ETAG, tag),
        // The link says which version it is, so it never changes; for the person alone, and no longer than the link.
        (CACHE_CONTROL, format!("private, max-age={}, immutable", linked.lasts)),
        // Front ends may be elsewhere, and there is one value for all: the link itself is what keeps others out.
        (RESOURCE_POLICY, "cross-origin".to_owned()),
    ];
    let Some(bytes) = linked.bytes else { return (StatusCode::NOT_MODIFIED, caching).into_response() };
    let media_type = linked.format.media_type();
    let headers = [
        (CONTENT_TYPE, media_type.to_owned()),
        (CONTENT_DISPOSITION, format!("inline; filename=\"{}\"", media_type.replace("image/", "picture."))),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (caching, headers, bytes).into_response()
}

/// Whether the client says that it has this version (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.map(str::trim).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn nothing(status: StatusCode) -> Response {
    (status, [(CACHE_CONTROL, "no-store")]).into_response()
}
