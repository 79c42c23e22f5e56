// SPDX-License-Identifier: Apache-2.0
// bench/cuda/probe_dmma.cu: do the tensor cores sum f64 as a chain of fused multiply-adds in the order of k? If so, the
// exact f64 product may use them, at twice the rate.
//
//     nvcc -std=c++20 -O3 -gencode arch=compute_90a,code=sm_90a bench/cuda/probe_dmma.cu -o probe && ./probe
//
// Counts the elements of random tiles that equal the chain bit for bit, for m8n8k4 and m16n8k16, numbers of one size
// and of very different sizes, signs mixed, subnormal products among them.
#include <cstdint>
#include <cstdio>
#include <cstring>

__device__ std::uint64_t bits_of(std::uint64_t z) {
  z = (z + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}
// Random fraction and sign, exponent within `spread` of `middle`.
__device__ double number(std::uint64_t seed, int spread, int middle) {
  const std::uint64_t r = bits_of(seed);
  const int e = 1023 + middle + (spread ? int(bits_of(r) % (2 * spread + 1)) - spread : 0);
  return __longlong_as_double((long long)((r & 0x800fffffffffffff) | std::uint64_t(e < 0 ? 0 : e) << 52));
}

template <int K>
__device__ void multiply(double (&c)[4], const double* a, const double* b);
template <>
__device__ void multiply<4>(double (&c)[4], const double* a, const double* b) {
  asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%0,%1};"
      : "+d"(c[0]), "+d"(c[1])
      : "d"(a[0]), "d"(b[0]));
}
template <>
__device__ void multiply<16>(double (&c)[4], const double* a, const double* b) {
  asm("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0,%1,%2,%3}, {%4,%5,%6,%7,%8,%9,%10,%11}, "
      "{%12,%13,%14,%15}, {%0,%1,%2,%3};"
      : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
      : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]), "d"(b[0]), "d"(b[1]),
        "d"(b[2]), "d"(b[3]));
}

// One warp a tile. Operands are functions of (tile, row, column), so that every lane can sum its elements alone.
template <int K>
__global__ void probe(int spread, int middle, unsigned long long* equal, unsigned long long* reversed,
                      unsigned long long* all) {
  constexpr int rows = K == 16 ? 2 : 1;  // groups of 8 rows
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  const std::uint64_t tile = std::uint64_t(blockIdx.x) << 20;
  const auto at_a = [&](int i, int k) { return number(tile + 32 * i + k, spread, middle); };
  const auto at_b = [&](int k, int j) { return number(tile + 4096 + 32 * j + k, spread, middle); };
  const auto at_c = [&](int i, int j) { return number(tile + 8192 + 32 * i + j, spread, 2 * middle); };
  double a[8], b[4], c[4];
  for (int i = 0; i < rows * K / 4; ++i) a[i] = at_a(g + 8 * (i % rows), i / rows * 4 + t);
  for (int i = 0; i < K / 4; ++i) b[i] = at_b(4 * i + t, g);
  for (int i = 0; i < 2 * rows; ++i) c[i] = at_c(g + 8 * (i / 2), 2 * t + i % 2);
  multiply<K>(c, a, b);
  for (int i = 0; i < 2 * rows; ++i) {
    const int row = g + 8 * (i / 2), col = 2 * t + i % 2;
    double up = at_c(row, col), down = up;
    for (int k = 0; k < K; ++k) up = __fma_rn(at_a(row, k), at_b(k, col), up);
    for (int k = K; k-- > 0;) down = __fma_rn(at_a(row, k), at_b(k, col), down);
    atomicAdd(all, 1ull);
    if (__double_as_longlong(up) == __double_as_longlong(c[i])) atomicAdd(equal, 1ull);
    if (__double_as_longlong(down) == __double_as_longlong(c[i])) atomicAdd(reversed, 1ull);
  }
}

template <int K>
bool report(int spread, int middle) {
  unsigned long long* n = nullptr;
  if (cudaMallocManaged(&n, 3 * sizeof *n) != cudaSuccess) return false;
  std::memset(n, 0, 3 * sizeof *n);
  probe<K><<<2000, 32>>>(spread, middle, n, n + 1, n + 2);
  const cudaError_t error = cudaDeviceSynchronize();
  if (error != cudaSuccess) std::printf("k%d: %s\n", K, cudaGetErrorString(error));
  if (error == cudaSuccess) {
    std::printf("k%-2d exponents %d +- %d: of %llu elements %llu equal the chain in order, %llu in reverse\n", K,
                middle, spread, n[2], n[0], n[1]);
  }
  const bool same = error == cudaSuccess && n[0] == n[2];
  cudaFree(n);
  return same;
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return std::puts("skipped: no CUDA device"), 77;
  bool k4 = true, k16 = true;
  constexpr int cases[][2] = {{0, 0}, {1, 0}, {8, 0}, {40, 0}, {200, 0}, {20, -520}, {2, -536}};
  for (const auto& [spread, middle] : cases) k4 &= report<4>(spread, middle), k16 &= report<16>(spread, middle);
  std::printf("m8n8k4 is%s, m16n8k16 is%s a chain of fused multiply-adds in order\n", k4 ? "" : " not",
              k16 ? "" : " not");
  return 0;
}
