// node main.mjs PROJECT ENGINE BUILD: runs the suite in one engine with one build of the wasm, and prints one line
// with the file that was loaded and the count of tests.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { withEngine } from './engines.mjs';
import { HERE } from './project.mjs';
import { serve } from './server.mjs';

const [project, engine, build] = process.argv.slice(2);

const { version, outcome, files } = engine === 'node' ? inNode() : await inBrowser();
for (const { title, message } of outcome.failures) console.error(`\nFAILED: ${title}\n${message}`);
const slowest = outcome.times?.sort(([a], [b]) => b - a).slice(0, 3) ?? [];
if (process.env.MICRO_LORA_TIMES) for (const [time, title] of slowest) console.log(`${time} ms  ${title}`);
const failed = outcome.failures.length;
console.log(`${version}, ${build}: loaded ${files.join(', ') || 'nothing'}; `
  + `${outcome.tests} tests passed, ${failed} failed, ${outcome.pending} left out`);
check();

async function inBrowser() {
  const server = await serve(project);
  try {
    return await withEngine(engine, async (browser) => {
      const outcome = await browser.visit(`${server.url}/page/?build=${build}`);
      const files = server.requests.filter((path) => path.endsWith('.wasm')).map((path) => path.split('/').pop());
      return { version: browser.version, outcome, files: [...new Set(files)] };
    });
  } finally {
    server.close();
  }
}

function inNode() {
  const program = join(HERE, 'runner/in-node.mjs');
  const output = execFileSync(process.execPath, ['--expose-gc', program, project, build], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  const { outcome, files } = JSON.parse(output);
  return { version: `Node ${process.version}`, outcome, files };
}

/** No test, a test left out, or another file than the one asked for proves nothing. */
function check() {
  const expected = build === 'baseline' ? /base/ : /simd/;
  const wrong = files.length !== 1 || !expected.test(files[0]);
  if (wrong) console.error(`expected one file of the build ${build}, came ${JSON.stringify(files)}`);
  if (failed > 0 || outcome.tests === 0 || outcome.pending > 0 || wrong) process.exitCode = 1;
}
