//! The real program in a process of its own, whose log is read line by line.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A started program and what it has logged so far; it is killed when it is dropped.
pub struct Logged {
    program: Child,
    lines: UnboundedReceiver<String>,
    log: Vec<String>,
}

impl Logged {
    /// Starts the program as this command says.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let stderr = BufReader::new(program.stderr.take().unwrap());
        let (tell, lines) = unbounded_channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        Self { program, lines, log: Vec::new() }
    }

    /// Waits for a line that contains these words.
    pub async fn line_with(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.recv().await.unwrap_or_else(|| panic!("{:#?}", self.log));
            self.log.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits until it listens; returns where Slack and where the operator reaches it.
    pub async fn addresses(&mut self) -> [SocketAddr; 2] {
        let listening = self.line_with("is listening").await;
        let address = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
        let found = address.find_iter(&listening).map(|found| found.as_str().parse().unwrap());
        found.collect::<Vec<_>>().try_into().unwrap()
    }

    /// Stops it as a deployment does; returns everything it logged.
    pub async fn stop(mut self) -> Vec<String> {
        let kill = format!("kill -TERM {}", self.program.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        while let Some(line) = self.lines.recv().await {
            self.log.push(line);
        }
        assert!(self.program.wait().unwrap().success());
        std::mem::take(&mut self.log)
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        // A failed test leaves no program behind; one that has stopped can't be killed, which is fine.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
