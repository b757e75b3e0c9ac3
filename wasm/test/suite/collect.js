// A mocha reporter that prints nothing: it keeps what happened as plain data, which crosses every browser's
// border.
export class Collect {
  static outcome = null;
  /** Names of the wasm files that the run loaded before its first test. */
  static loaded = [];

  constructor(runner) {
    const outcome = { tests: 0, pending: 0, failures: [], times: [] };
    Collect.outcome = outcome;
    runner.on("pass", (test) => {
      outcome.tests += 1;
      outcome.times.push([test.duration, test.fullTitle()]);
    });
    runner.on("pending", () => {
      outcome.pending += 1;
    });
    runner.on("fail", (test, error) => {
      outcome.failures.push({
        title: test.fullTitle(),
        // Not every engine has the message in the stack.
        message: `${error}\n${error.stack}`,
      });
    });
  }
}
