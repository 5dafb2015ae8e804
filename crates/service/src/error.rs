//! What can go wrong, said once.
//!
//! | what happened | use |
//! |---|---|
//! | nobody is signed in, or the token is not good (any more) | [`Error::Unauthenticated`] |
//! | signed in, but this is for others to do | [`Error::Forbidden`] |
//! | it is not there, or it is somebody else's (never told apart) | [`Error::NotFound`] |
//! | the caller can mend the input | [`Error::InvalidInput`], a [`Problem`] for each fault |
//! | the viewer has not accepted the active terms | [`Error::TermsNotAccepted`], by [`crate::user::lock_writer`] |
//! | the input was good, but something else came first | [`Error::Conflict`] |
//! | it was tried too often | [`Error::RateLimited`], by [`crate::brake::take`] |
//! | the database is out of reach or overloaded | [`Error::Unavailable`], made from `DbErr` by `?` |
//! | anything else | [`Error::Internal`]: its text goes to the log, never to a client |

use sea_orm::{DbErr, RuntimeErr};

use crate::game::StoredPlay;

/// One fault of an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// Where: a JSON Pointer (RFC 6901) into the `input` argument, `/completion`, or into the arguments where there is none, `/first`.
    pub pointer: String,
    /// What is wrong, the limit, and the way out.
    pub message: String,
}

impl Problem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// How many problems the message tells in a sentence; all of them are beside it.
const TOLD_AT_ONCE: usize = 3;

fn told(problems: &[Problem]) -> String {
    let told = problems.iter().take(TOLD_AT_ONCE).map(|problem| format!("{} {}", problem.pointer, problem.message));
    let more = problems.len().saturating_sub(TOLD_AT_ONCE);
    let more = (more > 0).then(|| format!("And {more} more."));
    told.chain(more).collect::<Vec<_>>().join(" ")
}

/// A time that people can picture.
fn wait(seconds: i64) -> String {
    match seconds {
        ..=120 => format!("{seconds} seconds"),
        121..=7200 => format!("{} minutes", (seconds + 59) / 60),
        _ => format!("{} hours", (seconds + 3599) / 3600),
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
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the token is not good (any more). Says what to do about it.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// This is for others to do.
    #[error("{0}")]
    Forbidden(&'static str),
    /// No such thing that the viewer may see.
    #[error("There is no such {0}, or it is not yours to see.")]
    NotFound(&'static str),
    /// The input is at fault; the caller can mend it.
    #[error("The input is not valid: {}", told(.0))]
    InvalidInput(Vec<Problem>),
    /// The active terms are to be accepted first.
    #[error(
        "Version {version} of the terms is not accepted yet. Read it (`terms`), accept it with `acceptTerms`, then send this again."
    )]
    TermsNotAccepted {
        /// The version to accept.
        version: String,
    },
    /// Something else came first.
    #[error("{message}")]
    Conflict {
        /// What came first, and the way out.
        message: String,
        /// What is stored, where an expected revision did not match.
        stored: Option<Stored>,
    },
    /// Tried too often: by this caller, or on this account.
    #[error("Too many tries. Wait {}, then try again.", wait(*.retry_after))]
    RateLimited {
        /// Seconds until the next try.
        retry_after: i64,
    },
    /// What is asked for comes to more than is given at once.
    #[error("{0}")]
    TooMuch(&'static str),
    /// A later release has written it, in a form that this one does not know. Another instance may.
    #[error("A newer version of the service saved this play; please try again in a moment.")]
    Newer,
    /// More is waiting than can be done soon.
    #[error("The service is very busy; please try again in a moment.")]
    Busy,
    /// The database does not answer now.
    #[error("The service can't do this right now; please look again in a moment.")]
    Unavailable(#[source] DbErr),
    /// A fault of this service. The source is for the log alone.
    #[error("Something went wrong on our side.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
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
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), stored: None }
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

/// A connection that broke, a server that stops, a lock that did not come free: trying again may well do.
fn is_out_of_reach(error: &sea_orm::sqlx::Error) -> bool {
    use sea_orm::sqlx::Error as Sqlx;
    match error {
        Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed | Sqlx::Tls(_) => true,
        // PostgreSQL's classes 08 (connection), 40 (rolled back), 53 (resources), 57 (operator intervention); SQLite's 5 (busy) and
        // 6 (locked), which extended codes hold in their lowest byte.
        Sqlx::Database(database) => database.code().is_some_and(|code| {
            (code.len() == 5 && ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class)))
                || (code.len() < 5 && code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 5 | 6)))
        }),
        _ => false,
    }
}
