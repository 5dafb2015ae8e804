//! Randomness as an argument.

use rand::TryRng;
use rand::rngs::SysRng;
use uuid::Uuid;

use crate::Error;

/// A source of bytes that nobody can guess.
pub trait Random: Send + Sync {
    /// Fills `bytes`, or says that the source failed.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// The operating system's source.
#[derive(Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        SysRng.try_fill_bytes(bytes).map_err(Error::internal)
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// A random (version 4) UUID.
pub fn uuid(random: &dyn Random) -> Result<Uuid, Error> {
    Ok(uuid::Builder::from_random_bytes(bytes(random)?).into_uuid())
}
