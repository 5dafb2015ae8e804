//! The database: whether it is there, whole, and what the service needs it to be.

use std::path::Path;

use chrono::TimeDelta;
use migration::{Migrator, MigratorTrait, Standing};
use rustix::fs::{Access, access};
use service::Service;
use service::database::{Database, Unreached};
use service::diagnosis::{self, Facts};
use service::sealed::{self, KeyState};
use service::user_detail::is_found_by_index_key;

use super::{Report, machine};
use crate::secrets;
use crate::settings::Settings;

/// Clocks that differ by so much are worth a look; by so much more, what expires on one instance is good on another.
const DIFFERS: TimeDelta = TimeDelta::seconds(2);
const DIFFERS_MUCH: TimeDelta = TimeDelta::seconds(60);

/// Whether there is one to look at; makes none.
pub(super) async fn reach(report: &mut Report, settings: &Settings) -> bool {
    let name = settings.database_name();
    if let Some(path) = diagnosis::sqlite_file(&settings.database_url) {
        return file(report, settings, &path);
    }
    match Database::reach(&settings.database_url).await {
        Ok(()) => true,
        Err(Unreached { may_pass: true, reason }) => {
            let to_do = "Start it, or mend host and port in DATABASE_URL; see that this machine may connect (firewall, listen_addresses).";
            report.bad("database", format!("{name} does not answer: {reason}"), to_do);
            false
        }
        Err(Unreached { reason, .. }) => {
            let to_do =
                "Mend user, password or name in DATABASE_URL, or make the database, and its role, and let it in (pg_hba.conf).";
            report.bad("database", format!("{name} does not let the service in: {reason}"), to_do);
            false
        }
    }
}

fn file(report: &mut Report, settings: &Settings, path: &Path) -> bool {
    let name = path.display();
    if path.exists() {
        if access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
            report.bad("database", format!("{name} may not be read and written by this user"), "chown it to the service's user.");
            return false;
        }
        return true;
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    if path.symlink_metadata().is_ok() {
        report.bad("database", format!("{name} is a link that leads nowhere"), "Put the database back, or take the link away.");
    } else if let Err(to_do) = machine::may_make(folder, folder == settings.data_dir) {
        report.bad("database", format!("{name} is not there, and can't be made"), &to_do);
    } else if matches!(secrets::look(&settings.data_dir), Ok(Some(_))) {
        let to_do = "If this is not the first start, put it back from a backup: the next start makes an empty one.";
        report.doubtful("database", format!("{name} is not there, and secrets.toml is"), to_do);
    } else {
        report.good("database", format!("{name} is not there yet: the first start makes it"));
    }
    false
}

/// The replica bears what the primary would otherwise, so that one that is down is no fault of the service.
pub(super) async fn replica(report: &mut Report, settings: &Settings) {
    let Some(url) = &settings.database_replica_url else { return };
    let name = Settings { database_url: url.clone(), ..settings.clone() }.database_name();
    match Database::reach(url).await {
        Ok(()) => report.good("replica", format!("{name} answers")),
        Err(Unreached { reason, .. }) => {
            let to_do = "Start it, or mend DATABASE_REPLICA_URL: until then the primary bears long reads.";
            report.doubtful("replica", format!("{name} does not answer: {reason}"), to_do);
        }
    }
}

pub(super) async fn look(report: &mut Report, settings: &Settings, service: &Service) {
    let facts = match diagnosis::look(service).await {
        Ok(facts) => facts,
        Err(error) => return report.bad("database", format!("does not answer: {}", error.cause()), "See its own log."),
    };
    report.good("database", &facts.what);
    safety(report, &facts);
    room(report, settings, &facts);
    clock(report, &facts);
    migrations(report, service, &facts).await;
    keys(report, service).await;
}

/// What was acknowledged has to be there after a power cut, and in every language.
fn safety(report: &mut Report, facts: &Facts) {
    for (name, is, should) in &facts.settings {
        if is != should {
            let to_do = format!("Set it to {should}.");
            report.bad("database", format!("{name} is {is}"), &to_do);
        }
    }
    if let Some(fault) = &facts.fault {
        report.bad("database", format!("the file is damaged: {fault}"), "Stop the service, and put a backup in its place.");
    }
    if facts.is_read_only {
        let to_do = "Point DATABASE_URL at the primary: the service writes.";
        report.bad("database", "it takes no writes: a replica, or set to read only", to_do);
    }
}

fn room(report: &mut Report, settings: &Settings, facts: &Facts) {
    let Some(most) = facts.most_connections else { return };
    let wanted = i64::from(settings.database_connections);
    if wanted > most {
        let to_do = "Lower DATABASE_CONNECTIONS, or raise max_connections (or the limit of the role or database): all instances together have to stay below it.";
        report.bad("database", format!("DATABASE_CONNECTIONS is {wanted}, and PostgreSQL gives {most} (max_connections)"), to_do);
    } else if wanted * 2 > most {
        let to_do = "A second instance would not get all of its own: lower it, raise max_connections, or put pgbouncer between.";
        report.doubtful(
            "database",
            format!("DATABASE_CONNECTIONS is {wanted} of the {most} that PostgreSQL gives (max_connections)"),
            to_do,
        );
    }
}

fn clock(report: &mut Report, facts: &Facts) {
    let Some(ahead) = facts.ahead else { return report.good("clock", "the database has the clock of this machine") };
    let found = format!("this machine's is {:.1} s from the database's", num_seconds(ahead.abs()));
    if ahead.abs() >= DIFFERS_MUCH {
        report.bad("clock", found, "Have both set theirs by NTP (timedatectl): what expires would not at the same time.");
    } else if ahead.abs() >= DIFFERS {
        report.doubtful("clock", found, "Have both set theirs by NTP (timedatectl).");
    } else {
        report.good("clock", found);
    }
}

fn num_seconds(time: TimeDelta) -> f64 {
    time.as_seconds_f64()
}

async fn migrations(report: &mut Report, service: &Service, facts: &Facts) {
    let standing = migration::standing(service.database.pool()).await;
    let missing = standing.as_ref().map_or(0, |standing| standing.missing.len());
    if missing == Migrator::migrations().len() && facts.has_people {
        let to_do = "Give the service a database of its own (DATABASE_URL).";
        return report.bad("schema", "there are tables that this service did not make", to_do);
    }
    if missing > 0 && !facts.may_make_tables {
        let to_do = "GRANT CREATE ON SCHEMA public to its role, or make that the owner of the database.";
        return report.bad("schema", format!("{missing} migrations are missing, and the role may not make tables"), to_do);
    }
    match standing {
        Ok(Standing { missing, unknown }) if missing.is_empty() && unknown.is_empty() => {
            report.good("schema", "every migration of this release is applied");
        }
        Ok(Standing { missing, unknown }) if missing.is_empty() => {
            let to_do = "Good while a newer release takes over; this one should not stay beside it.";
            report.doubtful("schema", format!("a later release has applied {}", unknown.join(", ")), to_do);
        }
        Ok(Standing { missing, .. }) => {
            let to_do = "The next start applies them, or `autrement migrate up` does; make a backup first.";
            report.doubtful("schema", format!("{} migrations are missing, from {}", missing.len(), missing[0]), to_do);
        }
        Err(_) => report.doubtful("schema", "there is none yet", "The first start makes it, or `autrement migrate up` does."),
    }
}

async fn keys(report: &mut Report, service: &Service) {
    let Ok(keys) = sealed::look(service).await else { return };
    let mut all_good = true;
    for (key, state) in keys {
        match state {
            KeyState::Good => continue,
            KeyState::Other => report.bad(
                "keys",
                format!("the encryption key {key} is not the one that personal fields are encrypted with"),
                "Put that one back, from a backup perhaps, and give a new key a name of its own.",
            ),
            KeyState::Missing => report.bad(
                "keys",
                format!("the encryption key {key} of the database is not set"),
                "Put it back into ENCRYPTION_KEYS, or secrets.toml from a backup; a start says whether anything is still encrypted with it.",
            ),
        }
        all_good = false;
    }
    if matches!(is_found_by_index_key(service).await, Ok(false)) {
        let to_do = "Put that one back, from a backup perhaps: nobody can sign in by their address until then.";
        report.bad("keys", "EMAIL_INDEX_KEY (email_index_key of secrets.toml) is not the one that addresses are found by", to_do);
        all_good = false;
    }
    if all_good {
        report.good("keys", "they open what the database keeps to try them on");
    }
}
