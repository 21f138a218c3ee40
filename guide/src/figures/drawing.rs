//! Drawings of ideas: SVG files by hand, in the folder `drawings` of the pages. They become a part of
//! the page itself, so that they take the colors of its theme.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use maud::{PreEscaped, html};

use crate::page::files::names;

/// The folder, from the folder of all pages.
pub const FOLDER: &str = "drawings";

/// The classes of lines that end in an arrow.
const ARROWS: [&str; 3] = ["arrow", "hold", "want"];

/// A drawing as a figure, on one line, with its title as the caption.
///
/// # Errors
///
/// When there is no such drawing, when it has no title or no description for readers who can't see
/// it, or when it refers to something outside of itself.
pub fn draw(pages: &Path, name: &str) -> Result<String> {
    let file = format!("{FOLDER}/{name}.svg");
    let known = || {
        let names = names(&pages.join(FOLDER), "svg").join(", ");
        format!("there is no drawing {file}; there are {names}")
    };
    let svg = fs::read_to_string(pages.join(&file)).with_context(known)?;
    inline(&svg, name).with_context(|| file)
}

fn inline(svg: &str, name: &str) -> Result<String> {
    let text = |element: &str| {
        let (_, rest) = svg.split_once(&format!("<{element} id=\"drawing-{name}-{element}\">"))?;
        let (text, _) = rest.split_once('<')?;
        Some(text.trim()).filter(|text| !text.is_empty())
    };
    let form =
        |element| format!("it needs <{element} id=\"drawing-{name}-{element}\">…</{element}>");
    let title = text("title").with_context(|| form("title"))?;
    text("desc").with_context(|| form("desc"))?;
    let labels = format!("aria-labelledby=\"drawing-{name}-title drawing-{name}-desc\"");
    ensure!(svg.contains(&labels), "its <svg> needs role=\"img\" {labels}");
    for outside in ["href", "url(", "<image", "<script", "<style"] {
        ensure!(!svg.contains(outside), "it contains {outside}, but must stand alone");
    }

    let head = format!("drawing-{name}-head");
    let one_line = svg.lines().map(str::trim).collect::<String>();
    let with_arrows = ARROWS.iter().fold(one_line, |svg, class| {
        let class = format!("class=\"{class}\"");
        svg.replace(&class, &format!("{class} marker-end=\"url(#{head})\""))
    });
    let marker = format!(
        "<marker id=\"{head}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\"/></marker></svg>"
    );
    let drawing = with_arrows.replace("</svg>", &marker);
    Ok(html! {
        figure.drawing { (PreEscaped(drawing)) figcaption { (PreEscaped(title)) } }
    }
    .into_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<svg role=\"img\" aria-labelledby=\"drawing-x-title drawing-x-desc\">\n\
        <title id=\"drawing-x-title\">A line</title>\n\n<desc id=\"drawing-x-desc\">It is long.</desc>\n\
        <path class=\"arrow\" d=\"M0 0\"/>\n</svg>\n";

    #[test]
    fn a_drawing_is_one_line_with_a_caption() {
        let figure = inline(SVG, "x").unwrap();
        assert!(!figure.contains('\n'));
        assert!(figure.contains("marker-end=\"url(#drawing-x-head)\""), "{figure}");
        assert!(figure.ends_with("<figcaption>A line</figcaption></figure>"), "{figure}");
    }

    #[test]
    fn a_drawing_needs_its_texts_and_nothing_from_outside() {
        for (part, by, expected) in [
            ("A line", "", "it needs <title"),
            ("It is long.", "", "it needs <desc"),
            ("drawing-x-title drawing-x-desc", "a b", "aria-labelledby"),
            ("<path", "<image href=\"https://x.y\"/><path", "it contains href"),
            ("<path", "<path fill=\"url(#x)\"", "it contains url("),
        ] {
            let error = inline(&SVG.replace(part, by), "x").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
