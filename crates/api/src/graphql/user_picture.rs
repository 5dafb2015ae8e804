//! Pictures.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};

use super::error::Result;
use super::id;
use super::request::Request;
use super::upload::Upload;

/// What a picture is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "service::user_picture::PictureType")]
pub enum PictureType {
    /// Shows the person.
    Profile,
    /// Is behind them.
    Cover,
}

/// A picture of a person, or behind them.
pub struct UserPicture(pub Arc<service::user_picture::UserPicture>);

/// A picture of a person, or behind them: JPEG, or PNG where something in it is transparent.
#[Object]
impl UserPicture {
    /// Global id; the same when the picture is replaced.
    async fn id(&self) -> ID {
        id::global("UserPicture", self.0.id)
    }

    /// What it is for; a person has one of each.
    async fn r#type(&self) -> PictureType {
        self.0.kind().into()
    }

    /// Where it is, for an `<img>`: absolute, signed, good for six to twelve hours and until the picture is replaced. Whoever has it sees
    /// the picture, so it is not for passing on or storing; ask for a new one instead.
    async fn url(&self, context: &Context<'_>) -> String {
        service::user_picture::url(&Request::of(context).service, &self.0)
    }

    /// From left to right, in pixels: 100 to 1920.
    async fn width(&self) -> i32 {
        self.0.width
    }

    /// From top to bottom, in pixels: 100 to 1080.
    async fn height(&self) -> i32 {
        self.0.height
    }

    /// When it was last replaced.
    async fn date_updated(&self) -> DateTime<Utc> {
        self.0.date_updated
    }
}

/// What an upload counts for in a query's complexity: four in one request are the most.
const UPLOAD: usize = 12_000;

/// Choosing pictures.
#[derive(Default)]
pub struct UserPictureMutation;

#[Object]
impl UserPictureMutation {
    /// Puts a picture in place of the viewer's picture for this. It is turned upright, made to fit into 1920 × 1080 pixels (never made
    /// larger), and written anew without anything else that the file holds: no place, no date, no camera. The first picture of an animated one is taken;
    /// colours are taken for sRGB. `INVALID_INPUT` at `/file` says what is wrong with the file; `RATE_LIMITED` after 30, then one every two minutes.
    #[graphql(complexity = "UPLOAD + child_complexity")]
    async fn upload_picture(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is for.", default_with = "PictureType::Profile", name = "type")] kind: PictureType,
        #[graphql(
            desc = "JPEG, PNG or WebP; 5 MiB, 40 megapixels at most, 100 × 100 pixels at least. Its name and media type, where they say \
                    something, agree with its bytes."
        )]
        file: Upload,
    ) -> Result<UserPicture> {
        let request = Request::that_writes(context);
        let viewer = request.viewer().await?;
        let file = file.file(request, "/file")?;
        let picture = service::user_picture::upload(&request.service, viewer, kind.into(), file).await?;
        Ok(UserPicture(Arc::new(picture)))
    }

    /// Removes the viewer's picture for this: links to it lead nowhere from now on. False where there is none.
    async fn remove_picture(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is for.", name = "type")] kind: PictureType,
    ) -> Result<bool> {
        let request = Request::that_writes(context);
        Ok(service::user_picture::remove(&request.service, request.viewer().await?, kind.into()).await?)
    }
}
