//! GraphiQL, from files that are part of the binary: no other host is asked. The page is ours (`assets/graphiql/page`); what it
//! stands on (`assets/graphiql/bundle`) is built by `assets/graphiql/build`, and kept compressed as it is sent.

use std::io::Read;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::GzDecoder;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::App;

/// Nothing but what comes from here. Styles alone may be inline: the editor (Monaco) writes its own into the page. `data:` is for the
/// small pictures in the editor's style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
const INDEX: &str = "index.html";

#[derive(RustEmbed)]
#[folder = "assets/graphiql/page"]
struct Page;

#[derive(RustEmbed)]
#[folder = "assets/graphiql/bundle"]
struct Bundle;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(index)).route("/graphiql/{file}", get(file))
}

async fn index(headers: HeaderMap) -> Response {
    serve(INDEX, &headers)
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    serve(&name, &headers)
}

fn serve(name: &str, asked: &HeaderMap) -> Response {
    let compressed = Bundle::get(&format!("{name}.gz"));
    let is_compressed = compressed.is_some();
    let (Some(file), Some(media_type)) = (compressed.or_else(|| Bundle::get(name)).or_else(|| Page::get(name)), media_type(name))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let takes_gzip = accepts_gzip(asked);
    let Ok(tag) = HeaderValue::try_from(tag(&file, is_compressed && takes_gzip)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Names stay from release to release: browsers keep a file, and ask each time whether it is still the one.
    let mut answer = if asked.get(IF_NONE_MATCH) == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else if is_compressed && !takes_gzip {
        unpacked(&file.data).into_response()
    } else {
        file.data.into_response()
    };
    let headers = answer.headers_mut();
    headers.insert(ETAG, tag);
    if is_compressed {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if takes_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    for (name, value) in [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next()? {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "ttf" => "font/ttf",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

/// Names the bytes that are sent.
fn tag(file: &EmbeddedFile, as_gzip: bool) -> String {
    format!("\"{}{}\"", URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()), if as_gzip { "-gzip" } else { "" })
}

/// Every browser does.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn unpacked(compressed: &[u8]) -> Result<Vec<u8>, StatusCode> {
    let mut bytes = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut bytes).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(bytes)
}
