//! A service with a database. SQLite blocks, so its connection has a thread of
//! its own, and the service answers while a query runs.
//!
//! ```sh
//! cargo run -p database-service
//! ```
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::{Router, routing::get};
use tokio::sync::Notify;
use tokio_rusqlite::Connection;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The database, whose handle is cheap to clone: it is a channel to the thread.
/// And a signal from the report that its query has begun.
type Shared = State<(Connection, Arc<Notify>)>;

async fn sum(State((database, _)): Shared) -> Result<String, StatusCode> {
    let query = "SELECT sum(i) FROM numbers";
    let sum = database.call(|db| db.query_row(query, [], |row| row.get(0)));
    let sum: i64 = sum.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(sum.to_string())
}

/// Runs a query that never ends on its own.
async fn report(State((database, running)): Shared) {
    let query = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL \
        SELECT i + 1 FROM n) SELECT max(i) FROM n";
    // When the client goes away, axum drops this handler, and so the guard.
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let max = database.call(move |db| {
        // Every 1000 steps, SQLite asks this function whether to stop.
        let handler = move || stop.is_cancelled();
        db.progress_handler(1000, Some(handler))?;
        running.notify_one();
        let max = db.query_row(query, [], |row| row.get::<_, i64>(0));
        println!("Database: {}", max.map_or("interrupted", |_| "done"));
        db.progress_handler(0, None::<fn() -> bool>)
    });
    max.await.ok();
}

/// Calls the service without a network.
async fn request(app: Router, path: &str) -> anyhow::Result<()> {
    let request = Request::get(path).body(Body::empty())?;
    let answer = app.oneshot(request).await?.into_body();
    let answer = to_bytes(answer, 1000).await?;
    println!("GET {path}: {}", String::from_utf8_lossy(&answer));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let database = Connection::open_in_memory().await?;
    let table = "CREATE TABLE numbers AS WITH RECURSIVE n(i) AS (VALUES (1) \
        UNION ALL SELECT i + 1 FROM n LIMIT 10000) SELECT i FROM n";
    database.call(|db| db.execute_batch(table)).await?;
    let running = Arc::new(Notify::new());
    let app = Router::new()
        .route("/health", get(async || "ok"))
        .route("/sum", get(sum))
        .route("/report", get(report))
        .with_state((database, Arc::clone(&running)));

    let client = tokio::spawn(request(app.clone(), "/report"));
    running.notified().await; // the query has begun, and never ends
    request(app.clone(), "/health").await?;
    client.abort(); // as if the client closed its connection
    request(app, "/sum").await // the database has one thread, so this waits
}
