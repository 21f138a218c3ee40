//! Replaces the directives of all pages, see [`Directive`], and finds what is wrong on the pages and
//! in the files that they show. mdBook calls it as the preprocessor `example`.
use std::cell::OnceCell;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::page::directive::Directive;
use crate::page::source;
use crate::page::suite::Suite;
use anyhow::{Context, Result, anyhow, bail, ensure};
use harness::examples::{Example, Workspace};
use harness::files;
use harness::kept::results::{BenchmarkResult, Results};
use maud::{PreEscaped, html};
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use tempfile::NamedTempFile;

use crate::book::check;
use crate::figures::chart;
use crate::figures::chooser::{Chooser, Sources};
use crate::figures::compare;
use crate::figures::drawing;
use crate::figures::example::Figure;
use crate::figures::ledger::{self, Ledger, Proof};
use crate::figures::outcomes;
use crate::figures::schedule;
use crate::figures::transcript;
use crate::figures::variants;
use crate::figures::words::Words;
use crate::page::links::{self, Links};
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
    /// Whether the book has copies of the workspace's files to link to, see [`links::copy_of`].
    /// Default: false.
    pub has_copies: bool,
    /// The address of the book's repository. Default: none.
    pub repository: Option<String>,
    /// The words of a live run, as JSON, if the book is served, so that its examples can be run.
    /// Default: none.
    pub live_words: Option<String>,
}

impl Examples {
    /// The preprocessor for a workspace's book.
    ///
    /// # Errors
    ///
    /// When the sources of the tests cannot be read.
    pub fn new(workspace: Workspace) -> Result<Self> {
        let suite = Suite::read(&workspace.root)?;
        let results = OnceCell::new();
        Ok(Self {
            workspace,
            suite,
            results,
            has_copies: false,
            repository: None,
            live_words: None,
        })
    }

    /// The pages with each directive replaced. `folder` holds the pages and their images.
    ///
    /// # Errors
    ///
    /// When something is wrong, with one line for each fault that names the file and the line.
    pub fn expand(&self, pages: &[Page], folder: &Path, words: &Words) -> Result<Vec<String>> {
        let links = Links::of(pages);
        let mut faults = check::check(pages, folder);
        faults.extend(self.unused_examples(&links)?);
        faults.extend(self.unused_variants(&links));
        faults.extend(self.misplaced_benchmarks(&links));
        faults.extend(unused_drawings(pages, folder));
        faults.extend(unused_transcripts(pages, &self.workspace.root));
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

/// Drawings that no page shows.
fn unused_drawings(pages: &[Page], folder: &Path) -> Vec<Fault> {
    let is_shown = |name: &String| {
        let shown = pages.iter().flat_map(|page| Directive::all(&page.text));
        shown.into_iter().any(|directive| directive == Directive::Drawing(name))
    };
    let unused = drawing::names(folder).into_iter().filter(|name| !is_shown(name));
    let fault = |name| Fault {
        file: format!("drawings/{name}.svg"),
        line: 1,
        message: format!("no page shows the drawing; put {{{{#drawing {name}}}}} on one"),
    };
    unused.map(fault).collect()
}

/// Transcripts that no page shows.
fn unused_transcripts(pages: &[Page], root: &Path) -> Vec<Fault> {
    let is_shown = |name: &String| {
        let mut shown = pages.iter().flat_map(|page| Directive::all(&page.text));
        shown.any(|directive| directive == Directive::Transcript(name))
    };
    let unused = transcript::names(root).into_iter().filter(|name| !is_shown(name));
    let fault = |name| Fault {
        file: format!("{}/{name}.txt", transcript::FOLDER),
        line: 1,
        message: format!("no page shows the transcript; put {{{{#transcript {name}}}}} on one"),
    };
    unused.map(fault).collect()
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
        let slashed = |path: &Path| path.to_string_lossy().replace('\\', "/");

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
        let mut shows_example = false;
        let mut at = 0;
        for (number, line) in page.text.split_inclusive('\n').enumerate() {
            // Unique in the book, which the print page shows as a whole.
            let id = || {
                format!("{}-{}", page.path.trim_end_matches(".md").replace('/', "-"), number + 1)
            };
            let replaced = Directive::parse(line).and_then(|directive| {
                shows_example |= matches!(directive, Some(Directive::Example { .. }));
                directive.map(|directive| self.replacement(&directive, page, &id())).transpose()
            });
            match replaced {
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
        let skip = html! { div.skip-words data-skip=(self.words.skip) hidden {} };
        text += &format!("\n\n{}\n", skip.into_string());
        if shows_example {
            let replay = &self.words.picture.replay;
            text += &script("replay-words", &serde_json::to_string(replay).unwrap_or_default());
            if let Some(words) = &self.examples.live_words {
                text += &script("live-words", words);
            }
        }
        text
    }

    fn replacement(&self, directive: &Directive<'_>, page: &Page, id: &str) -> Result<String> {
        let Self { words, links, examples: Examples { workspace, suite, has_copies, .. }, .. } =
            self;
        Ok(match directive {
            Directive::Example { name, parts } => {
                let example = workspace.example(name)?;
                ensure!(
                    example.variant_of().is_none(),
                    "{name} is a variant; show it with {{{{#variants {}}}}}",
                    name.replacen("--", ": ", 1)
                );
                let up = page.up();
                let figure = Figure {
                    workspace,
                    example,
                    parts,
                    test: suite.test_of(name)?,
                    id,
                    copies: has_copies.then_some(up.as_str()),
                    repository: self.examples.repository.as_deref(),
                    words,
                };
                figure.draw()?
            }
            Directive::Variants { name, variants } => {
                let up = page.up();
                let copies = has_copies.then_some(up.as_str());
                let example = workspace.example(name)?;
                variants::draw(workspace, suite, example, variants, id, copies, words)?
            }
            Directive::Chooser => {
                let results = self.examples.results()?;
                let sources = Sources { workspace, results, links };
                let chooser = Chooser::read(self.folder, results)?;
                chooser.draw(id, &page.up(), &sources, words)?.into_string()
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
                        let test = suite.test(file, name).ok().filter(|_| *has_copies);
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
