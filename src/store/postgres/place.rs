//! Where a store on a server is: what its URL names, whether it can be reached, and whether it can hold a store.

use std::net::IpAddr;
use std::str::FromStr as _;

use anyhow::{Context as _, anyhow, bail};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{Connection as _, PgConnection};

use super::PATIENCE;

/// How a bot's connections name themselves, for whoever looks at the server.
const BOT: &str = "secondlook";
/// The oldest server this is known to work with, as `server_version_num` has it.
const SERVER_MIN: i32 = 13_00_00;
/// What may stand behind the `?` of the URL. Anything else is a slip, and could be a password in the wrong place.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// How to connect to what a URL names.
pub(super) fn options(url: &str) -> anyhow::Result<PgConnectOptions> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let named: Vec<&str> =
        parameters.split('&').filter_map(|pair| pair.split('=').next()).collect();
    if let Some(unknown) = named
        .iter()
        .find(|name| !name.is_empty() && !PARAMETERS.contains(name) && !name.starts_with("options"))
    {
        bail!(
            "DATABASE_URL has the unknown setting {unknown:?}; known are {}",
            PARAMETERS.join(", ")
        );
    }
    let mut options = PgConnectOptions::from_str(url)
        // The reason could repeat a part of the URL, and that a password.
        .map_err(|_| {
            anyhow!("DATABASE_URL is no PostgreSQL URL: write postgres://user:password@server/database, with %40 for an @ in the password")
        })?;
    if !named.contains(&"application_name") {
        options = options.application_name(BOT);
    }
    if !named.contains(&"sslmode") && !is_here(&options) {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    Ok(options)
}

/// Whether the server is on this machine, so that nobody can listen on the way.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host == "localhost"
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The database in words, without its password.
pub(super) fn shown(options: &PgConnectOptions) -> String {
    let server = options.get_socket().map_or_else(
        || format!("{}:{}", options.get_host(), options.get_port()),
        |socket| socket.display().to_string(),
    );
    let name = options.get_database().unwrap_or(options.get_username());
    format!("the database “{name}” on {server}")
}

/// Connects once, outside the pool, which would hide why it can't.
pub(super) async fn reach(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let connected = tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await;
    let mut conn = match connected {
        Ok(Ok(conn)) => conn,
        Ok(Err(error)) => {
            let why = unreachable(&error, options);
            return Err(anyhow::Error::new(error).context(why));
        }
        Err(_) => bail!(
            "could not reach {}: no answer within {} s; check the address and the firewall",
            shown(options),
            PATIENCE.as_secs()
        ),
    };
    suits(&mut conn).await.with_context(|| format!("can't use {}", shown(options)))?;
    Ok(conn)
}

/// Why it could not connect, and what to do.
fn unreachable(error: &sqlx::Error, options: &PgConnectOptions) -> String {
    let place = shown(options);
    let code = match error {
        sqlx::Error::Database(error) => error.code().unwrap_or_default().into_owned(),
        sqlx::Error::Io(error)
            if error.kind() == std::io::ErrorKind::NotFound && options.get_socket().is_none() =>
        {
            return format!(
                "could not speak TLS with {place}: a file that DATABASE_URL names is not there (sslrootcert, sslcert or sslkey)"
            );
        }
        sqlx::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            return format!(
                "could not reach {place}: is it running, and does DATABASE_URL name the right server and port?"
            );
        }
        // A certificate that can't be trusted comes as "invalid data".
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            return format!(
                "could not speak TLS with {place}: name its certificate authority (sslrootcert=<file>), or, in a network you trust, add sslmode=require or sslmode=disable to DATABASE_URL"
            );
        }
        _ => String::new(),
    };
    match code.as_str() {
        "28P01" => format!(
            "{place} does not let “{}” in: check the user and the password in DATABASE_URL",
            options.get_username()
        ),
        "28000" => format!(
            "{place} does not let “{}” in: check the user in DATABASE_URL, and what the server's pg_hba.conf asks for (TLS, perhaps: sslmode=require)",
            options.get_username()
        ),
        "3D000" => format!("there is no {}: create it (createdb -E UTF8)", &place[4..]),
        "42501" => format!("“{}” may not connect to {place}", options.get_username()),
        "53300" => format!("{place} has no connection left: raise its max_connections"),
        "57P03" => format!("{place} is starting or stopping: try again in a moment"),
        _ => format!("could not connect to {place}"),
    }
}

/// Whether it can hold the store.
async fn suits(conn: &mut PgConnection) -> anyhow::Result<()> {
    let (version, encoding, read_only): (i32, String, bool) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_setting('server_encoding'),
             pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'",
    )
    .fetch_one(conn)
    .await
    .context("could not ask it for its version")?;
    judge(version, &encoding, read_only)
}

fn judge(version: i32, encoding: &str, read_only: bool) -> anyhow::Result<()> {
    if version < SERVER_MIN {
        bail!(
            "it is PostgreSQL {}; this needs {} or newer",
            version / 1_00_00,
            SERVER_MIN / 1_00_00
        );
    }
    if encoding != "UTF8" {
        bail!("it is encoded as {encoding}: create a database with the encoding UTF8");
    }
    if read_only {
        bail!("it is a read-only replica: let DATABASE_URL name the primary server");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(url: &str) -> String {
        options(url).unwrap_err().to_string()
    }

    #[test]
    fn a_url_that_makes_no_sense_is_refused_and_not_repeated() {
        for url in [
            "postgres://me:hunter2@server:port/db",
            "postgres://me:hun@ter2@[::/db",
            "postgres://me@server/db?port=hunter2",
            "postgres://me@server/db?sslmode=hunter2",
        ] {
            assert!(!fault(url).contains("hunter2"), "{}", fault(url));
        }
        let slip = fault("postgres://me@server/db?sslmode=require&passwort=hunter2");
        assert!(
            slip.contains("unknown setting \"passwort\"") && !slip.contains("hunter2"),
            "{slip}"
        );
    }

    #[test]
    fn a_remote_server_must_prove_who_it_is() {
        let mode = |url| format!("{:?}", options(url).unwrap().get_ssl_mode());
        for url in ["postgres://a:b@db.example.com/x", "postgres://a:b@10.0.0.7/x"] {
            assert_eq!(mode(url), "VerifyFull", "{url}");
        }
        assert_eq!(mode("postgres://a:b@db.example.com/x?sslmode=disable"), "Disable");
        for url in [
            "postgres://a:b@localhost/x",
            "postgres://a:b@127.0.0.1/x",
            "postgres://a:b@[::1]/x",
            "postgres:///x?host=/run/postgresql",
        ] {
            assert_eq!(mode(url), "Prefer", "{url}");
        }
    }

    #[test]
    fn an_unsuitable_server_is_refused() {
        assert!(judge(15_00_18, "UTF8", false).is_ok());
        for (version, encoding, read_only, says) in [
            (12_00_22, "UTF8", false, "it is PostgreSQL 12; this needs 13 or newer"),
            (15_00_18, "SQL_ASCII", false, "encoded as SQL_ASCII"),
            (15_00_18, "UTF8", true, "read-only replica"),
        ] {
            let why = judge(version, encoding, read_only).unwrap_err().to_string();
            assert!(why.contains(says), "{why}");
        }
    }
}
