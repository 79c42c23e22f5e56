// SPDX-License-Identifier: Apache-2.0
// bench/cuda/peer_cudnn.cu: the execution plans that cuDNN has for a convolution, and the choice among them. Its
// heuristics A, B and fallback are all asked; configurations that come twice are built once.
//
// Depends on: peer_cudnn.cuh, cudnn_graph.cuh, search.cuh.
#include "peer_cudnn.cuh"

#include <set>

#include "cudnn_graph.cuh"
#include "search.cuh"

namespace bench {
namespace {

using cudnn::descriptor;
using cudnn::require;

constexpr std::int64_t most_workspace = std::int64_t(1) << 30;
constexpr double most_building = 20;  // seconds a problem: a plan that is compiled at run time may take one or two

cudnnHandle_t handle() {
  static const owned<cudnnHandle_t, cudnnDestroy> one = [] {
    owned<cudnnHandle_t, cudnnDestroy> h;
    require(cudnnCreate(h.out()));
    return h;
  }();
  return one.get();
}

struct plan {
  descriptor built;
  std::int64_t engine, workspace;
};

// What all plans of a problem have in common.
struct convolution {
  cudnn::conv_graph graph;
  buffers data;
  bool biased, full_f32;
  device_memory workspace;
  std::vector<plan> plans;
  std::size_t listed = 0;  // configurations, before those are left out that cannot be built
};

std::vector<descriptor> configurations(const cudnn::conv_graph& graph, cudnnBackendHeurMode_t mode) {
  descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.get()).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  if (heuristic.finalize() != CUDNN_STATUS_SUCCESS) return {};
  std::int64_t count = heuristic.read<cudnnBackendDescriptor_t>(CUDNN_ATTR_ENGINEHEUR_RESULTS, nullptr, 0);
  std::vector<descriptor> found;
  std::vector<cudnnBackendDescriptor_t> places;
  for (std::int64_t i = 0; i < count; ++i)
    places.push_back(found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).get());
  if (count > 0) count = heuristic.read(CUDNN_ATTR_ENGINEHEUR_RESULTS, places.data(), count);
  while (std::int64_t(found.size()) > count) found.pop_back();
  return found;
}

// f32 must not become tf32, and no operand may be narrowed.
bool exact_enough(const descriptor& engine, bool full_f32) {
  cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
  const std::int64_t count = engine.read(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, notes, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
  for (std::int64_t i = 0; i < count; ++i) {
    if (notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) return false;
    if (full_f32 && notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE) return false;
  }
  return true;
}

// Nothing where the configuration has no plan on this device, or one that is not wanted.
std::optional<plan> build(const descriptor& configuration, bool full_f32) try {
  const descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t place = engine.get();
  configuration.read(CUDNN_ATTR_ENGINECFG_ENGINE, &place, 1);
  if (!exact_enough(engine, full_f32)) return std::nullopt;
  plan p{descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR), -1, 0};
  engine.read(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, &p.engine, 1);
  p.built.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle()).set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  if (p.built.finalize() != CUDNN_STATUS_SUCCESS) return std::nullopt;
  p.built.read(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, &p.workspace, 1);
  if (p.workspace > most_workspace) return std::nullopt;
  return p;
} catch (const failure&) {
  return std::nullopt;
}

// The plan in full, its engine's settings included; empty where it has no text.
std::string text_of(const plan& p) try {
  const std::int64_t size = p.built.read<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, nullptr, 0);
  std::string text(std::size_t(size), ' ');
  p.built.read(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, text.data(), size);
  return text;
} catch (const failure&) {
  return {};
}

// Up to `wanted` plans, in the heuristics' order.
void build_plans(convolution& c, std::size_t wanted) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + std::chrono::duration<double>(most_building);
  std::set<std::string> known;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK})
    for (const descriptor& configuration : configurations(c.graph, mode)) {
      if (c.plans.size() == wanted) return;
      ++c.listed;
      if (clock::now() > end) continue;
      auto p = build(configuration, c.full_f32);
      const std::string text = p ? text_of(*p) : "";
      if (p && (text.empty() || known.insert(text).second)) c.plans.push_back(std::move(*p));
    }
}

cudaError_t execute(const convolution& c, const plan& p, cudaStream_t s, int which) try {
  const operand_set& set = c.data.sets[std::size_t(which)];
  const std::array<std::int64_t, 4> ids{cudnn::src_id, cudnn::weights_id, cudnn::dst_id, cudnn::bias_id};
  const void* const pointers[] = {set.a, set.b, set.c, set.bias};
  const void* workspace = c.workspace.get();
  const std::int64_t count = c.biased ? 4 : 3;
  descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  require(
      cudnnBackendSetAttribute(pack.get(), CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids.data()));
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers, count);
  pack.set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, &workspace, 1);
  require(pack.finalize());
  require(cudnnSetStream(handle(), s));
  require(cudnnBackendExecute(handle(), p.built.get(), pack.get()));
  return cudaSuccess;
} catch (const failure&) {
  return cudaErrorNotSupported;  // a launch that is being captured must not throw
}

// The launches of up to `wanted` plans; none where cuDNN has no plan for the problem.
std::vector<launch> launches_of(const conv_problem& p, const buffers& data, std::size_t wanted) {
  const auto types = cudnn::types_of(p.type);
  if (!types || (p.type == arithmetic::s8 && p.epilogue != epilogue::none)) return {};
  const auto c = std::make_shared<convolution>(convolution{cudnn::conv_graph(p, *types, handle()),
                                                           data,
                                                           p.epilogue != epilogue::none,
                                                           p.type == arithmetic::f32,
                                                           device_memory(),
                                                           {}});
  if (!c->graph.supported()) return {};
  build_plans(*c, wanted);
  std::int64_t bytes = 16;
  for (const plan& one : c->plans) bytes = std::max(bytes, one.workspace);
  c->workspace = allocate(std::size_t(bytes));
  std::vector<launch> all;
  for (std::size_t i = 0; i < c->plans.size(); ++i)
    all.push_back({[c, i](cudaStream_t s, int which) { return execute(*c, c->plans[i], s, which); },
                   "engine " + std::to_string(c->plans[i].engine) + ", " + std::to_string(i + 1) + ". of " +
                       std::to_string(c->plans.size()) + " plans, " + std::to_string(c->listed) + " listed"});
  return all;
}

bool prepare_first(const conv_problem& p, const buffers& data, launch& l) {
  const auto all = launches_of(p, data, 1);
  if (all.empty()) return false;
  l = all.front();
  return true;
}

bool prepare_best(const conv_problem& p, const buffers& data, launch& l) {
  const auto all = launches_of(p, data, std::size_t(-1));
  const stream s = make_stream();
  const auto best = fastest(all, int(data.sets.size()), s.get());
  if (!best) return false;
  l = all[*best];
  return true;
}

}  // namespace

std::vector<conv_contender> cudnn_contenders() { return {{"cudnn_first", prepare_first}, {"cudnn", prepare_best}}; }

}  // namespace bench
