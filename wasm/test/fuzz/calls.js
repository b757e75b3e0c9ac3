// Every call that the package has, with arguments of which some are strange.
import { LIST, MODEL } from "./world.js";

const lora = (w) => w.values.instead(w.draw.pick(w.adapters));
const sample = (w) => ({ base: () => w.values.vector(w.out), weight: () => w.values.number(0, 3) });
const temperature = (w) => ({ temperature: () => w.values.number(0.05, 2) });
const rate = (w) => ({ learningRate: () => w.values.number(0, 0.1) });
const few = (w) => 1 + w.draw.below(LIST);

function feedback(w) {
  const { AdaptFeedbackWasm } = w.library.lora;
  const made = new AdaptFeedbackWasm(w.values.number(0, 1));
  if (w.draw.oneIn(3)) made.learningRate = w.values.number(0, 0.1);
  return w.draw.oneIn(w.strangeness) ? { quality: 1, learningRate: 0.01 } : made;
}

/** A config of which a few settings are strange, or read by getters. */
function config(w, Config) {
  const { values, draw, width, out, rank } = w;
  const made = new Config();
  const settings = {
    inFeatures: () => values.oneOf([width, width, 1, 0, 2 ** 21]),
    outFeatures: () => values.oneOf([out, out, 1, 0]),
    rank: () => values.oneOf([rank, 1, 4, 9]),
    alpha: () => values.number(1e-6, 1e6),
    cap: () => values.number(1e-6, 10),
    decay: () => values.number(0, 0.5),
    useRslora: () => values.oneOf([true, false]),
    step: () => values.oneOf([0, 1, 2, 3, 4, 5]),
    seed: () => values.whole(2 ** 32),
    modelId: () => values.whole(9),
    strange: () => 1,
  };
  for (const [name, make] of Object.entries(settings)) {
    if (name === "strange" ? draw.oneIn(40) : name.endsWith("Features") || draw.oneIn(4)) made[name] = make();
  }
  if (draw.oneIn(w.strangeness)) {
    // The rank is an accessor of the config's own.
    const name = draw.pick(Object.keys(settings).filter((each) => each !== "rank"));
    Object.defineProperty(made, name, { get: () => (w.intrude(), 1), enumerable: true, configurable: true });
  }
  return made;
}

/** What was saved, whole or damaged, as a text or in bytes. */
function saved(w, of) {
  const text = of.toJson();
  if (w.draw.oneIn(w.strangeness)) return w.values.strange();
  return w.draw.oneIn(4) ? text.slice(0, w.draw.below(text.length)) : text;
}

function bytes(w, of) {
  const made = of.save();
  if (w.draw.oneIn(3)) return w.values.vector(made.length);
  if (w.draw.oneIn(3)) made[w.draw.below(made.length)] ^= 1 << w.draw.below(8);
  return w.draw.pick([made, made.buffer, new DataView(made.buffer)]);
}

/** Calls of an adapter, by what is to be called with what. */
const ADAPTER = {
  apply: (w, v) => [v.vector(w.width)],
  applyResidual: (w, v) => [v.vector(w.width)],
  applyInto: (w, v) => [v.vector(w.width), w.draw.oneIn(3) ? v.vector(w.out) : new Float32Array(w.out)],
  applyBatch: (w, v) => [v.rows(few(w), w.width)],
  adapt: (w, v) => [v.vector(w.width), feedback(w)],
  adaptGradient: (w, v) => [v.vector(w.width), v.vector(w.out), v.options(sample(w))],
  adaptChoice: (w, v) => {
    const n = few(w);
    const options = { ...sample(w), ...temperature(w), quality: () => v.number(0, 1) };
    return [v.vector(w.width), v.rows(n, w.out), v.whole(n), v.options(options)];
  },
  adaptListwise: (w, v) => {
    const n = few(w);
    const options = { ...sample(w), ...temperature(w) };
    return [v.vector(w.width), v.rows(n, w.out), v.vector(n, { least: 0 }), v.options(options)];
  },
  rehearse: (w, v) => {
    const n = few(w);
    const options = { ...sample(w), ...temperature(w), ...rate(w) };
    return [v.vector(w.width), v.rows(n, w.out), v.vector(n, { least: 0 }), v.options(options)];
  },
  adaptTarget: (w, v) => [
    v.vector(w.width),
    v.vector(w.out),
    v.number(-2, 2),
    v.options({ base: sample(w).base }),
  ],
  adaptAttractRepel: (w, v) => [
    v.vector(w.width),
    v.vector(w.out),
    v.rows(few(w), w.out),
    v.options(sample(w)),
  ],
  applyUpdates: (w, v) => [w.draw.oneIn(9) ? v.number(0, 1000) : v.number(0, 0.1)],
  pendingUpdates: () => [],
  discardPending: () => [],
  reset: () => [],
  run: () => [],
  toJson: () => [],
  save: () => [],
  toJSON: () => [],
  getConfig: () => [],
  stats: () => [],
};

const LITE = [
  "apply",
  "applyResidual",
  "applyInto",
  "run",
  "applyUpdates",
  "pendingUpdates",
  "reset",
  "toJson",
  "getConfig",
];

const CLICKS = (w, v) => ({
  ...sample(w),
  ...temperature(w),
  ...rate(w),
  quality: () => v.number(0, 1),
  scores: () => v.vector(LIST),
  queryId: () => v.whole(9),
});

const documents = (w, v, n) => (w.draw.oneIn(2) ? v.ids(n) : v.rows(n, w.out));

const MEMORY = {
  learn: (w, v) => {
    const n = few(w);
    return [lora(w), v.vector(w.width), documents(w, v, n), v.clicks(n), v.options(CLICKS(w, v))];
  },
  why: (w, v) => [lora(w), v.vector(w.width), v.rows(few(w), w.out)],
  forget: (w, v) => [lora(w), v.whole(12)],
  forgetDocument: (w, v) => [lora(w), v.whole(9)],
  settle: (w, v) => [lora(w), v.whole(9)],
  relearn: (w) => [lora(w), w.draw.oneIn(2) ? (...given) => w.find(...given) : w.values.oneOf([undefined])],
  clear: () => [],
  toJson: () => [],
};

const REPLAY = {
  learn: (w, v) => {
    const n = few(w);
    const options = { ...sample(w), ...temperature(w), ...rate(w) };
    return [lora(w), v.vector(w.width), v.rows(n, w.out), v.vector(n, { least: 0 }), v.options(options)];
  },
  push: (w, v) => {
    const n = few(w);
    return [
      v.vector(w.width),
      v.rows(n, w.out),
      v.vector(n, { least: 0 }),
      v.options({ ...sample(w), ...temperature(w) }),
    ];
  },
  rehearse: (w, v) => [lora(w), v.number(0, 0.1), v.whole(9)],
  clear: () => [],
  loadJson: (w) => [saved(w, w.ring)],
};

function ranking(w) {
  if (w.draw.oneIn(w.strangeness)) return w.values.vector(3);
  return Array.from({ length: w.draw.below(6) }, () => w.draw.below(6));
}

const HOLDBACK = {
  isDue: () => [],
  next: () => [],
  record: (w, v) => [v.number(0, 1)],
  interleave: (w, v) => {
    const key = v.oneOf([undefined, undefined, (id) => typeof id, () => w.intrude()]);
    return [ranking(w), ranking(w), v.oneOf([1, 3, 64, 65, 0]), key];
  },
  recordClicks: (w, v) => [
    w.draw.oneIn(2) ? v.vector(JSON.parse(w.holdback.toJson()).shown, { least: 0 }) : v.vector(3),
  ],
  report: () => [],
  toString: () => [],
};

const EXPLORE = {
  draw: (w, v) => [
    w.draw.oneIn(w.strangeness) ? v.rows(3, w.out) : Array.from({ length: few(w) }, () => v.vector(w.out)),
  ],
  adapt: (w, v) => [
    lora(w),
    v.vector(w.width),
    v.vector(w.out),
    v.number(-1, 1),
    v.number(-1, 1),
    v.options(sample(w)),
  ],
};

/** Calls of something that stands beside an adapter. */
const of = (which, table) =>
  Object.entries(table).map(([name, make]) => [
    `${which}.${name}`,
    (w) => {
      const given = make(w, w.values);
      const target = w[which];
      return () => {
        if (w.draw.oneIn(60)) return target[name].apply(w.values.strange(), given);
        return w.draw.oneIn(60) ? target[name].apply(w.other(), given) : target[name](...given);
      };
    },
  ]);

/** A static method, called as it is or taken off its class. */
function detached(w, Class, name, ...given) {
  if (w.draw.oneIn(2)) return Class[name](...given);
  const method = Class[name];
  return method(...given);
}

/** Has what a call gives take a place in the world. */
const put = (w, made) => {
  w.adapters.push(made);
  return made;
};

const OTHERS = {
  strength: (w) => {
    const value = w.values.number(0, 100);
    return () => (w.draw.pick(w.adapters).strength = value);
  },
  inputView: (w) => {
    const made = w.draw.pick(w.adapters);
    return () => {
      const input = made.inputView;
      input.set(w.draw.vector(input.length).map((value) => (w.draw.oneIn(w.strangeness) ? NaN : value)));
      return made.run();
    };
  },
  free: (w) => () =>
    w.draw.oneIn(3) ? w.draw.pick([w.memory, w.liteAdapter, ...w.adapters]).free() : undefined,
  "new MicroLoraWasm": (w) => {
    const settings = config(w, w.library.lora.MicroLoraConfigWasm);
    return () => put(w, new w.library.lora.MicroLoraWasm(settings)).toJson();
  },
  "new lite.MicroLoraWasm": (w) => {
    const settings = config(w, w.library.lite.MicroLoraConfigWasm);
    return () => (w.liteAdapter = new w.library.lite.MicroLoraWasm(settings)).toJson();
  },
  fromWeights: (w) => {
    const { MicroLoraConfigWasm, MicroLoraWasm } = w.library.lora;
    const settings = w.draw.oneIn(3) ? config(w, MicroLoraConfigWasm) : w.config(2);
    const given = [w.values.vector(w.rank * w.width), w.values.vector(w.rank * w.out)];
    return () => put(w, detached(w, MicroLoraWasm, "fromWeights", settings, ...given)).toJson();
  },
  fromJson: (w) => {
    const json = saved(w, w.draw.pick([...w.adapters, w.liteAdapter, w.memory]));
    const model = w.draw.oneIn(9) ? w.values.strange() : MODEL;
    return () => put(w, detached(w, w.library.lora.MicroLoraWasm, "fromJson", json, model)).toJson();
  },
  load: (w) => {
    const given = bytes(w, w.draw.pick(w.adapters));
    return () => put(w, detached(w, w.library.lora.MicroLoraWasm, "load", given, MODEL)).toJson();
  },
  "lite.fromJson": (w) => {
    const json = saved(w, w.draw.pick([...w.adapters, w.liteAdapter]));
    return () =>
      (w.liteAdapter = detached(w, w.library.lite.MicroLoraWasm, "fromJson", json, MODEL)).toJson();
  },
  "new Memory": (w) => {
    const { draw, values } = w;
    const kind = () => values.oneOf(["f32", "int8", "id"]);
    const options = values.options({
      list: () => values.oneOf([LIST, 1, 65]),
      capacity: () => values.oneOf([1, 5, 0]),
      queries: kind,
      documents: kind,
      scores: () => values.oneOf([true, false]),
      modelId: () => values.oneOf([MODEL]),
      vectors: () => (draw.oneIn(3) ? values.strange() : (...given) => w.find(...given)),
    });
    const sizes = [values.oneOf([w.width]), values.oneOf([w.out])];
    return () => {
      const made = new w.library.learn.Memory(...sizes, options);
      w.memory.free();
      w.memory = made;
      return made.toJson();
    };
  },
  "Memory.fromJson": (w) => {
    const json = saved(w, draw(w, w.memory, w.ring));
    const options = w.values.options({ modelId: () => MODEL, vectors: () => () => undefined }) ?? {
      modelId: MODEL,
      vectors: () => undefined,
    };
    return () => {
      const made = detached(w, w.library.learn.Memory, "fromJson", json, options);
      const text = made.toJson();
      made.free();
      return text;
    };
  },
  "Replay.fromJson": (w) => {
    const json = saved(w, w.ring);
    return () => (w.ring = detached(w, w.library.learn.Replay, "fromJson", json, MODEL)).toJson();
  },
  "Holdback.fromJson": (w) => {
    const json = saved(w, w.holdback);
    return () => (w.holdback = detached(w, w.library.learn.Holdback, "fromJson", json)).toJson();
  },
  "new Replay": (w) => {
    const given = [w.width, w.out, LIST, 3, MODEL].map((size) => w.values.oneOf([size]));
    return () => new w.library.learn.Replay(...given).toJson();
  },
  "new Explore": (w) => {
    const given = [w.values.number(1e-6, 10), w.values.whole(2 ** 32)];
    return () => (w.explore = new w.library.learn.Explore(...given)).random;
  },
  "explore =": (w) => {
    const name = w.draw.pick(["radius", "spread", "random"]);
    const value = w.draw.oneIn(2) ? w.values.strange() : w.draw.below(5);
    return () => void (w.explore[name] = w.draw.oneIn(3) ? value : w.explore[name]);
  },
  principalDirections: (w) => {
    const examples = w.draw.oneIn(3)
      ? w.values.rows(3, w.out)
      : Array.from({ length: 4 }, () => w.values.vector(w.out));
    const most = w.values.oneOf([1, 2, 16, 17]);
    return () => w.library.learn.principalDirections(examples, most);
  },
  pullTowards: (w) => {
    const given = [
      lora(w),
      w.values.vector(w.rank * w.width),
      w.values.vector(w.rank * w.out),
      w.values.number(0, 1),
    ];
    return () => w.library.learn.pullTowards(...given);
  },
  toBytes: (w) => {
    const given = [lora(w), w.values.oneOf([undefined, "encoder.query", 'a"b', "é"])];
    return () => w.library.peft.toBytes(...given);
  },
  fromBytes: (w) => {
    const { library, values } = w;
    const settings = w.draw.oneIn(2) ? undefined : config(w, library.lora.MicroLoraConfigWasm);
    const module = values.oneOf([undefined, "micro_lora"]);
    const plain = w.config(2);
    const file = library.peft.toBytes(new library.lora.MicroLoraWasm(plain));
    const given = w.draw.oneIn(4) ? values.vector(file.length) : file;
    const name = w.draw.pick(["fromBytes", "fromBytesReduced"]);
    return () => {
      const made = library.peft[name](given, settings, module);
      return put(w, made.lora ?? made).toJson();
    };
  },
};

const draw = (w, usual, other) => (w.draw.oneIn(9) ? other : usual);

/** `[name, prepare]`: what prepares a call's arguments gives what makes it. */
export const CALLS = [
  ...Object.entries(ADAPTER).map(([name, make]) => [
    name,
    (w) => {
      const given = make(w, w.values);
      const target = w.draw.pick(w.adapters);
      const self = w.draw.oneIn(60) ? w.values.instead(target) : target;
      return () => target[name].apply(self, given);
    },
  ]),
  ...[...LITE, "adaptChoice"].map((name) => [
    `lite.${name}`,
    (w) => {
      const given = ADAPTER[name](w, w.values);
      return () => w.liteAdapter[name](...given);
    },
  ]),
  ...of("memory", MEMORY),
  ...of("ring", REPLAY),
  ...of("holdback", HOLDBACK),
  ...of("explore", EXPLORE),
  ...Object.entries(OTHERS),
];
