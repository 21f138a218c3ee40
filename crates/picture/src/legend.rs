//! The look of a thread's states: a pattern for each, and a legend of those
//! that a picture shows.
//!
//! The colors are in [`STYLE`](crate::STYLE). The patterns tell the states
//! apart without color: computing is solid, being ready has thick stripes, and
//! waiting is light.
use std::collections::BTreeSet;

use maud::{Markup, html};
use process_tree::activity::State;

use crate::threads::HEIGHT;
use crate::words::Words;

/// The parts of a picture that are large enough to be looked up.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) states: BTreeSet<State>,
    pub(crate) has_bars: bool,
    pub(crate) has_marks: bool,
    /// True if several states share a piece.
    pub(crate) has_mixes: bool,
}

/// The fill of a state in the picture with this id. None for a state without a
/// pattern, which gets its color from its class alone.
pub(crate) fn fill(id: &str, state: State) -> Option<String> {
    (state != State::Computing)
        .then(|| format!("url(#{id}-{})", state.letter()))
}

/// The class of a state.
pub(crate) fn class(state: State) -> String {
    format!("state-{}", state.letter())
}

/// The patterns of some states, for the picture with this id.
pub(crate) fn patterns(id: &str, states: &BTreeSet<State>) -> Markup {
    html! {
        defs {
            @for &state in states {
                @if fill(id, state).is_some() { (pattern(&format!("{id}-{}", state.letter()), state)) }
            }
        }
    }
}

/// The pattern of a state. Lengths are pixels, because the picture is not
/// scaled. The height of the states is a multiple of that of each pattern.
fn pattern(id: &str, state: State) -> Markup {
    let (width, height, angle) = match state {
        State::Ready => (6, 6, 45),
        State::Lock => (5, 5, -45),
        State::Sleeping | State::Io => (6, 6, 0),
        State::Child => (5, HEIGHT, 0),
        State::Computing | State::Waiting => (6, HEIGHT, 0),
        State::Stopped => (6, 6, 0),
    };
    html! {
        pattern id=(id) class=(class(state)) patternUnits="userSpaceOnUse" width=(width) height=(height)
            patternTransform=[(angle != 0).then(|| format!("rotate({angle})"))]
        {
            rect.back width=(width) height=(height) {}
            @match state {
                State::Ready => rect width="3" height="6" {},
                State::Lock => rect width="1.4" height="5" {},
                State::Sleeping => rect y="2.5" width="6" height="1" {},
                State::Io => circle cx="3" cy="3" r="1.3" {},
                State::Child => rect x="1" width="1.4" height=(HEIGHT) {},
                State::Computing | State::Waiting => rect y=(HEIGHT / 2 - 1) width="4" height="2" {},
                State::Stopped => path d="M0 0H6V1.2H1.2V6H0z" {},
            }
        }
    }
}

/// The legend of the picture with this id.
pub(crate) fn legend(id: &str, shown: &Shown, words: &Words) -> Markup {
    html! {
        ul.legend {
            @for &state in &shown.states {
                li {
                    (swatch(&html! {
                        rect class=(class(state)) fill=[fill(id, state)] width="26" height=(HEIGHT) {}
                    }))
                    ((words.state)(state))
                }
            }
            @if shown.has_mixes {
                li {
                    (swatch(&html! {
                        rect.outline x="0.5" y="0.5" width="25" height=(HEIGHT - 1) {}
                        line.outline x1="0" x2="26" y1="7" y2="7" {}
                    }))
                    (words.mix)
                }
            }
            @if shown.has_bars {
                li { (swatch(&html! { rect.bar y="1" x="0.5" width="25" height="10" rx="2" {} })) (words.bar) }
            }
            @if shown.has_marks {
                li { (swatch(&html! { circle.mark cx="13" cy="6" r="4.5" {} })) (words.mark) }
            }
        }
    }
}

fn swatch(shape: &Markup) -> Markup {
    html! { svg.swatch width="26" height=(HEIGHT) aria-hidden="true" { (shape) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::ENGLISH;

    #[test]
    fn a_legend_shows_only_what_occurs_and_each_state_differs() {
        let shown = Shown {
            states: BTreeSet::from([State::Lock]),
            has_marks: true,
            ..Shown::default()
        };
        let html = legend("id", &shown, &ENGLISH).into_string();
        assert!(
            html.contains((ENGLISH.state)(State::Lock))
                && html.contains("url(#id-l)"),
            "{html}"
        );
        assert!(
            !html.contains((ENGLISH.state)(State::Computing))
                && !html.contains(ENGLISH.bar),
            "{html}"
        );
        assert!(html.contains(ENGLISH.mark));

        let all: BTreeSet<_> = State::ALL.into();
        let patterns = patterns("id", &all).into_string();
        assert_eq!(
            patterns.matches("<pattern").count(),
            State::ALL.len() - 1
        );
        let shape = |state| {
            pattern("", state).into_string().replace(&class(state), "")
        };
        let shapes: BTreeSet<_> =
            State::ALL.into_iter().skip(1).map(shape).collect();
        assert_eq!(
            shapes.len(),
            State::ALL.len() - 1,
            "no pattern is used twice"
        );
    }
}
