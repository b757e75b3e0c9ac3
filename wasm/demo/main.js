// The page: one search for everybody, one column for each person.
import init from "./micro-lora/index.js";
import { Column } from "./column.js";
import { loadData } from "./data.js";
import { Person } from "./person.js";
import { Search } from "./search.js";
import { erase, read, write } from "./storage.js";
import { Judge, TASTES } from "./taste.js";

const SUGGESTIONS = [
  "play music",
  "edit photos",
  "read mail",
  "watch the network",
  "version control",
  "draw diagrams",
];
const START = [
  ["Ada", "commandline"],
  ["Ben", "x11"],
];
const SEARCHES = 100;
/** So many searches between two points of the curve, and between two pictures. */
const STRIDE = 10;

const $ = (selector) => document.querySelector(selector);
const people = [];
const judges = new Map();
let search = null;
let query = null;

await start().catch((error) => tell(`It did not start: ${error.message}`, true));

async function start() {
  const [data] = await Promise.all([loadData("data"), init()]);
  search = new Search(data);
  const page = read("page");
  for (const each of page?.people ?? []) {
    const saved = read(each);
    if (saved) add(restored(saved));
  }
  if (people.length === 0) {
    START.forEach(([name, taste], i) => save(add(new Person(name, taste, search.size, i + 1)).person));
  }
  if (page?.query) $("#query").value = page.query;
  listen();
  ask();
}

function restored(saved) {
  try {
    return Person.restore(saved, search.size);
  } catch (error) {
    tell(`${saved.name} starts anew: what was saved is damaged (${error.message})`, true);
    return new Person(saved.name, saved.taste, search.size, saved.seed);
  }
}

function listen() {
  $("#search").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  $("#suggestions").append(
    ...SUGGESTIONS.map((text) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      button.addEventListener("click", () => {
        $("#query").value = text;
        ask();
      });
      return button;
    }),
  );
  $("#add").addEventListener("submit", (event) => {
    event.preventDefault();
    const { column, person } = add(
      new Person($("#newcomer").value.trim(), "commandline", search.size, Date.now() >>> 0),
    );
    $("#newcomer").value = "";
    ask();
    save(person);
    column.part("taste").focus();
  });
}

function add(person) {
  const entry = { person, shown: [] };
  entry.column = new Column(person, (action, detail) => ACTIONS[action](entry, detail));
  people.push(entry);
  $("#people").append(entry.column.element);
  return entry;
}

/** The same query for everybody. */
function ask() {
  const text = $("#query").value.trim();
  query = search.embed(text);
  tell(query ? `Results for “${text}”` : `No program is described with “${text}”. Try other words.`, !query);
  people.forEach(show);
  save();
}

function show(entry) {
  const { person, column } = entry;
  if (query) {
    entry.shown = search.top(person.correct(query));
    const frozen = search.places(query, entry.shown);
    column.showResults(
      entry.shown.map((index, at) => ({
        package: search.packages[index],
        place: at + 1,
        frozen: frozen[at],
      })),
    );
  } else {
    entry.shown = [];
    column.showResults([]);
  }
  column.showFacts(judge(person).base);
}

function judge({ taste }) {
  if (!judges.has(taste)) judges.set(taste, new Judge(search, taste));
  return judges.get(taste);
}

function measure(person) {
  const scores = [person.lora, person.once].map((lora) =>
    judge(person).score((vector) => lora.applyResidual(vector)),
  );
  person.curve.push([person.clicks, ...scores]);
}

const ACTIONS = {
  feedback(entry, { place, quality }) {
    const { person, shown } = entry;
    const { name } = search.packages[shown[place]];
    startCurve(person);
    person.choose(query, search.candidates(shown), place, quality);
    measure(person);
    show(entry);
    const now = search.places(person.correct(query), [shown[place]])[0];
    tell(
      `${person.name}: ${quality > 0 ? "more" : "less"} like ${name}, which moved from place ${place + 1} to ${now}`,
    );
    save(person);
  },

  async simulate(entry) {
    const { person, column } = entry;
    startCurve(person);
    column.showBusy(true);
    for (let done = 0; done < SEARCHES && people.includes(entry); done += STRIDE) {
      for (let i = 0; i < STRIDE; i += 1) {
        const { vector, candidates, clicks } = judge(person).event(person);
        person.clickMerged(vector, candidates, clicks);
      }
      measure(person);
      show(entry);
      await new Promise(requestAnimationFrame);
    }
    if (!people.includes(entry)) return;
    column.showBusy(false);
    tell(`${person.name}, who ${TASTES[person.taste].label}, searched ${SEARCHES} times`);
    save(person);
  },

  taste(entry, taste) {
    Object.assign(entry.person, { taste, curve: [] });
    measure(entry.person);
    show(entry);
    save(entry.person);
  },

  export({ person }) {
    const file = new Blob([JSON.stringify(person.documents())], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `${person.name.toLowerCase().replace(/[^a-z0-9]+/g, "-") || "adapter"}.micro-lora.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    tell(
      `${person.name} was exported, ${file.size} bytes: the adapter, its ring and what was compared, ` +
        "each a text that is read wherever MicroLoRA runs",
    );
  },

  import(entry, json) {
    const { person } = entry;
    try {
      person.load(json);
    } catch (error) {
      tell(`That file was not imported: ${error.message}`, true);
      return;
    }
    measure(person);
    show(entry);
    tell(`${person.name} goes on with what was imported`);
    save(person);
  },

  reset(entry) {
    entry.person.forget();
    show(entry);
    tell(`${entry.person.name}’s adapter knows nothing any more`);
    save(entry.person);
  },

  remove(entry) {
    people.splice(people.indexOf(entry), 1);
    entry.person.free();
    erase(entry.person.seed);
    entry.column.element.remove();
    $("#newcomer").focus();
    tell(`${entry.person.name} was removed`);
    save();
  },
};

/** So that a curve begins where the learning does. */
function startCurve(person) {
  if (person.curve.length === 0) measure(person);
}

function save(person) {
  const page = { query: $("#query").value, people: people.map(({ person: { seed } }) => seed) };
  const kept = write("page", page) && (!person || write(person.seed, person.save()));
  if (!kept) tell("This browser does not keep data: what is learned ends with the page.", true);
}

function tell(text, problem = false) {
  $("#status").textContent = text;
  $("#status").className = problem ? "problem" : "";
}
