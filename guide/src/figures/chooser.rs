//! The chooser: the questions of the page *When to use which*. The first yes decides, and an answer
//! names the model, the measurement that supports it, and the example to start from.
//!
//! The questions are in `chooser.toml` next to the pages. Without its script, a page shows them as
//! a list with all answers.
use std::fs;
use std::path::Path;

use crate::page::statement::Statement;
use anyhow::{Context, Result, bail, ensure};
use harness::examples::Workspace;
use harness::kept::results::Results;
use maud::{Markup, html};
use serde::Deserialize;

use crate::figures::chart;
use crate::figures::words::Words;
use crate::page::Page;
use crate::page::links::Links;

/// The chooser's file, in the folder of the pages.
pub const FILE: &str = "chooser.toml";
/// The page that gives the reasons, in the same folder.
pub const PAGE: &str = "which.md";

/// The questions with their answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chooser {
    /// In the order in which they are asked.
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
    /// The answer if all others are no.
    pub otherwise: Answer,
}

/// A question that yes or no answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question.
    pub ask: String,
    /// Its meaning, in a sentence or two.
    pub more: String,
    /// The id of the heading on [`PAGE`] that gives the reasons.
    pub section: String,
    /// The answer if it is yes.
    pub yes: Answer,
}

/// The end of the chooser.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The model.
    pub model: String,
    /// The kinds of program that `choose` gives the same model: the names of its rules.
    pub rules: Vec<String>,
    /// The reason, in a few sentences.
    pub why: String,
    /// The conditions for the kept results, as statements of [`Statement`].
    pub measured: Vec<String>,
    /// The measurement that supports it.
    pub chart: Chart,
    /// The examples to start from.
    pub start: Vec<Start>,
}

/// A part of a benchmark's results.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The benchmark's name.
    pub benchmark: String,
    /// The measure's name.
    pub measure: String,
    /// The size, if the benchmark has several.
    pub size: Option<u64>,
    /// The implementations.
    pub implementations: Vec<String>,
}

/// An example to start from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The case in which a reader starts from it. Default: always.
    pub when: Option<String>,
    /// The example's name.
    pub example: String,
}

impl Chooser {
    /// Reads the chooser from the folder of the pages, and checks what it says about the figures.
    ///
    /// # Errors
    ///
    /// When it is missing or malformed, names a heading that does not exist, or says something that
    /// the figures contradict. The message names the file and the question.
    pub fn read(pages: &Path, results: &Results) -> Result<Self> {
        let chooser = Self::parse(&pages.join(FILE))?;
        let page = fs::read_to_string(pages.join(PAGE))
            .with_context(|| format!("{FILE}: reading {PAGE}, which gives the reasons"))?;
        for question in &chooser.questions {
            let Question { ask, section, yes, .. } = question;
            let check = || -> Result<()> {
                let heading = format!("{{#{section}}}");
                ensure!(page.contains(&heading), "{PAGE} has no heading with the id {section}");
                yes.check(results)
            };
            check().with_context(|| format!("{FILE}: {ask:?}"))?;
        }
        chooser.otherwise.check(results).with_context(|| format!("{FILE}: otherwise"))?;
        Ok(chooser)
    }

    /// Reads the chooser without checking it.
    ///
    /// # Errors
    ///
    /// When it is missing or malformed.
    pub fn parse(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("reading {FILE}"))?;
        toml::from_str(&text).with_context(|| format!("reading {FILE}"))
    }

    /// All answers: that of each question, and the last one.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.questions.iter().map(|question| &question.yes).chain([&self.otherwise])
    }

    /// The chooser as HTML. `id` must be unique in the book, and `up` is the path to the folder of
    /// all pages.
    ///
    /// # Errors
    ///
    /// When an example or a figure that it names does not exist.
    pub fn draw(&self, id: &str, up: &str, sources: &Sources<'_>, words: &Words) -> Result<Markup> {
        let reasons = format!("{up}{}", Page::address(PAGE));
        let labels = &words.chooser;
        let mut drawn = Vec::new();
        for (number, answer) in self.answers().enumerate() {
            let part = format!("{id}-{number}");
            let shown = sources.answer(answer, &part, up, words);
            let shown = shown.with_context(|| format!("{FILE}: the answer {:?}", answer.model))?;
            let section = self.questions.get(number).map(|question| question.section.as_str());
            drawn.push(html! {
                (shown)
                p {
                    a href={ (reasons) @if let Some(section) = section { "#" (section) } } {
                        (labels.reasons)
                    }
                }
            });
        }
        Ok(html! {
            section.model-chooser id=(id) aria-label=(labels.title) {
                ol.tree {
                    @for Question { ask, section, yes, .. } in &self.questions {
                        li {
                            a href={ (reasons) "#" (section) } { (ask) } " " (labels.yes) ": "
                            strong { (yes.model) } ". " (yes.why) " " (sources.start_in_words(yes, up, words)?)
                        }
                    }
                    li {
                        (labels.otherwise) ": " strong { (self.otherwise.model) } ". " (self.otherwise.why)
                        " " (sources.start_in_words(&self.otherwise, up, words)?)
                    }
                }
                div.questions hidden {
                    @for (number, Question { ask, more, .. }) in self.questions.iter().enumerate() {
                        @let part = format!("{id}-question-{number}");
                        fieldset hidden[number > 0] aria-describedby=(part)
                            data-aloud=((labels.question)(number + 1, ask))
                        {
                            legend { (number + 1) ". " (ask) }
                            p id=(part) { (more) }
                            @for (value, word) in [("yes", labels.yes), ("no", labels.no)] {
                                label {
                                    input type="radio" name={ (part) "-choice" } value=(value);
                                    (word)
                                }
                            }
                        }
                    }
                    @for (answer, shown) in self.answers().zip(&drawn) {
                        div.answer hidden data-aloud=((labels.answer)(&answer.model)) { (shown) }
                    }
                    button.again type="button" hidden { (labels.again) }
                    p.aloud role="status" {}
                }
            }
        })
    }
}

impl Answer {
    fn check(&self, results: &Results) -> Result<()> {
        for statement in &self.measured {
            if let Some(said) = Statement::parse(statement)?.contradiction(results)? {
                bail!("what was measured contradicts it: {said}");
            }
        }
        ensure!(!self.start.is_empty(), "it has no example to start from");
        Ok(())
    }
}

/// The sources of the answers.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The workspace of the examples.
    pub workspace: &'a Workspace,
    /// The results of the benchmarks.
    pub results: &'a Results,
    /// The pages of both.
    pub links: &'a Links<'a>,
}

impl Sources<'_> {
    /// An answer with its chart.
    fn answer(&self, answer: &Answer, id: &str, up: &str, words: &Words) -> Result<Markup> {
        let Answer { model, why, chart, .. } = answer;
        let labels = &words.chooser;
        let benchmark = self.results.benchmark(&chart.benchmark)?;
        let Chart { measure, size, implementations, .. } = chart;
        let picture = chart::excerpt(id, benchmark, measure, *size, implementations, words)?;
        Ok(html! {
            p.model { (labels.take) " " strong { (model) } }
            p { (why) }
            (picture)
            @if let Some(link) = self.links.benchmark(&benchmark.name) {
                p.machine { a href={ (up) (link) } { (words.all_figures) } }
            }
            p.start { (labels.start_from) ":" }
            ul {
                @for Start { when, example } in &answer.start {
                    @let example = self.workspace.example(example)?;
                    li {
                        @if let Some(when) = when { (when) " " }
                        (self.example(&example.name, up)) ": " (example.description)
                    }
                }
            }
        })
    }

    /// The examples to start from, as sentences.
    fn start_in_words(&self, answer: &Answer, up: &str, words: &Words) -> Result<Markup> {
        for start in &answer.start {
            self.workspace.example(&start.example)?;
        }
        Ok(html! {
            @for (number, Start { when, example }) in answer.start.iter().enumerate() {
                @match when {
                    Some(when) => { (when) " " },
                    None => { (words.chooser.start_from) " " },
                }
                (self.example(example, up)) "."
                @if number + 1 < answer.start.len() { " " }
            }
        })
    }

    fn example(&self, name: &str, up: &str) -> Markup {
        html! {
            @match self.links.example(name) {
                Some(link) => a href={ (up) (link) } { code { (name) } },
                None => code { (name) },
            }
        }
    }
}
