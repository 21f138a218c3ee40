//! A server for this program alone. Usually a server is running already.
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// Starts a server on any free port, and returns its address.
pub(crate) async fn start(folder: &Path) -> Result<(Child, String)> {
    let mut server = Command::new("nats-server")
        .args(["-js", "-a", "127.0.0.1", "-p", "-1", "-l", "/dev/null"])
        .args(["-sd".as_ref(), folder, "--ports_file_dir".as_ref(), folder])
        .kill_on_drop(true)
        .spawn()
        .context("get nats-server: apt install nats-server, or nats.io")?;
    let id = server.id().context("nats-server has ended")?;
    let file = folder.join(format!("nats-server_{id}.ports"));
    loop {
        // As soon as it listens, it writes {"nats": ["nats://…"]}.
        let ports = fs::read(&file).unwrap_or_default();
        let ports: Value =
            serde_json::from_slice(&ports).unwrap_or_default();
        if let Some(url) = ports["nats"][0].as_str() {
            return Ok((server, url.to_owned()));
        }
        ensure!(server.try_wait()?.is_none(), "nats-server has ended");
        sleep(Duration::from_millis(5)).await;
    }
}
