// A mocha reporter that prints nothing: it keeps what happened as plain data, which crosses every browser's border.
export class Collect {
  static outcome = null;

  constructor(runner) {
    const outcome = { tests: 0, pending: 0, failures: [], loaded: [], times: [] };
    Collect.outcome = outcome;
    runner.on('pass', (test) => {
      outcome.tests += 1;
      outcome.times.push([test.duration, test.fullTitle()]);
    });
    runner.on('pending', () => { outcome.pending += 1; });
    runner.on('fail', (test, error) => {
      outcome.failures.push({ title: test.fullTitle(), message: String(error.stack ?? error.message ?? error) });
    });
  }
}
