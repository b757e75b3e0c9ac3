// Private fields without `#`, which Safari 14 does not have.

import { fail, shown } from "./fail.js";

const HINT = "toJson() keeps it";
/** Cloning reads every property, and this one throws. All objects share one descriptor, which is faster. */
const refusing = {
  enumerable: true,
  get: () => fail("TYPE", "adapter", "toJson() or save()", "a copy"),
};

/**
 * Gives `own(object)`, which reads the fields of an object, and `keep(object, fields)`, which sets them and makes the object
 * refuse to be cloned, sent or stored. A symbol holds them: copies do not have it, nobody writes to it by accident, and it
 * is found through a proxy.
 */
export const fields = (what) => {
  const OWN = Symbol();
  const own = (object) => object?.[OWN] ?? fail("TYPE", what, "one of its class", shown(object));
  const keep = (object, values) => {
    Object.defineProperty(object, OWN, { value: values });
    Object.defineProperty(object, HINT, refusing);
    return values;
  };
  return [own, keep];
};

/** The class that a static method was called on (`self`, its `this`), or `Class` where it was called without one. */
export const classOf = (self, Class) => (self?.prototype instanceof Class ? self : Class);
