//! An actor: one task owns the state, and the others send it requests. No
//! lock is needed.
//!
//! ```sh
//! cargo run -p actor
//! ```
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

const CLOSED: &str = "the account is closed";

/// A request to the actor. The reply goes through a channel for one
/// message, which travels with the request.
enum Request {
    Deposit(u64),
    Withdraw(u64, oneshot::Sender<Result<u64, &'static str>>),
}

/// Owns the balance. Handles one request after the other, so a request
/// always sees the result of the one before, even if the actor awaits
/// something while it handles one.
async fn account(mut requests: mpsc::Receiver<Request>) {
    let mut balance = 0;
    while let Some(request) = requests.recv().await {
        match request {
            Request::Deposit(amount) => balance += amount,
            Request::Withdraw(amount, reply) => {
                let result = if amount <= balance {
                    balance -= amount;
                    Ok(balance)
                } else {
                    Err("not enough money")
                };
                reply.send(result).ok(); // an error: the caller is gone
            }
        }
    }
    println!("Account: closed with {balance}"); // every sender is gone
}

/// The handle of the other tasks. It is cheap to clone.
#[derive(Clone)]
struct Account(mpsc::Sender<Request>);

impl Account {
    async fn deposit(&self, amount: u64) -> Result<(), &'static str> {
        // Waits when 16 requests are in the queue: backpressure.
        let sent = self.0.send(Request::Deposit(amount)).await;
        sent.map_err(|_| CLOSED)
    }

    async fn withdraw(&self, amount: u64) -> Result<u64, &'static str> {
        let (reply, result) = oneshot::channel();
        let sent = self.0.send(Request::Withdraw(amount, reply)).await;
        sent.map_err(|_| CLOSED)?;
        result.await.map_err(|_| CLOSED)?
    }
}

#[tokio::main]
async fn main() {
    let (sender, requests) = mpsc::channel(16);
    let actor = tokio::spawn(account(requests));
    let account = Account(sender);

    let mut savers = JoinSet::new();
    for _ in 0..10 {
        let account = account.clone();
        savers.spawn(async move { account.deposit(10).await });
    }
    for result in savers.join_all().await {
        result.expect("the deposit failed");
    }
    println!("Main: {:?}", account.withdraw(70).await);
    println!("Main: {:?}", account.withdraw(70).await);
    drop(account); // the last sender: ends the actor
    actor.await.expect("the actor panicked");
}
