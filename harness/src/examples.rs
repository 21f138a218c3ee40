//! Finds the examples: every program in every crate in the folders `examples-*` and `crates`.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The Cargo workspace that holds the examples, the guide and the tests.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// The examples by name.
    pub examples: BTreeMap<String, Example>,
}

/// One program that the book shows: a crate's main program, or the broken twin beside it.
#[derive(Debug, Clone)]
pub struct Example {
    /// The program's name, unique in the workspace. A crate's main program is named like it.
    pub name: String,
    /// The crate that the program belongs to.
    pub package: String,
    /// The crate's folder, from the workspace's root, with `/`: `examples-async/gather`.
    pub folder: String,
    /// The Rust source file, from the workspace's root, with `/`.
    pub source: String,
    /// One line, from the head of the source: what the example shows.
    pub description: String,
    /// The command that runs it, from the head of the source, word by word.
    pub command: Vec<String>,
    /// What becomes of it when it is run.
    pub kind: Kind,
    /// The Python counterpart, from the workspace's root, with `/`, where there is one.
    pub python: Option<String>,
    /// What `cargo add` must be given in a crate of the reader's own, one dependency each. None
    /// where the source alone would not do: the crate has further files, or needs another one of
    /// this workspace.
    pub dependencies: Option<Vec<String>>,
}

/// What becomes of an example that is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It ends by itself.
    Program,
    /// It runs until it is stopped, as its crate's `[package.metadata] server = true` says.
    Server,
    /// It does not compile, and is there to show that: it needs the feature `broken`.
    Broken,
}

impl Workspace {
    /// Reads the workspace that `folder` is part of.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run or read the workspace, when two examples have the same name,
    /// and when the head of an example's source lacks its description or its command.
    pub fn find(folder: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .current_dir(folder)
            .no_deps()
            .exec()
            .context("asking cargo for the workspace (is cargo installed and on the PATH?)")?;
        let root = metadata.workspace_root.as_std_path();

        let mut examples = BTreeMap::new();
        for package in &metadata.packages {
            let Some(folder) = folder_of_example(package, root) else { continue };
            for target in package.targets.iter().filter(|target| target.is_bin()) {
                let example = Example::read(root, &folder, package, target)?;
                let name = example.name.clone();
                if let Some(other) = examples.insert(name.clone(), example) {
                    bail!("two examples are named {name}: the other one is in {}", other.folder);
                }
            }
        }
        ensure!(!examples.is_empty(), "{}: no crate below an examples-* folder", root.display());

        let target = metadata.target_directory.into_std_path_buf();
        Ok(Self { root: root.to_owned(), target, examples })
    }

    /// The example of this name.
    ///
    /// # Errors
    ///
    /// When there is none; the message lists those there are.
    pub fn example(&self, name: &str) -> Result<&Example> {
        self.examples.get(name).with_context(|| {
            let names: Vec<_> = self.examples.keys().map(String::as_str).collect();
            format!("no example is named {name:?}; there are {}", names.join(", "))
        })
    }

    /// Where the tested output of an example is kept.
    pub fn snapshot(&self, name: &str) -> PathBuf {
        self.root.join("tests/snapshots").join(format!("{name}.snap"))
    }
}

/// The crate's folder from the root, if its parent is named `examples-…` or `crates`.
fn folder_of_example(package: &Package, root: &Path) -> Option<String> {
    let folder = package.manifest_path.parent()?.strip_prefix(root).ok()?;
    let parts: Vec<_> = folder.components().map(|part| part.as_str()).collect();
    let holds_examples = |parent: &str| parent.starts_with("examples-") || parent == "crates";
    (parts.len() == 2 && holds_examples(parts[0])).then(|| parts.join("/"))
}

impl Example {
    fn read(
        root: &Path,
        folder: &str,
        package: &Package,
        target: &cargo_metadata::Target,
    ) -> Result<Self> {
        let within = target.src_path.strip_prefix(root.join(folder)).with_context(|| {
            format!("{}: not in the folder of its crate, {folder}", target.src_path)
        })?;
        let within: Vec<_> = within.components().map(|part| part.as_str()).collect();
        let source = format!("{folder}/{}", within.join("/"));
        let text = read(root, &source)?;

        let (description, command) = read_header(&text, &package.name, &target.name)
            .with_context(|| format!("{source}:1: the head of the file"))?;
        let python = format!("{folder}/{}.py", target.name);

        Ok(Self {
            name: target.name.clone(),
            package: package.name.to_string(),
            folder: folder.to_owned(),
            source,
            description,
            command,
            kind: if target.required_features.iter().any(|feature| feature == "broken") {
                Kind::Broken
            } else if package.metadata["server"] == true {
                Kind::Server
            } else {
                Kind::Program
            },
            python: root.join(&python).is_file().then_some(python),
            dependencies: has_one_source(&root.join(folder).join("src"))?
                .then(|| dependencies(package))
                .flatten(),
        })
    }

    /// The command that runs the Python counterpart, where there is one.
    pub fn python_command(&self) -> Option<String> {
        Some(format!("python3 {}", self.python.as_ref()?))
    }

    /// The parts of a source file between `ANCHOR: anchor` and `ANCHOR_END: anchor`, or all of
    /// it, without the lines that hold the marks and without common indentation.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and when an anchor is missing, empty or not closed.
    pub fn excerpt(root: &Path, source: &str, anchor: Option<&str>) -> Result<String> {
        let text = read(root, source)?;
        let mark = |line: &str| {
            let comment = line.trim_start().trim_start_matches(['/', '#']).trim();
            ["ANCHOR: ", "ANCHOR_END: "].into_iter().zip([true, false]).find_map(
                |(prefix, opens)| Some((opens, comment.strip_prefix(prefix)?.trim().to_owned())),
            )
        };

        let mut inside = anchor.is_none();
        let mut lines = Vec::new();
        for line in text.lines() {
            match mark(line) {
                Some((opens, name)) if Some(name.as_str()) == anchor => inside = opens,
                Some(_) => {}
                None if inside => lines.push(line),
                None => {}
            }
        }
        if let Some(anchor) = anchor {
            ensure!(!lines.is_empty(), "{source}: no lines between `ANCHOR: {anchor}` and its end");
            ensure!(
                !inside,
                "{source}: `ANCHOR: {anchor}` is never closed by `ANCHOR_END: {anchor}`"
            );
        }

        let indentation = lines
            .iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start().len())
            .min()
            .unwrap_or(0);
        let dedented: Vec<_> =
            lines.iter().map(|line| line.get(indentation..).unwrap_or("")).collect();
        Ok(dedented.join("\n").trim_matches('\n').to_owned())
    }
}

/// Whether a folder of sources holds but the main program, and perhaps its broken twin.
fn has_one_source(folder: &Path) -> Result<bool> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let names: Vec<_> =
        entries.map(|entry| entry.map(|it| it.file_name())).collect::<Result<_, _>>()?;
    Ok(names.iter().all(|name| name == "main.rs" || name == "broken.rs"))
}

/// The dependencies of a package as `cargo add` takes them. None if one is in this workspace.
fn dependencies(package: &Package) -> Option<Vec<String>> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| {
            let version = dependency.req.to_string();
            let mut words = format!("{}@{}", dependency.name, version.trim_start_matches('^'));
            if !dependency.features.is_empty() {
                words += &format!(" --features {}", dependency.features.join(","));
            }
            dependency.path.is_none().then_some(words)
        })
        .collect()
}

fn read(root: &Path, file: &str) -> Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))
}

/// The description and the command from the `//!` lines that a source file begins with.
fn read_header(text: &str, package: &str, program: &str) -> Result<(String, Vec<String>)> {
    let header: Vec<_> =
        text.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.trim()).collect();

    let description = header.iter().take_while(|line| !line.is_empty());
    let description = description.copied().collect::<Vec<_>>().join(" ");
    ensure!(!description.is_empty(), "its first lines, `//! …`, must say what it shows");

    let command = header
        .iter()
        .skip_while(|line| **line != "```sh")
        .nth(1)
        .context("it must name the command that runs it, between `//! ```sh` and `//! ``` `")?;
    let command: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
    let has = |option: &str, value: &str| {
        command.windows(2).any(|pair| pair[0] == option && pair[1] == value)
    };
    ensure!(
        command.starts_with(&["cargo".to_owned(), "run".to_owned()])
            && has("-p", package)
            && (program == package || has("--bin", program)),
        "its command, `{}`, must be `cargo run -p {package}`, with `--bin {program}` if that is \
         not the crate's main program",
        command.join(" "),
    );
    Ok((description, command))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "//! Two lines\n//! of text.\n//!\n//! ```sh\n//! cargo run -p one\n//! ```\n";

    #[test]
    fn header_gives_description_and_command() {
        let (description, command) = read_header(HEADER, "one", "one").unwrap();
        assert_eq!(description, "Two lines of text.");
        assert_eq!(command, ["cargo", "run", "-p", "one"]);
    }

    #[test]
    fn header_must_run_its_own_program() {
        assert!(read_header(HEADER, "two", "two").is_err());
        assert!(read_header(HEADER, "one", "one-broken").is_err());
        assert!(read_header("//! Only this.\nfn main() {}\n", "one", "one").is_err());
        assert!(read_header("fn main() {}\n", "one", "one").is_err());
    }

    #[test]
    fn excerpt_is_dedented_and_free_of_marks() {
        let folder = std::env::temp_dir().join(format!("guide-excerpt-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let text =
            "a\n    // ANCHOR: x\n    b {\n\n        c\n    // ANCHOR_END: x\nd\n# ANCHOR: y\ne\n";
        fs::write(folder.join("f"), text).unwrap();

        assert_eq!(Example::excerpt(&folder, "f", Some("x")).unwrap(), "b {\n\n    c");
        assert_eq!(Example::excerpt(&folder, "f", None).unwrap(), "a\n    b {\n\n        c\nd\ne");
        for missing in ["y", "z"] {
            let error = Example::excerpt(&folder, "f", Some(missing)).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
