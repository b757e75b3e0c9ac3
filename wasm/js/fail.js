/** Refuses something by its name. `more`: what the error has besides its code. */
export const fail = (code, what, expected, got, more) => {
  throw Object.assign(new Error(`${what}: expected ${expected}, got ${got}`), { code, ...more });
};

/** A value as messages write it. Its type goes with it, because "8" is not 8. */
export const shown = (value) => {
  const type = typeof value;
  if (value == null || type === "number") return `${value}`;
  if (value instanceof Promise) return "a promise: await it";
  if (type === "object") return Array.isArray(value) || ArrayBuffer.isView(value) ? "an array" : "an object";
  return `the ${type} ${(type === "string" ? `"${value}"` : String(value)).slice(0, 60)}`;
};

/** Refuses a value of the wrong type. */
export const mistyped = (what, expected, value, hint = "") => fail("TYPE", what, expected, shown(value) + hint);

/** Checks that every option has a known name: one that is misspelt would be ignored. */
export const known = (options, names, what = "options", code = "TYPE") => {
  options ??= {};
  // A bare number has no properties, so a quality of 0 in place of options would count as a click.
  if (typeof options !== "object" || options instanceof Promise) mistyped(what, "an object", options);
  const strange = Object.keys(options).find((name) => !names.includes(name));
  return strange == null ? options : fail(code, what, names.join(", "), strange || '""');
};
