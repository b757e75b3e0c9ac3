// What a careful programmer writes without WebAssembly: typed arrays, both matrices rank-major, loops
// unrolled so that the engine keeps its sums in registers. Applies only: that is what it is compared in.
export class PlainLora {
  constructor(inFeatures, outFeatures, rank, scaling) {
    Object.assign(this, { inFeatures, outFeatures, rank, scaling });
    this.a = new Float32Array(rank * inFeatures).map(() => (Math.random() - 0.5) / Math.sqrt(inFeatures));
    this.b = new Float32Array(rank * outFeatures).map(() => (Math.random() - 0.5) * 0.01);
    this.h = new Float64Array(rank);
  }

  applyInto(x, y) {
    const { a, b, h, rank, inFeatures, outFeatures, scaling } = this;
    for (let r = 0; r < rank; r += 1) {
      const row = r * inFeatures;
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let i = 0; i < inFeatures; i += 4) {
        s0 += a[row + i] * x[i];
        s1 += a[row + i + 1] * x[i + 1];
        s2 += a[row + i + 2] * x[i + 2];
        s3 += a[row + i + 3] * x[i + 3];
      }
      h[r] = scaling * (s0 + s1 + s2 + s3);
    }
    UP[rank](h, b, y, outFeatures);
  }
}

const UP = {
  1(h, b, y, n) {
    const h0 = h[0];
    for (let o = 0; o < n; o += 1) y[o] = h0 * b[o];
  },
  2(h, b, y, n) {
    const [h0, h1] = h;
    for (let o = 0; o < n; o += 1) y[o] = h0 * b[o] + h1 * b[n + o];
  },
  3(h, b, y, n) {
    const [h0, h1, h2] = h;
    for (let o = 0; o < n; o += 1) y[o] = h0 * b[o] + h1 * b[n + o] + h2 * b[2 * n + o];
  },
  4(h, b, y, n) {
    const [h0, h1, h2, h3] = h;
    for (let o = 0; o < n; o += 1) y[o] = h0 * b[o] + h1 * b[n + o] + h2 * b[2 * n + o] + h3 * b[3 * n + o];
  },
};
