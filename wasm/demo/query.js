// What is asked: its text and embedding, by words until the sentence model is there, and by meaning from then on.
import { SentenceModel } from "./sentence.js";

export class Query {
  /** `show()` is called whenever the vector has changed. */
  constructor(search, { source, loading }, show) {
    Object.assign(this, {
      search,
      source,
      loading,
      show,
      text: "",
      wanted: "",
      vector: null,
      problem: "",
      turn: 0,
    });
    this.model = new SentenceModel((part) => {
      loading.value = part;
    });
  }

  /** Says what the page searches by, and loads the model if this browser has it from an earlier visit. */
  async begin() {
    const about = await this.about();
    this.tell();
    if (about?.isKept) await this.load();
  }

  /** What there is to load, or null where the page is served without a model. */
  about() {
    this.asked ??= SentenceModel.about()
      .catch(() => null)
      .then((about) => {
        this.known = about;
        return about;
      });
    return this.asked;
  }

  /** Somebody has asked: this is when the sentence model is loaded. */
  async typed(text) {
    await this.ask(text);
    if (text !== "") await this.load();
  }

  async ask(text) {
    this.turn += 1;
    const { turn } = this;
    this.wanted = text;
    const vector = await this.embed(text);
    // Somebody may have asked for more in the meantime.
    if (turn !== this.turn) return;
    // Together: a choice belongs to the text whose results are shown.
    [this.text, this.vector] = [text, vector];
    this.problem = this.withoutResults();
    this.tell();
    this.show();
  }

  withoutResults() {
    if (this.text === "") return "Type what you want to do.";
    return this.isLoading
      ? `No description has the words of “${this.text}”: waiting for the sentence model.`
      : `No program is described with “${this.text}”.`;
  }

  async embed(text) {
    if (text === "") return null;
    if (this.isByMeaning) {
      try {
        return await this.model.embed(text);
      } catch (error) {
        this.failed = error.message;
      }
    }
    return this.search.embedByWords(text);
  }

  get isByMeaning() {
    return this.model.isReady && !this.failed;
  }

  async load() {
    if (this.model.isReady || !(await this.about())) return;
    this.isLoading = true;
    this.failed = undefined;
    this.tell();
    try {
      await this.model.load();
    } catch (error) {
      this.failed = error.message;
    }
    this.isLoading = false;
    // It says by what it searches once the results are those.
    if (this.model.isReady) await this.ask(this.wanted);
    else this.tell();
  }

  tell() {
    this.loading.hidden = !this.isLoading;
    this.source.textContent = this.words();
    this.source.title = this.failed ?? "";
  }

  words() {
    if (this.isByMeaning) return "Searching by meaning, with MiniLM in this page.";
    if (this.known === null) return "By words: there is no sentence model here.";
    if (this.failed) return "By words: the sentence model did not load.";
    const size = this.known ? ` (${this.known.megabytes} MB)` : "";
    return this.isLoading
      ? `By words, while the model loads${size}.`
      : `By words. A search loads a model${size}.`;
  }
}
