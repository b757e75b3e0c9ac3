// Keeps the page for when there is no network. Where a browser has no service workers (a private window, an old one)
// the page works all the same, with a network.
const CACHE = "micro-lora-page";
/** Loaded by another thread. */
const OF_MODEL = ["model/files.json", "model/worker.js"];

export async function keepForOffline({ hasModel }) {
  try {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
    const cache = await caches.open(CACHE);
    // What this page has loaded is what the next visit needs: modules, the engine that this browser can run, data.
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const more = hasModel ? OF_MODEL : [];
    const own = ["./", ...loaded, ...more].map((name) => new URL(name, document.baseURI));
    const wanted = own.filter(({ href, origin }) => origin === location.origin && !isOfModel(href));
    for (const { href } of wanted) if (!(await cache.match(href))) await cache.add(href);
    document.documentElement.dataset.offline = "ready";
  } catch {
    document.documentElement.dataset.offline = "no";
  }
}

/** The thread of the model keeps its own files. */
const isOfModel = (href) => /\/model\/(?!files\.json$|worker\.js$)/.test(href);
