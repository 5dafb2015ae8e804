//! The export of everything that is held on a person.

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};

use super::error::Result;
use super::id;
use super::request::Request;

/// How far an export is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "service::data_export::State")]
pub enum DataExportState {
    /// It waits for its turn, which comes within a second or after the exports of others.
    Requested,
    /// It is being made.
    Making,
    /// Its link is good.
    Ready,
    /// It could not be made, after some tries. Ask again; if that fails as well, tell the team.
    Failed,
}

/// One archive (ZIP) with everything that is held on a person. Only they see it.
pub struct DataExport(pub service::data_export::DataExport);

/// One archive (ZIP) with everything that is held on a person: a page to read, their pictures, and all data as JSON with its JSON
/// Schemas. Only they see it.
#[Object]
impl DataExport {
    /// Global id.
    async fn id(&self) -> ID {
        id::global("DataExport", self.0.id)
    }

    /// How far it is.
    async fn state(&self) -> DataExportState {
        self.0.state.into()
    }

    /// How much of it is made: a percentage, 0 to 100.
    async fn progress(&self) -> f64 {
        self.0.progress
    }

    /// When it was asked for.
    async fn date_requested(&self) -> DateTime<Utc> {
        self.0.date_requested
    }

    /// Where it is downloaded, by a plain link, without a token: whoever has the link gets the file. Null until it is ready.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// When it and its link go: 24 hours after it is ready, or has failed; null until then.
    async fn expires(&self) -> Option<DateTime<Utc>> {
        self.0.expires
    }

    /// Bytes of the archive, a whole number that may be larger than an `Int`; null until it is ready.
    async fn size(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
        self.0.size.map(|bytes| bytes as f64)
    }
}

/// Asking for an export.
#[derive(Default)]
pub struct DataExportMutation;

#[Object]
impl DataExportMutation {
    /// Asks for one archive with everything that is held on the viewer. It is made in the background: ask for `me { dataExport }` until it
    /// is ready. While one is under way, asking again gives that one; one that is ready gives way to a new one. `RATE_LIMITED` after
    /// five, one more every five hours or so.
    async fn request_data_export(&self, context: &Context<'_>) -> Result<DataExport> {
        let request = Request::that_writes(context);
        let export = service::data_export::request(&request.service, request.viewer().await?, request.caller()).await?;
        Ok(DataExport(export))
    }
}
