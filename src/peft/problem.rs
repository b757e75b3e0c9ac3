//! An error in words: which field, what it must be, and what it is.

use core::fmt;

use heapless::String;

use crate::error::Error;

/// Bytes of a field's name that are kept.
const FIELD: usize = 63;
/// Bytes of a reason.
const REASON: usize = 191;
/// Bytes of a value that are shown.
const SHOWN: usize = 40;

/// Why a file of PEFT was refused: the field, and what it must be and is, cut where they are very long. `?` turns it
/// into an [`Error`], which has room for less.
///
/// ```
/// use micro_lora::peft::read_adapter_config;
/// let json = br#"{"peft_type": "LORA", "r": 4.0, "lora_alpha": 16}"#;
/// let problem = read_adapter_config(json).unwrap_err();
/// assert_eq!(problem.field(), "r");
/// assert_eq!(problem.reason(), "expected a whole number from 1 to 65536, got 4.0");
/// assert_eq!(problem.to_string(), "r: expected a whole number from 1 to 65536, got 4.0");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    error: Error,
    field: String<FIELD>,
    reason: String<REASON>,
}

impl Problem {
    /// The same as an error of the crate, with its code.
    ///
    /// ```
    /// use micro_lora::{Error, peft::read_adapter_config};
    /// let problem = read_adapter_config(b"{}").unwrap_err();
    /// assert_eq!(problem.error(), Error::Missing { what: "peft_type" });
    /// ```
    #[must_use]
    pub const fn error(&self) -> Error {
        self.error
    }

    /// The name of the field, or of what else is wrong.
    ///
    /// ```
    /// # use micro_lora::peft::read_adapter_config;
    /// assert_eq!(read_adapter_config(b"{}").unwrap_err().field(), "peft_type");
    /// ```
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What it must be, and what it is.
    ///
    /// ```
    /// # use micro_lora::peft::read_adapter_config;
    /// assert_eq!(read_adapter_config(b"{}").unwrap_err().reason(), "expected it to be there, got none");
    /// ```
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn new(error: Error, field: &str, expected: &[Piece<'_>]) -> Self {
        let mut problem = Self { error, field: String::new(), reason: String::new() };
        put(&mut problem.field, field);
        put(&mut problem.reason, "expected ");
        for piece in expected {
            match *piece {
                Piece::Text(text) => put(&mut problem.reason, text),
                Piece::Number(number) => put_number(&mut problem.reason, number),
            }
        }
        problem
    }

    /// Of a field in a JSON, with the text of its value.
    pub(super) fn of_field(error: Error, field: &str, value: &str) -> Self {
        use Piece::Text;
        let mut problem = match error {
            Error::Unsupported { expected, .. } => Self::new(error, field, &[Text(expected)]),
            Error::UnknownField { .. } => Self::new(
                error,
                field,
                &[Text("null, false, 0 or empty in a field that is not of PEFT 0.21")],
            ),
            _ => return Self::from(error),
        };
        put(&mut problem.reason, ", got ");
        put_value(&mut problem.reason, value);
        problem
    }

    /// Of a text that is broken, with the byte at which it is.
    pub(super) fn at(error: Error, at: usize) -> Self {
        let mut problem = Self::from(error);
        put(&mut problem.reason, " at byte ");
        put_number(&mut problem.reason, at);
        problem
    }
}

enum Piece<'a> {
    Text(&'a str),
    Number(usize),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        use Piece::{Number, Text};
        match error {
            Error::Length { what, expected, got } => {
                Self::new(error, what, &[Number(expected), Text(" values, got "), Number(got)])
            }
            Error::NotFinite { what, index } => {
                Self::new(error, what, &[Text("finite values, got NaN or infinity at index "), Number(index)])
            }
            Error::Count { what, got, min, max } => {
                Self::new(error, what, &[Number(min), Text(" to "), Number(max), Text(", got "), Number(got)])
            }
            Error::Overflow { what } => {
                Self::new(error, what, &[Text("a magnitude that f32 can go on with, got an overflow")])
            }
            Error::OutOfRange { what, .. } => {
                Self::new(error, what, &[Text("a number within its range, got one outside it or NaN")])
            }
            Error::Syntax { what, problem } => {
                Self::new(error, what, &[Text("a well-formed text, got "), Text(problem)])
            }
            Error::Mismatch { what, expected, got } => {
                Self::new(error, what, &[Number(expected as usize), Text(", got "), Number(got as usize)])
            }
            Error::Unsupported { field, expected } => {
                Self::new(error, field, &[Text(expected), Text(", got something else")])
            }
            Error::KeyStyle { got } => {
                Self::new(error, "keys", &[Text("those of PEFT, got those of "), Text(got)])
            }
            Error::Missing { what } => Self::new(error, what, &[Text("it to be there, got none")]),
            Error::NotInitialised => {
                Self::new(error, "adapter", &[Text("init to have been called, got zeroed memory")])
            }
            _ => Self::new(error, "file", &[Text("one of PEFT, got something else")]),
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        problem.error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)?;
        f.write_str(": ")?;
        f.write_str(&self.reason)
    }
}

impl core::error::Error for Problem {}

/// As much as there is room for.
fn put<const N: usize>(to: &mut String<N>, text: &str) {
    for character in text.chars() {
        if to.push(character).is_err() {
            return;
        }
    }
}

/// A value on one line, cut if it is long.
fn put_value<const N: usize>(to: &mut String<N>, value: &str) {
    let (mut room, mut after_space) = (SHOWN, true);
    for character in value.chars() {
        let is_space = character <= ' ';
        if core::mem::replace(&mut after_space, is_space) && is_space {
            continue;
        }
        let character = if is_space { ' ' } else { character };
        let Some(left) = room.checked_sub(character.len_utf8()) else {
            return put(to, "...");
        };
        room = left;
        if to.push(character).is_err() {
            return;
        }
    }
}

fn put_number<const N: usize>(to: &mut String<N>, number: usize) {
    let mut unit = 1usize;
    while number.checked_div(unit).unwrap_or_default() > 9 {
        unit = unit.saturating_mul(10);
    }
    while unit > 0 {
        let digit = number.checked_div(unit).unwrap_or_default() % 10;
        let _ = to.push(char::from(b'0' | digit as u8));
        unit /= 10;
    }
}
