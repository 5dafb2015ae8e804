//! Whether PostgreSQL answers: asked on a connection of its own, so that neither a slow statement nor a pool that is all in use is taken for
//! a server that is gone. A connection over which nothing comes any more (a proxy that hangs, a cable) looks like a slow statement otherwise,
//! and sqlx has no time for either.

use std::future::ready;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::raw_sql;
use sea_orm::sqlx::{ConnectOptions, Error, Executor, Row};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::{Database, LOOKS};

/// For how long an answer is waited for, for which PostgreSQL has next to nothing to do: on a connection, and then on another, to be made.
const PATIENCE: Duration = Duration::from_millis(500);
const PATIENCE_WITH_ANOTHER: Duration = Duration::from_millis(750);

/// What is known of it.
#[derive(Debug)]
pub(super) struct Reach {
    is_silent: AtomicBool,
    is_read_only: AtomicBool,
    /// Somebody wants to know now, since a connection broke.
    wanted: Notify,
    /// So many pools there were when it did, counted from one.
    broke: AtomicUsize,
    /// Each look: whether it answered.
    looked: watch::Sender<bool>,
}

impl Reach {
    pub(super) fn new() -> Self {
        Self {
            is_silent: AtomicBool::new(false),
            is_read_only: AtomicBool::new(false),
            wanted: Notify::new(),
            broke: AtomicUsize::new(0),
            looked: watch::Sender::new(true),
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Acquire)
    }

    /// It answers, and takes no writes.
    pub(super) fn is_read_only(&self) -> bool {
        self.is_read_only.load(Ordering::Acquire)
    }

    /// A connection broke when there were so many pools: whether the server answers, by a look that ends after this was asked.
    pub(super) async fn look(&self, pools: usize) -> bool {
        let mut looked = self.looked.subscribe();
        self.broke.fetch_max(pools + 1, Ordering::AcqRel);
        self.wanted.notify_one();
        looked.changed().await.is_ok() && *looked.borrow()
    }

    /// Looks for as long as the process runs.
    pub(super) async fn watch(self: Arc<Self>, url: String, database: Database) {
        let options = match PgConnectOptions::from_str(&url) {
            Ok(options) => options.application_name("autrement reach").disable_statement_logging(),
            // The pool was made from the same.
            Err(error) => return tracing::error!(%error, "nobody looks whether the database answers"),
        };
        let mut connection = None;
        loop {
            let pools = database.pools.count();
            if self.broke.load(Ordering::Acquire) > pools {
                database.pools.begin_anew(pools).await;
            }
            let answer = match connection.take() {
                None => ask(options.connect(), PATIENCE_WITH_ANOTHER).await,
                Some(open) => match ask(ready(Ok(open)), PATIENCE).await {
                    None => {
                        // It may be this one alone. Those of the pool are as good as it is: they go.
                        let answer = ask(options.connect(), PATIENCE_WITH_ANOTHER).await;
                        database.pools.begin_anew(pools).await;
                        answer
                    }
                    answer => answer,
                },
            };
            let answers = answer.is_some();
            if let Some((open, is_read_only)) = answer {
                match (self.is_read_only(), is_read_only) {
                    (true, false) => {
                        // Those of the pool may have been told at their beginning that it does not.
                        database.pools.begin_anew(pools).await;
                        tracing::info!("the database takes writes again");
                    }
                    (false, true) => tracing::error!(
                        "the database takes no writes, a replica or set to read only: DATABASE_URL has to lead to the primary"
                    ),
                    _ => {}
                }
                self.is_read_only.store(is_read_only, Ordering::Release);
                // One that was told so stays told: the next look is by another.
                connection = (!is_read_only).then_some(open);
            }
            if self.is_silent.swap(!answers, Ordering::AcqRel) == answers {
                if answers {
                    tracing::info!("the database answers again");
                } else {
                    tracing::error!("the database does not answer: requests that need it end with UNAVAILABLE until it does");
                }
            }
            self.looked.send_replace(answers);
            let _ = timeout(LOOKS, self.wanted.notified()).await;
        }
    }
}

const IS_READ_ONLY: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'";

/// The connection, if the server answers on it in time, and whether it takes no writes on it.
async fn ask(connection: impl Future<Output = Result<PgConnection, Error>>, patience: Duration) -> Option<(PgConnection, bool)> {
    let answer = async {
        let mut connection = connection.await?;
        // As text: nothing is prepared, which a pooler would have to know of.
        let row = connection.fetch_one(raw_sql(IS_READ_ONLY)).await?;
        let is_read_only: bool = row.try_get(0)?;
        Ok::<_, Error>((connection, is_read_only))
    };
    let answer = timeout(patience, answer).await.ok()?;
    answer.inspect_err(|error| tracing::debug!(%error, "the database was asked, and failed")).ok()
}
