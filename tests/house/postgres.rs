//! A PostgreSQL server of the tests' own: on a socket in a temporary directory, started when it is first needed, and gone
//! with the process that started it, however that ends. One that is asked to listens on a port besides, for TLS only.
#![allow(dead_code, reason = "each test binary uses its part of the house")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Makes the server, then does what it is told line by line; when nobody is left to tell it anything, it ends the server
/// and takes the directory away. "guarded" is the one user who needs a password.
const KEEPER: &str = r#"
bin=$1 fsync=$2 port=$3 dir=$PWD
server() { "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -s -w "$@" >>"$dir/log" 2>&1; }
start() { server start -o "-k '$dir' -p $port $tls -c fsync=$fsync -c max_connections=500 -c shared_buffers=64MB"; }
key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" "${@:2}"; }
certify() {
    key authority -x509 -days 2 -out authority.crt && key stranger -x509 -days 2 -out stranger.crt &&
        key localhost -out request && echo subjectAltName=DNS:localhost >names &&
        openssl x509 -req -in request -CA authority.crt -CAkey authority.key -days 2 -extfile names -out localhost.crt &&
        echo 'hostssl all all 127.0.0.1/32 scram-sha-256' >data/pg_hba.conf &&
        echo 'local all all trust' >>data/pg_hba.conf
}
tls="-c listen_addresses=''"
trap 'server stop -m immediate; rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C -N >"$dir/log" 2>&1 &&
    sed -i.old '1i local all guarded scram-sha-256' "$dir/data/pg_hba.conf" &&
    case $port in
    5432) ;;
    *)  tls="-c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file=$dir/localhost.crt -c ssl_key_file=$dir/localhost.key"
        certify >>"$dir/log" 2>&1 ;;
    esac &&
    start || { tail -5 "$dir/log"; exit; }
echo ready
while read -r what; do
    case $what in
    stop) server stop -m immediate ;;
    start) start ;;
    esac
    echo ready
done
"#;

/// The port that names the socket of a server which listens nowhere else.
const SOCKET_ONLY: u16 = 5432;

/// A running server.
pub struct Server {
    dir: PathBuf,
    port: u16,
    keeper: Mutex<Keeper>,
    _process: Child,
}

struct Keeper {
    tell: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Server {
    /// Makes and starts a server; panics with what to install when PostgreSQL is absent.
    pub fn start() -> Self {
        Self::start_with("off", SOCKET_ONLY)
    }

    /// The same, and besides it listens on a port, where it speaks TLS with who knows a password and nothing else. Its
    /// certificate is for `localhost`, by `authority.crt`; `stranger.crt` is of another authority.
    pub fn with_tls() -> Self {
        // The port is free until somebody else is given it just now.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self::start_with("off", free.port())
    }

    /// The same, and it waits for the disk, as one must that is not for tests.
    pub fn durable() -> Self {
        Self::start_with("on", SOCKET_ONLY)
    }

    fn start_with(fsync: &str, port: u16) -> Self {
        let bin = programs().expect(
            "PostgreSQL is needed to test the store on it: apt-get install postgresql (tests/run does)",
        );
        let dir = tempfile::Builder::new().prefix("secondlook-pg").tempdir().unwrap().keep();
        let mut keeper = Command::new("bash");
        keeper
            .args(["-c", KEEPER, "bash"])
            .arg(bin)
            .arg(fsync)
            .arg(port.to_string())
            .current_dir(&dir);
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C ends us, and that ends the server in peace.
        keeper.process_group(0);
        // PostgreSQL refuses to run as root.
        if std::fs::metadata(&dir).unwrap().uid() == 0 {
            let (uid, gid) = nobody();
            chown(&dir, Some(uid), Some(gid)).unwrap();
            keeper.uid(uid).gid(gid);
        }
        let mut process = keeper.spawn().unwrap();
        let tell = process.stdin.take().unwrap();
        let hear = BufReader::new(process.stdout.take().unwrap());
        let server =
            Self { dir, port, keeper: Mutex::new(Keeper { tell, hear }), _process: process };
        server.await_ready(&mut server.keeper.lock().unwrap());
        server
    }

    /// Ends the server as a power cut would.
    pub fn pull_the_plug(&self) {
        self.tell("stop");
    }

    /// Starts it again.
    pub fn plug_in(&self) {
        self.tell("start");
    }

    fn tell(&self, what: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        writeln!(keeper.tell, "{what}").unwrap();
        self.await_ready(&mut keeper);
    }

    #[expect(clippy::unused_self, reason = "whoever waits has a server")]
    fn await_ready(&self, keeper: &mut Keeper) {
        let mut said = String::new();
        keeper.hear.read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "the PostgreSQL server did not start");
    }

    /// The URL of a database on this server.
    pub fn url(&self, user: &str, database: &str) -> String {
        let Self { dir, port, .. } = self;
        format!("postgres://{user}@localhost:{port}/{database}?host={}", dir.display())
    }

    /// The URL of its database over the port.
    pub fn url_over_tls(&self, user: &str, host: &str, how: &str) -> String {
        format!("postgres://{user}@{host}:{}/postgres?{how}", self.port)
    }

    /// A file in its directory.
    pub fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// A new, empty database; returns its URL.
    pub async fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("store_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("create database {name} template template0")).await;
        self.url("postgres", &name)
    }

    /// Runs a statement as the administrator.
    pub async fn run(&self, sql: &str) {
        run(&self.url("postgres", "postgres"), sql).await;
    }
}

/// Runs a statement past the store.
pub async fn run(url: &str, sql: &str) {
    let mut conn = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// The server of this process.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// Where the newest installed PostgreSQL has its programs. Debian keeps them out of the `PATH`.
fn programs() -> Option<PathBuf> {
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    debian.sort();
    let elsewhere = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/local/pgsql/bin", "/usr/bin"];
    let newest_first = debian.into_iter().rev().map(|(_, bin)| bin);
    newest_first
        .chain(elsewhere.map(PathBuf::from))
        .find(|bin| ["initdb", "pg_ctl"].iter().all(|program| bin.join(program).is_file()))
}

/// An account without rights: Debian's `postgres`, or `nobody`.
fn nobody() -> (u32, u32) {
    let accounts = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    let ids = |name: &str| {
        let line = accounts.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).expect("an account without rights")
}
