//! Pass: what a command on this machine shows a service that cannot tell it from what a proxy passes on.
//!
//! It is signed with the studio's own key, which only its user can read: whoever can make one may read and write
//! everything anyway. It is made anew for every request and good for some minutes only.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use studio_core::units::Millis;

/// How long one is good, in milliseconds.
const GOOD_MS: i64 = 5 * 60_000;
/// What tells it from the other things that the key signs.
const FOR: &str = "a command on this machine";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    pass: String,
    /// Milliseconds since 1970.
    made: i64,
}

/// A pass that is good from `now` on; `None` when it cannot be signed.
pub fn made(key: &[u8], now: Millis) -> Option<String> {
    let claims = Claims { pass: FOR.into(), made: now.0 };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key)).ok()
}

/// Whether `text` is a pass that is good `now`.
pub fn is_good(text: &str, key: &DecodingKey, now: Millis) -> bool {
    let mut rules = Validation::new(Algorithm::HS256);
    // Time is the studio's own.
    rules.validate_exp = false;
    rules.required_spec_claims.clear();
    let read = jsonwebtoken::decode::<Claims>(text, key, &rules);
    read.is_ok_and(|read| read.claims.pass == FOR && (now.0 - read.claims.made).abs() <= GOOD_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_good_for_some_minutes_and_with_its_own_key_only() {
        let now = Millis(1_800_000_000_000);
        let text = made(&[7; 32], now).unwrap();
        let good = |key: u8, at: i64| is_good(&text, &DecodingKey::from_secret(&[key; 32]), now.after(at));
        assert!(good(7, 0) && good(7, GOOD_MS));
        assert!(!good(7, GOOD_MS + 1) && !good(7, -GOOD_MS - 1) && !good(8, 0));
        let other = serde_json::json!({ "pass": "something else", "made": now.0 });
        let other = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &other, &EncodingKey::from_secret(&[7; 32]));
        assert!(!is_good(&other.unwrap(), &DecodingKey::from_secret(&[7; 32]), now));
    }
}
