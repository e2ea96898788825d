//! Whether the weekly digests can be posted.

use secrecy::SecretString;

use super::{Finding, note, well, wrong};
use crate::app::ports::ChatError;
use crate::config::Config;
use crate::domain::channel::Channel;
use crate::domain::digest::Channels;
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
    let tokens = tokens(config, &client).await;
    let wanted: Vec<(WorkspaceId, ChannelId)> = match &config.digest.channels {
        Channels::Nowhere => Vec::new(),
        Channels::Each(each) => each.clone().into_iter().collect(),
        Channels::One(channel) => match &tokens[..] {
            // The workspace with a token of its own comes first.
            [(workspace, _), others @ ..] if others.is_empty() || config.bot_token.is_some() => {
                vec![(workspace.clone(), channel.clone())]
            }
            [] => {
                return vec![note(
                    "digest",
                    "not checked: it isn't known of which workspace its channel is",
                )];
            }
            _ => {
                return vec![wrong(
                    "digest",
                    format!(
                        "none is posted: {channel} is one channel, and {} workspaces are installed",
                        tokens.len()
                    ),
                    "name the workspace of each channel in SECONDLOOK_DIGEST_CHANNEL, such as T0123456789:C0123456789",
                )];
            }
        },
    };
    let mut findings = Vec::new();
    for (workspace, channel) in &wanted {
        let token = tokens.iter().find(|(known, _)| known == workspace).map(|(_, token)| token);
        findings.push(match token {
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

/// The workspaces whose tokens we have; the one with a token of its own first.
async fn tokens(config: &Config, client: &Client) -> Vec<(WorkspaceId, SecretString)> {
    let mut tokens = Vec::new();
    if let Some(token) = &config.bot_token
        && let Ok(own) = client.identify(token).await
    {
        tokens.push((own.id, token.clone()));
    }
    if let Some(oauth) = &config.oauth
        && let Ok(Some(store)) = store::inspect(config.database_url.as_str()).await
        && let Ok(all) = store.installations().await
    {
        let keyring = Keyring::new(&oauth.keys.current, oauth.keys.old.as_ref());
        for known in all {
            if let Some(token) = keyring.bot_token(&known) {
                tokens.push((known.workspace, token));
            }
        }
    }
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
