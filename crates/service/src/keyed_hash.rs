//! Hashes that only who has the key can make: what is stored tells nothing about what it was made from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Error;

/// HMAC-SHA-256 under one key, for several purposes that can't be taken for each other: an address holds no NUL, the rest begins
/// with its purpose and one.
pub struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    /// With a key of any length. The key never changes: what was stored would not be found any more.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        Ok(Self(Hmac::new_from_slice(key).map_err(Error::internal)?))
    }

    fn of(&self, bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.0.clone().chain_update(bytes).finalize().into_bytes())
    }

    fn for_purpose(&self, purpose: &str, bytes: &[u8]) -> String {
        self.of(&[purpose.as_bytes(), &[0], bytes].concat())
    }

    /// What an address is found by.
    pub(crate) fn email_index(&self, email: &str) -> String {
        self.of(email.to_lowercase().replace('\0', "").as_bytes())
    }

    /// Eight bits that tell which of those who claim an address a password may belong to. Too few to tell the password.
    pub(crate) fn selector(&self, password: &str) -> i32 {
        let hash = self.0.clone().chain_update(b"selector\0").chain_update(password).finalize().into_bytes();
        i32::from(hash[0])
    }

    /// What tells whether a save brings the same content as another.
    pub(crate) fn content(&self, content: &str) -> String {
        self.for_purpose("content", content.as_bytes())
    }

    /// What a caller or an account is counted under.
    pub(crate) fn subject(&self, subject: &str) -> String {
        self.for_purpose("subject", subject.as_bytes())
    }

    /// What the link of an export is signed with, until when.
    pub(crate) fn export_link(&self, export: Uuid, expires: i64) -> String {
        self.for_purpose("export", &[export.as_bytes().as_slice(), &expires.to_be_bytes()].concat())
    }

    /// Whether it is that signature, in the same time whatever it is.
    pub(crate) fn is_export_link(&self, export: Uuid, expires: i64, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let mac = self.0.clone().chain_update(b"export\0").chain_update(export.as_bytes()).chain_update(expires.to_be_bytes());
        mac.verify_slice(&signature).is_ok()
    }

    /// The token in the link of a mail: made from the mail's id when it is sent, so that the queue does not hold it.
    pub(crate) fn mail_token(&self, mail: Uuid) -> String {
        self.for_purpose("mail", mail.as_bytes())
    }

    /// What lets whoever has it see a version of a picture until a moment, in seconds since 1970.
    pub(crate) fn picture_signature(&self, picture: i64, version: &str, expires: i64) -> String {
        URL_SAFE_NO_PAD.encode(self.picture(picture, version, expires).finalize().into_bytes())
    }

    /// Whether that is what somebody brings; takes as long for any that is not.
    pub(crate) fn is_picture_signature(&self, signature: &str, picture: i64, version: &str, expires: i64) -> bool {
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        self.picture(picture, version, expires).verify_slice(&signature).is_ok()
    }

    fn picture(&self, picture: i64, version: &str, expires: i64) -> Hmac<Sha256> {
        self.0.clone().chain_update(format!("picture\0{picture} {version} {expires}"))
    }
}

/// What is stored of a token. Tokens are random enough for a plain hash.
pub(crate) fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
