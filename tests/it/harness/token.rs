//! Tokens made by hand, good and bad.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use super::TOKEN_SECRET;

/// A token with this header and these claims, signed with HMAC-SHA-256.
pub fn forge(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&text).finalize().into_bytes();
    format!("{text}.{}", BASE64.encode(mac))
}

/// The same with another algorithm that the secret would do for.
fn forge_hs512(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "HS512", "kid": "tests" });
    let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let mac = Hmac::<Sha512>::new_from_slice(TOKEN_SECRET).unwrap().chain_update(&text).finalize().into_bytes();
    format!("{text}.{}", BASE64.encode(mac))
}

/// A token that is good but for whose it is: the session is another person's.
pub fn of_somebody_else(good: &str, other: &str) -> String {
    let mut stolen = claims(good);
    stolen["sub"] = claims(other)["sub"].clone();
    forge(&header(), &stolen, TOKEN_SECRET)
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "HS256", "kid": "tests" })
}

/// Tokens that say the same as a good one and must not be taken, each with what is wrong with it.
pub fn bad_ones(good: &str) -> Vec<(&'static str, String)> {
    let claims = claims(good);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let without_signature = {
        let header = json!({ "typ": "JWT", "alg": "none", "kid": "tests" });
        format!("{}.{}.", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
    };
    vec![
        ("expired", forge(&header(), &with("exp", json!(1_700_000_000)), TOKEN_SECRET)),
        ("of another key", forge(&header(), &claims, b"another thirty-two bytes of secret")),
        ("of an unknown key's name", forge(&json!({ "alg": "HS256", "kid": "other" }), &claims, TOKEN_SECRET)),
        ("without a key's name", forge(&json!({ "alg": "HS256" }), &claims, TOKEN_SECRET)),
        ("of another algorithm", forge_hs512(&claims)),
        ("without a signature", without_signature),
        ("for refreshing", forge(&header(), &with("aud", json!("autrement:refresh")), TOKEN_SECRET)),
        ("of another issuer", forge(&header(), &with("iss", json!("elsewhere")), TOKEN_SECRET)),
        ("of another session", forge(&header(), &with("sid", json!("00000000-0000-4000-8000-000000000000")), TOKEN_SECRET)),
        ("of somebody else in this session", forge(&header(), &with("sub", json!("999999")), TOKEN_SECRET)),
        ("not a token", "not.a.token".to_owned()),
        ("empty", String::new()),
    ]
}

/// A token made by hand that is good: shows that the bad ones are refused for what is wrong with them.
pub fn copy(good: &str) -> String {
    forge(&header(), &claims(good), TOKEN_SECRET)
}
