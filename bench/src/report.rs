//! Prints the results of a benchmark to the terminal.

use std::fmt::Write as _;

use harness::kept::results::{
    BenchmarkResult, Category, Entry, Measure, Spread, digits, thousands,
};

/// Returns a benchmark as a table: the median, minimum and maximum of the rounds, and those of the
/// ratio to the best implementation, which compares figures of the same round.
pub fn table(benchmark: &BenchmarkResult) -> String {
    let mut text = format!("\n{}: {}\n{}\n", benchmark.name, benchmark.question, benchmark.method);
    for measure in &benchmark.measures {
        for size in benchmark.sizes() {
            let Some(best) = benchmark.best(measure, size) else { continue };
            let at = size.map(|size| format!(", {}", benchmark.heading(size)));
            let heading = format!("{}{}", measure.heading(), at.unwrap_or_default());
            line(
                &mut text,
                &heading,
                ["median", "min", "max", "ratio", "min", "max"].map(str::to_owned),
            );
            for entry in benchmark.at(size) {
                row(&mut text, entry, best, measure);
            }
        }
    }
    for out in &benchmark.left_out {
        let at = out.size.map(|size| format!(" from {} on", thousands(size)));
        let (implementation, at) = (&out.implementation, at.unwrap_or_default());
        writeln!(text, "left out: {implementation}{at}: {}", out.why)
            .expect("a string takes all text");
    }
    text
}

fn row(text: &mut String, entry: &Entry, best: &Entry, measure: &Measure) {
    let Some(spread) = entry.spread(measure) else { return };
    let ratio = entry.ratio(best, measure);
    let cells = |Spread { min, median, max }| [median, min, max].map(digits);
    let [median, min, max] = cells(spread);
    let [ratio, ratio_min, ratio_max] = ratio.map_or_else(Default::default, cells);
    let name = match entry.category {
        Category::LowerBound => format!("  ({})", entry.implementation),
        _ => format!("  {}", entry.implementation),
    };
    line(text, &name, [median, min, max, ratio, ratio_min, ratio_max]);
}

fn line(text: &mut String, name: &str, cells: [String; 6]) {
    let [median, min, max, ratio, ratio_min, ratio_max] = cells;
    let times = format!("{median:>13}{min:>13}{max:>13}");
    let ratios = format!("{ratio:>9}{ratio_min:>9}{ratio_max:>9}");
    let written = writeln!(text, "{name:<44}{times}{ratios}");
    written.expect("a string takes all text");
}

/// Returns the best implementations of each benchmark, one line per size.
pub fn best(benchmarks: &[BenchmarkResult]) -> String {
    let mut text = String::from("\nThe best implementations\n");
    for benchmark in benchmarks {
        let Some(measure) = benchmark.measures.first() else { continue };
        for size in benchmark.sizes() {
            let best = benchmark.ahead(measure, size);
            if best.is_empty() {
                continue;
            }
            let names: Vec<_> = best.iter().map(|entry| entry.implementation.as_str()).collect();
            let size = size.map(|size| format!(" {}", thousands(size))).unwrap_or_default();
            let written =
                writeln!(text, "  {:<28}{}", format!("{}{size}", benchmark.name), names.join("; "));
            written.expect("a string takes all text");
        }
    }
    text
}
