// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_simt_gemm_test.cu: the exact CUDA product on a GPU equals the reference bit for bit.
//
// Everything that is no element of a matrix is NaN and must stay so: the gaps between rows, and a margin around each
// matrix. Every tile runs every problem, also those that the model would give another. Exits 77 without a GPU.
//
//   device_simt_gemm_test [seed]
//
// Depends on: cuda/, reference.hpp, tests/support/bits.hpp.
#include <ashlar/cuda/simt_gemm.cuh>
#include <ashlar/reference.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/bits.hpp"

namespace ashlar::test {
namespace {

namespace cd = cuda::detail;

int failures = 0, checks = 0;

void report(const std::string& what, const std::string& wrong) {
  ++checks;
  if (wrong.empty()) return;
  if (++failures <= 20) std::printf("FAILED %s: %s\n", what.c_str(), wrong.c_str());
}

bool cuda_ok(cudaError_t error, const char* call) {
  if (error != cudaSuccess) report(call, cudaGetErrorString(error));
  return error == cudaSuccess;
}

std::uint64_t state = 1;
std::uint64_t random_bits() {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}
template <class X>
X random_value() {
  if constexpr (std::is_integral_v<X>) {
    return X(random_bits() % 255) - X(127);
  } else if constexpr (std::is_same_v<X, double>) {
    return double(std::int64_t(random_bits())) * 0x1p-63;
  } else {
    return X(float(std::int64_t(random_bits())) * 0x1p-63f);
  }
}

/// The same elements on the host and on the device, between margins of poison.
template <class X>
class array {
 public:
  explicit array(index count) : host_(std::size_t(count + 2 * margin), poison<X>()) {
    cuda_ok(cudaMalloc(&device_, host_.size() * sizeof(X)), "cudaMalloc");
  }
  array(const array&) = delete;
  array& operator=(const array&) = delete;
  ~array() { (void)cudaFree(device_); }

  X* host() { return host_.data() + margin; }
  X* device() const { return device_ + margin; }
  void send() const {
    cuda_ok(cudaMemcpy(device_, host_.data(), host_.size() * sizeof(X), cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  /// The first element in which the device differs from the host, margins included; or nothing.
  std::string difference() const {
    std::vector<X> got(host_.size());
    if (!cuda_ok(cudaMemcpy(got.data(), device_, got.size() * sizeof(X), cudaMemcpyDeviceToHost), "cudaMemcpy"))
      return {};
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (std::memcmp(&got[i], &host_[i], sizeof(X)) == 0) continue;
      return "offset " + std::to_string(index(i) - margin) + " is " + shown(got[i]) + ", not " + shown(host_[i]);
    }
    return {};
  }

 private:
  static constexpr index margin = 64;
  std::vector<X> host_;
  X* device_ = nullptr;
};

struct layout {
  index row, col;
};
index span(layout l, index m, index n) {
  return m == 0 || n == 0 ? 0 : (m - 1) * std::abs(l.row) + (n - 1) * std::abs(l.col) + 1;
}
index origin(layout l, index m, index n) {
  return m == 0 || n == 0 ? 0 : (l.row < 0 ? (1 - m) * l.row : 0) + (l.col < 0 ? (1 - n) * l.col : 0);
}

/// `count` matrices, one after another, and views of the first with the strides of V's type.
template <class X>
struct matrix {
  index m, n, count, distance;
  layout at;
  array<X> elements;

  matrix(index rows, index cols, layout l, index images = 1, index gap = 0)
      : m(rows), n(cols), count(images), distance(span(l, rows, cols) + gap), at(l), elements(images * distance) {
    for (index p = 0; p < count; ++p) {
      for (index i = 0; i < m; ++i)
        for (index j = 0; j < n; ++j) on_host(p)(i, j) = random_value<X>();
    }
    elements.send();
  }
  matrix_view<X> on_host(index p) { return {elements.host() + origin(at, m, n) + p * distance, m, n, at.row, at.col}; }
  matrix_view<X> on_device() const { return {elements.device() + origin(at, m, n), m, n, at.row, at.col}; }
};

// Runs `launch` and the reference on the same problem. T: the type of the sum.
template <class T, class X, class D, class Launch, class E>
void compare(const std::string& name, matrix<X>& a, matrix<X>& b, matrix<D>& c, const E& e, const Launch& launch) {
  const status s = launch();
  if (!s.ok()) return report(name, s.message());
  if (!cuda_ok(cudaDeviceSynchronize(), name.c_str())) return;
  std::vector<T> at(std::size_t(a.m * a.n)), bt(std::size_t(b.m * b.n)), ct(std::size_t(c.m * c.n));
  const auto copy = [](const auto& from, const auto& to) {
    for (index i = 0; i < to.rows(); ++i)
      for (index j = 0; j < to.cols(); ++j)
        to(i, j) = static_cast<std::remove_reference_t<decltype(to(0, 0))>>(from(i, j));
  };
  const auto av = view(at.data(), a.m, a.n), bv = view(bt.data(), b.m, b.n), cv = view(ct.data(), c.m, c.n);
  for (index p = 0; p < c.count; ++p) {
    copy(a.on_host(a.count > 1 ? p : 0), av);
    copy(b.on_host(b.count > 1 ? p : 0), bv);
    copy(c.on_host(p), cv);
    reference::gemm(av, bv, cv, e);
    copy(cv, c.on_host(p));
  }
  report(name, c.elements.difference());
}

struct problem {
  index m, n, k;
};
std::string text(const problem& x) {
  return std::to_string(x.m) + " x " + std::to_string(x.n) + " x " + std::to_string(x.k);
}

constexpr problem problems[] = {{1, 1, 1},      {1, 1, 0},       {128, 128, 32}, {128, 128, 8},  {64, 64, 64},
                                {129, 127, 33}, {5, 300, 41},    {300, 5, 41},   {16, 64, 100},  {37, 70, 7},
                                {256, 384, 96}, {257, 385, 101}, {1, 513, 64},   {513, 1, 64},   {33, 33, 0},
                                {0, 7, 3},      {7, 0, 3},       {700, 900, 55}, {130, 260, 515}};

// launch_simt, or one tile whether the model would take it or not.
template <class T, class A, class B, class C, class E>
status launch_with(int shape, const A& a, const B& b, const C& c, const E& e, const cuda::batch_strides& batch) {
  if (shape < 0 || c.empty()) return cd::launch_simt<T>(a, b, c, e, batch, nullptr);
  const cd::simt_problem<A, B, C, E> p{a, b, c, e, batch, 0, {}, cd::strips_of_c<cd::strip<T>>(c, batch)};
  switch (shape) {
    case 0:
      return cd::launch_simt_shape<0, T>(p, nullptr);
    case 1:
      return cd::launch_simt_shape<1, T>(p, nullptr);
    case 2:
      return cd::launch_simt_shape<2, T>(p, nullptr);
    case 3:
      return cd::launch_simt_shape<3, T>(p, nullptr);
    default:
      return cd::launch_simt_shape<4, T>(p, nullptr);
  }
}

auto rows_of(const auto& v) { return view(v.data(), v.rows(), v.cols(), v.row_stride()); }
auto columns_of(const auto& v) { return column_major(v.data(), v.rows(), v.cols(), v.col_stride()); }
template <class V>
auto reading(const V& v) {
  return matrix_view<const typename V::value_type, V::static_rows, V::static_cols, V::static_row_stride,
                     V::static_col_stride>(v);
}

// Rows with a leading dimension that is a multiple of 4 (16-byte copies), or not.
template <class T, class X, class D, class MakeE>
void test_rows(const char* what, const MakeE& make) {
  for (const problem& x : problems) {
    for (const index gap : {0, 1, 4}) {
      for (int shape = -1; shape < 5; ++shape) {
        const auto ld = [&](index n) { return gap == 4 ? (n + 3) / 4 * 4 + 4 : n + gap; };
        matrix<X> a(x.m, x.k, {ld(x.k), 1}), b(x.k, x.n, {ld(x.n), 1});
        matrix<D> c(x.m, x.n, {ld(x.n), 1});
        array<T> bias(x.n + 1);
        for (index j = 0; j <= x.n; ++j) bias.host()[j] = random_value<T>();
        bias.send();
        compare<T>(std::string(what) + " " + text(x) + " gap " + std::to_string(gap) + " tile " + std::to_string(shape),
                   a, b, c, make(bias.host()), [&] {
                     return launch_with<T>(shape, reading(rows_of(a.on_device())), reading(rows_of(b.on_device())),
                                           rows_of(c.on_device()), make(bias.device()), {});
                   });
      }
    }
  }
}

// A, B and C each of rows, of columns, reversed or with gaps between elements; strides known when it runs.
void test_strides() {
  const auto lie = [](int which, index m, index n) -> layout {
    const index m4 = (m + 3) / 4 * 4;
    switch (which) {
      case 0:
        return {n, 1};
      case 1:
        return {1, m4};
      case 2:
        return {-(n + 3), 1};
      case 3:
        return {-1, m + 1};
      default:
        return {2 * n + 1, -2};
    }
  };
  for (const problem& x : problems) {
    for (int which = 0; which < 125; which += x.m * x.n * x.k > 1000000 ? 7 : 1) {
      const int shape = int(random_bits() % 6) - 1;
      matrix<float> a(x.m, x.k, lie(which % 5, x.m, x.k)), b(x.k, x.n, lie(which / 5 % 5, x.k, x.n));
      matrix<float> c(x.m, x.n, lie(which / 25, x.m, x.n));
      compare<float>(
          "strides " + std::to_string(which) + " " + text(x) + " tile " + std::to_string(shape), a, b, c, acc, [&] {
            return launch_with<float>(shape, reading(a.on_device()), reading(b.on_device()), c.on_device(), acc, {});
          });
    }
  }
}

// C of columns is launched as the transposed problem: the epilogue's operands change places too.
void test_columns() {
  for (const problem& x : problems) {
    matrix<float> a(x.m, x.k, {1, x.m + 1}), b(x.k, x.n, {1, x.k}), c(x.m, x.n, {1, (x.m + 3) / 4 * 4});
    array<float> bias(x.n + 1);
    for (index j = 0; j <= x.n; ++j) bias.host()[j] = random_value<float>();
    bias.send();
    const auto e = [](const float* p) { return relu(acc + per_column(p)) + dst; };
    compare<float>("columns " + text(x), a, b, c, e(bias.host()), [&] {
      return launch_with<float>(-1, reading(columns_of(a.on_device())), reading(columns_of(b.on_device())),
                                columns_of(c.on_device()), e(bias.device()), {});
    });
  }
}

void test_batches() {
  const auto run = [](problem x, index count, bool share_b, index gap) {
    matrix<float> a(x.m, x.k, {x.k, 1}, count, gap), b(x.k, x.n, {x.n, 1}, share_b ? 1 : count, gap);
    matrix<float> c(x.m, x.n, {x.n, 1}, count, gap);
    const cuda::batch_strides batch{count, a.distance, share_b ? 0 : b.distance, c.distance};
    compare<float>("batch of " + std::to_string(count) + " " + text(x), a, b, c, acc, [&] {
      return launch_with<float>(-1, reading(rows_of(a.on_device())), reading(rows_of(b.on_device())),
                                rows_of(c.on_device()), acc, batch);
    });
  };
  run({8, 8, 4}, 70000, false, 0);  // more than a dimension of a grid but x has
  run({40, 36, 12}, 300, false, 0);
  run({40, 36, 12}, 300, true, 4);
  run({130, 132, 20}, 7, false, 3);
  run({1, 1, 1}, 0, false, 0);
}

int run_all() {
  const auto plain = [](const auto*) { return acc; };
  test_rows<float, float, float>("f32", plain);
  test_rows<float, float, float>("f32 relu(acc + bias)", [](const float* p) { return relu(acc + per_column(p)); });
  test_rows<float, float, float>("f32 0.5 acc + 2 dst", [](const float*) { return 0.5f * acc + 2.0f * dst; });
  test_rows<float, float, float>("f32 gelu", [](const float*) { return gelu(acc); });
  test_rows<double, double, double>("f64", plain);
  test_rows<std::int32_t, std::int8_t, std::int32_t>("s8", plain);
  test_rows<float, bf16, bf16>("bf16", plain);
  test_strides();
  test_columns();
  test_batches();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ashlar::test

int main(int count, char** arguments) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  if (count > 1) ashlar::test::state = std::strtoull(arguments[1], nullptr, 0);
  return ashlar::test::run_all();
}
