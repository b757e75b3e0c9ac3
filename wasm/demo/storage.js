// What survives a reload. A browser may refuse (private windows, a full disk, more than some 5 MB): the page works all
// the same. Everybody has an item of their own, so that a click writes no more than what it changed.
const KEY = "micro-lora-demo";

export function read(name) {
  try {
    return JSON.parse(localStorage.getItem(`${KEY}/${name}`));
  } catch {
    return null;
  }
}

export function write(name, value) {
  try {
    localStorage.setItem(`${KEY}/${name}`, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
