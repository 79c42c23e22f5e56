// SPDX-License-Identifier: Apache-2.0
// bench/peers/onednn.cpp: oneDNN's matmul, convolution and its gradients; constant weights, the gradient of weights,
// and in a layout of its own the images too, are in the format that it prefers ("any"), reordered before or afterwards.
#include <array>
#include <cstdint>
#include <cstdio>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "peer.h"

namespace {
using dnnl::memory;
using tag = memory::format_tag;

using memory_type = memory::data_type;
constexpr auto f32 = memory_type::f32;

// Version 2 had operation descriptors between the shapes and the primitive.
#if DNNL_VERSION_MAJOR >= 3
dnnl::matmul::primitive_desc describe(const memory::desc& a, const memory::desc& b, const memory::desc& c,
                                      const dnnl::primitive_attr& attr, const dnnl::engine& engine) {
  return {engine, a, b, c, attr};
}
template <class... Shapes>
dnnl::convolution_forward::primitive_desc describe_conv(const dnnl::primitive_attr& attr, const dnnl::engine& engine,
                                                        dnnl::prop_kind kind, const Shapes&... shapes) {
  return {engine, kind, dnnl::algorithm::convolution_direct, shapes..., attr};
}
template <class Gradient, class... Shapes>
typename Gradient::primitive_desc describe_gradient(const dnnl::primitive_attr& attr, const dnnl::engine& engine,
                                                    const dnnl::convolution_forward::primitive_desc& forward,
                                                    const Shapes&... shapes) {
  return {engine, dnnl::algorithm::convolution_direct, shapes..., forward, attr};
}
void append_relu(dnnl::post_ops& ops) { ops.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0); }
// A float for each channel multiplies sums before the bias is added; it is an argument.
constexpr int scales_argument = DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS;
void scale_channels(dnnl::primitive_attr& attr, const ashlar_peer_conv_problem& p) {
  attr.set_scales_mask(DNNL_ARG_WEIGHTS, p.groups == 1 ? 1 : 3);
}
#else
dnnl::matmul::primitive_desc describe(const memory::desc& a, const memory::desc& b, const memory::desc& c,
                                      const dnnl::primitive_attr& attr, const dnnl::engine& engine) {
  return {dnnl::matmul::desc(a, b, c), attr, engine};
}
template <class... Shapes>
dnnl::convolution_forward::primitive_desc describe_conv(const dnnl::primitive_attr& attr, const dnnl::engine& engine,
                                                        dnnl::prop_kind kind, const Shapes&... shapes) {
  const dnnl::convolution_forward::desc operation(kind, dnnl::algorithm::convolution_direct, shapes...);
  return {operation, attr, engine};
}
template <class Gradient, class... Shapes>
typename Gradient::primitive_desc describe_gradient(const dnnl::primitive_attr& attr, const dnnl::engine& engine,
                                                    const dnnl::convolution_forward::primitive_desc& forward,
                                                    const Shapes&... shapes) {
  const typename Gradient::desc operation(dnnl::algorithm::convolution_direct, shapes...);
  return {operation, attr, engine, forward};
}
void append_relu(dnnl::post_ops& ops) { ops.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0); }
// The same after it, and no argument.
constexpr int scales_argument = 0;
void scale_channels(dnnl::primitive_attr& attr, const ashlar_peer_conv_problem& p) {
  attr.set_output_scales(2, {p.scales, p.scales + p.k});
}
#endif

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

struct call {
  dnnl::stream stream{engine()};
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory result, dst;  // what run() leaves, and where result() brings it

  void copy(memory from, memory to) {
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  }
  // The same contents in another format; the memory itself where it is that already.
  memory in(const memory::desc& wanted, const memory& m) {
    if (m.get_desc() == wanted) return m;
    memory other(wanted, engine());
    copy(m, other);
    return other;
  }
  void run() {
    primitive.execute(stream, arguments);
    stream.wait();
  }
};

memory over(const memory::desc& desc, const void* data) { return {desc, engine(), const_cast<void*>(data)}; }

dnnl::primitive_attr own_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

int open(const char* isa, int, char* version, std::size_t size) {
  const std::string_view target = isa;
  if (target == "avx2") dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  const dnnl_version_t* v = dnnl_version();
  std::snprintf(version, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
  return 1;
}

int supports_gemm(const ashlar_peer_gemm_problem* p) {
  return p->dtype != ashlar_peer_f64;  // matmul has none on CPUs
}

memory::desc matrix(std::int64_t rows, std::int64_t cols, memory_type type, bool transposed) {
  return {{rows, cols}, type, transposed ? tag::ba : tag::ab};
}

void build(call& c, const ashlar_peer_gemm_problem& p) {
  const bool bytes = p.dtype == ashlar_peer_u8s8;
  const auto float_type = p.dtype == ashlar_peer_bf16 ? memory_type::bf16 : f32;
  const auto b_type = bytes ? memory_type::s8 : float_type;
  const auto a = matrix(p.m, p.k, bytes ? memory_type::u8 : float_type, p.transposed_a);
  const auto b = matrix(p.k, p.n, b_type, p.transposed_b);
  const auto dst = matrix(p.m, p.n, bytes ? memory_type::s32 : f32, false);
  const auto chosen = p.prepacked ? memory::desc({p.k, p.n}, b_type, tag::any) : b;
  const auto pd = describe(a, chosen, dst, own_scratchpad(), engine());
  c.primitive = dnnl::matmul(pd);
  c.arguments = {{DNNL_ARG_SRC, over(a, p.a)},
                 {DNNL_ARG_WEIGHTS, c.in(pd.weights_desc(), over(b, p.b))},
                 {DNNL_ARG_DST, over(dst, p.c)},
                 {DNNL_ARG_SCRATCHPAD, memory(pd.scratchpad_desc(), engine())}};
}

int supports_conv(const ashlar_peer_conv_problem*) { return 1; }

// oneDNN's order is k, c, r, s, with groups before them where there are several; in memory they are k, r, s, c.
memory::dims filter_extents(const ashlar_peer_conv_problem& p) {
  if (p.groups == 1) return {p.k, p.c, p.r, p.s};
  return {p.groups, p.k / p.groups, p.c / p.groups, p.r, p.s};
}
memory::dims filter_strides(const ashlar_peer_conv_problem& p) {
  const std::int64_t c = p.c / p.groups, k = p.k / p.groups, size = p.r * p.s * c;
  if (p.groups == 1) return {size, 1, p.s * c, c};
  return {k * size, size, 1, p.s * c, c};
}

// The bias in the order of the operations, as floats.
memory bias_in_floats(const ashlar_peer_conv_problem& p) {
  memory m({{p.k}, f32, tag::a}, engine());
  float* const to = static_cast<float*>(m.get_data_handle());
  const auto* const from = static_cast<const std::int32_t*>(p.bias);
  for (std::int64_t k = 0; k < p.k; ++k) to[k] = float(from[k]) * (scales_argument ? p.scales[k] : 1.0f);
  return m;
}

memory::dims pair(const std::int64_t (&v)[2], std::int64_t less = 0) { return {v[0] - less, v[1] - less}; }

// The images of a convolution as the caller has them, and as the primitive is asked to take them.
struct conv_images {
  memory::dims src, dst;
  tag plain, chosen;
  explicit conv_images(const ashlar_peer_conv_problem& p)
      : src{p.n, p.c, p.h, p.w},
        dst{p.n, p.k, p.oh, p.ow},
        plain(p.layout == ashlar_peer_nchw ? tag::nchw : tag::nhwc),
        chosen(p.layout == ashlar_peer_own_layout ? tag::any : plain) {}
};

// Where run() leaves dst, and where the caller wants it.
void set_result(call& c, const memory::desc& own, memory wanted) {
  c.dst = wanted;
  c.result = own == wanted.get_desc() ? wanted : memory(own, engine());
}

void build_forward(call& c, const ashlar_peer_conv_problem& p) {
  const bool bytes = p.dtype == ashlar_peer_u8s8;
  const auto type = bytes ? memory_type::u8 : f32, weights_type = bytes ? memory_type::s8 : f32;
  const conv_images x(p);
  const memory::desc weights(filter_extents(p), weights_type, filter_strides(p)), bias({p.k}, f32, tag::a);
  auto attr = own_scratchpad();
  if (bytes) {
    scale_channels(attr, p);
  } else {
    dnnl::post_ops ops;
    append_relu(ops);
    attr.set_post_ops(ops);
  }
  const auto pd =
      describe_conv(attr, engine(), dnnl::prop_kind::forward_inference, memory::desc(x.src, type, x.chosen),
                    memory::desc(filter_extents(p), weights_type, tag::any), bias, memory::desc(x.dst, type, x.chosen),
                    pair(p.stride), pair(p.dilation, 1), pair(p.before), pair(p.after));
  c.primitive = dnnl::convolution_forward(pd);
  set_result(c, pd.dst_desc(), over({x.dst, type, x.plain}, p.dst));
  c.arguments = {{DNNL_ARG_SRC, c.in(pd.src_desc(), over({x.src, type, x.plain}, p.src))},
                 {DNNL_ARG_WEIGHTS, c.in(pd.weights_desc(), over(weights, p.weights))},
                 {DNNL_ARG_BIAS, bytes ? bias_in_floats(p) : over(bias, p.bias)},
                 {DNNL_ARG_DST, c.result},
                 {DNNL_ARG_SCRATCHPAD, memory(pd.scratchpad_desc(), engine())}};
  if (bytes && scales_argument) c.arguments.emplace(scales_argument, over({{p.k}, f32, tag::a}, p.scales));
}

// A gradient belongs to a forward primitive, here one in the same formats.
template <class Gradient>
typename Gradient::primitive_desc gradient_of(const ashlar_peer_conv_problem& p, const conv_images& x) {
  const memory::desc src(x.src, f32, x.chosen), weights(filter_extents(p), f32, tag::any), dst(x.dst, f32, x.chosen);
  const auto with_shapes = [&](auto make) {
    return make(src, weights, dst, pair(p.stride), pair(p.dilation, 1), pair(p.before), pair(p.after));
  };
  const auto forward = with_shapes(
      [&](const auto&... shapes) { return describe_conv({}, engine(), dnnl::prop_kind::forward_training, shapes...); });
  return with_shapes([&](const auto&... shapes) {
    return describe_gradient<Gradient>(own_scratchpad(), engine(), forward, shapes...);
  });
}

void build_backward_data(call& c, const ashlar_peer_conv_problem& p) {
  const conv_images x(p);
  const memory::desc weights(filter_extents(p), f32, filter_strides(p));
  const auto pd = gradient_of<dnnl::convolution_backward_data>(p, x);
  c.primitive = dnnl::convolution_backward_data(pd);
  set_result(c, pd.diff_src_desc(), over({x.src, f32, x.plain}, p.dst));
  c.arguments = {{DNNL_ARG_DIFF_DST, c.in(pd.diff_dst_desc(), over({x.dst, f32, x.plain}, p.dy))},
                 {DNNL_ARG_WEIGHTS, c.in(pd.weights_desc(), over(weights, p.weights))},
                 {DNNL_ARG_DIFF_SRC, c.result},
                 {DNNL_ARG_SCRATCHPAD, memory(pd.scratchpad_desc(), engine())}};
}

void build_backward_weights(call& c, const ashlar_peer_conv_problem& p) {
  const conv_images x(p);
  const auto pd = gradient_of<dnnl::convolution_backward_weights>(p, x);
  c.primitive = dnnl::convolution_backward_weights(pd);
  set_result(c, pd.diff_weights_desc(), over({filter_extents(p), f32, filter_strides(p)}, p.dst));
  c.arguments = {{DNNL_ARG_SRC, c.in(pd.src_desc(), over({x.src, f32, x.plain}, p.src))},
                 {DNNL_ARG_DIFF_DST, c.in(pd.diff_dst_desc(), over({x.dst, f32, x.plain}, p.dy))},
                 {DNNL_ARG_DIFF_WEIGHTS, c.result},
                 {DNNL_ARG_SCRATCHPAD, memory(pd.scratchpad_desc(), engine())}};
}

void build(call& c, const ashlar_peer_conv_problem& p) {
  if (p.pass == ashlar_peer_backward_data) return build_backward_data(c, p);
  if (p.pass == ashlar_peer_backward_weights) return build_backward_weights(c, p);
  build_forward(c, p);
}

template <class Problem>
void* prepare(const Problem* p) {
  auto* c = new call;
  try {
    build(*c, *p);
    return c;
  } catch (const dnnl::error&) {
    delete c;
    return nullptr;
  }
}

void run(void* state) { static_cast<call*>(state)->run(); }
void result(void* state) {
  auto* c = static_cast<call*>(state);
  if (c->result.get_data_handle() != c->dst.get_data_handle()) c->copy(c->result, c->dst);
}
void release(void* state) { delete static_cast<call*>(state); }

constexpr ashlar_peer_gemm gemm{supports_gemm, prepare<ashlar_peer_gemm_problem>, run, release};
constexpr ashlar_peer_conv conv{0, supports_conv, prepare<ashlar_peer_conv_problem>, run, result, release};
constexpr ashlar_peer peer{ashlar_peer_abi, "onednn", open, &gemm, &conv};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
