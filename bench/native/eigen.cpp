// The products with Eigen, the rank known to the compiler.
#include <Eigen/Dense>

#include "peer.h"

// Compiled for several sets of instructions, so every name that the linker sees must differ.
namespace {
using Eigen::Dynamic;
using Eigen::Map;
using Eigen::Matrix;
using Eigen::RowMajor;

template <int R> using Rows = Map<Matrix<float, R, Dynamic, RowMajor>>;
template <int R> using ConstRows = Map<const Matrix<float, R, Dynamic, RowMajor>>;
// The same memory as the transposed matrix.
template <int R> using Columns = Map<Matrix<float, Dynamic, R>>;
template <int R> using ConstColumns = Map<const Matrix<float, Dynamic, R>>;
using Batch = Map<Eigen::MatrixXf>;
using ConstBatch = Map<const Eigen::MatrixXf>;
using Vector = Map<Eigen::VectorXf>;
using ConstVector = Map<const Eigen::VectorXf>;
template <int R> using PerRank = Matrix<float, R, 1>;
template <int R> using Square = Map<Matrix<float, R, R>, 0, Eigen::OuterStride<4>>;
template <int R> using ConstSquare = Map<const Matrix<float, R, R>, 0, Eigen::OuterStride<4>>;

template <int R> PerRank<R> down(const Lora *l, const float *x) {
  PerRank<R> h;
  h.noalias() = ConstRows<R>(l->a, R, l->in) * ConstVector(x, l->in);
  return h * l->s;
}

template <int R> void apply(const Lora *l, const float *x, float *y) {
  PerRank<R> h = down<R>(l, x);
  Vector(y, l->out).noalias() = ConstColumns<R>(l->b, l->out, R) * h;
}

template <int R> void add(const Lora *l, const float *x, float *y) {
  PerRank<R> h = down<R>(l, x);
  Vector(y, l->out).noalias() += ConstColumns<R>(l->b, l->out, R) * h;
}

template <int R> void apply_batch(const Lora *l, long n, const float *x, float *y, float *h) {
  Map<Matrix<float, R, Dynamic>> H(h, R, n);
  H.noalias() = ConstRows<R>(l->a, R, l->in) * ConstBatch(x, l->in, n);
  H *= l->s;
  Batch(y, l->out, n).noalias() = ConstColumns<R>(l->b, l->out, R) * H;
}

template <int R> void gradient(Lora *l, const float *x, const float *g) {
  ConstVector X(x, l->in), G(g, l->out);
  PerRank<R> h, t;
  h.noalias() = ConstRows<R>(l->a, R, l->in) * X;
  Columns<R>(l->grad_b, l->out, R).noalias() += G * h.transpose();
  t.noalias() = ConstColumns<R>(l->b, l->out, R).transpose() * G;
  t *= l->s;
  Rows<R>(l->grad_a, R, l->in).noalias() += t * X.transpose();
}

template <int R> void gradient_batch(Lora *l, long n, const float *x, const float *g, float *h) {
  ConstBatch X(x, l->in, n), G(g, l->out, n);
  Map<Matrix<float, R, Dynamic>> H(h, R, n), T(h + n * R, R, n);
  H.noalias() = ConstRows<R>(l->a, R, l->in) * X;
  T.noalias() = ConstRows<R>(l->b, R, l->out) * G;
  T *= l->s;
  Columns<R>(l->grad_b, l->out, R).noalias() += G * H.transpose();
  Columns<R>(l->grad_a, l->in, R).noalias() += X * T.transpose();
}

template <int R> void gram(const float *m, long len, float *g) {
  // Ten times as fast here as `M * M.transpose()`, which is optimised for large products.
  ConstColumns<R> M(m, len, R);
  Square<R> G(g, R, R);
  for (int i = 0; i < R; i++)
    for (int j = 0; j <= i; j++) G(i, j) = G(j, i) = M.col(i).dot(M.col(j));
}

template <int R> void update(float *m, long len, float keep, const float *w, float *g) {
  Columns<R> M(m, len, R), G(g, len, R);
  M = keep * M - G.lazyProduct(ConstSquare<R>(w, R, R).transpose());
  G.setZero();
}
}  // namespace

#define FOR_RANK(rank, call)                                                                                    \
  switch (rank) {                                                                                               \
    case 1: { constexpr int R = 1; call; break; }                                                               \
    case 2: { constexpr int R = 2; call; break; }                                                               \
    case 3: { constexpr int R = 3; call; break; }                                                               \
    default: { constexpr int R = 4; call; }                                                                     \
  }

extern "C" {
void NAME(apply)(const Lora *l, const float *x, float *y) { FOR_RANK(l->rank, apply<R>(l, x, y)) }

void NAME(add)(const Lora *l, const float *x, float *y) { FOR_RANK(l->rank, add<R>(l, x, y)) }

void NAME(apply_batch)(const Lora *l, long n, const float *x, float *y, float *h) {
  FOR_RANK(l->rank, apply_batch<R>(l, n, x, y, h))
}

void NAME(gradient)(Lora *l, const float *x, const float *g) { FOR_RANK(l->rank, gradient<R>(l, x, g)) }

void NAME(gradient_batch)(Lora *l, long n, const float *x, const float *g, float *h) {
  FOR_RANK(l->rank, gradient_batch<R>(l, n, x, g, h))
}

void NAME(project)(const float *m, long n, long len, const float *v, float *z) {
  Vector(z, n).noalias() = ConstRows<Dynamic>(m, n, len) * ConstVector(v, len);
}

void NAME(combine)(const float *m, long n, long len, const float *z, float *v) {
  Vector(v, len).noalias() = ConstColumns<Dynamic>(m, len, n) * ConstVector(z, n);
}

void NAME(gram)(const float *m, long n, long len, float *g) { FOR_RANK(n, gram<R>(m, len, g)) }

void NAME(update)(float *m, long n, long len, float keep, const float *w, float *g) {
  FOR_RANK(n, update<R>(m, len, keep, w, g))
}
}
