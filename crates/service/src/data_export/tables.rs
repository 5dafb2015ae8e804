//! The tables that hold something of a person: how their rows are found, and what is written where a column is not what it holds.
//!
//! To add a table: a constant below, and its name in [`for_each_exported_table!`], after those that it refers to; its words in
//! `page/words.rs`.

use entity::game::{self, GameKind};
use entity::{
    account_recovery, audit_entry, ceremony, mail, passkey_credential, save, session, terms_version, unverified_detail, user,
    user_avatar_info, user_detail, user_passion, user_picture, user_terms_agreement,
};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait};

/// What is written of a column that is not written as it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    /// Nothing: it numbers a row.
    Row,
    /// Nothing: it is the person's number.
    Person,
    /// Nothing: it is the number of their details.
    Details,
    /// Nothing, and why. Where it may not be missing it comes back empty.
    Withheld(&'static str),
    /// Nothing: it is a keyed hash of the address in the column of this name, made anew when it comes back.
    IndexOf(&'static str),
    /// The role's name.
    Role,
    /// The name of the version of the terms.
    Terms,
    /// The play's place among those of this game, from 1.
    Number(GameKind),
    /// That place of the play that a save went into; null where the play is deleted.
    Play,
    /// The name of the file that has it.
    File,
}

/// A table of an export.
pub(super) struct Table<E: EntityTrait> {
    /// What its rows are read in the order of.
    pub(super) key: E::Column,
    /// How many rows are in memory at once; fewer where they are large. Where it is one, the key is a number.
    pub(super) at_once: u64,
    /// The rows of the person with this number.
    pub(super) theirs: fn(i64) -> Condition,
    /// The columns that are not written as they are.
    pub(super) kept: &'static [(&'static str, Kept)],
    /// Whether it comes back; what belongs to a session or a moment does not.
    pub(super) is_imported: bool,
}

impl<E: EntityTrait> Table<E> {
    /// As the database calls it.
    #[expect(clippy::unused_self, reason = "it is asked of a table")]
    pub(super) fn name(&self) -> &'static str {
        E::default().table_name()
    }

    /// What is written of a column, where it is not what it holds.
    pub(super) fn kept(&self, column: &str) -> Option<Kept> {
        self.kept.iter().find(|(name, _)| *name == column).map(|(_, kept)| *kept)
    }
}

impl Kept {
    /// The name that it is written under, if it is written.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Row | Self::Person | Self::Details | Self::Withheld(_) | Self::IndexOf(_) => None,
            Self::Role => Some("role"),
            Self::Terms => Some("terms_version"),
            Self::Number(_) => Some("number"),
            Self::Play => Some("play"),
            Self::File => Some("file"),
        }
    }

    /// Why it is not written, if it is not.
    pub(super) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Row | Self::Person | Self::Details => {
                Some("A number by which the database finds rows; it says nothing of you.")
            }
            Self::IndexOf(_) => Some("A keyed hash of the address beside it, by which it is found; it says nothing more of you."),
            Self::Withheld(reason) => Some(reason),
            Self::Role | Self::Terms | Self::Number(_) | Self::Play | Self::File => None,
        }
    }
}

const SECRET: &str = "A secret: whoever has it could get into the account, or try to.";
const OURS: &str = "How the platform stands now; it says nothing of you.";

/// Small rows.
const MANY: u64 = 100;
/// Rows of JSON, of which each may have 64 KiB.
const SOME: u64 = 10;

pub(super) const USERS: Table<user::Entity> = Table {
    key: user::Column::Id,
    at_once: 1,
    theirs: |person| all(user::Column::Id.eq(person)),
    kept: &[("id", Kept::Row), ("role_id", Kept::Role)],
    is_imported: true,
};

pub(super) const DETAILS: Table<user_detail::Entity> = Table {
    key: user_detail::Column::Id,
    at_once: 1,
    theirs: |person| all(user_detail::Column::UserId.eq(person)),
    kept: &[
        ("id", Kept::Row),
        ("user_id", Kept::Person),
        ("email_index", Kept::IndexOf("email")),
        ("password_hash", Kept::Withheld(SECRET)),
    ],
    is_imported: true,
};

pub(super) const UNVERIFIED: Table<unverified_detail::Entity> = Table {
    key: unverified_detail::Column::Id,
    at_once: MANY,
    theirs: |person| {
        let details = Query::select()
            .column(user_detail::Column::Id)
            .from(user_detail::Entity)
            .and_where(user_detail::Column::UserId.eq(person))
            .take();
        all(unverified_detail::Column::UserDetailId.in_subquery(details))
    },
    kept: &[
        ("id", Kept::Row),
        ("user_detail_id", Kept::Details),
        ("email_index", Kept::IndexOf("email")),
        ("token_hash", Kept::Withheld(SECRET)),
        ("selector", Kept::Withheld(SECRET)),
    ],
    is_imported: true,
};

pub(super) const AVATARS: Table<user_avatar_info::Entity> = Table {
    key: user_avatar_info::Column::Id,
    at_once: MANY,
    theirs: |person| all(user_avatar_info::Column::UserId.eq(person)),
    kept: &[("id", Kept::Row), ("user_id", Kept::Person)],
    is_imported: true,
};

pub(super) const PICTURES: Table<user_picture::Entity> = Table {
    key: user_picture::Column::Id,
    at_once: 1,
    theirs: |person| all(user_picture::Column::UserId.eq(person)),
    kept: &[("id", Kept::Row), ("user_id", Kept::Person), ("picture_data", Kept::File)],
    is_imported: true,
};

pub(super) const PASSIONS: Table<user_passion::Entity> = Table {
    key: user_passion::Column::Id,
    at_once: MANY,
    theirs: |person| all(user_passion::Column::UserId.eq(person)),
    kept: &[("id", Kept::Row), ("user_id", Kept::Person)],
    is_imported: true,
};

/// The versions that the person accepted: what they agreed to, in its words.
pub(super) const TERMS: Table<terms_version::Entity> = Table {
    key: terms_version::Column::Id,
    at_once: SOME,
    theirs: |person| {
        let accepted = Query::select()
            .column(user_terms_agreement::Column::TermsId)
            .from(user_terms_agreement::Entity)
            .and_where(user_terms_agreement::Column::UserId.eq(person))
            .take();
        all(terms_version::Column::Id.in_subquery(accepted))
    },
    kept: &[("id", Kept::Row), ("is_active", Kept::Withheld(OURS))],
    is_imported: true,
};

pub(super) const AGREEMENTS: Table<user_terms_agreement::Entity> = Table {
    key: user_terms_agreement::Column::Id,
    at_once: MANY,
    theirs: |person| all(user_terms_agreement::Column::UserId.eq(person)),
    kept: &[("id", Kept::Row), ("user_id", Kept::Person), ("terms_id", Kept::Terms)],
    is_imported: true,
};

pub(super) const PASSKEYS: Table<passkey_credential::Entity> = Table {
    key: passkey_credential::Column::Id,
    at_once: MANY,
    theirs: |person| all(passkey_credential::Column::UserId.eq(person)),
    kept: &[("id", Kept::Row), ("user_id", Kept::Person)],
    is_imported: true,
};

pub(super) const SESSIONS: Table<session::Entity> = Table {
    key: session::Column::Id,
    at_once: MANY,
    theirs: |person| all(session::Column::UserId.eq(person)),
    kept: &[
        ("id", Kept::Row),
        ("user_id", Kept::Person),
        ("refresh_jti", Kept::Withheld(SECRET)),
        ("previous_refresh_jti", Kept::Withheld(SECRET)),
    ],
    is_imported: false,
};

pub(super) const RECOVERIES: Table<account_recovery::Entity> = Table {
    key: account_recovery::Column::Id,
    at_once: MANY,
    theirs: |person| all(account_recovery::Column::UserId.eq(person)),
    kept: &[("id", Kept::Row), ("user_id", Kept::Person), ("reset_token", Kept::Withheld(SECRET))],
    is_imported: false,
};

pub(super) const CEREMONIES: Table<ceremony::Entity> = Table {
    key: ceremony::Column::Id,
    at_once: MANY,
    theirs: |person| all(ceremony::Column::UserId.eq(person)),
    kept: &[("id", Kept::Withheld(SECRET)), ("user_id", Kept::Person), ("state", Kept::Withheld(SECRET))],
    is_imported: false,
};

pub(super) const MAILS: Table<mail::Entity> = Table {
    key: mail::Column::Id,
    at_once: MANY,
    theirs: |person| all(mail::Column::UserId.eq(person)),
    // The token of a mail's link is made from its id.
    kept: &[("id", Kept::Withheld(SECRET)), ("user_id", Kept::Person), ("recipient_index", Kept::IndexOf("recipient"))],
    is_imported: false,
};

macro_rules! plays {
    ($name:ident, $module:ident, $kind:ident) => {
        pub(super) const $name: Table<game::$module::Entity> = Table {
            key: game::$module::Column::Id,
            at_once: SOME,
            theirs: |person| all(game::$module::Column::UserId.eq(person)),
            kept: &[("id", Kept::Number(GameKind::$kind)), ("user_id", Kept::Person)],
            is_imported: true,
        };
    };
}
plays!(SCENARIO, scenario, Scenario);
plays!(SHAPE_SEQUENCE, shape_sequence, ShapeSequence);
plays!(JOBS, jobs, Jobs);
plays!(SPEED, speed, Speed);
plays!(ABILITIES, abilities, Abilities);
plays!(SKILLS, skills, Skills);
plays!(ROOM_ENV, room_env, RoomEnv);

pub(super) const SAVES: Table<save::Entity> = Table {
    key: save::Column::SaveId,
    at_once: MANY,
    theirs: |person| all(save::Column::UserId.eq(person)),
    kept: &[
        ("user_id", Kept::Person),
        ("play_id", Kept::Play),
        ("content_hash", Kept::Withheld("A keyed hash of what was saved; what was saved is in the play.")),
    ],
    is_imported: true,
};

pub(super) const AUDIT_LOG: Table<audit_entry::Entity> = Table {
    key: audit_entry::Column::Id,
    at_once: MANY,
    theirs: |person| all(audit_entry::Column::UserId.eq(person)),
    kept: &[
        ("id", Kept::Row),
        ("user_id", Kept::Person),
        ("actor", Kept::Withheld("The number of an administrator: it is about them, not about you.")),
    ],
    is_imported: false,
};

fn all(expression: sea_orm::sea_query::Expr) -> Condition {
    Condition::all().add(expression)
}

/// Runs `$body` with `$table` as each table in turn, those that others refer to first.
macro_rules! for_each_exported_table {
    ($table:ident => $body:expr) => {
        $crate::data_export::tables::for_each_exported_table!(@ $table, $body,
            USERS DETAILS UNVERIFIED AVATARS PICTURES PASSIONS TERMS AGREEMENTS PASSKEYS SESSIONS RECOVERIES CEREMONIES MAILS
            SCENARIO SHAPE_SEQUENCE JOBS SPEED ABILITIES SKILLS ROOM_ENV SAVES AUDIT_LOG)
    };
    (@ $table:ident, $body:expr, $($name:ident)*) => {
        $({
            let $table = &$crate::data_export::tables::$name;
            $body;
        })*
    };
}
pub(super) use for_each_exported_table;

#[cfg(test)]
mod tests {
    use sea_orm::{IdenStatic, Iterable};

    #[test]
    fn what_is_said_of_columns_is_said_of_columns() {
        fn columns<E: sea_orm::EntityTrait>(_: &super::Table<E>) -> Vec<&'static str> {
            E::Column::iter().map(|column| column.as_str()).collect()
        }
        for_each_exported_table!(table => {
            let columns = columns(table);
            for (name, kept) in table.kept {
                assert!(columns.contains(name), "{}.{name}", table.name());
                assert!(kept.name().is_none_or(|name| !columns.contains(&name)), "{}.{name} is written twice", table.name());
                assert_ne!(kept.name().is_some(), kept.reason().is_some());
            }
        });
    }
}
