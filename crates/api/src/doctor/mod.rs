//! `autrement doctor`: looks at everything that the service stands on, changes none of it, and says what to do about what is not as it
//! should be. It ends with 1 where something is to be done before the service works as it should.
//!
//! To add a check: a line of the [`Report`] in the file of its subject, with the way out.

mod database;
mod machine;
mod outside;

use service::Service;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::assemble;
use crate::print::say;
use crate::secrets;
use crate::settings::Settings;

/// How it stands with something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, and may not for long, or not for everybody.
    Doubtful,
    Bad,
}

/// What was found so far; each line is printed when it is known, since the next one may take its time.
#[derive(Default)]
struct Report {
    doubtful: usize,
    bad: usize,
}

impl Report {
    fn good(&mut self, subject: &str, found: impl AsRef<str>) {
        self.line(Verdict::Good, subject, found.as_ref(), "");
    }

    fn doubtful(&mut self, subject: &str, found: impl AsRef<str>, to_do: &str) {
        self.line(Verdict::Doubtful, subject, found.as_ref(), to_do);
    }

    fn bad(&mut self, subject: &str, found: impl AsRef<str>, to_do: &str) {
        self.line(Verdict::Bad, subject, found.as_ref(), to_do);
    }

    fn line(&mut self, verdict: Verdict, subject: &str, found: &str, to_do: &str) {
        let word = match verdict {
            Verdict::Good => "ok  ",
            Verdict::Doubtful => "warn",
            Verdict::Bad => "FAIL",
        };
        self.doubtful += usize::from(verdict == Verdict::Doubtful);
        self.bad += usize::from(verdict == Verdict::Bad);
        say!("{word}  {subject:9} {found}");
        if !to_do.is_empty() {
            say!("                {to_do}");
        }
    }

    fn end(&self) -> Result<(), String> {
        match self {
            Self { bad: 0, doubtful: 0 } => say!("All is well."),
            Self { bad: 0, doubtful } => say!("It works; {doubtful} to look at."),
            Self { bad, doubtful } => return Err(format!("{bad} to mend, {doubtful} to look at.")),
        }
        Ok(())
    }
}

/// Looks at everything.
pub async fn run() -> Result<(), String> {
    let mut report = Report::default();
    let mut settings = match Settings::read() {
        Ok(settings) => settings,
        Err(faults) => {
            report.bad("settings", faults, "Mend these first: nothing else can be checked without them (`autrement --help`).");
            return report.end();
        }
    };
    // What is found is told once, below.
    settings.log = Targets::new().with_default(LevelFilter::OFF);
    crate::log::start(&settings, None);
    outside::settings(&mut report, &settings);
    machine::files(&mut report, &settings);
    keys(&mut report, &settings);
    outside::address(&mut report, &settings).await;
    if database::reach(&mut report, &settings).await
        && let Some(service) = service(&mut report, &settings).await
    {
        database::look(&mut report, &settings, &service).await;
        let _ = service.database.close().await;
    }
    database::replica(&mut report, &settings).await;
    outside::mail(&mut report, &settings).await;
    report.end()
}

fn keys(report: &mut Report, settings: &Settings) {
    let all_set = !settings.token_keys.is_empty() && !settings.encryption_keys.is_empty() && !settings.email_index_key.is_empty();
    if all_set {
        return report.good("keys", "set by the environment or CONFIG");
    }
    match secrets::look(&settings.data_dir) {
        Ok(Some(mode)) if mode & 0o077 != 0 => {
            let found = format!("secrets.toml can be read by others than its owner (mode {mode:o})");
            report.bad(
                "keys",
                found,
                "chmod 600 it; where others had access, turn the keys (`autrement keys add`, `token-keys add`).",
            );
        }
        Ok(Some(_)) => {
            report.good("keys", "secrets.toml is there, and its owner's alone: keep a backup of it, apart from the database's");
        }
        Ok(None) => {
            report.doubtful(
                "keys",
                format!("there is no secrets.toml in {}", settings.data_dir.display()),
                "The first start makes it. If this is not the first, put it back from a backup: nobody reads the encrypted fields without.",
            );
        }
        Err(error) => {
            report.bad("keys", error, "Put a backup of it in its place.");
        }
    }
}

async fn service(report: &mut Report, settings: &Settings) -> Option<Service> {
    match assemble::to_look(settings).await {
        Ok(service) => Some(service),
        Err(error) => {
            report.bad("settings", error, "The service does not start like this.");
            None
        }
    }
}
