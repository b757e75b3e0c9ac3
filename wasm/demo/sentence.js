// The page's side of the sentence model: loads it once, and embeds texts with it.

export class SentenceModel {
  /** `onProgress` is given the part that is loaded, 0 to 1. */
  constructor(onProgress) {
    this.onProgress = onProgress;
    this.isReady = false;
    this.calls = new Map();
  }

  /** How much there is to load, in megabytes, and whether this browser has it already. */
  static async about() {
    const response = await fetch("model/files.json");
    if (!response.ok) throw new Error(`model/files.json: ${response.status}`);
    const { cache, files } = await response.json();
    const megabytes = Math.round(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6);
    return { megabytes, isKept: await isKept(cache, files) };
  }

  /** Loads it, the first time it is called; a load that failed is tried again. */
  load() {
    this.loading ??= this.start().catch((error) => {
      this.worker?.terminate();
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  async start() {
    this.worker = new Worker("model/worker.js", { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.take(data));
    this.worker.addEventListener("error", (event) =>
      this.fail(event.message || "the model could not be started"),
    );
    await this.ask({ kind: "load" });
    this.isReady = true;
  }

  /** The embedding of a text, of unit norm. */
  embed(text) {
    return this.ask({ kind: "embed", text });
  }

  ask(message) {
    return new Promise((resolve, reject) => {
      const id = this.calls.size === 0 ? 1 : Math.max(...this.calls.keys()) + 1;
      this.calls.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...message });
    });
  }

  take({ progress, id, answer, error }) {
    if (progress !== undefined) {
      this.onProgress(progress);
      return;
    }
    const { resolve, reject } = this.calls.get(id);
    this.calls.delete(id);
    if (error) reject(new Error(error));
    else resolve(answer);
  }

  fail(message) {
    for (const { reject } of this.calls.values()) reject(new Error(message));
    this.calls.clear();
  }
}

async function isKept(name, files) {
  try {
    const cache = await caches.open(name);
    const found = await Promise.all(
      files.map(({ path }) => cache.match(new URL(`model/${path}`, document.baseURI).href)),
    );
    return found.every(Boolean);
  } catch {
    return false;
  }
}
