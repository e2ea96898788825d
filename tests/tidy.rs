//! The house rules that a compiler does not hold: which room may use what, and that files say what they are for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What a room may use besides itself: other rooms, and crates.
struct Room {
    name: &'static str,
    rooms: &'static [&'static str],
    crates: &'static [&'static str],
}

/// Arrows point inward: domain knows nobody, app knows the domain, adapters know app and domain and not each other.
const ROOMS: [Room; 13] = [
    Room {
        name: "domain",
        rooms: &[],
        crates: &[
            "jiff",
            "regex",
            "regex_syntax",
            "serde",
            "serde_json",
            "thiserror",
            "toml",
            "unicode_normalization",
        ],
    },
    Room {
        name: "app",
        rooms: &["domain"],
        crates: &[
            "async_trait",
            "futures_util",
            "jiff",
            "metrics",
            "thiserror",
            "tokio",
            "tokio_util",
            "tracing",
        ],
    },
    Room {
        name: "slack",
        rooms: &["app", "domain"],
        crates: &[
            "async_trait",
            "axum",
            "backon",
            "base64",
            "chacha20poly1305",
            "futures_util",
            "hmac",
            "hyper_rustls",
            "jiff",
            "metrics",
            "reqwest",
            "rustls",
            "secrecy",
            "serde",
            "serde_json",
            "sha2",
            "slack_morphism",
            "thiserror",
            "tokio",
            "tokio_tungstenite",
            "tokio_util",
            "tracing",
            "url",
            "zip",
        ],
    },
    Room {
        name: "store",
        rooms: &["app", "domain"],
        crates: &[
            "anyhow",
            "async_trait",
            "jiff",
            "serde_json",
            "sha2",
            "sqlx",
            "tempfile",
            "tokio",
            "tracing",
        ],
    },
    Room {
        name: "web",
        rooms: &["app"],
        crates: &[
            "anyhow",
            "axum",
            "hyper_util",
            "metrics",
            "metrics_exporter_prometheus",
            "tokio",
            "tokio_util",
            "tracing",
        ],
    },
    Room {
        name: "playground",
        rooms: &[],
        crates: &[
            "axum",
            "futures_util",
            "hmac",
            "jiff",
            "serde",
            "serde_json",
            "sha2",
            "tokio",
            "tokio_util",
            "url",
        ],
    },
    Room {
        name: "cli",
        rooms: &["app", "domain", "config", "bot", "doctor", "manifest", "playground", "replay"],
        crates: &[
            "anyhow",
            "clap",
            "indicatif",
            "jiff",
            "secrecy",
            "serde_json",
            "tempfile",
            "tokio",
            "tracing",
            "tracing_subscriber",
        ],
    },
    Room {
        name: "config",
        rooms: &["domain"],
        crates: &["base64", "dotenvy", "jiff", "secrecy", "thiserror", "url"],
    },
    Room {
        name: "bot.rs",
        rooms: &["app", "config", "domain", "manifest", "slack", "store", "web"],
        crates: &["anyhow", "axum", "secrecy", "tokio", "tokio_util", "tracing"],
    },
    Room { name: "replay", rooms: &["config", "domain", "slack"], crates: &["jiff"] },
    Room {
        name: "doctor",
        rooms: &["app", "config", "domain", "manifest", "slack", "store"],
        crates: &["jiff", "secrecy"],
    },
    Room { name: "manifest.rs", rooms: &[], crates: &["serde_json"] },
    Room { name: "main.rs", rooms: &["cli"], crates: &[] },
];

/// A longer file has more than one subject.
const FILE_LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The code without comments, line by line, so that a finding can name its line.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let without_comment = |line: &str| {
        let line = line.trim_start();
        if line.starts_with("//") { String::new() } else { line.to_owned() }
    };
    text.lines().enumerate().map(|(n, line)| (n + 1, without_comment(line))).collect()
}

/// Where a path begins: in a room of this house, or in a crate.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Head {
    Room(String),
    Crate(String),
}

/// The heads of a line's paths. This program is `crate` to itself, and `secondlook` to `main.rs`.
fn path_heads(line: &str) -> Vec<Head> {
    static HEAD: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r"(?:^|[^\w:])([a-z_][a-z0-9_]*)::(\{[^{}]*\}|\{|[a-z0-9_]*)").unwrap()
    });
    if !line.contains("::") {
        return Vec::new();
    }
    let mut heads = Vec::new();
    for found in HEAD.captures_iter(line) {
        let (head, next) = (&found[1], found[2].trim_matches(['{', '}']));
        if head != "crate" && head != "secondlook" {
            heads.push(Head::Crate(head.to_owned()));
            continue;
        }
        assert!(&found[2] != "{", "one line for each room, please: {line}");
        let rooms = next.split(',').map(|path| path.split("::").next().unwrap_or_default().trim());
        let named = rooms.filter(|room| room.starts_with(char::is_lowercase));
        heads.extend(named.map(|room| Head::Room(room.to_owned())));
    }
    heads
}

fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let table = manifest["dependencies"].as_table().unwrap();
    table.keys().map(|name| name.replace('-', "_")).collect()
}

#[test]
fn arrows_point_inward_and_none_is_allowed_that_nobody_draws() {
    let crates = dependencies();
    let mut faults = Vec::new();
    for room in ROOMS {
        let itself = Head::Room(room.name.trim_end_matches(".rs").to_owned());
        let rooms = room.rooms.iter().map(|name| Head::Room((*name).to_owned()));
        let allowed: BTreeSet<Head> =
            rooms.chain(room.crates.iter().map(|name| Head::Crate((*name).to_owned()))).collect();
        let mut used = BTreeSet::new();
        let place = root().join("src").join(room.name);
        let files = if place.is_dir() { files(&place, "rs") } else { vec![place] };
        for file in files {
            for (n, line) in code(&file) {
                for head in path_heads(&line) {
                    let counts = match &head {
                        Head::Room(_) => head != itself,
                        Head::Crate(name) => crates.contains(name),
                    };
                    if counts && !allowed.contains(&head) {
                        faults.push(format!("{}:{n}: may not use {head:?}", shown(&file)));
                    }
                    used.insert(head);
                }
            }
        }
        for unused in allowed.difference(&used) {
            faults.push(format!("tests/tidy.rs: {} may use {unused:?}, and does not", room.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_path_is_told_by_its_head() {
    let room = |name: &str| Head::Room(name.to_owned());
    let of = |line: &str| path_heads(line);
    assert_eq!(of("use crate::domain::{ChannelId, UserId};"), [room("domain")]);
    assert_eq!(of("use crate::{config, store::open, Oddity};"), [room("config"), room("store")]);
    assert_eq!(of("    secondlook::cli::main()"), [room("cli")]);
    assert_eq!(of("let x: jiff::Timestamp = a.b();"), [Head::Crate("jiff".to_owned())]);
}

#[test]
fn every_room_of_the_house_is_named_here() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for line in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")) {
        let name = line.trim_end_matches(';');
        let known = ROOMS.iter().any(|room| room.name.trim_end_matches(".rs") == name);
        assert!(known, "src/lib.rs names the room {name}, and no rule here says what it may use");
    }
}

#[test]
fn the_domain_neither_waits_nor_reads_the_world() {
    let forbidden = [
        "async fn",
        ".await",
        "std::fs",
        "std::env",
        "std::net",
        "std::thread",
        "::now()",
        "println!",
    ];
    let mut faults = Vec::new();
    for file in files(&root().join("src/domain"), "rs") {
        for (n, line) in code(&file) {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{n}: {word}", shown(&file)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A reason that stands in a document nobody here can read is none.
#[test]
fn every_document_that_is_named_is_here() {
    let document = regex::Regex::new(r"\b[A-Z]{4,}\.md\b").unwrap();
    let mut named = Vec::new();
    for place in ["src", "tests", "benches", "docs", "migrations", "deploy"] {
        for ending in ["rs", "md", "toml", "sql", "json"] {
            named.extend(files(&root().join(place), ending));
        }
    }
    named.extend([".env.example", "README.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut faults = Vec::new();
    for file in named {
        let text = fs::read_to_string(&file).unwrap();
        for (n, line) in text.lines().enumerate() {
            for name in document.find_iter(line).map(|name| name.as_str()) {
                if !["", "docs"].iter().any(|folder| root().join(folder).join(name).exists()) {
                    faults.push(format!("{}:{}: there is no {name} here", shown(&file), n + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_keeps_to_one_subject() {
    let mut faults = Vec::new();
    let all =
        ["src", "tests", "benches"].iter().map(|dir| root().join(dir)).filter(|dir| dir.is_dir());
    for file in all.flat_map(|dir| files(&dir, "rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if !text.starts_with("//! ") {
            faults.push(format!("{}:1: does not begin with a //! sentence", shown(&file)));
        }
        if text.lines().count() > FILE_LINES_MAX {
            faults.push(format!(
                "{}: longer than {FILE_LINES_MAX} lines: has it still one subject?",
                shown(&file)
            ));
        }
        if ["utils", "util", "helpers", "common", "misc", "manager", "service"]
            .contains(&name.as_str())
        {
            faults.push(format!("{}: a name that says nothing", shown(&file)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_example_environment_shows_every_variable_and_no_other() {
    let text = fs::read_to_string(root().join(".env.example")).unwrap();
    let name = regex::Regex::new(r"(?m)^#?([A-Z][A-Z_]+)=").unwrap();
    let shown: BTreeSet<&str> =
        name.captures_iter(&text).map(|c| c.get(1).unwrap().as_str()).collect();
    let read: BTreeSet<&str> = secondlook::config::VARIABLES.into_iter().collect();
    assert_eq!(shown, read);
    let config: String = files(&root().join("src/config"), "rs")
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    for variable in &read {
        assert!(
            config.matches(&format!("\"{variable}\"")).count() >= 2,
            "config names {variable} and does not read it"
        );
    }
}

#[test]
fn every_phrase_is_used_and_every_used_phrase_exists() {
    let wording: toml::Table =
        fs::read_to_string(root().join("src/domain/wording/en.toml")).unwrap().parse().unwrap();
    let phrases: BTreeSet<&str> =
        wording["phrases"].as_table().unwrap().keys().map(String::as_str).collect();
    let mut code = String::new();
    let speaking = |file: &PathBuf| {
        ["domain", "app", "slack"]
            .iter()
            .any(|room| file.starts_with(root().join("src").join(room)))
            || file.ends_with("cli/diagnose.rs")
    };
    for file in files(&root().join("src"), "rs").into_iter().filter(speaking) {
        code.push_str(&fs::read_to_string(&file).unwrap());
    }
    // Families whose last part is a value of an enum or a field.
    let families = ["kind_", "outcome_", "field_", "mode_"];
    let unused: Vec<_> = phrases
        .iter()
        .filter(|p| {
            !code.contains(&format!("\"{p}\"")) && !families.iter().any(|f| p.starts_with(f))
        })
        .collect();
    assert!(unused.is_empty(), "phrases nobody says: {unused:?}");
    let said =
        regex::Regex::new(r#"(?:line|words|private|phrase|wrong)\(\s*(?:[^"()]*,\s*)?"([a-z_]+)""#)
            .unwrap();
    for call in said.captures_iter(&code) {
        let name = &call[1];
        let known =
            phrases.contains(name) || ["en", "outcome", "title", "evidence"].contains(&name);
        assert!(known, "the code says the phrase \"{name}\", and no file has it");
    }
}

#[test]
fn one_tls_stack_and_no_openssl() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for unwanted in ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{unwanted}\"")), "{unwanted} entered Cargo.lock");
    }
    for once in ["rustls", "axum", "reqwest", "hyper", "sqlx", "tokio"] {
        assert_eq!(lock.matches(&format!("name = \"{once}\"\n")).count(), 1, "one {once} only");
    }
}
