// The sentence model in the page, and the page without a network.
import assert from "node:assert/strict";

/** Asked once, to see it refused. */
export const FOREIGN = "https://example.com/";

/** Programs of the data set that are for what is asked, judged by their descriptions in Debian; three have to be found. */
const RIGHT = {
  // Players of films, and of television with films in it.
  "watch films": [
    "dragonplayer",
    "mediathekview",
    "mpv",
    "parole",
    "pia",
    "smplayer",
    "totem",
    "ttv",
    "xine-ui",
  ],
  // Programs that change photos, or manage and change them.
  "edit photos": ["aaphoto", "digikam", "gnome-photos", "krita", "nip2", "rawtherapee", "showfoto"],
  // Programs that pack a folder into one file, and those that make or change zip archives.
  "zip a folder": ["afio", "arc", "atool", "cpio", "engrampa", "fsarchiver", "zipmerge", "zziplib-bin"],
  // A dictionary of the language, a vocabulary trainer and flash cards: all that there is among the 3,600.
  "learn spanish": ["dict-freedict-spa-eng", "kwordquiz", "parley"],
};
const FOUND = 3;
const SHOWS = 10;

export const MODEL = {
  async "a typed search loads a sentence model, with progress, and the page says so"(ui, server) {
    assert.match(await ui.text("#source"), /^By words\. A search loads a model \(\d+ MB\)\.$/);
    assert.ok(!asked(server), "nothing of the model is loaded before");
    await ui.evaluate(() => {
      globalThis.progress = [];
      const bar = document.querySelector("#loading");
      const note = () =>
        globalThis.progress.push([bar.hidden, bar.value, document.querySelector("#source").textContent]);
      new MutationObserver(note).observe(bar, { attributes: true });
    });
    const before = await ui.positions();
    await ui.search("watch films");
    await byMeaning(ui);
    const steps = await ui.evaluate(() => globalThis.progress);
    const shown = steps.filter(([hidden]) => !hidden);
    assert.ok(shown.length >= 5 && shown.some(([, value]) => value > 0 && value < 1), "progress");
    assert.ok(shown.some(([, , text]) => /^By words, while the model loads/.test(text)));
    assert.deepEqual(await ui.positions(), before);
    assert.ok(asked(server));
  },

  async "what is typed finds the right programs among the first ten"(ui) {
    for (const [text, right] of Object.entries(RIGHT)) {
      await ui.search(text);
      const names = await ui.waitFor(
        `results for ${text}`,
        (wanted) => {
          const own = document.querySelector("#results").dataset.query === wanted;
          const rows = [...document.querySelectorAll('#results > li:not(.empty) [data-part="open"]')];
          return own && rows.length > 0 && rows.map((each) => each.textContent);
        },
        text,
      );
      assert.equal(names.length, SHOWS);
      const found = names.filter((name) => right.includes(name));
      assert.ok(found.length >= FOUND, `${text}: ${names.join(" ")}`);
      console.log(`      ${text}: ${found.join(", ")}`);
    }
  },

  async "what it learns is learned with the model's embeddings, and undone"(ui) {
    const before = await ui.names();
    await ui.tapRow(8, "up");
    assert.ok((await ui.names()).indexOf(before[7]) < 7);
    await ui.tap("#undo");
    assert.deepEqual(await ui.names(), before);
  },

  async "the browser keeps the model: the next visit loads nothing of it"(ui, server) {
    server.requests.length = 0;
    await ui.reload();
    await byMeaning(ui);
    assert.ok(!asked(server), "nothing of the model is loaded again");
  },
};

/** Where the page is served without a model. */
export const BY_WORDS = {
  async "without a model it searches by words, and says so"(ui) {
    await ui.search("photo");
    await ui.waitFor("results", () => document.querySelector("#results").dataset.query === "photo");
    assert.equal(await ui.text("#source"), "By words: there is no sentence model here.");
    const names = await ui.names();
    assert.ok(
      RIGHT["edit photos"].some((name) => names.includes(name)),
      names.join(" "),
    );
    await ui.search("qqqq");
    await ui.waitFor("no results", () => document.querySelectorAll("#results > li:not(.empty)").length === 0);
    assert.equal(await ui.text("#none"), "No program is described with “qqqq”.");
    await ui.search("play music");
    await ui.waitFor("results", () => document.querySelector("#results").dataset.query === "play music");
  },
};

export const ALONE = {
  async "no request leaves for another host, from the page or from the model's thread"(ui, server) {
    // Every answer of this server forbids it, and has what is tried nevertheless reported.
    assert.deepEqual(server.reports(), []);
    const others = await ui.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .map(({ name }) => name)
        .filter((name) => !name.startsWith(location.origin)),
    );
    assert.deepEqual(others, []);
    await ui.evaluate((url) => {
      globalThis.refused = false;
      fetch(url).catch(() => (globalThis.refused = true));
    }, FOREIGN);
    await ui.waitFor("such a request to be refused", () => globalThis.refused);
    const end = Date.now() + 10_000;
    while (server.reports().length === 0 && Date.now() < end)
      await new Promise((done) => setTimeout(done, 50));
    assert.ok(server.reports().length > 0, "the report of the one request that this test has tried");
  },
};

/** The last: there is no server afterwards. */
export const OFFLINE = {
  async "without a network it opens as before, and learns"(ui, server) {
    const before = await ui.names();
    server.close();
    await ui.reload();
    assert.deepEqual(await ui.names(), before);
    await ui.tapRow(9, "up");
    assert.match(await ui.status(), /^More like this/);
  },
};

export const OFFLINE_BY_MEANING = {
  ...OFFLINE,
  async "without a network it searches by meaning"(ui) {
    await byMeaning(ui);
    await ui.search("edit photos");
    await ui.waitFor("results", () => document.querySelector("#results").dataset.query === "edit photos");
    const names = await ui.names();
    assert.ok(RIGHT["edit photos"].filter((name) => names.includes(name)).length >= FOUND, names.join(" "));
  },

  async "a model that cannot be loaded is said so, and the words go on"(ui) {
    await ui.evaluate(() => {
      globalThis.emptied = false;
      caches
        .keys()
        .then((names) =>
          Promise.all(names.filter((name) => /model/.test(name)).map((name) => caches.delete(name))),
        )
        .then(() => (globalThis.emptied = true));
    });
    await ui.waitFor("an empty cache", () => globalThis.emptied);
    await ui.reload();
    await ui.search("photo");
    await ui.waitFor("a word about it", () =>
      /did not load/.test(document.querySelector("#source").textContent),
    );
    assert.equal((await ui.names()).length, SHOWS);
  },
};

const byMeaning = (ui) =>
  ui.waitFor("the sentence model", () =>
    /^Searching by meaning/.test(document.querySelector("#source").textContent),
  );

/** Whether the server was asked for a file of the model. */
const asked = ({ requests }) => requests.some((path) => /minilm|ort-wasm/.test(path));
