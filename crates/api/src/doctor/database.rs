//! The database: whether it is there, whole, and what the service needs it to be.

use chrono::TimeDelta;
use migration::State;
use service::Service;
use service::database::{Database, Unreached};
use service::diagnosis::{self, Facts};
use service::sealed::{self, KeyState};

use super::Report;
use crate::settings::Settings;

/// Clocks that differ by so much are worth a look; by so much more, what expires on one instance is good on another.
const DIFFERS: TimeDelta = TimeDelta::seconds(2);
const DIFFERS_MUCH: TimeDelta = TimeDelta::seconds(60);

/// Whether there is one to look at; makes none.
pub(super) async fn reach(report: &mut Report, settings: &Settings) -> bool {
    let name = settings.database_name();
    if let Some(path) = diagnosis::sqlite_file(&settings.database_url) {
        if !path.exists() {
            report.good("database", format!("{} is not there yet: the first start makes it", path.display()));
            return false;
        }
        return true;
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

pub(super) async fn look(report: &mut Report, settings: &Settings, service: &Service) {
    let facts = match diagnosis::look(service).await {
        Ok(facts) => facts,
        Err(error) => return report.bad("database", format!("does not answer: {}", error.cause()), "See its own log."),
    };
    report.good("database", &facts.what);
    safety(report, &facts);
    room(report, settings, &facts);
    clock(report, &facts);
    migrations(report, service).await;
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
        let to_do = "Lower DATABASE_CONNECTIONS, or raise max_connections: all instances together have to stay below it.";
        report.bad("database", format!("DATABASE_CONNECTIONS is {wanted}, and max_connections {most}"), to_do);
    } else if wanted * 2 > most {
        let to_do = "A second instance would not get all of its own: lower it, raise max_connections, or put pgbouncer between.";
        report.doubtful("database", format!("DATABASE_CONNECTIONS is {wanted} of max_connections {most}"), to_do);
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

async fn migrations(report: &mut Report, service: &Service) {
    match migration::state(service.database.pool()).await {
        Ok(State { missing, unknown }) if missing.is_empty() && unknown.is_empty() => {
            report.good("schema", "every migration of this release is applied");
        }
        Ok(State { missing, unknown }) if missing.is_empty() => {
            let to_do = "Good while a newer release takes over; this one should not stay beside it.";
            report.doubtful("schema", format!("a later release has applied {}", unknown.join(", ")), to_do);
        }
        Ok(State { missing, .. }) => {
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
    if all_good {
        report.good("keys", "they open what the database keeps to try them on");
    }
}
