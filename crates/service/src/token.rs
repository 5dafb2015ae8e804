//! Access and refresh tokens: JSON Web Tokens (RFC 7519), checked as RFC 8725 asks.

mod hs256;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;

const ISSUER: &str = "autrement";

/// What a token is for; part of its audience, so that one is never taken for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Fifteen minutes, sent with each request.
    Access,
    /// Thirty days, for new access tokens; good once.
    Refresh,
}

impl Use {
    /// How long it lasts.
    #[must_use]
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::Access => TimeDelta::minutes(15),
            Self::Refresh => TimeDelta::days(30),
        }
    }

    /// As `revoked_tokens.type` says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    fn audience(self) -> String {
        format!("autrement:{}", self.name())
    }

    fn validation(self) -> Validation {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[self.audience()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // By our own clock: `TokenKeys::verify`.
        validation.validate_exp = false;
        validation
    }
}

/// What both kinds of token say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    #[serde(with = "decimal")]
    pub sub: i64,
    /// In which session.
    pub sid: Uuid,
    /// The token's own id.
    pub jti: Uuid,
    /// Seconds since 1970 (UTC) at which it expires.
    pub exp: i64,
}

/// A secret key with its name.
#[derive(Clone)]
pub struct TokenKey {
    /// The `kid` of its tokens.
    pub id: String,
    /// At least 32 bytes.
    pub secret: Vec<u8>,
}

/// The ring of keys: the first signs, all check.
pub struct TokenKeys {
    signing: (String, EncodingKey),
    checking: Vec<(String, DecodingKey)>,
    /// What is asked of a token, by its use.
    validations: [(Use, Validation); 2],
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    aud: String,
    iat: i64,
    #[serde(flatten)]
    claims: &'a Claims,
}

impl TokenKeys {
    /// Takes the keys, the newest first. `None` without a key.
    #[must_use]
    pub fn new(keys: &[TokenKey]) -> Option<Self> {
        hs256::install();
        let newest = keys.first()?;
        Some(Self {
            signing: (newest.id.clone(), EncodingKey::from_secret(&newest.secret)),
            checking: keys.iter().map(|key| (key.id.clone(), DecodingKey::from_secret(&key.secret))).collect(),
            validations: [Use::Access, Use::Refresh].map(|token_use| (token_use, token_use.validation())),
        })
    }

    pub(crate) fn sign(&self, token: Use, claims: &Claims, now: DateTime<Utc>) -> Result<String, Error> {
        let header = Header { kid: Some(self.signing.0.clone()), ..Header::new(Algorithm::HS256) };
        let payload = Payload { iss: ISSUER, aud: token.audience(), iat: now.timestamp(), claims };
        jsonwebtoken::encode(&header, &payload, &self.signing.1).map_err(Error::internal)
    }

    /// The claims of a token that one of the keys signed for this use and that has not expired.
    pub(crate) fn verify(&self, token_use: Use, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let (_, key) = self.checking.iter().find(|(id, _)| *id == kid)?;
        let (_, validation) = self.validations.iter().find(|(of, _)| *of == token_use)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, validation).ok()?.claims;
        // By our own clock.
        (claims.exp > now.timestamp()).then_some(claims)
    }
}

/// RFC 7519 makes `sub` a string.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
