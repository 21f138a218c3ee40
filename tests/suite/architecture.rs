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
        .with("d::e", "use super::Z; use crate::Unknown;")
        .with("f", "fn f() { html! { @if super::b::X { p { (crate::c::other::<u8>()) } } } }");
    let imports = modules.imports();
    let arrows: Vec<_> = imports
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |to| format!("{from} {to}")))
        .collect();
    assert_eq!(arrows, ["a b", "a c", "b a", "c d", "f b", "f c"]);
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
        if is_rust && source::contains(source::outside_tests(&text), "unwrap") {
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

/// The imports of modules: the paths in their sources that begin with `crate` or `super`. A
/// re-export is followed to the module that defines the item.
mod source {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt;
    use std::fs;
    use std::path::Path;

    use proc_macro2::{Group, Ident, TokenStream, TokenTree};
    use quote::ToTokens as _;
    use syn::ext::IdentExt as _;
    use syn::parse::{ParseStream, Parser as _};
    use syn::{Item, ItemUse, Token, UseTree, Visibility, token};

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
            let mut uses = Vec::new();
            collect_uses(&module.0, outside_tests(text), &mut uses).unwrap();
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

    /// Collects the paths that are used in the module `here`. It reads tokens, because a macro's
    /// input need not be Rust.
    fn collect_uses(here: &[String], tokens: TokenStream, uses: &mut Vec<Use>) -> syn::Result<()> {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let is_exported = !matches!(input.parse()?, Visibility::Inherited);
                if input.peek(Token![use]) && !input.peek2(Token![<]) {
                    let tree = input.parse::<ItemUse>()?.tree;
                    uses.extend(leaves(&tree, &[]).into_iter().map(|(path, name)| Use {
                        path: absolute(here, &path),
                        exported_as: name.filter(|_| is_exported),
                    }));
                } else if input.peek(Token![mod]) && input.peek3(token::Brace) {
                    input.parse::<Token![mod]>()?;
                    let name = input.parse::<Ident>()?.to_string();
                    let body = input.parse::<Group>()?.stream();
                    collect_uses(&[here, &[name]].concat(), body, uses)?;
                } else if input.peek(Token![crate]) || input.peek(Token![super]) {
                    let mut path = vec![Ident::parse_any(input)?.to_string()];
                    while input.peek(Token![::]) && input.peek3(Ident::peek_any) {
                        input.parse::<Token![::]>()?;
                        path.push(Ident::parse_any(input)?.to_string());
                    }
                    uses.push(Use { path: absolute(here, &path), exported_as: None });
                } else if let TokenTree::Group(group) = input.parse()? {
                    collect_uses(here, group.stream(), uses)?;
                }
            }
            Ok(())
        };
        parser.parse2(tokens)
    }

    /// The paths of a `use` tree, each with the name that it gets.
    fn leaves(tree: &UseTree, prefix: &[String]) -> Vec<(Vec<String>, Option<String>)> {
        let below = |name: &Ident| match name.to_string() {
            name if name == "self" && !prefix.is_empty() => prefix.to_vec(),
            name => [prefix, &[name]].concat(),
        };
        match tree {
            UseTree::Path(path) => leaves(&path.tree, &below(&path.ident)),
            UseTree::Name(leaf) => {
                let path = below(&leaf.ident);
                let name = path.last().cloned();
                vec![(path, name)]
            }
            UseTree::Rename(leaf) => vec![(below(&leaf.ident), Some(leaf.rename.to_string()))],
            UseTree::Glob(_) => vec![(prefix.to_vec(), None)],
            UseTree::Group(group) => {
                group.items.iter().flat_map(|tree| leaves(tree, prefix)).collect()
            }
        }
    }

    /// A path as seen from the root of the crate.
    fn absolute(here: &[String], path: &[String]) -> Vec<String> {
        let up = path.iter().take_while(|part| *part == "super").count();
        let (start, rest) = match path.first().map(String::as_str) {
            Some("crate") => (&[][..], &path[1..]),
            Some("self") => (here, &path[1..]),
            _ => (&here[..here.len().saturating_sub(up)], &path[up..]),
        };
        [start, rest].concat()
    }

    /// The tokens of a source file that are not in its `mod tests`.
    pub fn outside_tests(text: &str) -> TokenStream {
        let mut file = syn::parse_file(text).unwrap();
        file.items.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "tests"));
        file.into_token_stream()
    }

    pub fn contains(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == name,
            TokenTree::Group(group) => contains(group.stream(), name),
            _ => false,
        })
    }
}
