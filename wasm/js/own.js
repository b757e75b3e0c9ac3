// Private fields. The engines of 2020 that the package supports have no `#fields` in all of their forms.

import { fail, shown } from "./fail.js";

const HINT = "toJson() keeps it";
/** Who clones an object reads what it has. One for all: objects with getters of their own are slow. */
const refusing = {
  enumerable: true,
  get: () => fail("TYPE", "adapter", "toJson() or save()", "a copy"),
};

/**
 * The fields of a kind of object: what reads them, and what gives them to an object, which from then on refuses to be
 * cloned, sent or stored. A symbol names them, so that a copy does not have them and nobody writes to them by accident;
 * through a proxy they are found.
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

/** The class that a static method makes an object of: `self`, or where the method was taken off its class, that class. */
export const classOf = (self, Class) => (self?.prototype instanceof Class ? self : Class);
