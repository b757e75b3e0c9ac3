/** `more`: what the error has besides its code. */
export const fail = (code, message, more) => {
  throw Object.assign(new Error(message), { code, ...more });
};

/** How a message has what came: a text in quotes, for "8" is no 8. */
export const shown = (value) => (typeof value === "string" ? `"${value}"` : value);
