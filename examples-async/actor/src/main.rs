//! An actor: one task owns the state, and the others send it requests. No lock
//! is needed.
//!
//! ```sh
//! cargo run -p actor
//! ```
use tokio::sync::{mpsc, oneshot};

/// What the actor can be asked. The reply goes through a channel for one
/// message, which travels with the request.
enum Request {
    Deposit(u64),
    Withdraw(u64, oneshot::Sender<Result<u64, &'static str>>),
}

/// Owns the balance. Handles one request after the other, so a request always
/// sees the result of the one before, even if it awaits something in between.
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
                reply.send(result).ok(); // the caller may have been canceled
            }
        }
    }
    println!("Account: closed with {balance}"); // every sender is gone
}

/// What the other tasks hold: cheap to clone, and the only way to the state.
#[derive(Clone)]
struct Account(mpsc::Sender<Request>);

impl Account {
    async fn deposit(&self, amount: u64) {
        // Waits when 16 requests are in the queue: backpressure.
        self.0.send(Request::Deposit(amount)).await.ok();
    }

    async fn withdraw(&self, amount: u64) -> Result<u64, &'static str> {
        let (reply, result) = oneshot::channel();
        self.0.send(Request::Withdraw(amount, reply)).await.ok();
        result.await.unwrap_or(Err("the account is closed"))
    }
}

#[tokio::main]
async fn main() {
    let (sender, requests) = mpsc::channel(16);
    let actor = tokio::spawn(account(requests));
    let account = Account(sender);

    let savers = (0..10).map(|_| {
        let account = account.clone();
        tokio::spawn(async move { account.deposit(10).await })
    });
    for saver in savers.collect::<Vec<_>>() {
        saver.await.expect("no panic");
    }
    println!("Main: {:?}", account.withdraw(70).await);
    println!("Main: {:?}", account.withdraw(70).await);
    drop(account); // the last sender: ends the actor
    actor.await.expect("no panic");
}
