//! The figure of an example: its source next to its Python counterpart, the commands that run them,
//! the tested output, a recorded run, its test, and how to have it in a crate of one's own.
use anyhow::{Context, Result};
use harness::examples::Example;
use harness::files;
use harness::kept::recording::{Recording, Run};
use harness::kept::transcript::{Order, Transcript, next_name, values};
use harness::own_crate;
use maud::{Markup, PreEscaped, html};
use picture::Track;

use crate::figures::compare;
use crate::figures::context::PageContext;
use crate::figures::recorded::{self, track};
use crate::figures::words::Words;
use crate::page::links::{self, copy_of};
use crate::page::source;

/// The figure of an example.
#[derive(Debug, Clone, Copy)]
pub struct Figure<'a> {
    /// The sources of the figure.
    pub context: &'a PageContext<'a>,
    /// The example.
    pub example: &'a Example,
    /// The parts of its source, or none for the whole.
    pub parts: &'a [&'a str],
    /// The figure's id, unique in the book.
    pub id: &'a str,
}

/// A program of an example: the Rust one, or its Python counterpart.
struct Side<'a> {
    language: &'static str,
    file: &'a str,
    source: Markup,
    /// None if the other program's command runs it.
    command: Option<String>,
    /// Its output, if the other program prints something else.
    output: Option<Transcript>,
    /// Its recorded run, if there is one.
    run: Option<&'a Run>,
}

impl Figure<'_> {
    /// Draws the figure.
    ///
    /// # Errors
    ///
    /// When a file that belongs to the example is missing or wrong.
    pub fn draw(&self) -> Result<String> {
        let Self { context: PageContext { workspace, words, .. }, example, id, .. } = self;
        let name = &example.name;
        let output = Transcript::read(&workspace.snapshot(name))?;
        let recording = Recording::read(workspace, example)?;

        let rust = self.rust_file()?;
        let mut sides = vec![Side {
            language: "Rust",
            file: rust,
            source: self.source(rust, "rust,noplayground", "//")?,
            command: Some(example.command.join(" ")),
            output: None,
            run: recording.as_ref().map(|recording| &recording.rust),
        }];
        let mut shared = Some((words.output, output));
        if let Some(file) = &example.python {
            let own = workspace.snapshot(&format!("{name}.py"));
            let output = own.is_file().then(|| Transcript::read(&own)).transpose()?;
            if output.is_some() {
                sides[0].output = shared.take().map(|(_, output)| output);
            } else if let Some((caption, _)) = &mut shared
                && !example.is_extension
            {
                *caption = words.output_of_both;
            }
            let source = self.source(file, "python", "#")?;
            let run = recording.as_ref().and_then(|recording| recording.python.as_ref());
            let command = example.python_command();
            sides.push(Side { language: "Python", file, source, command, output, run });
        }

        let is_pair = sides.len() > 1;
        Ok(html! {
            figure.example id=(id) data-example=(name) data-variants=[self.variants()] {
                figcaption { strong { (name) } " " (example.description) }
                div.sources.pair[is_pair] {
                    @if is_pair {
                        @for (number, side) in sides.iter().enumerate() {
                            @let tab = format!("{id}-{}", side.language.to_lowercase());
                            input type="radio" name=(id) id=(tab) checked[number == 0];
                            label for=(tab) { (side.language) }
                        }
                    }
                    @for side in &sides {
                        div.source {
                            p.file {
                                (self.copy(side.file, side.file))
                                @if !self.parts.is_empty() { " " (words.in_part) }
                            }
                            (side.source)
                            @if let Some(words) = &side.command { (command(words)) }
                            @if let Some(output) = &side.output {
                                (self.output(words.output, output, side.run))
                            }
                        }
                    }
                }
                @if let Some((caption, output)) = &shared { (self.output(caption, output, sides[0].run)) }
                @if let Some(recording) = &recording { (self.run(recording)) }
                p.test { (words.tested_by) " " (self.test()?) }
                (self.own_crate())
            }
        }
        .into_string())
    }

    /// The names of the example's variants, for the script that makes the buttons.
    fn variants(&self) -> Option<String> {
        let names: Vec<_> = self.example.variants.iter().map(|it| it.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// The example as one of several variants: its command, its tested output, and its recorded run
    /// on an axis of at least `axis` seconds.
    pub fn as_variant(
        &self,
        variant: &str,
        output: &Transcript,
        recording: Option<&Recording>,
        axis: f64,
    ) -> Result<Markup> {
        let Self { context: PageContext { words, .. }, example, id, .. } = self;
        let run = recording.map(|recording| &recording.rust);
        Ok(html! {
            div.variant role="group" aria-label=(variant) data-variant=(variant) {
                p.name { strong { (variant) } }
                // Breaks between words only: not after a hyphen, which is part of an option.
                pre.command {
                    code.hljs.nohighlight {
                        @for (number, word) in example.command.iter().enumerate() {
                            @if number > 0 { " " }
                            span.word { (word) }
                        }
                    }
                }
                (self.output(words.output, output, run))
                @if let Some(Recording { rust: run, machine, .. }) = recording {
                    div.recorded {
                        p.caption { (words.recorded_run) }
                        (picture::draw(id, &[track(run, "", machine.cores)], axis, words.picture))
                        p.costs { (compare::cost_line(run, words)) }
                        details.times {
                            summary { (words.picture.lines_and_times) }
                            (picture::lines(variant, &recorded::lines(&run.lines), words.picture))
                        }
                    }
                }
                p.test { (words.tested_by) " " (self.test()?) }
            }
        })
    }

    /// A text that links to the book's copy of a file, if there is one.
    fn copy(&self, file: &str, text: &str) -> Markup {
        html! {
            @match self.context.copies {
                Some(folder) => a href={ (folder) (copy_of(file)) } { (text) },
                None => (text),
            }
        }
    }

    /// The name of the example's test, linked to the book's copy of its file if there is one.
    fn test(&self) -> Result<Markup> {
        let test = self.context.suite.test_of(&self.example.name)?;
        let name = html! { code { (test.name) } };
        Ok(html! {
            @match self.context.copies {
                Some(folder) => a href={ (folder) (links::test(test)) } { (name) },
                None => (name),
            }
            ", " (test.file)
        })
    }

    /// The Rust file that has the parts: usually the main program, else another module of its crate.
    fn rust_file(&self) -> Result<&str> {
        let main = self.example.source.as_str();
        let Some(wanted) = self.parts.first() else { return Ok(main) };
        let own = self.example.own_crates.last().into_iter().flat_map(|own| &own.files);
        let modules = own.map(|file| file.source.as_str()).filter(|file| file.ends_with(".rs"));
        for file in std::iter::once(main).chain(modules) {
            let text = files::read(&self.context.workspace.root, file)?;
            if source::parts(&text).any(|(_, part)| part == *wanted) {
                return Ok(file);
            }
        }
        Ok(main) // whose excerpt fails, and says which parts there are
    }

    /// A source as a fenced block, which mdBook renders with its highlighting. A whole Rust source
    /// begins below its header, because the caption and the command say the same.
    fn source(&self, file: &str, language: &str, comment: &str) -> Result<Markup> {
        let text = files::read(&self.context.workspace.root, file)?;
        let excerpt = |part| source::excerpt(&text, part).with_context(|| file.to_owned());
        let excerpt = match self.parts {
            [] => {
                let text = excerpt(None)?;
                let code = text.lines().skip_while(|line| line.starts_with("//!"));
                code.collect::<Vec<_>>().join("\n").trim_start().to_owned()
            }
            parts => {
                let parts: Result<Vec<_>> = parts.iter().map(|part| excerpt(Some(*part))).collect();
                parts?.join(&format!("\n\n{comment} …\n\n"))
            }
        };
        let fence = "`".repeat(6);
        Ok(PreEscaped(format!("\n\n{fence}{language}\n{excerpt}\n{fence}\n\n")))
    }

    /// The tested output. What differs from run to run is shown as the recorded run has it.
    fn output(&self, caption: &str, transcript: &Transcript, run: Option<&Run>) -> Markup {
        let words = self.context.words;
        let mut recorded: Vec<_> = run.into_iter().flat_map(|run| &run.lines).collect();
        let mut line = |tested: &str| {
            let fitting = recorded.iter().position(|line| values(&line.text, tested).is_some());
            let recorded = fitting.map(|at| recorded.remove(at).text.as_str());
            let values = recorded.and_then(|text| values(text, tested)).unwrap_or_default();
            varying(tested, &values, words)
        };
        html! {
            div.output role="group" aria-label=(caption) {
                p.caption { (caption) }
                @for group in &transcript.groups {
                    div.lines.marked[group.order != Order::Fixed] {
                        @if let Some(order) = (words.order)(group.order) { p.order { (order) } }
                        pre { samp {
                            @for tested in &group.lines { (line(tested)) (PreEscaped("&#10;")) }
                        } }
                    }
                }
            }
        }
    }

    /// The picture of a recorded run, what it cost, and each line with its time.
    fn run(&self, recording: &Recording) -> Markup {
        let words = self.context.words;
        let runs: Vec<_> = recording.runs().collect();
        let cores = recording.machine.cores;
        let tracks: Vec<Track<'_>> =
            runs.iter().map(|(language, run)| track(run, language, cores)).collect();
        html! {
            div.recorded role="group" aria-label=(words.recorded_run) {
                p.caption { (words.recorded_run) }
                (picture::draw(self.id, &tracks, 0.0, words.picture))
                ul.costs {
                    @for (language, run) in &runs {
                        li { b { (language) } " " (compare::cost_line(run, words)) }
                    }
                }
                details.times {
                    summary { (words.picture.lines_and_times) }
                    @for (language, run) in &runs {
                        (picture::lines(language, &recorded::lines(&run.lines), words.picture))
                    }
                }
                (compare::machines([recording], words))
            }
        }
    }

    /// The commands that make a crate of the reader's own, and the files to put into it.
    fn own_crate(&self) -> Markup {
        let crates = &self.example.own_crates;
        let dependencies = own_crate::dependency_lines(crates, self.context.repository);
        html! {
            details.copy {
                summary { (self.context.words.own_crate) }
                @if !dependencies.is_empty() {
                    p { (self.context.words.own_dependency) }
                    pre { code.language-toml { (in_one_line(&dependencies)) } }
                    @if self.context.repository.is_none() { p { (self.context.words.own_path) } }
                    p { (self.context.words.own_copy) }
                }
                (command(&own_crate::commands(crates)))
                p { (if self.example.is_extension { self.context.words.own_module } else { self.context.words.own_files }) }
                ul {
                    @for own in crates {
                        @for file in &own.files {
                            li {
                                code { (own.name) "/" (file.path) } ": "
                                (self.copy(&file.source, &file.source))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn command(words: &str) -> Markup {
    html! { pre.command { code.language-sh { (in_one_line(words)) } } }
}

/// A line of output in which `<name>` stands for text that differs from run to run. It is shown as
/// in one run, or as the name if these values are missing.
fn varying(line: &str, values: &[&str], words: &Words) -> Markup {
    html! {
        @match next_name(line) {
            Some((before, name, after)) => {
                (before)
                var title=(words.differs) { (values.first().unwrap_or(&name)) }
                (varying(after, values.get(1..).unwrap_or_default(), words))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::words::ENGLISH;

    #[test]
    fn what_varies_is_marked_and_the_rest_escaped() {
        let html = |line| varying(line, &["0.5"], &ENGLISH).into_string();
        let var = |name| format!("<var title=\"differs from run to run\">{name}</var>");
        assert_eq!(html("plain & simple"), "plain &amp; simple");
        assert_eq!(
            html("took <time>, <n> times"),
            format!("took {}, {} times", var("0.5"), var("n"))
        );
        assert_eq!(html("Vec<T> a < b <>"), "Vec&lt;T&gt; a &lt; b &lt;&gt;");
    }
}
