//! Takes an export into this database: the operator's command. One transaction; what is wrong with the archive changes nothing.
//!
//! Rows come back with new numbers. Sessions, mails and what else belongs to a moment do not, nor the secrets that were withheld: the
//! person gets in by a passkey, where the relying party is the same, or by a link that is mailed to their verified address.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IdenStatic,
    IntoActiveModel, Iterable, ModelTrait, QueryFilter, SqlErr, Value,
};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use zip::result::ZipError;

use super::row::{self, integer};
use super::tables::{self, Kept, Table, for_each_exported_table};
use super::unpack::{self, Fields};
use crate::text::Checks;
use crate::{Error, Service, role, sealed, user, user_picture};

/// Why an archive was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It says what, and the way out.
    #[error("{0}")]
    Refused(String),
    /// It is no archive, or a broken one.
    #[error("The archive can't be read: {0}")]
    Archive(#[from] ZipError),
    /// The database did not do it.
    #[error("The database refused it: {0}")]
    Database(#[from] DbErr),
    /// A rule did not allow it.
    #[error("{}", told(.0))]
    Service(#[from] Error),
}

/// The whole of it: it is the operator who reads it.
fn told(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error} {source}"))
}

pub(super) fn refused<T>(message: impl Into<String>) -> Result<T, ImportError> {
    Err(ImportError::Refused(message.into()))
}

/// How somebody is to come back.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Another username than the one they had.
    pub username: Option<String>,
    /// With the role that they had; as an ordinary person otherwise.
    pub keep_role: bool,
}

/// Who came back.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Their username, if they have one.
    pub username: Option<String>,
    /// How many rows they brought.
    pub rows: u64,
    /// What was not taken over, and why.
    pub notes: Vec<String>,
}

/// Takes the export in this file.
pub async fn import(service: &Service, path: &Path, options: ImportOptions) -> Result<Imported, ImportError> {
    let manifest = unpack::manifest(path)?;
    let transaction = service.database.write().await?;
    let mut arriving = Arriving {
        service,
        path: path.to_owned(),
        options,
        user_id: 0,
        detail_id: 0,
        terms: HashMap::new(),
        other_terms: HashSet::new(),
        plays: HashMap::new(),
        imported: Imported::default(),
    };
    for_each_exported_table!(table => {
        if table.is_imported {
            let rows = arriving.table(&transaction, table).await?;
            let told = manifest.tables.get(table.name()).copied().unwrap_or_default();
            if rows != told {
                return refused(format!("data/{}.json has {rows} rows where manifest.json tells {told}.", table.name()));
            }
            if table.name() == tables::USERS.name() && rows != 1 {
                return refused(format!("The archive is of {rows} people; it has to be of one."));
            }
        }
    });
    transaction.commit().await?;
    Ok(arriving.imported)
}

/// Somebody on their way in.
struct Arriving<'a> {
    service: &'a Service,
    path: PathBuf,
    options: ImportOptions,
    user_id: i64,
    detail_id: i64,
    /// The versions of the terms that are the same here.
    terms: HashMap<String, i64>,
    /// Those that are others here under the same name.
    other_terms: HashSet<String>,
    /// The plays of each game in their order.
    plays: HashMap<i32, Vec<i64>>,
    imported: Imported,
}

impl Arriving<'_> {
    /// Takes the rows of a table, and gives how many the archive has.
    async fn table<E>(&mut self, transaction: &DatabaseTransaction, table: &Table<E>) -> Result<u64, ImportError>
    where
        E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + Sync, ActiveModel: ActiveModelBehavior + Send>,
    {
        let (sender, mut batches) = mpsc::channel(1);
        let (path, file) = (self.path.clone(), format!("data/{}.json", table.name()));
        let reading = tokio::task::spawn_blocking(move || unpack::rows(&path, &file, &sender));
        while let Some(rows) = batches.recv().await {
            for fields in rows {
                self.row(transaction, table, fields).await?;
            }
        }
        reading.await.map_err(Error::internal)?
    }

    async fn row<E>(&mut self, transaction: &DatabaseTransaction, table: &Table<E>, fields: Fields) -> Result<(), ImportError>
    where
        E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + Sync, ActiveModel: ActiveModelBehavior + Send>,
    {
        if table.name() == tables::TERMS.name() && self.has_terms(transaction, &fields).await? {
            return Ok(());
        }
        let version = fields.get("version").and_then(|raw| string(raw));
        let Some(row) = self.columns(transaction, table, fields).await? else { return Ok(()) };
        if table.name() == tables::PICTURES.name() {
            is_a_picture_of_ours(&row)?;
        }
        let mut row = row;
        let held = sealed::hold_back_any(&mut row);
        let row = row.insert(transaction).await.map_err(taken)?;
        sealed::put_back_any(self.service, transaction, held, &row).await?;
        self.imported.rows += 1;
        let id = E::Column::iter().find(|column| column.as_str() == "id").map_or(0, |column| integer(&row.get(column)));
        match table.kept("id") {
            Some(Kept::Number(kind)) => self.plays.entry(kind as i32).or_default().push(id),
            _ if table.name() == tables::USERS.name() => self.user_id = id,
            _ if table.name() == tables::DETAILS.name() => self.detail_id = id,
            _ if table.name() == tables::TERMS.name() => self.terms.extend(version.map(|version| (version, id))),
            _ => {}
        }
        Ok(())
    }

    /// Whether there is a version of the terms of this name here. The same words are the same version; others are not what was accepted.
    async fn has_terms(&mut self, transaction: &DatabaseTransaction, fields: &Fields) -> Result<bool, ImportError> {
        use entity::terms_version::{Column, Entity};
        let text = |name: &str| fields.get(name).and_then(|raw| string(raw));
        let (Some(version), Some(content)) = (text("version"), text("content")) else { return Ok(false) };
        let Some(here) = Entity::find().filter(Column::Version.eq(&version)).one(transaction).await? else { return Ok(false) };
        if here.content == content {
            self.terms.insert(version, here.id);
        } else {
            self.imported.notes.push(format!(
                "The terms {version} have other words here: that they were accepted is not taken over, and is asked for again."
            ));
            self.other_terms.insert(version);
        }
        Ok(true)
    }

    /// The columns of a row; `None` where it is about something that is not here.
    async fn columns<E>(
        &mut self,
        transaction: &DatabaseTransaction,
        table: &Table<E>,
        mut fields: Fields,
    ) -> Result<Option<E::ActiveModel>, ImportError>
    where
        E: EntityTrait<ActiveModel: ActiveModelBehavior>,
    {
        let at = |name: &str| format!("data/{}.json: {name}", table.name());
        let mut row = E::ActiveModel::default();
        for column in E::Column::iter() {
            let (name, kept) = (column.as_str(), table.kept(column.as_str()));
            let written = kept.map_or(Some(name), Kept::name);
            let field = written.and_then(|name| fields.remove(name));
            if let (Some(written), None, false) = (written, &field, column.def().is_null()) {
                return refused(format!("{} is missing.", at(written)));
            }
            let text = field.as_deref().and_then(string);
            let value = match kept {
                None => match field {
                    Some(raw) => {
                        row::read(column, &raw).map_err(|fault| ImportError::Refused(format!("{} {fault}.", at(name))))?
                    }
                    None => continue,
                },
                Some(Kept::Row | Kept::Number(_)) => continue,
                Some(Kept::Person) => self.user_id.into(),
                Some(Kept::Details) => self.detail_id.into(),
                Some(Kept::Withheld(_)) if column.def().is_null() => continue,
                Some(Kept::Withheld(_)) => row::empty(column),
                Some(Kept::IndexOf(of)) => {
                    let email = E::Column::iter().find(|column| column.as_str() == of).map(|column| row.get(column));
                    match email {
                        Some(ActiveValue::Set(Value::String(Some(email)))) => self.index(&email)?.into(),
                        _ => Value::String(None),
                    }
                }
                Some(Kept::Role) => self.role(transaction, text.as_deref()).await?.into(),
                Some(Kept::Terms) => {
                    let version = text.unwrap_or_default();
                    match self.terms.get(&version) {
                        Some(id) => (*id).into(),
                        None if self.other_terms.contains(&version) => return Ok(None),
                        None => return refused(format!("{} {version} is not in data/terms_versions.json.", at("terms_version"))),
                    }
                }
                Some(Kept::Play) => self.play(&row, field.as_deref()).into(),
                Some(Kept::File) => unpack::picture(&self.path, text.as_deref())?.into(),
            };
            let value = if (table.name(), name) == (tables::USERS.name(), "username") { self.username(value)? } else { value };
            row.try_set(column, value)?;
        }
        match fields.keys().next() {
            Some(name) => refused(format!("{} is not known; a later release may have made this export.", at(name))),
            None => Ok(Some(row)),
        }
    }

    /// The username that they get.
    fn username(&mut self, theirs: Value) -> Result<Value, ImportError> {
        let username = match (&self.options.username, theirs) {
            (Some(other), _) => Some(other.clone()),
            (None, Value::String(username)) => username,
            (None, _) => None,
        };
        let mut checks = Checks::default();
        checks.optional("/username", username.as_ref(), user::USERNAME_LENGTH);
        checks.finish()?;
        self.imported.username.clone_from(&username);
        Ok(Value::String(username))
    }

    fn index(&self, email: &str) -> Result<String, ImportError> {
        let mut checks = Checks::default();
        checks.email("/email", email);
        checks.finish()?;
        Ok(self.service.keyed_hash.email_index(email))
    }

    async fn role(&mut self, transaction: &DatabaseTransaction, name: Option<&str>) -> Result<i64, ImportError> {
        let name = name.unwrap_or(role::DEFAULT_ROLE);
        let name = if self.options.keep_role || name == role::DEFAULT_ROLE {
            name
        } else {
            self.imported.notes.push(format!("The role {name} is not taken over; --keep-role does."));
            role::DEFAULT_ROLE
        };
        let here = entity::role::Entity::find().filter(entity::role::Column::RoleName.eq(name)).one(transaction).await?;
        match here {
            Some(role) => Ok(role.id),
            None => refused(format!("There is no role {name} here.")),
        }
    }

    /// The play that a save went into: 0, as of one that is deleted, where the archive has none.
    fn play<A: ActiveModelTrait>(&self, row: &A, place: Option<&RawValue>) -> i64 {
        let game = <A::Entity as EntityTrait>::Column::iter().find(|column| column.as_str() == "game");
        let game = match game.map(|game| row.get(game)) {
            Some(ActiveValue::Set(game)) => i32::try_from(integer(&game)).unwrap_or_default(),
            _ => 0,
        };
        let place = place.and_then(|place| serde_json::from_str::<usize>(place.get()).ok());
        let play = self.plays.get(&game).zip(place).and_then(|(plays, place)| plays.get(place.checked_sub(1)?));
        play.copied().unwrap_or_default()
    }
}

fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// What may stand once only is here already: says what that is.
fn taken(error: DbErr) -> ImportError {
    let Some(SqlErr::UniqueConstraintViolation(constraint)) = error.sql_err() else { return error.into() };
    let told = [
        ("username", "The username is taken here: give another one with --username."),
        ("email_index", "The address of this person is verified for an account here already."),
        ("webauthn_user_handle", "This person is here already, with the same user handle of their passkeys."),
        ("credential_id", "A passkey of this person belongs to an account here already."),
    ];
    let told = told.into_iter().find(|(column, _)| constraint.contains(column)).map(|(_, told)| told);
    told.map_or(ImportError::Database(error), |told| ImportError::Refused(told.to_owned()))
}

/// That a picture is what this service makes: of a type that it gives out, and the one that its row tells of.
fn is_a_picture_of_ours<A: ActiveModelTrait>(row: &A) -> Result<(), ImportError> {
    let value = |name: &str| {
        let column = <A::Entity as EntityTrait>::Column::iter().find(|column| column.as_str() == name)?;
        row.get(column).into_value()
    };
    let Some(Value::Bytes(Some(bytes))) = value("picture_data") else { return refused("A picture has no file.") };
    let is = |name: &str, told: &str| value(name) == Some(told.into());
    if !is("content_hash", &user_picture::content_hash(&bytes)) {
        return refused("A picture is not the one that data/user_pictures.json tells of.");
    }
    if user_picture::media_type(&bytes).is_none_or(|told| !is("media_type", told)) {
        return refused("A picture is no JPEG and no PNG, or data/user_pictures.json says that it is something else.");
    }
    Ok(())
}
