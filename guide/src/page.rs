//! Puts the examples into the pages: a line `{{#example NAME}}` becomes the example's source
//! beside its Python counterpart, the commands that run them, the tested output, and the picture
//! and the costs of a recorded run.
//!
//! `{{#example NAME:part,other}}` shows only what stands between the marks `ANCHOR: part` and
//! `ANCHOR_END: part`, and then the other part, of both sources. `{{#costs}}` is a table of what
//! every example cost, and `{{#compare NAME NAME}}` shows these examples' costs as bars.
//!
//! `{{#benchmark NAME}}` shows a benchmark, and `{{#benchmark NAME: measure; other}}` these measures of it;
//! `{{#benchmarks}}` is a table of who is ahead in each. `{{#measured STATEMENT}}`, a
//! [`Statement`], leaves nothing on the page, and fails the build if the figures do not bear out
//! what the page says there. `{{#ledger}}` is the [`Ledger`].
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use harness::examples::{Example, Workspace};
use harness::recording::Recording;
use harness::results::{BenchmarkResult, Results, Statement, directive, shown};
use harness::run::{Stream, TimedLine};
use harness::transcript::{Order, Transcript, next_name};
use maud::{Markup, PreEscaped, html};
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::chart;
use crate::check::{self, Fault, Page};
use crate::compare;
use crate::ledger::{self, Ledger, Proof};
use crate::outcomes;
use crate::schedule;
use crate::timeline::{self, Track};
use crate::words::{ENGLISH, Words};

/// What the benchmarks gave, as the book shows it, from the workspace's root.
pub const RESULTS: &str = "guide/results.json";

/// The preprocessor `example` of `guide/book.toml`.
#[derive(Debug)]
pub struct Examples {
    /// Where the examples are.
    pub workspace: Workspace,
    /// Whether the book holds a copy of each source and of each file of tests to link to, see
    /// [`source_copy`] and [`test_copy`].
    pub link_sources: bool,
    /// [`RESULTS`], read when a page first asks for them.
    results: OnceCell<Result<Results, String>>,
}

impl Examples {
    /// The preprocessor for a workspace's book.
    pub fn new(workspace: Workspace, link_sources: bool) -> Self {
        Self { workspace, link_sources, results: OnceCell::new() }
    }
}

/// Where the book keeps its copy of an example's source: text that any browser shows, also
/// from `file://`.
pub fn source_copy(example: &Example, source: &str) -> String {
    let extension = source.rsplit('.').next().unwrap_or_default();
    format!("examples/{}.{extension}.txt", example.name)
}

/// Where the book keeps its copy of a file of tests.
pub fn test_copy(file: &str) -> String {
    format!("{file}.txt")
}

impl Preprocessor for Examples {
    fn name(&self) -> &str {
        "example"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let folder = context.root.join(&context.config.book.src);
        let shown = folder.strip_prefix(&self.workspace.root).unwrap_or(&folder).to_owned();

        let mut pages = Vec::new();
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = &chapter.source_path
            {
                let path = path.to_string_lossy().replace('\\', "/");
                let file = shown.join(&path).to_string_lossy().replace('\\', "/");
                pages.push(Page { path, file, text: chapter.content.clone() });
            }
        });

        let mut faults = check::check(&pages, &folder);
        let links = Links::of(&pages, &folder);
        let expanded: Vec<_> =
            pages.iter().map(|page| self.expand(page, &links, &mut faults)).collect();
        for example in self.workspace.examples.values() {
            if !links.examples.contains_key(example.name.as_str()) {
                let message = format!(
                    "no page shows this example; put {{{{#example {}}}}} on a line of one",
                    example.name
                );
                faults.push(Fault { file: example.source.clone(), line: 1, message });
            }
        }
        if let Ok(results) = self.results() {
            for benchmark in results.benchmarks.iter().map(|benchmark| benchmark.name.as_str()) {
                let message = match links.benchmarks.get(benchmark).map_or(0, Vec::len) {
                    0 => {
                        format!(
                            "no page shows the benchmark; put {{{{#benchmark {benchmark}}}}} on one"
                        )
                    }
                    1 => continue,
                    _ => {
                        format!("{benchmark} is shown more than once; link to one of them instead")
                    }
                };
                faults.push(Fault { file: RESULTS.to_owned(), line: 1, message });
            }
        }
        if !faults.is_empty() {
            let lines: Vec<_> = faults.iter().map(Fault::to_string).collect();
            bail!("{}", lines.join("\n"));
        }

        let mut expanded = expanded.into_iter();
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && chapter.source_path.is_some()
                && let Some(text) = expanded.next()
            {
                chapter.content = text;
            }
        });
        Ok(book)
    }
}

/// Where on the pages things are.
#[derive(Debug)]
struct Links<'a> {
    /// The folder of all pages.
    folder: &'a Path,
    /// The page that explains an example: the first that shows it, but for the front page.
    examples: BTreeMap<&'a str, &'a str>,
    /// The pages that show a benchmark.
    benchmarks: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Links<'a> {
    fn of(pages: &'a [Page], folder: &'a Path) -> Self {
        let (mut examples, mut benchmarks) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
        // Backwards, so that of several pages the first one stays.
        for page in pages.iter().rev() {
            for directive in page.text.lines().filter_map(directive) {
                let path = page.path.as_str();
                if let Some(example) = directive.strip_prefix("example ") {
                    let name = example.split_once(':').map_or(example, |(name, _)| name);
                    examples.insert(name, path);
                } else if let Some((benchmark, _)) = shown(directive) {
                    benchmarks.entry(benchmark).or_default().push(path);
                }
            }
        }
        Self { folder, examples, benchmarks }
    }

    /// The address of a benchmark, from the folder of all pages.
    fn benchmark(&self, name: &str) -> Option<String> {
        let page = self.benchmarks.get(name)?.first()?;
        Some(format!("{}#{}", page.replace(".md", ".html"), chart::anchor(name)))
    }

    /// The address of what proves a claim, from the folder of all pages.
    fn proof(&self, proof: &Proof) -> Option<String> {
        match proof {
            Proof::Example(name) => Some(self.examples.get(name.as_str())?.replace(".md", ".html")),
            Proof::Benchmark(name) => self.benchmark(name),
            Proof::Test(file, _) => Some(test_copy(&ledger::source(file))),
        }
    }
}

impl Examples {
    /// The page with each directive replaced. What cannot be replaced becomes a fault.
    fn expand(&self, page: &Page, links: &Links<'_>, faults: &mut Vec<Fault>) -> String {
        let mut text = String::with_capacity(page.text.len());
        let mut count = 0;
        let mut at = 0;
        for line in page.text.split_inclusive('\n') {
            if let Some(directive) = directive(line) {
                count += 1;
                let id = format!("{}-{count}", page.path.trim_end_matches(".md").replace('/', "-"));
                match self.replacement(directive, page, &id, links) {
                    Ok(figure) => {
                        text += &figure;
                        text.push('\n'); // a blank line follows, which ends the HTML
                    }
                    Err(error) => faults.push(page.fault(at, format!("{error:#}"))),
                }
            } else {
                if line.contains("{{#") {
                    let message = "a directive must stand alone on its line, as {{#example NAME}}";
                    faults.push(page.fault(at, message));
                }
                text += line;
            }
            at += line.len();
        }
        text
    }

    fn replacement(
        &self,
        directive: &str,
        page: &Page,
        id: &str,
        links: &Links<'_>,
    ) -> Result<String> {
        let words = &ENGLISH;
        let (kind, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        match (kind, rest) {
            ("example", example) if !example.is_empty() => {
                let (name, parts) = example.split_once(':').unwrap_or((example, ""));
                let root = "../".repeat(page.path.matches('/').count());
                self.render(name, parts, id, &root)
            }
            ("costs", "") => compare::table(&self.workspace, &links.examples),
            ("compare", names) if !names.is_empty() => {
                let names: Vec<_> = names.split_whitespace().collect();
                compare::bars(&self.workspace, &names, id)
            }
            ("benchmark", benchmark) if !benchmark.is_empty() => {
                let (name, measures) = shown(directive).unwrap_or_default();
                self.benchmark(name, &measures)
            }
            ("benchmarks", "") => {
                let link = |benchmark: &BenchmarkResult| links.benchmark(&benchmark.name);
                Ok(chart::overview(self.results()?, link, words).into_string())
            }
            ("measured", statement) if !statement.is_empty() => {
                match Statement::parse(statement)?.contradiction(self.results()?)? {
                    None => Ok(String::new()),
                    Some(said) => bail!("what was measured contradicts the page: {said}"),
                }
            }
            ("schedule", name) if !name.is_empty() => {
                Ok(schedule::draw(&self.workspace, name, id)?.into_string())
            }
            ("outcomes", name) if !name.is_empty() => {
                Ok(outcomes::table(&self.workspace.root, name)?.into_string())
            }
            ("ledger", "") => {
                let file = links.folder.join(ledger::FILE);
                let ledger = Ledger::read(&file, &self.workspace, self.results()?)?;
                let link = |proof: &Proof| match proof {
                    Proof::Test(..) if !self.link_sources => None,
                    _ => links.proof(proof),
                };
                Ok(ledger.table(words, link).into_string())
            }
            _ => bail!(
                "{{{{#{directive}}}}} is none of {{{{#example NAME}}}}, {{{{#costs}}}}, \
                 {{{{#compare NAME NAME}}}}, {{{{#benchmark NAME}}}}, {{{{#benchmarks}}}}, \
                 {{{{#schedule NAME}}}}, {{{{#outcomes NAME}}}}, {{{{#measured STATEMENT}}}} and {{{{#ledger}}}}"
            ),
        }
    }

    /// What the benchmarks gave, as it is kept for the book.
    fn results(&self) -> Result<&Results> {
        let read = || {
            Results::read(&self.workspace.root.join(RESULTS)).map_err(|error| format!("{error:#}"))
        };
        let results = self.results.get_or_init(read).as_ref();
        results
            .map_err(|error| anyhow!("{error}; `cargo run --release -p bench -- --keep` makes it"))
    }

    /// A benchmark, with pictures of these measures, or of the first if none is named.
    fn benchmark(&self, name: &str, measures: &[&str]) -> Result<String> {
        let benchmark = self.results()?.benchmark(name)?;
        let measures = if measures.is_empty() {
            benchmark.measures.iter().take(1).collect()
        } else {
            measures.iter().map(|name| benchmark.measure(name)).collect::<Result<Vec<_>>>()?
        };
        Ok(chart::show(self.results()?, benchmark, &measures, &ENGLISH).into_string())
    }

    fn render(&self, name: &str, parts: &str, id: &str, root: &str) -> Result<String> {
        let words = &ENGLISH;
        let example = self.workspace.example(name)?;
        let output = Transcript::read(&self.workspace.snapshot(name))?;
        let recording = Recording::read(&self.workspace, example)?;
        let rust = self.source(&example.source, "rust,noplayground", "//", parts)?;
        let run = example.command.join(" ");

        let python = match &example.python {
            None => None,
            Some(file) => {
                let own = self.workspace.snapshot(&format!("{name}.py"));
                let own = own.is_file().then(|| Transcript::read(&own)).transpose()?;
                let source = self.source(file, "python", "#", parts)?;
                let run = example.python_command().unwrap_or_default();
                Some((file, source, run, own))
            }
        };
        let shared = python.as_ref().is_some_and(|(.., own)| own.is_none());

        Ok(html! {
            figure.example id=(id) data-example=(name) {
                figcaption { strong { (name) } " " (example.description) }
                div.sources.pair[python.is_some()] {
                    @if python.is_some() {
                        @for (number, language) in ["Rust", "Python"].into_iter().enumerate() {
                            @let tab = format!("{id}-{}", language.to_lowercase());
                            input type="radio" name=(id) id=(tab) checked[number == 0];
                            label for=(tab) { (language) }
                        }
                    }
                    div.source {
                        (self.file(example, &example.source, parts, root))
                        (rust)
                        (command(&run))
                        @if python.is_some() && !shared { (render_output(&output, words.output, words)) }
                    }
                    @if let Some((file, source, run, own)) = &python {
                        div.source {
                            (self.file(example, file, parts, root))
                            (source)
                            (command(run))
                            @if let Some(own) = own { (render_output(own, words.output, words)) }
                        }
                    }
                }
                @if shared {
                    (render_output(&output, words.output_of_both, words))
                } @else if python.is_none() {
                    (render_output(&output, words.output, words))
                }
                @if let Some(recording) = &recording { (render_run(recording, id, words)) }
                @if let Some(dependencies) = &example.dependencies {
                    details.copy {
                        summary { (words.copy) }
                        (command(&copy_commands(&example.package, dependencies)))
                    }
                }
            }
        }
        .into_string())
    }

    /// The name of a source file, as a link where the book holds a copy of it, and whether only
    /// parts of it are shown.
    fn file(&self, example: &Example, file: &str, parts: &str, root: &str) -> Markup {
        html! {
            p.file {
                @if self.link_sources {
                    a href={ (root) (source_copy(example, file)) } { (file) }
                } @else {
                    (file)
                }
                @if !parts.is_empty() { " " (ENGLISH.in_part) }
            }
        }
    }

    /// A source as a fenced block, which mdBook renders with its highlighting.
    fn source(&self, file: &str, language: &str, comment: &str, parts: &str) -> Result<Markup> {
        let root = &self.workspace.root;
        let text = if parts.is_empty() {
            Example::excerpt(root, file, None)?
        } else {
            let parts: Result<Vec<_>> = parts
                .split(',')
                .map(|part| Example::excerpt(root, file, Some(part.trim())))
                .collect();
            parts?.join(&format!("\n\n{comment} …\n\n"))
        };
        let fence = "`".repeat(6);
        Ok(PreEscaped(format!("\n\n{fence}{language}\n{text}\n{fence}\n\n")))
    }
}

fn command(words: &str) -> Markup {
    html! { pre.command { code.language-sh { (in_one_line(words)) } } }
}

/// The commands that make a crate of the reader's own, ready for the example's `main.rs`.
fn copy_commands(package: &str, dependencies: &[String]) -> String {
    let mut commands = vec![format!("cargo new {package}"), format!("cd {package}")];
    commands.extend(dependencies.iter().map(|words| format!("cargo add {words}")));
    commands.join("\n")
}

fn render_output(transcript: &Transcript, caption: &str, words: &Words) -> Markup {
    html! {
        div.output role="group" aria-label=(caption) {
            p.caption { (caption) }
            @for group in &transcript.groups {
                div.lines.marked[group.order != Order::Fixed] {
                    @if let Some(order) = (words.order)(group.order) { p.order { (order) } }
                    pre { samp {
                        @for line in &group.lines { (varying(line, words)) (PreEscaped("&#10;")) }
                    } }
                }
            }
        }
    }
}

/// The picture of a recorded run, what it cost, and each line with its time.
fn render_run(recording: &Recording, id: &str, words: &Words) -> Markup {
    let runs: Vec<_> = recording.runs().collect();
    let tracks: Vec<Track<'_>> =
        runs.iter().map(|(language, run)| Track::of(run, language)).collect();
    html! {
        div.recorded role="group" aria-label=(words.run) {
            p.caption { (words.run) }
            (timeline::draw(id, words.timeline, &timeline::describe(&tracks), &tracks, 0.0))
            ul.costs {
                @for (language, run) in &runs { li { b { (language) } " " (compare::cost_line(run)) } }
            }
            details.times {
                summary { (words.lines_and_times) }
                @for (language, run) in &runs { (times(language, &run.lines, words)) }
            }
            (compare::machines(std::iter::once(recording)))
        }
    }
}

fn times(language: &str, lines: &[TimedLine], words: &Words) -> Markup {
    html! {
        table {
            caption { (language) }
            tbody {
                @for line in lines {
                    tr {
                        td.number { (format!("{:.3} s", line.at)) }
                        td {
                            samp { (line.text) }
                            @if line.stream == Stream::Stderr { " " i { (words.stderr) } }
                        }
                    }
                }
            }
        }
    }
}

/// A line of output in which `<name>` stands for what differs from run to run.
fn varying(line: &str, words: &Words) -> Markup {
    html! {
        @match next_name(line) {
            Some((before, name, after)) => {
                (before)
                var title=(words.differs) { (name) }
                (varying(after, words))
            }
            None => { (line) }
        }
    }
}

/// HTML within Markdown ends at a blank line, so line ends are written as `&#10;`.
fn in_one_line(text: &str) -> Markup {
    let escaped = html! { (text) }.into_string();
    PreEscaped(escaped.replace('\n', "&#10;"))
}

/// Serves as the command of `[preprocessor.example]` in `book.toml`, so that plain
/// `mdbook build guide` works too: reads the book from stdin, writes it to stdout.
///
/// # Errors
///
/// When the input is not what mdBook sends, and when the book has a fault.
pub fn preprocess(workspace: Workspace) -> Result<()> {
    let (context, book) = mdbook_preprocessor::parse_input(std::io::stdin().lock())
        .context("reading the book that mdBook sends on stdin")?;
    let book = Examples::new(workspace, false).run(&context, book)?;
    serde_json::to_writer(std::io::stdout().lock(), &book).context("writing the book to stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_marked_and_the_rest_escaped() {
        let html = |line| varying(line, &ENGLISH).into_string();
        let var = |name| format!("<var title=\"differs from run to run\">{name}</var>");
        assert_eq!(html("plain & simple"), "plain &amp; simple");
        assert_eq!(
            html("took <time>, <n> times"),
            format!("took {}, {} times", var("time"), var("n"))
        );
        assert_eq!(html("Vec<T> a < b <>"), "Vec&lt;T&gt; a &lt; b &lt;&gt;");
    }
}
