// WebKit, the engine of Safari, through its own driver: the W3C WebDriver protocol is a few requests, and no
// client library starts this one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
const TIMEOUT = 600_000;

export async function startWebKit(home) {
  const screen = await startScreen();
  const port = await freePort();
  const driver = spawn("WebKitWebDriver", ["--host=127.0.0.1", `--port=${port}`], {
    // A sandbox needs rights that a container lacks, and root is refused one.
    env: {
      ...process.env,
      DISPLAY: screen.display,
      HOME: home,
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
    },
    stdio: "ignore",
  });
  const stop = () => {
    driver.kill();
    screen.stop();
  };
  try {
    return await session(port, stop);
  } catch (error) {
    stop();
    throw error;
  }
}

async function session(port, stop) {
  const post = (path, body = {}) => request(port, path, { method: "POST", body: JSON.stringify(body) });
  await until(() => request(port, "/status").catch(() => null), "WebKitWebDriver to answer");
  const options = { binary: BROWSER, args: ["--automation"] };
  const alwaysMatch = { browserName: "MiniBrowser", "webkitgtk:browserOptions": options };
  const { sessionId, capabilities } = await post("/session", { capabilities: { alwaysMatch } });
  const evaluate = (script) => post(`/session/${sessionId}/execute/sync`, { script, args: [] });
  const get = (path) => request(port, `/session/${sessionId}${path}`);
  return {
    /** WebDriver's own commands, for tests that do more than visit a page. */
    driver: {
      evaluate,
      get,
      post: (path, body) => post(`/session/${sessionId}${path}`, body),
    },
    version: `WebKit ${capabilities.browserVersion}`,
    async close() {
      await request(port, `/session/${sessionId}`, { method: "DELETE" }).catch(() => null);
      stop();
    },
    async visit(url) {
      await post(`/session/${sessionId}/url`, { url });
      return until(() => evaluate("return globalThis.outcome ?? null"), `an outcome of ${url}`);
    },
  };
}

async function request(port, path, options = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, options);
  const { value } = await response.json();
  if (!response.ok) throw new Error(`WebDriver ${path}: ${value.error}: ${value.message}`);
  return value;
}

async function until(attempt, what) {
  const end = Date.now() + TIMEOUT;
  while (Date.now() < end) {
    const result = await attempt();
    if (result) return result;
    await sleep(200);
  }
  throw new Error(`expected ${what} within ${TIMEOUT / 1000} s, nothing came`);
}

/** A screen in memory; it picks a free number itself and tells it on its fourth channel. */
async function startScreen() {
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const [number] = await once(server.stdio[3], "data");
  return { display: `:${String(number).trim()}`, stop: () => server.kill() };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}
