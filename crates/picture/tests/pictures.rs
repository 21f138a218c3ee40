//! The picture of a run as HTML.
use picture::words::ENGLISH;
use picture::{Line, Track, draw, page};
use process_tree::activity::{Activity, Cores, Thread};

fn thread(process: usize, name: &str, spans: &str, at_end: bool) -> Thread {
    let (name, spans) =
        (name.to_owned(), spans.parse().expect("well-formed spans"));
    Thread { process, name, from: 0.005, spans, at_end }
}

/// Two processes with threads in all states.
fn activity() -> Activity {
    let turns = "c2.5 l2.5 ".repeat(100);
    let threads = vec![
        thread(0, "one", "c5 l2690", true),
        thread(0, "one", &format!("s500 {turns} c500 r500"), true),
        thread(0, "<pool>", "i300 w300 t300", false),
        thread(1, "cat", "p1000", true),
    ];
    let used = vec![0.0, 1.0, 2.0, 0.5, 0.0, 0.0];
    Activity { threads, more: 9, cores: Cores { step: 0.5, used } }
}

/// A run that has ended, and one that goes on.
fn tracks(activity: &Activity) -> [Track<'_>; 2] {
    let rust = vec![
        Line::stdout(0.001, "Worker 0 starting"),
        Line::stdout(0.002, "Worker 1 starting"),
        Line::stdout(2.001, "Worker 1 finished"),
        Line::stderr(2.5, "Worker 0 failed: <reason> & more"),
        Line::stdout(2.6, "Main: done"),
    ];
    let python = vec![Line::stdout(0.5, "tick")];
    [
        Track::new(rust, 2.7).name("Rust").activity(activity, 2),
        Track::new(python, 1.0).name("Python").ended(false),
    ]
}

#[test]
fn a_picture() {
    let html =
        draw("id", &tracks(&activity()), 0.0, &ENGLISH).into_string();
    // Markdown ends HTML at a blank line, and NDJSON is one line.
    assert!(!html.contains('\n'));
    insta::assert_snapshot!(html.replace("><", ">\n<"));
}

#[test]
fn a_page_needs_no_other_file() {
    let activity = activity();
    let html = page("a & b", &tracks(&activity), &ENGLISH).into_string();
    for outside in ["src=", "href=", "@import", "url(h", "//cdn"] {
        assert!(!html.contains(outside), "{outside}");
    }
    for part in [
        "<title>a &amp; b</title>",
        "light-dark(",
        "<svg class=\"timeline\"",
        "class=\"replay-words\"",
        "<samp>Worker 0 failed: &lt;reason&gt; &amp; more</samp> <i>on stderr",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let scripts = (html.matches("<script>"), html.matches("</script>"));
    assert_eq!((scripts.0.count(), scripts.1.count()), (1, 1));
}
