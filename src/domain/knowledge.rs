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

impl Knowledge {
    /// What ships with the program. Fails with every fault of every file: file, line, reason.
    pub fn embedded() -> Result<Self, String> {
        let (packs, catalog) = (Packs::embedded(), Catalog::embedded());
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
