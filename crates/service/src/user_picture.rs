//! Pictures: one of a person and one behind them, made from what is sent ([`picture`]), given to whoever has a link that was signed.
//! Their bytes are read for that alone.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use entity::user as people;
use entity::user_picture::{ActiveModel, Column, Entity};
use picture::Format;
pub use picture::MAX_BYTES;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::metrics::Metrics;
use crate::viewer::{Owner, Viewer, by_owner, user_ids};
use crate::workers::Workers;
use crate::{Error, Missing, Service, brake, user};

/// How many pictures are made at once: each may take some hundred MiB while it is.
const PLACES: usize = 2;
/// The most that wait for it, with their files.
const MOST_WAITING: usize = 30;
/// For how long a person's links are the same, so that browsers need not ask again: they end after one to two times as long.
const LINKS_ARE_THE_SAME: TimeDelta = TimeDelta::hours(6);

/// A file as it is sent.
#[derive(Clone, Debug)]
pub struct File {
    /// What its sender calls it; not kept.
    pub name: String,
    /// What its sender says that it is; not kept either.
    pub media_type: Option<String>,
    /// What it is.
    pub bytes: Bytes,
}

/// What a picture is for; a person has one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureType {
    /// Shows the person.
    Profile,
    /// Is behind them.
    Cover,
}

impl PictureType {
    /// As `user_pictures.type` says it.
    fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Cover => "cover",
        }
    }
}

/// What is known of a picture, without its bytes.
#[derive(Clone, Debug, FromQueryResult)]
pub struct UserPicture {
    /// The row's id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    #[sea_orm(alias = "type")]
    kind: String,
    /// From left to right, in pixels.
    pub width: i32,
    /// From top to bottom, in pixels.
    pub height: i32,
    content_hash: String,
    /// When it was last replaced.
    pub date_updated: DateTime<Utc>,
}

impl UserPicture {
    /// Whether it is the one for this.
    #[must_use]
    pub fn is(&self, kind: PictureType) -> bool {
        self.kind == kind.name()
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> PictureType {
        if self.is(PictureType::Cover) { PictureType::Cover } else { PictureType::Profile }
    }
}

/// Makes pictures, and the links to them.
pub struct Pictures {
    workers: Workers,
    /// Where browsers find this service.
    origin: String,
}

impl Pictures {
    /// For a service that browsers find at the origin of `public_url`.
    #[must_use]
    pub fn new(public_url: &Url, metrics: &Metrics) -> Self {
        let workers = Workers::new(PLACES, MOST_WAITING, metrics.work("picture"));
        Self { workers, origin: public_url.origin().ascii_serialization() }
    }

    async fn make(&self, file: File) -> Result<picture::Picture, Error> {
        let made = self.workers.run(move || picture::make(&file.name, file.media_type.as_deref(), &file.bytes)).await?;
        made.map_err(|fault| Error::invalid("/file", fault))
    }
}

/// The rows without their bytes.
fn known() -> Select<Entity> {
    let columns =
        [Column::Id, Column::UserId, Column::Kind, Column::Width, Column::Height, Column::ContentHash, Column::DateUpdated];
    Entity::find().select_only().columns(columns)
}

/// The pictures of each of these people.
pub async fn by_owners(service: &Service, owners: &[Owner]) -> Result<HashMap<Owner, Vec<Arc<UserPicture>>>, Error> {
    let rows = known()
        .filter(service.database.is_any(Column::UserId, &user_ids(owners)))
        .order_by_asc(Column::Id)
        .into_model::<UserPicture>()
        .all(service.database.pool())
        .await?;
    Ok(by_owner(owners, rows.into_iter().map(Arc::new).collect(), |row| row.user_id))
}

/// Makes a picture of a file, in place of the viewer's picture for this.
pub async fn upload(service: &Service, viewer: &Viewer, kind: PictureType, file: File) -> Result<UserPicture, Error> {
    // Asked first: what would be refused is not worth making, nor a try.
    user::may_write(service, viewer).await?;
    brake::take(service, &brake::PICTURES, &viewer.owner().user_id().to_string()).await?;
    let made = service.pictures.make(file).await?;
    let side = |pixels: u32| i32::try_from(pixels).map_err(Error::internal);
    let (width, height) = (side(made.width)?, side(made.height)?);
    let content_hash = content_hash(&made.bytes);
    let transaction = service.database.write().await?;
    let user_id = user::lock_writer(&transaction, viewer).await?.id;
    let date_updated = service.clock.now();
    let row = ActiveModel {
        user_id: Set(user_id),
        kind: Set(kind.name().to_owned()),
        picture_data: Set(made.bytes),
        width: Set(width),
        height: Set(height),
        media_type: Set(made.format.media_type().to_owned()),
        content_hash: Set(content_hash.clone()),
        date_updated: Set(date_updated),
        ..Default::default()
    };
    let stored = known().filter(Column::UserId.eq(user_id)).filter(Column::Kind.eq(kind.name()));
    let id = if let Some(stored) = stored.into_model::<UserPicture>().one(&transaction).await? {
        Entity::update_many().set(row).filter(Column::Id.eq(stored.id)).exec(&transaction).await?;
        stored.id
    } else {
        Entity::insert(row).exec(&transaction).await?.last_insert_id
    };
    transaction.commit().await?;
    Ok(UserPicture { id, user_id, kind: kind.name().to_owned(), width, height, content_hash, date_updated })
}

/// What a picture's links and `ETag` know it by.
pub(crate) fn content_hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

/// The media type of a file that this service has made, by its first bytes.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let heads: [(&[u8], Format); 2] = [(b"\xff\xd8\xff", Format::Jpeg), (b"\x89PNG\r\n\x1a\n", Format::Png)];
    heads.into_iter().find(|(head, _)| bytes.starts_with(head)).map(|(_, format)| format.media_type())
}

/// Removes the viewer's picture for this, and says whether there was one.
pub async fn remove(service: &Service, viewer: &Viewer, kind: PictureType) -> Result<bool, Error> {
    let transaction = service.database.write().await?;
    let user_id = user::lock_viewer(&transaction, viewer).await?.id;
    let removed = Entity::delete_many().filter(Column::UserId.eq(user_id)).filter(Column::Kind.eq(kind.name()));
    let removed = removed.exec(&transaction).await?.rows_affected;
    transaction.commit().await?;
    Ok(removed > 0)
}

/// What a link says besides whose picture it is.
#[derive(Debug, Deserialize)]
pub struct Link {
    /// The hash of the picture: once it is replaced, the link leads nowhere.
    #[serde(rename = "v")]
    pub version: String,
    /// Until when it is good, in seconds since 1970.
    #[serde(rename = "e")]
    pub expires: i64,
    /// What only this service can make.
    #[serde(rename = "s")]
    pub signature: String,
}

/// A link to a picture that the viewer may see: for six to twelve hours, whoever has it sees the picture as well.
#[must_use]
pub fn url(service: &Service, picture: &UserPicture) -> String {
    let step = LINKS_ARE_THE_SAME.num_seconds();
    let expires = (service.clock.now().timestamp().div_euclid(step) + 2) * step;
    let UserPicture { id, content_hash, .. } = picture;
    let signature = service.keyed_hash.picture_signature(*id, content_hash, expires);
    format!("{}/pictures/{id}?v={content_hash}&e={expires}&s={signature}", service.pictures.origin)
}

/// The picture that a link leads to.
#[derive(Debug)]
pub struct Linked {
    /// The file; none where it was not asked for.
    pub bytes: Option<Vec<u8>>,
    /// JPEG or PNG.
    pub format: Format,
    /// For how many seconds the link is good still.
    pub lasts: i64,
}

/// The picture that a link leads to, with its bytes or without. A link that is not good, or not any more, and a picture that was replaced
/// or removed are not told apart.
pub async fn by_link(service: &Service, id: i64, link: &Link, with_bytes: bool) -> Result<Linked, Error> {
    let nothing = || Error::NotFound(Missing::Picture);
    let lasts = link.expires.saturating_sub(service.clock.now().timestamp());
    if lasts <= 0 || !service.keyed_hash.is_picture_signature(&link.signature, id, &link.version, link.expires) {
        return Err(nothing());
    }
    // Of an account that is open.
    let open =
        Query::select().column(people::Column::Id).from(people::Entity).and_where(people::Column::IsActive.eq(true)).take();
    let row = Entity::find_by_id(id).filter(Column::ContentHash.eq(&link.version)).filter(Column::UserId.in_subquery(open));
    let row = row.select_only().column(Column::MediaType);
    let row = if with_bytes { row.column(Column::PictureData) } else { row.expr_as(Expr::cust("NULL"), "picture_data") };
    let found: Option<(String, Option<Vec<u8>>)> = row.into_tuple().one(service.database.pool()).await?;
    let (media_type, bytes) = found.ok_or_else(nothing)?;
    let format = [Format::Jpeg, Format::Png].into_iter().find(|format| format.media_type() == media_type).ok_or_else(nothing)?;
    Ok(Linked { bytes, format, lasts })
}
