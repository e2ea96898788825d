//! A headless browser with one page, driven over its debugging socket with real mouse and keyboard input.

use std::env;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::program::{PATIENCE, Program};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const HOW_TO_INSTALL: &str = "no Chromium on the PATH, and this test is never skipped: install it with `sudo apt-get install chromium` (Debian), \
    `sudo snap install chromium` (Ubuntu) or `brew install --cask chromium` (macOS), then run the test again";
/// A window narrower than this is a phone's.
const PHONES_BELOW: u32 = 700;
/// A pointer that hovers and hits exactly, as a mouse does; without a screen Chromium assumes none.
const MOUSE: &str = "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4";
/// The eyes and hands the page gets before its own scripts run.
const HANDS: &str = include_str!("hands.js");

/// The one page of a browser that is closed when this is dropped.
pub(crate) struct Page {
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    events: Vec<Value>,
    _browser: Program,
    _profile: TempDir,
}

impl Page {
    /// Starts a browser with a fresh profile that reaches this machine only.
    pub(crate) fn open(width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let browser = Program::start(&mut command(profile.path(), width >= PHONES_BELOW));
        let address = browser.says("DevTools listening on ");
        let authority = address.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(&address, stream).unwrap();
        let mut page = Self {
            socket,
            session: String::new(),
            calls: 0,
            events: Vec::new(),
            _browser: browser,
            _profile: profile,
        };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = page.call("Target.attachToTarget", target);
        attached["sessionId"].as_str().unwrap().clone_into(&mut page.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": HANDS }));
        page.resize(width, height);
        page
    }

    /// A window of this size, in daylight; a narrow one belongs to a phone.
    fn resize(&mut self, width: u32, height: u32) {
        let phone = width < PHONES_BELOW;
        let window =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", window);
        if phone {
            self.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": true }));
        }
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": "light" },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.call("Emulation.setEmulatedMedia", media);
    }

    /// Goes to an address and waits until the page has loaded.
    pub(crate) fn go(&mut self, url: &str) {
        let gone = self.call("Page.navigate", json!({ "url": url }));
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        self.loaded();
    }

    /// Loads the page again, as F5 does.
    pub(crate) fn reload(&mut self) {
        self.call("Page.reload", json!({}));
        self.loaded();
    }

    fn loaded(&mut self) {
        loop {
            let event = self.read();
            let name = event["method"] == "Page.loadEventFired";
            self.events.push(event);
            if name {
                return;
            }
        }
    }

    /// Waits for a visible element with the words, and returns its text.
    pub(crate) fn sees(&mut self, place: &str, words: &str) -> String {
        self.run(&format!("hands.sees({}, {})", json!(place), json!(words)))
            .as_str()
            .unwrap()
            .into()
    }

    /// Waits until no such element is visible.
    pub(crate) fn gone(&mut self, place: &str) {
        self.run(&format!("hands.gone({})", json!(place)));
    }

    /// Presses an element with the mouse, once it can be reached.
    pub(crate) fn press(&mut self, place: &str, words: &str) {
        // A redraw may replace the element between aiming and pressing; then the press did not arrive.
        for _ in 0..5 {
            let at = self.run(&format!("hands.aim({}, {})", json!(place), json!(words)));
            for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
                let mouse = json!({ "type": kind, "x": at["x"], "y": at["y"], "button": "left", "buttons": buttons, "clickCount": 1 });
                self.call("Input.dispatchMouseEvent", mouse);
            }
            if self.run("hands.pressed()") == true {
                return;
            }
        }
        panic!("{place} with \"{words}\" moves away from the mouse");
    }

    /// Puts text into a field, as a paste does.
    pub(crate) fn write(&mut self, place: &str, text: &str) {
        self.press(place, "");
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Writes and sends with Enter.
    pub(crate) fn send(&mut self, place: &str, text: &str) {
        self.write(place, text);
        for kind in ["keyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
            self.call("Input.dispatchKeyEvent", key);
        }
    }

    /// Chooses from a native list.
    pub(crate) fn choose(&mut self, place: &str, value: &str) {
        let chosen = self.run(&format!("hands.choose({}, {})", json!(place), json!(value)));
        assert_eq!(chosen, true, "{place} does not offer {value}");
    }

    /// Runs a script in the page and waits for its promise.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let asked = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", asked);
        let fault = &answer["exceptionDetails"];
        assert!(fault.is_null(), "{script}: {}", words_of(fault));
        answer["result"]["value"].take()
    }

    /// A picture of the window as PNG, with the mouse out of the way.
    pub(crate) fn picture(&mut self) -> Vec<u8> {
        let aside = json!({ "type": "mouseMoved", "x": 0, "y": 0 });
        self.call("Input.dispatchMouseEvent", aside);
        self.run("hands.painted()");
        let picture = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        base64(picture["data"].as_str().unwrap())
    }

    /// Errors and warnings of the page, and requests that would have left this machine.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.events.iter().filter_map(fault).collect()
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method });
        call["params"] = params;
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let mut told = self.read();
            if told["id"] == self.calls {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].take();
            }
            self.events.push(told);
        }
    }

    fn read(&mut self) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Ok(_) => {}
                Err(error) => panic!("Chromium went silent: {error}"),
            }
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // A browser that is told to close takes its helpers along; the kill that follows is for one that does not listen.
        let close = json!({ "id": 0, "method": "Browser.close" });
        if self.socket.send(Message::text(close.to_string())).is_ok() {
            while self.socket.read().is_ok() {}
        }
    }
}

fn command(profile: &Path, mouse: bool) -> Command {
    let mut command = Command::new(chromium());
    command
        .args(["--headless", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"])
        .args(["--no-first-run", "--no-default-browser-check", "--disable-extensions"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        .arg("--remote-debugging-port=0")
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("about:blank");
    if mouse {
        command.arg(MOUSE);
    }
    // Chromium's sandbox refuses to work for root. What a user makes is the user's.
    if profile.metadata().unwrap().uid() == 0 {
        command.arg("--no-sandbox");
    }
    command
}

fn chromium() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let find = |name: &&str| {
        env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
    };
    NAMES.iter().find_map(find).unwrap_or_else(|| panic!("{HOW_TO_INSTALL}"))
}

fn fault(event: &Value) -> Option<String> {
    let told = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(words_of(&told["exceptionDetails"])),
        "Runtime.consoleAPICalled" => {
            matches!(told["type"].as_str()?, "error" | "assert" | "warning")
                .then(|| format!("console: {}", told["args"]))
        }
        "Log.entryAdded" => matches!(told["entry"]["level"].as_str()?, "error" | "warning")
            .then(|| format!("log: {} {}", told["entry"]["text"], told["entry"]["url"])),
        "Network.requestWillBeSent" => beyond(told["request"]["url"].as_str()?),
        "Network.webSocketCreated" => beyond(told["url"].as_str()?),
        _ => None,
    }
}

/// What is wrong with an address that is not on this machine.
fn beyond(url: &str) -> Option<String> {
    let here = ["http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"];
    (!here.iter().any(|start| url.starts_with(start))).then(|| format!("asked for {url}"))
}

fn words_of(fault: &Value) -> String {
    let whole = &fault["exception"]["description"];
    whole.as_str().or(fault["text"].as_str()).unwrap_or_default().to_owned()
}

fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|&b| b != b'=').map(value).collect();
    let three = |four: &[u8]| {
        let bits =
            (0..4).fold(0_u32, |bits, at| bits << 6 | u32::from(*four.get(at).unwrap_or(&0)));
        bits.to_be_bytes().into_iter().skip(1).take(four.len() - 1).collect::<Vec<u8>>()
    };
    digits.chunks(4).flat_map(three).collect()
}
