/* With the BLAS: a call for each product. */
#include <cblas.h>
#include <string.h>

#include "peer.h"

static void project(const float *m, long n, long len, float s, const float *v, float *z) {
  cblas_sgemv(CblasRowMajor, CblasNoTrans, n, len, s, m, len, v, 1, 0, z, 1);
}

static void combine(const float *m, long n, long len, const float *z, float keep, float *v) {
  cblas_sgemv(CblasRowMajor, CblasTrans, n, len, 1, m, len, z, 1, keep, v, 1);
}

static void apply(const Lora *l, const float *x, float keep, float *y) {
  float h[4];
  project(l->a, l->rank, l->in, l->s, x, h);
  combine(l->b, l->rank, l->out, h, keep, y);
}

void NAME(apply)(const Lora *l, const float *x, float *y) { apply(l, x, 0, y); }

void NAME(add)(const Lora *l, const float *x, float *y) { apply(l, x, 1, y); }

void NAME(apply_batch)(const Lora *l, long n, const float *x, float *y, float *h) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, l->rank, l->in, l->s, x, l->in, l->a, l->in, 0, h, l->rank);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, l->out, l->rank, 1, h, l->rank, l->b, l->out, 0, y, l->out);
}

void NAME(gradient)(Lora *l, const float *x, const float *g) {
  float h[4], t[4];
  project(l->a, l->rank, l->in, 1, x, h);
  project(l->b, l->rank, l->out, l->s, g, t);
  cblas_sger(CblasRowMajor, l->rank, l->out, 1, h, 1, g, 1, l->grad_b, l->out);
  cblas_sger(CblasRowMajor, l->rank, l->in, 1, t, 1, x, 1, l->grad_a, l->in);
}

void NAME(gradient_batch)(Lora *l, long n, const float *x, const float *g, float *h) {
  float *t = h + n * l->rank;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, l->rank, l->in, 1, x, l->in, l->a, l->in, 0, h, l->rank);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, l->rank, l->out, l->s, g, l->out, l->b, l->out, 0, t, l->rank);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, l->rank, l->out, n, 1, h, l->rank, g, l->out, 1, l->grad_b, l->out);
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, l->rank, l->in, n, 1, t, l->rank, x, l->in, 1, l->grad_a, l->in);
}

void NAME(project)(const float *m, long n, long len, const float *v, float *z) { project(m, n, len, 1, v, z); }

void NAME(combine)(const float *m, long n, long len, const float *z, float *v) { combine(m, n, len, z, 0, v); }

void NAME(gram)(const float *m, long n, long len, float *g) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, len, 1, m, len, m, len, 0, g, 4);
}

void NAME(update)(float *m, long n, long len, float keep, const float *w, float *g) {
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, len, n, -1, w, 4, g, len, keep, m, len);
  memset(g, 0, sizeof *g * n * len);
}
