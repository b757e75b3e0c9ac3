// The data set of examples/data: packages of Debian, and the embedding of each one's description.
const MAGIC = "MLEMBED1";
const HEADER = 20;
const CHECKSUM = 4;

/** `{ packages, vectors, size }`: vector i is `vectors.subarray(i * size, (i + 1) * size)`, of unit norm. */
export async function loadData(folder) {
  const [table, file] = await Promise.all([
    get(`${folder}/debian.tsv`).then((response) => response.text()),
    get(`${folder}/debian.i8`).then((response) => response.arrayBuffer()),
  ]);
  const packages = table.trimEnd().split("\n").slice(1).map(parsePackage);
  const { vectors, size } = parseVectors(file);
  if (vectors.length !== packages.length * size) {
    throw new Error(
      `expected one vector for each of ${packages.length} packages, got ${vectors.length / size}`,
    );
  }
  return { packages, vectors, size };
}

async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response;
}

function parsePackage(line) {
  const [name, section, description, uses, worksWith, interfaces] = line.split("\t");
  const tags = (field) => field.split(",").filter(Boolean);
  return {
    name,
    section,
    description,
    uses: tags(uses),
    worksWith: tags(worksWith),
    interfaces: tags(interfaces),
  };
}

function parseVectors(file) {
  const header = new DataView(file);
  const magic = new TextDecoder().decode(new Uint8Array(file, 0, MAGIC.length));
  const [rows, size] = [8, 12].map((at) => header.getUint32(at, true));
  const expected = HEADER + CHECKSUM + rows * (4 + size);
  if (magic !== MAGIC || file.byteLength !== expected) throw new Error("the embeddings are damaged");
  const levels = new Int8Array(file, HEADER + 4 * rows, rows * size);
  const vectors = new Float32Array(levels);
  for (let row = 0; row < rows; row += 1) toUnitNorm(vectors.subarray(row * size, (row + 1) * size));
  return { vectors, size };
}

/** The scale that each row was saved with cancels here. */
export function toUnitNorm(vector) {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let i = 0; i < vector.length; i += 1) vector[i] *= factor;
  return vector;
}
