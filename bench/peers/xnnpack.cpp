// SPDX-License-Identifier: Apache-2.0
// bench/peers/xnnpack.cpp: XNNPACK's convolution operator, NHWC, relu as its clamp at zero.
#include <pthreadpool.h>
#include <xnnpack.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "peer.h"

namespace {

pthreadpool_t threads = nullptr;  // null: the caller alone

struct call {
  xnn_operator_t op = nullptr;
  void* workspace = nullptr;

  ~call() {
    xnn_delete_operator(op);
    std::free(workspace);
  }
};

int open(const char*, int count, char* version, std::size_t size) {
  if (xnn_initialize(nullptr) != xnn_status_success) return 0;
  if (count > 1) threads = pthreadpool_create(static_cast<std::size_t>(count));
  std::snprintf(version, size, "XNNPACK %s", ASHLAR_XNNPACK_VERSION);
  return 1;
}

int supports(const ashlar_peer_conv_problem* p) {
  return p->pass == ashlar_peer_forward && p->dtype == ashlar_peer_f32 && p->layout == ashlar_peer_nhwc;
}

// XNNPACK knows a depthwise convolution by its form, not by a flag; that flag is about the order of the weights.
bool create(call& c, const ashlar_peer_conv_problem& p) {
  auto u = [](std::int64_t v) { return static_cast<std::uint32_t>(v); };
  auto z = [](std::int64_t v) { return static_cast<std::size_t>(v); };
  return xnn_create_convolution2d_nhwc_f32(
             u(p.before[0]), u(p.after[1]), u(p.after[0]), u(p.before[1]), u(p.r), u(p.s), u(p.stride[0]),
             u(p.stride[1]), u(p.dilation[0]), u(p.dilation[1]), u(p.groups), z(p.c / p.groups), z(p.k / p.groups),
             z(p.c), z(p.k), static_cast<const float*>(p.weights), static_cast<const float*>(p.bias), 0.0f,
             std::numeric_limits<float>::infinity(), 0, nullptr, nullptr, &c.op) == xnn_status_success;
}

bool set_up(call& c, const ashlar_peer_conv_problem& p) {
  std::size_t bytes = 0, alignment = 0, oh = 0, ow = 0;
  auto z = [](std::int64_t v) { return static_cast<std::size_t>(v); };
  if (xnn_reshape_convolution2d_nhwc_f32(c.op, z(p.n), z(p.h), z(p.w), &bytes, &alignment, &oh, &ow, threads) !=
          xnn_status_success ||
      oh != z(p.oh) || ow != z(p.ow))
    return false;
  if (bytes > 0) c.workspace = std::aligned_alloc(64, (bytes + XNN_EXTRA_BYTES + 63) / 64 * 64);
  return xnn_setup_convolution2d_nhwc_f32(c.op, c.workspace, static_cast<const float*>(p.src),
                                          static_cast<float*>(p.dst)) == xnn_status_success;
}

void* prepare(const ashlar_peer_conv_problem* p) {
  auto* c = new call;
  if (create(*c, *p) && set_up(*c, *p)) return c;
  delete c;
  return nullptr;
}

void run(void* state) { xnn_run_operator(static_cast<call*>(state)->op, threads); }
void release(void* state) { delete static_cast<call*>(state); }

constexpr ashlar_peer_conv conv{0, supports, prepare, run, nullptr, release};
constexpr ashlar_peer peer{ashlar_peer_abi, "xnnpack", open, nullptr, &conv};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
