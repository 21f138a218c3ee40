//! A small workspace with its own book, which a test breaks in one place.

use std::fs;
use std::path::{Path, PathBuf};

use guide::book::repository::Repository;
use guide::book::{self, For};
use harness::examples::Workspace;
use tempfile::TempDir;

use crate::WORKSPACE;

/// The source of the example `one`.
pub const SOURCE: &str = "//! Says hello.\n//!\n//! ```sh\n//! cargo run -p one\n//! ```\n\
    fn main() {\n    println!(\"hello\");\n}\n";
/// The front page, which shows the example.
pub const PAGE: &str = "# Front\n\n{{#example one}}\n";
/// The recording of the example.
pub const RECORDING: &str = r#"{
  "version": 3, "example": "one", "recorded": "2026-01-02T03:04:05Z",
  "machine": { "cores": 2, "memory": 1073741824, "system": "Linux 6" },
  "rust": {
    "command": "cargo run -p one", "language": "rustc 1.88.0",
    "lines": [{ "at": 0.001, "stream": "stdout", "text": "hello" }],
    "exit": 0, "wall": 0.002, "cpu": 0.0, "memory": 1048576, "threads": 1, "processes": 1
  },
  "python": null
}
"#;

/// A workspace of one example and one page. Its folder is removed when it is dropped.
#[derive(Debug)]
pub struct Fixture(TempDir);

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// Creates a workspace whose book has no fault.
    pub fn new() -> Self {
        let fixture = Self(tempfile::tempdir().expect("a folder can be created"));
        let guide = WORKSPACE.root.join("guide");
        for asset in fs::read_dir(guide.join("assets")).expect("the assets") {
            let asset = asset.expect("an asset").path();
            let name = asset.file_name().expect("it has a name").to_string_lossy();
            let text = fs::read_to_string(&asset).expect("an asset is text");
            fixture.write(&format!("guide/assets/{name}"), &text);
        }
        let book = fs::read_to_string(guide.join("book.toml")).expect("the book's settings");
        fixture.write("guide/book.toml", &book);
        fixture.write("guide/en/SUMMARY.md", "# Summary\n\n[Front](index.md)\n");
        fixture.write("guide/en/index.md", PAGE);
        let members = "[workspace]\nmembers = [\"examples-async/*\"]\nresolver = \"3\"\n";
        fixture.write("Cargo.toml", members);
        fixture.example("one", SOURCE);
        fixture.write("tests/snapshots/one.snap", "---\nsource: x\n---\nin order:\n  hello\n");
        fixture.write("guide/recordings/one.json", RECORDING);
        fixture
    }

    /// The workspace's folder.
    pub fn root(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, named from the workspace's root.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, text).expect("a file can be written");
    }

    /// Adds an example: its crate, and its test in `tests/suite/examples_async`.
    pub fn example(&self, name: &str, source: &str) {
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        self.write(&format!("examples-async/{name}/Cargo.toml"), &manifest);
        self.write(&format!("examples-async/{name}/src/main.rs"), source);
        let test = format!("#[test]\nfn prints() {{\n    transcript_of({name:?}).check();\n}}\n");
        self.write(&format!("tests/suite/examples_async/{name}.rs"), &test);
    }

    /// Declares a variant of an example, with its test, its tested output and its recording. No
    /// page shows it.
    pub fn variant(&self, example: &str, variant: &str, arguments: &[&str]) {
        let manifest = format!("examples-async/{example}/Cargo.toml");
        let text = fs::read_to_string(self.root().join(&manifest)).expect("the example exists");
        let declared = format!(
            "\n[[package.metadata.variants]]\nname = {variant:?}\narguments = {arguments:?}\n"
        );
        self.write(&manifest, &format!("{text}{declared}"));
        let name = format!("{example}--{variant}");
        let test = format!("#[test]\nfn variant() {{\n    transcript_of({name:?}).check();\n}}\n");
        self.write(&format!("tests/suite/examples_async/{name}.rs"), &test);
        self.write(&format!("tests/snapshots/{name}.snap"), "---\nx\n---\nin order:\n  hello\n");
        let command = format!("cargo run -p {example} -- {}", arguments.join(" "));
        let recording = RECORDING.replace("cargo run -p one", &command);
        let recording = recording.replace("\"one\"", &format!("{name:?}"));
        self.write(&format!("guide/recordings/{name}.json"), &recording);
    }

    /// Builds the book, and returns its folder.
    ///
    /// # Errors
    ///
    /// When something in the book is wrong.
    pub fn build(&self) -> anyhow::Result<PathBuf> {
        let destination = self.root().join("out");
        let repository = Repository::of_checkout(self.root());
        let workspace = Workspace::find(self.root())?;
        book::build(&workspace, &destination, For::Everyone, repository.as_ref())?;
        Ok(destination)
    }
}
