//! Whole numbers in a path, read as FastAPI reads an `int`.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::refusal::{Invalid, Refusal};

/// The largest number of digits that Python converts to an `int`.
const MAX_DIGITS: usize = 4300;

/// The text in the last part of a path, and its value. A negative number has the
/// value 0, and a number that does not fit a u128 has the largest u128.
pub struct Integer {
    pub input: String,
    pub value: u128,
}

/// Why a text is not an integer.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    NotAnInteger,
    TooLong,
}

/// Parses ASCII digits with an optional sign, leading zeros, single underscores
/// between digits, and a fraction of zeros. There is no exponent.
fn parse(input: &str) -> Result<u128, Fault> {
    // FastAPI reports too many digits even if more than digits follows.
    let digits = input.strip_prefix('-').unwrap_or(input);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length > MAX_DIGITS && !digits.starts_with('0') {
        return Err(Fault::TooLong);
    }

    let text = input.trim();
    let mut negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = match unsigned.split_once('.') {
        None => unsigned,
        Some((whole, zeros)) if is_all(zeros, b"0") => whole,
        Some(_) => return Err(Fault::NotAnInteger),
    };
    let mut digits = whole;
    if whole.starts_with('0') {
        digits = whole.trim_start_matches(['0', '_']);
        if digits.is_empty() && whole.ends_with('0') {
            return Ok(0);
        }
        // FastAPI reads `0-5` as -5.
        if let Some(behind) = digits.strip_prefix('-')
            && !negative
            && (behind == "0" || !behind.starts_with('0'))
        {
            negative = true;
            digits = behind;
        }
    }
    let mut parts = digits.split('_');
    if !parts.all(|part| is_all(part, b"0123456789")) {
        return Err(Fault::NotAnInteger);
    }
    let digits = digits.replace('_', "");
    if digits.len() > MAX_DIGITS {
        return Err(Fault::NotAnInteger);
    }
    Ok(if negative { 0 } else { digits.parse().unwrap_or(u128::MAX) })
}

/// Whether a text has at least one character, and only these.
fn is_all(text: &str, characters: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| characters.contains(&byte))
}

impl<S: Sync> FromRequestParts<S> for Integer {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Self, Refusal> {
        // Not axum's `Path`, which has its own message for invalid UTF-8.
        let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
        let input = percent_decode_str(last).decode_utf8_lossy().into_owned();
        if input.contains('/') {
            return Err(Refusal::NotFound); // %2F, which FastAPI reads as two parts
        }
        match parse(&input) {
            Ok(value) => Ok(Self { input, value }),
            Err(fault) => Err(Refusal::Invalid(match fault {
                Fault::NotAnInteger => Invalid::not_an_integer(input),
                Fault::TooLong => Invalid::too_long(input),
            })),
        }
    }
}
