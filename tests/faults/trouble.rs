//! The faults: how each begins, gets worse, and ends.

use std::time::Duration;

use secondlook::playground::{Fault, FaultKind, World};

use super::database::Kind;
use super::house::{JONAS, is_card};
use super::outside::limit_files;
use super::report::Held;
use super::scene::{DIGEST, HEALTHY, SICK, Scene};
use super::{Random, kills};

pub const POST: &str = "chat.postMessage";
pub const TURNED_AWAY: &str = "secondlook_slack_turned_away_total";
const HOUR: i64 = 3600;
/// What is to be tried again within minutes is tried at once: the clock is moved by more.
const MINUTES: i64 = 900;
/// What people propose to leave, in one channel: more than a workspace has places, each a topic of its own.
const VENDORS: [&str; 20] = [
    "SendGrid",
    "Heroku",
    "Netlify",
    "Auth0",
    "Okta",
    "Twilio",
    "Stripe",
    "PayPal",
    "Datadog",
    "Splunk",
    "Sentry",
    "PagerDuty",
    "Jenkins",
    "CircleCI",
    "GitLab",
    "Jira",
    "Zendesk",
    "Intercom",
    "Segment",
    "Mixpanel",
];

macro_rules! troubles {
    ($($trouble:ident: $name:literal,)+) => {
        /// A row of the matrix.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Trouble { $($trouble,)+ }

        impl Trouble {
            pub const ALL: &[Self] = &[$(Self::$trouble,)+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$trouble => $name,)+ }
            }
        }
    };
}

troubles! {
    RateLimited: "429 with Retry-After",
    RateLimitedInOk: "ratelimited in an HTTP 200",
    ServerError: "503",
    ResetBefore: "reset, not posted",
    AnswerLost: "reset, posted",
    Silence: "no answer, not posted",
    AnswerNever: "no answer, posted",
    Overdue: "posted after we gave up",
    Slow: "slow answers",
    Flood: "20 proposals, no answers",
    FilesHang: "20 files that never come",
    Archived: "channel archived",
    Deleted: "channel deleted",
    TokenRevoked: "app removed, installed anew",
    TokenRotated: "token rotated",
    HalfOpen: "half-open sockets",
    TooManySockets: "too_many_websockets",
    SlackDown: "Slack down for an hour",
    DiskFull: "disk full",
    Locked: "database locked",
    Gone: "database gone and back",
    ClockForward: "clock an hour forward",
    ClockMidPost: "clock forward amid a post",
    ClockBack: "clock an hour back",
    ClockQuiet: "clock across the quiet period",
    ClockHttp: "clock wrong, signed HTTP",
    Killed: "SIGKILL at random moments",
}

impl Trouble {
    /// Whether one channel is in trouble, or else why there is no other one to look at.
    pub fn is_one_channels(self, kind: Kind) -> Result<(), &'static str> {
        match self {
            _ if self.stops_the_store(kind) => Err("the store is every channel's"),
            Self::TokenRevoked | Self::TokenRotated => Err("a token is every channel's"),
            Self::HalfOpen | Self::TooManySockets => Err("sockets are every channel's"),
            Self::SlackDown => Err("Slack is every channel's"),
            Self::ClockForward | Self::ClockQuiet | Self::ClockHttp => {
                Err("the clock is every channel's")
            }
            Self::Killed => Err("the process is every channel's"),
            _ => Ok(()),
        }
    }

    /// Whether nothing can be recorded while it lasts. A SQLite file that is moved is still open.
    pub fn stops_the_store(self, kind: Kind) -> bool {
        matches!(self, Self::DiskFull | Self::Locked)
            || (self, kind) == (Self::Gone, Kind::Postgres)
    }

    /// Whether it takes long by its nature: such rows begin first.
    pub fn is_long(self) -> bool {
        matches!(
            self,
            Self::HalfOpen | Self::RateLimitedInOk | Self::FilesHang | Self::Flood | Self::Overdue
        )
    }

    pub fn quiet_period(self) -> &'static str {
        if self == Self::ClockQuiet { "60s" } else { "0s" }
    }

    /// What Slack does wrong from the beginning of the trouble to its end, if that is the trouble.
    fn fault(self) -> Option<Fault> {
        let in_sick = |method: &str, kind| Fault::new(method, Fault::ALWAYS, kind).in_channel(SICK);
        Some(match self {
            Self::RateLimited => in_sick(POST, FaultKind::RateLimited(1)),
            Self::RateLimitedInOk => in_sick(POST, FaultKind::Error("ratelimited".to_owned())),
            Self::ServerError => in_sick(POST, FaultKind::Status(503)),
            Self::ResetBefore => in_sick(POST, FaultKind::Reset),
            Self::AnswerLost => in_sick(POST, FaultKind::AnswerLost),
            Self::Silence => in_sick(POST, FaultKind::Silence),
            Self::AnswerNever => in_sick(POST, FaultKind::AnswerNever),
            // Longer than the ten seconds in which an answer is waited for.
            Self::Overdue => {
                Fault::new(POST, 1, FaultKind::Late(Duration::from_secs(14))).in_channel(SICK)
            }
            Self::Slow => in_sick(POST, FaultKind::Slow(Duration::from_secs(4))),
            Self::Flood => in_sick("*", FaultKind::Silence),
            Self::FilesHang => Fault::new("files", Fault::ALWAYS, FaultKind::Silence),
            // It holds the work back until that meets the trouble itself.
            Self::Archived | Self::Deleted | Self::ClockForward | Self::ClockBack => {
                in_sick(POST, FaultKind::RateLimited(1))
            }
            Self::ClockMidPost => {
                Fault::new(POST, 1, FaultKind::Late(Duration::from_secs(6))).in_channel(SICK)
            }
            Self::TooManySockets => Fault::error("sockets", Fault::ALWAYS, "too_many_websockets"),
            Self::SlackDown => Fault::new("*", Fault::ALWAYS, FaultKind::Status(503)),
            _ => return None,
        })
    }

    /// It begins.
    pub async fn hurt(self, scene: &mut Scene) -> Held {
        if let Some(fault) = self.fault() {
            scene.slack.fail(fault);
        }
        match self {
            // Before anything happens elsewhere, so that all the places are taken.
            Self::Flood => {
                for vendor in VENDORS {
                    scene.propose(SICK, vendor);
                }
                let over = ["kind=\"quiet_period\"", "outcome=\"done\""];
                let all = 2 + u32::try_from(VENDORS.len()).unwrap_or_default();
                scene.counted("secondlook_work_total", &over, f64::from(all)).await?;
                spoiled_posts(scene, 3).await
            }
            Self::FilesHang => {
                scene.post_files(VENDORS.len());
                scene.acknowledged().await?;
                let asked = |w: &World| (w.struck("files", None) >= 3).then_some(());
                scene.see("files that don't come", asked).await
            }
            Self::TokenRevoked => {
                scene.slack.uninstall();
                scene.counted("secondlook_uninstalled_total", &[], 1.0).await
            }
            Self::TokenRotated => {
                scene.slack.rotate_bot_token();
                Ok(())
            }
            Self::HalfOpen => {
                scene.slack.freeze_sockets();
                Ok(())
            }
            Self::TooManySockets => {
                scene.slack.disconnect_sockets("too_many_websockets");
                Ok(())
            }
            Self::DiskFull if scene.database.kind == Kind::Sqlite => {
                limit_files(scene.program.pid(), Some(1));
                Ok(())
            }
            Self::DiskFull => scene.database.fill_disk().await,
            Self::Locked => scene.database.lock().await,
            Self::Gone => scene.database.take_away(),
            Self::ClockHttp => {
                scene.clock.set(0);
                scene.clock_is_seen().await?;
                let url = format!("http://{}/slack/events", scene.address);
                scene.turned_away = scene.metrics().await?.sum(TURNED_AWAY, &[]);
                scene.slack.set_request_url(&url).await.map_err(|refused| refused.to_string())
            }
            _ => Ok(()),
        }
    }

    /// Where the clock stands when people act in the trouble, in seconds beside the true time.
    pub fn present(self) -> i64 {
        if self == Self::ClockHttp { HOUR } else { 0 }
    }

    /// What comes after people have acted in the trouble.
    pub async fn worsen(self, scene: &mut Scene) -> Held {
        match self {
            Self::Archived | Self::Deleted => {
                spoiled_posts(scene, 3).await?;
                scene.lost = true;
                let done = if self == Self::Archived {
                    scene.slack.archive_channel(JONAS, SICK)
                } else {
                    scene.slack.delete_channel(JONAS, SICK)
                };
                done.map_err(|refused| refused.to_string())
            }
            Self::SlackDown => {
                let failed = |w: &World| (w.struck(POST, Some(HEALTHY)) > 0).then_some(());
                scene.see("posts that fail", failed).await?;
                scene.slack.cut_sockets();
                let none = |w: &World| (w.socket_count() == 0).then_some(());
                scene.see("no sockets", none).await?;
                scene.propose(HEALTHY, "Postmark");
                scene.step(HOUR);
                Ok(())
            }
            Self::Overdue => {
                spoiled_posts(scene, 1).await?;
                // Three cases, the third of them now.
                let cards = |w: &World| w.all(SICK).iter().filter(|m| is_card(m)).count();
                let stands = |w: &World| (cards(w) >= 3).then_some(());
                scene.see("the card that comes late", stands).await
            }
            Self::ClockForward | Self::ClockMidPost => {
                spoiled_posts(scene, 1).await?;
                scene.step(HOUR);
                Ok(())
            }
            Self::ClockBack => {
                spoiled_posts(scene, 3).await?;
                scene.step(-HOUR);
                scene.clock_is_seen().await?;
                // Where nothing was said in what is the future now: there, a pause between two cards goes on for longer.
                scene.propose(DIGEST, "Postmark");
                let card = |w: &World| w.all(DIGEST).iter().find(|m| is_card(m)).map(|_| ());
                scene.see("a card while the clock is behind", card).await
            }
            Self::ClockQuiet => {
                scene.acknowledged().await?;
                if scene.slack.messages(HEALTHY).iter().any(is_card) {
                    return Err("a card within the quiet period".to_owned());
                }
                scene.step(120);
                Ok(())
            }
            Self::Killed => killed_again_and_again(scene).await,
            _ => Ok(()),
        }
    }

    /// It ends.
    pub async fn heal(self, scene: &mut Scene) -> Held {
        scene.slack_heals();
        match self {
            Self::TokenRevoked | Self::TokenRotated => {
                if self == Self::TokenRevoked {
                    scene.slack.rotate_bot_token();
                }
                scene.restart().await?;
            }
            Self::DiskFull if scene.database.kind == Kind::Sqlite => {
                limit_files(scene.program.pid(), None);
            }
            Self::DiskFull => scene.database.empty_disk().await?,
            Self::Locked => scene.database.unlock().await?,
            Self::Gone => {
                scene.database.give_back()?;
                if scene.database.kind == Kind::Sqlite {
                    // That all is in the file that is back, and not in another one.
                    scene.restart().await?;
                }
            }
            Self::ClockBack => scene.step(HOUR),
            Self::ClockHttp => scene.step(-HOUR),
            _ => {}
        }
        if self != Self::ClockHttp {
            scene.step(MINUTES);
        }
        Ok(())
    }
}

/// Waits until so many posts to the sick channel were spoiled.
async fn spoiled_posts(scene: &Scene, least: usize) -> Held {
    let spoiled = |w: &World| (w.struck(POST, Some(SICK)) >= least).then_some(());
    scene.see("posts that fail", spoiled).await
}

/// Each time a little after something was said, or while the program is still starting.
async fn killed_again_and_again(scene: &mut Scene) -> Held {
    let mut random = Random::new();
    for vendor in &VENDORS[..kills()] {
        scene.propose(SICK, vendor);
        let happened = |w: &World| w.calls().len() + w.deliveries().len();
        let until = scene.slack.look(happened) + usize::try_from(random.below(30)).unwrap();
        let later = |w: &World| (happened(w) >= until).then_some(());
        drop(scene.slack.wait_for(Duration::from_millis(random.below(1_500)), later).await);
        scene.kill_and_start();
    }
    scene.hears().await
}
