//! What we think: hearing proposals, naming suspects, reading evidence, deciding what to say.
//!
//! Pure: no async, no input or output, no clock, no Slack, no SQL. It does not know who calls it.
//! The story: [`detect`] hears a proposal · [`policy`] decides whether to speak · [`diagnose`] names suspects ·
//! [`card`] chooses the words · [`evidence`] reads what people post · [`investigation`] carries the case to its outcome.

pub mod card;
pub mod channel;
pub mod detect;
pub mod diagnose;
pub mod digest;
pub mod evidence;
pub mod form;
pub mod hearing;
pub mod incident;
pub mod investigation;
pub mod knowledge;
pub mod message;
pub mod policy;
pub mod wording;

/// Defines an enum whose variants have a fixed wire name, in JSON and in SQL: others rely on it, so it never changes.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $wire:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used on the wire and in the store.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }

            /// The value with this wire name.
            pub fn parse(wire: &str) -> Option<Self> {
                match wire { $($wire => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use wire_enum;

/// Defines a newtype over a string id, so that ids of different things cannot be mixed up.
macro_rules! string_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            /// The id as Slack or the catalogue writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

string_id! {
    /// A workspace: Slack's team id (`T…`), or the enterprise id (`E…`) of an organisation-wide install.
    WorkspaceId,
    /// A channel, private channel or direct message (`C…`, `G…`, `D…`).
    ChannelId,
    /// A person (`U…`, `W…`).
    UserId,
    /// A message's timestamp in its channel, as Slack writes it (`1763712000.000100`); also names a thread.
    MessageTs,
    /// A leaf of the catalogue of problem classes (`dns-record`).
    ClassId,
}

wire_enum! {
    /// What a proposal would change.
    Kind {
        /// Move to another platform or product of the same purpose.
        Replatform = "replatform",
        /// Write it again.
        Rewrite = "rewrite",
        /// Split into (micro)services.
        SplitServices = "split_services",
        /// Replace a vendor.
        SwitchVendor = "switch_vendor",
        /// Change cloud or hosting.
        SwitchCloudHost = "switch_cloud_host",
        /// Take up a technology that is not in use yet.
        AdoptTechnology = "adopt_technology",
        /// Switch something off.
        Retire = "retire",
        /// Merge several into one.
        Consolidate = "consolidate",
        /// Run an evaluation or a request for proposals.
        VendorEvaluation = "vendor_evaluation",
        /// Change how people work.
        ProcessChange = "process_change",
        /// Change the architecture.
        Architecture = "architecture",
        /// Anything else of notable cost.
        Other = "other",
    }
}

wire_enum! {
    /// How hard the change is to undo.
    Door {
        /// Undone in about a day.
        TwoWay = "two_way",
        /// Undone in weeks.
        Costly = "costly",
        /// Not really undone.
        OneWay = "one_way",
    }
}

wire_enum! {
    /// How the writer stands to the proposal.
    Stance {
        /// Pushes for it.
        Advocating = "advocating",
        /// Floats it.
        Floating = "floating",
        /// Asks whether to.
        Asking = "asking",
    }
}

wire_enum! {
    /// How far a proposal has come when it is heard.
    Progress {
        /// Nothing is decided.
        Open = "open",
        /// It is decided, not begun.
        Decided = "decided",
        /// It has begun.
        UnderWay = "under_way",
    }
}
