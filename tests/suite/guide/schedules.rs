//! The tables of schedules and of outcomes, as a reader without JavaScript or on paper sees them.

use guide::figures::words::ENGLISH;
use guide::figures::{outcomes, schedule};
use harness::kept::outcomes::{Kind, Outcomes};
use harness::kept::schedule::Schedules;
use serde_json::Value;
use tests::browser::Browser;
use tests::{WORKSPACE, book};

const NAMES: [&str; 6] =
    ["lost-update", "check-then-act", "deadlock", "condvar", "semaphore", "dining-philosophers"];

#[test]
fn a_schedule_has_a_row_for_each_step_and_a_column_for_each_thread() {
    for name in NAMES {
        let schedules = Schedules::read(&WORKSPACE, name).unwrap();
        let html = schedule::draw(&WORKSPACE, name, "here", &ENGLISH).unwrap().into_string();
        assert!(!html.contains('\n'), "{name}: a blank line would end the HTML");
        let (tables, _) = html.split_once("class=\"chooser\"").unwrap_or((&html, ""));
        let steps = schedules.broken.steps.len() + schedules.fixed.steps.len();
        assert_eq!(tables.matches("<th scope=\"row\">").count(), steps, "{name}");
        let columns = 2 * (schedules.threads.len() + 2);
        assert_eq!(tables.matches("<th scope=\"col\">").count(), columns, "{name}");
        let runs = tables.matches("<td class=\"runs").count();
        assert_eq!(runs, steps, "{name}: one thread runs in each step");
    }
}

#[test]
fn a_schedule_shows_how_each_twin_ends() {
    let html = schedule::draw(&WORKSPACE, "deadlock", "here", &ENGLISH).unwrap().into_string();
    assert!(html.contains("<b>Broken</b>: deadlock"), "{html}");
    assert!(html.contains("<b>Fixed</b>: no failure"), "{html}");
    let (broken, _) = html.split_once("</table>").unwrap();
    let last = broken.rsplit("<tr>").next().unwrap();
    assert_eq!(last.matches("blocked").count() - last.matches("runs blocked").count(), 4, "{last}");
    assert!(last.contains(">blocks</td>"), "{last}");
    assert!(last.contains("let mut to = payee.lock();"), "{last}");
}

#[test]
fn the_choices_are_data_that_no_source_can_break_out_of() {
    for name in ["lost-update", "check-then-act", "deadlock"] {
        let html = schedule::draw(&WORKSPACE, name, "here", &ENGLISH).unwrap().into_string();
        let (_, rest) = html.split_once("<script type=\"application/json\">").unwrap();
        let (json, _) = rest.split_once("</script>").unwrap();
        assert!(!json.contains("</"), "{name}");
        let tree: Value = serde_json::from_str(json).unwrap();
        let steps = Schedules::read(&WORKSPACE, name).unwrap().choices.len();
        for list in ["rows", "runs", "next", "ends"] {
            assert_eq!(tree[list].as_array().unwrap().len(), steps, "{name}: {list}");
        }
    }
}

#[test]
fn what_is_not_recorded_is_an_error_that_names_the_command() {
    let error = schedule::draw(&WORKSPACE, "gone", "here", &ENGLISH).unwrap_err();
    assert!(format!("{error:#}").contains("cargo run -p schedules -- record gone"), "{error:#}");
    let error = outcomes::table(&WORKSPACE.root, "gone", &ENGLISH).unwrap_err();
    assert!(format!("{error:#}").contains("there are store-buffering"), "{error:#}");
}

#[test]
fn an_outcome_table_shows_every_outcome_with_its_count_and_kind() {
    let outcomes = Outcomes::read(&WORKSPACE.root).unwrap();
    for table in &outcomes.tables {
        let html = outcomes::table(&WORKSPACE.root, &table.name, &ENGLISH).unwrap().into_string();
        let all: Vec<_> = table.variants.iter().flat_map(|variant| &variant.outcomes).collect();
        assert_eq!(html.matches("<td class=\"number\">").count(), all.len(), "{}", table.name);
        let forbidden = all.iter().filter(|outcome| outcome.kind == Kind::Forbidden);
        let rows = html.matches(">0</td><td class=\"forbidden\">forbidden</td>").count();
        assert_eq!(rows, forbidden.count(), "{}", table.name);
        assert!(rows > 0, "{}", table.name);
    }
}

#[test]
fn a_schedule_is_stepped_through_and_chosen_by_keyboard() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = book();
    browser.open(&format!("file://{}/schedules.html", folder.path().display()));
    let figure = "document.querySelector('[data-schedule=lost-update]')";
    let status = format!("{figure}.querySelector('.buttons .status').textContent");
    let focus = |browser: &mut Browser, text: &str| {
        browser.eval(&format!(
            "[...{figure}.querySelectorAll('button')].find(it => it.textContent === '{text}').focus()"
        ));
    };

    let later = format!("{figure}.querySelectorAll('.twin:first-child .later').length");
    assert_eq!(browser.eval(&later), 0, "at first all steps are there");
    focus(&mut browser, "First");
    browser.press("Enter", 13);
    browser.wait_for(&format!("{status} === 'Step 1 of 10' && {later} === 9"));
    browser.press("ArrowRight", 39);
    browser.wait_for(&format!("{status} === 'Step 2 of 10' && {later} === 8"));
    browser.press("ArrowLeft", 37);
    browser.wait_for(&format!("{status} === 'Step 1 of 10'"));
    // The first thread that runs has read in one twin, and is done in the other.
    focus(&mut browser, "First difference");
    browser.press("Enter", 13);
    browser.wait_for(&format!("{status} === 'Step 5 of 10'"));

    // Both threads start, both read: after that, any order of steps loses an update.
    let question = format!("{figure}.querySelector('.chooser .status').textContent");
    for choice in ["Thread 1 starts", "Thread 2 starts"] {
        focus(&mut browser, choice);
        browser.press("Enter", 13);
        browser.wait_for(&format!("{question} === 'Which thread runs next?'"));
    }
    for thread in ["Thread 1", "Thread 2"] {
        focus(&mut browser, &format!("{thread}: let seen = counter.load(Ordering::Relaxed);"));
        browser.press("Enter", 13);
    }
    focus(&mut browser, "Thread 2: counter.store(seen + 1, Ordering::Relaxed);");
    browser.press("Enter", 13);
    browser.wait_for(&format!(
        "{question} === 'You found a schedule that fails: 1 of 2 updates kept.'"
    ));
    focus(&mut browser, "Start again");
    browser.press("Enter", 13);
    browser.wait_for(&format!("{question} === 'Which thread runs next?'"));
    assert_eq!(browser.faults(), Vec::<String>::new());
}
