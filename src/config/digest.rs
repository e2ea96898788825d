//! The variables of the weekly digest: where, and when.

use std::collections::BTreeMap;

use super::{Faults, ids};
use crate::domain::digest::{Channels, Plan, Schedule};
use crate::domain::{ChannelId, WorkspaceId};

const CHANNEL: &str = "SECONDLOOK_DIGEST_CHANNEL";

impl Faults<'_> {
    pub(super) fn digest(&mut self) -> Plan {
        let channels = self.digest_channels();
        let at = self.set("SECONDLOOK_DIGEST_AT");
        let schedule = at.map_or_else(Schedule::default, |at| {
            Schedule::parse(&at).unwrap_or_else(|why| {
                self.add(
                    "SECONDLOOK_DIGEST_AT",
                    format!("is \"{at}\": {why} (such as Mon 09:00 Europe/Berlin)"),
                );
                Schedule::default()
            })
        });
        Plan { channels, schedule }
    }

    /// One channel, or for each workspace one: `T0123456789:C0123456789,…`.
    fn digest_channels(&mut self) -> Channels {
        let Some(value) = self.set(CHANNEL) else { return Channels::Nowhere };
        if !value.contains([',', ':']) {
            if !ids::is_channel(&value) {
                self.add(CHANNEL, format!(
                    "is \"{value}\": give the channel's id, such as C0123456789, from “View channel details”"
                ));
            }
            return Channels::One(ChannelId(value));
        }
        let mut each = BTreeMap::new();
        for entry in self.entries(CHANNEL, &value, "a channel") {
            match read(entry) {
                Err(why) => self.add(CHANNEL, format!("holds \"{entry}\": {why}")),
                Ok((workspace, channel)) => {
                    if each.insert(workspace.clone(), channel).is_some() {
                        self.add(
                            CHANNEL,
                            format!("names {workspace} twice: a workspace has one digest"),
                        );
                    }
                }
            }
        }
        Channels::Each(each)
    }
}

fn read(entry: &str) -> Result<(WorkspaceId, ChannelId), &'static str> {
    let (workspace, channel) = entry.split_once(':').ok_or(
        "with several workspaces, write each as workspace:channel, such as T0123456789:C0123456789",
    )?;
    let (workspace, channel) = (workspace.trim(), channel.trim());
    if !ids::is_workspace(workspace) {
        return Err(
            "before the colon, give a workspace's id, such as T0123456789 (`secondlook token list` shows them)",
        );
    }
    if !ids::is_channel(channel) {
        return Err(
            "after the colon, give the channel's id, such as C0123456789, from “View channel details”",
        );
    }
    Ok((workspace.into(), channel.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (Channels, Vec<String>) {
        let get = |name: &str| (name == CHANNEL).then(|| value.to_owned());
        let mut faults = Faults::of(&get);
        let channels = faults.digest().channels;
        (channels, faults.found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn one_channel_or_one_for_each_workspace() {
        assert_eq!(read("").0, Channels::Nowhere);
        assert_eq!(read("C0GENERAL1"), (Channels::One("C0GENERAL1".into()), vec![]));
        let each = [("E0ACME0001", "G0GENERAL2"), ("T0ACME0001", "C0GENERAL1")];
        let each = each.map(|(w, c)| (WorkspaceId::from(w), ChannelId::from(c)));
        let (channels, faults) = read("T0ACME0001:C0GENERAL1, E0ACME0001 : G0GENERAL2,");
        assert_eq!(channels, Channels::Each(each.into()));
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn a_list_that_names_nothing_is_not_no_digest() {
        for value in [",", " , ,"] {
            let (_, faults) = read(value);
            let [fault] = &faults[..] else { panic!("{value}: {faults:?}") };
            assert!(fault.starts_with(CHANNEL) && fault.contains("leave it unset"), "{fault}");
        }
    }

    #[test]
    fn every_slip_of_the_list_is_named_with_the_others() {
        let value = "T0ACME0001:C0GENERAL1,C0GENERAL2,T0ACME0001:C0GENERAL3,acme:C0GENERAL1,T0NORTH001:#general";
        let (_, faults) = read(value);
        for (fault, words) in faults.iter().zip([
            "\"C0GENERAL2\": with several workspaces",
            "names T0ACME0001 twice",
            "\"acme:C0GENERAL1\": before the colon",
            "\"T0NORTH001:#general\": after the colon",
        ]) {
            assert!(fault.starts_with(CHANNEL) && fault.contains(words), "{words} not in {fault}");
        }
        assert_eq!(faults.len(), 4, "{faults:?}");
    }
}
