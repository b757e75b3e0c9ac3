export const fail = (code, message) => {
  throw Object.assign(new Error(message), { code });
};

/** How a message has what came: a text in quotes, for "8" is no 8. */
export const shown = (value) => (typeof value === "string" ? `"${value}"` : value);
