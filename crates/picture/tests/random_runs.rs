//! Properties of the picture of every run.
use picture::words::ENGLISH;
use picture::{Line, Track, draw};
use process_tree::activity::{Activity, Cores, Span, Spans, State, Thread};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(Worker|Task|<b>) [0-3] (starting|finished)",
        "(Worker|Task|<b>) [0-3]: .{0,8}",
        ".{0,12}",
    ]
}

fn lines() -> impl Strategy<Value = Vec<(f64, String, bool)>> {
    let line = (0.0..3.0_f64, text(), any::<bool>());
    proptest::collection::vec(line, 0..20)
}

fn thread() -> impl Strategy<Value = Thread> {
    let state = (0..State::ALL.len()).prop_map(|at| State::ALL[at]);
    let span = (state, 0.0..400.0_f64);
    let span = span.prop_map(|(state, ms)| Span { state, ms });
    let spans = proptest::collection::vec(span, 0..30).prop_map(Spans);
    let name = "[a-c&<]{1,2}";
    let from = -0.01..2.0_f64;
    (0..3_usize, name, from, spans, any::<bool>()).prop_map(
        |(process, name, from, spans, at_end)| Thread {
            process,
            name,
            from,
            spans,
            at_end,
        },
    )
}

fn activity() -> impl Strategy<Value = Activity> {
    let threads = proptest::collection::vec(thread(), 0..20);
    let step = prop_oneof![Just(0.0), 0.01..1.0_f64];
    let used = proptest::collection::vec(0.0..4.0_f64, 0..20);
    (threads, 0..3_u64, step, used).prop_map(
        |(threads, more, step, used)| Activity {
            threads,
            more,
            cores: Cores { step, used },
        },
    )
}

/// Checks that each element is closed in the right order.
fn is_well_formed(html: &str) -> bool {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag has an end");
        let name = tag.split(' ').next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return false,
            Some(_) => {}
            None => open.push(name),
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn a_picture_is_sound(
        lines in lines(),
        activity in activity(),
        wall in 0.0..3.0_f64,
        axis in 0.0..5.0_f64,
    ) {
        let lines = lines.iter().map(|(at, text, is_stderr)| {
            match is_stderr {
                true => Line::stderr(*at, text),
                false => Line::stdout(*at, text),
            }
        });
        let track = Track::new(lines.collect(), wall);
        let tracks = [track.activity(&activity, 2)];
        let html = draw("id", &tracks, axis, &ENGLISH).into_string();
        prop_assert!(is_well_formed(&html), "{}", html);
        prop_assert!(!html.contains("NaN") && !html.contains("inf%"));
        let percents = html.split("%\"").filter_map(|text| {
            text.rsplit('"').next()?.parse::<f64>().ok()
        });
        for percent in percents {
            prop_assert!((0.0..=100.0).contains(&percent), "{}", percent);
        }
        let again = draw("id", &tracks, axis, &ENGLISH).into_string();
        prop_assert_eq!(html, again);
    }
}
