//! What the micro-benchmarks (`cargo bench`) run of the parts that nobody outside can call, on keys of their own.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use crate::Error;
use crate::random::SystemRandom;
use crate::sealed::{KeyRing, Place, RingKey};
use crate::token::{Claims, TokenKey, TokenKeys, Use};

const PLACE: Place<'_> = Place { table: "user_details", column: "first_name", row: "1000" };

/// An access token and a sealed field, with what they are checked and opened by.
pub struct Micro {
    tokens: TokenKeys,
    token: String,
    keys: KeyRing,
    sealed: String,
}

impl Micro {
    /// With this text in the field.
    pub fn new(plain: &str) -> Result<Self, Error> {
        let (id, secret) = ("first".to_owned(), vec![7; 32]);
        let no_key = || Error::internal("there is no key");
        let tokens = TokenKeys::new(&[TokenKey { id: id.clone(), secret: secret.clone() }]).ok_or_else(no_key)?;
        let keys = KeyRing::new(&[RingKey { id, secret }]).ok_or_else(no_key)?;
        let now = DateTime::UNIX_EPOCH;
        let exp = (now + TimeDelta::minutes(15)).timestamp();
        let claims = Claims { sub: 1000, sid: Uuid::from_u128(1), jti: Uuid::from_u128(2), exp };
        let token = tokens.sign(Use::Access, &claims, now)?;
        let sealed = keys.seal(&SystemRandom, PLACE, plain)?;
        Ok(Self { tokens, token, keys, sealed })
    }

    /// Checks the token, and tells whose it is.
    #[must_use]
    pub fn verify_token(&self) -> Option<i64> {
        self.tokens.verify(Use::Access, &self.token, DateTime::UNIX_EPOCH).map(|claims| claims.sub)
    }

    /// Decrypts the field.
    pub fn open_field(&self) -> Result<String, Error> {
        self.keys.open(PLACE, &self.sealed)
    }
}
