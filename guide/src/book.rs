//! Builds the book with mdBook, strictly: what mdBook only logs fails the build.
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use harness::examples::Workspace;
use mdbook_driver::MDBook;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};

use crate::ledger::Ledger;
use crate::page::{Examples, source_copy, test_copy};
use crate::search;

/// For whom a book is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// For any reader: files that need no server.
    Everyone,
    /// For the reader at this machine: the pages reload when the book has changed.
    Server,
}

/// Builds the book of the workspace's `guide` folder into `destination`, which is emptied first.
///
/// # Errors
///
/// When a page has a fault, with a line for each that names file and line; when mdBook logs an
/// error or a warning; when the book cannot be written.
pub fn build(workspace: &Workspace, destination: &Path, reader: For) -> Result<()> {
    fs::create_dir_all(destination)
        .with_context(|| format!("making the folder {}", destination.display()))?;
    // mdBook empties the folder, so it had better hold nothing else.
    ensure!(
        fs::read_dir(destination)?.next().is_none() || destination.join("toc.html").is_file(),
        "{} is not empty and holds no book; name another folder",
        destination.display()
    );
    let root = workspace.root.join("guide");
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());

    tracing::subscriber::with_default(subscriber, || {
        let mut book = MDBook::load(&root)?;
        book.config.build.build_dir = std::path::absolute(destination)?;
        if reader == For::Server {
            let mut scripts: Vec<String> =
                book.config.get("output.html.additional-js")?.unwrap_or_default();
            scripts.extend(["assets/live.js", "assets/run.js"].map(str::to_owned));
            book.config.set("output.html.additional-js", scripts)?;
        }
        book.with_preprocessor(Examples::new(workspace.clone(), true));
        book.build()
    })
    .context("building the book")?;
    let logged = log.0.lock().expect("nobody panics while logging").clone();
    ensure!(logged.is_empty(), "mdBook says:\n{}", logged.join("\n"));
    search::rebuild(destination).context("the search index")?;

    let copy = |source: &str, copy: &str| -> Result<()> {
        let copy = destination.join(copy);
        fs::create_dir_all(copy.parent().context("the copy has a folder")?)?;
        fs::copy(workspace.root.join(source), &copy)
            .with_context(|| format!("copying {source} to {}", copy.display()))?;
        Ok(())
    };
    for example in workspace.examples.values() {
        for source in [Some(&example.source), example.python.as_ref()].into_iter().flatten() {
            copy(source, &source_copy(example, source))?;
        }
    }
    for file in Ledger::tests(&workspace.root)? {
        copy(&file, &test_copy(&file))?;
    }
    Ok(())
}

/// Collects what is logged as an error or a warning.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _context: LayerContext<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                let separator = if self.0.is_empty() { "" } else { ", " };
                let name = if field.name() == "message" { "" } else { field.name() };
                write!(self.0, "{separator}{name}{value:?}").expect("a string takes all text");
            }
        }

        if *event.metadata().level() <= Level::WARN {
            let mut message = Message(String::new());
            event.record(&mut message);
            let line = format!("{}: {}", event.metadata().target(), message.0);
            self.0.lock().expect("nobody panics while logging").push(line);
        }
    }
}
