//! What must go, what must stay. Secrets are put together here so that no scanner takes them for real ones.

use super::*;

/// Letters and digits of a made-up secret.
const BODY: &str = "q7Rw2Ke9Zt4Xb1Nc8Vm5Lp3Hs6Jd0Fg2Ya7";

/// The first `n` characters of a made-up secret.
fn body(n: usize) -> String {
    BODY.chars().cycle().take(n).collect()
}

/// Text with `SECRET` where the secret stands, the secret, and the marker expected.
#[track_caller]
fn gone(text: &str, secret: &str, name: &str) {
    let posted = text.replace("SECRET", secret);
    let redacted = redact(&EMBEDDED, &posted);
    let expected = text.replace("SECRET", &format!("[redacted: {name}]"));
    assert_eq!(redacted.text, expected, "of {posted:?}");
    assert_eq!(redacted.count, text.matches("SECRET").count(), "count in {posted:?}");
    let again = redact(&EMBEDDED, &redacted.text);
    assert_eq!((again.count, again.text), (0, redacted.text), "redacted twice");
}

#[test]
fn tokens_with_a_form_go() {
    let upper = body(16).to_uppercase();
    let hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    for (secret, name) in [
        (format!("AK{}{upper}", "IA"), "aws key"),
        (format!("AS{}{upper}", "IA"), "aws key"),
        (format!("gh{}_{}", "p", body(36)), "github token"),
        (format!("gh{}_{}", "s", body(36)), "github token"),
        (format!("github_{}_{}", "pat", body(40)), "github token"),
        (format!("gl{}-{}", "pat", body(20)), "gitlab token"),
        (format!("xo{}-123456789012-{}", "xb", body(24)), "slack token"),
        (format!("xa{}-1-A0000000000-12345-{hex}", "pp"), "slack token"),
        (format!("sk_{}_{}", "live", body(24)), "stripe key"),
        (format!("rk_{}_{}", "test", body(24)), "stripe key"),
        (format!("wh{}_{}", "sec", body(32)), "stripe key"),
        (format!("np{}_{}", "m", body(36)), "npm token"),
        (format!("py{}-{}", "pi", body(60)), "pypi token"),
        (format!("AI{}{}", "za", body(35)), "google key"),
        (format!("GOC{}-{}", "SPX", body(28)), "google key"),
        (format!("S{}.{}.{}", "G", body(22), body(43)), "sendgrid key"),
        (format!("S{}{hex}", "K"), "twilio key"),
        (format!("hv{}.{}", "s", body(40)), "vault token"),
        (format!("eyJ{}.eyJ{}.{}", body(20), body(30), body(43)), "jwt"),
        (format!("s{}-proj-{}", "k", body(40)), "api key"),
        (format!("h{}_{}", "f", body(34)), "api key"),
        (format!("dop_{}_{hex}{hex}", "v1"), "api key"),
        (format!("shp{}_{hex}", "at"), "api key"),
        (format!("gl{}_{}", "sa", body(32)), "api key"),
        (format!("lin_{}_{}", "api", body(40)), "api key"),
        (format!("dckr_{}_{}", "pat", body(27)), "api key"),
    ] {
        gone("it was SECRET yesterday", &secret, name);
    }
}

#[test]
fn secrets_known_by_their_place_go() {
    let word = body(20);
    for (text, name) in [
        ("postgres://shop:SECRET@db-1.shop.test:5432/shop", "password"),
        ("redis://:SECRET@cache.shop.test:6379/0", "password"),
        ("amqp://mq:SECRET@mq.shop.test/%2Fprod closed", "password"),
        ("curl -u metrics:SECRET https://lb.shop.test/stats", "password"),
        ("mysql -h db -u root -pSECRET -e 'show processlist'", "password"),
        ("sshpass -p SECRET ssh db", "password"),
        ("tool --password SECRET --verbose", "password"),
        ("tool --api-key=SECRET --verbose", "password"),
        ("PGPASSWORD=SECRET psql", "password"),
        ("{\"user\": \"kim\", \"password\": \"SECRET\"}", "password"),
        ("user=kim password=SECRET tls=true", "password"),
        ("the password is SECRET by the way", "password"),
        ("CREATE USER kim WITH PASSWORD 'SECRET';", "password"),
        ("ALTER USER kim IDENTIFIED BY 'SECRET';", "password"),
        ("DD_API_KEY=SECRET agent run", "api key"),
        ("client_secret: SECRET", "api key"),
        ("x-api-key: SECRET", "api key"),
        ("PRIVATE-TOKEN: SECRET", "api key"),
        ("{\"accessToken\":\"SECRET\"}", "api key"),
        ("https://shop.test/cb?access_token=SECRET&x=1", "api key"),
        ("{\"auths\":{\"r.shop.test\":{\"auth\":\"SECRET\"}}}", "api key"),
        ("> Authorization: Bearer SECRET", "authorization"),
        ("-H 'Authorization: token SECRET'", "authorization"),
        ("< set-cookie: session=SECRET; Path=/; HttpOnly", "cookie"),
        ("DefaultEndpointsProtocol=https;AccountKey=SECRET;x=y", "azure key"),
        ("https://hooks.slack.com/services/SECRET", "slack webhook"),
        ("https://s3.shop.test/a?X-Amz-Signature=SECRET", "signature"),
    ] {
        gone(text, &word, name);
    }
    gone("> Cookie: SECRET", &format!("sid={word}; theme=dark"), "cookie");
}

#[test]
fn private_keys_go_whole_or_cut() {
    let lines = format!("{}\n{}\n{}", body(64), body(64), body(20));
    let (begin, end) = (
        format!("-----BEGIN RSA {} KEY-----", "PRIVATE"),
        format!("-----END RSA {} KEY-----", "PRIVATE"),
    );
    gone("key:\nSECRET\nwhy is it refused?", &format!("{begin}\n{lines}\n{end}"), "private key");
    gone("key:\nSECRET\n(end of file)", &format!("{begin}\n{lines}"), "private key");
    let escaped = lines.replace('\n', "\\n");
    gone("{\"key\":\"SECRET\"}", &format!("{begin}\\n{escaped}\\n{end}"), "private key");
}

#[test]
fn people_go() {
    for address in ["kim.lee@shop.test", "kim+news@mail.shop.co.uk", "k_l@xn--bcher-kva.test"] {
        gone("WARN declined customer=SECRET code=7", address, "e-mail");
        gone("Key (email)=(SECRET) already exists.", address, "e-mail");
    }
    gone("ask SECRET please", "<mailto:kim@shop.test|kim@shop.test>", "e-mail");
    gone("paid with SECRET twice", "4111 1111 1111 1111", "card number");
    gone("VALUES (7, 'SECRET', 12)", "378282246310005", "card number");
    gone("paid with SECRET twice", "5555-5555-5555-4444", "card number");
    gone("sms to SECRET failed", "+49 171 5550143", "telephone");
    gone("sms to=SECRET failed", "+4915155501437", "telephone");
    gone("refund to SECRET please", "DE89 3704 0044 0532 0130 00", "account number");
    gone("< X-Forwarded-For: SECRET", "198.51.100.7, 10.0.0.3", "client address");
}

#[test]
fn hidden_characters_do_not_hide_a_secret() {
    let token = format!("gh{}_{}\u{200b}{}", "p", body(18), body(18));
    gone("it was SECRET yesterday", &token, "github token");
}

const KEPT: [&str; 62] = [
    "first bad commit is 3f786850e387550fdab836ed7e6dc881de23001b",
    "request id 7c9e6679-7425-40de-944b-e07fc1f90ae7 ended with 504",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "x-b3-traceid: 80f198ee56343ba864fe8b2a57d3eff7",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  shop.tar.gz",
    "image shop/api@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "integrity sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8KuxyuVVoYmZl8WVUq2d9eQ1t7rZ8Qd0aB",
    "api-7d9f8c6b5d-x2x9q 0/1 CrashLoopBackOff 17 64m",
    "i-0123456789abcdef0 is unhealthy in subnet-0a1b2c3d4e5f60718",
    "upstream 10.42.7.119:8080, client 198.51.100.7",
    "::1, fe80::1%eth0 and 2001:db8::7334 answer",
    "db-1.prod.shop.test:5432 refused the connection",
    "netmask 255.255.255.0 broadcast 10.0.0.255",
    "chart 4.11.3.2 -> 4.10.1.0",
    "export SLACK_BOT_TOKEN=xoxb-your-token-here",
    "export OPENAI_API_KEY=YOUR_API_KEY",
    "password=changeme",
    "password: ********",
    "password=$DB_PASSWORD",
    "password: ${{ secrets.DB_PASSWORD }}",
    "password = os.environ[\"DB_PASSWORD\"]",
    "DB_PASSWORD={{ vault_db_password }}",
    "AWS_SECRET_ACCESS_KEY: ***",
    "--password <your-password>",
    "Access denied for user 'shop'@'10.0.0.3' (using password: YES)",
    "Unexpected token < in JSON at position 0",
    "the token expired an hour ago",
    "error=\"invalid_token\"",
    "max_tokens=4096 tokens: 1523",
    "secret/shop-tls not found",
    "the secret: keep it simple",
    "secretName: shop-tls",
    "password authentication failed for user \"shop\"",
    "passwd: files systemd",
    "auth: basic",
    "Authorization: required",
    "www-authenticate: Bearer realm=\"shop\"",
    "the cookie: chocolate chip",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHYu1OZ3X4J8RTKmhe84jEXHcT4BtiR deploy",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----",
    "SHA256:EfjSlaaGSv8K5TRjRtikKuTQOX8yBJ+TFUB4eXrDLVE",
    "shop.test. 300 IN TXT \"v=spf1 include:_spf.shop.test ~all\"",
    "offset 5990461860069896 lag 88123",
    "1763625600123 gc pause 1812 ms",
    "thread C024BE91L/p1763625600123456 by U061F7AUR",
    "0x0000:  4500 003c 1c46 4000 4006 b1e6 ac10 0a63",
    "LSN 16/B374D848, wal 000000010000001600000076",
    "/nix/store/1n3w5x7y9z0a2b4c6d8f0g1h2i3j4k5l-postgresql-16.4/bin/postgres",
    "ssh deploy@web-2.shop.test",
    "git clone git@github.com:shop/api.git",
    "package @shop/ui@4.2.1 requires react@^18.2.0",
    "Message-ID: <20260304101500.ABC@mail.shop.test>",
    "error 30008-5550 at 2026-11-20 10:15:00, ticket OPS-1715550",
    "took +1200 ms more than before",
    "Date: Wed, 04 Mar 2026 10:15:00 +0100",
    "https://grafana.shop.test/d/a8fJk2Lmz/api?from=1763625600000&to=1763629200000",
    "postgres://db-1.shop.test:5432/shop?sslmode=require",
    "http://localhost:8080/health",
    "order 4111 1111 1111 1112 is not a card",
    "[redacted: aws key] and [redacted: e-mail] stay",
];

#[test]
fn look_alikes_stay() {
    for text in KEPT {
        let redacted = redact(&EMBEDDED, text);
        assert_eq!((redacted.count, redacted.text.as_str()), (0, text));
    }
}

#[test]
fn a_reading_shows_no_secret() {
    let password = body(16);
    let text = format!("2026-03-04 10:00:00 ERROR too many connections to postgres://shop:{password}@db/shop for kim@shop.test\n").repeat(2);
    let reading = found(&text, EvidenceKind::Log).reading.expect("a decisive fact");
    for shown in [&reading.says, &reading.line] {
        assert!(!shown.contains(&password) && !shown.contains("kim@"), "{shown}");
    }
    assert_eq!(reading.says, "too many connections");
}
