//! Two programs on one machine talk over a Unix socket, whose address is a
//! path in the file system.
//!
//! ```sh
//! cargo run -p unix-socket
//! ```
#[cfg(unix)]
mod talk {
    use std::env;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::Command;

    use anyhow::{Context, Result};

    // ANCHOR: server
    /// Serves one client. Unlike a pipe, the socket accepts any number of
    /// them, also programs that this one has not started.
    fn serve(listener: &UnixListener) -> Result<()> {
        let (mut client, _) = listener.accept()?;
        for request in BufReader::new(client.try_clone()?).lines() {
            let number: u64 = request?.parse()?;
            println!("Server: is asked for the square of {number}");
            writeln!(client, "{}", number * number)?;
        }
        println!("Server: the client has closed the connection");
        Ok(())
    }
    // ANCHOR_END: server

    // ANCHOR: client
    fn ask(path: &str) -> Result<()> {
        let mut server = UnixStream::connect(path)
            .context("connecting to the server")?;
        let mut replies = BufReader::new(server.try_clone()?).lines();
        for number in [3, 5] {
            writeln!(server, "{number}")?;
            let square = replies.next().context("the server is gone")??;
            println!("Client: the square of {number} is {square}");
        }
        Ok(())
    }
    // ANCHOR_END: client

    pub(crate) fn run() -> Result<()> {
        if let Some(path) = env::args().nth(1) {
            return ask(&path);
        }
        // Only this user can enter the folder, and so use the socket.
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("squares.socket");
        let listener = UnixListener::bind(&path).context("binding")?;
        let mut client =
            Command::new(env::current_exe()?).arg(&path).spawn()?;
        let served = serve(&listener);
        client.wait()?;
        served
    }
}

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    talk::run()
}

#[cfg(not(unix))]
fn main() {
    println!("This system has no Unix sockets");
}
