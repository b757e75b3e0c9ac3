// What an object keeps to itself.

import { fail } from "./fail.js";

/** Where: copies of an object do not have it, and nobody writes to it by accident. Through a proxy it is found. */
const OWN = Symbol();

/** What an object keeps to itself; nothing, if it is none of ours. */
export const own = (object) => object?.[OWN];

const HINT = "toJson() keeps it";

/** Has an object keep that, and refuse to be cloned, sent or stored without it. */
export const keep = (object, values) => {
  Object.defineProperties(object, {
    [OWN]: { value: values },
    // Who clones an object reads what it has.
    [HINT]: {
      enumerable: true,
      get: () => fail("TYPE", "adapter: expected toJson() or save(), got a copy of an object that cannot be copied"),
    },
  });
  return values;
};
