import { render } from "./render.js";

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) =>
  event.waitUntil(
    render()
      .catch((error) => ({ error: String(error) }))
      .then((outcome) => event.source.postMessage(outcome)),
  ),
);
