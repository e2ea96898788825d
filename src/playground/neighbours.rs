//! Several workspaces of one Slack: they share the address, the app with its secrets, and its sockets; nothing else.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use super::options::Options;
use super::socket::Socket;
use super::world::World;
use super::{Playground, Shared};

/// Every workspace of this Slack.
#[derive(Clone, Default)]
pub(super) struct Neighbours(Arc<Mutex<Vec<Weak<Shared>>>>);

impl Neighbours {
    pub(super) fn add(&self, shared: &Arc<Shared>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(shared));
    }

    fn all(&self) -> Vec<Arc<Shared>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Playground {
    /// Another workspace of the same Slack with the same app, seen through its own handle. It lives as long as the handle,
    /// and this playground as long as it is not dropped.
    #[must_use]
    pub fn another_workspace(&self, options: Options) -> Self {
        let home = &self.shared;
        let mut world = World::new(options, home.base.clone());
        world.sockets = home.look(|world| world.sockets.iter().map(Socket::share).collect());
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            changed: watch::Sender::new(0),
            stop: home.stop.clone(),
            tasks: home.tasks.clone(),
            base: home.base.clone(),
            app_token: home.app_token.clone(),
            signing_secret: home.signing_secret.clone(),
            client_id: home.client_id.clone(),
            client_secret: home.client_secret.clone(),
            neighbours: home.neighbours.clone(),
        });
        home.neighbours.add(&shared);
        Self { shared, _stops: None }
    }
}

impl Shared {
    /// The workspace of which this is so; this one when there is none.
    pub(super) fn where_it_is(self: &Arc<Self>, is_so: impl Fn(&World) -> bool) -> Arc<Self> {
        let found = self.neighbours.all().into_iter().find(|shared| shared.look(&is_so));
        found.unwrap_or_else(|| Arc::clone(self))
    }

    /// Changes the books of every workspace.
    pub(super) fn everywhere(&self, change: impl Fn(&mut World)) {
        for shared in self.neighbours.all() {
            shared.touch(&change);
        }
    }
}
