//! Faults that a test scripts: what a Web API method does wrong, and how often.

use std::time::Duration;

/// One scripted fault.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Web API method such as `chat.postMessage`, or `files` or `response_url`; `*` for everything. `sockets` tells each
    /// new connection to go, with the error's code as the reason.
    pub method: String,
    /// Only calls that name this channel; any channel when absent.
    pub channel: Option<String>,
    /// How many calls it spoils; [`Fault::ALWAYS`] until [`super::Playground::heal`].
    pub times: u32,
    /// What happens.
    pub kind: FaultKind,
}

/// What a spoiled call does.
#[derive(Debug, Clone)]
pub enum FaultKind {
    /// 429 with `Retry-After` in seconds.
    RateLimited(u64),
    /// 200 with `{"ok":false,"error":…}`: `ratelimited`, `token_revoked`, `is_archived`, `channel_not_found`, …
    Error(String),
    /// An HTTP status such as 500 or 503, with a body that is not JSON.
    Status(u16),
    /// The connection is reset before anything happened.
    Reset,
    /// The call is never answered and never done.
    Silence,
    /// The call is done, but its answer comes late.
    Slow(Duration),
    /// The call is done late, whether the caller still waits or not, and answered then.
    Late(Duration),
    /// The call is done, then the connection is reset: the caller cannot know.
    AnswerLost,
    /// The call is done, then nothing more is heard.
    AnswerNever,
}

impl Fault {
    /// Until healed.
    pub const ALWAYS: u32 = u32::MAX;

    /// A fault of every channel.
    pub fn new(method: &str, times: u32, kind: FaultKind) -> Self {
        Self { method: method.to_owned(), channel: None, times, kind }
    }

    /// The same fault for one channel only.
    #[must_use]
    pub fn in_channel(mut self, channel: &str) -> Self {
        self.channel = Some(channel.to_owned());
        self
    }

    /// A refusal with an error code in an HTTP 200 answer.
    pub fn error(method: &str, times: u32, code: &str) -> Self {
        Self::new(method, times, FaultKind::Error(code.to_owned()))
    }
}

/// What is to go wrong, and what went wrong because of it.
#[derive(Debug, Default)]
pub(super) struct Script {
    faults: Vec<Fault>,
    struck: Vec<(String, Option<String>)>,
}

impl Script {
    pub(super) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
    }

    /// Takes the first fault that fits this call off the script.
    pub(super) fn take(&mut self, method: &str, channel: Option<&str>) -> Option<FaultKind> {
        let found = self.faults.iter().position(|fault| {
            let channel_fits = fault.channel.is_none() || fault.channel.as_deref() == channel;
            (fault.method == "*" || fault.method == method) && channel_fits
        })?;
        let fault = &mut self.faults[found];
        let kind = fault.kind.clone();
        if fault.times != Fault::ALWAYS {
            fault.times = fault.times.saturating_sub(1);
        }
        if fault.times == 0 {
            self.faults.remove(found);
        }
        self.struck.push((method.to_owned(), channel.map(str::to_owned)));
        Some(kind)
    }

    /// How many calls of a method, in a channel when one is given, it spoiled so far.
    pub(super) fn struck(&self, method: &str, channel: Option<&str>) -> usize {
        let fits = |(m, c): &&(String, Option<String>)| {
            m == method && (channel.is_none() || c.as_deref() == channel)
        };
        self.struck.iter().filter(fits).count()
    }
}
