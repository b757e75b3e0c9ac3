// A simulated person searches and chooses, a hundred times if need be, and what it comes to is measured on the way.
import { Judge } from "./taste.js";

const SEARCHES = 100;
/** So many searches between two points of the curve. */
const STRIDE = 10;

const judges = new Map();

export function judgeOf(search, taste) {
  if (!judges.has(taste)) judges.set(taste, new Judge(search, taste));
  return judges.get(taste);
}

/**
 * Has a person search `SEARCHES` times with a taste. `onStep({ done, point })` is called on the way, `done` from 0 to 1;
 * the page can draw in between.
 *
 * @returns how many searches taught something
 */
export async function teach(person, search, taste, onStep) {
  const judge = judgeOf(search, taste);
  let learned = 0;
  const step = async (done) => {
    onStep({ done, point: { choices: person.choices, ...judge.measure(person) } });
    await new Promise((resolve) => setTimeout(resolve));
  };
  await step(0);
  for (let at = 0; at < SEARCHES; at += STRIDE) {
    for (let i = 0; i < STRIDE; i += 1) {
      const { text, query, shown, clicks } = judge.event(person);
      if (clicks.includes(1) && person.chooseAll(text, query, shown, clicks) !== undefined) learned += 1;
    }
    await step((at + STRIDE) / SEARCHES);
  }
  return learned;
}
