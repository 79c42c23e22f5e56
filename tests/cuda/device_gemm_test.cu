// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_gemm_test.cu: cuda::gemm as a user calls it: which errors it returns, and right results of every
// element type. What each kernel computes has tests of its own.
#include <ashlar/cuda/gemm.cuh>
#include <ashlar/reference/gemm.hpp>
#include <cuda/device_memory.cuh>
#include <random>

using namespace ashlar;

namespace {

using ashlar::index;
int failures = 0, checks = 0;

void expect(bool ok, const char* what) {
  ++checks;
  if (ok) return;
  ++failures;
  std::printf("FAILED %s\n", what);
}

template <class T>
void fill(ashlar_test::device_array<T>& a, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> small(-3, 3);
  for (T& x : a.host) x = T(static_cast<float>(small(random)));
  a.upload();
}

// Small integers: every sum is exact, in whatever order.
template <class X, class D, class... Options>
void check_product(const char* what, index m, index n, index k, const Options&... options) {
  ashlar_test::device_array<X> a(std::size_t(m * k)), b(std::size_t(k * n));
  ashlar_test::device_array<D> c(std::size_t(m * n));
  using T = std::conditional_t<std::is_same_v<X, std::int8_t>, std::int32_t,
                               std::conditional_t<std::is_same_v<X, double>, double, float>>;
  ashlar_test::device_array<T> bias{std::size_t(n)};
  fill(a, 1), fill(b, 2), fill(bias, 3);
  const status s = cuda::gemm(view(a.data(), m, k), view(b.data(), k, n), view(c.data(), m, n),
                              relu(acc + per_column(static_cast<const T*>(bias.data()))), options...);
  expect(s.ok(), s.ok() ? what : s.message());
  expect(cudaDeviceSynchronize() == cudaSuccess, what);
  expect(c.download(), "writes inside C alone");
  bool equal = true;
  for (index i = 0; i < m; ++i)
    for (index j = 0; j < n; ++j) {
      T sum = 0;
      for (index p = 0; p < k; ++p) sum += T(a.host[std::size_t(i * k + p)]) * T(b.host[std::size_t(p * n + j)]);
      sum += bias.host[std::size_t(j)];
      const D want = D(sum > 0 ? sum : T(0));
      equal &= std::memcmp(&want, &c.host[std::size_t(i * n + j)], sizeof(D)) == 0;
    }
  expect(equal, what);
}

void check_errors() {
  using ashlar::index;
  ashlar_test::device_array<float> a(64), b(64), c(64);
  const auto code = [](const status& s) { return s.code(); };
  const auto A = view(a.data(), 4, 8), B = view(b.data(), 8, 4), C = view(c.data(), 4, 4);
  expect(code(cuda::gemm(A, view(b.data(), 4, 4), C)) == errc::shape_mismatch, "shape_mismatch");
  expect(code(cuda::gemm(A, B, view(static_cast<float*>(nullptr), 4, 4))) == errc::null_pointer, "null_pointer");
  expect(code(cuda::gemm(A, B, view(a.data(), 4, 4))) == errc::aliasing, "aliasing");
  expect(code(cuda::gemm(A, B, C, acc + elements(view(b.data(), 2, 4)))) == errc::shape_mismatch, "operand's shape");
  expect(code(cuda::gemm(A, B, C, acc + per_column(static_cast<const float*>(c.data())))) == errc::aliasing,
         "operand in C");
  expect(code(cuda::gemm(view(a.data(), 4, -8), B, C)) == errc::negative_extent, "negative_extent");
  expect(cuda::gemm(view(a.data(), 0, 8), B, view(c.data(), 0, 4)).ok(), "nothing to do");
}

}  // namespace

int main() {
  if (!ashlar_test::has_device()) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  check_errors();
  cudaStream_t stream = nullptr;
  ashlar_test::require(cudaStreamCreate(&stream), "cudaStreamCreate");
  for (const ashlar::index n : {1, 64, 100, 1000}) {
    check_product<float, float>("f32", 65, n, 77, stream);
    check_product<float, float>("tf32", 65, n, 76, cuda::allow_tf32, stream);
    check_product<double, double>("f64", 65, n, 77);
    check_product<bf16, bf16>("bf16", 200, n, 128);
    check_product<bf16, float>("bf16, odd", 33, n, 7);
    check_product<f16, f16>("f16", 130, n, 72);
    check_product<e4m3, bf16>("e4m3", 70, n, 160);
    check_product<e5m2, f16>("e5m2", 70, n, 33);
    check_product<std::int8_t, std::int32_t>("int8", 140, n, 96);
    check_product<bf16, bf16>("k = 0", 20, n, 0);
  }
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
