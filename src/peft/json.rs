//! A small JSON reader, strict and without allocation, and a writer into a fixed buffer.
//!
//! For PEFT's files, and not through serde-json-core, as saved states are: the keys of a safetensors
//! header are data; values that do not matter must be skipped at any depth without a stack to match;
//! and decimals must be read without the tables that float parsing brings along.

use crate::error::{Error, Result};

/// Open brackets at once; beyond this a file is an attack, not a configuration.
const MAX_DEPTH: u32 = 64;

const BROKEN: Error = syntax("a text that is broken or has another value than expected");

const fn syntax(problem: &'static str) -> Error {
    Error::Syntax { what: "JSON", problem }
}

/// The rest of a text, and why reading it stopped. Methods return `None` on any error; a specific error is kept here.
/// Returning one bit instead of a whole [`Error`] halves the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    rest: &'a [u8],
    len: usize,
    error: Option<&'static Error>,
}

impl<'a> Json<'a> {
    /// For a reader that takes nothing but ASCII.
    pub(crate) const fn ascii(text: &'a [u8]) -> Self {
        Self { rest: text, len: text.len(), error: None }
    }

    /// For a reader that takes or skips any text.
    pub(crate) const fn utf8(text: &'a [u8]) -> Result<Self> {
        match core::str::from_utf8(text) {
            Ok(_) => Ok(Self::ascii(text)),
            Err(_) => Err(syntax("bytes that are not UTF-8")),
        }
    }

    /// The rest of a text of which this much was read before.
    pub(crate) fn resumed(text: &'a [u8], offset: usize) -> Self {
        Self { rest: text.get(offset..).unwrap_or_default(), len: text.len(), error: None }
    }

    /// Whether a specific error is kept, one that says more than that the text is broken.
    pub(crate) const fn is_refused(&self) -> bool {
        self.error.is_some()
    }

    /// Why there was a `None`.
    pub(crate) const fn error(&self) -> Error {
        match self.error {
            Some(error) => *error,
            None if self.rest.is_empty() => syntax("the end of the text"),
            None => BROKEN,
        }
    }

    pub(crate) const fn refuse<T>(&mut self, error: &'static Error) -> Option<T> {
        self.error = Some(error);
        None
    }

    /// Keeps a value that may come once.
    pub(crate) fn once<T>(&mut self, slot: &mut Option<T>, value: T) -> Option<()> {
        match slot.replace(value) {
            None => Some(()),
            Some(_) => self.refuse(&const { syntax("something twice that may be there once") }),
        }
    }

    /// Bytes read so far.
    pub(crate) const fn offset(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    /// The text from an earlier point to this one.
    pub(crate) fn since(&self, start: Self) -> &'a [u8] {
        Self::between(start.rest, self.rest)
    }

    fn from(&self, start: &'a [u8]) -> &'a [u8] {
        Self::between(start, self.rest)
    }

    fn between(start: &'a [u8], rest: &[u8]) -> &'a [u8] {
        start.get(..start.len().saturating_sub(rest.len())).unwrap_or_default()
    }

    /// The next byte, 0 at the end.
    const fn first(&self) -> u8 {
        match self.rest {
            [first, ..] => *first,
            [] => 0,
        }
    }

    const fn advance(&mut self) {
        if let [_, rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn eat_here(&mut self, byte: u8) -> bool {
        let found = self.first() == byte;
        if found {
            self.advance();
        }
        found
    }

    /// The next byte that is not white space, 0 at the end.
    pub(crate) fn peek(&mut self) -> u8 {
        while matches!(self.first(), b' ' | b'\t' | b'\n' | b'\r') {
            self.advance();
        }
        self.first()
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.peek();
        self.eat_here(byte)
    }

    /// Passes a byte that must come next.
    pub(crate) fn pass(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Moves to the next element, if there is one before the closing bracket.
    pub(crate) fn next(&mut self, first: &mut bool, close: u8) -> Option<bool> {
        if self.eat(close) {
            return Some(false);
        }
        let start = core::mem::replace(first, false);
        (start || self.eat(b',')).then_some(true)
    }

    /// Moves to the next value of an object and gives its key. At the end of the object the key is
    /// empty, and so is one that really is: no object here may have it.
    pub(crate) fn next_key(&mut self, first: &mut bool) -> Option<&'a [u8]> {
        if !self.next(first, b'}')? {
            return Some(&[]);
        }
        let key = self.string()?;
        self.pass(b':')?;
        (!key.is_empty()).then_some(key)
    }

    /// The same with escapes, for keys that are compared by what they stand for.
    pub(crate) fn next_name(&mut self, first: &mut bool) -> Option<&'a [u8]> {
        if !self.next(first, b'}')? {
            return Some(&[]);
        }
        let key = self.quoted()?;
        self.pass(b':')?;
        (!key.is_empty()).then_some(key)
    }

    /// A string that means what it looks like. Escapes could spell one name in two ways.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let string = self.quoted()?;
        if string.contains(&b'\\') {
            return self.refuse(&const { syntax("an escape in a name") });
        }
        Some(string)
    }

    /// What stands between two quotes.
    pub(crate) fn quoted(&mut self) -> Option<&'a [u8]> {
        self.pass(b'"')?;
        let start = self.rest;
        while self.first() != b'"' {
            match self.first() {
                b'\\' => self.escape()?,
                // The end of the text is here, too.
                0..=0x1F => return None,
                _ => self.advance(),
            }
        }
        let string = self.from(start);
        self.advance();
        Some(string)
    }

    fn escape(&mut self) -> Option<()> {
        self.advance();
        let kind = self.first();
        self.advance();
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
            b'u' => {
                for _ in 0..4 {
                    self.first().is_ascii_hexdigit().then_some(())?;
                    self.advance();
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        self.first().is_ascii_digit().then_some(())?;
        while self.first().is_ascii_digit() {
            self.advance();
        }
        Some(())
    }

    /// The text of a number.
    pub(crate) fn number(&mut self) -> Option<&'a [u8]> {
        self.peek();
        let start = self.rest;
        self.eat_here(b'-');
        if !self.eat_here(b'0') {
            self.digits()?;
        }
        if self.eat_here(b'.') {
            self.digits()?;
        }
        if self.eat_here(b'e') || self.eat_here(b'E') {
            let _ = self.eat_here(b'+') || self.eat_here(b'-');
            self.digits()?;
        }
        Some(self.from(start))
    }

    /// A number that is all of another text.
    pub(crate) fn number_in(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let number = Self { rest: text, ..*self }.number()?;
        (number.len() == text.len()).then_some(number)
    }

    /// A number that counts something.
    pub(crate) fn integer(&mut self) -> Option<usize> {
        self.number()?.iter().try_fold(0usize, |value, digit| {
            let digit = digit.is_ascii_digit().then_some(digit & 15)?;
            value.checked_mul(10)?.checked_add(usize::from(digit))
        })
    }

    /// Takes `true`, `false`, `null` or an empty string, if that is what comes next.
    fn literal(&mut self, literal: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(literal);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(crate) fn boolean(&mut self) -> Option<bool> {
        self.peek();
        let yes = self.literal(b"true");
        (yes || self.literal(b"false")).then_some(yes)
    }

    /// Whether the next value says "nothing": `null`, `false`, 0 or empty.
    pub(crate) fn nothing(&mut self) -> bool {
        let close = match self.peek() {
            b'[' => b']',
            b'{' => b'}',
            b'-' | b'0'..=b'9' => return self.zero(),
            _ => return self.literal(b"null") || self.literal(b"false") || self.literal(b"\"\""),
        };
        let mut inside = *self;
        inside.advance();
        let empty = inside.eat(close);
        if empty {
            *self = inside;
        }
        empty
    }

    fn zero(&mut self) -> bool {
        let mut after = *self;
        let digits = after.number().unwrap_or(b"1");
        let is_zero =
            !digits.iter().take_while(|byte| **byte | 32 != b'e').any(|byte| matches!(byte, b'1'..=b'9'));
        if is_zero {
            *self = after;
        }
        is_zero
    }

    /// Passes over one value, whatever it is. Without recursion: the stack it takes is known.
    pub(crate) fn skip(&mut self) -> Option<()> {
        // One bit per open bracket, the innermost lowest: 1 for an object, 0 for an array.
        let (mut objects, mut depth) = (0u64, 0u32);
        loop {
            let mut first = false;
            match self.peek() {
                bracket @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return self.refuse(&const { syntax("more than 64 open brackets") });
                    }
                    self.advance();
                    objects = (objects << 1) | u64::from(bracket == b'{');
                    depth = depth.saturating_add(1);
                    first = true;
                }
                b'"' => drop(self.quoted()?),
                _ if self.literal(b"true") || self.literal(b"false") || self.literal(b"null") => {}
                _ => drop(self.number()?),
            }
            while depth > 0 && !self.next(&mut first, if objects & 1 == 1 { b'}' } else { b']' })? {
                objects >>= 1;
                depth = depth.saturating_sub(1);
                first = false;
            }
            if depth == 0 {
                return Some(());
            }
            if objects & 1 == 1 {
                self.quoted()?;
                self.pass(b':')?;
            }
        }
    }

    /// Checks that only white space is left.
    pub(crate) fn end(&mut self) -> Option<()> {
        self.peek();
        if self.rest.is_empty() {
            Some(())
        } else {
            self.refuse(&const { syntax("something after the end") })
        }
    }
}

/// Text on its way into a buffer. Beyond the buffer's end it only counts, so that one piece of code
/// both measures and writes.
#[derive(Debug)]
pub(crate) struct Out<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Out<'a> {
    /// Into a buffer that has been found large enough.
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// After what already is in the buffer.
    pub(crate) const fn after(buffer: &'a mut [u8], len: usize) -> Self {
        Self { buffer, len }
    }

    /// Bytes put out so far.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes that `write` puts out.
    pub(crate) fn measure(write: impl Fn(&mut Out<'_>)) -> usize {
        let mut out = Out::new(&mut []);
        write(&mut out);
        out.len
    }

    /// Fills the start of the buffer. One that is too small is left as it is.
    pub(crate) fn fill(buffer: &mut [u8], write: impl Fn(&mut Out<'_>)) -> Result<usize> {
        let (needed, got) = (Self::measure(&write), buffer.len());
        if got < needed {
            return Err(Error::Buffer { needed, got });
        }
        write(&mut Out::new(buffer));
        Ok(needed)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for (to, byte) in self.buffer.iter_mut().skip(self.len).zip(bytes) {
            *to = *byte;
        }
        self.len = self.len.saturating_add(bytes.len());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.text(if value { "true" } else { "false" });
    }

    /// `digits / 10^places` in full: an integer, if there are no places.
    pub(crate) fn decimal(&mut self, digits: u32, places: u32) {
        let up_to =
            |place| 10u32.checked_pow(place).map_or(0, |unit| digits.checked_div(unit).unwrap_or_default());
        let mut place = places;
        while up_to(place.saturating_add(1)) > 0 {
            place = place.saturating_add(1);
        }
        loop {
            self.bytes(&[b'0' | (up_to(place) % 10) as u8]);
            if place == 0 {
                return;
            }
            if place == places {
                self.text(".");
            }
            place = place.saturating_sub(1);
        }
    }

    /// A string in ASCII alone: not every reader of a `.json` file assumes UTF-8.
    pub(crate) fn string(&mut self, value: &str) {
        self.text("\"");
        for unit in value.encode_utf16() {
            match unit {
                0x22 | 0x5C => self.bytes(&[b'\\', unit as u8]),
                0x20..0x7F => self.bytes(&[unit as u8]),
                _ => self.unicode(unit),
            }
        }
        self.text("\"");
    }

    fn unicode(&mut self, unit: u16) {
        self.text("\\u");
        for shift in [12, 8, 4, 0] {
            let digit = char::from_digit(u32::from(unit >> shift) & 15, 16);
            self.bytes(&[digit.unwrap_or_default() as u8]);
        }
    }
}
