// The page: one search, one person's ranking, and what they do with it.
import init from "./micro-lora/index.js";
import { ShortList } from "./compare.js";
import { loadData } from "./data.js";
import { Kinds, sentence } from "./learned.js";
import { keepForOffline } from "./offline.js";
import { Person } from "./person.js";
import { Query } from "./query.js";
import { Results } from "./results.js";
import { Search, SHOWN } from "./search.js";
import { Sheet } from "./sheet.js";
import { read, write } from "./storage.js";
import { Teaching } from "./teaching.js";
import { Toast } from "./toast.js";
import { reasonsFor } from "./why.js";

const FIRST_QUERY = "play music";
const RATINGS = { up: "liked", down: "disliked" };

const $ = (selector) => document.querySelector(selector);
const toast = new Toast($("#status"), $("#undo"));
const results = new Results($("#results"), (action, id) => ACTIONS[action](id));
const sheet = new Sheet($("#sheet"), ({ kind, id }) => results.focusOn(id, kind));
const [frozenList, otherList] = [new ShortList($("#frozen")), new ShortList($("#other"))];

let search, kinds, query, teaching;
let [you, other] = [];
/** Ids of the ten results of this person, and of the frozen order. */
let [shown, frozen] = [[], []];

await start().catch((error) => toast.problem(`It did not start: ${error.message}`));

async function start() {
  const [data] = await Promise.all([loadData("data"), init()]);
  search = new Search(data);
  kinds = new Kinds(search);
  [you, other] = ["you", "other"].map(restored);
  query = new Query(search, { source: $("#source"), loading: $("#loading") }, show);
  teaching = new Teaching($, search, { toast, people: () => ({ you, other }), change });
  listen();
  $("#strength").value = you.strength;
  $("#query").value = read("page")?.text ?? FIRST_QUERY;
  await query.ask($("#query").value);
  await query.begin();
  const about = await query.about();
  await keepForOffline({ hasModel: about !== null });
}

function restored(name) {
  const person = new Person(search.size, (id) => search.rows[id]);
  const saved = read(name);
  try {
    if (saved) person.load(saved);
  } catch (error) {
    toast.problem(`What was learned is damaged, and starts anew: ${error.message}`);
  }
  return person;
}

function listen() {
  $("#search").addEventListener("submit", (event) => {
    event.preventDefault();
    ask($("#query").value);
  });
  $("#suggestions").addEventListener("click", ({ target }) => {
    if (target.localName !== "button") return;
    $("#query").value = target.textContent;
    ask(target.textContent);
  });
  $("#strength").addEventListener("input", ({ target }) => {
    you.strength = Number(target.value);
    show();
  });
  $("#strength").addEventListener("change", keep);
  $("#save").addEventListener("click", saveFile);
  $("#load").addEventListener("change", ({ target }) => loadFile(target));
  $("#reset").addEventListener("click", () => {
    const saved = you.save();
    you.reset();
    changed("Everything is forgotten.", () => you.load(saved));
  });
  $("#swap").addEventListener("click", () => {
    swap();
    changed("You are the second person now.", swap);
  });
}

function ask(text) {
  sheet.close();
  toast.clear();
  query.typed(text.trim());
  keep();
}

/** Brings everything on the page up to what is asked and what is learned. */
function show() {
  const { vector } = query;
  [frozen, shown] = vector ? [search.top(vector), search.top(you.correct(vector))] : [[], []];
  const places = vector ? search.places(vector, shown) : [];
  const toProgram = (id) => search.packages[id];
  results.show(
    shown.map((id, at) => ({
      id,
      program: toProgram(id),
      place: at + 1,
      frozen: places[at],
      rating: ratingOf(id),
    })),
  );
  $("#results").dataset.query = query.text;
  const kept = shown.filter((id) => frozen.includes(id)).length;
  $("#kept").textContent = vector ? `${kept} of the ${SHOWN} frozen results kept` : "";
  $("#strength").setAttribute("aria-valuetext", `${you.strength.toFixed(1)}, ${$("#kept").textContent}`);
  $("#none").hidden = vector !== null;
  $("#none").textContent = vector ? "" : query.problem;
  const others = vector ? search.top(other.correct(vector)) : [];
  const own = new Set(shown.map(toProgram));
  frozenList.show(frozen.map(toProgram), own);
  otherList.show(others.map(toProgram), own);
  $("#other-choices").textContent = `${other.choices} choices`;
  $("#learned").textContent = sentence(you, kinds.of(you));
  if (sheet.about?.kind === "why") explain(sheet.about.id);
}

function ratingOf(id) {
  return Object.keys(RATINGS).find((rating) => you.numberOf(RATINGS[rating], query.text, id) !== undefined);
}

const ACTIONS = {
  open(id) {
    if (you.numberOf("opened", query.text, id) === undefined) choose("opened", id);
    const actions = [["Forget choices that it was part of", () => forgetProgram(id)]];
    sheet.showProgram(id, search.packages[id], actions);
  },
  up: (id) => rate("up", id),
  down: (id) => rate("down", id),
  why: (id) => explain(id),
};

/** A thumb; the same one again takes it back, the other one takes its place. */
function rate(rating, id) {
  const before = ratingOf(id);
  if (before) you.forget(you.numberOf(RATINGS[before], query.text, id));
  if (before === rating) changed(`Your rating of ${nameOf(id)} is taken back.`);
  else choose(RATINGS[rating], id);
}

const CHOSEN = { opened: "Opened: counts a little.", liked: "More like this.", disliked: "Less like this." };

function choose(kind, id) {
  const before = shown;
  const number = you.choose(kind, query.text, query.vector, shown, shown.indexOf(id));
  if (number === undefined) {
    toast.say(`There was nothing to learn from ${nameOf(id)}.`);
    return;
  }
  show();
  changed(`${CHOSEN[kind]} ${effect(id, before)}`, () => you.forget(number));
}

/** "gimp moved from place 6 to 2, and 3 others moved." */
function effect(id, before) {
  const [from, to] = [before, shown].map((list) => list.indexOf(id) + 1);
  const others = shown.filter((each, at) => each !== id && before[at] !== each).length;
  const rest =
    others === 0
      ? ""
      : `${others} ${from === to ? "" : "other "}${others === 1 ? "result" : "results"} moved`;
  if (from === to) return rest ? `${nameOf(id)} stays, ${rest}.` : "No result moves yet.";
  const way = to > 0 ? `moved from place ${from} to ${to}` : "left the first ten";
  return `${nameOf(id)} ${way}${rest ? `, ${rest}` : ""}.`;
}

function explain(id) {
  const place = shown.indexOf(id);
  if (place < 0 || !query.vector) {
    sheet.close();
    return;
  }
  const [at] = search.places(query.vector, [id]);
  const by = at - place - 1;
  const { reasons, older } = reasonsFor(you, query.vector, id, [...frozen, ...shown], by >= 0);
  sheet.showWhy(id, {
    title: `Why is ${nameOf(id)} here?`,
    moved:
      by === 0
        ? "It is where the frozen order has it"
        : `${by > 0 ? "Up" : "Down"} from place ${at} to ${place + 1}`,
    reasons: by === 0 ? [] : reasons,
    older: older && by !== 0,
    nameOf,
    forget({ number }) {
      const saved = you.save();
      you.forget(number);
      changed("Forgotten: the order follows.", () => you.load(saved));
    },
  });
}

function forgetProgram(id) {
  const saved = you.save();
  const count = you.forgetProgram(id);
  changed(`${count} ${count === 1 ? "search" : "searches"} with ${nameOf(id)} forgotten.`, () =>
    you.load(saved),
  );
}

const nameOf = (id) => search.packages[id]?.name ?? "a program";

/** Shows and keeps what has changed, says it, and offers to undo it. */
function changed(text, undo) {
  change();
  const back = () => {
    undo();
    change();
    toast.say("Undone.");
  };
  toast.say(text, undo && back);
}

function change() {
  $("#strength").value = you.strength;
  show();
  keep();
}

function swap() {
  [you, other] = [other, you];
}

function keep() {
  const kept =
    write("page", { text: query.text }) && write("you", you.save()) && write("other", other.save());
  if (!kept) toast.problem("This browser keeps no data: what is learned ends with the page.");
}

function saveFile() {
  const file = new Blob([JSON.stringify(you.save())], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = "my-search.micro-lora.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  toast.say(`Saved: ${Math.round(file.size / 1000)} KB.`);
}

async function loadFile(input) {
  const [file] = input.files;
  const saved = you.save();
  try {
    you.load(JSON.parse(await file.text()));
  } catch (error) {
    toast.problem(`Not loaded, nothing has changed: ${error.message}`);
    return;
  } finally {
    input.value = "";
  }
  changed(`Loaded: ${you.choices} choices.`, () => you.load(saved));
}
