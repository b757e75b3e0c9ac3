// Each fault 100,000 times in a row, after which the module still learns and saves; a million calls without growth.
import { FAULTS } from './faults.js';
import { Random, adapter, bits, expect, lora, trained } from './setup.js';

const TIMES = 100_000;
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

describe('100,000 times in a row', () => {
  const [made, twin] = [trained(8), trained(8)];
  let size = 0;

  // What is tested is the engine, not how fast the browser walks its stack.
  const { stackTraceLimit } = Error;
  before(() => { Error.stackTraceLimit = 0; });
  after(() => { Error.stackTraceLimit = stackTraceLimit; });

  for (const [code, title, call] of FAULTS) {
    it(`${title}: ${code}`, () => {
      size ||= memory(made);
      let refused = 0;
      for (let time = 0; time < TIMES; time += 1) {
        try {
          call(made);
        } catch (error) {
          if (error.code === code) refused += 1;
        }
      }
      expect(refused).to.equal(TIMES);
      expect(memory(made), 'bytes of memory').to.equal(size);
      asEver(made, twin);
    });
  }
});

describe('a million calls', () => {
  it('of apply and of learning need no more memory than the first', () => {
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
