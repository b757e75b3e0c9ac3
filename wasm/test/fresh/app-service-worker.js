navigator.serviceWorker.onmessage = ({ data }) => {
  globalThis.outcome = { ...data, worker: true };
};
await navigator.serviceWorker.register("service-worker.js", { type: "module" });
const { active } = await navigator.serviceWorker.ready;
active.postMessage("learn");
