/* What one writes without a library. */
#include "peer.h"

static float dot(const float *restrict a, const float *restrict b, long len) {
  float sum = 0;
  for (long i = 0; i < len; i++) sum += a[i] * b[i];
  return sum;
}

static void add_times(float *restrict y, float k, const float *restrict x, long len) {
  for (long i = 0; i < len; i++) y[i] += k * x[i];
}

static void fill(float *y, float value, long len) {
  for (long i = 0; i < len; i++) y[i] = value;
}

void NAME(add)(const Lora *l, const float *x, float *y) {
  float h[4];
  for (long r = 0; r < l->rank; r++) h[r] = l->s * dot(l->a + r * l->in, x, l->in);
  for (long r = 0; r < l->rank; r++) add_times(y, h[r], l->b + r * l->out, l->out);
}

void NAME(apply)(const Lora *l, const float *x, float *y) {
  fill(y, 0, l->out);
  NAME(add)(l, x, y);
}

void NAME(apply_batch)(const Lora *l, long n, const float *x, float *y, float *h) {
  (void)h;
  for (long i = 0; i < n; i++) NAME(apply)(l, x + i * l->in, y + i * l->out);
}

void NAME(gradient)(Lora *l, const float *x, const float *g) {
  for (long r = 0; r < l->rank; r++) {
    float h = dot(l->a + r * l->in, x, l->in), t = l->s * dot(l->b + r * l->out, g, l->out);
    add_times(l->grad_b + r * l->out, h, g, l->out);
    add_times(l->grad_a + r * l->in, t, x, l->in);
  }
}

void NAME(gradient_batch)(Lora *l, long n, const float *x, const float *g, float *h) {
  (void)h;
  for (long i = 0; i < n; i++) NAME(gradient)(l, x + i * l->in, g + i * l->out);
}

void NAME(project)(const float *m, long n, long len, const float *v, float *z) {
  for (long i = 0; i < n; i++) z[i] = dot(m + i * len, v, len);
}

void NAME(combine)(const float *m, long n, long len, const float *z, float *v) {
  fill(v, 0, len);
  for (long i = 0; i < n; i++) add_times(v, z[i], m + i * len, len);
}

void NAME(gram)(const float *m, long n, long len, float *g) {
  for (long i = 0; i < n; i++)
    for (long j = 0; j <= i; j++) g[4 * i + j] = g[4 * j + i] = dot(m + i * len, m + j * len, len);
}

void NAME(update)(float *m, long n, long len, float keep, const float *w, float *g) {
  for (long i = 0; i < n; i++) {
    float *row = m + i * len;
    for (long k = 0; k < len; k++) row[k] *= keep;
    for (long j = 0; j < n; j++) add_times(row, -w[4 * j + i], g + j * len, len);
  }
  fill(g, 0, n * len);
}
