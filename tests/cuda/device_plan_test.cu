// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_plan_test.cu: convolutions on the GPU as a user plans and runs them: every element type, layouts,
// groups, gradients, errors. Small integers, so that every sum is exact and all results are equal to the bit.
#include <ashlar/cuda/conv.cuh>
#include <ashlar/reference/conv.hpp>
#include <cuda/device_memory.cuh>
#include <random>

using namespace ashlar;

namespace {

using ashlar::index;
int failures = 0, checks = 0;

void expect(bool ok, const char* what, const char* which = "") {
  ++checks;
  if (ok) return;
  ++failures;
  std::printf("FAILED %s %s\n", what, which);
}

template <class T>
struct tensor {
  explicit tensor(index size) : memory(std::size_t(size)) {}
  void fill(unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> small(-2, 2);
    for (T& x : memory.host) x = T(static_cast<float>(small(random)));
    memory.upload();
  }
  template <class U>
  std::vector<U> as() const {
    std::vector<U> all;
    for (const T& x : memory.host) all.push_back(static_cast<U>(static_cast<float>(x)));
    return all;
  }
  ashlar_test::device_array<T> memory;
};

enum class layout { nhwc, nchw };
template <class T>
image_view<T> image(T* p, layout l, index n, index h, index w, index c) {
  return l == layout::nhwc ? nhwc(p, n, h, w, c) : nchw(p, n, c, h, w);
}

template <class D, class U>
bool equal(const std::vector<D>& got, const std::vector<U>& wanted) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!(static_cast<float>(got[i]) == static_cast<float>(D(wanted[i])))) return false;
  }
  return true;
}

template <class X, class D>
void check_plan(const char* what, const conv2d& p, layout l) {
  using T = cuda::detail::sum_of<X>;
  const auto plan = cuda::plan_conv2d(p);
  if (!plan.ok()) return expect(false, what, plan.error().message());
  const conv_geometry& g = plan.value().geometry();
  tensor<X> src(g.batch * volume(g.src) * g.channels), dst(g.batch * volume(g.dst) * g.filters),
      w(g.filters * g.taps() * g.group_channels());
  tensor<D> y(index(dst.memory.host.size())), dx(index(src.memory.host.size()));
  tensor<T> bias(g.filters);
  src.fill(1), dst.fill(2), w.fill(3), bias.fill(4);
  const auto filters = [&](auto* data) { return ohwi(data, g.filters, g.kernel.h, g.kernel.w, g.group_channels()); };
  const auto src_image = [&](auto* data) { return image(data, l, g.batch, g.src.h, g.src.w, g.channels); };
  const auto dst_image = [&](auto* data) { return image(data, l, g.batch, g.dst.h, g.dst.w, g.filters); };

  const auto hw = w.template as<T>();
  std::vector<T> wanted(y.memory.host.size()), wanted_dx(dx.memory.host.size());
  const auto hx = src.template as<T>(), hy = dst.template as<T>();
  reference::convolution<T>(g, src_image(hx.data()), filters(hw.data()), dst_image(wanted.data()),
                            relu(acc + per_column(static_cast<const T*>(bias.memory.host.data()))));
  reference::transposed_convolution<T>(g, dst_image(hy.data()), filters(hw.data()), src_image(wanted_dx.data()));

  status s = plan.value().run(src_image(src.memory.data()), filters(w.memory.data()), dst_image(y.memory.data()),
                              relu(acc + per_column(static_cast<const T*>(bias.memory.data()))));
  expect(s.ok(), what, s.message());
  expect(cudaDeviceSynchronize() == cudaSuccess && y.memory.download(), what, "runs, writes inside dst");
  expect(equal(y.memory.host, wanted), what, "forward");
  s = plan.value().run_backward_data(dst_image(dst.memory.data()), filters(w.memory.data()),
                                     src_image(dx.memory.data()));
  expect(s.ok(), what, s.message());
  expect(cudaDeviceSynchronize() == cudaSuccess && dx.memory.download(), what, "runs, writes inside the gradient");
  expect(equal(dx.memory.host, wanted_dx), what, "gradient of src");
}

template <class X, class D>
void check_type(const char* what) {
  for (const layout l : {layout::nhwc, layout::nchw}) {
    check_plan<X, D>(what, {.src = {2, 9, 10, 32}, .weights = {40, 3, 3, 32}, .padding = same}, l);
    check_plan<X, D>(
        what, {.src = {1, 12, 11, 16}, .weights = {24, 3, 2, 16}, .stride = {2, 1}, .padding = {{1, 0}, {2, 1}}}, l);
    check_plan<X, D>(what, {.src = {2, 8, 8, 48}, .weights = {48, 3, 3, 1}, .padding = same, .groups = 48}, l);
    check_plan<X, D>(
        what, {.src = {1, 15, 15, 24}, .weights = {36, 5, 5, 6}, .dilation = {2, 2}, .padding = same, .groups = 4}, l);
    check_plan<X, D>(what, {.src = {1, 7, 7, 3}, .weights = {5, 7, 7, 3}, .padding = same}, l);
  }
}

void check_errors() {
  expect(cuda::plan_conv2d({.src = {1, 2, 2, 3}, .weights = {4, 3, 3, 3}}).error().code() == errc::bad_geometry,
         "kernel too large");
  const auto plan = cuda::plan_conv2d({.src = {1, 4, 4, 8}, .weights = {8, 3, 3, 8}, .padding = same});
  tensor<float> x(128), w(576), y(128);
  const auto code = [&](auto src, auto weights, auto dst) { return plan.value().run(src, weights, dst).code(); };
  const auto X = nhwc(x.memory.data(), 1, 4, 4, 8), Y = nhwc(y.memory.data(), 1, 4, 4, 8);
  const auto W = ohwi(w.memory.data(), 8, 3, 3, 8);
  expect(code(nhwc(x.memory.data(), 1, 4, 3, 8), W, Y) == errc::shape_mismatch, "shape of src");
  expect(code(X, ohwi(w.memory.data(), 8, 3, 3, 4), Y) == errc::shape_mismatch, "shape of weights");
  expect(code(X, W, nhwc(static_cast<float*>(nullptr), 1, 4, 4, 8)) == errc::null_pointer, "null dst");
  expect(code(X, W, X) == errc::aliasing, "dst in src");
}

}  // namespace

int main() {
  if (!ashlar_test::has_device()) {
    std::puts("skipped: no CUDA device");
    return 77;
  }
  check_errors();
  check_type<float, float>("f32");
  check_type<double, double>("f64");
  check_type<bf16, bf16>("bf16");
  check_type<f16, float>("f16");
  check_type<std::int8_t, std::int32_t>("int8");
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
