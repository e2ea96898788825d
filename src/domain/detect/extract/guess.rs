//! The kind by rule: a first guess from what is done to what, one fact among others for the learned weights.

use super::super::frames::Thing;
use super::super::pack::Section;
use super::Reader;
use crate::domain::Kind;

impl Reader<'_> {
    /// The first rule that fits; what is done decides before what it is done to.
    pub(super) fn guessed_kind(&self) -> Kind {
        let sentence = self.reading.sentences[self.frame.sentence];
        let inside = |section| {
            self.all(section).filter(move |m| m.first >= sentence.first && m.first < sentence.last)
        };
        let noun = |name: &str| inside(Section::Noun).any(|m| self.family(m).starts_with(name));
        let anywhere =
            |name: &str| self.all(Section::Noun).any(|m| self.family(m).starts_with(name));
        let done = |name: &str| inside(Section::Verb).any(|m| self.family(m) == name);
        let verb = self.verb();
        let moves =
            matches!(verb, "move" | "replace" | "leave" | "revert" | "adopt" | "use" | "act" | "");
        match verb {
            "evaluate" => return Kind::VendorEvaluation,
            "rewrite" => return Kind::Rewrite,
            "source" => return Kind::Other,
            "consolidate" if !self.about("process") => return Kind::Consolidate,
            _ if done("evaluate") && !self.about("system-arch") => return Kind::VendorEvaluation,
            _ if done("rewrite") => return Kind::Rewrite,
            _ if self.about("process") || done("organise") => return Kind::ProcessChange,
            "split" if noun("system-data") || noun("system-arch") => return Kind::Architecture,
            "split" => return Kind::SplitServices,
            "retire" if self.frame.to.thing == Thing::None && !done("adopt") => {
                return Kind::Retire;
            }
            _ => {}
        }
        if moves && self.about("product-language") {
            return Kind::Rewrite;
        }
        if self.about("product-cloud") || (moves && noun("system-host")) {
            return Kind::SwitchCloudHost;
        }
        if self.about("system-arch") {
            return Kind::Architecture;
        }
        match verb {
            "adopt" | "use" if !self.about("product-saas") => Kind::AdoptTechnology,
            _ if self.about("product-saas") || self.about("system-vendor") => Kind::SwitchVendor,
            "move" | "replace" | "leave"
                if anywhere("product-saas") && !self.about("product-tech") =>
            {
                Kind::SwitchVendor
            }
            "replace" if self.about("system-tech") => Kind::Architecture,
            "move" | "replace" | "leave" | "revert" => Kind::Replatform,
            _ if noun("product-cloud") => Kind::SwitchCloudHost,
            _ if noun("product-saas") => Kind::SwitchVendor,
            _ if noun("product") || noun("system-tech") => Kind::AdoptTechnology,
            _ if noun("process") => Kind::ProcessChange,
            _ if noun("system-arch") => Kind::Architecture,
            _ => Kind::Other,
        }
    }

    /// Whether a noun of this family (or group) is what is changed or reached.
    fn about(&self, name: &str) -> bool {
        [&self.frame.object, &self.frame.to, &self.frame.from].iter().any(|phrase| {
            match phrase.thing {
                Thing::Known(family) => {
                    self.pack.families(Section::Noun)[family as usize].starts_with(name)
                }
                _ => false,
            }
        })
    }
}
