//! A software authenticator with the browser around it, as WebAuthn Level 3 describes them: every byte of an answer can be chosen.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ciborium::Value as Cbor;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKED_UP: u8 = 0x18;
const ATTESTED: u8 = 0x40;

/// An authenticator, and the page that asks it.
pub struct Authenticator {
    pub origin: String,
    /// Whether it checks who holds it.
    pub verifies: bool,
    /// Whether its keys can be backed up, and are.
    pub backed_up: bool,
    /// Whether it keeps its keys (`credProps.rk`).
    pub keeps: bool,
    /// What it takes for the relying party instead of what the page says.
    pub relying_party: Option<String>,
    /// The id of the key that it makes next, instead of one of its own.
    pub next_id: Option<Vec<u8>>,
    pub keys: Vec<Key>,
}

/// A discoverable credential.
pub struct Key {
    pub id: Vec<u8>,
    pub user_handle: String,
    pub counter: u32,
    signing: SigningKey,
    relying_party: String,
}

impl Authenticator {
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            verifies: true,
            backed_up: false,
            keeps: true,
            relying_party: None,
            next_id: None,
            keys: Vec::new(),
        }
    }

    fn flags(&self) -> u8 {
        PRESENT | if self.verifies { VERIFIED } else { 0 } | if self.backed_up { BACKED_UP } else { 0 }
    }

    /// Puts in a key of this service on localhost that was made elsewhere.
    pub fn put_stored(&mut self, id: &str, secret: &[u8], user_handle: &[u8]) {
        let (id, signing) = (BASE64.decode(id).unwrap(), SigningKey::from_slice(secret).unwrap());
        let (user_handle, relying_party) = (BASE64.encode(user_handle), "localhost".to_owned());
        self.keys.push(Key { id, user_handle, counter: 0, signing, relying_party });
    }

    /// Whether it has one of the keys that the options name: a browser would say so and make none.
    pub fn is_excluded(&self, options: &Value) -> bool {
        let ids = options["excludeCredentials"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.keys.iter().any(|key| ids.iter().any(|excluded| excluded["id"] == BASE64.encode(&key.id)))
    }

    /// `navigator.credentials.create()`, then `toJSON()`.
    pub fn create(&mut self, options: &Value) -> Value {
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required", "sign-in without a name needs it: {options}");
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required", "{options}");
        assert!(options["pubKeyCredParams"].as_array().unwrap().iter().any(|parameters| parameters["alg"] == -7), "{options}");
        let signing = SigningKey::from_slice(&random()).unwrap();
        let id = self.next_id.take().unwrap_or_else(|| random().to_vec());
        let point = signing.verifying_key().to_sec1_point(false);
        let cose = [
            (1, Cbor::from(2)),
            (3, Cbor::from(-7)),
            (-1, Cbor::from(1)),
            (-2, Cbor::Bytes(point.x().unwrap().to_vec())),
            (-3, Cbor::Bytes(point.y().unwrap().to_vec())),
        ];
        let relying_party = self.relying_party.clone().unwrap_or_else(|| options["rp"]["id"].as_str().unwrap().to_owned());
        let mut data = authenticator_data(&relying_party, self.flags() | ATTESTED, 0);
        data.extend([0; 16]);
        data.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
        data.extend(&id);
        data.extend(cbor(&Cbor::Map(cose.into_iter().map(|(label, value)| (Cbor::from(label), value)).collect())));
        let attestation = Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from("none")),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]);
        let answer = json!({
            "id": BASE64.encode(&id),
            "rawId": BASE64.encode(&id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": self.keeps } },
            "response": {
                "clientDataJSON": self.client_data("webauthn.create", &options["challenge"]),
                "attestationObject": BASE64.encode(cbor(&attestation)),
                "transports": ["internal"],
            },
        });
        let user_handle = options["user"]["id"].as_str().unwrap().to_owned();
        self.keys.push(Key { id, user_handle, counter: 0, signing, relying_party });
        answer
    }

    /// `navigator.credentials.get()` with the newest key, then `toJSON()`.
    pub fn get(&mut self, options: &Value) -> Value {
        assert_eq!(options["allowCredentials"], json!([]), "no name is asked: {options}");
        assert_eq!(options["userVerification"], "required", "{options}");
        let (flags, instead) = (self.flags(), self.relying_party.clone());
        let key = self.keys.last_mut().unwrap();
        key.counter += u32::from(!self.backed_up);
        let (counter, relying_party) = (key.counter, instead.unwrap_or_else(|| key.relying_party.clone()));
        let data = authenticator_data(&relying_party, flags, counter);
        let client_data = self.client_data("webauthn.get", &options["challenge"]);
        let signed = [data.clone(), Sha256::digest(BASE64.decode(&client_data).unwrap()).to_vec()].concat();
        let key = self.keys.last().unwrap();
        let signature: DerSignature = key.signing.sign(&signed);
        json!({
            "id": BASE64.encode(&key.id),
            "rawId": BASE64.encode(&key.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": client_data,
                "authenticatorData": BASE64.encode(data),
                "signature": BASE64.encode(signature.as_bytes()),
                "userHandle": key.user_handle,
            },
        })
    }

    fn client_data(&self, what: &str, challenge: &Value) -> String {
        let data = json!({ "type": what, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        BASE64.encode(data.to_string())
    }
}

fn authenticator_data(relying_party: &str, flags: u8, counter: u32) -> Vec<u8> {
    let mut data = Sha256::digest(relying_party).to_vec();
    data.push(flags);
    data.extend(counter.to_be_bytes());
    data
}

fn cbor(value: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// Bytes that no other call gives.
fn random() -> [u8; 32] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let seed = format!("{} {:?} {}", std::process::id(), std::time::Instant::now(), COUNT.fetch_add(1, Ordering::Relaxed));
    Sha256::digest(seed).into()
}
