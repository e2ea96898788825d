//! What the program costs in short: start, memory, acknowledgements, a command, a burst of cards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secondlook::playground::Say;

use crate::bench::{Bench, channel};
use crate::house::{BACKEND, HEADERS, MAILCHIMP, MAYA, is_card};
use crate::pace::{Mix, pace};

const ROUNDS: usize = 3;
const SECONDS: u64 = 15;
const AT_ONCE: u64 = 200;

/// Prints every figure three times, so that the machine's noise shows.
pub(crate) async fn print() {
    for round in 1..=ROUNDS {
        println!("— round {round} of {ROUNDS}");
        starts().await;
        for per_second in [200, 1_000] {
            events(per_second).await;
        }
        commands().await;
        cards().await;
        evidence().await;
    }
}

/// From the start of the process to the first `/readyz` that says yes.
async fn starts() {
    let mut times = Vec::new();
    for _ in 0..7 {
        let bench = Bench::start().await;
        while bench.send(b"GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n").await != Some(200) {}
        times.push(bench.begun.elapsed());
    }
    times.sort();
    println!("start to ready: median {:.1?} of {times:.1?}", times[times.len() / 2]);
}

/// Signed events at a steady pace, one in fifty a proposal.
async fn events(per_second: u64) {
    let bench = Arc::new(Bench::start().await);
    let idle = bench.memory();
    let figures = pace(&bench, Mix::Mixed, per_second, SECONDS).await;
    println!(
        "{per_second} events/s for {SECONDS} s: acknowledged p50 {:.2?} p99 {:.2?} max {:.2?}, {} errors; memory {idle:.1} MiB idle, {:.1} MiB after",
        figures.at(500),
        figures.at(990),
        figures.at(1000),
        figures.errors,
        bench.memory(),
    );
}

async fn commands() {
    let bench = Bench::start().await;
    bench.slack.set_request_url(&format!("http://{}/slack/events", bench.address())).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..300 {
        let answer = bench.slack.command(MAYA, BACKEND, "/investigate", "help").await.unwrap();
        times.push(answer.ack.expect("an answer").after);
    }
    times.sort();
    println!("/investigate help: median {:.2?}, p99 {:.2?}", times[150], times[297]);
}

/// Many proposals at once, each in a channel of its own, until every card stands.
async fn cards() {
    let bench = Bench::start().await;
    bench.slack.set_request_url(&format!("http://{}/slack/events", bench.address())).await.unwrap();
    let begun = Instant::now();
    for n in 0..AT_ONCE {
        bench.slack.say(Say::new(&channel(n), MAYA, MAILCHIMP)).unwrap();
    }
    loop {
        let posted = |w: &secondlook::playground::World| {
            w.calls().iter().filter(|call| call.method == "chat.postMessage").count() as u64
        };
        if bench.slack.look(posted) >= AT_ONCE {
            break;
        }
        drop(bench.slack.wait_for(Duration::from_millis(10), |_| None::<()>).await);
    }
    let took = begun.elapsed();
    let cards =
        (0..AT_ONCE).filter(|n| bench.slack.look(|w| w.all(&channel(*n))).iter().any(is_card));
    let cards = cards.count();
    println!("{cards} cards in {took:.1?}: {}/s", 1_000 * cards as u128 / took.as_millis().max(1));
}

/// What recognising evidence costs in memory: its patterns are compiled when they are first needed.
async fn evidence() {
    let bench = Bench::start().await;
    bench.slack.set_request_url(&format!("http://{}/slack/events", bench.address())).await.unwrap();
    let before = bench.memory();
    let thread = bench.slack.say(Say::new(BACKEND, MAYA, MAILCHIMP)).unwrap();
    let card = |world: &secondlook::playground::World| {
        world.thread(BACKEND, &thread).into_iter().find(is_card)
    };
    bench.slack.wait_until(card).await.unwrap();
    let prompted = bench.memory();
    bench.slack.say(Say::new(BACKEND, MAYA, HEADERS).in_thread(&thread)).unwrap();
    let read = |world: &secondlook::playground::World| {
        let card = world.thread(BACKEND, &thread).into_iter().find(is_card)?;
        card["blocks"].to_string().contains("✓ mail headers").then_some(())
    };
    bench.slack.wait_until(read).await.unwrap();
    println!(
        "memory: {before:.1} MiB idle, {prompted:.1} MiB with a card, {:.1} MiB when evidence was read",
        bench.memory()
    );
}
