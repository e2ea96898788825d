//! The signs of each fault: from outside, that it struck; on the program's own pages, that it says so.

use secondlook::playground::{Delivery, World};

use super::report::Held;
use super::scene::{SICK, Scene};
use super::trouble::{POST, TURNED_AWAY, Trouble};

const CALLS: &str = "secondlook_slack_calls_total";
const POSTED: &str = "method=\"chat.postMessage\"";

impl Trouble {
    /// That it really happened, as seen from outside.
    pub async fn struck(self, scene: &Scene) -> Held {
        if self == Self::ClockHttp || self.stops_the_store(scene.database.kind) {
            let failed = |w: &World| {
                let failed = |d: &&Delivery| d.failed.is_some() && d.kind == "events_api";
                w.deliveries().iter().find(failed).map(|_| ())
            };
            return scene.see("events that were not taken", failed).await;
        }
        match self {
            Self::FilesHang => spoiled(scene, "files", None, 3).await,
            Self::Archived | Self::Deleted => {
                let gone = scene
                    .slack
                    .look(|w| w.find_channel(SICK).is_none_or(|channel| channel.archived));
                if gone { Ok(()) } else { Err("the channel is still there".to_owned()) }
            }
            Self::TokenRevoked => {
                let told = |w: &World| {
                    let told = |d: &&Delivery| {
                        d.payload["event"]["type"] == "app_uninstalled" && d.ack.is_some()
                    };
                    w.deliveries().iter().find(told).map(|_| ())
                };
                scene.see("the app is removed", told).await
            }
            Self::TokenRotated => {
                let refused = |w: &World| {
                    w.calls().iter().find(|c| c.answer["error"] == "invalid_auth").map(|_| ())
                };
                scene.see("calls with the old token", refused).await
            }
            Self::HalfOpen => sockets_asked_for(scene, 4).await,
            Self::TooManySockets => {
                spoiled(scene, "sockets", None, 3).await?;
                let asked = scene.slack.calls("apps.connections.open").len();
                // A client without back-off asks some hundred times a second.
                if asked < 20 { Ok(()) } else { Err(format!("asked for {asked} sockets")) }
            }
            Self::SlackDown => spoiled(scene, "apps.connections.open", None, 2).await,
            Self::Gone if scene.database.is_there() => Err("the store is still there".to_owned()),
            Self::Gone => Ok(()),
            Self::ClockForward | Self::ClockBack | Self::ClockQuiet => scene.clock_is_seen().await,
            Self::ClockMidPost => {
                scene.clock_is_seen().await?;
                spoiled(scene, POST, Some(SICK), 1).await
            }
            Self::Killed if scene.lives > 1 => Ok(()),
            Self::Killed => Err("it was never killed".to_owned()),
            _ => spoiled(scene, POST, Some(SICK), 1).await,
        }
    }

    /// What readiness and metrics must show while it lasts. Slack's state is a metric and no reason to be replaced; a store
    /// that can't be written is both.
    pub async fn shows(self, scene: &Scene) -> Held {
        let least_one = async |name: &str, labels: &[&str]| scene.counted(name, labels, 1.0).await;
        match self {
            Self::RateLimited
            | Self::RateLimitedInOk
            | Self::Archived
            | Self::Deleted
            | Self::ClockForward
            | Self::ClockBack => least_one(CALLS, &[POSTED, "outcome=\"limited\""]).await?,
            Self::ServerError
            | Self::ResetBefore
            | Self::AnswerLost
            | Self::Silence
            | Self::AnswerNever
            | Self::Overdue
            | Self::Flood
            | Self::SlackDown => least_one(CALLS, &[POSTED, "outcome=\"lost\""]).await?,
            Self::Slow => slow_calls_show(scene).await?,
            Self::FilesHang => {
                least_one("secondlook_slack_files_total", &["outcome=\"lost\""]).await?;
            }
            Self::TokenRevoked => least_one("secondlook_uninstalled_total", &[]).await?,
            Self::TokenRotated => least_one(CALLS, &[POSTED, "outcome=\"refused\""]).await?,
            Self::HalfOpen => reopened(scene, "silent").await?,
            Self::TooManySockets => reopened(scene, "too_many_websockets").await?,
            _ if self.stops_the_store(scene.database.kind) => {
                least_one("secondlook_slack_deliveries_total", &["outcome=\"refused\""]).await?;
            }
            Self::ClockHttp => scene.counted(TURNED_AWAY, &[], scene.turned_away + 5.0).await?,
            Self::ClockMidPost | Self::DiskFull | Self::Locked | Self::Gone => {
                least_one(CALLS, &[POSTED, "outcome=\"ok\""]).await?;
            }
            Self::ClockQuiet => {
                let states = ["state=\"prompted\""];
                scene.counted("secondlook_cases_total", &states, 4.0).await?;
            }
            Self::Killed => least_one("secondlook_sockets_open", &[]).await?,
        }
        if self == Self::SlackDown {
            scene
                .until("no open socket is shown", async || {
                    let metrics = scene.metrics().await?;
                    Ok(metrics.sum("secondlook_sockets_open", &[]) == 0.0)
                })
                .await?;
            least_one("secondlook_work_due", &[]).await?;
        }
        let unready = self.stops_the_store(scene.database.kind);
        scene.readiness(if unready { 503 } else { 200 }).await
    }
}

async fn spoiled(scene: &Scene, method: &str, channel: Option<&str>, least: usize) -> Held {
    let seen = |w: &World| (w.struck(method, channel) >= least).then_some(());
    scene.see(&format!("{least} spoiled calls of {method}"), seen).await
}

async fn sockets_asked_for(scene: &Scene, least: usize) -> Held {
    let asked = |w: &World| {
        let asked = w.calls().iter().filter(|c| c.method == "apps.connections.open").count();
        (asked >= least).then_some(())
    };
    scene.see("sockets opened anew", asked).await
}

async fn reopened(scene: &Scene, why: &str) -> Held {
    let reason = format!("reason=\"{why}\"");
    scene.counted("secondlook_socket_reconnects_total", &[&reason], 1.0).await
}

/// Some posts took longer than the longest bound.
async fn slow_calls_show(scene: &Scene) -> Held {
    let of = |ending: &str| format!("secondlook_slack_call_seconds_{ending}");
    let slow = async || {
        let metrics = scene.metrics().await?;
        let all = metrics.sum(&of("count"), &[POSTED]);
        Ok(all > metrics.sum(&of("bucket"), &[POSTED, "le=\"3\""]))
    };
    scene.until("slow posts show", slow).await
}
