//! Installing the app: what a person does on Slack's page, and what becomes of tokens.

use std::collections::{HashMap, HashSet};

use url::Url;

use super::people::Refused;
use super::{Playground, ids};

/// The bot's tokens besides the current one, and codes that become tokens.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) refresh: Option<String>,
    /// Replaced by a newer one and not ended yet.
    pub(super) older: HashSet<String>,
    /// Ended, and with which error.
    pub(super) ended: HashMap<String, &'static str>,
    pub(super) codes: HashMap<String, Code>,
}

/// What a person granted.
pub(super) struct Code {
    pub(super) redirect_uri: String,
    pub(super) scopes: String,
    pub(super) used: bool,
}

impl Playground {
    /// The bot's `SLACK_CLIENT_ID`.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    /// The bot's `SLACK_CLIENT_SECRET`.
    pub fn client_secret(&self) -> &str {
        &self.shared.client_secret
    }

    /// Presses "Allow" on the page the bot sent the browser to, leaving out some scopes; where the browser goes then.
    pub fn allow(&self, page: &str, declined: &[&str]) -> Result<String, Refused> {
        let asked = self.asked(page)?;
        let granted: Vec<&str> =
            asked.scopes.split(',').filter(|scope| !declined.contains(scope)).collect();
        let id = ids::random(40).to_lowercase();
        let code = Code {
            redirect_uri: asked.redirect.to_string(),
            scopes: granted.join(","),
            used: false,
        };
        self.shared.touch(|world| world.tokens.codes.insert(id.clone(), code));
        Ok(back(asked, "code", &id))
    }

    /// Presses "Cancel" there.
    pub fn cancel(&self, page: &str) -> Result<String, Refused> {
        Ok(back(self.asked(page)?, "error", "access_denied"))
    }

    /// The bot token ends: Slack answers `token_expired`, or another error.
    pub fn end_token(&self, error: &'static str) {
        self.shared.touch(|world| {
            let current = std::mem::take(&mut world.bot_token);
            let older = std::mem::take(&mut world.tokens.older);
            world.tokens.ended.extend(older.into_iter().chain([current]).map(|t| (t, error)));
        });
    }

    /// The bot tokens before the current one end.
    pub fn end_older_tokens(&self, error: &'static str) {
        self.shared.touch(|world| {
            let older = std::mem::take(&mut world.tokens.older);
            world.tokens.ended.extend(older.into_iter().map(|t| (t, error)));
        });
    }

    /// Every secret of the app's installation so far.
    pub fn secrets(&self) -> Vec<String> {
        self.look(|world| {
            let tokens = &world.tokens;
            let current = [&world.bot_token].into_iter().chain(&tokens.refresh);
            let all = current.chain(&tokens.older).chain(tokens.ended.keys());
            let all = all.chain(tokens.codes.keys()).filter(|secret| !secret.is_empty());
            all.cloned().collect()
        })
    }

    fn asked(&self, page: &str) -> Result<Asked, Refused> {
        let refused = |why: &str| Refused(why.to_owned());
        let page = Url::parse(page).map_err(|_| refused("not a URL"))?;
        if !page.as_str().starts_with(&format!("{}/oauth/v2/authorize?", self.shared.base)) {
            return Err(refused("not Slack's page"));
        }
        let given = |name: &str| page.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v);
        if given("client_id").is_none_or(|id| id != self.shared.client_id) {
            return Err(refused("invalid_client_id"));
        }
        let scopes = given("scope").filter(|scopes| !scopes.is_empty());
        let redirect = given("redirect_uri").and_then(|url| Url::parse(&url).ok());
        Ok(Asked {
            scopes: scopes.ok_or_else(|| refused("invalid_scope"))?.into_owned(),
            redirect: redirect.ok_or_else(|| refused("bad_redirect_uri"))?,
            state: given("state").unwrap_or_default().into_owned(),
        })
    }
}

struct Asked {
    scopes: String,
    redirect: Url,
    state: String,
}

fn back(asked: Asked, name: &str, value: &str) -> String {
    let mut url = asked.redirect;
    url.query_pairs_mut().append_pair(name, value).append_pair("state", &asked.state);
    url.into()
}
