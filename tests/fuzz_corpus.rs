//! Replays the fuzzers' committed corpus on the stable toolchain: what once broke, or nearly, stays mended.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

#[test]
fn what_holds_for_any_bytes_holds_for_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in targets::ALL {
        let folder = corpus.join(name);
        let files = std::fs::read_dir(&folder)
            .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
        let mut replayed = 0;
        for file in files {
            let path = file.expect("a folder can be listed").path();
            println!("{}", path.display());
            target(&std::fs::read(path).expect("a corpus file can be read"));
            replayed += 1;
        }
        println!("{name}: {replayed} files");
        assert!(replayed >= 3, "{name} has a corpus of {replayed}: the fuzzer starts from nothing");
    }
}
