//! Backup and restore by the real program: of a store in use, killed in the middle, and of files that are none.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tempfile::TempDir;

/// A store with this many rows of history, closed again.
async fn store(rows: i64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let url = url(dir.path(), "store.db");
    drop(secondlook::store::open(&url).await.unwrap());
    let mut conn = connect(dir.path(), "store.db").await;
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)
        insert into history select 'T1', i, 1, i, null, 'closed', 0, 'averted' from n";
    sqlx::query(fill).bind(rows).execute(&mut conn).await.unwrap();
    let job = "insert into job (workspace_id, job_key, kind, payload, run_at) values ('T1', 'digest:2026-W47', 'digest', '{}', 1)";
    sqlx::query(job).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    dir
}

fn url(dir: &Path, name: &str) -> String {
    format!("sqlite://{}", dir.join(name).display())
}

async fn connect(dir: &Path, name: &str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.join(name)).create_if_missing(true);
    options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap()
}

fn secondlook(dir: &Path, arguments: [&str; 2], store: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command.args(arguments).current_dir(dir).env_clear().env("DATABASE_URL", store);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &Path, arguments: [&str; 2], store: &str) -> Output {
    secondlook(dir, arguments, store).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

async fn number(conn: &mut SqliteConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

const HISTORY: &str = "select count(*) + coalesce(sum(changed_at), 0) from history";

#[tokio::test]
async fn a_store_comes_back_whole_while_somebody_writes() {
    let dir = store(1000).await;
    let dir = dir.path();
    let live = url(dir, "store.db");
    let mut writer = connect(dir, "store.db").await;
    let mut half = writer.begin_with("begin immediate").await.unwrap();
    sqlx::query("delete from history").execute(&mut *half).await.unwrap();
    let backed_up = run(dir, ["backup", "copy.db"], &live);
    assert!(backed_up.status.success(), "{}", said(&backed_up));
    assert!(said(&backed_up).contains("1000  history"), "{}", said(&backed_up));
    half.rollback().await.unwrap();
    let restored = run(dir, ["restore", "copy.db"], &url(dir, "again.db"));
    assert!(restored.status.success(), "{}", said(&restored));
    let mut again = connect(dir, "again.db").await;
    assert_eq!(number(&mut again, HISTORY).await, number(&mut writer, HISTORY).await);
    // What was due may have been done since: it is looked up before it is repeated.
    assert_eq!(number(&mut again, "select count(*) from job where uncertain = 1").await, 1);
    drop(secondlook::store::open(&url(dir, "again.db")).await.unwrap());
}

#[tokio::test]
async fn a_log_left_beside_the_name_is_never_played_into_the_copy() {
    let dir = store(1).await;
    let dir = dir.path();
    let live = url(dir, "store.db");
    assert!(run(dir, ["backup", "copy.db"], &live).status.success());
    for end in ["-wal", "-shm", "-journal"] {
        for (arguments, name) in [(["restore", "copy.db"], "new.db"), (["backup", "b.db"], "b.db")]
        {
            let left = dir.join(format!("{name}{end}"));
            std::fs::write(&left, "of another store").unwrap();
            let store = if name == "b.db" { live.clone() } else { url(dir, name) };
            let refused = run(dir, arguments, &store);
            assert_eq!(refused.status.code(), Some(1), "{left:?}: {}", said(&refused));
            assert!(said(&refused).contains(&format!("{name}{end}")), "{}", said(&refused));
            assert!(!dir.join(name).exists(), "{left:?}");
            std::fs::remove_file(&left).unwrap();
        }
    }
    // A log that a killed backup left beside its unfinished copy is not played into the next one.
    std::fs::write(dir.join("b.db.partial-journal"), "half").unwrap();
    std::fs::write(dir.join("b.db.partial-wal"), "half").unwrap();
    assert!(run(dir, ["backup", "b.db"], &live).status.success());
    assert!(!dir.join("b.db.partial-wal").exists() && !dir.join("b.db.partial-journal").exists());
}

#[tokio::test]
async fn a_store_is_not_restored_under_a_running_bot() {
    let dir = store(1).await;
    let dir = dir.path();
    assert!(run(dir, ["backup", "copy.db"], &url(dir, "store.db")).status.success());
    let bot = secondlook::store::open(&url(dir, "store.db")).await.unwrap();
    for end in ["", "-wal", "-shm"] {
        std::fs::remove_file(dir.join(format!("store.db{end}"))).ok();
    }
    let refused = run(dir, ["restore", "copy.db"], &url(dir, "store.db"));
    assert!(said(&refused).contains("a bot uses it: stop it first"), "{}", said(&refused));
    assert!(!dir.join("store.db").exists());
    drop(bot);
    assert!(run(dir, ["restore", "copy.db"], &url(dir, "store.db")).status.success());
}

#[tokio::test]
async fn asking_for_a_digest_makes_and_changes_no_store() {
    let empty = tempfile::tempdir().unwrap();
    let refused = run(empty.path(), ["digest", "--dry-run"], &url(empty.path(), "store.db"));
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("there is no database yet"), "{}", said(&refused));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);

    let dir = store(1).await;
    let mut conn = connect(dir.path(), "store.db").await;
    sqlx::query("delete from _sqlx_migrations").execute(&mut conn).await.unwrap();
    let older = run(dir.path(), ["digest", "--dry-run"], &url(dir.path(), "store.db"));
    for words in ["its schema is at 0", "secondlook migrate"] {
        assert!(said(&older).contains(words), "{}", said(&older));
    }
    assert_eq!(number(&mut conn, "select count(*) from _sqlx_migrations").await, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = store(1).await;
    let dir = dir.path();
    assert!(run(dir, ["backup", "copy.db"], &url(dir, "store.db")).status.success());
    let mode = std::fs::metadata(dir.join("copy.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// The files of the store, by their rights.
#[cfg(unix)]
fn rights(dir: &Path, name: &str) -> Vec<(String, u32)> {
    use std::os::unix::fs::PermissionsExt as _;
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut rights: Vec<(String, u32)> = files
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode();
            (file.file_name().into_string().unwrap(), mode & 0o777)
        })
        .filter(|(file, _)| file.starts_with(name))
        .collect();
    rights.sort();
    rights
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_of_a_store_are_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let set = |name: &str, mode| {
        let rights = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(dir.join(name), rights).unwrap();
    };
    let all = |mode| {
        ["store.db", "store.db-lock", "store.db-shm", "store.db-wal"]
            .map(|name| (name.to_owned(), mode))
    };
    let open = async || {
        let store = secondlook::store::open(&url(dir, "store.db")).await.unwrap();
        store.new_case_number(&"T1".into()).await.unwrap();
        store
    };
    let bot = open().await;
    assert_eq!(rights(dir, "store.db"), all(0o600));
    // An older version left them to the umask, beside a bot that died.
    for (name, _) in all(0o644) {
        set(&name, 0o644);
    }
    let second = open().await;
    assert_eq!(rights(dir, "store.db"), all(0o600));
    drop((bot, second));
    // Nobody gives a group rights by accident and the rest of the world none.
    set("store.db", 0o640);
    drop(open().await);
    assert_eq!(rights(dir, "store.db")[0], ("store.db".to_owned(), 0o640));
}

#[tokio::test]
async fn a_backup_killed_in_the_middle_leaves_no_file_with_its_name() {
    let dir = store(300_000).await;
    let dir = dir.path();
    let live = url(dir, "store.db");
    let (mut whole, mut none) = (0, 0);
    for threshold in [0, 1, 1_000_000, 3_000_000, 6_000_000, 9_000_000] {
        let name = format!("copy-{threshold}.db");
        let partial = dir.join(format!("{name}.partial"));
        let mut child = secondlook(dir, ["backup", &name], &live).spawn().unwrap();
        // Kill it as soon as that much is written; a copy that was faster is whole.
        while child.try_wait().unwrap().is_none() {
            let size = std::fs::metadata(&partial).map(|file| file.len());
            if size.is_ok_and(|bytes| bytes >= threshold) {
                child.kill().unwrap();
            }
            std::thread::yield_now();
        }
        child.wait().unwrap();
        if dir.join(&name).exists() {
            whole += 1;
            let restored =
                run(dir, ["restore", &name], &url(dir, &format!("again-{threshold}.db")));
            assert!(restored.status.success(), "{}", said(&restored));
        } else {
            none += 1;
            let again = run(dir, ["backup", &name], &live);
            assert!(again.status.success(), "{}", said(&again));
            assert!(!partial.exists());
        }
    }
    println!("killed 6 backups: {none} left nothing, {whole} were whole");
    assert!(none > 0, "no backup was killed in the middle");
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_nothing_is_overwritten() {
    let dir = store(10).await;
    let dir = dir.path();
    let live = url(dir, "store.db");
    std::fs::write(dir.join("poem.txt"), "shall I compare thee\n".repeat(300)).unwrap();
    let mut other = connect(dir, "other.db").await;
    sqlx::query("create table t (a)").execute(&mut other).await.unwrap();
    assert!(run(dir, ["backup", "copy.db"], &live).status.success());
    let mut cut = std::fs::read(dir.join("copy.db")).unwrap();
    cut.truncate(cut.len() / 2);
    std::fs::write(dir.join("cut.db"), cut).unwrap();
    let refused = [
        (["backup", "copy.db"], live.as_str(), "never overwritten"),
        (["backup", "b.db"], "sqlite:///nowhere/at/all.db", "no store at /nowhere/at/all.db"),
        (["backup", "/nowhere/b.db"], live.as_str(), "could not write /nowhere/b.db.partial"),
        (["backup", "b.db"], "postgres://me:hunter2@127.0.0.1:1/x", "tools (pg_dump, pg_restore)"),
        (["restore", "copy.db"], "postgres://me:hunter2@127.0.0.1:1/x", "tools (pg_dump,"),
        (["restore", "copy.db"], live.as_str(), "never overwritten"),
        (["restore", "missing.db"], "sqlite://new.db", "there is no file missing.db"),
        (["restore", "poem.txt"], "sqlite://new.db", "poem.txt"),
        (["restore", "other.db"], "sqlite://new.db", "no store of Second Look"),
        (["restore", "cut.db"], "sqlite://new.db", "cut.db"),
    ];
    for (arguments, store, reason) in refused {
        let output = run(dir, arguments, store);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(!dir.join("new.db").exists(), "{arguments:?} left a store");
    }
}
