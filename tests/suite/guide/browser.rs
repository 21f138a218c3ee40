//! The book in a real browser: every page, in each theme, wide and phone-sized; runs by keyboard;
//! the search; the pages from disk.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use guide::serve::{Server, Settings};
use harness::run::Limits;
use serde_json::json;
use tests::browser::{Browser, axe};
use tests::{LIMIT, WORKSPACE, book, build};
use tokio::runtime::Runtime;

/// The book, served until this is dropped.
#[derive(Debug)]
pub struct Served {
    pub url: String,
    folder: PathBuf,
    link: String,
    _runtime: Runtime,
}

/// Tests that run at the same time share one server. The last of them drops it.
pub fn serve() -> Arc<Served> {
    static SERVED: Mutex<Weak<Served>> = Mutex::new(Weak::new());

    let mut served = SERVED.lock().unwrap();
    served.upgrade().unwrap_or_else(|| {
        let runtime = Runtime::new().unwrap();
        let limits = Limits { time: LIMIT, ..Limits::default() };
        let settings = Settings { run: limits, ..Settings::default() };
        let server = runtime.block_on(Server::start(WORKSPACE.root.clone(), 0, settings)).unwrap();
        let (url, link) = (server.url().unwrap(), server.link().unwrap());
        let folder = server.first_edition().to_owned();
        runtime.spawn(server.run());
        let new = Arc::new(Served { url, folder, link, _runtime: runtime });
        *served = Arc::downgrade(&new);
        new
    })
}

/// The names of all pages, as they are served.
fn pages() -> Vec<String> {
    let folder = WORKSPACE.root.join("guide/en");
    let mut pages: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .map(|name| name.replace(".md", ".html"))
        .collect();
    pages.push("print.html".to_owned());
    pages.sort();
    pages
}

const THEMES: [&str; 5] = ["light", "rust", "coal", "navy", "ayu"];
const NO_SIDEWAYS: &str = "document.scrollingElement.scrollWidth <= innerWidth \
    && document.querySelector('.content').scrollWidth <= innerWidth";

/// The colors of code have a stylesheet of their own in some themes. The browser loads it only when such a
/// theme is chosen.
const STYLES_LOADED: &str = "[...document.querySelectorAll('link[rel=stylesheet]')] \
    .every(link => link.disabled || link.sheet !== null)";

/// The elements that are wider than the page, for the message.
const STANDING_OUT: &str = "[...document.querySelectorAll('main *')].filter(e => \
    e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('pre, .table-wrapper')) \
    .slice(0, 5).map(e => e.tagName + '.' + e.className).join(' ')";

/// One with an example, and one with a table.
const SOME: [&str; 2] = ["gather.html", "costs.html"];

#[test]
fn pages_of_each_kind_are_sound_in_each_theme_and_width() {
    are_sound(&SOME.map(str::to_owned));
}

#[test]
#[ignore = "sweep: each page in each theme and width"]
fn sweep_of_each_page_in_each_theme_and_width() {
    // A server answers with 404.html, a reader of files never sees it.
    are_sound(&[pages(), vec!["404.html".to_owned()]].concat());
}

fn are_sound(pages: &[String]) {
    let (Some(_), Some(axe)) = (Browser::start(), axe()) else { return };
    let book = serve();
    let files = Files::of(&book.folder);
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    let sound = Sound::default();
    // Two browsers share the pages; each takes the next one that is left.
    thread::scope(|scope| {
        for _ in 0..pages.len().min(2) {
            scope.spawn(|| {
                let mut browser = Browser::start().expect("it has just been started");
                while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let of_page = faults_of(&mut browser, &book, page, &files, &axe, &sound);
                    faults.lock().unwrap().extend(of_page);
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Parts that were checked on some page, have no fault, and are on other pages, too.
#[derive(Debug, Default)]
struct Sound {
    stylesheets: Mutex<HashSet<String>>,
    looks: [Mutex<HashSet<String>>; THEMES.len()],
}

/// Returns the faults of a page, in any theme or width.
fn faults_of(
    browser: &mut Browser,
    book: &Served,
    page: &str,
    files: &Files,
    axe: &str,
    sound: &Sound,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |what: &str, found: Vec<String>| {
        faults.extend(found.into_iter().map(|fault| format!("{page}, {what}: {fault}")));
    };
    // The print page repeats the elements of all others, where they are checked. What is left to check is
    // that they go together.
    let is_print = page == "print.html";
    browser.resize(1280, 900);
    browser.open(&format!("{}{page}", book.url));
    note("ids", browser.faults_of_ids());
    if is_print {
        note("1280 px wide", browser.axe_of_page(axe));
    } else {
        // The structure of a page is the same in all themes and widths.
        note("1280 px wide", browser.axe_of_structure(axe));
        let stylesheets = browser.stylesheets();
        if !sound.stylesheets.lock().unwrap().contains(&stylesheets) {
            let found = browser.axe_of_stylesheets(axe);
            if found.is_empty() {
                sound.stylesheets.lock().unwrap().insert(stylesheets);
            }
            note("stylesheets", found);
        }
        for (theme, sound) in THEMES.iter().zip(&sound.looks) {
            browser.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"));
            browser.wait_for(STYLES_LOADED);
            note(theme, browser.axe_of_colors(axe, sound));
        }
    }

    browser.resize(360, 740);
    browser.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
    if browser.eval(NO_SIDEWAYS) != json!(true) {
        let what = browser.eval(STANDING_OUT).to_string();
        note("360 px wide", vec![format!("scrolls sideways: {what}")]);
    }
    if !is_print {
        note("360 px wide", browser.axe_of_sizes(axe));
        note("360 px wide", browser.axe_of_colors(axe, &sound.looks[THEMES.len() - 1]));
    }

    note("console", browser.faults());
    note("request", files.unexpected(browser.requests(), &book.url, page));
    faults
}

/// The files that a book has for its pages: style sheets, scripts, fonts and pictures.
struct Files(BTreeSet<String>);

impl Files {
    fn of(folder: &Path) -> Self {
        let mut names = BTreeSet::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
                if path.is_dir() {
                    folders.push(path);
                // A page loads the search index only for a search.
                } else if ["css", "js", "svg", "woff2"].contains(&extension)
                    && !name.starts_with("searchindex")
                {
                    names.insert(name);
                }
            }
        }
        Self(names)
    }

    /// The requests for anything else than the page, the book's files and the server's own answers.
    fn unexpected(&self, mut requests: Vec<String>, root: &str, page: &str) -> Vec<String> {
        requests.retain(|url| {
            let name = url.strip_prefix(root);
            let is_file = |name: &str| name == page || self.0.contains(name);
            let is_answer =
                |name: &str| root.starts_with("http:") && ["live", "run"].contains(&name);
            !url.starts_with("data:") && !name.is_some_and(|name| is_file(name) || is_answer(name))
        });
        requests
    }
}

#[test]
fn an_example_is_run_and_stopped_by_keyboard() {
    let Some(mut browser) = Browser::start() else { return };
    let book = serve();
    browser.resize(1280, 900);
    browser.open(&format!("{}gather.html", book.url));

    let figure = "document.querySelector('[data-example=gather]')";
    let button = format!("{figure}.querySelector('button.run')");
    browser.wait_for(&format!("{button} !== null"));
    // Another user of the machine can read the book, but has no key.
    browser.eval(&format!("{button}.click()"));
    browser.wait_for(&format!(
        "{figure}.querySelector('[role=status]').textContent.startsWith('Not run: a run needs a key')"
    ));
    let refused = browser.faults();
    assert!(refused.len() == 1 && refused[0].contains("403"), "{refused:?}");
    browser.open(&book.link);
    browser.wait_for("location.hash === ''");
    browser.open(&format!("{}gather.html", book.url));
    let lines = format!("{figure}.querySelectorAll('.live samp span').length");
    let status = format!("{figure}.querySelector('[role=status]').textContent");
    let bars = format!("{figure}.querySelectorAll('.live svg.timeline rect.bar').length");
    let width = format!(
        "parseFloat({figure}.querySelector('.live svg.timeline rect.bar').getAttribute('width'))"
    );
    browser.wait_for(&format!("{figure}.querySelector('button.run') !== null"));

    // Lines come one after the other: the first three are there while it still runs.
    browser.eval(&format!("{figure}.querySelector('button.run').focus()"));
    browser.press("Enter", 13);
    browser.wait_for(&format!("{lines} === 3 && {status} === 'Running…'"));
    browser.wait_for(&format!("{bars} === 3"));
    if cfg!(target_os = "linux") {
        browser.wait_for(&format!("{figure}.querySelector('.live svg.timeline .states') !== null"));
    }
    let early = browser.eval(&width).as_f64().unwrap();
    browser.wait_for(&format!("{width} > {early}"));
    browser.wait_for(&format!("{lines} === 6 && {status} === 'Ended.'"));
    let costs = browser.eval(&format!("{figure}.querySelector('.live .costs').textContent"));
    assert!(costs.as_str().unwrap().starts_with("3 tasks"), "{costs}");
    let focus = browser.eval("document.activeElement.className");
    assert_eq!(focus, "run", "the focus returns to the button");
    if let Some(axe) = axe() {
        assert_eq!(browser.axe(&axe), Vec::<String>::new(), "with a run on the page");
    }

    // The focus is on Stop while it runs, so a second Enter stops it.
    browser.press("Enter", 13);
    browser.wait_for(&format!("{lines} === 3"));
    browser.press("Enter", 13);
    browser.wait_for(&format!("{status} === 'Stopped.' && {lines} === 3"));

    assert_eq!(browser.faults(), Vec::<String>::new());
}

/// The server knows the arguments of a variant; the page names it.
#[test]
fn a_variant_is_run_by_keyboard() {
    let Some(mut browser) = Browser::start() else { return };
    build("blocked-loop--inline"); // which may take longer than the browser waits
    let book = serve();
    browser.open(&book.link);
    browser.wait_for("location.hash === ''");
    browser.open(&format!("{}cpu-work-in-async.html", book.url));
    let figure = "document.querySelector('[data-example=blocked-loop]')";
    let group = format!("{figure}.querySelector('[role=group].of-variants')");
    browser.wait_for(&format!("{group} !== null"));
    assert_eq!(browser.eval(&format!("{group}.ariaLabel")), "Variants of blocked-loop");
    let buttons = format!("[...{group}.children].map(button => button.textContent)");
    assert_eq!(browser.eval(&buttons), json!(["Run inline", "Run spawn-blocking", "Run rayon"]));

    browser.eval(&format!("{group}.children[0].focus()"));
    let label = browser.eval("document.activeElement.ariaLabel");
    assert_eq!(label, "Run inline: blocked-loop");
    browser.press("Enter", 13);
    browser.wait_for(&format!("{figure}.querySelector('[role=status]').textContent === 'Ended.'"));
    let lines = format!(
        "[...{figure}.querySelectorAll('.live samp span')].map(line => \
         line.textContent.trim().replace(/^[0-9.]+ s +/, ''))"
    );
    let expected = json!(["Job 1 (inline) starting", "Job 1 (inline) finished"]);
    assert_eq!(browser.eval(&lines), expected, "only this way");
    let caption = browser.eval(&format!("{figure}.querySelector('.live .caption').textContent"));
    assert_eq!(caption, "Your run: inline");
    let focus = browser.eval("document.activeElement.textContent");
    assert_eq!(focus, "Run inline", "the focus returns to the button");
    if let Some(axe) = axe() {
        assert_eq!(browser.axe(&axe), Vec::<String>::new(), "with a run of a variant");
    }
    assert_eq!(browser.faults(), Vec::<String>::new());
}

/// A browser opens six connections to a server. A tab that has been opened in the background is
/// hidden from the start, and would hold one of them for as long as it is open.
#[test]
fn hidden_tabs_do_not_keep_others_from_loading() {
    let Some(mut browser) = Browser::start() else { return };
    let book = serve();
    for _ in 0..8 {
        browser.new_tab(
            "Object.defineProperty(Document.prototype, 'hidden', \
             { get: () => window.shown !== true, configurable: true });",
        );
        browser.open(&format!("{}index.html", book.url));
    }
    // When it becomes visible, it learns of changes.
    browser.eval(
        "window.opened = 0; window.EventSource = class extends EventSource { \
         constructor(url) { super(url); this.onopen = () => window.opened += 1; } }",
    );
    browser.eval("window.shown = true; document.dispatchEvent(new Event('visibilitychange'))");
    browser.wait_for("window.opened === 1");
}

#[test]
fn an_error_of_the_compiler_is_shown() {
    let Some(mut browser) = Browser::start() else { return };
    let book = serve();
    browser.open(&book.link);
    browser.wait_for("location.hash === ''");
    browser.open(&format!("{}processes-and-threads.html", book.url));
    let figure = "document.querySelector('[data-example=data-race-broken]')";
    browser.wait_for(&format!("{figure}.querySelector('button.run') !== null"));
    browser.eval(&format!("{figure}.querySelector('button.run').click()"));
    browser.wait_for(&format!(
        "{figure}.querySelector('[role=status]').textContent === 'The compiler rejected the program.'"
    ));
    let compiler = browser.eval(&format!("{figure}.querySelector('.compiler').textContent"));
    assert!(compiler.as_str().unwrap().contains("error[E0499]"), "{compiler}");
}

#[test]
fn the_search_finds_an_example_by_its_name() {
    let Some(mut browser) = Browser::start() else { return };
    let book = serve();
    browser.open(&format!("{}index.html", book.url));
    browser.eval("document.getElementById('mdbook-search-toggle').click()");
    browser
        .wait_for("!document.getElementById('mdbook-search-wrapper').classList.contains('hidden')");
    browser.call("Input.insertText", json!({ "text": "lock-across-await" }));
    browser.wait_for(
        "[...document.querySelectorAll('#mdbook-searchresults a')] \
         .some(a => a.href.includes('mistakes.html'))",
    );
    assert_eq!(browser.faults(), Vec::<String>::new());
}

#[test]
fn a_table_is_sorted_by_a_column() {
    let Some(mut browser) = Browser::start() else { return };
    let book = serve();
    browser.open(&format!("{}costs.html", book.url));
    let press = "[...document.querySelectorAll('.sortable th button')] \
        .find(button => button.textContent === 'Memory').click()";
    let values = "[...document.querySelectorAll('.sortable tbody tr')] \
        .map(row => Number(row.cells[4].dataset.value ?? -1))";
    let memory = |browser: &mut Browser| -> Vec<f64> {
        serde_json::from_value(browser.eval(values)).unwrap()
    };
    let unsorted = memory(&mut browser);
    assert!(!unsorted.is_sorted());
    browser.eval(press);
    assert!(memory(&mut browser).is_sorted());
    browser.eval(press);
    assert!(memory(&mut browser).iter().rev().is_sorted());
}

/// The replay needs no server. It is used by keyboard here.
#[test]
fn a_recorded_run_is_replayed() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = book();
    let page = format!("file://{}/gather.html", folder.path().display());
    browser.resize(1280, 900);
    browser.open(&page);

    let replay = "document.querySelector('[data-example=gather] .replay')";
    let focus = |browser: &mut Browser, what: &str| {
        browser.eval(&format!("{replay}.querySelector('{what}').focus()"));
    };
    let play = "button:nth-of-type(1)";
    let previous = "button:nth-of-type(2)";
    let next = "button:nth-of-type(3)";
    let cursor = "document.querySelector('[data-example=gather] .cursor')";
    let left = format!("parseFloat({cursor}.style.left)");
    let status = format!("{replay}.querySelector('[role=status]').textContent");
    let latest = format!("{replay}.querySelector('pre .latest')?.textContent");
    assert_eq!(browser.eval(&format!("{cursor}.hidden")), true, "the picture is still");

    // The slider moves the cursor, and the arrow keys do not turn the page.
    focus(&mut browser, ".position");
    browser.press("Home", 36);
    browser.wait_for(&format!("!{cursor}.hidden && {left} === 0"));
    browser.press("ArrowRight", 39);
    browser.wait_for(&format!("{left} > 0 && {left} < 2"));
    assert_eq!(browser.eval("location.href"), page.as_str());
    let value = browser.eval(&format!("{replay}.querySelector('.position').ariaValueText"));
    assert!(value.as_str().unwrap_or_default().contains(" s of 2."), "{value}");

    // Steps from line to line, which are read aloud.
    focus(&mut browser, ".position");
    browser.press("Home", 36);
    focus(&mut browser, next);
    browser.press("Enter", 13);
    browser.wait_for(&format!("{status}.startsWith('Task A starting')"));
    assert!(browser.eval(&latest).as_str().unwrap().contains("Task A starting"));
    focus(&mut browser, previous);
    browser.press("Enter", 13);
    browser.wait_for(&format!("{left} === 0 && {status} === ''"));

    // It plays to the end, and a second press holds it.
    focus(&mut browser, play);
    browser.press("Enter", 13);
    browser.wait_for(&format!("{replay}.querySelector('{play}').textContent === 'Pause'"));
    browser.wait_for(&format!("{left} > 10"));
    browser.press("Enter", 13);
    browser.wait_for(&format!("{replay}.querySelector('{play}').textContent === 'Play'"));
    let at = browser.eval(&left);
    let frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))";
    browser.eval(frames);
    assert_eq!(browser.eval(&left), at, "it is held");
    browser.press("Enter", 13);
    browser.wait_for(&format!("{left} === 100 && {latest}.includes('finished')"));
    assert_eq!(browser.faults(), Vec::<String>::new());
    if let Some(axe) = axe() {
        assert_eq!(browser.axe(&axe), Vec::<String>::new(), "with a replay on the page");
    }

    // With reduced motion there are only steps.
    let reduce = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
    browser.call("Emulation.setEmulatedMedia", json!({ "features": [reduce] }));
    browser.wait_for(&format!("{replay}.querySelector('{play}').hidden"));
    browser.open(&page);
    assert_eq!(browser.eval(&format!("{replay}.querySelector('{play}').hidden")), true);
    focus(&mut browser, previous);
    browser.press("Enter", 13);
    browser.wait_for(&format!("{status}.includes('finished') && {left} < 100"));
    assert_eq!(browser.faults(), Vec::<String>::new());
}

/// From disk only the buttons are missing.
#[test]
fn pages_of_each_kind_read_from_disk() {
    read_from_disk(SOME.map(str::to_owned).into());
}

#[test]
#[ignore = "sweep: each page from disk"]
fn sweep_of_each_page_from_disk() {
    read_from_disk(pages());
}

fn read_from_disk(pages: Vec<String>) {
    let Some(mut browser) = Browser::start() else { return };
    let folder = book();
    let root = format!("file://{}/", folder.path().display());
    let files = Files::of(folder.path());
    for page in pages {
        browser.open(&format!("{root}{page}"));
        assert_eq!(browser.eval("document.querySelectorAll('button.run').length"), 0);
        assert_eq!(browser.faults(), Vec::<String>::new(), "{page}");
        let unexpected = files.unexpected(browser.requests(), &root, &page);
        assert_eq!(unexpected, Vec::<String>::new(), "{page}");
    }
}

/// The code, the output and the picture need no script.
#[test]
fn a_page_reads_from_disk_without_javascript() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = book();
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(&format!("file://{}/gather.html", folder.path().display()));
    let text = browser.eval("document.querySelector('main').innerText");
    for part in
        ["async fn task", "Task A starting", "3 tasks · 1 OS thread", "3 tasks were in progress"]
    {
        assert!(text.as_str().unwrap().contains(part), "{part} is missing");
    }
}
