//! Making an export, in the background.
//!
//! An instance takes a row up by counting one try more (compare and set), which gives it the lease; each sign that it still works,
//! and each part, is written under that count, so that one that was thought dead and is not writes nothing beside its follower.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use entity::data_export::{Column, Entity, Model};
use entity::{data_export_part, role, terms_version, user};
use message::message;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, UpdateMany,
};
use serde_json::json;

use super::archive::{Archive, PART};
use super::page::{self, Courses};
use super::parts::{Cipher, KEY, wrap_key};
use super::row::{self, Known};
use super::tables::{self, Table, for_each_exported_table};
use super::{KEPT, State};
use crate::clock::CLOCKS_DIFFER;
use crate::language::Language;
use crate::{Error, Service, random, sealed};

/// How long an instance may give no sign.
const LEASE: TimeDelta = TimeDelta::minutes(1);
/// How often it gives one at least.
const SIGN: Duration = Duration::from_secs(10);
/// How long a replica may need to come as far as the primary: nobody waits for it, and the primary is spared.
const PATIENCE: Duration = Duration::from_secs(1);
/// Tries, after which it has failed.
const TRIES: i32 = 3;
/// More rows than this may come to a file of more than 4 GiB: two JSON fields of 64 KiB each.
const LARGE: u64 = 4 * 1024 * 1024 * 1024 / (2 * 72 * 1024);
/// What an archive says it is.
pub(super) const FORMAT: &str = "autrement-capable-export";
/// The version of that form.
pub(super) const VERSION: u32 = 1;

/// Takes up the export that has waited longest, and makes it. False where none waits. Several instances may do so at once.
pub async fn make_next(service: &Service) -> Result<bool, Error> {
    let now = service.clock.now();
    // Further ahead than any is given: the clock was set back since.
    let is_over = Column::Lease.lte(now).or(Column::Lease.gt(now + LEASE * TRIES + CLOCKS_DIFFER));
    let waiting = Entity::find().filter(is_over).order_by_asc(Column::DateRequested);
    let Some(export) = waiting.one(service.database.pool()).await? else { return Ok(false) };
    let Some((export, key)) = take_up(service, export).await? else { return Ok(true) };
    tracing::info!(export = %export.id, tries = export.tries, "making an export");
    // On the heap: it holds a page of every table.
    if let Err(error) = Box::pin(make(service, &export, &key)).await {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(export = %export.id, error = error.code(), source, "an export was not made; it is tried again");
        // At once after the first, so that what passes delays nobody much.
        let again = service.clock.now() + LEASE * (export.tries - 1);
        ours(&export).col_expr(Column::Lease, again.into()).exec(service.database.pool()).await?;
    }
    Ok(true)
}

/// The row, as long as this try is the one that makes it.
fn ours(export: &Model) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(export.id)).filter(Column::Tries.eq(export.tries))
}

/// Begins a try, with a key of its own and without what was made before; `None` where another instance was quicker, or where it was
/// tried often enough.
async fn take_up(service: &Service, mut export: Model) -> Result<Option<(Model, [u8; KEY])>, Error> {
    let now = service.clock.now();
    let key = random::bytes(&*service.random)?;
    let has_failed = export.tries >= TRIES;
    let taken = if has_failed {
        tracing::error!(export = %export.id, tries = export.tries, "an export is given up");
        ours(&export)
            .col_expr(Column::State, State::Failed.name().into())
            .col_expr(Column::Lease, Expr::null())
            .col_expr(Column::Key, Expr::null())
            .col_expr(Column::Expires, (now + KEPT).into())
    } else {
        ours(&export)
            .col_expr(Column::State, State::Making.name().into())
            .col_expr(Column::Lease, (now + LEASE).into())
            .col_expr(Column::Key, wrap_key(service, export.id, &key)?.into())
            .col_expr(Column::Progress, 0.0.into())
            .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
    };
    let transaction = service.database.write_now().await?;
    if taken.exec(&transaction).await?.rows_affected == 0 {
        return Ok(None);
    }
    data_export_part::Entity::delete_many().filter(data_export_part::Column::ExportId.eq(export.id)).exec(&transaction).await?;
    transaction.commit().await?;
    export.tries += 1;
    Ok((!has_failed).then_some((export, key)))
}

async fn make(service: &Service, export: &Model, key: &[u8]) -> Result<(), Error> {
    // A first try that breaks off on a replica is followed by one on the primary.
    let pool = &if export.tries > 1 { service.database.pool().clone() } else { service.to_read(PATIENCE).await };
    let Some(person) = user::Entity::find_by_id(export.user_id).one(pool).await? else { return Ok(()) };
    let mut making = Making {
        service,
        pool: pool.clone(),
        export,
        cipher: Cipher::new(export.id, key)?,
        archive: Archive::new(export.date_requested),
        known: Known {
            role: role::Entity::find_by_id(person.role_id).one(pool).await?.map(|role| role.role_name).unwrap_or_default(),
            terms: terms_version::Entity::find()
                .select_only()
                .columns([terms_version::Column::Id, terms_version::Column::Version])
                .into_tuple::<(i64, String)>()
                .all(pool)
                .await?
                .into_iter()
                .collect(),
            ..Known::default()
        },
        courses: Courses::default(),
        position: 0,
        size: 0,
        rows: 0,
        rows_done: 0,
        signed: (Instant::now(), 0.0),
    };
    let mut counts = serde_json::Map::new();
    for_each_exported_table!(table => {
        let count = table_of(table, export.user_id).count(pool).await?;
        making.rows += count;
        counts.insert(table.name().to_owned(), count.into());
    });
    let language = Language::of_tag(&export.language).unwrap_or_default();
    making.file("README.txt", page::readme().as_bytes()).await?;
    for_each_exported_table!(table => {
        let name = table.name();
        making.file(&format!("schema/{name}.schema.json"), format!("{:#}\n", row::schema(table)).as_bytes()).await?;
        let count =
            if name == tables::PICTURES.name() { making.pictures().await? } else { making.table(table).await? };
        counts.insert(table.name().to_owned(), count.into());
    });
    let page = page::write(service, &person, export, language, &counts, &making.known, &making.courses).await?;
    making.file("index.html", page.as_bytes()).await?;
    let manifest = json!({
        "format": FORMAT,
        "version": VERSION,
        "date_made": export.date_requested,
        "language": language.tag(),
        "tables": counts,
    });
    making.file("manifest.json", format!("{manifest:#}\n").as_bytes()).await?;
    making.finish().await
}

fn table_of<E: EntityTrait>(table: &Table<E>, person: i64) -> sea_orm::Select<E> {
    E::find().filter((table.theirs)(person))
}

/// An export that is being made.
struct Making<'a> {
    service: &'a Service,
    /// What it is read from.
    pool: DatabaseConnection,
    export: &'a Model,
    cipher: Cipher,
    archive: Archive,
    known: Known,
    courses: Courses,
    /// Of the next part.
    position: i32,
    size: i64,
    rows: u64,
    rows_done: u64,
    /// The last sign, and the progress that it told.
    signed: (Instant, f64),
}

impl Making<'_> {
    /// Adds bytes to the file that was begun last, however many.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for some in bytes.chunks(PART) {
            self.archive.write(some.to_vec()).await?;
            while let Some(part) = self.archive.part() {
                self.store(&part).await?;
            }
        }
        Ok(())
    }

    /// Adds a whole file.
    async fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.archive.begin(name, false)?;
        self.write(bytes).await
    }

    /// Adds the file of a table, and gives how many rows it has.
    async fn table<E: EntityTrait<Model: Sync>>(&mut self, table: &Table<E>) -> Result<u64, Error> {
        self.archive.begin(&format!("data/{}.json", table.name()), self.rows > LARGE)?;
        let (mut after, mut count) = (None, 0);
        loop {
            let rows = self.some(table, after.take()).await?;
            self.rows_done += u64::try_from(rows.len()).unwrap_or_default();
            let mut bytes = Vec::new();
            for row in rows {
                bytes.extend_from_slice(between(count));
                count += 1;
                after = Some(row.get(table.key));
                let row = sealed::open_any(&self.service.keys, row);
                self.courses.note::<E>(table, &row);
                row::write(table, &row, &mut self.known, &mut bytes)?;
            }
            if after.is_none() {
                break;
            }
            self.write(&bytes).await?;
            self.sign().await?;
        }
        self.write(end(count)).await?;
        Ok(count)
    }

    /// Adds the pictures as files, each read once, and the file of their table; gives how many there are.
    async fn pictures(&mut self) -> Result<u64, Error> {
        let table = &tables::PICTURES;
        // Without the pictures themselves: two at most.
        let (mut bytes, mut after, mut count) = (Vec::new(), None, 0);
        while let Some(row) = self.some(table, after.take()).await?.pop() {
            after = Some(row.get(table.key));
            let mut row = sealed::open_any(&self.service.keys, row);
            let picture = std::mem::take(&mut row.picture_data);
            let kind: String = row.kind.chars().filter(char::is_ascii_alphanumeric).collect();
            let name = format!("pictures/{kind}.{}", extension(&picture));
            self.file(&name, &picture).await?;
            self.known.files.insert(row.id, name);
            bytes.extend_from_slice(between(count));
            row::write(table, &row, &mut self.known, &mut bytes)?;
            (self.rows_done, count) = (self.rows_done + 1, count + 1);
            self.sign().await?;
        }
        bytes.extend_from_slice(end(count));
        self.file(&format!("data/{}.json", table.name()), &bytes).await?;
        Ok(count)
    }

    /// The next rows of a table, in the order of its key.
    async fn some<E: EntityTrait<Model: Sync>>(
        &self,
        table: &Table<E>,
        after: Option<sea_orm::Value>,
    ) -> Result<Vec<E::Model>, Error> {
        let pool = &self.pool;
        if table.at_once > 1 {
            let mut rows = table_of(table, self.export.user_id).cursor_by(table.key);
            if let Some(after) = after {
                rows.after(after);
            }
            return Ok(rows.first(table.at_once).all(pool).await?);
        }
        // Large rows: their numbers first, since a database may sort whole rows to find the next.
        let mut next = table_of(table, self.export.user_id).select_only().column(table.key).order_by_asc(table.key).limit(1);
        if let Some(after) = after {
            next = next.filter(table.key.gt(after));
        }
        let Some(next) = next.into_tuple::<i64>().one(pool).await? else { return Ok(Vec::new()) };
        Ok(table_of(table, self.export.user_id).filter(table.key.eq(next)).all(pool).await?)
    }

    /// Percent: the last of it is the page.
    fn progress(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a percentage, rounded anyway")]
        let done = self.rows_done as f64 / (self.rows + 1) as f64;
        (done * 100.0).floor().clamp(0.0, 99.0)
    }

    /// Says that this instance still works, and how far it is, where that is due. Fails where another has followed it.
    async fn sign(&mut self) -> Result<(), Error> {
        let progress = self.progress();
        if progress > self.signed.1 || self.signed.0.elapsed() >= SIGN {
            self.sign_on(self.service.database.pool()).await?;
            self.signed = (Instant::now(), progress);
        }
        Ok(())
    }

    async fn sign_on(&self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        let lease = self.service.clock.now() + LEASE;
        let signed = ours(self.export)
            .col_expr(Column::Progress, self.progress().into())
            .col_expr(Column::Lease, lease.into())
            .exec(connection)
            .await?;
        if signed.rows_affected == 1 { Ok(()) } else { Err(lost()) }
    }

    async fn store(&mut self, part: &[u8]) -> Result<(), Error> {
        let sealed = self.cipher.seal(self.position, part)?;
        let transaction = self.service.database.write_now().await?;
        self.sign_on(&transaction).await?;
        let row =
            data_export_part::ActiveModel { export_id: Set(self.export.id), position: Set(self.position), bytes: Set(sealed) };
        data_export_part::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        self.position += 1;
        self.size += i64::try_from(part.len()).map_err(Error::internal)?;
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Error> {
        self.archive.finish()?;
        while let Some(part) = self.archive.rest() {
            self.store(&part).await?;
        }
        let ready = ours(self.export)
            .col_expr(Column::State, State::Ready.name().into())
            .col_expr(Column::Progress, 100.0.into())
            .col_expr(Column::Lease, Expr::null())
            .col_expr(Column::Expires, (self.service.clock.now() + KEPT).into())
            .col_expr(Column::Size, self.size.into())
            .exec(self.service.database.pool())
            .await?;
        if ready.rows_affected == 0 {
            return Err(lost());
        }
        tracing::info!(export = %self.export.id, bytes = self.size, "an export is ready");
        Ok(())
    }
}

/// What stands before a row of a file that has so many already.
fn between(count: u64) -> &'static [u8] {
    if count == 0 { b"[\n" } else { b",\n" }
}

/// What stands at the end of such a file.
fn end(count: u64) -> &'static [u8] {
    if count == 0 { b"[]\n" } else { b"\n]\n" }
}

fn lost() -> Error {
    Error::conflict(message!("Another instance makes this export, or it is not wanted any more."))
}

/// What a file of this image is called, by its first bytes.
fn extension(image: &[u8]) -> &'static str {
    match image {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [0xff, 0xd8, 0xff, ..] => "jpg",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "webp",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => "avif",
        _ => "bin",
    }
}
