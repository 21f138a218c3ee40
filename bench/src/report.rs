//! Tells on a terminal what a contest gave.

use std::fmt::Write as _;

use guide::contest::{Contest, Entry, Language, Measure, Spread, digits, thousands};

/// A contest as a table: the median of the rounds with the least and the most, and how many times
/// the figure of the one who is ahead that is, from the pairs of the same round.
pub fn table(contest: &Contest) -> String {
    let mut text = format!("\n{}: {}\n{}\n", contest.name, contest.question, contest.method);
    for measure in &contest.measures {
        for size in contest.sizes() {
            let Some(best) = contest.best(measure, size) else { continue };
            let at = size.map(|size| format!(", {}", contest.heading(size)));
            let heading = format!("{}{}", measure.heading(), at.unwrap_or_default());
            line(
                &mut text,
                &heading,
                ["median", "least", "most", "ratio", "least", "most"].map(str::to_owned),
            );
            for entry in contest.at(size) {
                row(&mut text, entry, best, measure);
            }
        }
    }
    for out in &contest.left_out {
        let at = out.size.map(|size| format!(" from {} on", thousands(size)));
        let (contender, at) = (&out.contender, at.unwrap_or_default());
        writeln!(text, "left out: {contender}{at}: {}", out.why).expect("a string takes all text");
    }
    text
}

fn row(text: &mut String, entry: &Entry, best: &Entry, measure: &Measure) {
    let Some(spread) = entry.spread(measure) else { return };
    let ratio = entry.ratio(best, measure);
    let cells = |Spread { least, median, most }| [median, least, most].map(digits);
    let [median, least, most] = cells(spread);
    let ratio = ratio.map_or_else(Default::default, cells);
    let [ratio_median, ratio_least, ratio_most] = ratio;
    let name = match entry.language {
        Language::Floor => format!("  ({})", entry.contender),
        _ => format!("  {}", entry.contender),
    };
    line(text, &name, [median, least, most, ratio_median, ratio_least, ratio_most]);
}

fn line(text: &mut String, name: &str, cells: [String; 6]) {
    let [median, least, most, ratio, ratio_least, ratio_most] = cells;
    let times = format!("{median:>13}{least:>13}{most:>13}");
    let ratios = format!("{ratio:>9}{ratio_least:>9}{ratio_most:>9}");
    let written = writeln!(text, "{name:<44}{times}{ratios}");
    written.expect("a string takes all text");
}

/// Who is ahead in each contest, a line for each size.
pub fn winners(contests: &[Contest]) -> String {
    let mut text = String::from("\nWho is ahead\n");
    for contest in contests {
        let Some(measure) = contest.measures.first() else { continue };
        for size in contest.sizes() {
            let ahead = contest.ahead(measure, size);
            if ahead.is_empty() {
                continue;
            }
            let names: Vec<_> = ahead.iter().map(|entry| entry.contender.as_str()).collect();
            let size = size.map(|size| format!(" {}", thousands(size))).unwrap_or_default();
            let written =
                writeln!(text, "  {:<28}{}", format!("{}{size}", contest.name), names.join("; "));
            written.expect("a string takes all text");
        }
    }
    text
}
