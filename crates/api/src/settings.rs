//! Settings: environment variables, and an optional TOML file with the same names in lower case. Read once, at the start; every
//! fault is told at once.
//!
//! To add a setting: a line in [`SETTINGS`] (shown by `--help`, and checked against README.md by a test), a field, and its line in
//! [`Settings::read`].

mod source;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;
use service::diagnosis::sqlite_file;
use service::password::Hashing;
use service::sealed::{KeyRing, RingKey};
use service::token::TokenKey;
use tracing_subscriber::filter::{LevelFilter, Targets};
use url::Url;

use crate::graphql::limits::Limits;
use crate::http::connections::Bounds;
use crate::secrets;
use source::Source;

/// Name, default, and what it does.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("BIND", "127.0.0.1:8080", "Address and port to listen on; port 0 takes a free one."),
    ("DATA_DIR", "data", "Folder for the SQLite file and the secrets made on first start."),
    ("DATABASE_URL", "sqlite://DATA_DIR/autrement.db", "sqlite://… or postgres://user:password@host/name."),
    (
        "DATABASE_REPLICA_URL",
        "",
        "postgres://… of a streaming replica, which bears long reads; where it is down or behind, the primary does.",
    ),
    ("DATABASE_CONNECTIONS", "10", "The most connections to the database at once."),
    ("DATABASE_WAIT_SECONDS", "60", "For how many seconds a start waits for a database that does not answer yet; 0: not at all."),
    (
        "WORKER_THREADS",
        "half of the cores, 1 at least",
        "How many threads answer requests; all cores where the database is on another machine.",
    ),
    (
        "PUBLIC_URL",
        "http://localhost:PORT",
        "The origin that browsers see. Its host is the relying party's id of every passkey: it stays.",
    ),
    (
        "RELYING_PARTY_ID",
        "host of PUBLIC_URL",
        "The relying party's id of every passkey, where it is a domain above that host: it stays.",
    ),
    ("APP_URL", "PUBLIC_URL", "Where the front end is: mails link to its pages verify-email, recover, sign-in and account."),
    (
        "SMTP_URL",
        "",
        "smtp://user:password@host:587?tls=required or smtps://…; without it mail is printed to the log, on localhost only.",
    ),
    ("MAIL_FROM", "no-reply@ host of PUBLIC_URL", "Whom mail comes from: an address, with a name or without."),
    (
        "TRUSTED_PROXIES",
        "",
        "Addresses or networks of proxies, separated by commas, whose X-Forwarded-For says where a request comes from.",
    ),
    ("ALLOWED_ORIGINS", "", "Further origins of front ends that may call the API, separated by commas."),
    (
        "TOKEN_KEYS",
        "made in DATA_DIR",
        "Keys of the tokens, newest first: name:secret,name:secret; each secret 32 bytes or more in base64url.",
    ),
    (
        "ENCRYPTION_KEYS",
        "made in DATA_DIR",
        "Keys of the encrypted fields, newest first: name:secret,name:secret; each secret 32 bytes or more in base64url.",
    ),
    (
        "EMAIL_INDEX_KEY",
        "made in DATA_DIR",
        "Key of the index of addresses, of the links in mails, to pictures and to exports, and of what was saved under a saveId, 32 bytes or more in base64url. It never changes.",
    ),
    ("HASHING_PLACES", "2", "The most passwords hashed at once."),
    (
        "HASHING_MEMORY",
        "19456",
        "KiB of memory for hashing a password with argon2id; raised, it counts for each person from their next sign-in.",
    ),
    ("HASHING_PASSES", "2", "Passes over that memory; raised, the same."),
    ("MAX_DEPTH", "20", "How deep the fields of a query may be nested."),
    (
        "MAX_COMPLEXITY",
        "50000",
        "How many fields an answer may have, a list counted with as many items as it is asked for, and what is costly with more.",
    ),
    ("MAX_TOKENS", "15000", "How many tokens a query may have."),
    ("MAX_ALIASES", "100", "How many fields of a query may be asked for under other names."),
    ("MAX_ROOT_FIELDS", "50", "How many fields a query may ask for at its root."),
    ("MAX_DIRECTIVES", "100", "How many directives a query may have."),
    ("MAX_REQUEST_BYTES", "1048576", "How many bytes a request may have, besides a file that it brings."),
    ("MAX_BATCH", "10", "How many requests may be sent as one, in a JSON array; 1: none but alone."),
    (
        "REQUESTS_AT_ONCE",
        "8 for each core, 2 on SQLite",
        "How many requests are computed at once; of what comes beyond, some waits shortly and the rest gets UNAVAILABLE.",
    ),
    (
        "MAX_CONNECTIONS",
        "10000",
        "The most connections of clients at once; where there are as many, those that were idle for longest are closed.",
    ),
    ("IDLE_SECONDS", "75", "For how many seconds a connection is kept on which no request is answered."),
    ("REQUEST_SECONDS", "30", "For how many seconds a request may run before it ends with TIMEOUT."),
    ("INTROSPECTION", "on", "on or off: whether the schema may be asked for, as GraphiQL does."),
    ("SUGGESTIONS", "on", "on or off: whether an error about an unknown name suggests those that exist."),
    (
        "TRUSTED_DOCUMENTS",
        "",
        "A JSON file with the only documents that run: an object of their texts by id, as graphql-codegen writes it.",
    ),
    ("AUDIT_LOG_DAYS", "365", "For how many days it is kept what happened to an account, 30 to 3650."),
    ("GRAPHIQL", "on", "on: GraphiQL, for people who explore the API, is served at /; off: there is nothing."),
    ("LOG", "info", "What is logged: error, warn, info, debug, or a filter such as info,sqlx=debug."),
    ("LOG_FORMAT", "text", "text or json."),
    ("LOG_REQUESTS", "off", "on: each request has a line in the log; off: only what is out of the ordinary."),
    ("SLOW_OPERATION_MS", "1000", "Operations that take this many milliseconds are logged, with the hash of their document."),
    ("METRICS_BIND", "", "Address and port where Prometheus reads /metrics, 127.0.0.1:9464; not one that people reach."),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "Where traces go: a collector of OpenTelemetry that takes OTLP over HTTP, http://127.0.0.1:4318.",
    ),
    ("OTEL_TRACES_SAMPLER_ARG", "1", "Which share of all requests is traced, 0 to 1."),
    ("CLOCK_OFFSET", "0", "Seconds added to the clock, for tests and rehearsals."),
    ("CONFIG", "", "A TOML file with any of these names in lower case; the environment goes first."),
];

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object a line.
    Json,
}

/// All settings, checked.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// Which database.
    pub database_url: String,
    /// A replica of it.
    pub database_replica_url: Option<String>,
    /// The most connections to it.
    pub database_connections: u32,
    /// How many threads answer requests.
    pub worker_threads: usize,
    /// For how long a start waits for it.
    pub database_wait: Duration,
    /// What browsers see; `None`: localhost with the port that is listened on.
    pub public_url: Option<Url>,
    /// The relying party's id; `None`: the host of what browsers see.
    pub relying_party_id: Option<String>,
    /// Where the front end is; `None`: what browsers see.
    pub app_url: Option<Url>,
    /// The mail server; `None`: the log.
    pub smtp_url: Option<String>,
    /// Whom mail comes from; `None`: no-reply at the host of what browsers see.
    pub mail_from: Option<String>,
    /// Proxies that say where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of front ends elsewhere.
    pub allowed_origins: Vec<Url>,
    /// Keys of the tokens, newest first; empty: those of `data_dir`.
    pub token_keys: Vec<TokenKey>,
    /// Keys of the encrypted fields, newest first; empty: those of `data_dir`.
    pub encryption_keys: Vec<RingKey>,
    /// Key of the index of addresses; empty: that of `data_dir`.
    pub email_index_key: Vec<u8>,
    /// How passwords are hashed.
    pub hashing: Hashing,
    /// What a request may ask for.
    pub limits: Limits,
    /// How many requests are worked on at once.
    pub requests_at_once: usize,
    /// Connections of clients.
    pub connections: Bounds,
    /// The only documents that run, by id; `None`: any.
    pub trusted_documents: Option<BTreeMap<String, String>>,
    /// How long it is kept what happened to an account.
    pub audit_log: TimeDelta,
    /// Whether GraphiQL is served.
    pub graphiql: bool,
    /// From which level on what is logged: of all, or by where it comes from.
    pub log: Targets,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Whether each request has its line.
    pub log_requests: bool,
    /// Operations that take this long are logged.
    pub slow_operation: Duration,
    /// Where metrics are shown; `None`: nowhere.
    pub metrics_bind: Option<SocketAddr>,
    /// Where traces go; `None`: nowhere.
    pub traces: Option<Url>,
    /// Which share of them.
    pub traces_share: f64,
    /// Added to the clock.
    pub clock_offset: TimeDelta,
}

/// The settings as `--help` shows them.
pub fn help() -> String {
    let mut help = "Settings (environment variables):\n".to_owned();
    for (name, default, what) in SETTINGS {
        let default = if default.is_empty() { "none" } else { default };
        let _ = writeln!(help, "  {name}\n          {what} [default: {default}]");
    }
    help
}

/// How many threads answer requests, which is asked before anything else can be; faults are told by who reads all settings.
#[must_use]
pub fn worker_threads() -> usize {
    Settings::read().map_or(1, |settings| settings.worker_threads)
}

/// The database has the other half: it works as much for a request as the service does.
fn half_of_the_cores() -> usize {
    (cores() / 2).max(1)
}

/// The clock is moved by a century at most, in seconds.
const LONGEST_OFFSET: RangeInclusive<i64> = -3_155_760_000..=3_155_760_000;

/// Those that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Settings {
    /// Reads the environment and the file. The error says every fault, never a secret.
    pub fn read() -> Result<Self, String> {
        let mut source = Source::read(&SETTINGS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
        let data_dir = PathBuf::from(source.text("DATA_DIR").unwrap_or_else(|| "data".to_owned()));
        let default_url = format!("sqlite://{}", data_dir.join("autrement.db").display());
        if source.text("DATABASE_URL").is_none() && default_url.contains(['?', '#', '%']) {
            source.faults.push("DATA_DIR holds a ?, # or %, which mean something else in the URL of a database".to_owned());
        }
        let url: String =
            source.parse("DATABASE_URL", default_url, "a URL of sqlite:// (of a file) or postgres://", database_url);
        // Measured: SQLite, in the same process, has as many done with few at once, and each sooner; PostgreSQL has requests share statements.
        let places = if is_sqlite(&url) { 2 } else { 8 };
        let settings = Self {
            bind: source
                .parse("BIND", ([127, 0, 0, 1], 8080).into(), "an address and port, 127.0.0.1:8080", |text| text.parse().ok()),
            database_url: url,
            database_replica_url: source.parse("DATABASE_REPLICA_URL", None, "a URL of postgres://", |text| {
                database_url(text).filter(|url| !is_sqlite(url)).map(Some)
            }),
            database_connections: source.number("DATABASE_CONNECTIONS", 10, 1..=1000),
            worker_threads: source.number("WORKER_THREADS", half_of_the_cores(), 1..=1024),
            database_wait: Duration::from_secs(source.number("DATABASE_WAIT_SECONDS", 60, 0..=86_400)),
            public_url: source.parse("PUBLIC_URL", None, "an origin, https://example.org", |text| origin(text).map(Some)),
            relying_party_id: source.text("RELYING_PARTY_ID"),
            app_url: source.parse("APP_URL", None, "an http or https URL without # or ?", |text| page(text).map(Some)),
            smtp_url: source.parse(
                "SMTP_URL",
                None,
                "smtps://…, or smtp://… with ?tls=required (but on this machine itself)",
                |text| mail_server(text).map(Some),
            ),
            mail_from: source.text("MAIL_FROM"),
            trusted_proxies: source.parse("TRUSTED_PROXIES", Vec::new(), "a list of addresses or networks, 10.0.0.0/8", |text| {
                text.split(',')
                    .map(str::trim)
                    .map(|text| text.parse().ok().or_else(|| Some(IpAddr::from_str(text).ok()?.into())))
                    .collect()
            }),
            allowed_origins: source.parse(
                "ALLOWED_ORIGINS",
                Vec::new(),
                "a list of origins, https://a.example.org,https://b.example.org",
                |text| text.split(',').map(|text| origin(text.trim())).collect(),
            ),
            token_keys: source.parse(
                "TOKEN_KEYS",
                Vec::new(),
                "a list of name:secret, each secret 32 bytes or more in base64url",
                |text| text.split(',').map(|key| secrets::token_key(key.trim())).collect(),
            ),
            encryption_keys: source.parse(
                "ENCRYPTION_KEYS",
                Vec::new(),
                "a list of name:secret, each name once, of letters, digits, - _ and . (40 at most), each secret 32 bytes or more in base64url",
                |text| {
                    let keys: Option<Vec<_>> = text.split(',').map(|key| secrets::encryption_key(key.trim())).collect();
                    keys.filter(|keys| KeyRing::new(keys).is_some())
                },
            ),
            email_index_key: source.parse("EMAIL_INDEX_KEY", Vec::new(), "32 bytes or more in base64url", secrets::secret),
            hashing: Hashing {
                places: source.number("HASHING_PLACES", 2, 1..=64),
                // RFC 9106 and OWASP: not less than 19 MiB and two passes, or 46 MiB and one.
                memory: source.number("HASHING_MEMORY", 19_456, 19_456..=4_194_304),
                passes: source.number("HASHING_PASSES", 2, 1..=100),
            },
            limits: limits(&mut source),
            requests_at_once: source.number("REQUESTS_AT_ONCE", places * cores(), 1..=10_000),
            connections: connections(&mut source),
            trusted_documents: source.parse(
                "TRUSTED_DOCUMENTS",
                None,
                "the path of a JSON file that holds an object of GraphQL documents by id",
                |path| trusted_documents(path).map(Some),
            ),
            audit_log: TimeDelta::days(source.number("AUDIT_LOG_DAYS", 365, 30..=3650)),
            graphiql: source.switch("GRAPHIQL", true),
            log: source.parse("LOG", Targets::new().with_default(LevelFilter::INFO), "a log filter, info or info,sqlx=debug", |text| text.parse().ok()),
            log_format: source.parse("LOG_FORMAT", LogFormat::Text, "text or json", |text| match text {
                "text" => Some(LogFormat::Text),
                "json" => Some(LogFormat::Json),
                _ => None,
            }),
            log_requests: source.switch("LOG_REQUESTS", false),
            slow_operation: Duration::from_millis(source.number("SLOW_OPERATION_MS", 1000, 1..=3_600_000)),
            metrics_bind: source
                .parse("METRICS_BIND", None, "an address and port, 127.0.0.1:9464", |text| text.parse().ok().map(Some)),
            traces: source
                .parse("OTEL_EXPORTER_OTLP_ENDPOINT", None, "an http or https URL, http://127.0.0.1:4318", |text| page(text).map(Some)),
            traces_share: source.number("OTEL_TRACES_SAMPLER_ARG", 1.0, 0.0..=1.0),
            clock_offset: source.parse("CLOCK_OFFSET", TimeDelta::zero(), "a number of seconds", |text| {
                text.parse().ok().filter(|seconds| LONGEST_OFFSET.contains(seconds)).and_then(TimeDelta::try_seconds)
            }),
            data_dir,
        };
        source.faults.extend(settings.do_not_go_together());
        if source.faults.is_empty() {
            Ok(settings)
        } else {
            Err(format!("The settings are not valid:\n- {}", source.faults.join("\n- ")))
        }
    }

    /// What is wrong with settings that are each valid.
    fn do_not_go_together(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.bind.port() != 0 && self.metrics_bind == Some(self.bind) {
            faults.push("METRICS_BIND is the same as BIND".to_owned());
        }
        if self.is_sqlite() && self.database_replica_url.is_some() {
            faults.push("DATABASE_REPLICA_URL needs a DATABASE_URL of postgres://".to_owned());
        }
        faults
    }

    /// Whether mail that is printed to the log is enough: nobody but this machine's own browsers come.
    pub fn is_local(&self) -> bool {
        self.public_url.as_ref().is_none_or(|url| url.host_str() == Some("localhost"))
    }

    /// Whether the database is a file of SQLite's.
    pub fn is_sqlite(&self) -> bool {
        is_sqlite(&self.database_url)
    }

    /// The URL of the database, without the password, which may be in the query too.
    pub fn database_name(&self) -> String {
        let Ok(mut url) = Url::parse(&self.database_url) else {
            return if self.is_sqlite() { self.database_url.clone() } else { String::new() };
        };
        let _ = url.set_password(None);
        url.set_query(None);
        url.into()
    }
}

fn is_sqlite(database_url: &str) -> bool {
    database_url.starts_with("sqlite:")
}

/// The URL of a database, if it is one of those that are known here. One of SQLite's has a file: what is in memory alone is lost.
pub fn database_url(text: &str) -> Option<String> {
    let is_known = if is_sqlite(text) {
        let query = text.split_once('?').map_or("", |(_, query)| query);
        let takes_writes = !query.split('&').any(|part| ["mode=ro", "immutable=1", "immutable=true"].contains(&part));
        sqlite_file(text).is_some() && takes_writes
    } else {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
    };
    is_known.then(|| text.to_owned())
}

fn trusted_documents(path: &str) -> Option<BTreeMap<String, String>> {
    let documents: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let are_good = !documents.is_empty() && documents.values().all(|text| async_graphql::parser::parse_query(text).is_ok());
    are_good.then_some(documents)
}

fn connections(source: &mut Source) -> Bounds {
    Bounds {
        most: source.number("MAX_CONNECTIONS", 10_000, 10..=1_000_000),
        idle: Duration::from_secs(source.number("IDLE_SECONDS", 75, 1..=3600)),
    }
}

fn limits(source: &mut Source) -> Limits {
    let default = Limits::default();
    let seconds = source.number("REQUEST_SECONDS", default.time.as_secs(), 1..=600);
    Limits {
        depth: source.number("MAX_DEPTH", default.depth, 1..=60),
        complexity: source.number("MAX_COMPLEXITY", default.complexity, 1..=10_000_000),
        tokens: source.number("MAX_TOKENS", default.tokens, 1..=1_000_000),
        aliases: source.number("MAX_ALIASES", default.aliases, 0..=10_000),
        root_fields: source.number("MAX_ROOT_FIELDS", default.root_fields, 1..=10_000),
        directives: source.number("MAX_DIRECTIVES", default.directives, 0..=10_000),
        request_bytes: source.number("MAX_REQUEST_BYTES", default.request_bytes, 1024..=64 * 1024 * 1024),
        batch: source.number("MAX_BATCH", default.batch, 1..=1000),
        time: Duration::from_secs(seconds),
        introspection: source.switch("INTROSPECTION", default.introspection),
        suggestions: source.switch("SUGGESTIONS", default.suggestions),
    }
}

/// Passwords and links do not go over the network in the clear.
fn mail_server(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_here = url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
    let has_tls = url.scheme() == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    (["smtp", "smtps"].contains(&url.scheme()) && (is_here || has_tls)).then(|| text.to_owned())
}

fn page(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_page = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    (is_page && url.host().is_some() && url.username().is_empty()).then_some(url)
}

fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_origin =
        matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (is_origin && url.host().is_some() && url.username().is_empty()).then_some(url)
}

#[cfg(test)]
mod tests {
    #[test]
    fn readme_has_every_setting() {
        let readme = include_str!("../../../README.md");
        for (name, ..) in super::SETTINGS {
            assert!(readme.contains(&format!("| `{name}` |")), "README.md does not describe {name}");
        }
    }
}
