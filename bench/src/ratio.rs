//! Ratios between contenders that took turns, beside what was aimed at.
//!
//! A machine is now faster, now slower, and two figures of different minutes say little. So the
//! contenders are measured in rounds, and what is compared are the figures of the same round.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The nanoseconds of each contender, round by round.
#[derive(Debug, Default)]
pub struct Rounds(BTreeMap<(String, String), Vec<f64>>);

/// What is aimed at: that one contender takes so many times as long as another.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The subject that both are measured in.
    pub subject: &'static str,
    /// The contender above the line.
    pub slow: &'static str,
    /// The one below.
    pub fast: &'static str,
    /// What their ratio is to be.
    pub ratio: Aim,
}

/// A bound of a ratio.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// It is to be this or more.
    AtLeast(f64),
    /// It is to be this or less.
    AtMost(f64),
}

impl Rounds {
    /// Adds what criterion has written about a contender.
    ///
    /// # Errors
    ///
    /// When it has written nothing.
    pub fn add(&mut self, output: &Path, subject: &str, contender: &str, id: &str) -> Result<()> {
        let file = output.join(id).join("new/estimates.json");
        let text = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let estimates: serde_json::Value = serde_json::from_slice(&text)?;
        let median = estimates["median"]["point_estimate"].as_f64();
        let median = median.with_context(|| format!("{}: no median", file.display()))?;
        self.0.entry((subject.to_owned(), contender.to_owned())).or_default().push(median);
        Ok(())
    }

    /// Adds the rounds of another.
    pub fn append(&mut self, other: Self) {
        for (contender, rounds) in other.0 {
            self.0.entry(contender).or_default().extend(rounds);
        }
    }

    /// Prints the median of each contender, with the least and the most of the rounds.
    pub fn print_times(&self) {
        println!("{:<28}{:<28}{:>12}   {:>10} to {:<10}", "", "", "µs", "least", "most");
        for ((subject, contender), rounds) in &self.0 {
            let (least, median, most) = spread(rounds);
            let [least, median, most] = [least, median, most].map(|time| time / 1000.0);
            println!("{subject:<28}{contender:<28}{median:>12.3}   {least:>10.3} to {most:<10.3}");
        }
    }

    /// Prints each ratio beside its target. What was not measured is left out.
    pub fn print_ratios(&self, targets: &[Target]) {
        for target in targets {
            let rounds =
                |contender: &str| self.0.get(&(target.subject.to_owned(), contender.to_owned()));
            let (Some(slow), Some(fast)) = (rounds(target.slow), rounds(target.fast)) else {
                continue;
            };
            let ratios: Vec<_> = slow.iter().zip(fast).map(|(slow, fast)| slow / fast).collect();
            let (least, median, most) = spread(&ratios);
            let (aim, met) = match target.ratio {
                Aim::AtLeast(aim) => (format!("at least {aim}"), median >= aim),
                Aim::AtMost(aim) => (format!("at most {aim}"), median <= aim),
            };
            println!(
                "{:<28}{:<52}{median:>7.2}  ({least:.2} to {most:.2})  {aim}: {}",
                target.subject,
                format!("{} / {}", target.slow, target.fast),
                if met { "met" } else { "MISSED" },
            );
        }
    }
}

/// The least, the median and the most.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_least_median_and_most() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
        assert!(spread(&[]).1.is_nan());
    }
}
