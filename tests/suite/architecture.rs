//! The rules of ARCHITECTURE.md: which crate may depend on which, which way modules import, and
//! what an example and a page may look like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tests::WORKSPACE;

use source::{Module, Modules};

#[test]
fn crates_depend_on_each_other_in_one_direction_only() {
    let packages = packages();
    let mut faults = Vec::new();
    for package in &packages {
        for (name, folder) in &package.uses {
            if !may_use(&package.folder, folder) {
                faults.push(format!("{} must not depend on {name}", package.folder));
            }
        }
        if package.is_example() && package.uses.len() > 1 {
            faults.push(format!("{} shows more than one crate of ours", package.folder));
        }
    }
    assert_none(&faults);
}

/// Whether the package in one folder of the workspace may depend on the package in another.
fn may_use(folder: &str, other: &str) -> bool {
    let of_crates = other.starts_with("crates/");
    match folder.split('/').next() {
        Some("crates") => of_crates,
        Some("harness") => other == "crates/process-tree",
        Some("guide") => {
            ["harness", "crates/bounded-http", "crates/picture", "crates/process-tree"]
                .contains(&other)
        }
        Some("schedules") => other == "harness",
        Some("bench") => other == "harness" || of_crates,
        Some("tests") => true,
        // An example may show how to use one of our crates.
        Some(examples) if examples.starts_with("examples-") => of_crates,
        _ => false,
    }
}

#[test]
fn packages_are_named_like_their_folders() {
    let mut faults = Vec::new();
    for Package { name, folder, .. } in packages() {
        if Path::new(&folder).file_name() != Some(name.as_ref()) {
            faults.push(format!("{folder}: its package is named {name}"));
        }
    }
    assert_none(&faults);
}

#[test]
fn every_package_promises_the_same_rust_version() {
    let packages = packages();
    let version = &packages[0].rust_version;
    for package in &packages {
        assert!(!package.rust_version.is_empty(), "{} has no rust-version", package.folder);
        assert_eq!(&package.rust_version, version, "{}", package.folder);
    }
    for (file, promise) in [
        ("README.md", format!("Rust {version} or newer")),
        (".github/workflows/ci.yml", format!("rustup toolchain install {version} ")),
    ] {
        let text = fs::read_to_string(WORKSPACE.root.join(file)).unwrap();
        assert!(text.contains(&promise), "{file} does not say \"{promise}\"");
    }
}

#[test]
fn every_package_inherits_the_lints() {
    let mut faults = Vec::new();
    for Package { folder, .. } in packages() {
        let manifest = WORKSPACE.root.join(&folder).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap().replace("\r\n", "\n");
        // The tests have their own, because unwrap() is allowed there.
        if folder != "tests" && !manifest.contains("[lints]\nworkspace = true\n") {
            faults.push(format!("{folder}/Cargo.toml lacks [lints] with workspace = true"));
        }
    }
    assert_none(&faults);
}

#[test]
fn cargo_test_runs_every_package_that_has_tests() {
    let mut faults = Vec::new();
    for package in packages().iter().filter(|package| !package.is_default_member) {
        let folder = WORKSPACE.root.join(&package.folder);
        let source = folder.join("src");
        let mut sources = files(&source).map(|file| fs::read_to_string(file).unwrap());
        let has_tests = |text: String| text.contains("#[test]") || text.contains("#[tokio::test");
        if folder.join("tests").is_dir() || sources.any(has_tests) {
            let name = &package.folder;
            faults.push(format!("{name} has tests; add it to default-members in Cargo.toml"));
        }
    }
    assert_none(&faults);
}

#[test]
fn modules_import_in_one_direction_only() {
    let mut faults = Vec::new();
    for package in packages() {
        let sources = WORKSPACE.root.join(&package.folder).join("src");
        let modules = Modules::read(&sources);
        for cycle in cycles(&modules.imports()) {
            faults.push(format!("{}: {}", package.folder, cycle.join(" -> ")));
        }
        if !sources.join("lib.rs").is_file() {
            for module in modules.users_of_root() {
                faults.push(format!("{}: {module} imports from main.rs", package.folder));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn imports_are_found_in_every_form() {
    let modules = Modules::default()
        .with("", "mod a; mod b; pub use crate::c::{Shown as Known, Other}; fn main() {}")
        .with("a", "use crate::{b::{self, X}, Known}; // crate::d::Comment")
        .with("b", r###"fn f() { super::a::g('{', "crate::d::X", r#"crate::d"#) }"###)
        .with("c", "mod inner { use super::super::d::Y; } mod tests { use crate::a; }")
        .with("d", "/* crate::a */ fn g<'a>(_: &'a u8) -> crate::d::e::Z {}")
        .with("d::e", "use super::Z; use crate::Unknown;");
    let imports = modules.imports();
    let arrows: Vec<_> = imports
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| format!("{from} {to}")))
        .collect();
    assert_eq!(arrows, ["a b", "a c", "b a", "c d"]);
    assert_eq!(cycles(&imports), [["a", "b", "a"]]);
    let users: Vec<_> = modules.users_of_root().iter().map(ToString::to_string).collect();
    assert_eq!(users, ["d::e"]);
}

#[test]
fn examples_fit_on_a_screen_and_do_not_unwrap() {
    /// A column of a page has room for this many characters.
    const CHARACTERS: usize = 76;
    const LINES: usize = 90;

    let mut faults = Vec::new();
    for file in sources_of_examples() {
        let text = fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(&WORKSPACE.root).unwrap_or(&file).display();
        let lines = text.lines().count();
        if lines > LINES {
            faults.push(format!("{shown}: {lines} lines; an example has at most {LINES}"));
        }
        for (number, line) in (1..).zip(text.lines()) {
            let length = line.chars().count();
            // The command in a header cannot be broken.
            if length > CHARACTERS && !line.starts_with("//! cargo run ") {
                faults.push(format!("{shown}:{number}: {length} characters, over {CHARACTERS}"));
            }
        }
        let is_rust = file.extension() == Some("rs".as_ref());
        if is_rust && source::outside_tests(&source::tokens(&text)).any(|token| token == "unwrap") {
            faults.push(format!("{shown}: unwrap(); return the error with a context"));
        }
    }
    assert_none(&faults);
}

/// The Rust and Python sources in all folders of examples.
fn sources_of_examples() -> Vec<PathBuf> {
    let mut folders: Vec<_> = subfolders(&WORKSPACE.root)
        .filter(|folder| folder.file_name().unwrap().to_string_lossy().starts_with("examples-"))
        .collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let of_language =
            |file: &PathBuf| file.extension().is_some_and(|it| it == "rs" || it == "py");
        sources.extend(files(&folder).filter(of_language));
        folders.extend(subfolders(&folder));
    }
    sources.sort();
    sources
}

#[test]
fn no_line_of_a_page_is_overlong() {
    const CHARACTERS: usize = 120;

    let mut faults = Vec::new();
    for folder in [WORKSPACE.root.clone(), WORKSPACE.root.join("guide/en")] {
        for file in files(&folder).filter(|file| file.extension() == Some("md".as_ref())) {
            let text = fs::read_to_string(&file).unwrap();
            let shown = file.strip_prefix(&WORKSPACE.root).unwrap_or(&file).display();
            for (number, line) in (1..).zip(text.lines()) {
                // A table's row and a link's target cannot be broken.
                let text = line.split("](").enumerate().map(|(index, part)| {
                    let rest = part.split_once(')').map_or("", |(_, rest)| rest);
                    if index == 0 { part } else { rest }
                });
                let length: usize = text.map(|part| part.chars().count()).sum();
                if length > CHARACTERS && !line.starts_with('|') {
                    faults.push(format!("{shown}:{number}: {length} characters"));
                }
            }
        }
    }
    assert_none(&faults);
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// One package of the workspace.
struct Package {
    name: String,
    /// From the root of the workspace, with `/`.
    folder: String,
    rust_version: String,
    /// Whether `cargo test` includes it.
    is_default_member: bool,
    /// The packages of the workspace that it depends on, also for its tests: names and folders.
    uses: BTreeMap<String, String>,
}

impl Package {
    fn is_example(&self) -> bool {
        self.folder.starts_with("examples-")
    }
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(&WORKSPACE.root)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", output.status);
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();

    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let from_root = |path: &str| -> String {
        let within = Path::new(path).strip_prefix(&WORKSPACE.root).unwrap();
        within.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/")
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let package = |package: &Value| Package {
        name: text(&package["name"]),
        folder: from_root(text(&package["manifest_path"]).trim_end_matches("Cargo.toml")),
        rust_version: text(&package["rust_version"]),
        is_default_member: list(&metadata["workspace_default_members"]).contains(&package["id"]),
        uses: list(&package["dependencies"])
            .iter()
            .filter_map(|used| Some((text(&used["name"]), from_root(used["path"].as_str()?))))
            .collect(),
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

/// The files directly in a folder.
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
}

/// The folders directly in a folder.
fn subfolders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
}

/// The cycles among these imports, each from a module back to the same module.
fn cycles(imports: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    fn visit<'a>(
        module: &'a Module,
        imports: &'a BTreeMap<Module, BTreeSet<Module>>,
        path: &mut Vec<&'a Module>,
        done: &mut BTreeSet<&'a Module>,
        found: &mut Vec<Vec<String>>,
    ) {
        if let Some(start) = path.iter().position(|on_path| *on_path == module) {
            found.push(path[start..].iter().chain([&module]).map(ToString::to_string).collect());
            return;
        }
        if done.contains(module) {
            return;
        }
        path.push(module);
        for imported in imports.get(module).into_iter().flatten() {
            visit(imported, imports, path, done, found);
        }
        path.pop();
        done.insert(module);
    }

    let (mut done, mut found) = (BTreeSet::new(), Vec::new());
    for module in imports.keys() {
        visit(module, imports, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

/// Reads Rust just well enough to know what a module imports: paths that begin with `crate` or
/// `super`. Re-exports are followed to the module that defines the item.
mod source {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt;
    use std::fs;
    use std::path::Path;

    /// A module's path from the root of its crate. The root itself has no parts.
    #[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Module(Vec<String>);

    impl fmt::Display for Module {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str(&self.0.join("::"))
        }
    }

    /// The modules of one crate that have files of their own, each with the paths that it uses.
    #[derive(Default)]
    pub struct Modules(BTreeMap<Module, Vec<Use>>);

    /// A path from the root of the crate, and the name under which a `pub use` exports it.
    struct Use {
        path: Vec<String>,
        exported_as: Option<String>,
    }

    impl Modules {
        /// Reads the sources of a crate, except the programs in `bin`, which are crates themselves.
        pub fn read(folder: &Path) -> Self {
            let root = if folder.join("lib.rs").is_file() { "lib.rs" } else { "main.rs" };
            let mut modules = Self::default();
            modules.read_folder(folder, &Module::default(), root);
            modules
        }

        fn read_folder(&mut self, folder: &Path, parent: &Module, root: &str) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let file = path.file_name().unwrap().to_str().unwrap();
                let child = |name: &str| Module([&parent.0[..], &[name.to_owned()]].concat());
                if path.is_dir() {
                    if file != "bin" {
                        self.read_folder(&path, &child(file), "mod.rs");
                    }
                } else if file == root {
                    self.add(parent.clone(), &fs::read_to_string(&path).unwrap());
                } else if let Some(name) = file.strip_suffix(".rs").filter(|name| *name != "main") {
                    self.add(child(name), &fs::read_to_string(&path).unwrap());
                }
            }
        }

        /// Adds a module by its path and its source. The root's path is empty.
        pub fn with(mut self, path: &str, text: &str) -> Self {
            let parts = path.split("::").filter(|part| !part.is_empty());
            self.add(Module(parts.map(str::to_owned).collect()), text);
            self
        }

        fn add(&mut self, module: Module, text: &str) {
            let uses = uses(&module, &tokens(text));
            self.0.insert(module, uses);
        }

        /// What each module imports from others. A module and its parents are one unit: what they
        /// import from each other does not count.
        pub fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
            let of = |module: &Module, uses: &[Use]| {
                let definers = uses.iter().map(|used| self.definer(&used.path));
                definers
                    .filter(|other| {
                        !module.0.starts_with(&other.0) && !other.0.starts_with(&module.0)
                    })
                    .collect()
            };
            self.0.iter().map(|(module, uses)| (module.clone(), of(module, uses))).collect()
        }

        /// The modules that import what the root defines.
        pub fn users_of_root(&self) -> Vec<&Module> {
            let uses_root = |module: &Module, uses: &[Use]| {
                *module != Module::default()
                    && uses.iter().any(|used| self.definer(&used.path) == Module::default())
            };
            let users = self.0.iter().filter(|(module, uses)| uses_root(module, uses));
            users.map(|(module, _)| module).collect()
        }

        /// The module that defines the item at this path.
        fn definer(&self, path: &[String]) -> Module {
            let prefixes = (0..=path.len()).rev().map(|length| Module(path[..length].to_vec()));
            let Some(module) = prefixes.into_iter().find(|prefix| self.0.contains_key(prefix))
            else {
                return Module::default();
            };
            let Some(name) = path.get(module.0.len()) else { return module };
            let exported =
                self.0[&module].iter().find(|used| used.exported_as.as_ref() == Some(name));
            match exported {
                Some(used) => self.definer(&used.path),
                None => module,
            }
        }
    }

    /// The paths that a source file uses.
    fn uses(module: &Module, tokens: &[String]) -> Vec<Use> {
        let tokens: Vec<_> = outside_tests(tokens).collect();
        let token = |index: usize| tokens.get(index).copied().unwrap_or_default();
        let mut found = Vec::new();
        // For each open brace the module inside the file that it opens, if it opens one.
        let mut open: Vec<Option<&str>> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map(token);
            match token(at) {
                "{" => {
                    let opens_module = at >= 2 && token(at - 2) == "mod";
                    open.push(before.filter(|_| opens_module));
                }
                "}" => drop(open.pop()),
                start @ ("use" | "crate" | "super") => {
                    let is_use = start == "use";
                    let is_path = token(at + 1) == "::" && before != Some("::");
                    if is_use || is_path {
                        at += usize::from(is_use);
                        let exports = is_use && matches!(before, Some("pub" | ")"));
                        let here = module.0.iter().map(String::as_str);
                        let here: Vec<_> = here.chain(open.iter().copied().flatten()).collect();
                        for (path, name) in tree(&tokens, &mut at, &[]) {
                            found.push(Use {
                                path: absolute(&here, &path),
                                exported_as: exports.then(|| name.to_owned()),
                            });
                        }
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// The paths of a `use` tree, or the one path of an expression, each with the name that it gets.
    fn tree<'a>(
        tokens: &[&'a str],
        at: &mut usize,
        prefix: &[&'a str],
    ) -> Vec<(Vec<&'a str>, &'a str)> {
        let token = |index: usize| tokens.get(index).copied().unwrap_or_default();
        let mut path = prefix.to_vec();
        loop {
            match token(*at) {
                "{" => {
                    *at += 1;
                    let mut found = Vec::new();
                    while !matches!(token(*at), "}" | "") {
                        found.extend(tree(tokens, at, &path));
                        *at += usize::from(token(*at) == ",");
                    }
                    *at += 1;
                    return found;
                }
                "*" | "self" if !path.is_empty() => {}
                part => path.push(part),
            }
            *at += 1;
            let goes_on =
                token(*at + 1).starts_with(|c: char| c.is_alphanumeric() || "_{*".contains(c));
            if token(*at) == "::" && goes_on {
                *at += 1;
                continue;
            }
            let mut name = path.last().copied().unwrap_or_default();
            if token(*at) == "as" {
                name = token(*at + 1);
                *at += 2;
            }
            return vec![(path, name)];
        }
    }

    /// A path as seen from the root of the crate.
    fn absolute(here: &[&str], path: &[&str]) -> Vec<String> {
        let up = path.iter().take_while(|part| **part == "super").count();
        let (start, rest) = match path.first() {
            Some(&"crate") => (&[][..], &path[1..]),
            Some(&"self") => (here, &path[1..]),
            _ => (&here[..here.len().saturating_sub(up)], &path[up..]),
        };
        start.iter().chain(rest).map(|part| (*part).to_owned()).collect()
    }

    /// The tokens of a source file that are not in its `mod tests`.
    pub fn outside_tests(tokens: &[String]) -> impl Iterator<Item = &str> {
        let mut depth = 0_usize; // inside of `mod tests`
        tokens.iter().enumerate().filter_map(move |(index, token)| {
            let opens_tests = index >= 2 && tokens[index - 2..index] == ["mod", "tests"];
            match token.as_str() {
                "{" if depth > 0 || opens_tests => depth += 1,
                "}" if depth > 0 => depth -= 1,
                other if depth == 0 => return Some(other),
                _ => {}
            }
            None
        })
    }

    /// Names, `::` and single characters, without comments and literals.
    pub fn tokens(text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else if first == '"' {
                literal(rest, '"')
            } else if first == '\'' {
                // `'x'` and `'\n'` are characters, `'x` is a lifetime.
                let is_character = rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'');
                if is_character { literal(rest, '\'') } else { 1 }
            } else if ["r", "br", "cr"].contains(&&rest[..name])
                && rest[name..].starts_with(['#', '"'])
            {
                let hashes = rest[name..].len() - rest[name..].trim_start_matches('#').len();
                let start = name + hashes + 1;
                let end = format!("\"{}", "#".repeat(hashes));
                rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len())
            } else {
                let length = match name {
                    0 if rest.starts_with("::") => 2,
                    0 => first.len_utf8(),
                    name => name,
                };
                if !first.is_whitespace() {
                    tokens.push(rest[..length].to_owned());
                }
                length
            };
            rest = &rest[length..];
        }
        tokens
    }

    /// How long the literal is that a text begins with, with both quotes.
    fn literal(text: &str, quote: char) -> usize {
        let mut escaped = false;
        for (index, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => return index + 1,
                _ => {}
            }
        }
        text.len()
    }
}
