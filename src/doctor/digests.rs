//! Whether the weekly digests can be posted.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{Finding, note, well, wrong};
use crate::app::installations::Installation;
use crate::app::ports::ChatError;
use crate::config::Config;
use crate::domain::channel::Channel;
use crate::domain::digest::{Channels, Unclear};
use crate::domain::{ChannelId, WorkspaceId};
use crate::slack::client::Client;
use crate::slack::seal::Keyring;
use crate::store;

/// Whether each digest has a channel the bot can post in.
pub(super) async fn digests(config: &Config) -> Vec<Finding> {
    let (Ok(client), false) =
        (Client::new(&config.api_url), config.digest.channels == Channels::Nowhere)
    else {
        return Vec::new();
    };
    let own = match &config.bot_token {
        Some(token) => client.identify(token).await.ok().map(|own| (own.id, token.clone())),
        None => None,
    };
    let installed = installed(config).await;
    // While Slack doesn't say whose the bot's own token is, the channel is not taken for anybody else's.
    let known = if config.bot_token.is_some() && own.is_none() { &[] } else { &installed[..] };
    let known: Vec<WorkspaceId> = known.iter().map(|known| known.workspace.clone()).collect();
    let channels = config.digest.channels.clone();
    let wanted = match channels.each(own.as_ref().map(|(id, _)| id), &known) {
        Ok(wanted) => wanted,
        Err(unclear) => return vec![nobodys(&unclear)],
    };
    let tokens = tokens(own, config, &installed);
    let mut findings = Vec::new();
    for (workspace, channel) in &wanted {
        findings.push(match tokens.get(workspace) {
            None => wrong(
                "digest",
                format!("the app is not installed in {workspace}, or its token can't be opened"),
                "install it there, or take that workspace out of SECONDLOOK_DIGEST_CHANNEL",
            ),
            Some(token) => digest(workspace, channel, client.channel(token, channel).await),
        });
    }
    findings
}

async fn installed(config: &Config) -> Vec<Installation> {
    let Ok(Some(store)) = store::inspect(config.database_url.as_str()).await else {
        return Vec::new();
    };
    store.installations().await.unwrap_or_default()
}

fn nobodys(unclear: &Unclear) -> Finding {
    let Unclear { channel, workspaces } = unclear;
    if *workspaces == 0 {
        return note("digest", "not checked: it isn't known of which workspace its channel is");
    }
    wrong(
        "digest",
        format!(
            "none is posted: {channel} is one channel, and {workspaces} workspaces are installed"
        ),
        "name the workspace of each channel in SECONDLOOK_DIGEST_CHANNEL, such as T0123456789:C0123456789",
    )
}

/// The tokens we can use, by their workspaces; the configured one before an installation's.
fn tokens(
    own: Option<(WorkspaceId, SecretString)>,
    config: &Config,
    installed: &[Installation],
) -> BTreeMap<WorkspaceId, SecretString> {
    let mut tokens = BTreeMap::new();
    if let Some(oauth) = &config.oauth {
        let keyring = Keyring::new(&oauth.keys.current, oauth.keys.old.as_ref());
        let opened =
            |known: &Installation| Some((known.workspace.clone(), keyring.bot_token(known)?));
        tokens.extend(installed.iter().filter_map(opened));
    }
    tokens.extend(own);
    tokens
}

fn digest(
    workspace: &WorkspaceId,
    channel: &ChannelId,
    known: Result<Channel, ChatError>,
) -> Finding {
    let place = format!("{channel} of {workspace}");
    let invite = "write /invite @Second Look there";
    match known {
        Ok(known) if known.archived => {
            wrong("digest", format!("{place} is archived"), "choose another channel")
        }
        Ok(known) if known.external => wrong(
            "digest",
            format!("{place} is shared with another company, which would read it"),
            "choose a channel of your own",
        ),
        Ok(known) if known.member => well("digest", format!("it can be posted in {place}")),
        Ok(_) => wrong("digest", format!("the bot is not in {place}"), invite),
        Err(ChatError::Refused { code }) if code == "channel_not_found" => wrong(
            "digest",
            format!(
                "Slack shows the bot no {place}: it is private and the bot is not in it, or there is none"
            ),
            format!("{invite}, or check the id"),
        ),
        Err(error) => note("digest", format!("{place} was not checked: {error}")),
    }
}
