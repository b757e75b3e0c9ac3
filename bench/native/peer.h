/* What a peer written in C or C++ can do: `NAME(apply)` becomes `eigen_avx2_apply`, say. `a` and `grad_a` are
 * rank x in, `b` and `grad_b` rank x out, all rank-major. */
#ifndef PEER_H
#define PEER_H

#define JOIN_(prefix, name) prefix##_##name
#define JOIN(prefix, name) JOIN_(prefix, name)
#define NAME(name) JOIN(PREFIX, name)

typedef struct {
  long in, out, rank;
  float s;
  float *a, *b, *grad_a, *grad_b;
} Lora;

#ifdef __cplusplus
extern "C" {
#endif
/* y = s B (A x) */
void NAME(apply)(const Lora *l, const float *x, float *y);
/* y += s B (A x) */
void NAME(add)(const Lora *l, const float *x, float *y);
/* The same as apply, for the n rows of x; h has room for n x rank. */
void NAME(apply_batch)(const Lora *l, long n, const float *x, float *y, float *h);
/* grad_b[r] += (A x)[r] g; grad_a[r] += s (B g)[r] x */
void NAME(gradient)(Lora *l, const float *x, const float *g);
/* The same for the n rows of x and g; h has room for 2 x n x rank. */
void NAME(gradient_batch)(Lora *l, long n, const float *x, const float *g, float *h);
/* z = M v, M of n x len */
void NAME(project)(const float *m, long n, long len, const float *v, float *z);
/* v = M^T z */
void NAME(combine)(const float *m, long n, long len, const float *z, float *v);
/* g = M M^T, column-major with a leading dimension of 4 */
void NAME(gram)(const float *m, long n, long len, float *g);
/* M = keep M - W G, and G = 0; W as from gram */
void NAME(update)(float *m, long n, long len, float keep, const float *w, float *g);
#ifdef __cplusplus
}
#endif

#endif
