//! The `state` of an installation: made by us, for one browser, for ten minutes, for one use.
//!
//! Without it, somebody could have another person's browser finish an installation they began. It carries its own proof, so
//! that asking for one leaves nothing in the store; its one use is recorded there.

use jiff::{SignedDuration, Timestamp};

use super::seal::{Keyring, bytes, random, text};

/// How long it is good for.
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);

const VERSION: u8 = 1;
const NONCE: usize = 16;
const SIGNED: usize = 2 + NONCE + 8 + 32;

/// What a browser takes with it: the state in its address, and a cookie that proves it is the same browser.
pub(super) struct Issued {
    pub(super) state: String,
    pub(super) cookie: String,
}

/// A state that came back sound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Returned {
    /// Names it, so that it is used once.
    pub(super) nonce: String,
    /// Which size was asked for.
    pub(super) size: u8,
}

/// What is wrong with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Missing,
    Forged,
    Expired,
    OtherBrowser,
}

/// A new state.
pub(super) fn issue(keyring: &Keyring, size: u8, now: Timestamp) -> Issued {
    let cookie = text(&random::<32>());
    let mut message = vec![VERSION, size];
    message.extend(random::<NONCE>());
    message.extend((now + LIFE).as_second().to_be_bytes());
    message.extend(browser(keyring, &cookie));
    let signature = keyring.sign(&message);
    message.extend(signature);
    Issued { state: text(&message), cookie }
}

/// Reads a state that a browser with this cookie brought back.
pub(super) fn check(
    keyring: &Keyring,
    state: Option<&str>,
    cookie: Option<&str>,
    now: Timestamp,
) -> Result<Returned, Fault> {
    let state = state.filter(|state| !state.is_empty()).ok_or(Fault::Missing)?;
    let all = bytes(state).ok_or(Fault::Forged)?;
    let (message, signature) = all.split_at_checked(SIGNED).ok_or(Fault::Forged)?;
    if !keyring.signed(message, signature) || message[0] != VERSION {
        return Err(Fault::Forged);
    }
    let (head, whose) = message.split_at(2 + NONCE + 8);
    let (nonce, until) = head[2..].split_at(NONCE);
    let until = until.iter().fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
    if now.as_second() >= until {
        return Err(Fault::Expired);
    }
    if cookie.is_none_or(|cookie| browser(keyring, cookie) != whose) {
        return Err(Fault::OtherBrowser);
    }
    Ok(Returned { nonce: text(nonce), size: message[1] })
}

/// Stands for a browser's cookie in its state. Signed, so that who sees the state can't try cookies.
fn browser(keyring: &Keyring, cookie: &str) -> [u8; 32] {
    keyring.sign(format!("cookie\n{cookie}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(byte: u8) -> Keyring {
        Keyring::new(&vec![byte; 32].into(), None)
    }

    #[test]
    fn a_state_comes_back_from_its_browser_in_time_and_nothing_else_does() {
        let (keys, now) = (keyring(1), Timestamp::UNIX_EPOCH);
        let issued = issue(&keys, 1, now);
        let (state, cookie) = (Some(issued.state.as_str()), Some(issued.cookie.as_str()));
        assert_eq!(check(&keys, state, cookie, now).unwrap().size, 1);
        let late = now + LIFE;
        assert!(check(&keys, state, cookie, late - SignedDuration::from_secs(1)).is_ok());
        assert_eq!(check(&keys, state, cookie, late), Err(Fault::Expired));
        assert_eq!(check(&keys, None, cookie, now), Err(Fault::Missing));
        assert_eq!(check(&keys, Some(""), cookie, now), Err(Fault::Missing));
        assert_eq!(check(&keys, state, None, now), Err(Fault::OtherBrowser));
        let other = issue(&keys, 1, now);
        assert_eq!(check(&keys, state, Some(&other.cookie), now), Err(Fault::OtherBrowser));
        assert_eq!(check(&keyring(2), state, cookie, now), Err(Fault::Forged));
        for forged in ["x", "AAAA", "äöü", &issued.state[1..], &issued.state[..40]] {
            assert_eq!(check(&keys, Some(forged), cookie, now), Err(Fault::Forged), "{forged}");
        }
    }

    #[test]
    fn no_byte_of_a_state_can_be_changed() {
        let (keys, now) = (keyring(1), Timestamp::UNIX_EPOCH);
        let issued = issue(&keys, 0, now);
        let mut all = bytes(&issued.state).unwrap();
        for place in 0..all.len() {
            all[place] ^= 1;
            let changed = check(&keys, Some(&text(&all)), Some(&issued.cookie), now);
            assert_eq!(changed, Err(Fault::Forged), "byte {place}");
            all[place] ^= 1;
        }
        all.push(0);
        assert_eq!(check(&keys, Some(&text(&all)), Some(&issued.cookie), now), Err(Fault::Forged));
    }

    #[test]
    fn no_two_are_alike() {
        let keys = keyring(1);
        let (one, two) =
            (issue(&keys, 0, Timestamp::UNIX_EPOCH), issue(&keys, 0, Timestamp::UNIX_EPOCH));
        assert_ne!(one.state, two.state);
        assert_ne!(one.cookie, two.cookie);
    }
}
