//! A service with a database. SQLite blocks, so its connection has a thread
//! of its own, and the service answers while a query runs.
//!
//! ```sh
//! cargo run -p database-service
//! ```
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::{Router, routing::get};
use tokio::sync::Notify;
use tokio_rusqlite::Connection;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const TABLE: &str = "CREATE TABLE numbers AS
    WITH RECURSIVE n(i) AS
        (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 10000)
    SELECT i FROM n";
const ENDLESS: &str = "WITH RECURSIVE n(i) AS
        (VALUES (1) UNION ALL SELECT i + 1 FROM n)
    SELECT max(i) FROM n";

/// Tells main that the report's query has begun.
static REPORT_RUNS: Notify = Notify::const_new();

/// The connection is cheap to clone: it is a channel to its thread.
type Database = State<Connection>;

async fn sum(State(database): Database) -> Result<String, StatusCode> {
    let query = "SELECT sum(i) FROM numbers";
    let sum = database.call(|db| db.query_row(query, [], |row| row.get(0)));
    match sum.await {
        Ok(sum) => Ok(i64::to_string(&sum)),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Runs a query that never ends on its own.
async fn report(State(database): Database) {
    // When the client goes away, axum drops this handler, and so the guard.
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let query = database.call(move |db| {
        // Every 1000 steps, SQLite asks this function whether to stop.
        db.progress_handler(1000, Some(move || stop.is_cancelled()))?;
        REPORT_RUNS.notify_one();
        let max = db.query_row(ENDLESS, [], |row| row.get::<_, i64>(0));
        let outcome = if max.is_ok() { "done" } else { "interrupted" };
        println!("Database: {outcome}");
        db.progress_handler(0, None::<fn() -> bool>)
    });
    query.await.ok();
}

/// Calls the service without a network.
async fn request(service: Router, path: &str) -> anyhow::Result<()> {
    let request = Request::get(path).body(Body::empty())?;
    let answer = service.oneshot(request).await?.into_body();
    let answer = to_bytes(answer, 1000).await?;
    println!("GET {path}: {}", String::from_utf8_lossy(&answer));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let database = Connection::open_in_memory().await?;
    database.call(|db| db.execute_batch(TABLE)).await?;
    let service = Router::new()
        .route("/health", get(async || "ok"))
        .route("/sum", get(sum))
        .route("/report", get(report))
        .with_state(database);

    let client = tokio::spawn(request(service.clone(), "/report"));
    REPORT_RUNS.notified().await; // its query never ends
    request(service.clone(), "/health").await?;
    client.abort(); // as if the client closed its connection
    request(service, "/sum").await // waits for the database's only thread
}
