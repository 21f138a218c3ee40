//! Ask several servers, take the first answer, and drop the other requests.
//!
//! ```sh
//! cargo run -p first-wins
//! ```
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

/// Prints when it is dropped, which is how a canceled future ends.
struct Connection(&'static str);

impl Drop for Connection {
    fn drop(&mut self) {
        println!("{}: connection closed", self.0);
    }
}

async fn ask(server: &'static str, millis: u64) -> &'static str {
    let connection = Connection(server);
    println!("{server}: asked");
    sleep(Duration::from_millis(millis)).await; // stands for the request
    println!("{server}: answered");
    connection.0
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // A fixed number of futures: `select!` takes the first that is ready
    // and drops the others before it runs the code after `=>`.
    tokio::select! {
        winner = ask("Paris", 2_000) => println!("Main: {winner} won"),
        winner = ask("Tokyo", 100) => println!("Main: {winner} won"),
    }

    // A list: tasks in a JoinSet, which aborts the rest when it is dropped.
    let mut requests = JoinSet::new();
    requests.spawn(ask("Lima", 2_000));
    requests.spawn(ask("Oslo", 50));
    if let Some(Ok(winner)) = requests.join_next().await {
        println!("Main: {winner} won");
    }
    requests.shutdown().await; // aborts, and waits until they are gone
    println!("Main: nothing is left");
}
