//! What is read of the environment, and every fault at once.

use secrecy::ExposeSecret as _;

use super::*;
use crate::domain::digest::Channels;

fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    Config::from_variables(&get)
}

#[test]
fn two_tokens_are_enough() {
    let config = config(&[("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", " xapp-1 ")]).unwrap();
    assert!(config.bot_token.is_some() && config.oauth.is_none());
    assert_eq!(config.app_token.unwrap().expose_secret(), "xapp-1");
    assert_eq!(config.api_url, "https://slack.com/api");
    assert_eq!(config.bind_addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.quiet_hours, None);
    assert!(config.incidents.matches("inc-1"));
    assert_eq!(config.digest, Plan::default());
    assert_eq!(config.cases_kept, None);
}

#[test]
fn cases_are_kept_for_whole_days_and_at_least_ninety() {
    let kept = |value: &str| {
        let set = [
            ("SLACK_BOT_TOKEN", "xoxb-1"),
            ("SLACK_APP_TOKEN", "xapp-1"),
            ("SECONDLOOK_KEEP_CASES", value),
        ];
        config(&set).map(|config| config.cases_kept)
    };
    for (value, days) in
        [("90d", Some(90)), (" 730d ", Some(730)), ("36500d", Some(36_500)), ("", None)]
    {
        let expected = days.map(|days| SignedDuration::from_hours(24 * days));
        assert_eq!(kept(value).unwrap(), expected, "{value:?}");
    }
    for value in ["for ever", "730", "2y", "17520h", "-90d", "+90d", "90.5d", "d", "99999999999d"] {
        let fault = kept(value).unwrap_err().to_string();
        assert!(
            fault.contains(&format!(
                "SECONDLOOK_KEEP_CASES is \"{value}\": give a number of days such as 730d"
            )),
            "{fault}"
        );
    }
    for value in ["0d", "89d", "36501d"] {
        let fault = kept(value).unwrap_err().to_string();
        assert!(
            fault.contains("between 90d, because a case may be talked about for so long"),
            "{fault}"
        );
    }
}

#[test]
fn a_card_that_would_come_too_late_is_a_fault() {
    let with = |period: &str, hours: &str| {
        config(&[
            ("SLACK_BOT_TOKEN", "xoxb-1"),
            ("SLACK_APP_TOKEN", "xapp-1"),
            ("SECONDLOOK_QUIET_PERIOD", period),
            ("SECONDLOOK_QUIET_HOURS", hours),
        ])
    };
    assert!(with("15h 59m", "").is_ok());
    assert!(with("1h 59m", "18:00-08:00").is_ok());
    let fault = |period, hours| with(period, hours).unwrap_err().to_string();
    let alone = fault("16h", "");
    assert!(
        alone.contains("SECONDLOOK_QUIET_PERIOD is 16h: no card is posted")
            && alone.contains("16h ago"),
        "{alone}"
    );
    let both = fault("4h", "18:00-08:00");
    for words in [
        "SECONDLOOK_QUIET_PERIOD is 4h",
        "SECONDLOOK_QUIET_HOURS are 14h long",
        "18h together",
        "shorten",
    ] {
        assert!(both.contains(words), "{words} not in {both}");
    }
    assert!(fault("24h", "").contains("SECONDLOOK_QUIET_PERIOD is \"24h\": between 0s and 16h"));
}

#[test]
fn every_fault_is_reported_at_once_and_no_secret_is_repeated() {
    let error = config(&[
        ("SLACK_BOT_TOKEN", "xapp-swapped-secret"),
        ("SLACK_API_URL", "http://example.com/api"),
        ("DATABASE_URL", "mysql://x"),
        ("BIND_ADDR", "8080"),
        ("SECONDLOOK_QUIET_PERIOD", "soon"),
        ("SECONDLOOK_CHANNEL_CAP", "-1"),
        ("SECONDLOOK_COOLDOWN", "90000h"),
        ("SECONDLOOK_QUIET_HOURS", "at night"),
        ("SECONDLOOK_INCIDENT_PATTERN", "inc-*,sev[0-9-*"),
        ("SECONDLOOK_DIGEST_CHANNEL", "#general"),
        ("SECONDLOOK_DIGEST_AT", "Mon 09:00 Berlin"),
        ("SECONDLOOK_KEEP_CASES", "a year"),
    ])
    .unwrap_err()
    .to_string();
    for name in [
        "13 faults",
        "SLACK_BOT_TOKEN should start with",
        "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET",
        "SLACK_API_URL must be https",
        "DATABASE_URL",
        "BIND_ADDR is \"8080\"",
        "SECONDLOOK_QUIET_PERIOD is \"soon\"",
        "SECONDLOOK_CHANNEL_CAP is \"-1\"",
        "SECONDLOOK_COOLDOWN is \"90000h\"",
        "SECONDLOOK_QUIET_HOURS is \"at night\": give two hours such as 22:00-07:00",
        "SECONDLOOK_INCIDENT_PATTERN is \"inc-*,sev[0-9-*\": “sev[0-9-*” opens a [",
        "SECONDLOOK_DIGEST_CHANNEL is \"#general\": give the channel's id",
        "SECONDLOOK_DIGEST_AT is \"Mon 09:00 Berlin\": Berlin is no time zone",
        "SECONDLOOK_KEEP_CASES is \"a year\": give a number of days",
    ] {
        assert!(error.contains(name), "{name} not in\n{error}");
    }
    assert!(!error.contains("swapped-secret"));
}

#[test]
fn the_digest_has_a_channel_a_day_an_hour_and_a_zone_that_the_quiet_hours_share() {
    let config = config(&[
        ("SLACK_BOT_TOKEN", "xoxb-1"),
        ("SLACK_APP_TOKEN", "xapp-1"),
        ("SECONDLOOK_DIGEST_CHANNEL", "C0GENERAL1"),
        ("SECONDLOOK_DIGEST_AT", "Tue 10:15 Asia/Kolkata"),
        ("SECONDLOOK_QUIET_HOURS", "22:00-07:00"),
    ])
    .unwrap();
    let quiet = QuietHours::parse("22:00-07:00 Asia/Kolkata", &jiff::tz::TimeZone::UTC);
    assert_eq!(config.quiet_hours, quiet.ok());
    let digest = config.digest;
    assert_eq!(digest.channels, Channels::One("C0GENERAL1".into()));
    assert_eq!(digest.schedule, Schedule::parse("Tue 10:15 Asia/Kolkata").unwrap());
}

#[test]
fn plain_http_goes_to_loopback_only() {
    let url = |url| {
        config(&[
            ("SLACK_BOT_TOKEN", "xoxb-1"),
            ("SLACK_SIGNING_SECRET", "s"),
            ("SLACK_API_URL", url),
        ])
    };
    assert_eq!(url("http://127.0.0.1:9/api/").unwrap().api_url, "http://127.0.0.1:9/api");
    assert!(url("http://[::1]:9/api").is_ok());
    assert!(url("http://localhost:9/api").is_ok());
    assert!(url("http://127.0.0.1.evil.com/api").is_err());
    assert!(url("ftp://127.0.0.1/api").is_err());
    assert!(url("https://slack-gov.com/api").is_ok());
}

#[test]
fn secrets_do_not_show_in_debug() {
    let config = config(&[
        ("SLACK_BOT_TOKEN", "xoxb-hidden"),
        ("SLACK_SIGNING_SECRET", "alsohidden"),
        ("DATABASE_URL", "postgres://bot:alsohidden@localhost/secondlook"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hidden"), "{shown}");
}

#[test]
fn slacks_address_and_ours_are_held_to_the_same() {
    for name in ["SLACK_API_URL", "SECONDLOOK_PUBLIC_URL"] {
        for (url, why) in [
            ("http://example.com", "must be https"),
            ("ftp://127.0.0.1", "must be https"),
            ("https://me:pw@example.com", "must have no user"),
            ("https://example.com/?x", "must have no user"),
            ("https://example.com/#x", "must have no user"),
            ("example.com", "is not a URL"),
        ] {
            let read = Partial::from_variables(&|set| (set == name).then(|| url.to_owned()));
            assert!(!read.is_sound(name), "{name}={url}");
            let begin = format!("{name} {why}");
            let named = read.faults.iter().any(|fault| fault.to_string().starts_with(&begin));
            assert!(named, "{begin} not in {:?}", read.faults);
        }
    }
}
