//! A TCP proxy that can stop forwarding without closing a connection.

use std::net::SocketAddr;

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<Connections>,
}

/// The state of the connections that are open. New ones always work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connections {
    Work,
    Stall(Way),
    Close,
}

/// The direction that is stalled: to the client, or both.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Back,
    Both,
}

impl Proxy {
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, _) = watch::channel(Connections::Work);
        let (server, changes) = (server.to_owned(), state.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(&server).await else {
                    continue;
                };
                let mut changes = changes.subscribe();
                changes.mark_unchanged();
                tokio::spawn(forward(client, server, changes));
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    pub fn stall(&self, way: Way) {
        self.state.send_replace(Connections::Stall(way));
    }

    pub fn cut(&self) {
        self.state.send_replace(Connections::Close);
    }
}

async fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    mut changes: watch::Receiver<Connections>,
) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut up = Box::pin(copy(&mut from_client, &mut to_server));
    let mut down = Box::pin(copy(&mut from_server, &mut to_client));
    let (mut goes_up, mut goes_down) = (true, true);
    loop {
        tokio::select! {
            _ = &mut up, if goes_up => return,
            _ = &mut down, if goes_down => return,
            changed = changes.changed() => {
                match *changes.borrow_and_update() {
                    _ if changed.is_err() => return,
                    Connections::Close => return,
                    Connections::Work => {}
                    Connections::Stall(Way::Back) => goes_down = false,
                    Connections::Stall(Way::Both) => (goes_up, goes_down) = (false, false),
                }
            }
        }
    }
}
