//! Finds the examples: every program in every crate in the folders `examples-*` and `crates`.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::{MetadataCommand, Package};
use serde::Deserialize;

use crate::files;
use crate::own_crate::{OwnCrate, crates_for, extension_module};

/// The Cargo workspace that contains the examples, the guide and the tests.
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
    /// The name of its executable: like [`Self::name`], except for a [`Variant`].
    pub program: String,
    /// The crate that the program belongs to.
    pub package: String,
    /// The crate's folder, from the workspace's root, with `/`: `examples-async/gather`.
    pub folder: String,
    /// The Rust source file, from the workspace's root, with `/`: the program's, or the extension
    /// module's.
    pub source: String,
    /// The description in one line, from the head of the source.
    pub description: String,
    /// The command that runs it, from the head of the source, word by word. The program's own
    /// arguments come after `--`.
    pub command: Vec<String>,
    /// Its kind.
    pub kind: Kind,
    /// True if the crate is an extension module for Python: a `cdylib`.
    pub is_extension: bool,
    /// The Python counterpart, from the workspace's root, with `/`, if there is one. Of an extension
    /// module, it is the program that imports the module.
    pub python: Option<String>,
    /// The crates that a reader makes to have the program outside of this workspace: the libraries
    /// that it builds on, then its own crate.
    pub own_crates: Vec<OwnCrate>,
    /// Its variants, in the order of the manifest.
    pub variants: Vec<Variant>,
}

/// The program of an example with fixed arguments, as a table `[[package.metadata.variants]]` in the
/// manifest of its crate declares it. It is tested, recorded and drawn like an example.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The name, unique among the variants of an example: `inline`.
    pub name: String,
    /// The line of the manifest that contains the name, from 1.
    pub line: usize,
    /// The program with these arguments, as an example named `EXAMPLE--VARIANT`. It has no Python
    /// counterpart, and no variants of its own.
    pub example: Example,
}

/// A kind of example.
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
                ensure!(
                    !name.contains(OF),
                    "{}: the name {name} contains {OF}, as only those of variants do",
                    example.folder
                );
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

    /// Returns the example of this name, or the variant whose full name, `EXAMPLE--VARIANT`, this is.
    ///
    /// # Errors
    ///
    /// When there is none. The message names the examples with a similar name, or the variants of
    /// the example.
    pub fn example(&self, name: &str) -> Result<&Example> {
        if let Some((example, variant)) = name.split_once(OF)
            && let Some(example) = self.examples.get(example)
        {
            return Ok(&example.variant(variant)?.example);
        }
        self.examples.get(name).with_context(|| {
            let similar = self.similar(name).join(" or ");
            let hint = match similar.as_str() {
                "" => "`cargo run -p guide -- list` names them all".to_owned(),
                similar => format!("did you mean {similar}?"),
            };
            format!("no example is named {name:?}; {hint}")
        })
    }

    /// Returns up to three names that may have been meant, the most similar one first: one name is a
    /// part of the other, or a few letters differ.
    fn similar(&self, name: &str) -> Vec<&str> {
        let mut similar: Vec<_> = self
            .examples
            .keys()
            .map(|other| (strsim::normalized_damerau_levenshtein(name, other), other.as_str()))
            .filter(|(likeness, other)| {
                *likeness > 0.6 || name.len() > 2 && (other.contains(name) || name.contains(other))
            })
            .collect();
        similar.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        similar.into_iter().take(3).map(|(_, name)| name).collect()
    }

    /// Returns all examples, each followed by its variants.
    pub fn with_variants(&self) -> impl Iterator<Item = &Example> {
        self.examples.values().flat_map(Example::with_variants)
    }

    /// Returns the file that contains the tested output of an example.
    pub fn snapshot(&self, name: &str) -> PathBuf {
        self.root.join("tests/snapshots").join(format!("{name}.snap"))
    }
}

/// Returns the crate's folder from the root, if its parent is named `examples-…` or `crates`.
fn folder_of_example(package: &Package, root: &Path) -> Option<String> {
    let folder = package.manifest_path.parent()?.strip_prefix(root).ok()?;
    let parts: Vec<_> = folder.components().map(|part| part.as_str()).collect();
    let has_examples = |parent: &str| parent.starts_with("examples-") || parent == "crates";
    (parts.len() == 2 && has_examples(parts[0])).then(|| parts.join("/"))
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
        let file = &extension.unwrap_or(target).src_path;
        let within = file
            .strip_prefix(root.join(folder))
            .with_context(|| format!("{file}: not in the folder of its crate, {folder}"))?;
        let within: Vec<_> = within.components().map(|part| part.as_str()).collect();
        let source = format!("{folder}/{}", within.join("/"));
        let text = files::read(root, &source)?;

        let (description, command) = read_header(&text, &package.name, &target.name)
            .with_context(|| format!("{source}:1: the header of the file"))?;
        let python = format!("{folder}/{}.py", target.name);

        let mut example = Self {
            name: target.name.clone(),
            program: target.name.clone(),
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
            variants: Vec::new(),
        };
        if target.name == *package.name {
            let manifest = format!("{folder}/Cargo.toml");
            let text = files::read(root, &manifest)?;
            example.variants = example
                .declared_variants(&package.metadata["variants"], &text)
                .with_context(|| format!("{manifest}: [[package.metadata.variants]]"))?;
        }
        Ok(example)
    }

    /// Returns the variants that a manifest declares. `metadata` is cargo's view of it.
    fn declared_variants(
        &self,
        metadata: &serde_json::Value,
        manifest: &str,
    ) -> Result<Vec<Variant>> {
        let declarations: Option<Vec<Declaration>> = serde_json::from_value(metadata.clone())?;
        let mut variants: Vec<Variant> = Vec::new();
        for Declaration { name, arguments } in declarations.unwrap_or_default() {
            ensure!(
                is_variant_name(&name),
                "the name {name:?} must be of lower-case letters, digits and single hyphens"
            );
            ensure!(variants.iter().all(|other| other.name != name), "{name} is declared twice");
            ensure!(!arguments.is_empty(), "{name} has no arguments");
            for argument in &arguments {
                ensure!(
                    is_plain(argument),
                    "{name}: a shell would not take the argument {argument:?} as it is"
                );
            }
            let mut command = self.command.clone();
            command.push("--".to_owned());
            command.extend(arguments);
            let full_name = format!("{}{OF}{name}", self.name);
            let example = Self { name: full_name, command, python: None, ..self.clone() };
            variants.push(Variant { line: line_of(&name, manifest), name, example });
        }
        Ok(variants)
    }

    /// Returns the variant of this name.
    ///
    /// # Errors
    ///
    /// When the example has none of this name. The message names those that it has.
    pub fn variant(&self, name: &str) -> Result<&Variant> {
        self.variants.iter().find(|variant| variant.name == name).with_context(|| {
            let names: Vec<_> = self.variants.iter().map(|other| other.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            format!("{} has no variant {name:?}; it has {names}", self.name)
        })
    }

    /// Returns the example, followed by its variants.
    pub fn with_variants(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.variants.iter().map(|variant| &variant.example))
    }

    /// Returns the name of the example that this is a variant of. None if it isn't a variant.
    pub fn variant_of(&self) -> Option<&str> {
        Some(self.name.split_once(OF)?.0)
    }

    /// Returns the words of the command that are for the program itself.
    pub fn arguments(&self) -> &[String] {
        let end_of_cargos = self.command.iter().position(|word| word == "--");
        end_of_cargos.map_or(&[], |end| &self.command[end + 1..])
    }

    /// Returns the command that runs the Python counterpart, if there is one. The program that imports an
    /// extension module is started by the example's own command.
    pub fn python_command(&self) -> Option<String> {
        let file = self.python.as_ref().filter(|_| !self.is_extension)?;
        Some(format!("python3 {file}"))
    }
}

/// The text between an example and a variant in the variant's full name.
const OF: &str = "--";

/// A variant as a manifest declares it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    name: String,
    arguments: Vec<String>,
}

/// Returns true if this can name a variant: also in a file name and in an address.
fn is_variant_name(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    name.split('-').all(is_word)
}

/// Returns true if an argument can be typed into any shell without quotes.
fn is_plain(argument: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+".contains(c);
    !argument.is_empty() && argument.chars().all(plain)
}

/// Returns the line of a manifest that names a variant, from 1, or 1 if it is written in an unusual way.
fn line_of(variant: &str, manifest: &str) -> usize {
    let name = format!("name = {variant:?}");
    let mut declares = false;
    for (number, line) in (1..).zip(manifest.lines().map(str::trim)) {
        if line.starts_with('[') {
            declares = line == "[[package.metadata.variants]]";
        } else if declares && line == name {
            return number;
        }
    }
    1
}

/// Reads the description and the command from the `//!` lines that a source file begins with.
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

    #[test]
    fn a_variant_has_a_plain_name_and_plain_arguments() {
        for name in ["inline", "spawn-blocking", "1000", "a-2-b"] {
            assert!(is_variant_name(name), "{name}");
        }
        for name in ["", "-", "a-", "-a", "a--b", "A", "a b", "a_b", "a/b", "..", "é", "a\0"] {
            assert!(!is_variant_name(name), "{name:?}");
        }
        for argument in ["--offload", "0.5", "a=b,c", "./x:y", "+1"] {
            assert!(is_plain(argument), "{argument}");
        }
        for argument in ["", "a b", "$HOME", "a;b", "'a'", "a\n", "~", "*", "a&", "`a`", "é"] {
            assert!(!is_plain(argument), "{argument:?}");
        }
    }

    #[test]
    fn the_line_of_a_variant_is_that_of_its_name() {
        let manifest = "[package]\nname = \"two\"\n\n[[package.metadata.variants]]\n\
            name = \"one\"\n\n[[package.metadata.variants]]\n  name = \"two\"\n";
        assert_eq!((line_of("one", manifest), line_of("two", manifest)), (5, 8));
        assert_eq!(line_of("three", manifest), 1);
    }
}
