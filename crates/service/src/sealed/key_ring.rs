use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{PREFIX, Place};
use crate::Error;
use crate::random::{self, Random};

const NONCE: usize = 24;

/// A key of the ring, as it is set.
#[derive(Clone)]
pub struct RingKey {
    /// Its name: letters, digits, `-`, `_` and `.`, at most 40.
    pub id: String,
    /// 32 bytes or more.
    pub secret: Vec<u8>,
}

/// The keys that fields are encrypted with, the newest first: it seals, all of them open.
pub struct KeyRing(Vec<(String, XChaCha20Poly1305)>);

impl KeyRing {
    /// A ring of these keys, the newest first; `None` without any, and where a name is not one or stands twice.
    #[must_use]
    pub fn new(keys: &[RingKey]) -> Option<Self> {
        let mut ring = Vec::<(String, XChaCha20Poly1305)>::new();
        for RingKey { id, secret } in keys {
            let is_name =
                (1..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if !is_name || ring.iter().any(|(known, _)| known == id) {
                return None;
            }
            // One secret may be set for several uses by mistake: the key is of this use alone.
            let derived = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).ok()?.chain_update("autrement field encryption");
            let key: [u8; 32] = derived.finalize().into_bytes().into();
            ring.push((id.clone(), XChaCha20Poly1305::new(&key.into())));
        }
        (!ring.is_empty()).then_some(Self(ring))
    }

    /// The names of the keys, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str())
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.ids().next().unwrap_or_default()
    }

    /// Encrypts with the newest key.
    pub(crate) fn seal(&self, random: &dyn Random, place: Place<'_>, plain: &str) -> Result<String, Error> {
        self.seal_with(self.newest(), random, place, plain)
    }

    /// Encrypts with the key of this name.
    pub(super) fn seal_with(&self, id: &str, random: &dyn Random, place: Place<'_>, plain: &str) -> Result<String, Error> {
        let cipher = self.cipher(id).ok_or_else(|| Error::internal(format!("the key {id} is not in the ring")))?;
        let nonce = random::bytes::<NONCE>(random)?;
        let aad = place.associated_data(id);
        let payload = Payload { msg: plain.as_bytes(), aad: aad.as_bytes() };
        let sealed =
            cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::internal("a value is too long to be sealed"))?;
        Ok(format!("{}{}", prefix(id), URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())))
    }

    /// Decrypts. The error says where, never what.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &str) -> Result<String, Error> {
        let Place { table, column, row } = place;
        let failed = |why: &str| Error::internal(format!("{table}.{column} of row {row} does not open: {why}"));
        let (id, text) =
            sealed.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':')).ok_or_else(|| failed("it is cut off"))?;
        let cipher = self.cipher(id).ok_or_else(|| failed("its key is not in the ring"))?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| failed("it is not base64url"))?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or_else(|| failed("it is cut off"))?;
        let aad = place.associated_data(id);
        let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: aad.as_bytes() });
        let plain = plain.map_err(|_| failed("it was changed, or belongs elsewhere"))?;
        String::from_utf8(plain).map_err(|_| failed("it is no text"))
    }

    fn cipher(&self, id: &str) -> Option<&XChaCha20Poly1305> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, cipher)| cipher)
    }
}

/// What every value sealed with the key of this name begins with.
pub(super) fn prefix(id: &str) -> String {
    format!("{PREFIX}{id}:")
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, Place, RingKey};
    use crate::random::SystemRandom;

    fn ring(names: &[(&str, u8)]) -> Option<KeyRing> {
        let keys: Vec<_> = names.iter().map(|(id, byte)| RingKey { id: (*id).to_owned(), secret: vec![*byte; 32] }).collect();
        KeyRing::new(&keys)
    }

    const PLACE: Place<'_> = Place { table: "user_details", column: "first_name", row: "7" };

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let keys = ring(&[("a", 1)]).unwrap();
        for plain in ["Zoé", "", "🦊\0\"", &"long ".repeat(20_000)] {
            let sealed = keys.seal(&SystemRandom, PLACE, plain).unwrap();
            assert_eq!(keys.open(PLACE, &sealed).unwrap(), plain);
            assert_ne!(keys.seal(&SystemRandom, PLACE, plain).unwrap(), sealed);
            for elsewhere in [
                Place { row: "8", ..PLACE },
                Place { column: "last_name", ..PLACE },
                Place { table: "users", ..PLACE },
                Place { table: "user_details\0first_name", column: "7", row: "" },
            ] {
                assert!(keys.open(elsewhere, &sealed).is_err());
            }
        }
    }

    #[test]
    fn older_keys_open_and_others_do_not() {
        let sealed = ring(&[("a", 1)]).unwrap().seal(&SystemRandom, PLACE, "Zoé").unwrap();
        assert_eq!(ring(&[("b", 2), ("a", 1)]).unwrap().open(PLACE, &sealed).unwrap(), "Zoé");
        assert!(ring(&[("b", 1)]).unwrap().open(PLACE, &sealed).is_err(), "by its name");
        assert!(ring(&[("a", 2)]).unwrap().open(PLACE, &sealed).is_err());
        assert!(ring(&[("b", 1)]).unwrap().open(PLACE, &sealed.replace("enc1:a:", "enc1:b:")).is_err(), "the name is part of it");
        for cut in 0..sealed.len() {
            assert!(ring(&[("a", 1)]).unwrap().open(PLACE, &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn names_are_names_and_stand_once() {
        assert!(ring(&[]).is_none());
        for wrong in ["", "a:b", "a b", "é", "a\"", &"a".repeat(41)] {
            assert!(ring(&[(wrong, 1)]).is_none(), "{wrong}");
        }
        assert!(ring(&[("a", 1), ("a", 2)]).is_none());
        assert_eq!(ring(&[("k20261126T003000.123", 1), ("a", 2)]).unwrap().newest(), "k20261126T003000.123");
    }
}
