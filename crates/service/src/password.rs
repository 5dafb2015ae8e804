//! Passwords: argon2id, hashed on a bounded pool so that a flood of sign-ins does not slow the rest.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::Error;
use crate::random::{self, Random};
use crate::text::Checks;

/// The fewest characters of a password.
pub const MIN_PASSWORD: usize = 8;
/// The most characters of a password: long pass phrases are welcome.
pub const MAX_PASSWORD: usize = 1024;

/// Hashes and checks passwords.
pub struct Passwords {
    places: Arc<Semaphore>,
    nobody: String,
}

impl Passwords {
    /// At most `places` hashes at once.
    pub fn new(places: usize, random: &dyn Random) -> Result<Self, Error> {
        let nobody = hash(b"nobody's password", &random::bytes::<16>(random)?)?;
        Ok(Self { places: Arc::new(Semaphore::new(places)), nobody })
    }

    /// The hash of a new password, as a PHC string.
    pub(crate) async fn hash(&self, password: String, random: &dyn Random) -> Result<String, Error> {
        let salt = random::bytes::<16>(random)?;
        self.work(move || hash(password.as_bytes(), &salt)).await?
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

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = self.places.clone().acquire_owned().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        })
        .await
        .map_err(Error::internal)
    }
}

fn hash(password: &[u8], salt: &[u8]) -> Result<String, Error> {
    Ok(Argon2::default().hash_password_with_salt(password, salt).map_err(Error::internal)?.to_string())
}

/// Checks a password that somebody chooses.
pub(crate) fn check(checks: &mut Checks, pointer: &str, password: &str) {
    let length = password.chars().count();
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&length) {
        checks
            .problem(pointer, format!("has {length} characters; choose {MIN_PASSWORD} to {MAX_PASSWORD}, such as a few words."));
    }
}
