//! The most stack that each function of a linked program can take, computed from the functions it calls.
//!
//! Frames come from the compiler (`.stack_sizes`), or from the instructions of the few functions that are written in
//! assembler; calls come from the disassembly. Anything that cannot be followed is an error: a call through a pointer,
//! a branch into the middle of another function, recursion. So the result is an upper bound.
//!
//! The stack of a panic is left out: none is reachable (docs/embedded.md), and a call that panicked would not return.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

#[derive(Debug, Default)]
struct Function {
    name: String,
    frame: u32,
    calls: Vec<u32>,
    /// Branches to another function, made after the own frame was freed.
    tail_calls: Vec<u32>,
}

#[derive(Debug)]
pub struct Program {
    functions: BTreeMap<u32, Function>,
}

impl Program {
    /// `listing`: the output of `objdump --disassemble --no-show-raw-insn`. `sizes`: the section `.stack_sizes`.
    pub fn parse(listing: &str, sizes: &[u8]) -> Result<Self> {
        let frames = parse_sizes(sizes)?;
        let starts: BTreeMap<u32, &str> = listing.lines().filter_map(label).collect();
        let mut functions = BTreeMap::new();
        let mut current = None;
        for line in listing.lines() {
            if let Some((start, name)) = label(line) {
                current = Some(start);
                let frame = frames.get(&start).copied().unwrap_or_default();
                functions.insert(start, Function { name: name.to_owned(), frame, ..Function::default() });
            } else if let (Some(start), Some(instruction)) = (current, Instruction::parse(line)) {
                let function = functions.get_mut(&start).context("a function was just inserted")?;
                let end = starts.range(start + 1..).next().map_or(u32::MAX, |(next, _)| *next);
                // Only the host knows the stack of its own function.
                let is_way = HOST_CALLS.iter().any(|part| function.name.contains(part));
                let calls_host = is_way && instruction.is_call_of_register();
                let flow = if calls_host { Ok(Flow::Inside) } else { instruction.flow(start..end) };
                let outcome = flow.and_then(|flow| {
                    match flow {
                        Flow::Call(to) => function.calls.push(to),
                        Flow::TailCall(to) => function.tail_calls.push(to),
                        Flow::Inside => {}
                    }
                    if !frames.contains_key(&start) {
                        function.frame += instruction.pushes()?;
                    }
                    Ok(())
                });
                outcome.with_context(|| format!("{}: `{}`", function.name, line.trim()))?;
            }
        }
        for function in functions.values() {
            for to in function.calls.iter().chain(&function.tail_calls) {
                ensure!(
                    functions.contains_key(to),
                    "{}: a call to {to:x}, where no function starts",
                    function.name
                );
            }
        }
        Ok(Self { functions })
    }

    /// Bytes of stack that a call of this function can take.
    pub fn depth(&self, name: &str) -> Result<u32> {
        let start = self.functions.iter().find(|(_, function)| function.name == name);
        let (start, _) = start.with_context(|| format!("expected a function {name}, got none"))?;
        self.depth_at(*start, &mut Vec::new())
    }

    fn depth_at(&self, start: u32, callers: &mut Vec<u32>) -> Result<u32> {
        let function = &self.functions[&start];
        if is_panic(&function.name) {
            return Ok(0);
        }
        ensure!(!callers.contains(&start), "{}: expected no recursion, got some", function.name);
        callers.push(start);
        let mut deepest = function.frame;
        for to in &function.calls {
            deepest = deepest.max(function.frame + self.depth_at(*to, callers)?);
        }
        for to in &function.tail_calls {
            deepest = deepest.max(self.depth_at(*to, callers)?);
        }
        callers.pop();
        Ok(deepest)
    }
}

/// Whether a mangled name is a panic of Rust's core library, or a function that only panics.
fn is_panic(name: &str) -> bool {
    name.starts_with("_R") && (name.contains("9panicking") || name.contains("_fail"))
}

/// `00001234 <name>:`
fn label(line: &str) -> Option<(u32, &str)> {
    let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
    Some((u32::from_str_radix(address, 16).ok()?, name))
}

/// Each function's address (its lowest bit marks Thumb code) and its frame as ULEB128.
fn parse_sizes(mut section: &[u8]) -> Result<BTreeMap<u32, u32>> {
    let mut frames = BTreeMap::new();
    while let Some((address, rest)) = section.split_first_chunk() {
        let mut frame = 0;
        section = rest;
        for shift in (0..32).step_by(7) {
            let (byte, rest) =
                section.split_first().context(".stack_sizes: expected a number, got its end")?;
            section = rest;
            frame |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        frames.insert(u32::from_le_bytes(*address) & !1, frame);
    }
    ensure!(section.is_empty(), ".stack_sizes: expected whole entries, got {} bytes more", section.len());
    Ok(frames)
}

/// Parts of the names of the only functions that call the host's callback: a memory of lists asks for a vector, and the
/// C interface passes that on. The stack below them, and that of the second one, is not in the figures.
const HOST_CALLS: [&str; 2] = ["6memory6record4find", "14micro_lora_ffi4host"];

struct Instruction<'a> {
    mnemonic: &'a str,
    operands: &'a str,
}

#[derive(Debug, PartialEq)]
enum Flow {
    Inside,
    Call(u32),
    TailCall(u32),
}

impl<'a> Instruction<'a> {
    /// `1234: bl 5678 <name>`, with tabs between; tables and literals start with a point.
    fn parse(line: &'a str) -> Option<Self> {
        let (_, code) = line.split_once(":\t")?;
        let (mnemonic, operands) = code.split_once('\t').unwrap_or((code, ""));
        let operands = operands.split(['@', ';']).next().unwrap_or_default().trim();
        (!mnemonic.starts_with('.')).then_some(Self { mnemonic: mnemonic.trim(), operands })
    }

    fn is_call_of_register(&self) -> bool {
        self.mnemonic.split('.').next() == Some("blx") && !self.operands.contains('<')
    }

    fn flow(&self, own: std::ops::Range<u32>) -> Result<Flow> {
        let base = self.mnemonic.split('.').next().unwrap_or_default();
        let to_register = || !self.operands.contains('<');
        match base {
            "bl" | "blx" if to_register() => bail!("a call through a pointer"),
            "bl" | "blx" => {
                let to = self.target()?;
                // Thumb-1 has no other branch that is long enough in a large function.
                Ok(if own.contains(&to) && to != own.start { Flow::Inside } else { Flow::Call(to) })
            }
            "bx" if self.operands == "lr" => Ok(Flow::Inside),
            "bx" => bail!("a jump through a pointer"),
            "ldr" if self.operands.starts_with("pc,") => bail!("a jump through a pointer"),
            _ if is_branch(base) => {
                let to = self.target()?;
                Ok(if own.contains(&to) { Flow::Inside } else { Flow::TailCall(to) })
            }
            _ => Ok(Flow::Inside),
        }
    }

    /// The address before ` <name>`.
    fn target(&self) -> Result<u32> {
        let address = self.operands.split(" <").next().and_then(|text| text.split([' ', ',']).next_back());
        let address = address.and_then(|text| u32::from_str_radix(text, 16).ok());
        address.context("expected an address to branch to")
    }

    /// By how many bytes the instruction lowers the stack pointer; instructions that raise it again are ignored.
    fn pushes(&self) -> Result<u32> {
        let base = self.mnemonic.split('.').next().unwrap_or_default();
        let immediate = || self.operands.rsplit_once('#').and_then(|(_, number)| number.parse::<i64>().ok());
        Ok(match base {
            "push" => 4 * registers(self.operands)?,
            "stmdb" if self.operands.starts_with("sp!") => 4 * registers(self.operands)?,
            "sub" | "subw" if self.operands.starts_with("sp") => {
                u32::try_from(immediate().context("a frame of unknown size")?)?
            }
            "str" | "strd" if self.operands.ends_with("]!") && self.operands.contains("[sp") => {
                bail!("a push of unknown size")
            }
            "mov" | "vpush" | "bic" if self.operands.starts_with("sp") || base == "vpush" => {
                bail!("a frame of unknown size")
            }
            _ => 0,
        })
    }
}

fn is_branch(base: &str) -> bool {
    const CONDITIONS: [&str; 15] =
        ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al"];
    let condition = base.strip_prefix('b');
    matches!(base, "b" | "cbz" | "cbnz") || condition.is_some_and(|condition| CONDITIONS.contains(&condition))
}

/// The number of registers in `{r4, r5-r7, lr}`.
fn registers(operands: &str) -> Result<u32> {
    let (_, list) = operands.split_once('{').context("expected a list of registers")?;
    let list = list.trim_end_matches('}');
    ensure!(!list.contains('-'), "expected a list of single registers");
    Ok(u32::try_from(list.split(',').count())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `outer` has a frame of 16 bytes, calls `inner` (assembler, 12 bytes) and leaves by a branch to `last` (100).
    const LISTING: &str = "
00008000 <outer>:
    8000:\tpush\t{r4, lr}
    8002:\tcbz\tr0, 8008 <outer+0x8>
    8004:\tbl\t8010 <inner>
    8008:\tpop\t{r4, lr}
    800a:\tb.w\t8020 <last>
    800c:\t.word\t0x00000001

00008010 <inner>:
    8010:\tpush\t{r4, lr}
    8012:\tsub\tsp, #4
    8014:\tbeq.n\t8010 <inner>
    8016:\tbx\tlr

00008020 <last>:
    8020:\tbx\tlr
";
    const SIZES: [u8; 10] = [0x01, 0x80, 0, 0, 16, 0x21, 0x80, 0, 0, 100];

    fn depth(listing: &str, name: &str) -> Result<u32> {
        Program::parse(listing, &SIZES)?.depth(name)
    }

    #[test]
    fn calls_add_up_and_the_deepest_way_counts() {
        assert_eq!(depth(LISTING, "inner").unwrap(), 12);
        assert_eq!(depth(LISTING, "last").unwrap(), 100);
        // Not 116: the frame is freed before the branch.
        assert_eq!(depth(LISTING, "outer").unwrap(), 100);
        let call = LISTING.replace("b.w\t8020", "bl\t8020");
        assert_eq!(depth(&call, "outer").unwrap(), 116);
    }

    #[test]
    fn frames_of_more_than_one_byte_are_read() {
        assert_eq!(parse_sizes(&[1, 0, 0, 0, 0xe0, 0x07]).unwrap()[&0], 992);
        assert!(parse_sizes(&[1, 0, 0, 0, 0x80]).is_err());
        assert!(parse_sizes(&[1, 0, 0]).is_err());
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for (from, to, reason) in [
            ("bl\t8010 <inner>", "blx\tr3", "a call through a pointer"),
            ("bl\t8010 <inner>", "bx\tr3", "a jump through a pointer"),
            ("bl\t8010 <inner>", "ldr.w\tpc, [r0]", "a jump through a pointer"),
            ("bl\t8010 <inner>", "bl\t8012 <inner+0x2>", "a call to 8012, where no function starts"),
            ("b.w\t8020 <last>", "b.w\t8012 <inner+0x2>", "a call to 8012, where no function starts"),
            ("sub\tsp, #4", "sub\tsp, r0", "a frame of unknown size"),
            ("sub\tsp, #4", "mov\tsp, r0", "a frame of unknown size"),
            ("sub\tsp, #4", "vpush\t{d8-d9}", "a frame of unknown size"),
            ("sub\tsp, #4", "bl\t8000 <outer>", "expected no recursion"),
        ] {
            let changed = LISTING.replace(from, to);
            assert_ne!(changed, LISTING, "{from}");
            let error = format!("{:#}", depth(&changed, "outer").unwrap_err());
            assert!(error.contains(reason), "{to}: {error}");
        }
    }

    #[test]
    fn what_a_panic_would_do_is_left_out() {
        let listing = LISTING.replace("b.w\t8020 <last>", "bx\tlr");
        assert_eq!(depth(&listing, "outer").unwrap(), 28);
        let panics = listing.replace("inner", "_RNvNtCs0_4core9panicking5panic");
        assert_eq!(depth(&panics, "outer").unwrap(), 16);
    }

    #[test]
    fn a_function_that_is_not_there_has_no_depth() {
        assert!(depth(LISTING, "nowhere").is_err());
    }
}
