//! A stop: nobody outside holds it up, and what the worker has begun is brought to its end.

mod house;

use std::time::{Duration, Instant};

use house::{BACKEND, Door, House, MAILCHIMP, MAYA};
use secondlook::app::ports::Clock as _;
use secondlook::playground::{Fault, FaultKind, World};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Longer than the doors are waited for, and shorter than the worker.
const SLOW: Duration = Duration::from_secs(7);

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_cut_off_the_work() {
    let mut house = House::open(Door::Http).await;
    let mut stranger = TcpStream::connect(house.bot().bind_addr()).await.unwrap();
    stranger.write_all(b"POST /slack/events HTTP/1.1\r\nhost: x\r\nx-half").await.unwrap();
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::Late(SLOW)));
    house.say(BACKEND, MAYA, MAILCHIMP);
    let begun = |world: &World| (world.struck("chat.postMessage", None) > 0).then_some(());
    house.slack.wait_until(begun).await.unwrap();
    let stop = Instant::now();
    house.stop().await;
    let took = stop.elapsed();
    assert!(took < Duration::from_secs(15), "the stop took {took:?}");
    let case = house.case(1).await.unwrap();
    assert!(case.card.is_some(), "the post was not recorded");
    let backlog = house.store().await.backlog(house.clock.now()).await.unwrap();
    assert_eq!(backlog.due, 0, "{backlog:?}");
    drop(stranger);
}
