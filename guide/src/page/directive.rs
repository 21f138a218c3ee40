//! Directives: lines of a page that the book replaces by what the repository contains, such as
//! `{{#example gather}}`.
use anyhow::{Context, Result, bail, ensure};

use crate::page::statement::Statement;

/// A directive, which stands alone on its line between `{{#` and `}}`.
#[derive(Debug, Clone, PartialEq)]
pub enum Directive<'a> {
    /// `example NAME`: an example with everything that belongs to it. `example NAME:part,other` shows only
    /// these parts of its source, in this order.
    Example {
        /// The example's name.
        name: &'a str,
        /// The names of the parts. Empty for the whole source.
        parts: Vec<&'a str>,
    },
    /// `costs`: a table of what every example cost.
    Costs,
    /// `compare NAME NAME`: the costs of these examples as bars.
    Compare(Vec<&'a str>),
    /// `benchmark NAME`: a benchmark with its first measure. `benchmark NAME: measure; other` shows
    /// these measures.
    Benchmark {
        /// The benchmark's name.
        name: &'a str,
        /// The names of the measures. Empty for the first one.
        measures: Vec<&'a str>,
    },
    /// `benchmarks`: a table of which implementation is ahead in each benchmark.
    Benchmarks,
    /// `measured STATEMENT`: leaves nothing on the page, and fails the build if the figures
    /// contradict the statement.
    Measured(Statement<'a>),
    /// `ledger`: every claim of the article with its proof.
    Ledger,
    /// `drawing NAME`: a drawing of an idea, from the folder `drawings` of the pages.
    Drawing(&'a str),
    /// `schedule NAME`: a failing schedule of a race next to one of the fixed program.
    Schedule(&'a str),
    /// `outcomes NAME`: the frequency of each outcome of a tiny program.
    Outcomes(&'a str),
    /// `transcript NAME`: the output of a tool such as a debugger.
    Transcript(&'a str),
    /// `variants NAME`: the variants of an example next to each other. `variants NAME: one, other`
    /// shows only these, in this order.
    Variants {
        /// The example's name.
        name: &'a str,
        /// The names of the variants. Empty for all of them.
        variants: Vec<&'a str>,
    },
    /// `chooser`: the questions of *When to use which*, to be answered.
    Chooser,
    /// `file PATH`: a file that is not an example, such as a configuration, by its path from the
    /// workspace's root.
    File(&'a str),
}

/// The form of each directive, for messages.
const FORMS: [&str; 15] = [
    "{{#example NAME}}",
    "{{#example NAME:part,other}}",
    "{{#costs}}",
    "{{#compare NAME NAME}}",
    "{{#benchmark NAME: measure; other}}",
    "{{#benchmarks}}",
    "{{#measured STATEMENT}}",
    "{{#ledger}}",
    "{{#drawing NAME}}",
    "{{#schedule NAME}}",
    "{{#outcomes NAME}}",
    "{{#transcript NAME}}",
    "{{#variants NAME: variant, other}}",
    "{{#chooser}}",
    "{{#file PATH}}",
];

impl<'a> Directive<'a> {
    /// The directive on a line. None if the line has none.
    ///
    /// # Errors
    ///
    /// When a directive shares its line with other text, is unknown, lacks what it needs or is
    /// given more than it takes.
    pub fn parse(line: &'a str) -> Result<Option<Self>> {
        if !line.contains("{{#") {
            return Ok(None);
        }
        let inner = line.trim().strip_prefix("{{#").and_then(|line| line.strip_suffix("}}"));
        let inner = inner.filter(|inner| !inner.contains("{{") && !inner.contains("}}"));
        let inner =
            inner.context("a directive must stand alone on its line, as {{#example NAME}}")?;

        let (kind, rest) = inner.split_once(' ').unwrap_or((inner, ""));
        let alone = |directive| {
            ensure!(rest.is_empty(), "{{{{#{kind}}}}} takes no argument, but has {rest:?}");
            Ok(directive)
        };
        let named = |form: &str| {
            ensure!(!rest.is_empty(), "{{{{#{kind}}}}} lacks its argument; write {form}");
            Ok(rest)
        };
        let directive = match kind {
            "example" => {
                let example = named(FORMS[0])?;
                let (name, parts) = example.split_once(':').unwrap_or((example, ""));
                Self::Example { name, parts: list(parts, ',') }
            }
            "costs" => alone(Self::Costs)?,
            "compare" => Self::Compare(named(FORMS[3])?.split_whitespace().collect()),
            "benchmark" => {
                let benchmark = named(FORMS[4])?;
                let (name, measures) = benchmark.split_once(':').unwrap_or((benchmark, ""));
                Self::Benchmark { name, measures: list(measures, ';') }
            }
            "benchmarks" => alone(Self::Benchmarks)?,
            "measured" => {
                let statement = named(FORMS[6])?;
                let parsed = Statement::parse(statement);
                Self::Measured(parsed.with_context(|| format!("the statement {statement:?}"))?)
            }
            "ledger" => alone(Self::Ledger)?,
            "drawing" => Self::Drawing(named(FORMS[8])?),
            "schedule" => Self::Schedule(named(FORMS[9])?),
            "outcomes" => Self::Outcomes(named(FORMS[10])?),
            "transcript" => Self::Transcript(named(FORMS[11])?),
            "variants" => {
                let example = named(FORMS[12])?;
                let (name, variants) = example.split_once(':').unwrap_or((example, ""));
                Self::Variants { name, variants: list(variants, ',') }
            }
            "chooser" => alone(Self::Chooser)?,
            "file" => Self::File(named(FORMS[14])?),
            _ => bail!("{{{{#{inner}}}}} is none of {}", FORMS.join(", ")),
        };
        Ok(Some(directive))
    }

    /// The directives of a page, each with the byte at which its line begins.
    pub fn all(page: &'a str) -> impl Iterator<Item = (usize, Result<Self>)> {
        let mut next = 0;
        page.split_inclusive('\n').filter_map(move |line| {
            let at = next;
            next += line.len();
            Some((at, Self::parse(line).transpose()?))
        })
    }
}

fn list(items: &str, separator: char) -> Vec<&str> {
    items.split(separator).map(str::trim).filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let parse = |line| Directive::parse(line).unwrap();
        assert_eq!(parse("plain text {{ with }} braces"), None);
        assert_eq!(
            parse("{{#example gather}}\n"),
            Some(Directive::Example { name: "gather", parts: vec![] })
        );
        assert_eq!(
            parse("{{#example orphan:broken,fixed}}"),
            Some(Directive::Example { name: "orphan", parts: vec!["broken", "fixed"] })
        );
        assert_eq!(parse(" {{#costs}} "), Some(Directive::Costs));
        assert_eq!(parse("{{#file a/b.conf}}"), Some(Directive::File("a/b.conf")));
        assert_eq!(parse("{{#compare a b}}"), Some(Directive::Compare(vec!["a", "b"])));
        assert_eq!(
            parse("{{#benchmark waiting}}"),
            Some(Directive::Benchmark { name: "waiting", measures: vec![] })
        );
        assert_eq!(
            parse("{{#benchmark start: round trip, one core; map}}"),
            Some(Directive::Benchmark {
                name: "start",
                measures: vec!["round trip, one core", "map"]
            })
        );
        assert_eq!(parse("{{#benchmarks}}"), Some(Directive::Benchmarks));
        assert!(matches!(parse("{{#measured cpu: a <= b}}"), Some(Directive::Measured(_))));
        assert_eq!(parse("{{#ledger}}"), Some(Directive::Ledger));
        assert_eq!(parse("{{#drawing pool}}"), Some(Directive::Drawing("pool")));
        assert_eq!(parse("{{#schedule deadlock}}"), Some(Directive::Schedule("deadlock")));
        assert_eq!(parse("{{#outcomes lost-update}}"), Some(Directive::Outcomes("lost-update")));
        assert_eq!(parse("{{#transcript hung-gdb}}"), Some(Directive::Transcript("hung-gdb")));
        assert_eq!(
            parse("{{#variants many-waits}}"),
            Some(Directive::Variants { name: "many-waits", variants: vec![] })
        );
        assert_eq!(
            parse("{{#variants blocked-loop: inline, rayon}}"),
            Some(Directive::Variants { name: "blocked-loop", variants: vec!["inline", "rayon"] })
        );
        assert_eq!(parse("{{#chooser}}"), Some(Directive::Chooser));
    }

    #[test]
    fn an_error_says_what_is_wrong_and_what_there_is() {
        let cases = [
            ("text {{#costs}}", "must stand alone on its line"),
            ("{{#costs}} {{#ledger}}", "must stand alone on its line"),
            ("{{#costs", "must stand alone on its line"),
            ("{{#include x}}", "{{#include x}} is none of {{#example NAME}}, "),
            ("{{#example}}", "{{#example}} lacks its argument; write {{#example NAME}}"),
            ("{{#compare}}", "write {{#compare NAME NAME}}"),
            ("{{#costs all}}", "{{#costs}} takes no argument, but has \"all\""),
            ("{{#measured cpu: a < b}}", "the statement \"cpu: a < b\": it has neither <= nor >="),
        ];
        for (line, expected) in cases {
            let error = format!("{:#}", Directive::parse(line).unwrap_err());
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
