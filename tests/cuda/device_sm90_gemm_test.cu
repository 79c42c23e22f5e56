// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_sm90_gemm_test.cu: the Hopper kernel on a GPU: every element type, layout and tile against a
// product on the CPU. The operands are small integers, so that every sum is exact and results must be equal to the bit.
#include <ashlar/cuda/sm90_launch.cuh>
#include <cuda/device_memory.cuh>
#include <random>
#include <string>

using namespace ashlar;
using ashlar::cuda::sm90_tile;
using ashlar::cuda::tf32;
namespace kernels = ashlar::cuda::detail;

namespace {

using ashlar::index;

int failures = 0, checks = 0;

template <class T>
T from_integer(int x) {
  if constexpr (std::is_same_v<T, tf32>) {
    return {float(x)};
  } else if constexpr (std::is_integral_v<T>) {
    return T(x);
  } else {
    return T(float(x));
  }
}
template <class T>
float as_float(T x) {
  if constexpr (std::is_same_v<T, tf32>) {
    return x.value;
  } else {
    return float(x);
  }
}

struct shape {
  index m, n, k, batch = 1;
};

// A matrix of a batch in memory: leading dimension rounded up to `step`, by rows or by columns.
template <class T>
matrix_view<T> placed(T* p, index rows, index cols, bool by_rows, index step) {
  const index ld = ((by_rows ? cols : rows) + step - 1) / step * step;
  return by_rows ? matrix_view<T>(p, rows, cols, ld, 1) : matrix_view<T>(p, rows, cols, 1, ld);
}
template <class V>
index span_of(const V& v) {
  return v.col_stride() == 1 ? v.rows() * v.row_stride() : v.cols() * v.col_stride();
}
template <class V>
V moved(const V& v, index offset) {
  return V(v.data() + offset, v.rows(), v.cols(), v.row_stride(), v.col_stride());
}

template <class T>
void fill(ashlar_test::device_array<T>& a, int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::uniform_int_distribution<int> small(-3, 3);
  for (T& x : a.host) x = from_integer<T>(small(random));
  a.upload();
}

template <class D>
bool same(D a, D b) {
  return std::memcmp(&a, &b, sizeof(D)) == 0;
}

// One product with one tile; `epilogue(bias)` makes the expression of a pointer to n numbers.
template <class In, class D, sm90_tile S, class Epilogue>
void check(const char* name, shape s, bool a_k, bool b_k, bool c_rows, index c_ld, const Epilogue& epilogue) {
  using T = kernels::accumulator_of<In>;
  constexpr index step = 16 / sizeof(In);
  const auto a0 = placed<const In>(nullptr, s.m, s.k, a_k, step), b0 = placed<const In>(nullptr, s.n, s.k, b_k, step);
  const auto c0 = placed<D>(nullptr, s.m, s.n, c_rows, c_ld);
  ashlar_test::device_array<In> a(std::size_t(span_of(a0) * s.batch)), b(std::size_t(span_of(b0) * s.batch));
  ashlar_test::device_array<D> c(std::size_t(span_of(c0) * s.batch));
  ashlar_test::device_array<T> bias(std::size_t(s.n));
  fill(a, 1), fill(b, 2), fill(bias, 3);
  const auto A = placed<const In>(a.data(), s.m, s.k, a_k, step), B = placed<const In>(b.data(), s.n, s.k, b_k, step);
  const auto C = placed<D>(c.data(), s.m, s.n, c_rows, c_ld);
  const cuda::batch_strides batch{s.batch, span_of(A), span_of(B), span_of(C)};
  static const auto device = kernels::current_device("test").value();
  const status launched = kernels::launch_sm90<In, S>(A, B, C, epilogue(bias.data()), batch, device, 3, nullptr);
  ++checks;
  const auto fail = [&](const std::string& what) {
    if (++failures < 30) {
      std::printf("%s tile %dx%d cluster %d pp %d: %lldx%lldx%lld batch %lld a_k %d b_k %d c_rows %d ld %lld: %s\n",
                  name, S.bm, S.bn, S.cluster(), S.ping_pong, (long long)s.m, (long long)s.n, (long long)s.k,
                  (long long)s.batch, a_k, b_k, c_rows, (long long)c_ld, what.c_str());
    }
  };
  if (!launched.ok()) return fail(launched.message());
  if (const cudaError_t e = cudaDeviceSynchronize(); e != cudaSuccess) {
    fail(cudaGetErrorString(e));
    std::exit(1);
  }
  if (!c.download()) return fail("wrote outside C");
  const auto e = epilogue(static_cast<const T*>(bias.host.data()));
  std::vector<D> expected(c.host.size());
  std::memset(static_cast<void*>(expected.data()), 0xFF, expected.size() * sizeof(D));
  for (index p = 0; p < s.batch; ++p) {
    const auto HA = moved(matrix_view<const In>(a.host.data(), s.m, s.k, A.row_stride(), A.col_stride()), p * batch.a);
    const auto HB = moved(matrix_view<const In>(b.host.data(), s.n, s.k, B.row_stride(), B.col_stride()), p * batch.b);
    const auto HC = moved(matrix_view<D>(expected.data(), s.m, s.n, C.row_stride(), C.col_stride()), p * batch.c);
    for (index i = 0; i < s.m; ++i) {
      for (index j = 0; j < s.n; ++j) {
        float sum = 0;
        for (index k = 0; k < s.k; ++k) sum += as_float(HA(i, k)) * as_float(HB(j, k));
        HC(i, j) = kernels::stored<D>(kernels::finished(e, T(sum), HC, i, j));
      }
    }
  }
  index wrong = 0, first = -1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!same(expected[i], c.host[i]) && wrong++ == 0) first = index(i);
  }
  if (wrong > 0) {
    fail(std::to_string(wrong) + " of " + std::to_string(expected.size()) + " differ, first at " +
         std::to_string(first) + ": " + std::to_string(as_float(c.host[std::size_t(first)])) + " is not " +
         std::to_string(as_float(expected[std::size_t(first)])));
  }
}

const auto plain = [](auto*) { return acc; };
const auto biased_relu = [](auto* bias) { return relu(acc + per_column(bias)); };
const auto biased_gelu = [](auto* bias) { return gelu(acc * 0.25f + per_column(bias)); };

template <class In, class D, sm90_tile S>
void check_tile(const char* name) {
  constexpr bool layouts = kernels::any_major<In>;
  for (const shape s : {shape{1, 1, 1}, {64, 128, 64}, {300, 520, 200}, {129, 257, 1000}, {513, 264, 72, 3}}) {
    check<In, D, S>(name, s, true, true, true, 8, plain);
    if (layouts) check<In, D, S>(name, s, true, false, true, 8, plain);
    if (layouts) check<In, D, S>(name, s, false, true, true, 8, plain);
    if (layouts) check<In, D, S>(name, s, false, false, true, 8, plain);
    check<In, D, S>(name, s, true, true, true, 1, biased_relu);
    check<In, D, S>(name, s, true, true, false, 8, biased_relu);
  }
}

}  // namespace

int main() {
  if (!ashlar_test::has_device()) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  check_tile<bf16, bf16, sm90_tile{128, 256, 4, 2, 2, 2, false}>("bf16");
  check_tile<bf16, float, sm90_tile{128, 128, 5, 4, 1, 2, true}>("bf16 -> f32");
  check_tile<f16, f16, sm90_tile{128, 128, 6, 2, 2, 1, false}>("f16");
  check_tile<tf32, float, sm90_tile{128, 256, 3, 4, 1, 1, false}>("tf32");
  check_tile<e4m3, bf16, sm90_tile{64, 256, 4, 4, 2, 2, true}>("e4m3");
  check_tile<e5m2, e5m2, sm90_tile{128, 64, 6, 1, 1, 1, false}>("e5m2");
  check_tile<std::int8_t, std::int32_t, sm90_tile{128, 192, 4, 2, 2, 1, false}>("s8");
  check<bf16, bf16, sm90_tile{128, 256, 4, 2, 2, 2, false}>("gelu", {300, 520, 200}, true, true, true, 8, biased_gelu);
  std::printf("%d products, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
