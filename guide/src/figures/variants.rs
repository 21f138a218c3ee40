//! Draws variants of an example next to each other, with their pictures on one time axis.
use anyhow::{Result, ensure};
use harness::examples::{Example, Variant};
use harness::kept::recording::Recording;
use harness::kept::transcript::Transcript;
use maud::html;

use crate::figures::compare;
use crate::figures::context::PageContext;
use crate::figures::example::Figure;

/// The characters of a line that three variants next to each other have room for.
const NARROW: usize = 40;

/// The variants of these names, or all of them if none is named. `id` must be unique in the book.
///
/// # Errors
///
/// When the example has no variant, or none of one of these names, and when the test, the tested
/// output or the recording of one is missing or wrong.
pub fn draw(
    context: &PageContext<'_>,
    example: &Example,
    names: &[&str],
    id: &str,
) -> Result<String> {
    let PageContext { workspace, words, .. } = *context;
    let name = &example.name;
    let named = names.iter().map(|name| example.variant(name));
    let variants: Vec<&Variant> = match names {
        [] => example.variants.iter().collect(),
        _ => named.collect::<Result<_>>()?,
    };
    ensure!(!variants.is_empty(), "{name} declares no variants in {}/Cargo.toml", example.folder);

    let (mut outputs, mut recordings) = (Vec::new(), Vec::new());
    for variant in &variants {
        outputs.push(Transcript::read(&workspace.snapshot(&variant.example.name))?);
        recordings.push(Recording::read(workspace, &variant.example)?);
    }
    let lines = outputs.iter().flat_map(|output| &output.groups).flat_map(|group| &group.lines);
    let is_wide = lines.map(|line| line.chars().count()).max() > Some(NARROW);
    let axis = recordings.iter().flatten().map(|it| it.rust.wall).fold(0.0, f64::max);
    let mut drawn = Vec::new();
    for (variant, (output, recording)) in variants.iter().zip(outputs.iter().zip(&recordings)) {
        let id = format!("{id}-{}", variant.name);
        let figure = Figure { context, example: &variant.example, parts: &[], id: &id };
        drawn.push(figure.as_variant(&variant.name, output, recording.as_ref(), axis)?);
    }
    Ok(html! {
        figure.variants id=(id) data-variants-of=(name) {
            figcaption {
                strong { (name) } " " (words.variants)
                @if axis > 0.0 { " " (words.one_axis) }
            }
            div.next-to-each-other.wide[is_wide] { @for variant in &drawn { (variant) } }
            (compare::machines(recordings.iter().flatten(), words))
        }
    }
    .into_string())
}
