// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_conv_test.cu: direct and depthwise convolutions on a GPU equal the reference bit for bit.
//
// dst lies in poison, which must stay where dst has no element. Exits 77 without a GPU.
//
//   device_conv_test
//
// Depends on: cuda/, reference.hpp, cuda/device_memory.cuh.
#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/depthwise_conv.cuh>
#include <ashlar/reference.hpp>
#include <cuda/device_memory.cuh>
#include <random>
#include <type_traits>

using namespace ashlar;
namespace kernels = ashlar::cuda::detail;

namespace {

using ashlar::index;
using ashlar_test::device_array;

int failures = 0, checks = 0;
std::mt19937 generator(1);

template <class X>
X random_value() {
  if constexpr (std::is_integral_v<X>) {
    return X(std::uniform_int_distribution<int>(-128, 127)(generator));
  } else if constexpr (std::is_same_v<X, double>) {
    return std::uniform_real_distribution<double>(-1, 1)(generator);
  } else {
    return X(std::uniform_real_distribution<float>(-1, 1)(generator));
  }
}

enum class order { nhwc, nhwc_apart, nchw, reversed };

image_axes strides_of(order o, const image_axes& e) {
  const index c = o == order::nhwc_apart ? e.c + 16 : e.c;
  if (o == order::nchw) return {e.c * e.d * e.h * e.w, e.h * e.w, e.w, 1, e.d * e.h * e.w};
  if (o == order::reversed) return {e.d * e.h * e.w * c, e.h * e.w * c, -e.w * c, c, -1};
  return {e.d * e.h * e.w * c, e.h * e.w * c, e.w * c, c, 1};
}

/// Elements of X on both sides, and the same numbers as T on the host; no gap of it is ever written.
template <class X, class T>
struct image {
  image_axes extents, strides;
  device_array<X> elements;
  std::vector<T> wide;
  index first;

  image(const image_axes& e, order o)
      : extents(e),
        strides(strides_of(o, e)),
        elements(std::size_t(e.n * strides.n)),
        wide(elements.host.size()),
        first(o == order::reversed ? -(e.h - 1) * strides.h + e.c - 1 : 0) {
    std::memset(static_cast<void*>(elements.host.data()), 0xFF, elements.host.size() * sizeof(X));
    each([](X& x, T& t) { t = T(x = random_value<X>()); });
    elements.upload();
  }
  image_view<X> on_host() { return {elements.host.data() + first, extents, strides}; }
  image_view<X> on_device() const { return {elements.data() + first, extents, strides}; }
  image_view<T> as_sum() { return {wide.data() + first, extents, strides}; }

  template <class F>
  void each(const F& f) {
    const image_axes& e = extents;
    for (index n = 0; n < e.n; ++n)
      for (index d = 0; d < e.d; ++d)
        for (index h = 0; h < e.h; ++h)
          for (index w = 0; w < e.w; ++w)
            for (index c = 0; c < e.c; ++c) f(on_host()(n, d, h, w, c), as_sum()(n, d, h, w, c));
  }
};

template <class X>
bool same(const X& x, const X& y) {
  if constexpr (std::is_floating_point_v<X>) {
    if (x != x || y != y) return x != x && y != y;
  }
  return std::memcmp(&x, &y, sizeof x) == 0;
}

// What the device has written against the sums in dst.wide, gaps and margins included.
template <class D, class T>
const char* trouble_of(const status& launched, image<D, T>& dst) {
  static char text[256];
  if (!launched.ok()) return std::strncpy(text, launched.message(), sizeof text - 1);
  if (const cudaError_t e = cudaDeviceSynchronize(); e != cudaSuccess) {
    std::printf("the device has failed: %s\n", cudaGetErrorString(e));
    std::exit(1);
  }
  dst.each([](D& x, T& t) { x = kernels::stored<D>(t); });
  const std::vector<D> expected = dst.elements.host;
  if (!dst.elements.download()) return "wrote outside of dst";
  index wrong = 0, at = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!same(expected[i], dst.elements.host[i])) ++wrong, at = index(i);
  }
  if (wrong == 0) return nullptr;
  std::snprintf(text, sizeof text, "%lld of %zu elements differ, the last at %lld", (long long)wrong, expected.size(),
                (long long)at);
  return text;
}

void report(const char* what, const conv_geometry& g, const char* trouble) {
  ++checks;
  if (trouble == nullptr || ++failures > 30) return;
  std::printf(
      "FAILED %s: %lld x %lld,%lld,%lld x %lld -> %lld in %lld groups, kernel %lld,%lld,%lld, stride %lld: %s\n", what,
      (long long)g.batch, (long long)g.src.d, (long long)g.src.h, (long long)g.src.w, (long long)g.channels,
      (long long)g.filters, (long long)g.groups, (long long)g.kernel.d, (long long)g.kernel.h, (long long)g.kernel.w,
      (long long)g.stride.w, trouble);
}

enum class operation { direct, gradient, depthwise };

template <class T, class X, class D>
void check(operation op, const conv_geometry& g, order src_order, order dst_order) {
  const image_axes a{g.batch, g.src.d, g.src.h, g.src.w, g.channels}, b{g.batch, g.dst.d, g.dst.h, g.dst.w, g.filters};
  const bool gradient = op == operation::gradient;
  image<X, T> read(gradient ? b : a, src_order);
  image<D, T> written(gradient ? a : b, dst_order);
  image<X, T> filters({g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels()}, order::nhwc);
  device_array<T> bias{std::size_t(written.extents.c)};
  for (T& x : bias.host) x = random_value<T>();
  bias.upload();
  const auto e = [](const T* p) { return relu(acc + per_column(p)) + dst; };
  const auto as_filters = [&](auto* p) {
    return odhwi(p, g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  };
  const image_view<const X> x = read.on_device();
  const auto w = as_filters(static_cast<const X*>(filters.elements.data()));
  const auto y = written.on_device();
  status s;
  const filter_view<const T> wide = as_filters(static_cast<const T*>(filters.wide.data()));
  if (gradient) {
    s = kernels::launch_direct_conv_backward_data<T>(x, w, y, e(bias.data()), g, nullptr);
    reference::transposed_convolution<T>(g, read.as_sum(), wide, written.as_sum(), e(bias.host.data()));
  } else {
    s = op == operation::direct ? kernels::launch_direct_conv<T>(x, w, y, e(bias.data()), g, nullptr)
                                : kernels::launch_depthwise_conv<T>(x, w, y, e(bias.data()), g, nullptr);
    reference::convolution<T>(g, read.as_sum(), wide, written.as_sum(), e(bias.host.data()));
  }
  constexpr const char* names[] = {"direct", "gradient", "depthwise"};
  report(names[int(op)], g, trouble_of(s, written));
}

template <class T, class X, class D, int Rank>
void check_direct(const conv_problem<Rank>& p) {
  const conv_geometry g = ashlar::detail::geometry_of(p).value();
  for (const order src : {order::nhwc, order::nhwc_apart, order::nchw, order::reversed}) {
    for (const order dst : {order::nhwc, order::nchw, order::reversed}) {
      check<T, X, D>(operation::direct, g, src, dst);
      check<T, X, D>(operation::gradient, g, src, dst);
    }
  }
}

template <class T, class X, class D>
void check_any() {
  check_direct<T, X, D>(conv2d{.src = {2, 9, 11, 5}, .weights = {7, 3, 3, 5}, .padding = ashlar::same});
  check_direct<T, X, D>(conv2d{.src = {1, 8, 13, 6},
                               .weights = {9, 3, 2, 2},
                               .stride = {2, 3},
                               .dilation = {1, 2},
                               .padding = {{2, 1}, {1, 3}},
                               .groups = 3});
  check_direct<T, X, D>(conv1d{.src = {3, 40, 4}, .weights = {33, 5, 4}, .stride = {2}, .padding = ashlar::same});
  check_direct<T, X, D>(conv3d{.src = {1, 4, 5, 6, 3},
                               .weights = {4, 2, 3, 3, 3},
                               .stride = {1, 2, 1},
                               .dilation = {2, 1, 1},
                               .padding = {{1, 1, 0}, {1, 0, 2}}});
  check_direct<T, X, D>(
      conv2d{.src = {2, 6, 6, 12}, .weights = {12, 3, 3, 1}, .stride = {2, 2}, .padding = ashlar::same, .groups = 12});
}

template <class X, class D>
void check_depthwise() {
  for (const index c : {8, 32, 72, 144, 20}) {  // 20: not a whole vector of 16-bit elements
    for (const index window : {3, 5}) {
      for (const index stride : {1, 2}) {
        for (const index size : {1, 7, 14, 28, 37, 56}) {
          conv2d p{.src = {2, size, size + 1, c},
                   .weights = {c, window, window, 1},
                   .stride = {stride, stride},
                   .padding = ashlar::same,
                   .groups = c};
          if (size % 7 == 0) p.src[2] = size;
          const conv_geometry g = ashlar::detail::geometry_of(p).value();
          check<float, X, D>(operation::depthwise, g, order::nhwc, order::nhwc);
          check<float, X, D>(operation::depthwise, g, order::nhwc_apart, order::nhwc_apart);
          if (size == 7) check<float, X, D>(operation::depthwise, g, order::nchw, order::nhwc);
        }
      }
    }
  }
}

}  // namespace

int main() {
  if (!ashlar_test::has_device()) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  check_any<float, float, float>();
  check_any<double, double, double>();
  check_any<std::int32_t, std::int8_t, std::int32_t>();
  check_any<float, bf16, bf16>();
  check_any<float, f16, float>();
  check_depthwise<float, float>();
  check_depthwise<bf16, bf16>();
  check_depthwise<f16, f16>();
  check_depthwise<bf16, float>();
  std::printf("%d convolutions, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
