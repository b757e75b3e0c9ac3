// What a user's first program does: learn one click, save, load. Returns whether all of it worked.
export function learnOneClick({ MicroLoraConfigWasm, MicroLoraWasm, isSimd }) {
  const config = new MicroLoraConfigWasm();
  config.inFeatures = config.outFeatures = 4;
  const lora = new MicroLoraWasm(config);
  const query = [0.5, 0.5, 0.5, 0.5];
  const results = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 0.6, 0.8],
  ];
  const before = lora.applyResidual(query);
  const receipt = lora.adaptChoice(query, results, 1);
  const step = lora.applyUpdates(0.01);
  const after = MicroLoraWasm.fromJson(lora.toJson()).applyResidual(query);
  return {
    learned: receipt === 0 && step > 0 && after[1] > before[1] && after[0] < before[0],
    simd: isSimd(),
  };
}

/** The same with a memory, which needs the larger engine: learn one click, say why, take it back. */
export function rememberOneClick({ MicroLoraConfigWasm, MicroLoraWasm, isSimd }, Memory) {
  const config = new MicroLoraConfigWasm();
  config.inFeatures = config.outFeatures = 4;
  const lora = new MicroLoraWasm(config);
  const documents = [
    [1, 0, 0, 0],
    [0, 1, 0, 0],
  ];
  const memory = new Memory(4, 4, { documents: "id", vectors: (id) => documents[id] });
  const query = [0.5, 0.5, 0.5, 0.5];
  const { number } = memory.learn(lora, query, [0, 1], 1);
  const why = memory.why(lora, query, documents);
  const after = lora.applyResidual(query);
  const taken = memory.forget(lora, number);
  return {
    learned:
      why.lists[0].number === 1 && why.lists[0].shares[1] > 0 && after[1] > after[0] && taken === "forgotten",
    simd: isSimd(),
  };
}
