// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_mma_gemm_test.cu: products by mma.sync on a GPU: every element type, route and tile against a
// product on the CPU. Of small integers every sum is exact and results must be equal to the bit; of normal numbers they
// must lie within a bound. What lies between the lines of A and B is NaN, and around C all must stay as it was.
#include <ashlar/cuda/mma_gemm.cuh>
#include <cmath>
#include <cuda/device_memory.cuh>
#include <random>
#include <string>

namespace {

using namespace ashlar;
using namespace ashlar::cuda::detail;
using ashlar::index;
using ashlar::cuda::batch_strides;
using ashlar::cuda::device_facts;
using ashlar::cuda::tf32;
using ashlar_test::device_array;

int failures = 0, checks = 0;
device_facts device;

struct shape {
  index m, n, k, batch = 1;
};

template <class T>
T number(double x) {
  if constexpr (narrow_floating_point<T>) {
    return T(float(x));
  } else {
    return T(x);
  }
}
template <class T>
double as_double(T x) {
  if constexpr (narrow_floating_point<T>) {
    return double(float(x));
  } else {
    return double(x);
  }
}

/// mn x k numbers of each problem, in lines along k or across, the elements of a line `gap` apart.
template <class T>
struct stored_matrix {
  device_array<T> memory;
  index mn_stride, k_stride, step;

  stored_matrix(index mn, index k, index count, bool k_major, index multiple, index gap)
      : memory(std::size_t(count * step_of(mn, k, k_major, multiple, gap))) {
    const index ld = line(k_major ? k : mn, multiple, gap);
    mn_stride = k_major ? ld : gap, k_stride = k_major ? gap : ld;
    step = step_of(mn, k, k_major, multiple, gap);
  }
  template <class F>
  void fill(index mn, index k, index count, F& next) {
    std::memset(static_cast<void*>(memory.host.data()), 0xFF, memory.host.size() * sizeof(T));
    for (index p = 0; p < count; ++p) {
      for (index i = 0; i < mn; ++i) {
        for (index j = 0; j < k; ++j) memory.host[std::size_t(at(p, i, j))] = number<T>(next());
      }
    }
    memory.upload();
  }
  index at(index p, index i, index j) const { return p * step + i * mn_stride + j * k_stride; }

  static index line(index n, index multiple, index gap) { return (n * gap + multiple - 1) / multiple * multiple; }
  static index step_of(index mn, index k, bool k_major, index multiple, index gap) {
    return line(k_major ? k : mn, multiple, gap) * (k_major ? mn : k) + multiple;
  }
};

/// Numbers to multiply: small integers, or normal ones.
struct integers {
  static constexpr bool exact = true;
  std::mt19937 r{1};
  bool is_unsigned = false;
  double operator()() { return double(int(r() % 5)) - (is_unsigned ? 0 : 2); }
};
struct normals {
  static constexpr bool exact = false;
  std::mt19937 r{2};
  std::normal_distribution<double> d;
  bool is_unsigned = false;
  double operator()() { return d(r); }
};

/// The relative error of a sum's step on the tensor cores, of A's and B's elements as they are multiplied, of C's.
template <class X>
double step_error() {
  return mma_element<X>::size == 1 ? 0x1p-13 : 0x1p-23;  // FP8 sums are said to keep 14 bits on some devices
}
template <class X>
double input_error() {
  return std::same_as<X, tf32> ? 0x1p-10 : 0;  // both rounded to 11 bits
}
template <class D>
double output_error() {
  if constexpr (narrow_floating_point<D>) {
    return std::ldexp(1.0, -D::fraction_bits - 1);
  } else {
    return 0x1p-22;  // and the epilogue's own
  }
}

/// One element: equal, or within the bound (k + 8) step + input times the sum of |a b|, which gelu and relu pass on.
template <class X, class D, bool Exact>
bool right(D got, D expected, double k, double magnitude) {
  if constexpr (Exact) return std::memcmp(&got, &expected, sizeof(D)) == 0;
  const double bound = 1.13 * ((k + 8) * step_error<X>() + input_error<X>()) * magnitude;
  const double g = as_double(got), x = as_double(expected);
  return std::abs(g - x) <= bound + 2 * output_error<D>() * std::abs(x) + 0x1p-24;
}

void failed(const char* what, const shape& s, const std::string& why) {
  if (++failures > 40) return;
  std::printf("%s, %lld x %lld x %lld, batch %lld: %s\n", what, (long long)s.m, (long long)s.n, (long long)s.k,
              (long long)s.batch, why.c_str());
}

/// How the three matrices lie.
struct lie {
  bool a_k_major, b_k_major;
  index multiple, gap;         // of A's and B's lines: of bytes between lines, and of elements
  index c_row = 0, c_col = 1;  // strides of C; 0: the next multiple of four
};

/// launch(A, B, C, epilogue, batch, stream) against the definition; make(bias) is the epilogue.
template <class X, class Y, class D, class Numbers, class Launch, class Make>
void check(const char* what, const shape& s, const lie& l, const Launch& launch, const Make& make) {
  using S = typename mma_element<X>::stored;
  using T = typename mma_element<Y>::stored;
  using sum_type = typename mma_element<X>::sum;
  const auto multiple = [&](index size) { return l.multiple % size == 0 ? l.multiple / size : 1; };
  stored_matrix<S> a(s.m, s.k, s.batch, l.a_k_major, multiple(sizeof(S)), l.gap);
  stored_matrix<T> b(s.n, s.k, s.batch, l.b_k_major, multiple(sizeof(T)), l.gap);
  Numbers numbers;
  numbers.is_unsigned = std::is_unsigned_v<S>;
  a.fill(s.m, s.k, s.batch, numbers);
  numbers.is_unsigned = std::is_unsigned_v<T>;
  b.fill(s.n, s.k, s.batch, numbers);
  const index c_row = l.c_row == 0 ? (s.n + 3) / 4 * 4 : l.c_row;
  const index c_step = (s.m - 1) * c_row + (s.n - 1) * l.c_col + 4 - ((s.m - 1) * c_row + (s.n - 1) * l.c_col) % 4;
  device_array<D> c(std::size_t(s.batch * c_step));
  device_array<sum_type> bias(std::size_t(s.n));
  for (index j = 0; j < s.n; ++j) bias.host[std::size_t(j)] = sum_type(j % 7 - 3);
  bias.upload();
  const batch_strides batch{s.batch, a.step, b.step, c_step};
  const matrix_view<const S> A(a.memory.data(), s.m, s.k, a.mn_stride, a.k_stride);
  const matrix_view<const T> B(b.memory.data(), s.k, s.n, b.k_stride, b.mn_stride);
  const matrix_view<D> C(c.data(), s.m, s.n, c_row, l.c_col);
  const status launched = launch(A, B, C, make(static_cast<const sum_type*>(bias.data())), batch);
  ++checks;
  if (!launched.ok()) return failed(what, s, launched.message());
  ashlar_test::require(cudaDeviceSynchronize(), what);
  if (!c.download()) return failed(what, s, "wrote outside of C");

  std::vector<D> expected(c.host.size());
  std::memset(static_cast<void*>(expected.data()), 0xFF, expected.size() * sizeof(D));
  std::vector<double> magnitude(expected.size(), 0.0);
  const auto e = make(static_cast<const sum_type*>(bias.host.data()));
  for (index p = 0; p < s.batch; ++p) {
    const matrix_view<D> H(expected.data() + p * c_step, s.m, s.n, c_row, l.c_col);
    for (index i = 0; i < s.m; ++i) {
      for (index j = 0; j < s.n; ++j) {
        double sum = 0, absolute = 0;
        for (index k = 0; k < s.k; ++k) {
          const double term = as_double(a.memory.host[std::size_t(a.at(p, i, k))]) *
                              as_double(b.memory.host[std::size_t(b.at(p, j, k))]);
          sum += term, absolute += std::abs(term);
        }
        H(i, j) = stored<D>(finished(e, sum_type(sum), H, i, j));
        magnitude[std::size_t(H.pointer(i, j) - expected.data())] = absolute;
      }
    }
  }
  index wrong = 0, first = -1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    bool same = std::memcmp(&c.host[i], &expected[i], sizeof(D)) == 0;
    if (magnitude[i] > 0) same = right<X, D, Numbers::exact>(c.host[i], expected[i], double(s.k), magnitude[i]);
    if (!same && wrong++ == 0) first = index(i);
  }
  if (wrong == 0) return;
  failed(what, s,
         std::to_string(wrong) + " of " + std::to_string(expected.size()) + " differ, first at " +
             std::to_string(first) + ": " + std::to_string(as_double(c.host[std::size_t(first)])) + " is not " +
             std::to_string(as_double(expected[std::size_t(first)])));
}

const auto plain = [](const auto*) { return acc; };
const auto biased_relu = [](const auto* bias) { return relu(acc + per_column(bias)); };
const auto biased_gelu = [](const auto* bias) { return gelu(acc + per_column(bias)); };
const auto clamped = [](const auto* bias) { return clamp(acc + per_column(bias), -128, 127); };

/// One kernel, whatever the shape.
template <class X, class Y, class D, route A, route B, class Tile, class Numbers = integers, class Make>
void check_kernel(const char* what, const shape& s, const Make& make, index c_row = 0, index c_col = 1) {
  const auto launch = [](const auto& a, const auto& b, const auto& c, const auto& e, const batch_strides& batch) {
    return launch_config<mma_config<X, Y, A, B, Tile>>(mma_arguments_of<X, Y>(a, b, c, e, batch), device, nullptr);
  };
  constexpr bool staged = A == route::staged;
  if (staged) {
    check<X, Y, D, Numbers>(what, s, {true, false, 1, 1, c_row, c_col}, launch, make);
    check<X, Y, D, Numbers>(what, s, {false, true, 1, 3, c_row, c_col}, launch, make);
  } else {
    const lie l{A == route::direct_k, B == route::direct_k, 16, 1, c_row, c_col};
    check<X, Y, D, Numbers>(what, s, l, launch, make);
  }
}

constexpr route k = route::direct_k, mn = route::direct_mn, staged = route::staged;
constexpr shape small_shapes[] = {{1, 1, 1}, {3, 5, 0}, {64, 64, 64}, {65, 67, 33}, {70, 200, 301, 3}, {129, 63, 1000}};
constexpr shape large_shapes[] = {{1, 1, 1}, {128, 256, 64}, {300, 520, 200}, {257, 129, 77, 2}, {130, 300, 1000}};

template <class X, class Y, class D>
void check_element(const char* what) {
  using tiles = tiles_of<X>;
  for (const shape& s : small_shapes) {
    check_kernel<X, Y, D, k, k, typename tiles::small>(what, s, plain);
    check_kernel<X, Y, D, k, mn, typename tiles::small>(what, s, plain);
    check_kernel<X, Y, D, mn, k, typename tiles::small>(what, s, plain);
    check_kernel<X, Y, D, mn, mn, typename tiles::small>(what, s, plain);
    check_kernel<X, Y, D, staged, staged, typename tiles::staged>(what, s, plain);
  }
  for (const shape& s : large_shapes) {
    check_kernel<X, Y, D, k, mn, typename tiles::middle>(what, s, plain);
    check_kernel<X, Y, D, mn, k, typename tiles::middle>(what, s, plain);
    check_kernel<X, Y, D, k, k, typename tiles::large>(what, s, plain);
    check_kernel<X, Y, D, mn, mn, typename tiles::large>(what, s, plain);
  }
  if constexpr (std::same_as<typename mma_element<X>::sum, float>) {
    check_kernel<X, Y, D, k, mn, typename tiles::small, normals>(what, {129, 130, 517}, plain);
    check_kernel<X, Y, D, k, k, typename tiles::large, normals>(what, {150, 300, 1029}, plain);
    check_kernel<X, Y, D, staged, staged, typename tiles::staged, normals>(what, {129, 70, 517}, plain);
  }
}

/// Strides of C: odd rows, gaps, columns first.
void check_results() {
  using tile = common_tiles::small;
  for (const shape& s : {shape{65, 67, 40, 2}, {1, 131, 40}, {130, 64, 72}}) {
    check_kernel<f16, f16, f16, k, mn, tile>("odd rows", s, plain, s.n + 1 - s.n % 2);
    check_kernel<f16, f16, f16, k, mn, tile>("gaps", s, plain, 2 * s.n + 2, 2);
    check_kernel<f16, f16, f16, k, mn, tile>("columns first", s, plain, 1, s.m + 3);
    check_kernel<f16, f16, e5m2, k, mn, tile>("e5m2", s, plain);
  }
  check_kernel<bf16, bf16, float, k, mn, common_tiles::large>("relu", {300, 515, 200}, biased_relu);
  check_kernel<bf16, bf16, bf16, k, mn, common_tiles::middle>("gelu", {300, 515, 200}, biased_gelu, 515);
  check_kernel<bf16, bf16, bf16, k, mn, common_tiles::middle, normals>("gelu", {300, 516, 200}, biased_gelu);
  check_kernel<std::int8_t, std::int8_t, std::int8_t, k, mn, common_tiles::middle>("requantized", {300, 515, 200},
                                                                                   clamped);
}

/// launch_mma itself: routes and tiles by strides and sizes, columns first as the transposed problem.
void check_launch() {
  const auto launch = [](const auto& a, const auto& b, const auto& c, const auto& e, const batch_strides& batch) {
    return launch_mma(a, b, c, e, batch, nullptr);
  };
  for (const shape& s : {shape{70, 200, 304, 3}, {2000, 1030, 72}}) {
    for (bool a : {false, true}) {
      for (bool b : {false, true}) {
        check<f16, f16, float, integers>("any strides", s, {a, b, 16, 1}, launch, plain);
        check<f16, f16, float, integers>("any strides, staged", s, {a, b, 1, 1}, launch, plain);
      }
    }
  }
  const auto by_columns = [](const auto& a, const auto& b, const auto& c, const auto& e, const batch_strides& batch) {
    using T = typename std::remove_cvref_t<decltype(a)>::element_type;
    using D = typename std::remove_cvref_t<decltype(c)>::element_type;
    const matrix_view<T, dynamic, dynamic, dynamic, 1> A(a.data(), a.rows(), a.cols(), a.row_stride(), 1);
    const matrix_view<T, dynamic, dynamic, dynamic, 1> B(b.data(), b.rows(), b.cols(), b.row_stride(), 1);
    return launch_mma<tf32>(A, B, column_major(static_cast<D*>(c.data()), c.rows(), c.cols(), c.col_stride()), e, batch,
                            nullptr);
  };
  check<tf32, tf32, float, integers>("columns first, transposed", {70, 130, 100, 2}, {true, false, 16, 1, 1, 72},
                                     by_columns, biased_relu);
}

}  // namespace

int main() {
  if (!ashlar_test::has_device()) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  device = current_device("test").value();
  check_element<f16, f16, f16>("f16");
  check_element<bf16, bf16, float>("bf16");
  check_element<tf32, tf32, float>("tf32");
  check_element<std::int8_t, std::int8_t, std::int32_t>("s8");
  check_kernel<std::uint8_t, std::int8_t, std::int32_t, k, mn, common_tiles::small>("u8 s8", {70, 200, 301}, plain);
  if (device.capability >= 89) {
    check_element<e4m3, e4m3, bf16>("e4m3");
    check_kernel<e5m2, e4m3, e4m3, mn, k, float8_tiles::small>("e5m2 e4m3", {70, 200, 301}, plain);
  }
  check_results();
  check_launch();
  std::printf("%d products, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
