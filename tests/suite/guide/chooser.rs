//! The chooser of the front page: its questions, the faults that the build rejects, and its work in a
//! browser. The tests of the rules compare its answers with those of `choose`.

use std::fs;

use guide::book::preprocessor::RESULTS;
use guide::figures::chooser::Chooser;
use harness::kept::results::Results;
use serde_json::json;
use tests::WORKSPACE;
use tests::browser::{Browser, axe};
use tests::fixture::{Fixture, PAGE};

use super::browser::serve;

/// A chooser of one question, without a Latin letter in its texts.
pub(super) const CHOOSER: &str = "[[question]]\nask = \"200?\"\nmore = \"201\"\nsection = \"first\"\n\
    [question.yes]\nmodel = \"202\"\nrules = []\nwhy = \"203\"\n\
    measured = [\"race, 10: hare <= 0.2 tortoise\"]\n\
    chart = { benchmark = \"race\", measure = \"time\", size = 10, implementations = [\"hare\"] }\n\
    start = [{ example = \"one\" }]\n\n\
    [otherwise]\nmodel = \"204\"\nrules = []\nwhy = \"205\"\nmeasured = []\n\
    chart = { benchmark = \"race\", measure = \"time\", size = 10, implementations = [\"tortoise\"] }\n\
    start = [{ example = \"one\" }, { when = \"206:\", example = \"one\" }]\n";
/// The page that its question refers to.
pub(super) const WHICH: &str = "# 207\n\n## 208 {#first}\n";

fn chooser_of_the_book() -> Chooser {
    let results = Results::read(&WORKSPACE.root.join(RESULTS)).unwrap();
    Chooser::read(&WORKSPACE.root.join("guide/en"), &results).unwrap()
}

#[test]
fn the_chooser_asks_the_questions_of_the_page() {
    let chooser = chooser_of_the_book();
    let page = fs::read_to_string(WORKSPACE.root.join("guide/en/which.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    let questions = chooser.questions.iter().enumerate().map(|(number, question)| {
        let (ask, section, model) = (&question.ask, &question.section, &question.yes.model);
        format!("| {} | [{ask}](#{section}) | {model} |", number + 1)
    });
    let last = format!("| | otherwise | {} |", chooser.otherwise.model);
    assert_eq!(rows, questions.chain([last]).collect::<Vec<_>>());
}

/// A book with this chooser on its front page.
fn fixture(chooser: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.write(RESULTS, crate::bench::KEPT);
    fixture.write("guide/en/SUMMARY.md", "# Summary\n\n[Front](index.md)\n[Which](which.md)\n");
    fixture.write("guide/en/which.md", WHICH);
    fixture.write(
        "guide/en/index.md",
        &format!("{PAGE}\n{{{{#chooser}}}}\n\n{{{{#benchmark race}}}}\n"),
    );
    fixture.write("guide/en/chooser.toml", chooser);
    fixture
}

/// Readers without JavaScript get a list with each question, each answer and each link.
#[test]
fn without_a_script_the_chooser_is_a_list_with_links() {
    let page = fs::read_to_string(fixture(CHOOSER).build().unwrap().join("index.html")).unwrap();
    let (_, list) = page.split_once("<ol class=\"tree\">").expect("it is a list");
    let (list, questions) = list.split_once("</ol>").unwrap();
    for part in [
        "<a href=\"which.html#first\">200?</a> Yes: <strong>202</strong>. 203",
        "Start from <a href=\"index.html\"><code>one</code></a>.",
        "Otherwise: <strong>204</strong>. 205",
        "206: <a href=\"index.html\"><code>one</code></a>.",
    ] {
        assert!(list.contains(part), "{part} is missing in {list}");
    }
    assert!(questions.trim_start().starts_with("<div class=\"questions\" hidden"), "{questions}");
    for (number, implementation) in [(0, "hare: 2.00 s"), (1, "tortoise: 30.0 s")] {
        let id = format!("-{number}-description\">10 laps: {implementation}");
        assert!(questions.contains(&id), "{id} is missing in {questions}");
    }
    let figures = "<a href=\"index.html#benchmark-race\">All figures</a>";
    assert!(questions.contains("Who wins?") && questions.contains(figures), "{questions}");
    assert!(questions.contains("<code>one</code></a>: Says hello."), "{questions}");
    assert_eq!(questions.matches("href=\"which.html#first\"").count(), 1, "{questions}");
}

#[test]
fn each_fault_of_the_chooser_fails_the_build_naming_its_place() {
    let hare = "size = 10, implementations = [\"hare\"]";
    let cases = [
        ("ask = ", "asks = ", "unknown field `asks`"),
        ("model = \"204\"\n", "", "missing field `model`"),
        ("[[question]]", "[[question", "TOML parse error at line 1"),
        ("\"first\"", "\"second\"", "\"200?\": which.md has no heading with the id second"),
        ("<= 0.2", "<= 0.02", "\"200?\": what was measured contradicts it: "),
        ("race, 10: hare <=", "race, 10: cat <=", "cat"),
        ("benchmark = \"race\"", "benchmark = \"run\"", "the answer \"202\": "),
        ("measure = \"time\"", "measure = \"space\"", "the answer \"202\": "),
        (hare, "size = 10, implementations = [\"cat\"]", "race lacks \"cat\" at 10"),
        (hare, "size = 20, implementations = [\"hare\"]", "race lacks \"hare\" at 20"),
        ("example = \"one\"", "example = \"two\"", "no example is named \"two\""),
        ("[{ example = \"one\" }]", "[]", "\"200?\": it has no example to start from"),
    ];
    for (from, to, expected) in cases {
        assert!(CHOOSER.contains(from), "{from}");
        let error = fixture(&CHOOSER.replacen(from, to, 1)).build().expect_err(expected);
        let error = format!("{error:#}");
        for part in ["guide/en/index.md:5: ", "chooser.toml", expected] {
            assert!(error.contains(part), "expected {part:?} in: {error}");
        }
    }
    let fixture = fixture(CHOOSER);
    fs::remove_file(fixture.root().join("guide/en/chooser.toml")).unwrap();
    let error = format!("{:#}", fixture.build().unwrap_err());
    assert!(error.contains("guide/en/index.md:5: reading chooser.toml"), "{error}");
}

/// The models of the visible answers, and the number of visible questions.
const VISIBLE: &str = "(() => { \
    const visible = selector => \
        [...document.querySelectorAll(selector)].filter(e => e.checkVisibility()); \
    return [visible('.model-chooser .model strong').map(e => e.textContent), \
            visible('.model-chooser fieldset').length]; })()";

const STATUS: &str = "document.querySelector('.model-chooser [role=status]').textContent";

/// The choice that has the focus, such as `0 yes`, or else the name of the element.
const FOCUS: &str = "(() => { \
    const questions = [...document.querySelectorAll('.model-chooser fieldset')]; \
    const focus = document.activeElement; \
    const at = questions.findIndex(question => question.contains(focus)); \
    return at < 0 ? focus.tagName + '.' + focus.className : at + ' ' + focus.value; })()";

#[test]
fn the_chooser_works_by_mouse_by_keyboard_and_without_a_script() {
    let Some(mut browser) = Browser::start() else { return };
    let chooser = chooser_of_the_book();
    let models: Vec<_> = chooser.answers().map(|answer| answer.model.clone()).collect();
    let last = chooser.questions.len();
    let book = serve();
    browser.resize(1280, 900);
    browser.open(&format!("{}index.html", book.url));
    let address = browser.eval("location.href");
    assert_eq!(browser.eval(VISIBLE), json!([[], 1]), "one question, and no answer");
    let list = "document.querySelector('.model-chooser .tree').checkVisibility()";
    assert_eq!(browser.eval(list), json!(false));

    // By mouse, each way to an answer.
    let click = |browser: &mut Browser, question: usize, choice: &str| {
        browser.eval(&format!(
            "document.querySelectorAll('.model-chooser fieldset')[{question}] \
             .querySelector('[value={choice}]').click()"
        ));
    };
    for (number, model) in models.iter().enumerate() {
        if number < last {
            click(&mut browser, number, "yes");
            assert_eq!(browser.eval(VISIBLE), json!([[model], number + 1]), "yes to {number}");
            assert_eq!(browser.eval(STATUS), json!(format!("Answer: use {model}.")));
            click(&mut browser, number, "no");
        }
    }
    assert_eq!(browser.eval(VISIBLE), json!([[models[last]], last]), "only no");
    // An earlier answer can be changed, and the later ones are still there if it is changed back.
    click(&mut browser, 1, "yes");
    assert_eq!(browser.eval(VISIBLE), json!([[models[1]], 2]));
    click(&mut browser, 1, "no");
    assert_eq!(browser.eval(VISIBLE), json!([[models[last]], last]));

    // By keyboard: Tab goes on, the arrows choose, and neither moves the focus elsewhere.
    browser.eval("document.querySelector('.model-chooser .again').focus()");
    browser.press("Enter", 13);
    assert_eq!(browser.eval(VISIBLE), json!([[], 1]), "start again");
    assert_eq!(browser.eval(FOCUS), "0 yes");
    browser.press(" ", 32);
    assert_eq!(browser.eval(VISIBLE), json!([[models[0]], 1]));
    browser.press("ArrowRight", 39);
    assert_eq!(browser.eval(FOCUS), "0 no");
    let second = &chooser.questions[1].ask;
    assert_eq!(browser.eval(STATUS), json!(format!("Question 2: {second}")));
    for question in 1..last {
        browser.press("Tab", 9);
        assert_eq!(browser.eval(FOCUS), json!(format!("{question} yes")), "Tab leads on");
        browser.press("ArrowDown", 40);
        assert_eq!(browser.eval(FOCUS), json!(format!("{question} no")));
    }
    browser.press("ArrowUp", 38);
    assert_eq!(browser.eval(VISIBLE), json!([[models[last - 1]], last]));
    assert_eq!(browser.eval("location.href"), address, "the arrows turn no page");
    browser.press("Tab", 9);
    let link = "document.activeElement.closest('.model-chooser .answer')?.checkVisibility()";
    assert_eq!(browser.eval(link), json!(true), "after the last choice come the answer's links");

    // With an answer, in the light and the dark themes.
    let chart =
        "document.querySelector('.model-chooser .answer:not([hidden]) svg').clientHeight > 40";
    assert_eq!(browser.eval(chart), json!(true));
    if let Some(axe) = axe() {
        for theme in ["light", "coal", "navy"] {
            browser.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"));
            assert_eq!(browser.axe(&axe), Vec::<String>::new(), "{theme}");
        }
        browser.resize(360, 740);
        assert_eq!(browser.axe(&axe), Vec::<String>::new(), "360 px wide");
    }
    browser.resize(360, 740);
    let fits = browser.eval("document.scrollingElement.scrollWidth <= innerWidth");
    assert_eq!(fits, json!(true), "360 px wide");
    assert_eq!(browser.faults(), Vec::<String>::new());

    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(&format!("{}index.html", book.url));
    assert_eq!(browser.eval(list), json!(true), "the list is there without a script");
    assert_eq!(browser.eval(VISIBLE), json!([[], 0]));
}
