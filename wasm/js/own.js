// What an object keeps to itself.

import { fail } from "./fail.js";

/** Where: copies of an object do not have it, and nobody writes to it by accident. Through a proxy it is found. */
const OWN = Symbol();

/** What an object keeps to itself; nothing, if it is none of ours. */
export const own = (object) => object?.[OWN];

const HINT = "toJson() keeps it";
/** Who clones an object reads what it has. One for all: objects with getters of their own are slow. */
const refusing = {
  enumerable: true,
  get: () => fail("TYPE", "adapter: expected toJson() or save(), got a copy of an object that cannot be copied"),
};

/** Has an object keep that, and refuse to be cloned, sent or stored without it. */
export const keep = (object, values) => {
  Object.defineProperty(object, OWN, { value: values });
  Object.defineProperty(object, HINT, refusing);
  return values;
};
