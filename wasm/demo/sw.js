// The service worker: after the first visit the page works without a network. While there is one, the newest file wins.
// `offline.js` puts in what the first visit has loaded before this one was there.
const CACHE = "micro-lora-page";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || isOfModel(url)) return;
  event.respondWith(answer(request));
});

/** The model's own files are kept by the thread that loads them. */
const isOfModel = ({ pathname }) => /\/model\/(?!files\.json$|worker\.js$)/.test(pathname);

async function answer(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (!response.ok) return response;
    const isKept = await cache.put(request, response.clone()).then(
      () => true,
      () => false,
    );
    // Where there is no room, the page gets its answer all the same: another one, for half of this has been read.
    return isKept ? response : fetch(request);
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
