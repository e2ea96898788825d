//! One row being played: a workspace of its own, the real program in it, what people do there, and what must come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use secondlook::domain::WorkspaceId;
use secondlook::domain::investigation::CaseNumber;
use secondlook::playground::{
    App, Channel, Fault, Options, Playground, Say, Upload, Workspace, World,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::database::{Database, Kind};
use super::house::binary::Program;
use super::house::{HEADERS, JONAS, MAILCHIMP, MAYA, TEAM, is_bots, is_card, text};
use super::outside::{Clock, Metrics, command, get, knock, shown_by, under};
use super::report::Held;
use super::trouble::Trouble;

/// The channel that gets into trouble, and four that don't.
pub const SICK: &str = "C0SICK0001";
pub const HEALTHY: &str = "C0HEALTHY1";
pub const DIGEST: &str = "C0DIGEST01";
/// Nothing can ever be posted here.
const POISON: &str = "C0POISON01";
/// Where somebody speaks when the trouble is over.
const AFTER: &str = "C0AFTER001";

/// The program begins eight days ago: then a reminder and a digest are due in the present.
const BEGINNING: i64 = -8 * 24 * 3600;
/// No condition is waited for any longer.
const PATIENCE: Duration = Duration::from_mins(2);
/// Seconds until a healthy channel must be answered; a call that hangs is given up after ten.
const SOON: f64 = 9.5;
/// How often a person sends a form again that was not taken: it may go to a socket that is dead.
const TRIES: usize = 20;
/// Seconds: longer than a claim on work holds, and as long as a post in doubt waits to be looked for.
const CLAIMED_FOR: i64 = 35;
const LOOKED_FOR: i64 = 61;
const A_MOMENT: Duration = Duration::from_millis(100);

pub struct Scene {
    pub slack: Playground,
    pub database: Database,
    pub program: Program,
    pub clock: Clock,
    pub address: String,
    quiet_period: &'static str,
    dir: TempDir,
    /// Proposals that must be answered by one card each: channel and timestamp.
    pub proposals: Vec<(&'static str, String)>,
    /// The numbers of the investigation that stays open and of the case that is closed. On a busy machine a delivery that is
    /// sent again uses one up.
    open: u32,
    second: u32,
    /// The thread of the open investigation, and how much evidence must be recorded in it.
    thread: String,
    evidence: usize,
    /// Whether the form that closes the second case was taken.
    closed: bool,
    /// Whether the sick channel is gone for good: then nothing need be said there.
    pub lost: bool,
    /// How often the program was started.
    pub lives: u32,
    /// How many requests it had turned away before the trouble.
    pub turned_away: f64,
}

impl Scene {
    pub async fn begin(kind: Kind, trouble: Trouble) -> Self {
        let quiet_period = trouble.quiet_period();
        let dir = tempfile::tempdir().unwrap();
        let members = [MAYA, JONAS, &App::default().user_id];
        let channel = |(id, name)| Channel::public(id, name, "", &members);
        let channels = [
            (SICK, "sick"),
            (HEALTHY, "healthy"),
            (POISON, "poison"),
            (DIGEST, "digest"),
            (AFTER, "after"),
        ];
        let options = Options {
            workspace: Workspace {
                channels: channels.map(channel).to_vec(),
                ..Workspace::default()
            },
            // Slack gives up after six minutes, which no row lasts.
            retries: vec![Duration::from_millis(250); 4_000],
            ..Options::default()
        };
        let slack = Playground::start(options).await.unwrap();
        let database = Database::new(kind, dir.path(), trouble == Trouble::Gone).await;
        let clock = Clock::new(dir.path(), BEGINNING);
        let program = start(&slack, dir.path(), &database, &clock, quiet_period);
        Self {
            slack,
            database,
            program,
            clock,
            address: String::new(),
            quiet_period,
            dir,
            proposals: Vec::new(),
            open: 0,
            second: 0,
            thread: String::new(),
            evidence: 0,
            closed: false,
            lost: false,
            lives: 1,
            turned_away: 0.0,
        }
    }

    // ── the program ────────────────────────────────────────────────────────────────────────────

    /// Waits until the program hears what is said.
    pub async fn hears(&mut self) -> Held {
        self.address = self.program.address().await;
        self.see("a socket", |world| (world.socket_count() > 0).then_some(())).await
    }

    /// Ends the program as a power cut would, and starts it anew with the token that is valid now.
    pub async fn restart(&mut self) -> Held {
        self.kill_and_start();
        self.hears().await
    }

    pub fn kill_and_start(&mut self) {
        self.program.kill();
        let (slack, dir) = (&self.slack, self.dir.path());
        self.program = start(slack, dir, &self.database, &self.clock, self.quiet_period);
        self.lives += 1;
    }

    /// Moves the program's clock.
    pub fn step(&mut self, seconds: i64) {
        self.clock.set(self.clock.offset + seconds);
    }

    /// Waits until the program's clock shows what it was set to: what is signed now by that clock is let in.
    pub async fn clock_is_seen(&self) -> Held {
        let seen = async || {
            let now = u64::try_from(shown_by(&self.clock).as_second()).unwrap_or_default();
            Ok(knock(&self.address, self.slack.signing_secret(), now).await? == 200)
        };
        self.until("the clock is seen", seen).await
    }

    /// Ends every scripted fault but the poison.
    pub fn slack_heals(&self) {
        self.slack.heal();
        self.slack.fail(
            Fault::error("chat.postMessage", Fault::ALWAYS, "is_archived").in_channel(POISON),
        );
    }

    pub async fn metrics(&self) -> Result<Metrics, String> {
        Ok(Metrics(get(&self.program.admin(), "/metrics").await?.1))
    }

    /// Waits until a metric has come to at least `least`.
    pub async fn counted(&self, name: &str, labels: &[&str], least: f64) -> Held {
        let seen = async || Ok(self.metrics().await?.sum(name, labels) >= least);
        let counted = self.until(&format!("{name} {labels:?} ≥ {least}"), seen).await;
        if let (Err(why), Ok(metrics)) = (&counted, self.metrics().await) {
            let silences = metrics.named("secondlook_silences_total");
            return Err(format!("{why}, but {:?}; {silences:?}", metrics.named(name)));
        }
        counted
    }

    /// Waits until `/readyz` answers this.
    pub async fn readiness(&self, status: u16) -> Held {
        let seen = async || Ok(get(&self.address, "/readyz").await?.0 == status);
        self.until(&format!("/readyz answers {status}"), seen).await
    }

    // ── waiting ────────────────────────────────────────────────────────────────────────────────

    pub async fn see(&self, what: &str, see: impl FnMut(&World) -> Option<()>) -> Held {
        let seen = self.slack.wait_for(PATIENCE, see).await;
        seen.map_err(|overdue| format!("{what}: {overdue:?}"))
    }

    /// Waits for what the stand-in can't see.
    pub async fn until(&self, what: &str, seen: impl AsyncFn() -> Result<bool, String>) -> Held {
        let mut last = Ok(false);
        for _ in 0..PATIENCE.as_millis() / A_MOMENT.as_millis() {
            last = seen().await;
            if last == Ok(true) {
                return Ok(());
            }
            self.pause(A_MOMENT).await;
        }
        Err(format!("in vain: {what} ({last:?})"))
    }

    pub async fn pause(&self, pause: Duration) {
        drop(self.slack.wait_for(pause, |_| None::<()>).await);
    }

    pub async fn acknowledged(&self) -> Held {
        let done = |world: &World| world.unacknowledged().is_empty().then_some(());
        self.see("acknowledgements", done).await
    }

    // ── what people do ─────────────────────────────────────────────────────────────────────────

    /// Eight days ago: an investigation that stays open, and a prompt.
    pub async fn long_ago(&mut self) -> Held {
        self.hears().await?;
        self.thread = self.propose(SICK, "Mailchimp");
        self.open = self.first_card(1).await?;
        self.reply_with_evidence();
        let thread = self.thread.clone();
        let ticked = |w: &World| {
            let card = w.thread(SICK, &thread).into_iter().find(is_card)?;
            text(&card).contains("✓").then_some(())
        };
        self.see("evidence on the card", ticked).await?;
        self.propose(SICK, "Postmark");
        self.second = self.first_card(2).await?;
        self.slack_heals();
        self.settled().await
    }

    /// Waits for so many cards; returns the number of the last one's case.
    async fn first_card(&mut self, count: usize) -> Result<u32, String> {
        if self.quiet_period != "0s" {
            self.acknowledged().await?;
            self.step(120);
        }
        let shown =
            |w: &World| (w.all(SICK).iter().filter(|m| is_card(m)).count() == count).then_some(());
        self.see("the first cards", shown).await?;
        let last = self.slack.look(|w| w.all(SICK).into_iter().rfind(is_card));
        let id = last.map(|card| card["metadata"]["event_payload"]["id"].clone());
        let number = id.as_ref().and_then(|id| id.as_str()?.strip_prefix("card:")?.parse().ok());
        number.ok_or_else(|| format!("a card without a number: {id:?}"))
    }

    /// What people do while it is going wrong. A reminder and a digest become due, too.
    pub async fn meanwhile(&mut self) {
        self.propose(SICK, "SparkPost");
        self.slack.say(Say::new(POISON, MAYA, MAILCHIMP)).unwrap();
        self.reply_with_evidence();
        self.propose(HEALTHY, "Mailchimp");
        self.close_the_second_case().await;
    }

    pub fn propose(&mut self, channel: &'static str, vendor: &str) -> String {
        let words = MAILCHIMP.replace("Mailchimp", vendor);
        let ts = self.slack.say(Say::new(channel, MAYA, &words)).unwrap();
        self.proposals.push((channel, ts.clone()));
        ts
    }

    fn reply_with_evidence(&mut self) {
        self.slack.say(Say::new(SICK, JONAS, HEADERS).in_thread(&self.thread)).unwrap();
        self.evidence += 1;
    }

    pub fn post_files(&mut self, count: usize) {
        for n in 0..count {
            let file = Upload {
                channel: SICK.to_owned(),
                user: JONAS.to_owned(),
                thread_ts: Some(self.thread.clone()),
                name: format!("mail-{n}.txt"),
                content: HEADERS.replace("```", "").into_bytes(),
                ..Upload::default()
            };
            self.slack.upload(&file).unwrap();
        }
        self.evidence += count;
    }

    /// Somebody who is told that it did not work, or nothing, will do it again; Slack does not.
    async fn close_the_second_case(&mut self) {
        let metadata = json!({"form": "close", "case": self.second, "channel": SICK}).to_string();
        let outcome = json!({"outcome": {"answer": {"type": "static_select", "selected_option": {"value": "averted"}}}});
        let form = json!({
            "type": "view_submission", "team": {"id": TEAM}, "user": {"id": JONAS, "team_id": TEAM}, "trigger_id": "1.2.3",
            "view": {"id": "V0CLOSE", "type": "modal", "private_metadata": metadata, "state": {"values": outcome}},
        });
        let taken = self.slack.send_raw_interaction(form).await;
        self.closed = taken.is_some_and(|ack| ack.body["response_action"] != "errors");
    }

    // ── what must come of it ───────────────────────────────────────────────────────────────────

    /// The healthy channel has its card and the digest stands, now.
    pub async fn others_go_on(&self) -> Held {
        self.answered(HEALTHY).await?;
        let waited = self.slack.look(|w| {
            let messages = w.all(HEALTHY);
            let at = |m: Option<&Value>| m.and_then(|m| m["ts"].as_str()?.parse::<f64>().ok());
            let card = at(messages.iter().find(|m| is_card(m)));
            Some(card? - at(messages.iter().find(|m| !is_bots(m)))?)
        });
        if waited.is_none_or(|seconds| seconds > SOON) {
            return Err(format!("the card in another channel came after {waited:?} s"));
        }
        let digest = |w: &World| (said(w, DIGEST, "digest:") == 1).then_some(());
        self.see("the digest in another channel", digest).await
    }

    async fn answered(&self, channel: &str) -> Held {
        let card = |w: &World| w.all(channel).iter().any(is_card).then_some(());
        self.see(&format!("a card in {channel}"), card).await
    }

    /// Without help, what is said next is answered.
    pub async fn recovers(&mut self) -> Held {
        if !self.program.is_alive() {
            return Err("the process ended".to_owned());
        }
        self.propose(AFTER, "Mailchimp");
        if self.quiet_period != "0s" {
            self.acknowledged().await?;
            self.step(120);
        }
        self.answered(AFTER).await
    }

    /// Each acknowledged event has had its effect once, and every event is acknowledged.
    pub async fn once(&mut self) -> Held {
        self.acknowledged().await?;
        for _ in 0..TRIES {
            if !self.closed && !self.lost {
                self.close_the_second_case().await;
            }
        }
        self.settled().await?;
        let wrong: Vec<String> = self.slack.look(|w| self.wrong_counts(w));
        if !wrong.is_empty() {
            let metrics = self.metrics().await?;
            let silences = metrics.named("secondlook_silences_total");
            return Err(format!("{} ({silences:?})", wrong.join(", ")));
        }
        let store = self.database.look().await?;
        let case = store
            .case(&WorkspaceId::from(TEAM), CaseNumber(self.open))
            .await
            .map_err(|e| e.to_string())?;
        let recorded = case.map_or(0, |case| case.evidence.len());
        if recorded == self.evidence {
            Ok(())
        } else {
            Err(format!("{recorded} pieces of evidence and not {}", self.evidence))
        }
    }

    fn wrong_counts(&self, w: &World) -> Vec<String> {
        let kept = |channel: &str| !(self.lost && channel == SICK);
        let mut expected: Vec<(String, usize)> = Vec::new();
        for (channel, ts) in self.proposals.iter().filter(|(channel, _)| kept(channel)) {
            let cards = w.thread(channel, ts).iter().filter(|m| is_card(m)).count();
            expected.push((format!("cards for {channel} {ts}"), cards));
        }
        expected.push(("digests".to_owned(), said(w, DIGEST, "digest:")));
        if kept(SICK) {
            expected.push((
                "outcomes".to_owned(),
                said(w, SICK, &format!("say_outcome:{}", self.second)),
            ));
            expected.push((
                "reminders".to_owned(),
                said(w, SICK, &format!("say_reminder:{}", self.open)),
            ));
        }
        expected
            .into_iter()
            .filter(|(_, n)| *n != 1)
            .map(|(what, n)| format!("{n} {what}"))
            .collect()
    }

    /// Nothing waits any more but what is due in days. Where all that waits is a post in doubt, the clock is moved to the
    /// minute in which it is looked for.
    async fn settled(&mut self) -> Held {
        let store = self.database.look().await?;
        let mut left = String::new();
        for _ in 0..PATIENCE.as_millis() / A_MOMENT.as_millis() {
            let now = shown_by(&self.clock);
            let due = async |within: i64| {
                let backlog = store.backlog(now + SignedDuration::from_secs(within)).await;
                backlog.map(|backlog| backlog.due).map_err(|error| error.to_string())
            };
            match (due(CLAIMED_FOR).await, due(LOOKED_FOR).await, due(3600).await) {
                (_, _, Ok(0)) => return Ok(()),
                (Ok(0), Ok(1..), _) => self.step(LOOKED_FOR),
                (_, _, due) => left = format!("{due:?}"),
            }
            self.pause(A_MOMENT).await;
        }
        Err(format!("in vain: all work is done ({left})"))
    }

    /// No message of the bot was taken twice, whether it still stands or not.
    pub fn nothing_twice(&self) -> Held {
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let mut standing: BTreeMap<String, usize> = BTreeMap::new();
        self.slack.look(|w| {
            for call in w
                .calls()
                .iter()
                .filter(|c| c.method == "chat.postMessage" && c.answer["ok"] == true)
            {
                *taken.entry(id(&call.args)).or_default() += 1;
            }
            for channel in [SICK, HEALTHY, DIGEST, POISON, AFTER] {
                for message in w.all(channel).iter().filter(|m| is_bots(m)) {
                    *standing.entry(id(message)).or_default() += 1;
                }
            }
        });
        if standing.is_empty() {
            return Err("the bot said nothing at all".to_owned());
        }
        let twice: Vec<_> = taken.into_iter().chain(standing).filter(|(_, n)| *n > 1).collect();
        if twice.is_empty() { Ok(()) } else { Err(format!("{twice:?}")) }
    }

    /// The poison work is parked and `doctor` shows why; nothing else is parked.
    pub async fn poison_is_parked(&self) -> Held {
        let (slack, dir) = (&self.slack, self.dir.path());
        let mut doctor = command(slack, dir, self.database.url(), self.quiet_period, "doctor");
        let shown = tokio::task::spawn_blocking(move || doctor.output().unwrap()).await.unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let parked: Vec<&str> =
            shown.lines().filter(|line| line.contains("work given up")).collect();
        let reasons = parked.join("\n").matches("(is_archived)").count();
        let store = self.database.look().await?;
        let all = store.parked(100).await.map_err(|error| error.to_string())?;
        if reasons == 1 && all.len() == 1 || self.lost && reasons >= 1 {
            return Ok(());
        }
        Err(format!("parked {all:?}; the doctor says {parked:?}"))
    }

    /// When all is well again, the pages say so.
    pub async fn tells_the_truth_after(&self) -> Held {
        self.readiness(200).await?;
        let metrics = self.metrics().await?;
        let (due, oldest, parked) = (
            metrics.sum("secondlook_work_due", &[]),
            metrics.sum("secondlook_work_oldest_due_seconds", &[]),
            metrics.sum("secondlook_work_parked", &[]),
        );
        if due == 0.0 && oldest == 0.0 && (parked - 1.0).abs() < 0.5 || self.lost && parked >= 1.0 {
            return Ok(());
        }
        Err(format!("after it all: due {due}, oldest {oldest} s, parked {parked}"))
    }
}

fn start(
    slack: &Playground,
    dir: &std::path::Path,
    database: &Database,
    clock: &Clock,
    quiet_period: &str,
) -> Program {
    let mut command = command(slack, dir, database.url(), quiet_period, "serve");
    under(clock, &mut command);
    Program::start(command)
}

/// The id a message of ours carries.
fn id(message: &Value) -> String {
    message["metadata"]["event_payload"]["id"].as_str().unwrap_or("nameless").to_owned()
}

/// How many messages whose id begins so stand in a channel.
fn said(world: &World, channel: &str, beginning: &str) -> usize {
    world.all(channel).iter().filter(|m| is_bots(m) && id(m).starts_with(beginning)).count()
}
