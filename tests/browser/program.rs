//! A program the test starts: its lines are read while it runs, and it ends with the test.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A running program.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    name: String,
}

impl Program {
    /// Starts it; both of its outputs are read to their end, so that it never waits for a reader.
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().display().to_string();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("could not start {name}: {error}"));
        let (send, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let send = send.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    // Nobody listens any more: the rest is read and dropped.
                    drop(send.send(line));
                }
            });
        }
        Self { child, lines, name }
    }

    /// Waits for a line with the word; what follows the word is the answer.
    pub(crate) fn says(&self, word: &str) -> String {
        let end = Instant::now() + PATIENCE;
        let mut before = Vec::new();
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.split_once(word) {
                    Some((_, rest)) => return rest.trim().to_owned(),
                    None => before.push(line),
                },
                Err(why) => {
                    let why = match why {
                        RecvTimeoutError::Timeout => "is still running",
                        RecvTimeoutError::Disconnected => "has ended",
                    };
                    let said = before.join("\n");
                    panic!("{} {why} and never said \"{word}\". It said:\n{said}", self.name);
                }
            }
        }
    }

    /// Asks it to end, as Ctrl-C or a service manager does, and waits until it has.
    pub(crate) fn end(mut self) -> ExitStatus {
        let asked = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(asked.unwrap().success(), "{} had already ended", self.name);
        let end = Instant::now() + PATIENCE;
        // Both outputs close when the program ends.
        while self.lines.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
        assert!(Instant::now() < end, "{} was asked to end and still runs", self.name);
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
