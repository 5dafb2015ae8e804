//! The commands: `serve` (when none is given), `migrate`, `doctor`, `schema`, `health`, `backup`, `copy-database`, `admin`, `games`, `import`, `keys`,
//! `token-keys`, `sample`.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use service::clock::{Clock, SystemClock};
use service::data_export::{self, ImportOptions};
use service::entity::for_each_game;
use service::game::{Game, evolution};
use service::random::SystemRandom;
use service::sealed;

use crate::copies::{self, CopyDatabase};
use crate::health::{self, Health};
use crate::migrations::{self, Migrate, migrate_up};
use crate::print::say;
use crate::secrets::{self, Ring};
use crate::settings::{Settings, help};
use crate::traces::Traces;
use crate::{assemble, doctor, graphql, log, sample, serve};

/// The backend of Autrement Capable: GraphQL over SQLite or PostgreSQL.
#[derive(Parser)]
#[command(name = "autrement", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Migrate, then serve; what is done when no command is given
    Serve,
    /// Check settings, keys, database, mail, clock and disk, and say what to do about what is not as it should be
    Doctor,
    /// Change the database's schema
    #[command(subcommand)]
    Migrate(Migrate),
    /// Print the GraphQL schema
    Schema,
    /// Ask the service that listens on `BIND` how it is; fails where it is not well
    Health {
        /// What is asked
        #[arg(value_enum, default_value_t)]
        health: Health,
    },
    /// Write a backup of an SQLite database while the service runs; for PostgreSQL there is `pg_dump`
    Backup {
        /// The file, which is not there yet; only its owner may read it
        file: PathBuf,
    },
    /// Copy everything into another, empty database, as when moving from SQLite to PostgreSQL. Stop the service before
    CopyDatabase(CopyDatabase),
    /// Look after what was played
    #[command(subcommand)]
    Games(Games),
    /// Take a person's export, as they were given it, into this database
    Import {
        /// The archive. What it says is taken over, a verified address included: take only what comes from a service that you trust
        file: PathBuf,
        /// Another username than the one they had
        #[arg(long)]
        username: Option<String>,
        /// With the role that they had; as an ordinary person otherwise
        #[arg(long)]
        keep_role: bool,
    },
    /// Manage administrators
    #[command(subcommand)]
    Admin(Admin),
    /// Manage the keys of the encrypted fields: add one, start every instance again, rotate, retire the old one
    #[command(subcommand)]
    Keys(Keys),
    /// Manage the keys of the tokens that are kept in `DATA_DIR`; instances take a change up when they start again
    #[command(subcommand)]
    TokenKeys(TokenKeys),
    /// Invented people, for benchmarks and rehearsals
    #[command(subcommand)]
    Sample(Sample),
}

#[derive(Subcommand)]
enum Sample {
    /// Take the people of a file, one JSON object a line, into a database that has none, and sign each of them in
    Load {
        /// The people; `bench/sql/people.sql` shows the form
        file: PathBuf,
        /// Where their access tokens go, one a line, in the same order
        #[arg(long)]
        tokens: PathBuf,
        /// For how many hours the tokens are good
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
        token_hours: u32,
    },
}

#[derive(Subcommand)]
enum Games {
    /// Write plays whose JSON is in an older version in the current one, once every instance runs this release; may be
    /// interrupted and begun again
    Upgrade {
        /// How many plays at a time
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        batch: u64,
    },
}

#[derive(Subcommand)]
enum Keys {
    /// Add a key to those that are kept in `DATA_DIR`: it encrypts from the next start on; the others still decrypt
    Add,
    /// Encrypt with the newest key what is encrypted with an older one, or not yet, while the service runs; may be interrupted and
    /// begun again
    Rotate {
        /// How many rows at a time
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        batch: u64,
    },
    /// Take out the oldest key; refused while anything is encrypted with it
    Retire,
}

#[derive(Subcommand)]
enum TokenKeys {
    /// Add a key that signs from the next start on; the others still check
    Add,
    /// Take out the oldest key: its tokens are refused from the next start on
    Retire,
}

#[derive(Subcommand)]
enum Admin {
    /// Make an administrator; the password is read from standard input, or made and printed once
    Create {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// A name to be shown
        #[arg(long)]
        username: Option<String>,
        /// Read the password from standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
}

/// What a command comes to; the error is for who typed it.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// An error for who typed the command.
pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Does what the command line asks for.
pub async fn run() -> Result<()> {
    let matches = Arguments::command().after_help(help()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).map_err(text)?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let settings = Settings::read()?;
            let traces = settings.traces.as_ref().map(|endpoint| Traces::start(endpoint, settings.traces_share)).transpose()?;
            log::start(&settings, traces.as_ref());
            let served = serve::serve(settings, traces.as_ref()).await;
            if let Some(traces) = traces {
                traces.stop().await;
            }
            served
        }
        Command::Doctor => doctor::run().await,
        Command::Schema => std::io::stdout().write_all(graphql::sdl().as_bytes()).map_err(text),
        Command::Migrate(migrate) => migrations::run(&settings()?, &migrate).await,
        Command::Health { health } => {
            say!("{}", health::answer(settings()?.bind, health).await?);
            Ok(())
        }
        Command::Backup { file } => copies::backup(&settings()?, &file).await,
        Command::CopyDatabase(arguments) => copies::copy_database(settings()?, arguments).await,
        Command::Games(Games::Upgrade { batch }) => upgrade_games(&settings()?, batch).await,
        Command::Import { file, username, keep_role } => import(&settings()?, &file, ImportOptions { username, keep_role }).await,
        Command::Admin(Admin::Create { email, username, password_stdin }) => {
            create_admin(&settings()?, email, username, password_stdin).await
        }
        Command::Keys(Keys::Add) => add_encryption_key(&settings()?),
        Command::Keys(Keys::Rotate { batch }) => rotate_keys(&settings()?, batch).await,
        Command::Keys(Keys::Retire) => retire_encryption_key(&settings()?).await,
        Command::TokenKeys(command) => change_token_keys(&settings()?, &command),
        Command::Sample(Sample::Load { file, tokens, token_hours }) => {
            load_sample(&settings()?, &file, &tokens, token_hours).await
        }
    }
}

/// The settings, with the log started as they say.
fn settings() -> Result<Settings> {
    let settings = Settings::read()?;
    log::start(&settings, None);
    Ok(settings)
}

fn change_token_keys(settings: &Settings, command: &TokenKeys) -> Result<()> {
    if !settings.token_keys.is_empty() {
        return Err("TOKEN_KEYS is set: change the ring there. The first key signs, the oldest is the last.".to_owned());
    }
    match command {
        TokenKeys::Add => {
            let id = new_key_id(settings);
            secrets::add_key(&settings.data_dir, &SystemRandom, Ring::Token, &id)?;
            say!("Added the key {id}: it signs once the service starts again.");
        }
        TokenKeys::Retire => {
            let id = secrets::retire_key(&settings.data_dir, &SystemRandom, Ring::Token)?;
            say!("Retired the key {id}: its tokens are refused once the service starts again.");
        }
    }
    Ok(())
}

fn new_key_id(settings: &Settings) -> String {
    format!("k{}", SystemClock { offset: settings.clock_offset }.now().format("%Y%m%dT%H%M%S%.3f"))
}

fn add_encryption_key(settings: &Settings) -> Result<()> {
    if !settings.encryption_keys.is_empty() {
        return Err(
            "ENCRYPTION_KEYS is set: add the key there. The first one encrypts; with many instances, put the new one last \
                    everywhere before you put it first."
                .to_owned(),
        );
    }
    let id = new_key_id(settings);
    secrets::add_key(&settings.data_dir, &SystemRandom, Ring::Encryption, &id)?;
    say!("Added the key {id}: it encrypts once the service starts again. Then run `autrement keys rotate`.");
    Ok(())
}

async fn rotate_keys(settings: &Settings, batch: u64) -> Result<()> {
    let service = assemble::beside(settings).await?;
    let done = sealed::rotate(&service, batch, |table, rows| say!("{table}: {rows} rows so far")).await;
    let newest = service.keys.newest().to_owned();
    service.database.close().await.map_err(text)?;
    match done.map_err(text)? {
        (rows, 0) => say!("{rows} rows were encrypted anew: everything is encrypted with {newest} now."),
        (_, left) => return Err(format!("{left} rows do not open and stay as they are: the log says which.")),
    }
    Ok(())
}

async fn retire_encryption_key(settings: &Settings) -> Result<()> {
    let service = assemble::beside(settings).await?;
    sealed::check(&service).await.map_err(text)?;
    let oldest = service.keys.ids().last().unwrap_or_default().to_owned();
    sealed::retire(&service, &oldest).await.map_err(text)?.map_err(text)?;
    if settings.encryption_keys.is_empty() {
        secrets::retire_key(&settings.data_dir, &SystemRandom, Ring::Encryption)?;
        say!("Retired the key {oldest}: it is out of the ring. Backups from before still need it.");
    } else {
        say!("Retired the key {oldest}: take it out of ENCRYPTION_KEYS. Backups from before still need it.");
    }
    service.database.close().await.map_err(text)
}

async fn upgrade_games(settings: &Settings, batch: u64) -> Result<()> {
    let service = assemble::to_write(settings).await?;
    for_each_game!(G => {
        let name = format!("{:?}", G::KIND);
        let written = evolution::upgrade::<G>(&service, batch, |so_far| say!("{name}: {so_far} upgraded so far")).await;
        let (written, left) = (written.map_err(text)?, evolution::older::<G>(&service).await.map_err(text)?);
        say!("{name}: {written} upgraded to version {}, {left} left", evolution::current_version(G::KIND));
    });
    service.database.close().await.map_err(text)
}

async fn import(settings: &Settings, file: &Path, options: ImportOptions) -> Result<()> {
    migrate_up(settings).await?;
    let service = assemble::to_write(settings).await?;
    let imported = data_export::import(&service, file, options).await.map_err(text)?;
    for note in imported.notes {
        say!("{note}");
    }
    let who = imported.username.as_deref().unwrap_or("a person without a username");
    say!("Imported {who}, {} rows. Passwords do not come along: they get in by a passkey or a link by mail.", imported.rows);
    service.database.close().await.map_err(text)
}

async fn load_sample(settings: &Settings, file: &Path, tokens: &Path, token_hours: u32) -> Result<()> {
    migrate_up(settings).await?;
    let service = assemble::to_write(settings).await?;
    sample::load(&service, file, tokens, token_hours).await?;
    service.database.close().await.map_err(text)
}

async fn create_admin(settings: &Settings, email: String, username: Option<String>, password_stdin: bool) -> Result<()> {
    migrate_up(settings).await?;
    let service = assemble::to_write(settings).await?;
    let (password, made) = if password_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map_err(text)?;
        (line.trim_end_matches(['\r', '\n']).to_owned(), None)
    } else {
        let made = URL_SAFE_NO_PAD.encode(service::random::bytes::<18>(&*service.random).map_err(text)?);
        (made.clone(), Some(made))
    };
    service::user::create_admin(&service, email, password, username).await.map_err(text)?;
    if let Some(made) = made {
        let printed = writeln!(std::io::stdout(), "Password: {made}");
        printed.map_err(|error| {
            format!("The administrator was made, and the password could not be printed ({error}): make another.")
        })?;
    }
    say!("The administrator can sign in now.");
    service.database.close().await.map_err(text)
}
