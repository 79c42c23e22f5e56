// SPDX-License-Identifier: Apache-2.0
// bench/peers/onnxruntime.cpp: ONNX Runtime's fused Conv and Relu (its MLAS kernels), NCHW, through a session of one
// layer whose src and dst are bound to the caller's memory; of its two ways to run one, the faster.
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "onnx_model.hpp"
#include "peer.h"

namespace {

const OrtApi* api = nullptr;
OrtEnv* environment = nullptr;
OrtMemoryInfo* memory = nullptr;

bool good(OrtStatus* status) {
  if (!status) return true;
  std::fprintf(stderr, "onnxruntime: %s\n", api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  return false;
}

struct call {
  OrtSession* session = nullptr;
  OrtValue *src = nullptr, *dst = nullptr;
  OrtIoBinding* binding = nullptr;

  ~call() {
    if (binding) api->ReleaseIoBinding(binding);
    if (src) api->ReleaseValue(src);
    if (dst) api->ReleaseValue(dst);
    if (session) api->ReleaseSession(session);
  }
};

int open(const char*, int, char* version, std::size_t size) {
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (!api || !good(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "ashlar", &environment))) return 0;
  if (!good(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory))) return 0;
  std::snprintf(version, size, "ONNX Runtime %s", OrtGetApiBase()->GetVersionString());
  return 1;
}

int supports(const ashlar_peer_conv_problem* p) {
  return p->pass == ashlar_peer_forward && p->dtype == ashlar_peer_f32 && p->layout == ashlar_peer_nchw;
}

std::vector<float> oihw(const ashlar_peer_conv_problem& p) {
  const std::int64_t c = p.c / p.groups, taps = p.r * p.s;
  const auto* const weights = static_cast<const float*>(p.weights);
  std::vector<float> out(static_cast<std::size_t>(p.k * taps * c));
  for (std::int64_t k = 0; k < p.k; ++k)
    for (std::int64_t t = 0; t < taps; ++t)
      for (std::int64_t i = 0; i < c; ++i)
        out[static_cast<std::size_t>((k * c + i) * taps + t)] = weights[(k * taps + t) * c + i];
  return out;
}

// Both levels fuse the Relu; "all" also converts to blocked channels and back inside the call, which more often pays
// than not.
bool create_session(call& c, const ashlar_peer_conv_problem& p, GraphOptimizationLevel level) {
  const std::string model = ashlar_peers::conv_relu_model(p, oihw(p).data());
  OrtSessionOptions* options = nullptr;
  const bool created =
      good(api->CreateSessionOptions(&options)) && good(api->SetSessionGraphOptimizationLevel(options, level)) &&
      good(api->SetIntraOpNumThreads(options, p.threads)) && good(api->SetInterOpNumThreads(options, 1)) &&
      good(api->CreateSessionFromArray(environment, model.data(), model.size(), options, &c.session));
  if (options) api->ReleaseSessionOptions(options);
  return created;
}

bool wrap(const void* data, std::vector<std::int64_t> extents, OrtValue*& value) {
  std::size_t bytes = sizeof(float);
  for (auto e : extents) bytes *= static_cast<std::size_t>(e);
  return good(api->CreateTensorWithDataAsOrtValue(memory, const_cast<void*>(data), bytes, extents.data(),
                                                  extents.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
}

bool bind(call& c, const ashlar_peer_conv_problem& p) {
  return wrap(p.src, {p.n, p.c, p.h, p.w}, c.src) && wrap(p.dst, {p.n, p.k, p.oh, p.ow}, c.dst) &&
         good(api->CreateIoBinding(c.session, &c.binding)) && good(api->BindInput(c.binding, "src", c.src)) &&
         good(api->BindOutput(c.binding, "dst", c.dst));
}

void run(void* state) {
  auto* c = static_cast<call*>(state);
  good(api->RunWithBinding(c->session, nullptr, c->binding));
}

std::unique_ptr<call> prepare_at(const ashlar_peer_conv_problem& p, GraphOptimizationLevel level) {
  auto c = std::make_unique<call>();
  return create_session(*c, p, level) && bind(*c, p) ? std::move(c) : nullptr;
}

// The best of at most 9 calls, or of about 10 ms, after a first one.
double best_time(call& c) {
  using clock = std::chrono::steady_clock;
  run(&c);
  double best = 1e9, total = 0;
  for (int i = 0; i < 9 && total < 0.01; ++i) {
    const auto start = clock::now();
    run(&c);
    const double spent = std::chrono::duration<double>(clock::now() - start).count();
    best = std::min(best, spent), total += spent;
  }
  return best;
}

void* prepare(const ashlar_peer_conv_problem* p) {
  auto plain = prepare_at(*p, ORT_ENABLE_EXTENDED), blocked = prepare_at(*p, ORT_ENABLE_ALL);
  if (!plain || !blocked) return nullptr;
  return (best_time(*plain) < best_time(*blocked) ? plain : blocked).release();
}
void release(void* state) { delete static_cast<call*>(state); }

constexpr ashlar_peer_conv conv{0, supports, prepare, run, nullptr, release};
constexpr ashlar_peer peer{ashlar_peer_abi, "onnxruntime", open, nullptr, &conv};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
