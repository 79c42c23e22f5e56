// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_block.cuh: one block's tile of C, k in order: a ring of k tiles in shared memory, sums in registers.
//
//   bring tiles 0 ... stages - 2;  barrier
//   for each k tile t:   bring t + stages - 1;  steps of t but the last;  barrier;  fetch the first of t + 1;  last
//   step of t the rest of k, fewer than bk;  the epilogue
//
// A step fetches the strips of the next k before it multiplies those of its own, over the barrier too. After the
// barrier of t nobody reads t any more, for its last strips are in registers: its slot takes tile t + stages.
//
// What threads do between two barriers is a phase: each(f) of a team calls f for the calling thread on a device, and
// for every thread of the block, one after the other, in tests without a GPU.
//
// Depends on: simt_panel.cuh, simt_store.cuh, lane.cuh.   Used by: simt_gemm.cuh.
#pragma once

#include <ashlar/core/view.hpp>
#include <ashlar/cuda/lane.cuh>
#include <ashlar/cuda/simt_panel.cuh>
#include <ashlar/cuda/simt_store.cuh>
#include <ashlar/cuda/simt_window.cuh>

namespace ashlar::cuda::detail {

template <class T>
struct alignas(16) strip_of {
  T v[strip<T>];
};

/// What a thread keeps in registers: its sums, the strips of two k, and where its next k tile begins.
template <class Tile, class T, class XA, class XB>
struct simt_thread {
  T sum[Tile::tm][Tile::tn];
  T a[2][Tile::tm], b[2][Tile::tn];
  const XA* next_a;
  const XB* next_b;
};

/// T is the accumulator; OrderA and OrderB say how the sides are copied (simt_panel.cuh).
template <class Tile, class T, class OrderA, class OrderB, class Window>
struct simt_block {
  using shared = simt_shared<Tile, T>;
  using thread = simt_thread<Tile, T, typename Window::a_element, typename Window::b_element>;
  using panel_a = simt_panel<OrderA, T, Tile::bm, Tile::bk, shared::a_pitch, Tile::threads>;
  using panel_b = simt_panel<OrderB, T, Tile::bn, Tile::bk, shared::b_pitch, Tile::threads>;
  static constexpr int bk = Tile::bk, stages = Tile::stages, v = strip<T>;
  static constexpr int pairs = Tile::unrolled / 2;
  static_assert(bk % 2 == 0 && Tile::tm % v == 0 && Tile::tn % v == 0);

  shared& s;
  const Window& w;
  const int full, rest, tiles;  // k tiles that are whole, k beyond them, k tiles in all
  const int plain;              // the first k tiles, no element of which lies outside

  ASHLAR_INLINE simt_block(shared& memory, const Window& window)
      : s(memory),
        w(window),
        full(int(window.k / bk)),
        rest(int(window.k % bk)),
        tiles(full + (rest > 0)),
        plain(window.rows >= Tile::bm && window.cols >= Tile::bn ? full : 0) {}

  /// The tile of C, by the threads of the team.
  template <class Team, class E>
  ASHLAR_INLINE void run(const Team& team, const E& e, bool strips_of_c) const {
    contract(team);
    team.each([&](thread& th, int t) { simt_store<Tile, T>::all(th.sum, t, w.c, w.row, w.col, e, strips_of_c); });
  }

 private:
  /// The sums of the tile, in the threads of the team.
  template <class Team>
  ASHLAR_INLINE void contract(const Team& team) const {
    team.each([&](thread& th, int t) { start(th, t); });
    team.template arrive<stages - 2>();
    team.each([&](thread& th, int t) { fetch<0>(th, t, 0, 0); });
    int slot = 0, before = stages - 1;
    for (int tile = 0; tile < full; ++tile) {
      team.each([&](thread& th, int t) {
        bring(th, t, before, tile + stages - 1);
        most_steps(th, t, slot);
      });
      team.template arrive<stages - 2>();
      before = slot;
      slot = slot + 1 < stages ? slot + 1 : 0;
      team.each([&](thread& th, int t) {
        fetch<0>(th, t, slot, 0);
        multiply<1>(th);
      });
    }
    team.each([&](thread& th, int t) { rest_of_k(th, t, slot); });
  }

  ASHLAR_INLINE void start(thread& th, int t) const {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < Tile::tm; ++i) {
      ASHLAR_UNROLL_ALL
      for (int j = 0; j < Tile::tn; ++j) th.sum[i][j] = T(0);
    }
    if (tiles == 0) return;
    th.next_a = panel_a::first(w.a, t);
    th.next_b = panel_b::first(w.b, t);
    for (int tile = 0; tile < stages - 1; ++tile) bring(th, t, tile, tile);
  }

  /// k tile `tile` to `slot`, if there is one; a group of copies in any case.
  ASHLAR_INLINE void bring(thread& th, int t, int slot, int tile) const {
    T *a = s.a + slot * shared::a_stage, *b = s.b + slot * shared::b_stage;
    if (tile < plain) {
      panel_a::all(a, th.next_a, w.a, t);
      panel_b::all(b, th.next_b, w.b, t);
    } else if (tile < tiles) {
      const int ks = tile < full ? bk : rest;
      panel_a::part(a, th.next_a, w.a, t, w.rows, ks);
      panel_b::part(b, th.next_b, w.b, t, w.cols, ks);
    }
    async_commit();
  }

  /// The strips of one k, to buffer Which.
  template <int Which>
  ASHLAR_INLINE void fetch(thread& th, int t, int slot, int k) const {
    const T* a = s.a + slot * shared::a_stage + k * shared::a_pitch + Tile::first_row(t, v);
    const T* b = s.b + slot * shared::b_stage + k * shared::b_pitch + Tile::first_col(t, v);
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < Tile::tm; i += v) read(th.a[Which] + i, a + Tile::row_offset(i, v));
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < Tile::tn; j += v) read(th.b[Which] + j, b + Tile::col_offset(j, v));
  }

  static ASHLAR_INLINE void read(T* to, const T* from) {
    const auto x = *reinterpret_cast<const strip_of<T>*>(from);
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < v; ++i) to[i] = x.v[i];
  }

  /// One k of all sums of the thread: one fused multiply-add each.
  template <int Which>
  static ASHLAR_INLINE void multiply(thread& th) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < Tile::tm; ++i) {
      ASHLAR_UNROLL_ALL
      for (int j = 0; j < Tile::tn; ++j) {
        th.sum[i][j] = ops<T, isa::cuda>::fma(th.a[Which][i], th.b[Which][j], th.sum[i][j]);
      }
    }
  }

  /// All k of a tile but the last; the strips of the first are there, those of the last will be.
  ASHLAR_INLINE void most_steps(thread& th, int t, int slot) const {
    ASHLAR_UNROLL_BY(pairs)
    for (int k = 0; k < bk - 2; k += 2) {
      fetch<1>(th, t, slot, k + 1);
      multiply<0>(th);
      fetch<0>(th, t, slot, k + 2);
      multiply<1>(th);
    }
    fetch<1>(th, t, slot, bk - 1);
    multiply<0>(th);
  }

  ASHLAR_INLINE void rest_of_k(thread& th, int t, int slot) const {
    for (int k = 0; k < rest; ++k) {
      fetch<0>(th, t, slot, k);
      multiply<0>(th);
    }
  }
};

}  // namespace ashlar::cuda::detail
