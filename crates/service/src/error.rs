//! What can go wrong, said once.
//!
//! | what happened | use |
//! |---|---|
//! | nobody is signed in, or the token is not good (any more) | [`Error::Unauthenticated`] |
//! | signed in, but this is for others to do | [`Error::Forbidden`] |
//! | it is not there, or it is somebody else's (never told apart) | [`Error::NotFound`] |
//! | the caller can mend the input | [`Error::InvalidInput`], a [`Problem`] for each fault |
//! | the viewer has not accepted the active terms | [`Error::TermsNotAccepted`], by [`crate::user::lock_writer`] and saves |
//! | the input was good, but something else came first | [`Error::Conflict`] |
//! | it was tried too often | [`Error::RateLimited`], by [`crate::brake::take`] |
//! | the database is out of reach or overloaded | [`Error::Unavailable`], made from `DbErr` by `?` |
//! | anything else | [`Error::Internal`]: its text goes to the log, never to a client |

use std::fmt;

use message::{Message, message};
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::postgres::{PgDatabaseError, PgSeverity};
use sea_orm::{DbErr, RuntimeErr};

use crate::game::StoredPlay;
use crate::language::Language;

/// One fault of an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Where: a JSON Pointer (RFC 6901) into the `input` argument, `/completion`, or into the arguments where there is none, `/first`.
    pub pointer: String,
    /// What is wrong, the limit, and the way out; it goes on from the pointer.
    pub message: Message,
}

impl Problem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, message: Message) -> Self {
        Self { pointer: pointer.into(), message }
    }
}

/// How many problems the message tells in a sentence; all of them are beside it.
const TOLD_AT_ONCE: usize = 3;

/// Faults as one message.
fn told(problems: &[Problem], language: Language) -> String {
    let told = problems.iter().take(TOLD_AT_ONCE);
    let told = told.map(|Problem { pointer, message }| format!("{pointer} {}", message.in_language(language)));
    let problems_told = told.collect::<Vec<_>>().join(" ");
    let more = problems.len().saturating_sub(TOLD_AT_ONCE);
    let message = if more > 0 {
        message!("The input is not valid: {problems} And {more} more.", problems = problems_told, more)
    } else {
        message!("The input is not valid: {problems}", problems = problems_told)
    };
    message.in_language(language)
}

/// A time that people can picture.
fn wait(seconds: i64) -> Message {
    match seconds {
        ..=120 => message!("Too many tries. Wait {seconds} seconds, then try again.", seconds),
        121..=7200 => message!("Too many tries. Wait {minutes} minutes, then try again.", minutes = (seconds + 59) / 60),
        _ => message!("Too many tries. Wait {hours} hours, then try again.", hours = (seconds + 3599) / 3600),
    }
}

/// What is not there, or not the viewer's to see.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    /// A file with everything on a person.
    Export,
    /// Whatever an id could be of.
    Object,
    /// A way to sign in.
    Passkey,
    /// Somebody.
    Person,
    /// A picture of somebody's.
    Picture,
    /// A play of a game.
    Play,
    /// What somebody may do.
    Role,
    /// A signed-in device.
    Session,
    /// A version of the terms.
    TermsVersion,
}

impl Missing {
    fn message(self) -> Message {
        match self {
            Self::Export => message!("There is no such export, or it is not yours to see."),
            Self::Object => message!("There is no such object, or it is not yours to see."),
            Self::Passkey => message!("There is no such passkey, or it is not yours to see."),
            Self::Person => message!("There is no such person, or they are not yours to see."),
            Self::Picture => message!("There is no such picture, or it is not yours to see."),
            Self::Play => message!("There is no such play, or it is not yours to see."),
            Self::Role => message!("There is no such role, or it is not yours to see."),
            Self::Session => message!("There is no such session, or it is not yours to see."),
            Self::TermsVersion => message!("There is no such version of the terms."),
        }
    }
}

/// What is stored, where a save built on something else.
#[derive(Debug)]
pub struct Stored {
    /// 0 where there is no play.
    pub revision: i32,
    /// The play, if there is one.
    pub play: Option<Box<StoredPlay>>,
}

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// Nobody is signed in, or the token is not good (any more). Says what to do about it.
    Unauthenticated(Message),
    /// This is for others to do.
    Forbidden(Message),
    /// No such thing that the viewer may see.
    NotFound(Missing),
    /// The input is at fault; the caller can mend it.
    InvalidInput(Vec<Problem>),
    /// The active terms are to be accepted first.
    TermsNotAccepted {
        /// The version to accept.
        version: String,
    },
    /// Something else came first.
    Conflict {
        /// What came first, and the way out.
        message: Message,
        /// What is stored, where an expected revision did not match.
        stored: Option<Stored>,
    },
    /// Tried too often: by this caller, or on this account.
    RateLimited {
        /// Seconds until the next try.
        retry_after: i64,
    },
    /// What is asked for comes to more than is given at once.
    TooMuch(Message),
    /// A later release has written it, in a form that this one does not know. Another instance may.
    Newer,
    /// More is waiting than can be done soon.
    Busy,
    /// The database does not answer now.
    Unavailable(DbErr),
    /// A fault of this service. The source is for the log alone.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// In English: for logs, and for commands.
impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.in_language(Language::English))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(source) => Some(source),
            Self::Internal(source) => Some(&**source),
            _ => None,
        }
    }
}

impl Error {
    /// The code that clients see, one of the contract's `ErrorCode`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::InvalidInput(_) => "INVALID_INPUT",
            Self::TermsNotAccepted { .. } => "TERMS_NOT_ACCEPTED",
            Self::Conflict { .. } => "CONFLICT",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::TooMuch(_) => "TOO_COMPLEX",
            Self::Busy | Self::Newer | Self::Unavailable(_) => "UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// What a client is told.
    #[must_use]
    pub fn in_language(&self, language: Language) -> String {
        let message = match self {
            Self::InvalidInput(problems) => return told(problems, language),
            Self::Unauthenticated(message)
            | Self::Forbidden(message)
            | Self::TooMuch(message)
            | Self::Conflict { message, .. } => {
                return message.in_language(language);
            }
            Self::NotFound(missing) => missing.message(),
            Self::TermsNotAccepted { version } => message!(
                "Version {version} of the terms is not accepted yet. Read it (`terms`), accept it with `acceptTerms`, then send this \
                 again.",
                version
            ),
            Self::RateLimited { retry_after } => wait(*retry_after),
            Self::Newer => message!("A newer version of the service saved this play; please try again in a moment."),
            Self::Busy => message!("The service is very busy; please try again in a moment."),
            Self::Unavailable(_) => message!("The service can't do this right now; please look again in a moment."),
            Self::Internal(_) => message!("Something went wrong on our side."),
        };
        message.in_language(language)
    }

    /// A fault of this service.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// What happened, for the log: the cause of a fault of ours.
    #[must_use]
    pub fn cause(&self) -> String {
        std::error::Error::source(self).map_or_else(|| self.to_string(), ToString::to_string)
    }

    /// One fault of the input.
    pub fn invalid(pointer: impl Into<String>, message: Message) -> Self {
        Self::InvalidInput(vec![Problem::new(pointer, message)])
    }

    /// The same fault, of an input that is a part of another.
    #[must_use]
    pub fn under(self, pointer: &str) -> Self {
        let Self::InvalidInput(problems) = self else { return self };
        Self::InvalidInput(
            problems.into_iter().map(|problem| Problem { pointer: format!("{pointer}{}", problem.pointer), ..problem }).collect(),
        )
    }

    /// Something else came first.
    #[must_use]
    pub fn conflict(message: Message) -> Self {
        Self::Conflict { message, stored: None }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) | DbErr::Exec(RuntimeErr::Internal(_)) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(ref source)) | DbErr::Query(RuntimeErr::SqlxError(ref source))
                if is_out_of_reach(source) =>
            {
                Self::Unavailable(error)
            }
            other => Self::internal(other),
        }
    }
}

/// A connection that broke, a server that stops, a lock that did not come free, a disk that is full: trying again may well do.
fn is_out_of_reach(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    match error {
        Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::WorkerCrashed | Sqlx::Tls(_) => true,
        Sqlx::Database(database) if ends_connection(&**database) => true,
        // PostgreSQL's classes 08 (connection), 40 (rolled back), 53 (resources), 57 (operator intervention) and 58 (system), a transaction
        // that may not write (25006), that it ended since nothing came (25P03), or which a lock is kept from for too long (55P03).
        Sqlx::Database(database) => database.code().is_some_and(|code| match code.len() {
            5 => ["08", "40", "53", "57", "58", "25006", "25P03", "55P03"].iter().any(|class| code.starts_with(class)),
            _ => sqlite_code(&code).is_some_and(|code| [5, 6, 7, 8, 10, SQLITE_FULL, 14].contains(&code)),
        }),
        _ => false,
    }
}

/// SQLite's number of an error: busy 5, locked 6, no memory 7, read-only 8, input or output 10, full 13, can't be opened 14. Extended codes
/// hold it in their lowest byte.
fn sqlite_code(code: &str) -> Option<u32> {
    code.parse().ok().filter(|_| code.len() < 5).map(|code: u32| code & 0xff)
}

const SQLITE_FULL: u32 = 13;

/// What whoever runs the service is to do about an error, where it is known.
#[must_use]
pub fn advice(error: &DbErr) -> Option<&'static str> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else { return None };
    let code = error.as_database_error()?.code()?;
    match (&*code, sqlite_code(&code)) {
        (_, Some(SQLITE_FULL | 10)) => {
            Some("the disk of the database is full or fails: make room on it; nothing is lost, and writing goes on by itself")
        }
        (_, Some(8)) => Some("the database may not be written: look at the mount and at who owns its files"),
        ("53100", _) => Some("the disk of the PostgreSQL server is full: make room on it; writing goes on by itself"),
        ("53300", _) => Some("PostgreSQL takes no more connections: raise its max_connections, or lower DATABASE_CONNECTIONS"),
        ("25006", _) => Some("the database takes no writes: DATABASE_URL has to lead to the primary"),
        ("55P03", _) => Some("somebody else holds a lock on it: see pg_stat_activity for who, and since when"),
        ("57014", _) => Some("a statement took longer than a request may (REQUEST_SECONDS) and was ended"),
        _ => None,
    }
}

/// PostgreSQL says that the connection is over, whatever the reason: behind a pooler it refuses one in answer to a statement.
pub(crate) fn ends_connection(error: &dyn DatabaseError) -> bool {
    let error = error.try_downcast_ref::<PgDatabaseError>();
    error.is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}
