//! The machine: folders, room, and how many connections it lets a process have.

use std::path::Path;

use rustix::fs::{Access, access};

use super::Report;
use crate::settings::Settings;

const MEGABYTE: u64 = 1024 * 1024;
/// Less room than this, and writing may end any moment.
const LEAST: u64 = 100 * MEGABYTE;
/// Less than this is soon used up.
const LITTLE: u64 = 1024 * MEGABYTE;
/// Each connection of a client takes a file.
const FILES: u64 = 4096;

pub(super) fn files(report: &mut Report, settings: &Settings) {
    let folder = &settings.data_dir;
    if folder.is_dir() {
        room(report, folder);
    } else if let Err(to_do) = may_make(folder, true) {
        report.bad("disk", format!("{} is not there, and can't be made", folder.display()), &to_do);
    } else {
        report.good("disk", format!("{} is not there yet: the first start makes it", folder.display()));
    }
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<u64>().ok());
    match most {
        Some(most) if most < FILES => report.doubtful(
            "files",
            format!("a process may have {most} files and connections open"),
            "Where many people are to be connected at once, raise it (LimitNOFILE= of systemd, ulimits of compose) to 65536.",
        ),
        Some(most) => report.good("files", format!("a process may have {most} files and connections open")),
        None => {}
    }
}

fn room(report: &mut Report, folder: &Path) {
    let stat = match rustix::fs::statvfs(folder) {
        Ok(stat) => stat,
        Err(error) => {
            return report.bad("disk", format!("{}: {error}", folder.display()), "Let the service's user into DATA_DIR.");
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let found = format!("{} MB are free where {} is", free / MEGABYTE, folder.display());
    if stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) && settings_write_here(folder) {
        report.bad("disk", format!("{} is read-only", folder.display()), "Mount DATA_DIR so that the service may write.");
    } else if free < LEAST {
        report.bad("disk", found, "Make room: a database on a full disk takes no writes.");
    } else if free < LITTLE {
        report.doubtful("disk", found, "Make room before it is used up.");
    } else {
        report.good("disk", found);
    }
}

/// Whether files can be made in `folder`, which a start makes itself where `is_made`; else what to do.
pub(super) fn may_make(folder: &Path, is_made: bool) -> Result<(), String> {
    let there = if is_made { folder.ancestors().find(|folder| folder.exists()) } else { Some(folder) };
    // Of a path that is not from the root the last one is empty.
    let there = there.filter(|there| *there != Path::new("")).unwrap_or(Path::new("."));
    if !there.is_dir() {
        Err(format!("Make the folder {}.", there.display()))
    } else if access(there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        Err(format!("Let the service's user write in {}.", there.display()))
    } else {
        Ok(())
    }
}

/// Whether the folder is more than a place for secrets that are there already.
fn settings_write_here(folder: &Path) -> bool {
    !folder.join("secrets.toml").exists() || folder.join("autrement.db").exists()
}
