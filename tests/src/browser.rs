//! A headless Chromium, driven by its own protocol over a pipe: no driver is needed, and it ends
//! when the pipe closes. The protocol: <https://chromedevtools.github.io/devtools-protocol/>

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{LIMIT, WORKSPACE, is_there, skip};
use guide::book::screenshot::BROWSERS;
use serde_json::{Value, json};

/// A browser with one tab, or several that are used one after another.
///
/// A process that a test no longer needs is used by the next one, which shares no tab, no storage and
/// no connection with it. When the last test has ended, so do the processes.
#[derive(Debug)]
pub struct Browser {
    /// None only while this is dropped.
    process: Option<Process>,
    /// The context that isolates this test's tabs, as in a private window.
    context: String,
    session: String,
    faults: Vec<String>,
    loaded: Vec<String>,
    requests: Vec<String>,
    idle: Arc<Idle>,
}

/// The processes that no test uses.
type Idle = Mutex<Vec<Process>>;

/// A process of the browser.
#[derive(Debug)]
struct Process {
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    last_id: u64,
    /// Gives it more time: the process ends when it has opened no page for five times the limit of a
    /// test's child, and when this is dropped. None only then.
    time: Option<mpsc::Sender<()>>,
    /// Waits until it has ended and left no file. None only when this is dropped.
    end: Option<JoinHandle<()>>,
}

impl Browser {
    /// Starts a browser. None, with a notice, where no browser is installed.
    pub fn start() -> Option<Self> {
        static IDLE: Mutex<Weak<Idle>> = Mutex::new(Weak::new());

        let idle = {
            let mut shared = IDLE.lock().unwrap();
            let idle = shared.upgrade().unwrap_or_default();
            *shared = Arc::downgrade(&idle);
            idle
        };
        let used = idle.lock().unwrap().pop();
        let mut browser = Self {
            process: Some(used.or_else(Process::start)?),
            context: String::new(),
            session: String::new(),
            faults: Vec::new(),
            loaded: Vec::new(),
            requests: Vec::new(),
            idle,
        };
        let context = browser.call("Target.createBrowserContext", json!({}));
        context["browserContextId"].as_str().expect("a context").clone_into(&mut browser.context);
        // The print page opens a dialog as soon as it is loaded.
        browser.new_tab("window.print = () => {}");
        Some(browser)
    }

    /// Opens another tab, which the following calls are for. The script runs before those of each
    /// page.
    pub fn new_tab(&mut self, script: &str) {
        self.session = String::new(); // the next two calls are for the browser itself
        let target = self.call(
            "Target.createTarget",
            json!({
                "url": "about:blank", "browserContextId": self.context
            }),
        );
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call("Target.attachToTarget", target);
        self.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// Calls a method of the protocol, and returns its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let process = self.process.as_mut().expect("it is in use");
        process.last_id += 1;
        let id = process.last_id;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        write!(process.commands, "{command}\0").expect("the browser listens");
        loop {
            let message = self.message();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        let process = self.process.as_mut().expect("it is in use");
        process.messages.read_until(0, &mut bytes).expect("the browser speaks");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended, perhaps at the time limit");
        let message: Value = serde_json::from_slice(&bytes).expect("the browser speaks JSON");
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Page.lifecycleEvent") if params["name"] == "load" => {
                self.loaded.push(params["loaderId"].to_string());
            }
            Some("Runtime.exceptionThrown") => {
                self.faults.push(format!("exception: {}", params["exceptionDetails"]));
            }
            Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                self.faults.push(format!("console: {}", params["args"]));
            }
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.faults.push(format!("log: {}", params["entry"]));
            }
            Some("Network.requestWillBeSent") => {
                self.requests.push(params["request"]["url"].as_str().unwrap_or("").to_owned());
            }
            _ => {}
        }
        message
    }

    /// Opens a page, and waits until it has loaded.
    pub fn open(&mut self, url: &str) {
        let time = &self.process.as_ref().expect("it is in use").time;
        time.as_ref().expect("it has not been dropped").send(()).ok();
        let loader = self.call("Page.navigate", json!({ "url": url }))["loaderId"].to_string();
        while !self.loaded.contains(&loader) {
            self.message();
        }
    }

    /// Sets the size of the window, in CSS pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// The value of a JavaScript expression, of its promise if it is one.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true
        });
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true. Asking without pauses would take a core from the page and from
    /// the program that it runs.
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + LIMIT;
        while self.eval(expression) != json!(true) {
            assert!(Instant::now() < deadline, "never true: {expression}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses and releases a key, as in `Enter`.
    pub fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let text = match key {
                "Enter" if kind == "keyDown" => "\r",
                " " if kind == "keyDown" => " ",
                _ => "",
            };
            let params = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text
            });
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// The exceptions and console errors on the pages since the last call.
    pub fn faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// The addresses that the pages have requested since the last call.
    pub fn requests(&mut self) -> Vec<String> {
        std::mem::take(&mut self.requests)
    }

    /// Runs axe-core on the page against WCAG 2.2 AA, and returns a line for each violation. The
    /// stylesheets of a page from disk can't be read.
    pub fn axe(&mut self, axe: &str) -> Vec<String> {
        let preload = "preload: location.protocol !== 'file:'";
        self.run_axe(axe, "document", &format!("{{ {preload}, runOnly: {WCAG} }}"))
    }

    /// Like [`Self::axe`], but leaves the colors to [`Self::axe_of_colors`], and the stylesheets to
    /// [`Self::axe_of_stylesheets`].
    pub fn axe_of_structure(&mut self, axe: &str) -> Vec<String> {
        let off = COLORS.iter().chain(&STYLESHEETS);
        let off: Vec<_> = off.map(|rule| format!("'{rule}': {{ enabled: false }}")).collect();
        let options = format!("{{ {APART}, runOnly: {WCAG}, rules: {{ {} }} }}", off.join(", "));
        self.run_axe(axe, "document", &options)
    }

    /// Like [`Self::axe`], but with only those rules that are about the page and not about each of its
    /// elements.
    pub fn axe_of_page(&mut self, axe: &str) -> Vec<String> {
        let rules = json!({ "type": "rule", "values": PAGE });
        self.run_axe(axe, "document", &format!("{{ {APART}, runOnly: {rules} }}"))
    }

    /// The ids that exist twice, and references to ids that lead nowhere or to the same place.
    pub fn faults_of_ids(&mut self) -> Vec<String> {
        serde_json::from_value(self.eval(IDS)).expect("these are texts")
    }

    /// Like [`Self::axe`], but with only those rules that read the stylesheets.
    pub fn axe_of_stylesheets(&mut self, axe: &str) -> Vec<String> {
        let rules = json!({ "type": "rule", "values": STYLESHEETS });
        self.run_axe(axe, "document", &format!("{{ runOnly: {rules} }}"))
    }

    /// The addresses of the page's stylesheets, and the text of those that have none.
    pub fn stylesheets(&mut self) -> String {
        let sheets = "[...document.styleSheets].map(it => it.href ?? it.ownerNode.textContent)";
        self.eval(&format!("{sheets}.join('\\n')")).as_str().unwrap_or_default().to_owned()
    }

    /// Like [`Self::axe`], but with only those rules that depend on the sizes of elements.
    pub fn axe_of_sizes(&mut self, axe: &str) -> Vec<String> {
        let rules = json!({ "type": "rule", "values": SIZES });
        self.run_axe(axe, "document", &format!("{{ {APART}, runOnly: {rules} }}"))
    }

    /// Like [`Self::axe`], but with only those rules that depend on colors. The contrast of a text
    /// follows from its color, its font and the backgrounds behind it. So only one element is checked of
    /// all that have these in common, and none if the same is among the sound ones, which are those that
    /// were checked before, on any page, and were found to be without a fault.
    pub fn axe_of_colors(&mut self, axe: &str, sound: &Mutex<HashSet<String>>) -> Vec<String> {
        let found = self.eval(&format!("[...(globalThis.looks = ({LOOKS})()).keys()]"));
        let mut found: Vec<String> = serde_json::from_value(found).expect("these are texts");
        {
            let sound = sound.lock().expect("no test panics with it");
            found.retain(|look| !sound.contains(look));
        }
        if found.is_empty() {
            return Vec::new();
        }
        let rules = json!({ "type": "rule", "values": COLORS });
        let options = format!("{{ {APART}, runOnly: {rules} }}");
        let elements = format!("{}.map(look => looks.get(look))", json!(found));
        let faults = self.run_axe(axe, &format!("{{ include: {elements} }}"), &options);
        if faults.is_empty() {
            sound.lock().expect("no test panics with it").extend(found);
        }
        faults
    }

    fn run_axe(&mut self, axe: &str, context: &str, options: &str) -> Vec<String> {
        if self.eval("typeof axe") == "undefined" {
            self.eval(axe);
        }
        let found = self.eval(&format!(
            "axe.run({context}, {{ resultTypes: ['violations'], ...{options} }}).then(found => \
             found.violations.flatMap(({{ id, nodes }}) => nodes.map(node => \
             id + ': ' + node.target.join(' ') + ': ' + node.failureSummary)))"
        ));
        let lines = found.as_array().expect("axe gives a list").iter();
        lines.map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// axe's names for the rules of WCAG 2.2 AA.
const WCAG: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']";
/// The rules among them that depend on colors.
const COLORS: [&str; 2] = ["color-contrast", "link-in-text-block"];
/// The rules among them that read the stylesheets.
const STYLESHEETS: [&str; 1] = ["css-orientation-lock"];
/// The rules among them that are about the page as a whole. [`IDS`] replaces `duplicate-id-aria`.
const PAGE: [&str; 8] = [
    "aria-hidden-body",
    "bypass",
    "document-title",
    "html-has-lang",
    "html-lang-valid",
    "html-xml-lang-mismatch",
    "meta-refresh",
    "meta-viewport",
];
/// The option of axe for rules that don't read the stylesheets: parsing them takes a quarter of its time.
const APART: &str = "preload: false";
/// The rules among them that depend on sizes.
const SIZES: [&str; 2] = ["scrollable-region-focusable", "target-size"];

/// A script that lists the faults of ids, in words. On the print page mdBook renames an id that two pages have, but not the
/// references to it, which would then all lead to the first one. So each id may be referred to once.
/// mdBook's search box refers to an id that doesn't exist, so only the content's references are followed.
const IDS: &str = "(() => {
    const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
    const known = new Set();
    const twice = ids.filter(id => known.has(id) || !known.add(id));
    const referring = ['aria-controls', 'aria-describedby', 'aria-labelledby', 'for', 'headers'];
    const used = new Set();
    const wrong = referring.flatMap(name => [...document.querySelectorAll(`main [${name}]`)]
        .flatMap(element => element.getAttribute(name).split(/\\s+/))
        .flatMap(id => {
            const use = name + ' refers to ' + id;
            if (!known.has(id)) return [use + ', which does not exist'];
            return used.has(use) || !used.add(use) ? [use + ' a second time'] : [];
        }));
    return [...twice.map(id => 'a second ' + id), ...wrong];
})()";

/// A function that returns, for each look that a text on the page has, the first element with that look.
const LOOKS: &str = "() => {
    const behind = new Map([[null, '']]);
    const backgrounds = element => {
        if (!behind.has(element)) {
            const { backgroundColor, backgroundImage, opacity, filter } = getComputedStyle(element);
            const own = [backgroundColor, backgroundImage, opacity, filter].join();
            const others = backgrounds(element.parentElement);
            behind.set(element, own === 'rgba(0, 0, 0, 0),none,1,none' ? others : others + ';' + own);
        }
        return behind.get(element);
    };
    const looks = new Map();
    for (const element of document.querySelectorAll('body *')) {
        if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
        if (!element.checkVisibility()) continue; // axe would not check it
        const { color, fontSize, fontWeight, textShadow, visibility } = getComputedStyle(element);
        // Large text may have less contrast, and a link must differ from the text around it.
        const isLarge = parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24);
        const around = element.tagName === 'A' && getComputedStyle(element.parentElement).color;
        const look = [color, isLarge, textShadow, visibility, around, backgrounds(element)].join();
        if (!looks.has(look)) {
            looks.set(look, element);
        }
    }
    return looks;
}";

/// The text of axe-core, from the npm package. None, with a notice, where it is not installed.
pub fn axe() -> Option<String> {
    let file = std::env::var_os("AXE").map_or_else(
        || WORKSPACE.root.join("target/tools/node_modules/axe-core/axe.min.js"),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(file).ok();
    if text.is_none() {
        skip("axe-core");
    }
    text
}

impl Drop for Browser {
    fn drop(&mut self) {
        if thread::panicking() {
            return; // the process may be in the middle of something, and ends
        }
        self.session = String::new();
        let context = json!({ "browserContextId": self.context });
        self.call("Target.disposeBrowserContext", context);
        self.idle.lock().unwrap().extend(self.process.take());
    }
}

/// The browser's program. None, with a notice, where none is installed.
fn program() -> Option<&'static str> {
    let name = BROWSERS.into_iter().find(|name| is_there(Path::new(name)));
    if name.is_none() {
        skip("chromium");
    }
    name
}

impl Process {
    /// None, with a notice, where no browser is installed.
    fn start() -> Option<Self> {
        let name = program()?;
        let profile = tempfile::tempdir().expect("a folder can be made");
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1", name])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                // A page is open for about a second, in which optimizing its scripts costs more than
                // it saves.
                "--js-flags=--no-maglev --no-turbofan",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("TMPDIR", profile.path()) // what it leaves there is removed with the profile
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let commands = child.stdin.take().expect("stdin is piped");
        let messages = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (time, more) = mpsc::channel();
        let end = thread::spawn(move || {
            while more.recv_timeout(5 * LIMIT).is_ok() {}
            child.kill().ok();
            child.wait().ok();
            // The processes that it has started end a moment later, and may still write files.
            let ended = Instant::now();
            while fs::remove_dir_all(profile.path()).is_err() && ended.elapsed() < LIMIT {
                thread::sleep(Duration::from_millis(10));
            }
        });
        Some(Self { commands, messages, last_id: 0, time: Some(time), end: Some(end) })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.time.take());
        self.end.take().map(JoinHandle::join);
    }
}
