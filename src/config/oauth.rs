//! The variables of installing by OAuth, and the keys tokens are sealed with.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{SecretSlice, SecretString};

use super::{ConfigError, DatabaseUrl, Faults, environment, ids, read_dotenv};
use crate::domain::WorkspaceId;

/// How long a key is.
const KEY_BYTES: usize = 32;

/// What it takes to be installed by OAuth, in any number of workspaces.
#[derive(Debug, Clone)]
pub struct OAuth {
    /// `SLACK_CLIENT_ID`: the app, as Slack knows it.
    pub client_id: String,
    /// `SLACK_CLIENT_SECRET`: proves that we are the app.
    pub client_secret: SecretString,
    /// `SECONDLOOK_PUBLIC_URL`: where browsers reach us; without a slash at its end.
    pub public_url: String,
    /// What tokens are sealed with.
    pub keys: Keys,
    /// `SECONDLOOK_INSTALL_ONLY`: who may install it; anybody when it is empty.
    pub only: BTreeSet<WorkspaceId>,
}

/// What tokens are sealed with.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `SECONDLOOK_ENCRYPTION_KEY`: seals and opens.
    pub current: SecretSlice<u8>,
    /// `SECONDLOOK_ENCRYPTION_KEY_OLD`: the one before, which still opens.
    pub old: Option<SecretSlice<u8>>,
}

/// What `token rotate-key` needs.
#[derive(Debug, Clone)]
pub struct KeyChange {
    /// `DATABASE_URL`: where everything is kept.
    pub database_url: DatabaseUrl,
    /// The new key and the old one.
    pub keys: Keys,
}

impl KeyChange {
    /// Reads the environment, `.env` in the working directory included; `old_key` stands for the variable of the old one.
    pub fn from_env(old_key: Option<&str>) -> Result<Self, ConfigError> {
        read_dotenv()?;
        Self::from_variables(&|name| match (name, old_key) {
            ("SECONDLOOK_ENCRYPTION_KEY_OLD", Some(key)) => Some(key.to_owned()),
            _ => environment(name),
        })
    }

    fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut faults = Faults::of(get);
        let database_url = faults.database_url();
        let current = faults.key("SECONDLOOK_ENCRYPTION_KEY");
        let old = faults.key("SECONDLOOK_ENCRYPTION_KEY_OLD");
        if current.is_none() {
            faults.needed("SECONDLOOK_ENCRYPTION_KEY", "the new key");
        }
        if old.is_none() {
            faults.needed(
                "SECONDLOOK_ENCRYPTION_KEY_OLD",
                "the key that tokens are sealed with now, or --old-key-file",
            );
        }
        match current {
            Some(current) => faults.whole(Self { database_url, keys: Keys { current, old } }),
            None => Err(ConfigError(faults.found)),
        }
    }
}

impl Faults<'_> {
    /// What installing by OAuth needs: all of it, or nothing.
    pub(super) fn oauth(&mut self) -> Option<OAuth> {
        let client_id = self.set("SLACK_CLIENT_ID");
        let client_secret = self.set("SLACK_CLIENT_SECRET").map(SecretString::from);
        let public_url = self.public_url();
        let current = self.key("SECONDLOOK_ENCRYPTION_KEY");
        let old = self.key("SECONDLOOK_ENCRYPTION_KEY_OLD");
        let only = self.install_only();
        if !self.wants_oauth() {
            return None;
        }
        for (missing, name, what) in [
            (client_id.is_none(), "SLACK_CLIENT_ID", "from your app's page “Basic Information”"),
            (
                client_secret.is_none(),
                "SLACK_CLIENT_SECRET",
                "from your app's page “Basic Information”",
            ),
            (
                public_url.is_none(),
                "SECONDLOOK_PUBLIC_URL",
                "where a browser reaches /slack/install, such as https://secondlook.example.com",
            ),
            (
                current.is_none(),
                "SECONDLOOK_ENCRYPTION_KEY",
                "what tokens are sealed with; make one with `openssl rand -base64 32`",
            ),
        ] {
            if missing {
                self.needed(name, &format!("installing by OAuth needs it ({what})"));
            }
        }
        let keys = Keys { current: current?, old };
        let (client_id, client_secret) = (client_id?, client_secret?);
        Some(OAuth { client_id, client_secret, public_url: public_url?, keys, only })
    }

    /// Whether installing by OAuth is meant; the public address alone is also for other things.
    pub(super) fn wants_oauth(&self) -> bool {
        ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SECONDLOOK_ENCRYPTION_KEY"]
            .iter()
            .any(|name| self.set(name).is_some())
    }

    /// Workspaces and organisations. One that can't be read must not open the door to all.
    fn install_only(&mut self) -> BTreeSet<WorkspaceId> {
        let name = "SECONDLOOK_INSTALL_ONLY";
        let Some(value) = self.set(name) else { return BTreeSet::new() };
        let listed: BTreeSet<WorkspaceId> =
            self.entries(name, &value, "a workspace").into_iter().map(Into::into).collect();
        for wrong in listed.iter().filter(|id| !ids::is_workspace(id.as_str())) {
            self.add(name, format!(
                "holds \"{wrong}\": give the ids of workspaces (T0123456789) or of organisations (E0123456789)"
            ));
        }
        listed
    }

    /// A key; its value is never repeated, not even in a fault.
    fn key(&mut self, name: &'static str) -> Option<SecretSlice<u8>> {
        let value = self.set(name)?;
        let bytes = STANDARD.decode(&value).ok().filter(|bytes| bytes.len() == KEY_BYTES);
        if bytes.is_none() {
            self.add(name, "is not 32 bytes in base64: make one with `openssl rand -base64 32`");
        }
        bytes.map(SecretSlice::from)
    }

    fn public_url(&mut self) -> Option<String> {
        let value = self.set("SECONDLOOK_PUBLIC_URL")?;
        self.web_address("SECONDLOOK_PUBLIC_URL", &value)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::Config;
    use super::*;

    const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all = [("SLACK_SIGNING_SECRET", "s")].iter().chain(variables);
        let all: Vec<_> = all.copied().collect();
        Config::from_variables(&|name| {
            all.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    #[test]
    fn a_token_an_installation_or_both() {
        let oauth = [
            ("SLACK_CLIENT_ID", "1.2"),
            ("SLACK_CLIENT_SECRET", "hidden"),
            ("SECONDLOOK_PUBLIC_URL", "https://bot.example.com/"),
            ("SECONDLOOK_ENCRYPTION_KEY", KEY),
        ];
        let installs = config(&oauth).unwrap();
        assert!(installs.bot_token.is_none());
        let read = installs.oauth.unwrap();
        assert_eq!(read.public_url, "https://bot.example.com");
        assert_eq!(read.keys.current.expose_secret(), b"01234567890123456789012345678901");
        let shown = format!("{read:?}");
        assert!(!shown.contains("hidden") && !shown.contains("48, 49"), "{shown}");
        let both = config(&[&oauth[..], &[("SLACK_BOT_TOKEN", "xoxb-1")]].concat()).unwrap();
        assert!(both.bot_token.is_some() && both.oauth.is_some());
        let token = config(&[
            ("SLACK_BOT_TOKEN", "xoxb-1"),
            ("SECONDLOOK_PUBLIC_URL", "https://bot.example.com"),
        ]);
        assert!(token.unwrap().oauth.is_none());
        let neither = config(&[]).unwrap_err().to_string();
        assert!(neither.contains("SLACK_BOT_TOKEN is missing"), "{neither}");
        assert!(neither.contains("SLACK_CLIENT_ID"), "{neither}");
    }

    #[test]
    fn one_without_the_others_is_a_fault_for_each() {
        for (set, value) in [("SLACK_CLIENT_ID", "1.2"), ("SLACK_CLIENT_SECRET", "hidden")] {
            let faults = config(&[(set, value)]).unwrap_err().to_string();
            assert!(faults.contains("3 faults"), "{faults}");
            assert!(!faults.contains("hidden"), "{faults}");
        }
        let faults = config(&[("SECONDLOOK_ENCRYPTION_KEY", KEY)]).unwrap_err().to_string();
        for name in ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SECONDLOOK_PUBLIC_URL"] {
            assert!(faults.contains(&format!("{name} is missing")), "{faults}");
        }
    }

    #[test]
    fn keys_and_addresses_that_can_not_be_used_are_named_and_keys_not_repeated() {
        let faults = |name, value| {
            let set = [("SLACK_BOT_TOKEN", "xoxb-1"), (name, value)];
            config(&set).err().map(|faults| faults.to_string()).unwrap_or_default()
        };
        for key in ["c2hvcnQ=", "not base64!", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"] {
            for name in ["SECONDLOOK_ENCRYPTION_KEY", "SECONDLOOK_ENCRYPTION_KEY_OLD"] {
                let said = faults(name, key);
                assert!(said.contains(&format!("{name} is not 32 bytes")), "{said}");
                assert!(!said.contains(key), "{said}");
            }
        }
        for (url, why) in [
            ("http://bot.example.com", "must be https"),
            ("https://me:pw@bot.example.com", "must have no user"),
            ("https://bot.example.com/?x", "must have no user"),
            ("bot.example.com", "is not a URL"),
        ] {
            let said = faults("SECONDLOOK_PUBLIC_URL", url);
            assert!(said.contains(why), "{url}: {said}");
        }
        assert_eq!(faults("SECONDLOOK_PUBLIC_URL", "http://127.0.0.1:8080"), "");
    }

    #[test]
    fn who_may_install_it_is_named_by_ids_and_a_slip_opens_no_door() {
        let oauth = [
            ("SLACK_CLIENT_ID", "1.2"),
            ("SLACK_CLIENT_SECRET", "hidden"),
            ("SECONDLOOK_PUBLIC_URL", "https://bot.example.com"),
            ("SECONDLOOK_ENCRYPTION_KEY", KEY),
        ];
        let only = |value| config(&[&oauth[..], &[("SECONDLOOK_INSTALL_ONLY", value)]].concat());
        let read = only("T0ACME0001, E0ACME0001,").unwrap().oauth.unwrap().only;
        assert_eq!(read, ["E0ACME0001", "T0ACME0001"].map(WorkspaceId::from).into());
        assert!(only("").unwrap().oauth.unwrap().only.is_empty());
        let faults = only("acme, T0ACME0001, C0GENERAL1").unwrap_err().to_string();
        assert!(faults.contains("2 faults"), "{faults}");
        for slip in ["\"acme\"", "\"C0GENERAL1\""] {
            assert!(faults.contains(&format!("SECONDLOOK_INSTALL_ONLY holds {slip}")), "{faults}");
        }
        assert!(only(",").unwrap_err().to_string().contains("leave it unset"));
    }

    #[test]
    fn a_change_of_keys_needs_both() {
        let read = |variables: &[(&str, &str)]| {
            KeyChange::from_variables(&|name| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
            })
        };
        let (new, old) = ("SECONDLOOK_ENCRYPTION_KEY", "SECONDLOOK_ENCRYPTION_KEY_OLD");
        assert!(read(&[(new, KEY), (old, KEY)]).unwrap().keys.old.is_some());
        for (variables, faults) in [
            (&[][..], 2),
            (&[(new, KEY)], 1),
            (&[(old, KEY)], 1),
            (&[(new, "x"), (old, "y")], 2),
            (&[(new, "x")], 2),
            (&[(old, "y")], 2),
        ] {
            assert_eq!(read(variables).unwrap_err().0.len(), faults, "{variables:?}");
        }
    }
}
