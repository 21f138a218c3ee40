//! Finds the examples: every program in every crate in the folders `examples-*` and `crates`.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{MetadataCommand, Package};

use crate::own_crate::{OwnCrate, crates_for, extension_module};
use crate::source;

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

/// One program that the book shows: a crate's main program, or its broken twin. If the crate is an
/// extension module for Python, its main program starts Python.
#[derive(Debug, Clone)]
pub struct Example {
    /// The program's name, unique in the workspace. A crate's main program is named like it.
    pub name: String,
    /// The crate that the program belongs to.
    pub package: String,
    /// The crate's folder, from the workspace's root, with `/`: `examples-async/gather`.
    pub folder: String,
    /// The Rust source file, from the workspace's root, with `/`: the program's, or the extension
    /// module's.
    pub source: String,
    /// One line, from the head of the source: what the example shows.
    pub description: String,
    /// The command that runs it, from the head of the source, word by word.
    pub command: Vec<String>,
    /// What happens when it is run.
    pub kind: Kind,
    /// Whether the crate is an extension module for Python: a `cdylib`.
    pub is_extension: bool,
    /// The Python counterpart, from the workspace's root, with `/`, if there is one. Of an extension
    /// module, it is the program that imports the module.
    pub python: Option<String>,
    /// The crates that a reader makes to have the program outside of this workspace: the libraries
    /// that it builds on, then its own crate.
    pub own_crates: Vec<OwnCrate>,
}

/// What happens when an example is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It ends on its own.
    Program,
    /// It runs until it is stopped, as its crate's `[package.metadata] server = true` says.
    Server,
    /// It does not compile, which is its point. It needs the feature `broken`.
    Broken,
}

impl Workspace {
    /// Reads the workspace that `folder` is part of.
    ///
    /// # Errors
    ///
    /// When cargo cannot be run or cannot read the workspace, when two examples have the same name,
    /// and when the header of an example's source lacks its description or its command.
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
                let own_crates = crates_for(root, &metadata.packages, package, target)?;
                let example = Example::read(root, &folder, package, target, own_crates)?;
                let name = example.name.clone();
                if let Some(other) = examples.insert(name.clone(), example) {
                    bail!("two examples are named {name}; the other one is in {}", other.folder);
                }
            }
        }
        ensure!(
            !examples.is_empty(),
            "{}: no crate in a folder examples-* or crates",
            root.display()
        );

        let target = metadata.target_directory.into_std_path_buf();
        Ok(Self { root: root.to_owned(), target, examples })
    }

    /// The example of this name.
    ///
    /// # Errors
    ///
    /// When there is none. The message names the examples with a similar name.
    pub fn example(&self, name: &str) -> Result<&Example> {
        self.examples.get(name).with_context(|| {
            let similar = self.similar(name).join(" or ");
            let hint = match similar.as_str() {
                "" => "`cargo run -p guide -- list` names them all".to_owned(),
                similar => format!("did you mean {similar}?"),
            };
            format!("no example is named {name:?}; {hint}")
        })
    }

    /// The examples whose name may be what was meant, the most similar one first: a part of the
    /// name is the same, or a few letters differ.
    fn similar(&self, name: &str) -> Vec<&str> {
        let mut similar: Vec<_> = self
            .examples
            .keys()
            .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known.as_str()))
            .filter(|(likeness, known)| {
                *likeness > 0.6 || name.len() > 2 && (known.contains(name) || name.contains(known))
            })
            .collect();
        similar.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        similar.into_iter().take(3).map(|(_, known)| known).collect()
    }

    /// The file that holds the tested output of an example.
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
        own_crates: Vec<OwnCrate>,
    ) -> Result<Self> {
        let extension = extension_module(package);
        let shown = &extension.unwrap_or(target).src_path;
        let within = shown
            .strip_prefix(root.join(folder))
            .with_context(|| format!("{shown}: not in the folder of its crate, {folder}"))?;
        let within: Vec<_> = within.components().map(|part| part.as_str()).collect();
        let source = format!("{folder}/{}", within.join("/"));
        let text = source::read(root, &source)?;

        let (description, command) = read_header(&text, &package.name, &target.name)
            .with_context(|| format!("{source}:1: the header of the file"))?;
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
            is_extension: extension.is_some(),
            python: root.join(&python).is_file().then_some(python),
            own_crates,
        })
    }

    /// The command that runs the Python counterpart, if there is one. The program that imports an
    /// extension module is started by the example's own command.
    pub fn python_command(&self) -> Option<String> {
        let file = self.python.as_ref().filter(|_| !self.is_extension)?;
        Some(format!("python3 {file}"))
    }
}

/// The description and the command from the `//!` lines that a source file begins with.
fn read_header(text: &str, package: &str, program: &str) -> Result<(String, Vec<String>)> {
    let header: Vec<_> =
        text.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.trim()).collect();

    let description = header.iter().take_while(|line| !line.is_empty());
    let description = description.copied().collect::<Vec<_>>().join(" ");
    ensure!(!description.is_empty(), "the first lines, `//! …`, must say what the example shows");

    let command = header.iter().skip_while(|line| **line != "```sh").nth(1).context(
        "it must name the command that runs the example, between `//! ```sh` and `//! ``` `",
    )?;
    let command: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
    let has = |option: &str, value: &str| {
        command.windows(2).any(|pair| pair[0] == option && pair[1] == value)
    };
    ensure!(
        command.starts_with(&["cargo".to_owned(), "run".to_owned()])
            && has("-p", package)
            && (program == package || has("--bin", program)),
        "the command `{}` must be `cargo run -p {package}`, with `--bin {program}` unless that is \
         the crate's main program",
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
}
