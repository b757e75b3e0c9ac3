// Times of several contenders, taken in turns: whatever slows the machine down for a while meets all of them.
// What counts is the fastest of many short rounds: other programs can only ever make a round slower.
const ROUND = 2; // milliseconds for each contender in each round
const ROUNDS = 40;

/** A square adapter of either package. */
export function make({ MicroLoraConfigWasm, MicroLoraWasm }, size, rank, step) {
  const config = new MicroLoraConfigWasm();
  config.rank = rank;
  config.inFeatures = size;
  config.outFeatures = size;
  if (step) config.step = step;
  const made = new MicroLoraWasm(config);
  config.free();
  return made;
}

/** `contenders` are functions by name; gives nanoseconds per call by name. */
export function measure(contenders) {
  const names = Object.keys(contenders);
  const counts = {};
  for (const name of names) counts[name] = calls(contenders[name]);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) times[name].push(time(contenders[name], counts[name]) / counts[name]);
  }
  return Object.fromEntries(names.map((name) => [name, Math.min(...times[name]) * 1e6]));
}

/** How many calls fill a round. Asked until two answers in a row agree: the first ones include compiling. */
function calls(work) {
  let [count, before] = [1, 0];
  for (;;) {
    // Once could have been slow.
    const taken = Math.min(time(work, count), time(work, count), time(work, count));
    if (taken < ROUND / 2) {
      count *= 2;
      continue;
    }
    const fitting = Math.max(1, Math.round((count * ROUND) / taken));
    if (Math.abs(fitting - before) <= 0.25 * fitting || fitting <= 2) return fitting;
    [count, before] = [fitting, fitting];
  }
}

function time(work, count) {
  const start = performance.now();
  for (let call = 0; call < count; call += 1) work();
  return performance.now() - start;
}
