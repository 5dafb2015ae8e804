//! Passwords: argon2id, hashed on a bounded pool so that a flood of sign-ins does not slow the rest.

use std::collections::HashSet;
use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use message::message;

use crate::audit_log::{self, Entry, Kind};
use crate::caller::Caller;
use crate::mail::Event;
use crate::metrics::Metrics;
use crate::random::{self, Random};
use crate::text::Checks;
use crate::viewer::Viewer;
use crate::workers::Workers;
use crate::{Error, Service, brake, mail, session, user, user_detail};

/// The fewest characters of a password.
pub const MIN_PASSWORD: usize = 8;
/// The most characters of a password: long pass phrases are welcome.
pub const MAX_PASSWORD: usize = 1024;
/// The most passwords that wait to be hashed; more are answered at once that the service is busy.
const MOST_WAITING: usize = 1000;

/// Leaked ones, the most common, in lower case; `assets/passwords/fetch` says where from.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("../assets/passwords/common.txt").lines().collect());

/// How passwords are hashed (RFC 9106).
#[derive(Clone, Copy, Debug)]
pub struct Hashing {
    /// How many at once.
    pub places: usize,
    /// Memory of one hash, in KiB.
    pub memory: u32,
    /// Passes over that memory.
    pub passes: u32,
}

/// Hashes and checks passwords.
pub struct Passwords {
    argon2: Argon2<'static>,
    workers: Workers,
    /// A hash that no password has. Made up: one that is worked out takes memory that an idle service would keep.
    nobody: String,
}

impl Passwords {
    /// Hashes as these settings say.
    pub fn new(hashing: Hashing, random: &dyn Random, metrics: &Metrics) -> Result<Self, Error> {
        let params = Params::new(hashing.memory, hashing.passes, 1, None).map_err(Error::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (salt, made_up) = (random::bytes::<16>(random)?, random::bytes::<32>(random)?);
        let (salt, made_up) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(made_up));
        let nobody = format!("$argon2id$v=19$m={},t={},p=1${salt}${made_up}", hashing.memory, hashing.passes);
        // It has to take as long as another.
        PasswordHash::new(&nobody).map_err(Error::internal)?;
        Ok(Self { argon2, workers: Workers::new(hashing.places, MOST_WAITING, metrics.work("password")), nobody })
    }

    /// The hash of a new password, as a PHC string.
    pub(crate) async fn hash(&self, password: String, random: &dyn Random) -> Result<String, Error> {
        let salt = random::bytes::<16>(random)?;
        let argon2 = self.argon2.clone();
        self.work(move || hash(&argon2, password.as_bytes(), &salt)).await?
    }

    /// Whether the password is the one of this hash. Without a hash the answer is no, after the same work.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        let is_somebody = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let matches = self
            .work(move || {
                let stored = PasswordHash::new(&stored).map_err(Error::internal)?;
                Ok::<_, Error>(Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
            })
            .await??;
        Ok(matches && is_somebody)
    }

    /// Whether a hash was made with less work than is done now.
    pub(crate) fn is_weak(&self, stored: &str) -> bool {
        let made_with = PasswordHash::new(stored).ok().and_then(|hash| Params::try_from(&hash).ok());
        let now = self.argon2.params();
        made_with.is_none_or(|then| then.m_cost() < now.m_cost() || then.t_cost() < now.t_cost())
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        tracing::debug!("hashing a password");
        self.workers.run(work).await
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<String, Error> {
    Ok(argon2.hash_password_with_salt(password, salt).map_err(Error::internal)?.to_string())
}

/// Checks a password that somebody with these addresses chooses.
pub(crate) fn check(checks: &mut Checks, pointer: &str, password: &str, emails: &[&str]) {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&length) {
        checks.problem(
            pointer,
            message!(
                "has {length} characters; choose {least} to {most}, such as a few words.",
                length,
                least = MIN_PASSWORD,
                most = MAX_PASSWORD
            ),
        );
    } else if COMMON.contains(lower.as_str()) {
        checks.problem(
            pointer,
            message!("is one of the most common passwords, which are tried first; choose another, such as a few words."),
        );
    } else if emails.iter().map(|email| email.to_lowercase()).any(|email| {
        let local = email.split('@').next().unwrap_or_default();
        lower == email || lower == local
    }) {
        checks.problem(pointer, message!("is your own address, which others know; choose another, such as a few words."));
    }
}

/// Changes the viewer's password, or sets their first one; ends their other sessions.
pub async fn change(
    service: &Service,
    viewer: &Viewer,
    current: Option<String>,
    new: String,
    caller: &Caller,
) -> Result<(), Error> {
    let owner = viewer.owner();
    let known = user_detail::credentials(service, service.database.pool(), owner.user_id()).await?;
    let mut checks = Checks::default();
    check(&mut checks, "/new", &new, &known.emails());
    checks.finish()?;
    if known.emails().is_empty() {
        return Err(Error::conflict(message!("A password needs an address to sign in with: add one with changeEmail first.")));
    }
    if known.password_hash.is_some() {
        let current =
            current.ok_or_else(|| Error::invalid("/current", message!("is missing; give the password that you have now.")))?;
        let subject = owner.user_id().to_string();
        let tries = [(&brake::PASSWORDS_OF_ACCOUNT, subject.as_str())];
        brake::take_all(service, &tries).await?;
        let is_right = service.passwords.verify(current, known.password_hash.clone()).await;
        if !matches!(is_right, Ok(false)) {
            brake::give_back(service, &tries).await;
        }
        if !is_right? {
            return Err(Error::invalid("/current", message!("is not the password that you have now.")));
        }
    }
    let selector = known.selector(service, &new);
    let password_hash = service.passwords.hash(new, &*service.random).await?;
    let transaction = service.database.write().await?;
    let user = user::lock_viewer(&transaction, viewer).await?;
    if !user_detail::replace_password(&transaction, user.id, &known, password_hash, selector).await? {
        return Err(Error::conflict(message!("The password was changed meanwhile: try again with the new one.")));
    }
    session::end_all(&transaction, user.id, Some(viewer.claims().sid)).await?;
    audit_log::record(service, &transaction, user.id, Entry::by_person(Kind::PasswordChanged, caller)).await?;
    mail::notify(service, &transaction, Event::PasswordChanged, &user, caller.language()).await?;
    Ok(transaction.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::{Checks, check};

    #[test]
    fn common_passwords_and_ones_own_address_are_refused() {
        let is_refused = |password: &str| {
            let mut checks = Checks::default();
            check(&mut checks, "/password", password, &["Zoe.Martin@example.org"]);
            checks.finish().is_err()
        };
        for password in
            ["password1", "PASSWORD1", "1234567890", "zoe.martin@EXAMPLE.org", "zoe.martin", "short", &"x".repeat(1025)]
        {
            assert!(is_refused(password), "{password}");
        }
        for password in ["trois petits chats", &"long ".repeat(51), "zoe.martin et ses chats", "🦊🦊🦊🦊🦊🦊🦊🦊"]
        {
            assert!(!is_refused(password), "{password}");
        }
    }
}
