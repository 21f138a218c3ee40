//! Replaces the directives of all pages, see [`Directive`], and finds the faults of the pages and of
//! the files that they show. mdBook calls it as the preprocessor `example`.
use std::cell::OnceCell;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use harness::examples::{Example, Workspace};
use harness::files;
use harness::kept::results::{BenchmarkResult, Results};
use maud::{PreEscaped, html};
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use tempfile::NamedTempFile;

use crate::book::{For, check};
use crate::figures::chart;
use crate::figures::chooser::{Chooser, Sources};
use crate::figures::compare;
use crate::figures::context::PageContext;
use crate::figures::drawing;
use crate::figures::example::Figure;
use crate::figures::ledger::{self, Ledger, Proof};
use crate::figures::outcomes;
use crate::figures::schedule;
use crate::figures::transcript;
use crate::figures::variants;
use crate::figures::words::Words;
use crate::page::directive::Directive;
use crate::page::files::names;
use crate::page::links::{self, Links};
use crate::page::source;
use crate::page::suite::Suite;
use crate::page::{Fault, Page};

/// The results of the benchmarks that the book shows, from the workspace's root.
pub const RESULTS: &str = "guide/results.json";

/// The preprocessor `example` of `guide/book.toml`.
#[derive(Debug)]
pub struct Examples {
    workspace: Workspace,
    suite: Suite,
    /// [`RESULTS`], read when a page first asks for them.
    results: OnceCell<Result<Results, String>>,
    reader: For,
    /// The address of the book's repository, if it is known.
    repository: Option<String>,
}

impl Examples {
    /// The preprocessor for a workspace's book.
    ///
    /// # Errors
    ///
    /// When the sources of the tests cannot be read.
    pub fn new(workspace: Workspace, reader: For, repository: Option<String>) -> Result<Self> {
        let suite = Suite::read(&workspace.root)?;
        let results = OnceCell::new();
        Ok(Self { workspace, suite, results, reader, repository })
    }

    /// The pages with each directive replaced. `folder` contains the pages and their images.
    ///
    /// # Errors
    ///
    /// When something is wrong, with one line for each fault that names the file and the line.
    pub fn expand(&self, pages: &[Page], folder: &Path, words: &Words) -> Result<Vec<String>> {
        let (links, mut faults) = Links::of(pages);
        faults.extend(check::check(pages, &links, folder));
        faults.extend(self.unused_examples(&links)?);
        faults.extend(self.unused_variants(&links));
        faults.extend(self.misplaced_benchmarks(&links));
        faults.extend(self.unused_files(&links, folder));
        let book = Expansion { examples: self, links: &links, folder, words };
        let expanded = pages.iter().map(|page| book.page(page, &mut faults)).collect();
        if !faults.is_empty() {
            let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
            bail!("{}", lines.join("\n"));
        }
        Ok(expanded)
    }

    /// Examples that no page shows, and marked parts that no page uses.
    fn unused_examples(&self, links: &Links<'_>) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        for example in self.workspace.examples.values() {
            let name = &example.name;
            if links.example(name).is_none() {
                let message = format!(
                    "no page shows this example; put {{{{#example {name}}}}} on a line of one"
                );
                faults.push(Fault { file: example.source.clone(), line: 1, message });
            }
            for file in files_of(example) {
                let text = files::read(&self.workspace.root, file)?;
                for (line, part) in source::parts(&text) {
                    if !links.shows_part(name, part) {
                        let message = format!(
                            "no page shows the part {part}; remove its marks, or put \
                             {{{{#example {name}:{part}}}}} on a page"
                        );
                        faults.push(Fault { file: file.to_owned(), line, message });
                    }
                }
            }
        }
        Ok(faults)
    }

    /// Variants of examples that no page shows.
    fn unused_variants(&self, links: &Links<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        for Example { name, folder, variants, .. } in self.workspace.examples.values() {
            for variant in variants.iter().filter(|it| !links.shows_variant(name, &it.name)) {
                let message = format!(
                    "no page shows the variant {}; put {{{{#variants {name}}}}} on a line of one",
                    variant.name
                );
                let file = format!("{folder}/Cargo.toml");
                faults.push(Fault { file, line: variant.line, message });
            }
        }
        faults
    }

    /// Drawings and transcripts that no page shows.
    fn unused_files(&self, links: &Links<'_>, folder: &Path) -> Vec<Fault> {
        let root = &self.workspace.root;
        let drawings = slashed(folder.strip_prefix(root).unwrap_or(folder)) + "/" + drawing::FOLDER;
        let unused = |kind: &str, folder: &str, extension, is_shown: &dyn Fn(&str) -> bool| {
            let mut names = names(&root.join(folder), extension);
            names.retain(|name| !is_shown(name));
            let fault = |name| Fault {
                file: format!("{folder}/{name}.{extension}"),
                line: 1,
                message: format!("no page shows the {kind}; put {{{{#{kind} {name}}}}} on one"),
            };
            names.into_iter().map(fault).collect::<Vec<_>>()
        };
        let mut faults = unused("drawing", &drawings, "svg", &|name| links.shows_drawing(name));
        faults.extend(unused("transcript", transcript::FOLDER, "txt", &|name| {
            links.shows_transcript(name)
        }));
        faults
    }

    /// Benchmarks that are not shown exactly once.
    fn misplaced_benchmarks(&self, links: &Links<'_>) -> Vec<Fault> {
        let Ok(results) = self.results() else { return Vec::new() };
        let message = |name: &str| match links.times_shown(name) {
            0 => Some(format!("no page shows the benchmark; put {{{{#benchmark {name}}}}} on one")),
            1 => None,
            _ => {
                Some(format!("{name} is shown more than once; link to one of the figures instead"))
            }
        };
        let messages = results.benchmarks.iter().filter_map(|benchmark| message(&benchmark.name));
        messages.map(|message| Fault { file: RESULTS.to_owned(), line: 1, message }).collect()
    }

    fn results(&self) -> Result<&Results> {
        let read = || {
            Results::read(&self.workspace.root.join(RESULTS)).map_err(|error| format!("{error:#}"))
        };
        self.results.get_or_init(read).as_ref().map_err(|error| {
            anyhow!("{error}; run `cargo run --release -p bench -- --keep` to replace it")
        })
    }
}

/// The files of an example that a page can show, and the other ones of its crate.
fn files_of(example: &Example) -> impl Iterator<Item = &str> {
    let own = example.own_crates.last().into_iter().flat_map(|own| &own.files);
    own.map(|file| file.source.as_str()).chain(example.python.as_deref())
}

impl Preprocessor for Examples {
    fn name(&self) -> &str {
        "example"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        write_assets(&context.root.join("assets"))?;
        let words = Words::of(context.config.book.language.as_deref().unwrap_or("en"))?;
        let folder = context.root.join(&context.config.book.src);
        let shown = folder.strip_prefix(&self.workspace.root).unwrap_or(&folder).to_owned();

        let mut pages = Vec::new();
        book.for_each_mut(|item| {
            if let Some(chapter) = written(item)
                && let Some(path) = &chapter.source_path
            {
                let (path, file) = (slashed(path), slashed(&shown.join(path)));
                pages.push(Page { path, file, text: chapter.content.clone() });
            }
        });
        let mut expanded = self.expand(&pages, &folder, words)?.into_iter();
        book.for_each_mut(|item| {
            if let Some(chapter) = written(item)
                && let Some(text) = expanded.next()
            {
                chapter.content = text;
            }
        });
        Ok(book)
    }
}

/// Writes the style sheet and the script of the pictures, which mdBook takes from files of the book, into
/// a folder. Files that are right stay untouched, because the server watches the folder.
fn write_assets(folder: &Path) -> Result<()> {
    for (name, text) in [("picture.css", picture::STYLE), ("picture.js", picture::REPLAY)] {
        let file = folder.join(name);
        if fs::read_to_string(&file).is_ok_and(|written| written == text) {
            continue;
        }
        let mut new = NamedTempFile::new_in(folder)
            .with_context(|| format!("writing to {}", folder.display()))?;
        new.write_all(text.as_bytes())?;
        new.persist(&file).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// A path with `/`.
fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// A chapter that has a source file.
fn written(item: &mut BookItem) -> Option<&mut Chapter> {
    match item {
        BookItem::Chapter(chapter) if chapter.source_path.is_some() => Some(chapter),
        _ => None,
    }
}

/// The expansion of one book.
struct Expansion<'a> {
    examples: &'a Examples,
    links: &'a Links<'a>,
    /// The folder of all pages.
    folder: &'a Path,
    words: &'a Words,
}

impl Expansion<'_> {
    /// A page with each directive replaced. A directive that cannot be replaced is a fault.
    fn page(&self, page: &Page, faults: &mut Vec<Fault>) -> String {
        let mut text = String::with_capacity(page.text.len());
        let Self { examples: Examples { workspace, suite, reader, repository, .. }, words, .. } =
            *self;
        let repository = repository.as_deref();
        let up = page.up();
        let copies = (*reader != For::MdBook).then_some(up.as_str());
        let context = PageContext { workspace, suite, copies, repository, words };
        let mut shows_example = false;
        let mut at = 0;
        for (number, line) in page.text.split_inclusive('\n').enumerate() {
            // A malformed directive already is a fault, see `Links::of`.
            let directive = Directive::parse(line).ok().flatten();
            shows_example |= matches!(directive, Some(Directive::Example { .. }));
            let figure = directive.map(|directive| {
                // Unique in the book, which the print page shows as a whole.
                let page = page.path.trim_end_matches(".md").replace('/', "-");
                let id = format!("{page}-{}", number + 1);
                self.replacement(&directive, &context, &up, &id)
            });
            match figure.transpose() {
                Ok(None) => text += line,
                Ok(Some(figure)) => {
                    text += &figure;
                    text.push('\n'); // a blank line follows, which ends the HTML
                }
                Err(error) => faults.push(page.fault(at, format!("{error:#}"))),
            }
            at += line.len();
        }
        // An attribute, which the search does not index. `book.js` makes the link.
        let skip = html! { div.skip-words data-skip=(words.skip) hidden {} };
        text += &format!("\n\n{}\n", skip.into_string());
        if shows_example {
            text += &format!("\n{}\n", picture::replay_words(words.picture).into_string());
            if let For::Server { words } = reader {
                text += &script("live-words", words);
            }
        }
        text
    }

    fn replacement(
        &self,
        directive: &Directive<'_>,
        context: &PageContext<'_>,
        up: &str,
        id: &str,
    ) -> Result<String> {
        let links = self.links;
        let PageContext { workspace, suite, copies, words, .. } = *context;
        Ok(match directive {
            Directive::Example { name, parts } => {
                let example = workspace.example(name)?;
                ensure!(
                    example.variant_of().is_none(),
                    "{name} is a variant; show it with {{{{#variants {}}}}}",
                    name.replacen("--", ": ", 1)
                );
                Figure { context, example, parts, id }.draw()?
            }
            Directive::Variants { name, variants } => {
                variants::draw(context, workspace.example(name)?, variants, id)?
            }
            Directive::Chooser => {
                let results = self.examples.results()?;
                let sources = Sources { workspace, results, links };
                let chooser = Chooser::read(self.folder, results)?;
                chooser.draw(id, up, &sources, words)?.into_string()
            }
            Directive::Drawing(name) => drawing::draw(self.folder, name)?,
            Directive::Schedule(name) => schedule::draw(workspace, name, id, words)?.into_string(),
            Directive::Outcomes(name) => {
                outcomes::table(&workspace.root, name, words)?.into_string()
            }
            Directive::Transcript(name) => {
                transcript::draw(&workspace.root, name, words)?.into_string()
            }
            Directive::File(path) => {
                let text = fs::read_to_string(workspace.root.join(path))
                    .with_context(|| format!("reading {path}"))?;
                format!("```text\n{}\n```\n", text.trim_end())
            }
            Directive::Costs => compare::table(workspace, |name| links.example(name), words)?,
            Directive::Compare(names) => compare::bars(workspace, names, id, words)?,
            Directive::Benchmark { name, measures } => {
                let results = self.examples.results()?;
                chart::show(results, results.benchmark(name)?, measures, words)?.into_string()
            }
            Directive::Benchmarks => {
                let link = |benchmark: &BenchmarkResult| links.benchmark(&benchmark.name);
                chart::overview(self.examples.results()?, link, words).into_string()
            }
            Directive::Measured(statement) => {
                if let Some(said) = statement.contradiction(self.examples.results()?)? {
                    bail!("what was measured contradicts the page: {said}");
                }
                String::new()
            }
            Directive::Ledger => {
                let file = self.folder.join(ledger::FILE);
                let ledger = Ledger::read(&file, workspace, self.examples.results()?, suite)?;
                let link = |proof: &Proof| match proof {
                    Proof::Example(name) => links.example(name),
                    Proof::Benchmark(name) => links.benchmark(name),
                    Proof::Test(file, name) => {
                        let test = suite.test(file, name).ok().filter(|_| copies.is_some());
                        test.map(links::test)
                    }
                };
                ledger.table(words, link).into_string()
            }
        })
    }
}

/// Words for a script of the page, as JSON.
fn script(class: &str, words: &str) -> String {
    let words = PreEscaped(words.replace('<', "\\u003c"));
    let script = html! { script class=(class) type="application/json" { (words) } };
    format!("\n{}\n", script.into_string())
}
