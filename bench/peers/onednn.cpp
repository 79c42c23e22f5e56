// SPDX-License-Identifier: Apache-2.0
// bench/peers/onednn.cpp: oneDNN's matmul; for constant weights in the format it prefers itself ("any"), reordered
// before.
#include <cstdint>
#include <cstdio>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <unordered_map>

#include "peer.h"

namespace {
using dnnl::memory;

memory::desc matrix(std::int64_t rows, std::int64_t cols, memory::data_type type, bool transposed) {
  return {{rows, cols}, type, transposed ? memory::format_tag::ba : memory::format_tag::ab};
}

#if DNNL_VERSION_MAJOR >= 3
dnnl::matmul::primitive_desc describe(const memory::desc& a, const memory::desc& b, const memory::desc& c,
                                      const dnnl::primitive_attr& attr, const dnnl::engine& engine) {
  return {engine, a, b, c, attr};
}
#else
dnnl::matmul::primitive_desc describe(const memory::desc& a, const memory::desc& b, const memory::desc& c,
                                      const dnnl::primitive_attr& attr, const dnnl::engine& engine) {
  return {dnnl::matmul::desc(a, b, c), attr, engine};
}
#endif

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

struct call {
  dnnl::stream stream{engine()};
  dnnl::matmul matmul;
  std::unordered_map<int, memory> arguments;
};

int open(const char* isa, int, char* version, std::size_t size) {
  const std::string_view target = isa;
  if (target == "avx2") dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  const dnnl_version_t* v = dnnl_version();
  std::snprintf(version, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
  return 1;
}

int supports(const ashlar_peer_problem* p) { return p->dtype == ashlar_peer_f32; }  // matmul has no f64 on CPUs

void build(call& c, const ashlar_peer_problem& p) {
  const auto type = memory::data_type::f32;
  const auto a = matrix(p.m, p.k, type, p.transposed_a), b = matrix(p.k, p.n, type, p.transposed_b);
  const auto dst = matrix(p.m, p.n, type, false);
  const auto chosen = p.prepacked ? memory::desc({p.k, p.n}, type, memory::format_tag::any) : b;
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto pd = describe(a, chosen, dst, attr, engine());
  memory weights(b, engine(), const_cast<void*>(p.b));
  if (pd.weights_desc() != b) {
    memory packed(pd.weights_desc(), engine());
    dnnl::reorder(weights, packed).execute(c.stream, weights, packed);
    c.stream.wait();
    weights = packed;
  }
  c.matmul = dnnl::matmul(pd);
  c.arguments = {{DNNL_ARG_SRC, memory(a, engine(), const_cast<void*>(p.a))},
                 {DNNL_ARG_WEIGHTS, weights},
                 {DNNL_ARG_DST, memory(dst, engine(), p.c)},
                 {DNNL_ARG_SCRATCHPAD, memory(pd.scratchpad_desc(), engine())}};
}

void* prepare(const ashlar_peer_problem* p) {
  auto* c = new call;
  try {
    build(*c, *p);
    return c;
  } catch (const dnnl::error&) {
    delete c;
    return nullptr;
  }
}

void run(void* state) {
  auto* c = static_cast<call*>(state);
  c->matmul.execute(c->stream, c->arguments);
  c->stream.wait();
}

void release(void* state) { delete static_cast<call*>(state); }

constexpr ashlar_peer peer{ashlar_peer_abi, "onednn", open, supports, prepare, run, release};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
