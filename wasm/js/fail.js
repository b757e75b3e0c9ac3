/** `more`: what the error has besides its code. */
export const fail = (code, message, more) => {
  throw Object.assign(new Error(message), { code, ...more });
};

/** How a message has what came: its type goes with it, for "8" is no 8. */
export const shown = (value) => {
  const type = typeof value;
  if (value == null || type === "number") return `${value}`;
  if (type === "object") return Array.isArray(value) ? "an array" : "an object";
  return `the ${type} ${(type === "string" ? `"${value}"` : String(value)).slice(0, 60)}`;
};

/** The wrong type of value. */
export const mistyped = (what, expected, value, hint = "") =>
  fail("TYPE", `${what}: expected ${expected}, got ${shown(value)}${hint}`);

/** Options, each of which has to be known: one that is misspelt would be taken for none. */
export const known = (options, names, what = "options", code = "TYPE") => {
  options ??= {};
  // A bare number would be taken for no options: a thumb down for a click.
  if (typeof options !== "object") mistyped(what, "an object", options);
  const strange = Object.keys(options).find((name) => !names.includes(name));
  return strange ? fail(code, `${what}: expected ${names.join(", ")}, got ${strange}`) : options;
};
