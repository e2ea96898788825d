//! Where the digest is posted, and of which workspace a channel is.

use std::collections::BTreeMap;

use crate::domain::{ChannelId, WorkspaceId};

/// Where the digest is posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Channels {
    /// Nowhere.
    #[default]
    Nowhere,
    /// In this channel of the one workspace there is.
    One(ChannelId),
    /// In a channel of each of these workspaces.
    Each(BTreeMap<WorkspaceId, ChannelId>),
}

/// A channel stands alone, and it isn't known of which workspace it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// The channel.
    pub channel: ChannelId,
    /// Of how many workspaces it could be.
    pub workspaces: usize,
}

impl Channels {
    /// The channel of each workspace that has one. A channel alone is of one workspace: `own`, which has a token of its
    /// own, or else the only one that is installed.
    pub fn each(
        self,
        own: Option<&WorkspaceId>,
        installed: &[WorkspaceId],
    ) -> Result<BTreeMap<WorkspaceId, ChannelId>, Unclear> {
        let channel = match self {
            Self::Nowhere => return Ok(BTreeMap::new()),
            Self::Each(digests) => return Ok(digests),
            Self::One(channel) => channel,
        };
        match (own, installed) {
            (Some(only), _) | (None, [only]) => Ok(BTreeMap::from([(only.clone(), channel)])),
            (None, many) => Err(Unclear { channel, workspaces: many.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_alone_is_of_one_workspace_or_of_none() {
        let one = |own: Option<&str>, installed: &[&str]| {
            let own = own.map(WorkspaceId::from);
            let installed: Vec<WorkspaceId> =
                installed.iter().copied().map(WorkspaceId::from).collect();
            let each = Channels::One("C1".into()).each(own.as_ref(), &installed);
            let whose = |each: BTreeMap<WorkspaceId, ChannelId>| {
                each.into_keys().map(|workspace| workspace.0).collect::<Vec<_>>()
            };
            each.map(whose).map_err(|unclear| unclear.workspaces)
        };
        assert_eq!(
            one(Some("T1"), &["T2"]),
            Ok(vec!["T1".to_owned()]),
            "its own token comes first"
        );
        assert_eq!(one(None, &["T2"]), Ok(vec!["T2".to_owned()]));
        assert_eq!(one(None, &["T2", "T3"]), Err(2));
        assert_eq!(one(None, &[]), Err(0));
    }

    #[test]
    fn a_channel_with_its_workspace_is_of_that_one_whatever_is_installed() {
        let named = BTreeMap::from([(WorkspaceId::from("T2"), ChannelId::from("C2"))]);
        let each = |channels: Channels| channels.each(Some(&"T1".into()), &["T3".into()]);
        assert_eq!(each(Channels::Each(named.clone())), Ok(named));
        assert_eq!(each(Channels::Nowhere), Ok(BTreeMap::new()));
    }
}
