// SPDX-License-Identifier: Apache-2.0
// bench/peers/peer.h: what a shared module must offer so that the benchmark can time another library beside Ashlar.
//
// A peer is a module of its own, opened with RTLD_LOCAL | RTLD_DEEPBIND: several libraries that export the same names
// (cblas_sgemm) then live in one process. The interface is plain C, so that a module may be built with any flags. It
// offers matrix products, convolutions, or both.
//
// Used by: peer_modules.hpp (the benchmark's side), peers/*.cpp.
#ifndef ASHLAR_BENCH_PEER_H
#define ASHLAR_BENCH_PEER_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ashlar_peer_abi = 6 };
enum { ashlar_peer_f32 = 0, ashlar_peer_f64 = 1, ashlar_peer_u8s8 = 2, ashlar_peer_bf16 = 3 };

/* C = A * B. A is m x k, B is k x n, C is m x n, each row-major and contiguous; a transposed operand is stored the
 * other way round. u8s8: a of uint8_t, b of int8_t, c of int32_t. bf16: a and b of uint16_t, the upper halves of floats,
 * c of float. */
typedef struct ashlar_peer_gemm_problem {
  int dtype;
  int prepacked; /* B is constant: whatever prepare() does to it is not timed */
  int transposed_a, transposed_b;
  int threads;
  int64_t m, n, k;
  const void *a, *b;
  void* c;
} ashlar_peer_gemm_problem;

typedef struct ashlar_peer_gemm {
  int (*supports)(const ashlar_peer_gemm_problem* problem);
  void* (*prepare)(const ashlar_peer_gemm_problem* problem); /* NULL: cannot */
  void (*run)(void* state);                                  /* the timed call */
  void (*release)(void* state);
} ashlar_peer_gemm;

enum { ashlar_peer_forward = 0, ashlar_peer_backward_data = 1, ashlar_peer_backward_weights = 2 };
enum { ashlar_peer_nhwc = 0, ashlar_peer_nchw = 1, ashlar_peer_own_layout = 2 };

/* forward, f32: dst = relu(bias + src * weights). u8s8: dst = (bias + src * weights) * scales, to the nearest uint8_t,
 * halves to even; src of uint8_t, weights of int8_t, bias of int32_t, a float of scales for each of the k.
 * backward_data, f32: dst = the gradient of src, from dy, that of the convolution's result, and weights.
 * backward_weights, f32: dst = the gradient of weights, from src and dy.
 *
 * Images (src and its gradient n x h x w x c, dy and the convolution's result n x oh x ow x k) are contiguous and in
 * `layout`. In the peer's own layout they are NHWC, prepare() converts what is read, run() works on the peer's memory,
 * and result(), not timed, writes dst. weights and their gradient are k x r x s x c / groups, contiguous. Weights are
 * constant, as the bias is (one number for each of the k): whatever prepare() does to them is not timed; their gradient
 * may stay in the peer's form until result(). Pairs are height, width. What the pass does not read is NULL. */
typedef struct ashlar_peer_conv_problem {
  int dtype;
  int pass;
  int layout;
  int threads;
  int64_t n, h, w, c, k, r, s, oh, ow, groups;
  int64_t stride[2], dilation[2], before[2], after[2];
  const void *src, *weights, *bias, *dy;
  const float* scales; /* of u8s8 */
  void* dst;
} ashlar_peer_conv_problem;

typedef struct ashlar_peer_conv {
  int tolerant; /* may round more than a sum of products does (Winograd): then it is checked against a tolerance */
  int (*supports)(const ashlar_peer_conv_problem* problem);
  void* (*prepare)(const ashlar_peer_conv_problem* problem); /* NULL: cannot */
  void (*run)(void* state);                                  /* the timed call */
  void (*result)(void* state);                               /* NULL: run() writes dst */
  void (*release)(void* state);
} ashlar_peer_conv;

typedef struct ashlar_peer {
  int abi;
  const char* name;
  /* Loads the library for this ISA ("avx2", "avx512", ...) and thread count. 0: not on this machine. Writes its
   * version. */
  int (*open)(const char* isa, int threads, char* version, size_t size);
  const ashlar_peer_gemm* gemm; /* NULL: has none */
  const ashlar_peer_conv* conv;
} ashlar_peer;

/* Modules are compiled with hidden visibility: a C++ inline variable would otherwise be one for the whole process
 * (STB_GNU_UNIQUE). */
__attribute__((visibility("default"))) const ashlar_peer* ashlar_peer_entry(void);

#ifdef __cplusplus
}
#endif
#endif
