//! What the rules count, for Prometheus: statements, hashing, mail, work in the background, ways of signing in. What each means to an operator is in
//! `docs/OBSERVABILITY.md`.
//!
//! Counting is one atomic, or one short lock for a histogram; nothing is sent or written until somebody asks. Labels have values of
//! ours alone, so their number is bounded by the source: nothing that a client sends becomes one.
//!
//! To add a metric: a field here, its name and help in [`Metrics::register`], a row in `docs/OBSERVABILITY.md` (a test wants it there).

use std::time::Duration;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::Error;

/// The times of things that end within a request, in seconds.
pub const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The times of work that nobody waits for.
const LONG: [f64; 9] = [0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];
/// How many at once.
const COUNTS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0];

/// A histogram of times.
#[must_use]
pub fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn long_seconds() -> Histogram {
    Histogram::new(LONG)
}

fn counts() -> Histogram {
    Histogram::new(COUNTS)
}

/// Histograms of one name, told apart by their labels.
pub type Histograms<S> = Family<S, Histogram, fn() -> Histogram>;

/// Declares a set of labels, all of whose values the source knows.
macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident($($label:ident),*);)*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub(crate) struct $name {
            $($label: &'static str,)*
        })*
    };
}
labels! {
    /// What a statement does.
    Statement(kind);
    /// What a loader loads.
    Relation(relation);
    /// What keeps a processor busy.
    Work(work);
    /// What became of a try to send a mail.
    Sent(kind, outcome);
    /// What is done in the background; `job` is Prometheus' own.
    Job(task);
    /// How somebody signed in, or did not.
    SignIn(kind, outcome);
    /// Which brake held.
    Brake(brake);
    /// Which pool of connections.
    Pool(pool);
    /// Where a long read went, or why not to the replica.
    LongRead(to);
}

/// The kinds of statements.
const STATEMENTS: [&str; 6] = ["select", "insert", "update", "delete", "shared", "other"];
/// What is done in the background.
const JOBS: [&str; 3] = ["expire", "mail", "exports"];
/// Where a read goes that a replica may bear: there, or why not.
const LONG_READS: [&str; 5] = ["replica", "behind", "down", "left_alone", "broke_off"];
/// The ways of signing in.
const SIGN_INS: [&str; 7] =
    ["password", "passkey", "sign_up_password", "sign_up_passkey", "recovery_password", "recovery_passkey", "refresh"];

/// Everything that is counted here.
#[derive(Clone, Debug)]
pub struct Metrics {
    statements: Vec<Histogram>,
    statement_family: Histograms<Statement>,
    statements_failed: Counter,
    loader_keys: Histograms<Relation>,
    work_waiting: Family<Work, Gauge>,
    work_running: Family<Work, Gauge>,
    work_wait: Histograms<Work>,
    work_seconds: Histograms<Work>,
    work_refused: Family<Work, Counter>,
    mails: Family<Sent, Counter>,
    mail_queue: Gauge,
    mail_oldest: Gauge,
    rounds_done: Family<Job, Gauge>,
    rounds_failed: Family<Job, Counter>,
    rounds_seconds: Histograms<Job>,
    sign_ins: Family<SignIn, Counter>,
    brakes: Family<Brake, Counter>,
    pool_wait: Histograms<Pool>,
    pool_wait_failed: Family<Pool, Counter>,
    long_reads: Family<LongRead, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let statement_family = Histograms::<Statement>::new_with_constructor(seconds);
        let metrics = Self {
            statements: STATEMENTS.map(|kind| statement_family.get_or_create_owned(&Statement { kind })).into(),
            statement_family,
            statements_failed: Counter::default(),
            loader_keys: Family::new_with_constructor(counts),
            work_waiting: Family::default(),
            work_running: Family::default(),
            work_wait: Family::new_with_constructor(seconds),
            work_seconds: Family::new_with_constructor(seconds),
            work_refused: Family::default(),
            mails: Family::default(),
            mail_queue: Gauge::default(),
            mail_oldest: Gauge::default(),
            rounds_done: Family::default(),
            rounds_failed: Family::default(),
            rounds_seconds: Family::new_with_constructor(long_seconds),
            sign_ins: Family::default(),
            brakes: Family::default(),
            pool_wait: Family::new_with_constructor(seconds),
            pool_wait_failed: Family::default(),
            long_reads: Family::default(),
        };
        // A counter that is there from the start shows its first increase.
        for task in JOBS {
            metrics.rounds_failed.get_or_create_owned(&Job { task });
        }
        for to in LONG_READS {
            metrics.long_reads.get_or_create_owned(&LongRead { to });
        }
        for kind in SIGN_INS {
            metrics.sign_ins.get_or_create_owned(&SignIn { kind, outcome: "ok" });
        }
        metrics
    }
}

impl Metrics {
    /// Shows them to whoever reads the registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "autrement_statement_seconds",
            "Time that statements ran, without the wait for a connection; shared: one for several requests",
            self.statement_family.clone(),
        );
        registry.register(
            "autrement_statements_failed",
            "Statements that the database refused or did not answer",
            self.statements_failed.clone(),
        );
        registry.register("autrement_loader_keys", "Keys that a loader answered by one statement", self.loader_keys.clone());
        registry.register("autrement_work_waiting", "Passwords or pictures that wait for a place", self.work_waiting.clone());
        registry.register(
            "autrement_work_running",
            "Passwords that are hashed, or pictures that are made, now",
            self.work_running.clone(),
        );
        registry.register("autrement_work_wait_seconds", "Time that they waited for a place", self.work_wait.clone());
        registry.register("autrement_work_seconds", "Time that the work itself took", self.work_seconds.clone());
        registry.register("autrement_work_refused", "Those that were refused, since too many waited", self.work_refused.clone());
        registry.register("autrement_mails", "Tries to send a mail, by kind and outcome", self.mails.clone());
        registry.register("autrement_mail_queue", "Mails that wait, of all instances", self.mail_queue.clone());
        registry.register("autrement_mail_queue_oldest_seconds", "Age of the oldest mail that waits", self.mail_oldest.clone());
        registry.register(
            "autrement_job_last_success_timestamp_seconds",
            "When a job in the background last succeeded",
            self.rounds_done.clone(),
        );
        registry.register("autrement_job_failures", "Work in the background that failed", self.rounds_failed.clone());
        registry.register("autrement_job_seconds", "Time that a job in the background took", self.rounds_seconds.clone());
        registry.register(
            "autrement_sign_ins",
            "Tries to sign in, sign up or refresh, by kind and outcome",
            self.sign_ins.clone(),
        );
        registry.register("autrement_brakes", "Tries that a brake refused", self.brakes.clone());
        registry.register(
            "autrement_pool_wait_seconds",
            "Time that a probe, once a second, waited for a connection of the pool",
            self.pool_wait.clone(),
        );
        registry.register("autrement_pool_wait_failed", "Probes that got no connection", self.pool_wait_failed.clone());
        registry.register(
            "autrement_long_reads",
            "Reads that a replica may bear: to the replica, or why the primary bore them",
            self.long_reads.clone(),
        );
    }

    /// A statement ran.
    pub fn statement(&self, sql: &str, took: Duration, has_failed: bool) {
        if let Some(histogram) = self.statements.get(kind(sql)) {
            histogram.observe(took.as_secs_f64());
        }
        if has_failed {
            self.statements_failed.inc();
        }
    }

    /// A loader answered so many keys by one statement.
    pub fn loaded(&self, relation: &'static str, keys: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has a thousand at most")]
        self.loader_keys.get_or_create(&Relation { relation }).observe(keys as f64);
    }

    /// What work of this kind is counted by.
    #[must_use]
    pub fn work(&self, work: &'static str) -> WorkMetrics {
        let label = Work { work };
        WorkMetrics {
            waiting: self.work_waiting.get_or_create_owned(&label),
            running: self.work_running.get_or_create_owned(&label),
            wait: self.work_wait.get_or_create_owned(&label),
            seconds: self.work_seconds.get_or_create_owned(&label),
            refused: self.work_refused.get_or_create_owned(&label),
        }
    }

    /// A try to send a mail came to this.
    pub(crate) fn mail(&self, kind: &'static str, outcome: &'static str) {
        self.mails.get_or_create(&Sent { kind, outcome }).inc();
    }

    /// How many mails wait, and since when the oldest does.
    pub fn mail_queue(&self, depth: i64, oldest: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        self.mail_queue.set(depth);
        self.mail_oldest.set(oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0)));
    }

    /// A job in the background ended.
    pub fn job(&self, task: &'static str, took: Duration, is_done: bool, now: DateTime<Utc>) {
        let label = Job { task };
        self.rounds_seconds.get_or_create(&label).observe(took.as_secs_f64());
        if is_done {
            self.rounds_done.get_or_create(&label).set(now.timestamp());
        } else {
            self.rounds_failed.get_or_create(&label).inc();
        }
    }

    /// Somebody tried to sign in.
    pub fn sign_in<T>(&self, kind: &'static str, result: &Result<T, Error>) {
        let outcome = result.as_ref().map_or_else(Error::code, |_| "ok");
        self.sign_ins.get_or_create(&SignIn { kind, outcome }).inc();
    }

    /// A brake refused a try.
    pub(crate) fn braked(&self, brake: &'static str) {
        self.brakes.get_or_create(&Brake { brake }).inc();
    }

    /// A probe waited so long for a connection of a pool, or got none.
    pub fn pool_waited(&self, pool: &'static str, waited: Option<Duration>) {
        let label = Pool { pool };
        // There before the first that fails.
        let failed = self.pool_wait_failed.get_or_create_owned(&label);
        match waited {
            Some(waited) => self.pool_wait.get_or_create(&label).observe(waited.as_secs_f64()),
            None => {
                failed.inc();
            }
        }
    }

    /// Where a read went that a replica may bear: `replica`, or why not there.
    pub(crate) fn long_read(&self, to: &'static str) {
        self.long_reads.get_or_create(&LongRead { to }).inc();
    }
}

/// The place of a statement's kind in [`STATEMENTS`].
fn kind(sql: &str) -> usize {
    match sql.as_bytes().get(..6) {
        Some(b"SELECT") => 0,
        Some(b"INSERT") => 1,
        Some(b"UPDATE") => 2,
        Some(b"DELETE") => 3,
        // `crate::together`.
        Some(b"WITH a") if sql.starts_with("WITH asked AS") => 4,
        _ => 5,
    }
}

/// What work that keeps a processor busy is counted by.
#[derive(Clone, Debug)]
pub struct WorkMetrics {
    /// Those that wait for a place.
    pub(crate) waiting: Gauge,
    /// Those that have one.
    pub(crate) running: Gauge,
    /// For how long they waited.
    pub(crate) wait: Histogram,
    /// For how long they worked.
    pub(crate) seconds: Histogram,
    /// Those that were refused.
    pub(crate) refused: Counter,
}

/// One more of a gauge, until it is dropped.
pub struct OneMore(Gauge);

impl OneMore {
    /// One more.
    #[must_use]
    pub fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::{STATEMENTS, kind};

    #[test]
    fn statements_are_told_apart() {
        for (sql, expected) in [
            ("SELECT 1", "select"),
            ("INSERT INTO a", "insert"),
            ("UPDATE a SET b = 1", "update"),
            ("DELETE FROM a", "delete"),
            ("WITH asked AS (SELECT 1) SELECT", "shared"),
            ("WITH a AS (SELECT 1) SELECT", "other"),
            ("PRAGMA", "other"),
            ("", "other"),
            ("ééé", "other"),
        ] {
            assert_eq!(STATEMENTS[kind(sql)], expected, "{sql}");
        }
    }
}
