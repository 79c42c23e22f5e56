// SPDX-License-Identifier: Apache-2.0
// bench/own_gemm.hpp: the only file of the benchmark that calls Ashlar's gemm: one contender for each way to call gemm.
//
// Scratch memory and packed weights are made before the timed call, as a user would.
//
// Depends on: <ashlar/gemm.hpp>, contender.hpp, own.hpp, gemm_problems.hpp.   Used by: gemm.cpp.
#pragma once
#include <ashlar/gemm.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "contender.hpp"
#include "gemm_problems.hpp"
#include "own.hpp"
#include "peers/peer.h"

namespace bench {

// C = A * B with scratch memory of exactly the promised size, on an executor.
template <class A, class B, class C, class... Options>
contender own_call(const char* name, const A& a, const B& b, const C& c, own_executor executor,
                   std::shared_ptr<void> keep = {}, const Options&... options) {
  const auto bytes = ashlar::gemm_workspace_bytes<own_isa>(a, b, c, ashlar::on(executor), options...);
  const auto memory = own_memory(bytes);
  return make_contender(name, [=] {
    expect_ok(ashlar::gemm<own_isa>(a, b, c, ashlar::on(executor), ashlar::scratch(memory->span()), options...));
    (void)keep;
  });
}

template <class A, class T, class C, class... Options>
contender own_prepacked(const char* name, const A& a, const T* weights, const C& c, own_executor executor,
                        const Options&... options) {
  const auto b = ashlar::view(weights, a.cols(), c.cols());
  const auto storage = own_memory(ashlar::packed_weights_bytes<T, own_isa>(b.rows(), b.cols()));
  auto packed = ashlar::pack_weights<own_isa>(b, storage->span(), options...);
  if (!packed.ok()) std::fprintf(stderr, "ashlar: %s\n", packed.error().message());
  return own_call(name, a, packed.value(), c, executor, storage, options...);
}

// Static extents: the sizes that families::tiny() holds.
template <class T, int M, int N, int K>
std::optional<contender> own_fixed(const ashlar_peer_gemm_problem& p) {
  if (p.m != M || p.n != N || p.k != K) return std::nullopt;
  const auto a = ashlar::view<M, K>(static_cast<const T*>(p.a));
  const auto b = ashlar::view<K, N>(static_cast<const T*>(p.b));
  const auto c = ashlar::view<M, N>(static_cast<T*>(p.c));
  return make_contender(own_name, [=] { expect_ok(ashlar::gemm<own_isa>(a, b, c)); });
}

template <class T>
std::optional<contender> own_fixed_any(const ashlar_peer_gemm_problem& p) {
  std::optional<contender> found;
  auto try_cube = [&]<int... S>(std::integer_sequence<int, S...>) {
    auto keep = [&](std::optional<contender> c) {
      if (c) found.emplace(std::move(*c));
    };
    (keep(own_fixed<T, S, S, S>(p)), ...);
    keep(own_fixed<T, 16, 64, 16>(p));
    keep(own_fixed<T, 6, 16, 32>(p));
  };
  try_cube(std::integer_sequence<int, 4, 8, 12, 16, 20, 23, 24, 32>{});
  return found;
}

template <class T>
std::optional<contender> own_on(const char* name, const problem& form, const ashlar_peer_gemm_problem& p,
                                own_executor executor) {
  const auto* a = static_cast<const T*>(p.a);
  const auto* b = static_cast<const T*>(p.b);
  const auto c = ashlar::view(static_cast<T*>(p.c), p.m, p.n);
  if (form.form == variant::fixed) return own_fixed_any<T>(p);
  if (form.form == variant::prepacked) return own_prepacked(name, ashlar::view(a, p.m, p.k), b, c, executor);
  if (p.transposed_a && p.transposed_b)
    return own_call(name, ashlar::column_major(a, p.m, p.k), ashlar::column_major(b, p.k, p.n), c, executor);
  if (p.transposed_a) return own_call(name, ashlar::column_major(a, p.m, p.k), ashlar::view(b, p.k, p.n), c, executor);
  if (p.transposed_b) return own_call(name, ashlar::view(a, p.m, p.k), ashlar::column_major(b, p.k, p.n), c, executor);
  return own_call(name, ashlar::view(a, p.m, p.k), ashlar::view(b, p.k, p.n), c, executor);
}

// bf16, rounded as the ISA rounds: no layouts but rows.
inline std::optional<contender> own_bf16_on(const char* name, const problem& form, const ashlar_peer_gemm_problem& p,
                                            own_executor executor) {
  const auto a = ashlar::view(static_cast<const ashlar::bf16*>(p.a), p.m, p.k);
  const auto b = ashlar::view(static_cast<const ashlar::bf16*>(p.b), p.k, p.n);
  const auto c = ashlar::view(static_cast<float*>(p.c), p.m, p.n);
  if (form.form == variant::prepacked) return own_prepacked(name, a, b.data(), c, executor, ashlar::native_rounding);
  return own_call(name, a, b, c, executor, {}, ashlar::native_rounding);
}

// Bytes: no layouts but rows.
inline std::optional<contender> own_bytes_on(const char* name, const problem& form, const ashlar_peer_gemm_problem& p,
                                             own_executor executor) {
  const auto a = ashlar::view(static_cast<const std::uint8_t*>(p.a), p.m, p.k);
  const auto* b = static_cast<const std::int8_t*>(p.b);
  const auto c = ashlar::view(static_cast<std::int32_t*>(p.c), p.m, p.n);
  if (form.form == variant::prepacked) return own_prepacked(name, a, b, c, executor);
  return own_call(name, a, ashlar::view(b, p.k, p.n), c, executor);
}

// Ashlar's contenders for a problem: on one thread, or on the pool with one thread beside it (that ratio is the
// scaling).
template <class T>
void add_own(std::vector<contender>& all, const problem& form, const ashlar_peer_gemm_problem& p,
             ashlar::thread_pool* pool) {
  auto add = [&](std::optional<contender> c) {
    if (c) all.push_back(std::move(*c));
  };
  auto on = [&](const char* name, own_executor executor) {
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      return own_bytes_on(name, form, p, executor);
    } else if constexpr (std::is_same_v<T, ashlar::bf16>) {
      return own_bf16_on(name, form, p, executor);
    } else {
      return own_on<T>(name, form, p, executor);
    }
  };
  add(on(own_name, {pool}));
  if (pool) add(on(own_serial_name, {}));
}

}  // namespace bench
