// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_sm90_conv_test.cu: convolutions and gradients of src by the Hopper kernel on a GPU, against the sum
// that defines them. The operands are small integers, so that every sum is exact and results must be equal to the bit.
#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/sm90_conv.cuh>
#include <cuda/device_memory.cuh>
#include <memory>
#include <random>

using namespace ashlar;
using ashlar::cuda::sm90_tile;
namespace kernels = ashlar::cuda::detail;

namespace {

using ashlar::index;

int failures = 0, checks = 0;

template <class T>
void fill(ashlar_test::device_array<T>& a, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> small(-3, 3);
  for (T& x : a.host) x = T(static_cast<float>(small(random)));
  a.upload();
}

template <class T, class D, class E>
void define_forward(const conv_geometry& g, const std::vector<T>& src, const std::vector<T>& weights,
                    std::vector<D>& dst, const E& e) {
  const auto x = nhwc(src.data(), g.batch, g.src.h, g.src.w, g.channels);
  const auto w = ohwi(weights.data(), g.filters, g.kernel.h, g.kernel.w, g.channels);
  const auto rows = kernels::pixel_rows(nhwc(dst.data(), g.batch, g.dst.h, g.dst.w, g.filters));
  for (index n = 0, row = 0; n < g.batch; ++n)
    for (index p = 0; p < g.dst.h; ++p)
      for (index q = 0; q < g.dst.w; ++q, ++row)
        for (index k = 0; k < g.filters; ++k) {
          float sum = 0;
          for (index r = 0; r < g.kernel.h; ++r)
            for (index s = 0; s < g.kernel.w; ++s) {
              const index h = p * g.stride.h - g.before.h + r * g.dilation.h,
                          v = q * g.stride.w - g.before.w + s * g.dilation.w;
              if (h < 0 || h >= g.src.h || v < 0 || v >= g.src.w) continue;
              for (index c = 0; c < g.channels; ++c) sum += float(x(n, 0, h, v, c)) * float(w(k, 0, r, s, c));
            }
          rows(row, k) = kernels::stored<D>(kernels::finished(e, sum, rows, row, k));
        }
}

template <class T, class D>
void define_gradient(const conv_geometry& g, const std::vector<T>& dst, const std::vector<T>& weights,
                     std::vector<D>& src) {
  const auto y = nhwc(dst.data(), g.batch, g.dst.h, g.dst.w, g.filters);
  const auto w = ohwi(weights.data(), g.filters, g.kernel.h, g.kernel.w, g.channels);
  std::vector<float> sums(src.size());
  const auto x = nhwc(sums.data(), g.batch, g.src.h, g.src.w, g.channels);
  for (index n = 0; n < g.batch; ++n)
    for (index p = 0; p < g.dst.h; ++p)
      for (index q = 0; q < g.dst.w; ++q)
        for (index r = 0; r < g.kernel.h; ++r)
          for (index s = 0; s < g.kernel.w; ++s) {
            const index h = p * g.stride.h - g.before.h + r * g.dilation.h,
                        v = q * g.stride.w - g.before.w + s * g.dilation.w;
            if (h < 0 || h >= g.src.h || v < 0 || v >= g.src.w) continue;
            for (index k = 0; k < g.filters; ++k)
              for (index c = 0; c < g.channels; ++c)
                x(n, 0, h, v, c) += float(y(n, 0, p, q, k)) * float(w(k, 0, r, s, c));
          }
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = kernels::stored<D>(sums[i]);
}

template <class D>
void compare(const char* what, const conv2d& p, const status& launched, ashlar_test::device_array<D>& got,
             const std::vector<D>& expected) {
  ++checks;
  index wrong = 0;
  const char* trouble = nullptr;
  if (!launched.ok()) {
    trouble = launched.message();
  } else if (const cudaError_t e = cudaDeviceSynchronize(); e != cudaSuccess) {
    std::printf("%s: %s\n", what, cudaGetErrorString(e));
    std::exit(1);
  } else if (!got.download()) {
    trouble = "wrote outside";
  } else {
    for (std::size_t i = 0; i < expected.size(); ++i) wrong += std::memcmp(&expected[i], &got.host[i], sizeof(D)) != 0;
    if (wrong > 0) trouble = "differs";
  }
  if (trouble == nullptr) return;
  if (++failures < 30) {
    std::printf("%s %lldx%lldx%lldx%lld, %lld filters %lldx%lld stride %lld dilation %lld: %s (%lld elements)\n", what,
                (long long)p.src[0], (long long)p.src[1], (long long)p.src[2], (long long)p.src[3],
                (long long)p.weights[0], (long long)p.weights[1], (long long)p.weights[2], (long long)p.stride[0],
                (long long)p.dilation[0], trouble, (long long)wrong);
  }
}

template <class In, class D, sm90_tile S>
void check(const conv2d& p) {
  const auto made = ashlar::detail::geometry_of(p);
  if (!made.ok())
    return compare<D>("geometry", p, made.error(), *std::make_unique<ashlar_test::device_array<D>>(1), {});
  const conv_geometry& g = made.value();
  static const auto device = kernels::current_device("test").value();
  ashlar_test::device_array<In> src(std::size_t(g.batch * volume(g.src) * g.channels)),
      dst(std::size_t(g.batch * volume(g.dst) * g.filters));
  ashlar_test::device_array<In> weights(std::size_t(g.filters * g.taps() * g.channels));
  ashlar_test::device_array<D> forward(dst.host.size()), gradient(src.host.size());
  ashlar_test::device_array<float> bias(std::size_t(g.filters));
  fill(src, 1), fill(dst, 2), fill(weights, 3), fill(bias, 4);
  const auto x = nhwc<const In>(src.data(), g.batch, g.src.h, g.src.w, g.channels),
             y = nhwc<const In>(dst.data(), g.batch, g.dst.h, g.dst.w, g.filters);
  const auto w = ohwi<const In>(weights.data(), g.filters, g.kernel.h, g.kernel.w, g.channels);
  const auto fy = kernels::pixel_rows(nhwc(forward.data(), g.batch, g.dst.h, g.dst.w, g.filters));
  const auto gx = kernels::pixel_rows(nhwc(gradient.data(), g.batch, g.src.h, g.src.w, g.channels));
  const auto e = [](const float* b) { return relu(acc + per_column(b)); };

  std::vector<D> expected(forward.host.size());
  define_forward(g, src.host, weights.host, expected, e(bias.host.data()));
  compare("forward", p,
          kernels::launch_sm90_conv<In, S, false>(x, w, fy, e(bias.data()), kernels::forward_walk(g), device, nullptr),
          forward, expected);
  if constexpr (kernels::any_major<In>) {
    if (g.stride != triple{}) return;
    std::vector<D> grad(gradient.host.size());
    define_gradient(g, dst.host, weights.host, grad);
    compare("gradient", p,
            kernels::launch_sm90_conv<In, S, true>(y, w, gx, acc, kernels::gradient_walk(g), device, nullptr), gradient,
            grad);
  }
}

template <class In, class D, sm90_tile S>
void check_all() {
  check<In, D, S>({.src = {2, 14, 14, 64}, .weights = {64, 3, 3, 64}, .padding = same});
  check<In, D, S>({.src = {1, 7, 9, 32}, .weights = {40, 3, 3, 32}, .padding = same});
  check<In, D, S>({.src = {3, 13, 11, 80}, .weights = {136, 3, 3, 80}, .stride = {2, 2}, .padding = same});
  check<In, D, S>({.src = {2, 16, 17, 96}, .weights = {72, 1, 1, 96}, .stride = {2, 2}});
  check<In, D, S>({.src = {1, 20, 20, 16}, .weights = {16, 5, 7, 16}, .dilation = {2, 1}, .padding = {{4, 3}, {2, 1}}});
  check<In, D, S>({.src = {5, 6, 6, 128}, .weights = {256, 2, 3, 128}, .padding = {{0, 1}, {1, 2}}});
}

}  // namespace

int main() {
  if (!ashlar_test::has_device()) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  check_all<bf16, bf16, sm90_tile{128, 128, 6, 2, 2, 1, true}>();
  check_all<f16, float, sm90_tile{64, 128, 8, 2, 2, 1, true}>();
  check_all<bf16, bf16, sm90_tile{128, 64, 8, 2, 1, 1, true}>();
  std::printf("%d convolutions, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
