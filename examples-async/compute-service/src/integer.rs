//! Whole numbers in a path, read as FastAPI reads an `int`.

use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use regex::Regex;

use crate::routes::{Invalid, Refusal};

/// The most digits that Python turns into an `int`.
const MOST_DIGITS: usize = 4300;

/// A sign, zeros, single underscores between digits, a fraction of zeros. No
/// exponent, and of all the world's digits only these ten. FastAPI also takes
/// `0-5` for -5, and so does this.
static INTEGER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?x) ^ (?:
            [+-]? (?: 0[0_]* )? (?<digits> [1-9][0-9]* (?: _[0-9]+ )* )
            | [+-]? 0 (?: [0_]* 0 )?
            | \+? 0[0_]* - (?: 0 | [1-9][0-9]* (?: _[0-9]+ )* )
        ) (?: \.0+ )? $";
    Regex::new(pattern).expect("the pattern is sound")
});

/// What stands in the last part of the path, and its value: 0 for anything
/// negative, and the largest u128 for what is larger still.
pub struct Integer {
    pub input: String,
    pub value: u128,
}

/// Why a text is no integer.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    NotOne,
    TooLong,
}

fn parse(input: &str) -> Result<u128, Fault> {
    // More digits than Python takes, whatever follows them.
    let digits = input.strip_prefix('-').unwrap_or(input);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length > MOST_DIGITS && !digits.starts_with('0') {
        return Err(Fault::TooLong);
    }
    let input = input.trim();
    let parts = INTEGER.captures(input).ok_or(Fault::NotOne)?;
    let Some(digits) = parts.name("digits") else { return Ok(0) };
    let digits = digits.as_str().replace('_', "");
    if digits.len() > MOST_DIGITS {
        return Err(Fault::NotOne);
    }
    if input.starts_with('-') {
        return Ok(0);
    }
    Ok(digits.parse().unwrap_or(u128::MAX))
}

impl<S: Sync> FromRequestParts<S> for Integer {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Self, Refusal> {
        // Not axum's Path, which refuses what is not UTF-8 in words of its own.
        let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
        let input = percent_decode_str(last).decode_utf8_lossy().into_owned();
        if input.contains('/') {
            return Err(Refusal::NotFound); // %2F: two parts, not one
        }
        match parse(&input) {
            Ok(value) => Ok(Self { input, value }),
            Err(fault) => Err(Refusal::Invalid(match fault {
                Fault::NotOne => Invalid::not_an_integer(input),
                Fault::TooLong => Invalid::too_long(input),
            })),
        }
    }
}
