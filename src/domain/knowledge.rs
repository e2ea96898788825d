//! Everything the bot knows from its data files, loaded and validated once at start.

use super::detect::Packs;
use super::diagnose::Catalog;
use super::evidence::Recognisers;
use super::wording::Wordings;

/// Phrase packs, problem classes, recognisers and words.
#[derive(Debug)]
pub struct Knowledge {
    /// How proposals are heard.
    pub packs: Packs,
    /// The problem classes.
    pub catalog: Catalog,
    /// How evidence is recognised.
    pub recognisers: Recognisers,
    /// What is said.
    pub wordings: Wordings,
}

/// The file with a workspace's own names of systems.
pub const NAMES: &str = "names.toml";

impl Knowledge {
    /// What ships with the program. Fails with every fault of every file: file, line, reason.
    pub fn embedded() -> Result<Self, String> {
        Self::with_own(&[])
    }

    /// What ships with the program, and a workspace's own files after it: [`NAMES`] for the names of its systems, every
    /// other one for problem classes, checks and words.
    pub fn with_own(own: &[(String, String)]) -> Result<Self, String> {
        let (names, classes): (Vec<_>, Vec<_>) = own
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .partition(|f| f.0 == NAMES);
        let packs = Packs::with_names(names.first().map_or("", |(_, text)| text));
        let catalog = Catalog::embedded_with(&classes).map_err(|faults| faults.to_string());
        let (recognisers, wordings) = (Recognisers::embedded(), Wordings::embedded());
        match (packs, catalog, recognisers, wordings) {
            (Ok(packs), Ok(catalog), Ok(recognisers), Ok(wordings)) => {
                Ok(Self { packs, catalog, recognisers, wordings })
            }
            (packs, catalog, recognisers, wordings) => {
                let faults = [packs.err(), catalog.err(), recognisers.err(), wordings.err()];
                Err(faults.into_iter().flatten().collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn a_workspace_brings_names_and_cues() {
        let files = [
            own(
                "classes.toml",
                "[[cues]]\nclass = \"email-auth\"\nstrong = [\"listserv silent\"]\n",
            ),
            own(NAMES, "[noun]\nsystem-app = [\"zonk tower\"]\n"),
        ];
        assert!(Knowledge::with_own(&files).is_ok());
    }

    #[test]
    fn every_fault_of_every_own_file_is_named_with_file_and_line() {
        let files = [
            own("a.toml", "[[cues]]\nclass = \"nope\"\nstrong = [\"x\"]\n"),
            own("b.toml", "colour = 1\n"),
            own(NAMES, "[noun]\nsystem-app = [\"Zonk\"]\n"),
        ];
        let faults = Knowledge::with_own(&files).expect_err("three files with a fault each");
        for expected in [
            "a.toml:2: no class is called 'nope'",
            "b.toml:1: 'colour'",
            "names of the workspace:2",
        ] {
            assert!(faults.contains(expected), "{expected} not in\n{faults}");
        }
    }
}
