//! The search box: terms that readers type, and the pages that they should find.

use serde_json::json;
use tests::book;
use tests::browser::Browser;

/// A term, and the page that has to be among the first three.
const TERMS: [(&str, &str); 79] = [
    ("mpsc", "channels"),
    ("mpsc::channel", "channels"),
    ("channel", "channels"),
    ("queue.Queue", "from-python"),
    ("asyncio.Queue", "from-python"),
    ("RwLock", "sharing-state"),
    ("Condvar", "conditions"),
    ("Barrier", "conditions"),
    ("atomics ordering", "atomics"),
    ("Relaxed", "atomics"),
    ("Arc<Mutex>", "sharing-state"),
    ("poisoned", "sharing-state"),
    ("OnceLock", "sharing-state"),
    ("scoped threads", "borrowing"),
    ("does not live long enough", "borrowing"),
    ("thread pool", "data-parallelism"),
    ("par_iter", "data-parallelism"),
    ("deadlock", "deadlocks"),
    ("select!", "cancellation"),
    ("timeout", "cancellation"),
    ("cancel safe", "cancellation"),
    ("abort", "create-task"),
    ("JoinSet", "one-or-all"),
    ("semaphore", "one-or-all"),
    ("limit concurrency", "one-or-all"),
    ("TaskGroup", "when-one-fails"),
    ("graceful shutdown", "shutdown"),
    ("CancellationToken", "shutdown"),
    ("stream", "streams"),
    ("async traits", "async-errors"),
    ("actor", "async-state"),
    ("task_local", "async-state"),
    ("contextvars", "from-python"),
    ("run_in_executor", "from-python"),
    ("ProcessPoolExecutor", "process-pool"),
    ("future cannot be sent", "async-errors"),
    ("no reactor running", "async-errors"),
    ("Cannot drop a runtime", "async-errors"),
    ("tokio::fs", "blocking-code"),
    ("spawn_blocking", "blocking-code"),
    ("rayon inside tokio", "cpu-work-in-async"),
    ("retry backoff", "polite"),
    ("zombie", "kill-and-reap"),
    ("cancel a task", "create-task"),
    ("structured concurrency", "when-one-fails"),
    ("JoinSet errors", "when-one-fails"),
    ("panic in a task", "when-one-fails"),
    ("thread panic", "create-thread"),
    ("thread_local", "sharing-state"),
    ("future is not Send", "async-errors"),
    ("debug a hang", "deadlocks"),
    ("testing concurrent code", "testing"),
    ("blocking file I/O", "client-and-server"),
    ("database pool", "client-and-server"),
    ("connection pool", "client-and-server"),
    ("SQLite", "client-and-server"),
    ("timeout connect", "client-and-server"),
    ("rate limiting", "polite"),
    ("token bucket", "polite"),
    ("MissedTickBehavior", "polite"),
    ("thread priority", "cpu-bound"),
    ("CPU affinity", "cpu-bound"),
    ("same job four ways", "four-ways"),
    ("memory ordering", "atomics"),
    ("test async code", "testing-async"),
    ("paused clock", "testing-async"),
    ("tokio-console", "hangs"),
    ("seeing what hangs", "hangs"),
    ("py-spy", "hangs"),
    ("async for", "streams"),
    ("GIL", "python-gil"),
    ("PyO3", "python-function"),
    ("as_completed", "one-or-all"),
    ("FuturesUnordered", "one-or-all"),
    ("Notify", "async-state"),
    ("hedged requests", "cancellation"),
    ("shutdown_background", "shutdown"),
    ("LocalSet", "async-errors"),
    ("block_in_place", "blocking-code"),
];

#[test]
fn a_reader_finds_the_page_of_a_term() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = book();
    browser.open(&format!("file://{}/index.html", folder.path().display()));
    browser.eval(
        "document.head.append(Object.assign(document.createElement('script'), \
         { src: path_to_searchindex_js }))",
    );
    browser.wait_for("window.search?.index !== undefined");
    browser.eval("index = elasticlunr.Index.load(search.index)");

    let mut faults = Vec::new();
    for (term, page) in TERMS {
        // With the options that the page itself uses. Of several sections of a page the best counts.
        let pages = browser.eval(&format!(
            "[...new Set(index.search({}, search.search_options) \
             .map(it => search.doc_urls[it.ref].split('.html')[0]))]",
            json!(term)
        ));
        let pages: Vec<String> = serde_json::from_value(pages).unwrap();
        if !pages.iter().take(3).any(|it| it == page) {
            faults.push(format!("{term}: {page} is not among {:?}", &pages[..pages.len().min(6)]));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
