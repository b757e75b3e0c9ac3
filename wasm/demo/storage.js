// What survives a reload. A browser may refuse (private windows, a full disk): the page works all the same.
const KEY = "micro-lora-demo";

export function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

export function write(value) {
  try {
    localStorage.setItem(KEY, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
