//! The parts of an archive, sealed: the database holds nothing of a person in the clear that it does not hold anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use uuid::Uuid;

use crate::{Error, Service, sealed};

/// Bytes of a key.
pub(super) const KEY: usize = 32;

/// Seals the parts of one archive. The key is made for one try of making it and used for nothing else, so a part's position is a nonce
/// that does not come twice.
pub(super) struct Cipher {
    cipher: ChaCha20Poly1305,
    export: Uuid,
}

impl Cipher {
    /// With the key of this export.
    pub(super) fn new(export: Uuid, key: &[u8]) -> Result<Self, Error> {
        Ok(Self { cipher: ChaCha20Poly1305::new_from_slice(key).map_err(Error::internal)?, export })
    }

    /// Seals a part; it opens in this place of this export alone.
    pub(super) fn seal(&self, position: i32, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let place = self.place(position);
        let sealed = self.cipher.encrypt(&nonce(position), Payload { msg: bytes, aad: &place });
        sealed.map_err(|_| Error::internal("a part of an export could not be sealed"))
    }

    /// Opens a part.
    pub(super) fn open(&self, position: i32, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let place = self.place(position);
        let opened = self.cipher.decrypt(&nonce(position), Payload { msg: bytes, aad: &place });
        opened.map_err(|_| Error::internal("a part of an export does not open"))
    }

    fn place(&self, position: i32) -> Vec<u8> {
        [self.export.as_bytes().as_slice(), &position.to_be_bytes()].concat()
    }
}

fn nonce(position: i32) -> Nonce {
    let mut nonce = Nonce::default();
    nonce[8..].copy_from_slice(&position.to_be_bytes());
    nonce
}

fn key_place(export: &str) -> sealed::Place<'_> {
    sealed::Place { table: "data_exports", column: "key", row: export }
}

/// A key as `data_exports.key` holds it.
pub(super) fn wrap_key(service: &Service, export: Uuid, key: &[u8; KEY]) -> Result<String, Error> {
    service.keys.seal(&*service.random, key_place(&export.to_string()), &URL_SAFE_NO_PAD.encode(key))
}

/// The key that `data_exports.key` holds.
pub(super) fn unwrap_key(service: &Service, export: Uuid, wrapped: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(service.keys.open(key_place(&export.to_string()), wrapped)?).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::{Cipher, KEY, Uuid};

    #[test]
    fn a_part_opens_in_its_place_alone() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let cipher = Cipher::new(one, &[7; KEY]).expect("a key");
        let sealed = cipher.seal(3, b"Zo\xc3\xa9").expect("sealed");
        assert_eq!(cipher.open(3, &sealed).expect("opened"), b"Zo\xc3\xa9");
        assert!(!sealed.windows(3).any(|bytes| bytes == b"Zo\xc3"));
        assert!(cipher.open(4, &sealed).is_err());
        assert!(Cipher::new(two, &[7; KEY]).expect("a key").open(3, &sealed).is_err());
        assert!(Cipher::new(one, &[8; KEY]).expect("a key").open(3, &sealed).is_err());
    }
}
