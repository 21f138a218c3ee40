//! Builds the book with mdBook. It is strict: a message that mdBook only logs fails the build.
pub mod check;
pub mod measured;
pub mod preprocessor;
pub mod repository;
pub mod screenshot;
pub mod search;
pub mod stdio;

use std::collections::BTreeSet;
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

use self::preprocessor::Examples;
use self::repository::Repository;
use crate::page::links::copy_of;
use crate::page::suite::Suite;

/// The reader of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum For {
    /// A plain `mdbook build guide`, which copies no files for the pages to link to.
    MdBook,
    /// Any reader: files that need no server.
    Everyone,
    /// The reader at this machine: a server runs the examples, and the pages reload when the book
    /// changes.
    Server {
        /// The words of a live run, as JSON, which a page with an example passes to its script.
        words: String,
    },
}

/// Builds the book of the workspace's `guide` folder into `destination`, which is emptied first. The
/// pages link to the repository, if there is one.
///
/// # Errors
///
/// When something is wrong, with one line for each fault that names the file and the line; when
/// mdBook logs an error or a warning; and when the book cannot be written.
pub fn build(
    workspace: &Workspace,
    destination: &Path,
    reader: For,
    repository: Option<&Repository>,
) -> Result<()> {
    fs::create_dir_all(destination)
        .with_context(|| format!("creating the folder {}", destination.display()))?;
    // mdBook empties the folder, so it must not contain anything else.
    ensure!(
        fs::read_dir(destination)?.next().is_none() || destination.join("toc.html").is_file(),
        "{} is not empty and does not hold a book; choose another folder",
        destination.display()
    );
    let root = workspace.root.join("guide");
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());

    tracing::subscriber::with_default(subscriber, || {
        let mut book = MDBook::load(&root)?;
        book.config.build.build_dir = std::path::absolute(destination)?;
        if let For::Server { .. } = reader {
            let mut scripts: Vec<String> =
                book.config.get("output.html.additional-js")?.unwrap_or_default();
            scripts.extend(["assets/live.js", "assets/run.js"].map(str::to_owned));
            book.config.set("output.html.additional-js", scripts)?;
        }
        if let Some(repository) = repository {
            book.config.set("output.html.git-repository-url", &repository.address)?;
            book.config.set("output.html.edit-url-template", repository.edit_template())?;
        }
        let address = repository.map(|repository| repository.address.clone());
        book.with_preprocessor(Examples::new(workspace.clone(), reader, address)?);
        book.build()
    })
    .context("building the book")?;
    let logged = log.0.lock().expect("logging does not panic").clone();
    ensure!(logged.is_empty(), "mdBook reports:\n{}", logged.join("\n"));
    search::rebuild(destination).context("the search index")?;

    for file in copied_files(workspace)? {
        let copy = destination.join(copy_of(&file));
        fs::create_dir_all(copy.parent().context("the copy is in a folder")?)?;
        fs::copy(workspace.root.join(&file), &copy)
            .with_context(|| format!("copying {file} to {}", copy.display()))?;
    }
    Ok(())
}

/// The files of the workspace that the pages link to.
fn copied_files(workspace: &Workspace) -> Result<BTreeSet<String>> {
    let mut files: BTreeSet<_> = Suite::read(&workspace.root)?.files.into_iter().collect();
    for example in workspace.examples.values() {
        let crates = example.own_crates.iter();
        files.extend(crates.flat_map(|own| &own.files).map(|file| file.source.clone()));
        files.extend(example.python.clone());
    }
    Ok(files)
}

/// Collects the errors and warnings that are logged.
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
            self.0.lock().expect("logging does not panic").push(line);
        }
    }
}
