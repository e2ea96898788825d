//! Seals tokens for the store, so that a stolen copy of it is of no use, and signs what a browser carries for us.
//!
//! XChaCha20-Poly1305 with a random nonce. The workspace and the key are bound in: what is sealed for one workspace can't be
//! opened as another's.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::app::installations::{Installation, Installations};
use crate::app::ports::StoreError;
use crate::domain::WorkspaceId;

/// How long a nonce is.
const NONCE_BYTES: usize = 24;

/// The tokens of an installation.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) bot: SecretString,
    /// Renews the bot token, once; there is none without token rotation.
    pub(super) refresh: Option<SecretString>,
}

/// The key that seals, and the one before it, which only opens.
#[derive(Clone)]
pub struct Keyring {
    current: Arc<Key>,
    old: Option<Arc<Key>>,
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
    signing: [u8; 32],
}

/// Tokens as the store keeps them.
pub(super) struct Sealed {
    /// Which key they are sealed with.
    pub(super) key_id: String,
    /// What the key opens.
    pub(super) text: String,
}

/// Why sealed tokens can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// They were sealed with a key that is not here.
    #[error("its key is missing")]
    OtherKey,
    /// They are not what was sealed for this workspace.
    #[error("it was damaged or copied from another row")]
    Tampered,
}

/// How many installations changed their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Sealed with the current key now.
    pub changed: u32,
    /// Sealed with the current key before.
    pub current: u32,
    /// Not opened by any key at hand; left as they are.
    pub unopened: u32,
}

/// Tells one configured token from another; nothing leads back from it to the token.
pub fn fingerprint(token: &SecretString) -> String {
    STANDARD_NO_PAD.encode(mac(token.expose_secret().as_bytes(), b"secondlook own token"))
}

impl Key {
    /// Keys of one purpose each are drawn from the one that is configured.
    fn new(master: &SecretSlice<u8>) -> Self {
        let draw = |purpose: &str| mac(master.expose_secret(), purpose.as_bytes());
        let [a, b, c, d, ..] = draw("secondlook key id");
        Self {
            id: format!("{a:02x}{b:02x}{c:02x}{d:02x}"),
            cipher: XChaCha20Poly1305::new(&draw("secondlook tokens").into()),
            signing: draw("secondlook install state"),
        }
    }

    /// What a seal is bound to.
    fn bound(&self, workspace: &WorkspaceId) -> String {
        format!("secondlook installation 1\n{}\n{workspace}", self.id)
    }
}

impl Keyring {
    /// Seals with `current`; opens with `old` too.
    pub fn new(current: &SecretSlice<u8>, old: Option<&SecretSlice<u8>>) -> Self {
        let key = |master| Arc::new(Key::new(master));
        Self { current: key(current), old: old.map(key) }
    }

    /// Seals the tokens of a workspace.
    pub(super) fn seal(&self, tokens: &Tokens, workspace: &WorkspaceId) -> Sealed {
        let refresh = tokens.refresh.as_ref().map(ExposeSecret::expose_secret);
        let plain = json!({"bot": tokens.bot.expose_secret(), "refresh": refresh}).to_string();
        let nonce = XNonce::generate();
        let bound = self.current.bound(workspace);
        let payload = Payload { msg: plain.as_bytes(), aad: bound.as_bytes() };
        let sealed = self.current.cipher.encrypt(&nonce, payload);
        let sealed = sealed.expect("tokens are far shorter than what the cipher can take");
        let text = STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        Sealed { key_id: self.current.id.clone(), text }
    }

    /// Seals the tokens of an installation anew, or the next ones.
    pub(super) fn seal_in(&self, installation: &mut Installation, tokens: &Tokens) {
        let Sealed { key_id, text } = self.seal(tokens, &installation.workspace);
        (installation.key_id, installation.sealed) = (key_id, text);
    }

    /// The tokens of an installation.
    pub(super) fn open(&self, installation: &Installation) -> Result<Tokens, Unopened> {
        let keys = [Some(&self.current), self.old.as_ref()];
        let key = keys.into_iter().flatten().find(|key| key.id == installation.key_id);
        let key = key.ok_or(Unopened::OtherKey)?;
        let plain = unseal(key, installation).ok_or(Unopened::Tampered)?;
        let token = |name: &str| plain[name].as_str().map(SecretString::from);
        Ok(Tokens { bot: token("bot").ok_or(Unopened::Tampered)?, refresh: token("refresh") })
    }

    /// Whether an installation can be opened with these keys; for whoever only looks.
    pub fn opens(&self, installation: &Installation) -> Result<(), Unopened> {
        self.open(installation).map(|_| ())
    }

    /// The bot's token of an installation, if it can be opened; for whoever only looks.
    pub fn bot_token(&self, installation: &Installation) -> Option<SecretString> {
        self.open(installation).ok().map(|tokens| tokens.bot)
    }

    /// Signs what a browser will bring back.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 32] {
        mac(&self.current.signing, message)
    }

    /// Whether we signed this.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        keyed(&self.current.signing).chain_update(message).verify_slice(signature).is_ok()
    }

    /// Seals every installation with the current key, one by one: stopped half-way, it can be done again.
    pub async fn reseal_all(&self, store: &dyn Installations) -> Result<Resealed, StoreError> {
        let mut done = Resealed::default();
        for installation in store.installations().await? {
            match self.reseal(store, installation).await? {
                Some(true) => done.changed += 1,
                Some(false) => done.current += 1,
                None => done.unopened += 1,
            }
        }
        Ok(done)
    }

    /// Seals one with the current key: whether that was needed; `None` when it can't be opened.
    async fn reseal(
        &self,
        store: &dyn Installations,
        mut installation: Installation,
    ) -> Result<Option<bool>, StoreError> {
        loop {
            if installation.key_id == self.current.id {
                return Ok(Some(false));
            }
            let Ok(tokens) = self.open(&installation) else { return Ok(None) };
            self.seal_in(&mut installation, &tokens);
            match store.change_installation(&installation).await {
                Err(StoreError::Conflict) => {}
                other => return other.map(|()| Some(true)),
            }
            // The running bot renewed it, or the app was removed.
            match store.installation(&installation.workspace).await? {
                Some((_, changed)) => installation = changed,
                None => return Ok(Some(false)),
            }
        }
    }
}

fn unseal(key: &Key, installation: &Installation) -> Option<Value> {
    let bytes = STANDARD_NO_PAD.decode(&installation.sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let bound = key.bound(&installation.workspace);
    let payload = Payload { msg: sealed, aad: bound.as_bytes() };
    let plain = key.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
    serde_json::from_slice(&plain).ok()
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    keyed(key).chain_update(message).finalize().into_bytes().into()
}

/// `N` bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> [u8; N] {
    Generate::generate()
}

/// Bytes as they may stand in a URL or a cookie.
pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The inverse of [`text`].
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn key(byte: u8) -> SecretSlice<u8> {
        vec![byte; 32].into()
    }

    fn sealed(keyring: &Keyring, workspace: &str) -> Installation {
        let workspace = WorkspaceId::from(workspace);
        let tokens = Tokens { bot: "xoxb-1".into(), refresh: Some("xoxe-1".into()) };
        let Sealed { key_id, text } = keyring.seal(&tokens, &workspace);
        Installation {
            workspace,
            installed_at: Timestamp::UNIX_EPOCH,
            key_id,
            sealed: text,
            expires_at: None,
            renewing_until: None,
            renewal_failed: None,
            revision: 1,
        }
    }

    #[test]
    fn what_was_sealed_is_opened_with_its_key_and_no_other() {
        let keyring = Keyring::new(&key(1), None);
        let installation = sealed(&keyring, "T1");
        let tokens = keyring.open(&installation).unwrap();
        assert_eq!(tokens.bot.expose_secret(), "xoxb-1");
        assert_eq!(tokens.refresh.unwrap().expose_secret(), "xoxe-1");
        let rotated = Keyring::new(&key(2), Some(&key(1)));
        assert_eq!(rotated.open(&installation).unwrap().bot.expose_secret(), "xoxb-1");
        let other = Keyring::new(&key(2), None);
        assert_eq!(other.open(&installation).unwrap_err(), Unopened::OtherKey);
        let named_alike = Installation { key_id: other.current.id.clone(), ..installation };
        assert_eq!(other.open(&named_alike).unwrap_err(), Unopened::Tampered);
    }

    #[test]
    fn a_row_copied_or_changed_does_not_open() {
        let keyring = Keyring::new(&key(1), None);
        let mine = sealed(&keyring, "T1");
        let copied = Installation { workspace: "T2".into(), ..mine.clone() };
        assert_eq!(keyring.open(&copied).unwrap_err(), Unopened::Tampered);
        let mut bytes = STANDARD_NO_PAD.decode(&mine.sealed).unwrap();
        for place in 0..bytes.len() {
            bytes[place] ^= 1;
            let changed = Installation { sealed: STANDARD_NO_PAD.encode(&bytes), ..mine.clone() };
            assert_eq!(keyring.open(&changed).unwrap_err(), Unopened::Tampered, "byte {place}");
            bytes[place] ^= 1;
        }
        for cut in ["", "AAAA", "no base64 !"] {
            let changed = Installation { sealed: cut.to_owned(), ..mine.clone() };
            assert_eq!(keyring.open(&changed).unwrap_err(), Unopened::Tampered);
        }
    }

    #[test]
    fn the_same_tokens_are_never_sealed_alike_and_never_shown() {
        let keyring = Keyring::new(&key(1), None);
        let (one, two) = (sealed(&keyring, "T1"), sealed(&keyring, "T1"));
        assert_ne!(one.sealed, two.sealed);
        let bytes = STANDARD_NO_PAD.decode(&one.sealed).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"xoxb"));
        let shown = format!("{:?}{one:?}", keyring.open(&one).unwrap());
        assert!(!shown.contains("xoxb-1") && !shown.contains("xoxe-1"), "{shown}");
    }

    #[test]
    fn a_signature_is_of_one_message_and_one_key() {
        let (one, two) = (Keyring::new(&key(1), None), Keyring::new(&key(2), Some(&key(1))));
        let signature = one.sign(b"message");
        assert!(one.signed(b"message", &signature));
        assert!(!one.signed(b"messagf", &signature));
        assert!(!one.signed(b"message", &signature[..16]));
        assert!(!two.signed(b"message", &signature));
    }
}
