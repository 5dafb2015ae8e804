//! GraphiQL, from files that are part of the binary: no other host is asked. `assets/graphiql/fetch` says where they come from.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::IntoResponse;
use axum::routing::get;

use super::App;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self' data:; worker-src 'self'; base-uri 'self'; frame-ancestors 'none'; form-action 'none'";

macro_rules! asset {
    ($file:literal, $type:literal, $cache:literal) => {
        get(|| async {
            let headers = [
                (CONTENT_TYPE, $type),
                (CACHE_CONTROL, $cache),
                (CONTENT_SECURITY_POLICY, POLICY),
                (REFERRER_POLICY, "no-referrer"),
            ];
            (headers, include_bytes!(concat!("../../assets/graphiql/", $file)).as_slice()).into_response()
        })
    };
}

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", asset!("index.html", "text/html; charset=utf-8", "no-cache"))
        .route("/graphiql/start.js", asset!("start.js", "text/javascript; charset=utf-8", "no-cache"))
        .route("/graphiql/page.css", asset!("page.css", "text/css; charset=utf-8", "no-cache"))
        .route("/graphiql/react.js", asset!("react.production.min.js", "text/javascript; charset=utf-8", "max-age=86400"))
        .route("/graphiql/react-dom.js", asset!("react-dom.production.min.js", "text/javascript; charset=utf-8", "max-age=86400"))
        .route("/graphiql/graphiql.js", asset!("graphiql.min.js", "text/javascript; charset=utf-8", "max-age=86400"))
        .route("/graphiql/graphiql.css", asset!("graphiql.min.css", "text/css; charset=utf-8", "max-age=86400"))
}
