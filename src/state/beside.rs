//! Documents of what stands beside an adapter, a ring of lists or a holdback: as a saved adapter,
//! integers and 32-bit words in base64 under a checksum. `docs/state-format.md` specifies them.

use crate::error::{Error, Result};
use crate::peft::json::{Json, Out};
use crate::state::base64::{Decoder, Encoder, encoded_len};
use crate::state::crc::Crc;
use crate::state::wire::check_equal;

/// Of every document here.
const VERSION: u32 = 1;

/// What a document is called, and its fields besides format, version and checksum.
pub(crate) struct Kind<const I: usize, const T: usize> {
    pub(crate) format: &'static str,
    pub(crate) integers: [&'static str; I],
    pub(crate) texts: [&'static str; T],
}

/// What has words for the texts of a document.
pub(crate) trait Words {
    /// Puts the words of the text of this index, in order.
    fn put(&self, text: usize, put: impl FnMut(u32));
}

/// What a document says; its words are base64 of the right length.
pub(crate) struct Document<'a, const I: usize, const T: usize> {
    pub(crate) integers: [u32; I],
    pub(crate) texts: [&'a [u8]; T],
    crc32: u32,
}

impl<const I: usize, const T: usize> Kind<I, T> {
    /// The most characters, if the texts have so many words.
    pub(crate) const fn max_len(&self, words: [usize; T]) -> usize {
        // {"format":"","version":1,"crc32":4294967295}
        let mut len = 44usize.saturating_add(self.format.len());
        let mut names = self.integers.as_slice();
        while let [name, rest @ ..] = names {
            // ,"":4294967295
            len = len.saturating_add(name.len()).saturating_add(14);
            names = rest;
        }
        let (mut names, mut words) = (self.texts.as_slice(), words.as_slice());
        while let ([name, more_names @ ..], [count, more_words @ ..]) = (names, words) {
            // ,"":""
            len = len.saturating_add(name.len()).saturating_add(6).saturating_add(encoded_len(*count));
            (names, words) = (more_names, more_words);
        }
        len
    }

    pub(crate) fn write(&self, buffer: &mut [u8], integers: [u32; I], words: &impl Words) -> Result<usize> {
        let mut crc = checksum(&integers);
        (0..T).for_each(|text| words.put(text, |word| crc.word(word)));
        Out::fill(buffer, |out| {
            out.text("{\"format\":\"");
            out.text(self.format);
            out.text("\"");
            let mut integer = |name: &str, value| {
                out.text(",\"");
                out.text(name);
                out.text("\":");
                out.decimal(value, 0);
            };
            integer("version", VERSION);
            self.integers.iter().zip(integers).for_each(|(name, value)| integer(name, value));
            integer("crc32", crc.finish());
            for (text, name) in self.texts.iter().enumerate() {
                out.text(",\"");
                out.text(name);
                out.text("\":\"");
                let mut encoder = Encoder::new(out);
                words.put(text, |word| encoder.word(word));
                encoder.finish();
                out.text("\"");
            }
            out.text("}");
        })
    }

    /// Reads the JSON. Format and version come first: they explain a text that is otherwise strange.
    pub(crate) fn parse<'a>(&self, json: &'a [u8]) -> Result<Document<'a, I, T>> {
        let mut fields = Fields { format: None, version: None, crc32: None };
        let (mut integers, mut texts) = ([None; I], [None; T]);
        let mut json = Json::ascii(json);
        let read = fields.read(&mut json, (&self.integers, &mut integers), (&self.texts, &mut texts));
        if fields.format.is_some_and(|format| format != self.format.as_bytes()) {
            return Err(Error::Format { expected: self.format });
        }
        check_equal("version", VERSION, fields.version.unwrap_or(VERSION))?;
        read.ok_or(json.error())?;
        let complete = integers.iter().all(Option::is_some) && texts.iter().all(Option::is_some);
        let (true, Some(_), Some(_), Some(crc32)) = (complete, fields.format, fields.version, fields.crc32)
        else {
            return Err(syntax("too few fields"));
        };
        Ok(Document {
            integers: integers.map(Option::unwrap_or_default),
            texts: texts.map(Option::unwrap_or_default),
            crc32,
        })
    }

    /// Checks that each text is the base64 of so many words, and the checksum over all of them.
    pub(crate) fn check(&self, document: &Document<'_, I, T>, words: [usize; T]) -> Result<()> {
        let mut crc = checksum(&document.integers);
        for ((what, text), words) in self.texts.iter().zip(document.texts).zip(words) {
            let mut decoder = Decoder::new(text);
            for _ in 0..words {
                crc.word(decoder.word().ok_or(Error::Base64 { what, values: words })?);
            }
            if !decoder.finish() {
                return Err(Error::Base64 { what, values: words });
            }
        }
        // A fuzzer changes bytes at random; it must get past this to reach what follows.
        if !cfg!(fuzzing) && crc.finish() != document.crc32 {
            return Err(Error::Checksum { expected: document.crc32, got: crc.finish() });
        }
        Ok(())
    }
}

/// The words of a text that has been checked.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = u32> {
    let mut decoder = Decoder::new(text);
    core::iter::from_fn(move || decoder.word())
}

fn checksum(integers: &[u32]) -> Crc {
    let mut crc = Crc::new();
    crc.word(VERSION);
    integers.iter().for_each(|word| crc.word(*word));
    crc
}

/// The fields that every document has, as far as they have come.
struct Fields<'a> {
    format: Option<&'a [u8]>,
    version: Option<u32>,
    crc32: Option<u32>,
}

/// Names, and what has been read under each.
type Slots<'s, T> = (&'s [&'static str], &'s mut [Option<T>]);

impl<'a> Fields<'a> {
    fn read(
        &mut self,
        json: &mut Json<'a>,
        mut integers: Slots<'_, u32>,
        mut texts: Slots<'_, &'a [u8]>,
    ) -> Option<()> {
        json.pass(b'{')?;
        let mut first = true;
        while json.next(&mut first, b'}')? {
            let name = json.quoted()?;
            json.pass(b':')?;
            let integer = match name {
                b"version" => Some(&mut self.version),
                b"crc32" => Some(&mut self.crc32),
                _ => slot(&mut integers, name),
            };
            let text = if name == b"format" { Some(&mut self.format) } else { slot(&mut texts, name) };
            match (integer, text) {
                (Some(slot), _) => {
                    let value = json.integer()?;
                    json.once(slot, u32::try_from(value).ok()?)?;
                }
                (None, Some(slot)) => {
                    let text = json.quoted()?;
                    json.once(slot, text)?;
                }
                (None, None) => return json.refuse(&const { syntax("a field that no such document has") }),
            }
        }
        json.end()
    }
}

fn slot<'s, T>((names, slots): &'s mut Slots<'_, T>, name: &[u8]) -> Option<&'s mut Option<T>> {
    slots.iter_mut().zip(*names).find(|(_, own)| own.as_bytes() == name).map(|(slot, _)| slot)
}

const fn syntax(problem: &'static str) -> Error {
    Error::Syntax { what: "JSON", problem }
}
