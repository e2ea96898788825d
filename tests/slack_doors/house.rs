//! What every test of the doors needs: a receiver that remembers, a server on a free port, a secret.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secondlook::slack::{Acknowledgement, Delivery, Receive};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

type Answer = Box<dyn Fn(&Delivery) -> Acknowledgement + Send + Sync>;

/// Remembers what it received and answers as it was told.
pub(crate) struct Recorder {
    received: Mutex<Vec<Delivery>>,
    arrived: Notify,
    answer: Answer,
}

impl Recorder {
    pub(crate) fn new(
        answer: impl Fn(&Delivery) -> Acknowledgement + Send + Sync + 'static,
    ) -> Arc<Self> {
        let received = Mutex::new(Vec::new());
        Arc::new(Self { received, arrived: Notify::new(), answer: Box::new(answer) })
    }

    pub(crate) fn received(&self) -> Vec<Delivery> {
        self.received.lock().expect("no test panics with it").clone()
    }

    /// Waits until so many deliveries have arrived.
    pub(crate) async fn wait_for(&self, count: usize) {
        loop {
            let arrived = self.arrived.notified();
            if self.received().len() >= count {
                return;
            }
            arrived.await;
        }
    }
}

#[async_trait]
impl Receive for Recorder {
    async fn receive(&self, delivery: Delivery) -> Acknowledgement {
        self.received.lock().expect("no test panics with it").push(delivery.clone());
        self.arrived.notify_one();
        (self.answer)(&delivery)
    }
}

/// Serves a router on a free port of this machine until the test ends, and returns its address (`http://…`).
pub(crate) async fn serve(router: axum::Router) -> String {
    let (listener, address) = listen().await;
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

pub(crate) async fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

pub(crate) fn token() -> SecretString {
    "xoxb-test".to_owned().into()
}
