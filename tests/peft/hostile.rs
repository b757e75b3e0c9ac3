//! Broken files, compared with a reference reader on `serde_json`.

use micro_lora::peft::{self, Dtype};
use micro_lora::{Config, Error, Learn};
use serde_json::{Value, json};

use crate::common::{HeapLora, Noise};

const A: &str = "base_model.model.m.lora_A.weight";
const B: &str = "base_model.model.m.lora_B.weight";

const BROKEN: &str = "a text that is broken or has another value than expected";
const TWICE: &str = "something twice that may be there once";

/// A module `m`: 3 in, 2 out, rank 1.
fn lora() -> HeapLora {
    HeapLora::new(3, 2, 1, &Config::new())
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn data() -> Vec<u8> {
    (1..=5).flat_map(|value: u16| f32::from(value).to_le_bytes()).collect()
}

fn header() -> Value {
    json!({
        A: {"dtype": "F32", "shape": [1, 3], "data_offsets": [0, 12]},
        B: {"dtype": "F32", "shape": [2, 1], "data_offsets": [12, 20]},
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut header = header();
    change(&mut header);
    file(&header.to_string(), &data())
}

/// Loads `m`; an error must change nothing.
fn load(file: &[u8]) -> Result<HeapLora, Error> {
    let mut lora = lora();
    let before = lora.clone();
    match lora.load_safetensors(file, "m", None) {
        Ok(()) => Ok(lora),
        Err(error) => {
            assert!(lora.same_as(&before), "the adapter changed in spite of: {error}");
            Err(error)
        }
    }
}

fn json_fault(problem: &str) -> String {
    format!("JSON: expected a well-formed text, got {problem}")
}

fn container(problem: &str) -> String {
    format!("safetensors: expected a well-formed text, got {problem}")
}

#[track_caller]
fn refused(file: &[u8], message: &str) {
    assert_eq!(load(file).expect_err("expected an error").to_string(), message);
}

#[test]
fn the_untouched_file_loads() {
    let lora = load(&changed(|_| {})).unwrap();
    assert_eq!((&lora.a[..], &lora.b[..]), (&[1.0, 2.0, 3.0][..], &[4.0, 5.0][..]));
}

#[test]
fn lengths_that_lie() {
    for length in 0..8 {
        refused(&[0; 8][..length], &container("fewer bytes than the header needs"));
    }
    refused(&100u64.to_le_bytes(), &container("fewer bytes than the header needs"));
    refused(&0u64.to_le_bytes(), &json_fault("the end of the text"));
    refused(&file(" {}", &[]), &json_fault(BROKEN));
    refused(&file("[]", &[]), &json_fault(BROKEN));
    for length in [u64::MAX, 1 << 63, 1 << 40, 100_000_001] {
        let error = load(&[&length.to_le_bytes()[..], b"{}"].concat()).unwrap_err();
        let got = length as usize;
        assert_eq!(error, Error::Count { what: "safetensors header length", got, min: 2, max: 100_000_000 });
    }
}

#[test]
fn ranges_that_do_not_fill_the_data() {
    let gaps = container("tensors with holes or overlaps between them");
    let outside = container("a tensor outside the data, or not of the length of its shape");
    let length = outside.clone();
    let offsets = |a: Value, b: Value| {
        changed(|header| {
            header[A]["data_offsets"] = a;
            header[B]["data_offsets"] = b;
        })
    };
    refused(&offsets(json!([0, 12]), json!([8, 16])), &gaps);
    refused(&offsets(json!([0, 12]), json!([0, 8])), &gaps);
    refused(&offsets(json!([8, 20]), json!([12, 20])), &gaps);
    refused(&offsets(json!([4, 16]), json!([12, 20])), &gaps);
    refused(&offsets(json!([0, 12]), json!([16, 24])), &outside);
    refused(&offsets(json!([12, 0]), json!([12, 20])), &outside);
    refused(&offsets(json!([0, 12, 12]), json!([12, 20])), &json_fault(BROKEN));
    refused(&offsets(json!([0]), json!([12, 20])), &json_fault(BROKEN));
    refused(&offsets(json!([0, u64::MAX]), json!([12, 20])), &outside);
    refused(&offsets(json!([u64::MAX - 3, u64::MAX]), json!([12, 20])), &outside);
    refused(&offsets(json!([0, 8]), json!([8, 20])), &length);
    refused(&changed(|header| header[A]["shape"] = json!([1u64 << 62, 1u64 << 62])), &length);
    refused(&changed(|header| header[A]["shape"] = json!([u64::MAX, 3])), &length);
    refused(&changed(|header| header[A]["dtype"] = json!("F16")), &length);
    // Bytes that belong to no tensor.
    let mut longer = changed(|_| {});
    longer.push(0);
    refused(&longer, &gaps);
    // A tensor of another module must not overlap ours.
    let overlap = json!({"dtype": "U8", "shape": [8], "data_offsets": [0, 8]});
    refused(&changed(|header| header["other"] = overlap), &gaps);
}

#[test]
fn entries_that_are_not_as_the_format_says() {
    let twice = json_fault(TWICE);
    let number = json_fault(BROKEN);
    refused(&changed(|header| header[A]["extra"] = json!(1)), &json_fault(BROKEN));
    for (from, to, message) in [
        ("\"F32\"", "\"F32\",\"dtype\":\"F32\"", &twice),
        ("[0,12]", "[-0,12]", &number),
        ("[0,12]", "[0,12.0]", &number),
        ("[0,12]", "[0,12e0]", &number),
        ("[0,12]", "[0,99999999999999999999]", &number),
        ("[0,12]", "[0,12,]", &json_fault(BROKEN)),
        ("[0,12]", "[00,12]", &json_fault(BROKEN)),
        ("[0,12]", "[0 12]", &json_fault(BROKEN)),
        ("[0,12]", "0", &json_fault(BROKEN)),
        ("{\"base", "{,\"base", &json_fault(BROKEN)),
        ("lora_A", "lora_\nA", &json_fault(BROKEN)),
        ("lora_A", "lora_\\xA", &json_fault(BROKEN)),
        ("}}", "}}{}", &json_fault("something after the end")),
        ("}}", "}", &json_fault("the end of the text")),
        ("weight\":", "weight\"", &json_fault(BROKEN)),
    ] {
        let text = header().to_string();
        assert!(text.contains(from), "{from}");
        refused(&file(&text.replacen(from, to, 1), &data()), message);
    }
    let mut bytes = changed(|_| {});
    let name = bytes.windows(4).position(|window| window == b"lora").unwrap();
    bytes[name] = 0xFF;
    refused(&bytes, &json_fault("bytes that are not UTF-8"));

    // The same name twice, with ranges that still fill the data.
    let text = header().to_string().replace("lora_B", "lora_A");
    let twice = text.replace("[2,1]", "[1,2]");
    refused(&file(&twice, &data()), &json_fault(TWICE));

    let metadata = |metadata: Value, message: &str| {
        refused(&changed(|header| header["__metadata__"] = metadata), message);
    };
    metadata(json!("pt"), &json_fault(BROKEN));
    metadata(json!(1), &json_fault(BROKEN));
    // The tensor that was asked for must be what its entry says.
    let alpha = "lora_alpha: expected a number from 1e-6 to 1e6 of at most 19 digits, got something else";
    for wrong in [json!("16 "), json!("None"), json!(16), json!("0"), Value::Null] {
        metadata(json!({"lora_alpha": wrong}), alpha);
    }
    for wrong in [json!("True"), json!(true), json!("")] {
        let rslora = "use_rslora: expected true or false, got something else";
        metadata(json!({"lora_alpha": "16", "use_rslora": wrong}), rslora);
    }
    let twice = header().to_string().replacen('{', "{\"__metadata__\":{},\"__metadata__\":{},", 1);
    refused(&file(&twice, &data()), &json_fault(TWICE));
    let twice = header().to_string().replacen(
        '{',
        "{\"__metadata__\":{\"lora_alpha\":\"1\",\"lora_alpha\":\"2\"},",
        1,
    );
    refused(&file(&twice, &data()), alpha);
}

#[test]
fn modules_that_do_not_fit() {
    let without = |name: &'static str| {
        let mut header = header();
        header.as_object_mut().unwrap().remove(name);
        let kept = if name == A { 12..20 } else { 0..12 };
        if name == A {
            header[B]["data_offsets"] = json!([0, 8]);
        }
        file(&header.to_string(), &data()[kept])
    };
    refused(&without(A), "tensors: expected lora_A and lora_B, got something else");
    refused(&without(B), "tensors: expected lora_A and lora_B, got something else");
    let shape = "shape: expected lora_A [r, in] and lora_B [out, r], got something else";
    refused(&changed(|header| header[A]["shape"] = json!([3])), shape);
    refused(&changed(|header| header[A]["shape"] = json!([1, 3, 1, 1])), shape);
    refused(&changed(|header| header[A]["shape"] = json!([3, 1])), shape);
    refused(&changed(|header| header[B]["shape"] = json!([1, 2])), shape);
    let dtype = "dtype: expected F32, F16 or BF16, got something else";
    refused(&changed(|header| header[B]["dtype"] = json!("I32")), dtype);
    for rest in [
        "lora_magnitude_vector",
        "lora_embedding_A",
        "lora_A.other.weight",
        "base_layer.bias",
        "bias",
        "token_adapter.trainable_tokens_delta",
    ] {
        let extra = json!({"dtype": "F32", "shape": [0], "data_offsets": [20, 20]});
        let more = changed(|header| header[format!("base_model.model.m.{rest}")] = extra);
        refused(&more, "tensors: expected lora_A and lora_B, and a bias of lora_B, got something else");
    }
    let extra = json!({"dtype": "F32", "shape": [0], "data_offsets": [20, 20]});
    for (name, shape) in [("lora_B.bias", json!([0])), ("lora_B.default.bias", json!([2, 0]))] {
        let extra = json!({"dtype": "F32", "shape": shape, "data_offsets": [20, 20]});
        let more = changed(|header| header[format!("base_model.model.m.{name}")] = extra.clone());
        refused(&more, "shape: expected a bias of lora_B [out], got something else");
    }
    let twice = changed(|header| header["base_model.model.m.lora_A.default.weight"] = extra);
    refused(&twice, &json_fault(TWICE));
    let mut other = HeapLora::new(3, 3, 1, &Config::new());
    let error = other.load_safetensors(&changed(|_| {}), "m", None).unwrap_err();
    assert_eq!(error.to_string(), "out_features: expected 3, got 2");
    let error = lora().load_safetensors(&changed(|_| {}), "n", None).unwrap_err();
    assert_eq!(error, Error::Missing { what: "lora_A and lora_B of this module" });
}

#[test]
fn values_that_are_not_usable() {
    let with = |at: usize, value: f32| {
        let mut bytes = changed(|_| {});
        let start = bytes.len() - 20 + 4 * at;
        bytes[start..start + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        refused(&with(1, bad), "lora_A: expected finite values, got NaN or infinity at index 1");
        refused(&with(4, bad), "lora_B: expected finite values, got NaN or infinity at index 1");
    }
    // The first of two, in the adapter's order.
    let mut two = with(1, f32::NAN);
    let end = two.len() - 12;
    two[end..end + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    refused(&two, "lora_A: expected finite values, got NaN or infinity at index 1");
    for (at, what) in [(0, "lora_A"), (3, "lora_B")] {
        for huge in [f32::MAX, 1e20, 1.1e8] {
            let message = format!("{what}: expected a magnitude that f32 can go on with, got an overflow");
            refused(&with(at, huge), &message);
        }
    }
    // lora_B is checked with the scaling from the file.
    let mut scaled = header();
    scaled["__metadata__"] = json!({"lora_alpha": "1000000"});
    let mut large = data();
    large[12..16].copy_from_slice(&1e3f32.to_le_bytes());
    assert!(load(&file(&header().to_string(), &large)).is_ok());
    let message = "lora_B: expected a magnitude that f32 can go on with, got an overflow";
    refused(&file(&scaled.to_string(), &large), message);
}

/// Every f16 and many bf16 compared with their definitions.
#[test]
fn sixteen_bit_values_are_exact() {
    let load = |dtype: &str, values: &[u16]| {
        let n = values.len();
        let header = json!({
            A: {"dtype": dtype, "shape": [1, n], "data_offsets": [0, 2 * n]},
            B: {"dtype": "F32", "shape": [1, 1], "data_offsets": [2 * n, 2 * n + 4]},
        });
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).chain(1f32.to_le_bytes()).collect();
        let mut lora = HeapLora::new(n, 1, 1, &Config::new());
        lora.load_safetensors(&file(&header.to_string(), &data), "m", None).map(|()| lora.a)
    };
    let halves: Vec<u16> = (0..=u16::MAX).filter(|half| half & 0x7C00 != 0x7C00).collect();
    let loaded = load("F16", &halves).unwrap();
    for (half, value) in halves.iter().zip(loaded) {
        let (exponent, fraction) = (i32::from((half >> 10) & 31), f64::from(half & 1023));
        let magnitude = match exponent {
            0 => fraction * 2f64.powi(-24),
            _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
        };
        let sign = if half >> 15 == 1 { -1.0 } else { 1.0 };
        assert_eq!(value.to_bits(), ((sign * magnitude) as f32).to_bits(), "{half:#06x}");
    }
    for bad in [0x7C00, 0xFC00, 0x7E00, 0x7C01] {
        assert_eq!(load("F16", &[0, bad]), Err(Error::NotFinite { what: "lora_A", index: 1 }));
    }
    let brains: Vec<u16> = (0..=u16::MAX).filter(|brain| (brain >> 7) & 255 < 140).collect();
    for (brain, value) in brains.iter().zip(load("BF16", &brains).unwrap()) {
        assert_eq!(value.to_bits(), u32::from(*brain) << 16);
    }
    for bad in [0x7F80, 0xFF80, 0x7FC0] {
        assert_eq!(load("BF16", &[0, bad]), Err(Error::NotFinite { what: "lora_A", index: 1 }));
    }
}

#[test]
fn any_valid_way_to_write_a_file_is_read() {
    let wanted = load(&changed(|_| {})).unwrap();
    let same = |file: &[u8]| {
        let got = load(file).unwrap();
        assert!(got.a == wanted.a && got.b == wanted.b);
        let modules: Vec<_> = peft::modules(file).unwrap().filter_map(Result::ok).collect();
        assert!(modules.iter().any(|m| m.name == "m" && m.rank == 1 && m.dtype == Dtype::F32));
    };
    same(&file(&(header().to_string() + "     "), &data()));
    same(&file(&serde_json::to_string_pretty(&header()).unwrap(), &data()));
    // lora_B first, in the header and in the data; other tensors around and between, empty ones too.
    let text = format!(
        r#"{{"{B}":{{"data_offsets":[3,11],"shape":[2,1],"dtype":"F32"}},
        "base_model.model.embed.bias":{{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}},
        "base_model.model.n.lora_A.weight":{{"dtype":"I8","shape":[2],"data_offsets":[23,25]}},
        "empty":{{"dtype":"F32","shape":[0,7],"data_offsets":[11,11]}},
        "__metadata__":{{"any":"\u00e9\"\\","thing":""}},
        "{A}":{{"dtype":"F32","shape":[1,3],"data_offsets":[11,23]}} }}"#
    );
    let bytes = data();
    same(&file(&text, &[&[0; 3], &bytes[12..], &bytes[..12], &[0; 2]].concat()));
}

/// The meaning of the format, with a JSON library and unlimited memory.
fn reference(file: &[u8]) -> Option<(Vec<f32>, Vec<f32>)> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let (text, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header: Value = serde_json::from_slice(text).ok()?;
    let mut ranges = Vec::new();
    for (_, tensor) in header.as_object()?.iter().filter(|(name, _)| *name != "__metadata__") {
        let offsets: [usize; 2] = serde_json::from_value(tensor["data_offsets"].clone()).ok()?;
        ranges.push(offsets);
    }
    ranges.sort_unstable();
    let end = ranges.iter().try_fold(0, |at, [begin, end]| (*begin == at).then_some(*end))?;
    let values = |name: &str, shape: Value| {
        let tensor = &header[name];
        let [begin, end]: [usize; 2] = serde_json::from_value(tensor["data_offsets"].clone()).ok()?;
        let bytes = data.get(begin..end)?;
        let wide = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
        (tensor["shape"] == shape && tensor["dtype"] == "F32")
            .then(|| bytes.chunks_exact(4).map(wide).collect::<Vec<_>>())
    };
    let pair = (values(A, json!([1, 3]))?, values(B, json!([2, 1]))?);
    (end == data.len() && pair.0.len() == 3 && pair.1.len() == 2).then_some(pair)
}

/// A few random changes: bytes, pieces removed, pieces repeated, pieces of JSON put in.
pub fn mutate(bytes: &mut Vec<u8>, noise: &mut Noise) {
    const PIECES: [&[u8]; 12] =
        [b"\"", b"{", b"}", b"[", b"]", b",", b":", b"0", b"null", b"\\u0041", b" ", b"\xC3\xA9"];
    let pick = |noise: &mut Noise, n: usize| ((noise.next().abs() * n as f32) as usize).min(n - 1);
    for _ in 0..1 + pick(noise, 3) {
        let at = pick(noise, bytes.len());
        let end = (at + pick(noise, 12)).min(bytes.len());
        match pick(noise, 6) {
            0 => bytes[at] = (noise.next() * 128.0) as i8 as u8,
            1 => bytes[at] ^= 1 << pick(noise, 8),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            4 => drop(bytes.splice(at..at, PIECES[pick(noise, PIECES.len())].iter().copied())),
            _ => drop(bytes.splice(at..end, PIECES[pick(noise, PIECES.len())].iter().copied())),
        }
        if bytes.is_empty() {
            bytes.push(b' ');
        }
    }
}

#[test]
fn mutated_files_are_refused_or_read_as_the_reference_reads_them() {
    let noise = &mut Noise(1234);
    let header = serde_json::to_string_pretty(&header()).unwrap();
    let (mut read, mut refused) = (0, 0);
    for round in 0..60_000 {
        let mut text = header.clone().into_bytes();
        mutate(&mut text, noise);
        let mut bytes = [&(text.len() as u64).to_le_bytes()[..], &text, &data()].concat();
        if round % 4 == 0 {
            mutate(&mut bytes, noise);
        }
        match load(&bytes) {
            Ok(lora) => {
                let (a, b) = reference(&bytes)
                    .unwrap_or_else(|| panic!("only we read {:?}", String::from_utf8_lossy(&bytes)));
                assert!(lora.a == a && lora.b == b, "{:?}", String::from_utf8_lossy(&bytes));
                read += 1;
            }
            Err(_) => refused += 1,
        }
        if let Ok(modules) = peft::modules(&bytes) {
            assert!(modules.count() < 10);
        }
    }
    assert!(read > 1_000 && refused > 30_000, "{read} read, {refused} refused");
}
