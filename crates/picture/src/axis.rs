//! The axis of a picture, from left to right. Positions are percentages, so a
//! picture fits every width.
//!
//! ```
//! use picture::axis::Axis;
//!
//! let axis = Axis::linear(2.0);
//! assert_eq!(axis.across(0.5), "25.00%");
//! let svg = axis.draw(100, |value| format!("{value:.1} s")).into_string();
//! assert!(svg.contains("1.5 s"), "{svg}");
//! ```
use maud::{Markup, html};

/// The range of values between the left and the right edge of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    from: f64,
    to: f64,
    is_logarithmic: bool,
}

/// The maximum number of steps, of a logarithmic axis: of powers of ten.
const STEPS: f64 = 6.0;

impl Axis {
    /// An axis from 0 to exactly this value.
    pub fn linear(to: f64) -> Self {
        Self { from: 0.0, to, is_logarithmic: false }
    }

    /// An axis with round ends for values from `min` to `max`: logarithmic if
    /// the maximum is more than ten times the minimum, otherwise from 0.
    pub fn between(min: f64, max: f64) -> Self {
        if min > 0.0 && max / min > 10.0 {
            let (from, to) = (round_down(min), round_up(max));
            Self { from, to, is_logarithmic: true }
        } else {
            Self::linear(round_up(max.max(f64::MIN_POSITIVE)))
        }
    }

    /// The value at the right edge.
    pub fn end(&self) -> f64 {
        self.to
    }

    /// Checks whether each step multiplies the value instead of adding to it.
    pub fn is_logarithmic(&self) -> bool {
        self.is_logarithmic
    }

    /// The position of a value as a percentage, for an attribute of SVG.
    pub fn across(&self, value: f64) -> String {
        format!("{:.2}%", self.position(value) * 100.0)
    }

    /// The grid lines and the labels below them, as SVG. `bottom` is the end
    /// of the lines in pixels. The labels need 22 pixels more.
    pub fn draw(
        &self,
        bottom: u32,
        label: impl Fn(f64) -> String,
    ) -> Markup {
        html! {
            @for Tick { at, anchor, label } in self.ticks(label) {
                @let x = self.across(at);
                line.grid x1=(x) x2=(x) y1="4" y2=(bottom) {}
                @if let Some(label) = label {
                    text.tick x=(x) y=(bottom + 15) text-anchor=(anchor) {
                        (label)
                    }
                }
            }
        }
    }

    /// The position of a value from 0, on the left, to 1.
    fn position(&self, value: f64) -> f64 {
        let position = if self.is_logarithmic {
            (value / self.from).log10() / (self.to / self.from).log10()
        } else {
            value / self.to
        };
        position.clamp(0.0, 1.0)
    }

    /// A few round values. The first and the last label stay within the
    /// picture, and a label that would run into another one is left out.
    fn ticks(&self, label: impl Fn(f64) -> String) -> Vec<Tick> {
        let values = match self.is_logarithmic {
            true => self.powers(),
            false => self.steps(),
        };
        let tick = |at| {
            let anchor = match self.position(at) {
                position if position < 0.03 => "start",
                position if position > 0.94 => "end",
                _ => "middle",
            };
            Tick { at, anchor, label: Some(label(at)) }
        };
        let mut ticks: Vec<_> = values.into_iter().map(tick).collect();
        // The last label has precedence, because it names the axis's end.
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for tick in ticks.iter_mut().rev() {
            let (from, to) = tick.extent(self.position(tick.at));
            if taken.iter().all(|other| to < other.0 || from > other.1) {
                taken.push((from, to));
            } else {
                tick.label = None;
            }
        }
        ticks
    }

    /// Multiples of a step that is 1, 2 or 5 times a power of ten.
    fn steps(&self) -> Vec<f64> {
        let power = 10_f64.powf((self.to / STEPS).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let is_enough = |step: &f64| self.to / step <= STEPS + 1e-9;
        let step = steps.into_iter().find(is_enough).unwrap_or(self.to);
        let count = (self.to / step + 1e-9) as u32;
        (0..=count).map(|number| f64::from(number) * step).collect()
    }

    /// Powers of ten, and 2 and 5 times them if there are few.
    fn powers(&self) -> Vec<f64> {
        let decades = (self.to / self.from).log10().ceil();
        let every = (decades / STEPS).ceil().max(1.0) as usize;
        let factors: &[f64] =
            if decades > 2.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = self.from.log10().floor() as i32;
        let last = (self.to.log10() + 1e-9).floor() as i32;
        let powers = (first..=last).step_by(every);
        let values = powers.flat_map(|power| {
            factors.iter().map(move |factor| factor * 10_f64.powi(power))
        });
        let is_inside = |value: &f64| {
            (self.from * 0.999..=self.to * 1.001).contains(value)
        };
        values.filter(is_inside).collect()
    }
}

/// A mark of an axis.
struct Tick {
    at: f64,
    /// The part of the label that is at the mark.
    anchor: &'static str,
    label: Option<String>,
}

impl Tick {
    /// The left and the right end of the label, as shares of the width of the
    /// narrowest picture, which is about 300 pixels.
    fn extent(&self, position: f64) -> (f64, f64) {
        const CHARACTER: f64 = 6.0 / 300.0;
        let label = self.label.as_deref().unwrap_or_default();
        let width = CHARACTER * (label.chars().count() as f64 + 0.5);
        match self.anchor {
            "start" => (position, position + width),
            "end" => (position - width, position),
            _ => (position - width / 2.0, position + width / 2.0),
        }
    }
}

/// The next number above this that is 1, 2, 4 or 8 times a power of ten, or
/// this itself.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= value * 0.9999).unwrap_or(value)
}

/// The next number below this that is 1, 2 or 5 times a power of ten, or this
/// itself.
fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step <= value * 1.0001).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        let ticks = axis.ticks(|value| format!("{value}"));
        ticks.into_iter().filter_map(|tick| tick.label).collect()
    }

    #[test]
    fn a_linear_axis_has_a_few_round_steps() {
        assert_eq!(
            labels(Axis::linear(2.01)),
            ["0", "0.5", "1", "1.5", "2"]
        );
        assert_eq!(Axis::linear(5.0).steps().len(), 6);
        assert_eq!(Axis::linear(60.0).steps().len(), 7);
        assert_eq!(Axis::linear(2.0).across(1.0), "50.00%");
    }

    #[test]
    fn an_axis_of_values_begins_and_ends_at_round_numbers() {
        assert_eq!(round_up(1.62), 2.0);
        assert_eq!(round_up(2.0), 2.0);
        assert_eq!(round_up(314.0), 400.0);
        assert_eq!(round_down(0.3), 0.2);
        assert_eq!(round_down(1.9), 1.0);
        assert_eq!(Axis::between(1.0, 9.0), Axis::linear(10.0));
        let wide = Axis { from: 0.5, to: 400.0, is_logarithmic: true };
        assert_eq!(Axis::between(0.6, 314.0), wide);
    }

    #[test]
    fn a_wide_axis_is_marked_at_powers_of_ten() {
        let axis = Axis { from: 0.5, to: 400.0, is_logarithmic: true };
        assert_eq!(labels(axis), ["1", "10", "100"]);
        assert_eq!(axis.across(0.5), "0.00%");
        assert_eq!(axis.across(400.0), "100.00%");
    }

    #[test]
    fn labels_do_not_run_into_each_other() {
        let ticks = Axis::linear(4e6).ticks(|value| match value {
            0.0 => "0".to_owned(),
            _ => format!("{},000,000", value / 1e6),
        });
        assert_eq!(ticks.len(), 5);
        let labels: Vec<_> =
            ticks.iter().filter_map(|tick| tick.label.as_deref()).collect();
        assert_eq!(labels, ["0", "1,000,000", "2,000,000", "4,000,000"]);
    }
}
