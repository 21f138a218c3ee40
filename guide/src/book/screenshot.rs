//! The screenshot of the book that the README shows. Next to it are digests of what it was made from, so
//! that a test can tell when it is out of date.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use data_encoding::HEXLOWER;
use harness::examples::Workspace;
use harness::run::{Limits, Program, Running};
use sha2::{Digest, Sha256};

use crate::book::{self, For};

/// The screenshot, from the workspace's root.
pub const FILE: &str = "guide/screenshot.png";
/// The [`digests`] that belong to it, from the workspace's root.
pub const DIGESTS: &str = "guide/screenshot.txt";
/// The names of browsers that can take it. The first one that is installed does.
pub const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// The page that it shows, from its top to the end of its first example.
const PAGE: &str = "gather.html";
/// Its width and height in pixels.
const SIZE: &str = "1500,1110";

/// Builds the book, takes the screenshot, and keeps it with its [`DIGESTS`].
///
/// # Errors
///
/// When the book has a fault, when no browser is installed, and when the browser writes no screenshot.
pub async fn take(workspace: &Workspace) -> Result<()> {
    let folder = tempfile::tempdir().context("making a folder")?;
    let folder = folder.path();
    let (book, screenshot) = (folder.join("book"), folder.join("screenshot.png"));
    book::build(workspace, &book, For::Everyone, None)?;

    let browser = |name: &str| Program {
        executable: name.into(),
        arguments: [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--virtual-time-budget=5000", // the scripts of the page get to finish
            &format!("--window-size={SIZE}"),
            &format!("--user-data-dir={}", folder.join("profile").display()),
            &format!("--screenshot={}", screenshot.display()),
            &format!("file://{}", book.join(PAGE).display()),
        ]
        .map(Into::into)
        .to_vec(),
        folder: folder.to_owned(),
    };
    let start = |name| Running::start_unwatched(&browser(name), Limits::default()).ok();
    let mut running = BROWSERS
        .into_iter()
        .find_map(start)
        .with_context(|| format!("a screenshot needs one of {}", BROWSERS.join(", ")))?;
    let mut printed = String::new();
    while let Some(line) = running.line().await {
        printed = printed + "\n" + &line.text;
    }
    running.end().await?;
    ensure!(screenshot.is_file(), "the browser has written no screenshot:{printed}");

    let root = &workspace.root;
    fs::copy(screenshot, root.join(FILE)).with_context(|| format!("writing {FILE}"))?;
    fs::write(root.join(DIGESTS), digests(root, &book)?)
        .with_context(|| format!("writing {DIGESTS}"))
}

/// The digests of what the screenshot shows, with a line for each: the table of contents, the style sheets
/// and the part of the page; and of the screenshot itself. `book` is the folder of the built book.
///
/// # Errors
///
/// When a file is missing, and when the page has no example or no style sheet.
pub fn digests(root: &Path, book: &Path) -> Result<String> {
    let read =
        |path: PathBuf| fs::read(&path).with_context(|| format!("reading {}", path.display()));
    let page = String::from_utf8(read(book.join(PAGE))?)?;
    let example = page.split_once("<main>").and_then(|(_, main)| main.split_once("</figure>"));
    let (example, _) = example.with_context(|| format!("{PAGE} shows no example"))?;

    let links = page.split("<link rel=\"stylesheet\"").skip(1);
    let addresses = links.filter_map(|link| Some(link.split_once("href=\"")?.1.split_once('"')?.0));
    let sheets: Vec<_> = addresses.map(|file| read(book.join(file))).collect::<Result<_>>()?;

    ensure!(!sheets.is_empty(), "{PAGE} has no style sheet");
    let parts = [
        ("table of contents", read(root.join("guide/en/SUMMARY.md"))?),
        ("style sheets", sheets.concat()),
        ("page", example.into()),
        ("screenshot", read(root.join(FILE))?),
    ];
    let line = |(name, part): (_, Vec<u8>)| {
        format!("{name}: {}\n", HEXLOWER.encode(&Sha256::digest(part)))
    };
    Ok(parts.into_iter().map(line).collect())
}
