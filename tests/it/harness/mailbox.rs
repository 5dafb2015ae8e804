//! What the mail server of the tests (a real one, which `tests/run` starts) has taken.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use mailparse::{MailHeaderMap, ParsedMail};

/// A mail, read as a mail program would.
#[derive(Clone, Debug)]
pub struct Mail {
    pub id: String,
    pub from: String,
    pub subject: String,
    pub plain: String,
    pub html: String,
    /// Where its link leads, and the token behind the `#`.
    pub link: String,
    pub token: Option<String>,
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/run, which starts a mail server"))
}

/// Where the mail server listens.
pub fn smtp_url() -> String {
    setting("TEST_SMTP_URL")
}

/// The mails to an address, in the order in which they came, once there are as many.
pub async fn wait(email: &str, count: usize) -> Vec<Mail> {
    let begun = Instant::now();
    loop {
        let mails = to(email);
        if mails.len() >= count {
            return mails;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{} of {count} mails to {email} came: {mails:?}", mails.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The mails to an address that are there now.
pub fn to(email: &str) -> Vec<Mail> {
    let folder = PathBuf::from(setting("TEST_MAILDIR")).join("new");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        if is_to_somebody_else(&entry.file_name(), email) {
            continue;
        }
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        let mail = mailparse::parse_mail(&bytes).unwrap();
        let to = mail.headers.get_first_value("To").unwrap();
        if to == email {
            found.push((entry.metadata().unwrap().modified().unwrap(), read(&mail)));
        }
        addressees().insert(entry.file_name(), to);
    }
    found.sort_by_key(|(time, _)| *time);
    found.into_iter().map(|(_, mail)| mail).collect()
}

/// To whom the mails are that were read before. A test that waits reads all of them again and again otherwise.
fn addressees() -> MutexGuard<'static, HashMap<OsString, String>> {
    static KNOWN: LazyLock<Mutex<HashMap<OsString, String>>> = LazyLock::new(Mutex::default);
    KNOWN.lock().unwrap()
}

fn is_to_somebody_else(file: &OsStr, email: &str) -> bool {
    addressees().get(file).is_some_and(|to| to != email)
}

fn read(mail: &ParsedMail<'_>) -> Mail {
    let header = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
    assert_eq!(mail.ctype.mimetype, "multipart/alternative");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    let [plain, html] = [0, 1].map(|part| mail.subparts[part].get_body().unwrap());
    assert_eq!(mail.subparts[1].ctype.mimetype, "text/html");
    let link = plain.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
    assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
    let token = link.split_once("#token=").map(|(_, token)| token.to_owned());
    Mail { id: header("Message-ID"), from: header("From"), subject: header("Subject"), plain, html, link, token }
}
