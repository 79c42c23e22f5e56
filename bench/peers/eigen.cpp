// SPDX-License-Identifier: Apache-2.0
// bench/peers/eigen.cpp: Eigen's matrix product. Header-only, so this module is compiled once per ISA (eigen_avx2,
// eigen_avx512, ...).
#include <Eigen/Core>
#include <cstdio>

#include "peer.h"

namespace {

template <class T>
using matrix = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
template <class T>
using const_matrix = Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

template <class T, class Left>
void multiply(const ashlar_peer_gemm_problem& p, const Left& left) {
  matrix<T> c(static_cast<T*>(p.c), p.m, p.n);
  if (p.transposed_b) {
    c.noalias() = left * const_matrix<T>(static_cast<const T*>(p.b), p.n, p.k).transpose();
  } else {
    c.noalias() = left * const_matrix<T>(static_cast<const T*>(p.b), p.k, p.n);
  }
}

template <class T>
void multiply(const ashlar_peer_gemm_problem& p) {
  if (p.transposed_a) {
    multiply<T>(p, const_matrix<T>(static_cast<const T*>(p.a), p.k, p.m).transpose());
  } else {
    multiply<T>(p, const_matrix<T>(static_cast<const T*>(p.a), p.m, p.k));
  }
}

int open(const char*, int threads, char* version, std::size_t size) {
  if (threads > 1) return 0;
  std::snprintf(version, size, "Eigen %d.%d.%d (%s)", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION,
                Eigen::SimdInstructionSetsInUse());
  return 1;
}

int supports(const ashlar_peer_gemm_problem* p) { return !p->prepacked && p->dtype <= ashlar_peer_f64; }
void* prepare(const ashlar_peer_gemm_problem* p) { return new ashlar_peer_gemm_problem(*p); }
void run(void* state) {
  const auto& p = *static_cast<ashlar_peer_gemm_problem*>(state);
  p.dtype == ashlar_peer_f64 ? multiply<double>(p) : multiply<float>(p);
}
void release(void* state) { delete static_cast<ashlar_peer_gemm_problem*>(state); }

constexpr ashlar_peer_gemm gemm{supports, prepare, run, release};
constexpr ashlar_peer peer{ashlar_peer_abi, "eigen", open, &gemm, nullptr};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
