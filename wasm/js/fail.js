export const fail = (code, message) => {
  throw Object.assign(new Error(message), { code });
};
