// Faults 100,000 times in a row, after which the module still learns and saves; a million calls without
// growth.
import { FAULTS } from "./faults.js";
import { Random, adapter, bits, expect, lora, trained } from "./setup.js";

const TIMES = 100_000;
const TIMES_OF_OTHERS = 2_000;

/** Those that the replaced system answers by trapping, leaking or poisoning its weights. */
const KNOWN = new Set([
  "an input too short",
  "an input too long",
  "NaN in an input",
  "infinity in an input",
  "NaN in a view",
  "adapt: a wrong length",
  "adapt: NaN",
  "adapt: infinity",
  "gradient: NaN",
  "choice: NaN in a candidate",
  "update: a rate of NaN",
  "no input features",
  "two billion input features",
  "garbage for JSON",
  "truncated JSON",
  "a state whose lengths do not match",
  "an old state whose lengths do not match",
  "apply after free",
  "adapt after free",
  "adapt: no feedback",
]);
const random = new Random(123);
const memory = (made) => made.inputView.buffer.byteLength;

/** To learn, save and load as if nothing had been, bit for bit. */
function asEver(made, twin) {
  const x = random.unit(8);
  const candidates = random.row(24, 0.5);
  for (const each of [made, twin]) {
    expect(each.adaptChoice(x, candidates, 1)).to.equal(0);
    expect(each.applyUpdates(0.01)).to.be.above(0);
  }
  expect(made.toJson()).to.equal(twin.toJson());
  expect(bits(lora.MicroLoraWasm.fromJson(made.toJson()).apply(x))).to.deep.equal(bits(twin.apply(x)));
}

describe("again and again", () => {
  const [made, twin] = [trained(8), trained(8)];
  let size = 0;

  // What is tested is the engine, not how fast the browser walks its stack.
  const { stackTraceLimit } = Error;
  before(() => {
    Error.stackTraceLimit = 0;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  for (const [code, title, call] of FAULTS) {
    const codes = [code].flat();
    const times = KNOWN.delete(title) ? TIMES : TIMES_OF_OTHERS;
    it(`${title}, ${times.toLocaleString("en")} times in a row`, () => {
      size ||= memory(made);
      let refused = 0;
      for (let time = 0; time < times; time += 1) {
        try {
          call(made);
        } catch (error) {
          if (codes.includes(error.code)) refused += 1;
        }
      }
      expect(refused).to.equal(times);
      expect(memory(made), "bytes of memory").to.equal(size);
      asEver(made, twin);
    });
  }

  it("ranks that do not exist are clamped, 100,000 times in a row", () => {
    for (let time = 0; time < TIMES; time += 1) {
      const clamped = adapter(8, { rank: time % 2 === 0 ? 0 : 9 });
      if (clamped.getConfig().rank !== (time % 2 === 0 ? 1 : 4))
        expect.fail(`rank ${clamped.getConfig().rank}`);
      clamped.free();
    }
    expect(memory(made)).to.equal(size);
    asEver(made, twin);
  });

  it("this list knows all of its faults by name", () => {
    expect([...KNOWN]).to.deep.equal([]);
  });
});

describe("a million calls", () => {
  it("of apply and of learning need no more memory than the first", () => {
    const made = adapter(64);
    const x = random.unit(64);
    const candidates = random.row(128, 0.2);
    made.adaptChoice(x, candidates, 0);
    made.applyUpdates();
    const [size, one] = [memory(made), made.apply(x)];
    for (let call = 0; call < 500_000; call += 1) {
      made.apply(x);
      made.adaptChoice(x, candidates, call % 2);
      if (call % 64 === 63) made.applyUpdates(0.0001);
    }
    expect(memory(made)).to.equal(size);
    expect(made.stats()).to.include({ samplesSeen: 500_001, rated: 500_001 });
    expect(one).to.have.length(64);
    const back = lora.MicroLoraWasm.fromJson(made.toJson());
    expect(bits(back.apply(x))).to.deep.equal(bits(made.apply(x)));
    expect([...back.apply(x)].every(Number.isFinite)).to.equal(true);
  });
});
