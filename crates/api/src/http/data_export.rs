//! Gives out an export, to whoever has its signed link: a browser that follows a link sends no token.

use std::sync::Arc;

use async_graphql::futures_util::stream;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use service::{Error, Missing, Uuid, data_export};

use super::App;
use super::graphql::sender;

#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    expires: String,
    #[serde(default)]
    signature: String,
}

const PLAIN: [(HeaderName, &str); 3] =
    [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];

pub(super) async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    link: Result<Query<Link>, QueryRejection>,
    request: Request,
) -> Response {
    let caller = sender(&app, &request).caller;
    let opened = match (id.parse(), link.ok().and_then(|Query(link)| Some((link.expires.parse().ok()?, link.signature)))) {
        (Ok(id), Some((expires, signature))) => {
            let id: Uuid = id;
            data_export::download(&app.service, id, expires, &signature, &caller).await
        }
        _ => Err(Error::NotFound(Missing::Export)),
    };
    let download = match opened {
        Ok(download) => Arc::new(download),
        Err(Error::NotFound(_)) => {
            let told = "Ce lien ne marche pas, ou plus : il est valable 24 heures. Demande un nouvel export dans ton compte.\n\
                This link does not work (any more): it is good for 24 hours. Ask for a new export in your account.\n";
            return (StatusCode::NOT_FOUND, PLAIN, told).into_response();
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(source, "an export was not given out");
            let told = "Le fichier ne peut pas être donné pour le moment. Réessaie dans un instant.\n\
                The file can't be given right now. Please try again in a moment.\n";
            return (StatusCode::SERVICE_UNAVAILABLE, PLAIN, told).into_response();
        }
    };
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_LENGTH, download.size.to_string()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"autrement-capable-{}.zip\"", download.date_requested.format("%Y-%m-%d")),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    // One part in memory: the next is read once it has gone.
    let service = app.service.clone();
    let parts = stream::try_unfold(0, move |position| {
        let (service, download) = (service.clone(), download.clone());
        async move {
            let part = download.part(&service, position).await.inspect_err(|error| {
                tracing::warn!(error = error.code(), position, "giving out an export broke off");
            });
            Ok::<_, Error>(part?.map(|part| (part, position + 1)))
        }
    });
    (headers, Body::from_stream(parts)).into_response()
}
