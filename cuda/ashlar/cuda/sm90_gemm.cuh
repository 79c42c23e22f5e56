// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_gemm.cuh: the product on Hopper's matrix unit: one warp loads tiles, two warpgroups multiply and store
// them.
//
//   producer   for each tile, for each 128 bytes of k:   wait empty | load A and B by the accelerator -> full
//   consumer   for each tile:   for each 128 bytes of k: wait full | wgmma | previous stage -> empty;   epilogue, store
//
// A block keeps taking tiles until none is left. Design after the warp-specialised persistent kernels that CUTLASS 3
// made known; the layouts are in sm90_layout.cuh, the ring in ring.cuh, the order of the tiles in tile_order.cuh.
//
// Depends on: wgmma.cuh, sm90_operands.cuh, sm90_store.cuh, ring.cuh, tile_order.cuh.   Used by: sm90_launch.cuh.
#pragma once

#include <ashlar/cuda/arch.cuh>
#include <ashlar/cuda/ring.cuh>
#include <ashlar/cuda/sm90_operands.cuh>
#include <ashlar/cuda/sm90_store.cuh>
#include <ashlar/cuda/tile_order.cuh>
#include <ashlar/cuda/wgmma.cuh>

namespace ashlar::cuda::detail {

/// What one launch computes; Operands says where A and B are (sm90_operands.cuh).
template <class Operands>
struct sm90_work {
  tile_order order;  // of clusters of tiles
  int k_blocks;      // of 128 bytes
  index c_step;      // elements from one C of a batch to the next
  bool boxed_c;      // may the accelerator store C
  typename Operands::work operands;
};

/// The types and the shape of a kernel.
template <class In_, class D_, sm90_tile S_, class Operands_>
struct sm90_kind {
  using In = In_;
  using D = D_;
  using Operands = Operands_;
  static constexpr sm90_tile S = S_;
  static constexpr bool MnA = Operands::mn_a, MnB = Operands::mn_b;
  static constexpr int bk = 128 / int(sizeof(In));
  static constexpr int mn_block_bytes = operand_layout<sizeof(In), true>::block_bytes;
  using geometry = sm90_geometry<S>;
};

struct sm90_maps {
  const CUtensorMap &a, &b;
};

/// One block of the kernel.
template <class Kind>
struct sm90_block : Kind {
  using Kind::S;
  using typename Kind::geometry;
  using typename Kind::In;
  using acc = accumulator_of<In>;

  unsigned char* memory;  // aligned to 1024
  std::uint32_t base;     // the same, as an address of shared memory
  std::uint32_t rank;     // of this block in its cluster

  __device__ __forceinline__ std::uint32_t full(std::uint32_t slot) const {
    return base + geometry::barriers + 8 * slot;
  }
  __device__ __forceinline__ std::uint32_t empty(std::uint32_t slot) const { return full(S.stages + slot); }
  __device__ __forceinline__ std::uint32_t turn(int consumer) const { return full(2 * S.stages + consumer); }
  __device__ __forceinline__ std::uint32_t a_tile(std::uint32_t slot) const {
    return base + slot * geometry::stage_bytes;
  }
  __device__ __forceinline__ std::uint32_t b_tile(std::uint32_t slot) const { return a_tile(slot) + geometry::a_bytes; }

  static __device__ __forceinline__ int first_tile() { return blockIdx.x / S.cluster(); }
  static __device__ __forceinline__ int tile_step() { return gridDim.x / S.cluster(); }
  __device__ __forceinline__ cluster_place<S> place() const { return {int(rank)}; }

  __device__ __forceinline__ void init() const {
    for (int s = 0; s < S.stages; ++s) {
      ptx::init_barrier(full(s), 1);
      ptx::init_barrier(empty(s), 4 * geometry::readers * geometry::sharers);
    }
    ptx::init_barrier(turn(0), geometry::turn_arrivals);
    ptx::init_barrier(turn(1), geometry::turn_arrivals);
    ptx::publish_barriers();
  }

  // The barriers are ready, in every block of the cluster; by the producer's warp and the consumers.
  static __device__ __forceinline__ void await_start() {
    if constexpr (S.cluster() > 1) {
      ptx::sync_cluster();
    } else {
      ptx::sync_threads(0, 32 + sm90_consumers * warpgroup);
    }
  }

  // ---- producer: one warp, of which one thread works

  // The first place is found while the barriers are made ready: between them and the first load lay 1200 of the 11000
  // cycles of a product of 1024^3. (The whole call did not become measurably faster.)
  template <class Work>
  __device__ __forceinline__ void produce(const sm90_maps& maps, const Work& work) const {
    using cursor = typename Kind::Operands::cursor;
    const bool works = threadIdx.x == 0;
    if (works) {
      ptx::prefetch_map(maps.a);
      ptx::prefetch_map(maps.b);
      init();
    }
    int t = first_tile();
    cursor place(*this, work.operands, work.order[t]);
    await_start();
    if (!works) return;
    ring<S.stages> at;
    while (t < work.order.count()) {
#pragma unroll 1
      for (int kb = 0; kb < work.k_blocks; ++kb, at.advance()) {
        ptx::wait(empty(at.slot), at.phase ^ 1);
        ptx::expect_bytes(full(at.slot), geometry::stage_bytes);
        place.load_a(*this, maps.a, at.slot);
        place.load_b(*this, maps.b, at.slot);
        place.advance();
      }
      t += tile_step();
      place = cursor(*this, work.operands, work.order[t]);
    }
    // A neighbour may still say that it has read its copy: the barriers must outlive that.
    for (int s = 0; s < S.stages; ++s, at.advance()) ptx::wait(empty(at.slot), at.phase ^ 1);
  }

  // Blocks side by side load a part of A each, for all of them; blocks one below the other the same of B. `at(i)` is
  // the box that begins i rows, or columns, into the tile.
  template <class At>
  __device__ __forceinline__ void load_a(const CUtensorMap& map, std::uint32_t slot, const At& at) const {
    load_parts<Kind::MnA, S.bm, S.cluster_n>(a_tile(slot), map, full(slot), place().n(), place().row_of_blocks(), at);
  }
  template <class At>
  __device__ __forceinline__ void load_b(const CUtensorMap& map, std::uint32_t slot, const At& at) const {
    load_parts<Kind::MnB, S.bn, S.cluster_m>(b_tile(slot), map, full(slot), place().m(), place().column_of_blocks(),
                                             at);
  }

  // Part `part` of Parts of a tile of Lines rows or columns, to the blocks of `mask`.
  template <bool MnMajor, int Lines, int Parts, class At>
  static __device__ __forceinline__ void load_parts(std::uint32_t tile, const CUtensorMap& map, std::uint32_t barrier,
                                                    int part, std::uint32_t mask, const At& at) {
    for_each_box<MnMajor, Lines, Parts>(part, Kind::mn_block_bytes, [&](int bytes, int line) {
      load_for<(Parts > 1)>(mask, tile + bytes, map, barrier, at(line));
    });
  }
  template <bool Shared>
  static __device__ __forceinline__ void load_for(std::uint32_t mask, std::uint32_t to, const CUtensorMap& map,
                                                  std::uint32_t barrier, const box_place& p) {
    if constexpr (Shared) {
      ptx::load_box_for(static_cast<std::uint16_t>(mask), to, map, barrier, p.x, p.y, p.z);
    } else {
      ptx::load_box(to, map, barrier, p.x, p.y, p.z);
    }
  }

  // ---- consumers: a warpgroup each

  template <class Work, class C, class E>
  __device__ __forceinline__ void consume(const CUtensorMap& c_map, const Work& work, const C& c, const E& e,
                                          int consumer, int thread) const {
    constexpr int every = S.ping_pong ? sm90_consumers : 1;
    ring<S.stages> at;
    if (S.ping_pong && consumer == 1) at.advance(work.k_blocks);
    int mine = 0;
    for (int t = first_tile() + (S.ping_pong ? consumer * tile_step() : 0); t < work.order.count();
         t += every * tile_step(), ++mine) {
      acc sums[geometry::row_blocks][S.bn / 2];
      if constexpr (S.ping_pong) await_turn(consumer, mine);
      multiply(sums, at, work.k_blocks, consumer, thread);
      if constexpr (S.ping_pong) at.advance(work.k_blocks);

      const tile_place p = work.order[t];
      const C here(c.data() + p.batch * work.c_step, c.rows(), c.cols(), c.row_stride(), c.col_stride());
      const index row = place().row_of(p) + (S.ping_pong ? 0 : consumer * geometry::rows);
      const sm90_store<typename Kind::D, S.boxes, E, C> store{
          c_map,
          here,
          e,
          p.batch,
          work.boxed_c,
          memory + geometry::staging + consumer * S.boxes * store_bytes,
          1 + consumer,
          ptx::from_here(thread)};
      store(sums, row, place().col_of(p));
    }
    if (thread == 0) ptx::wait_stores_read();
  }

  // The other warpgroup has issued the products of the tile before.
  __device__ __forceinline__ void await_turn(int consumer, int mine) const {
    if (consumer == 1) ptx::wait(turn(1), mine & 1);
    if (consumer == 0 && mine > 0) ptx::wait(turn(0), (mine - 1) & 1);
  }

  template <int Blocks, int Count>
  __device__ __forceinline__ void multiply(acc (&sums)[Blocks][Count], ring<S.stages>& at, int k_blocks, int consumer,
                                           int thread) const {
    const int half = S.ping_pong ? 0 : consumer * geometry::rows;
    std::uint32_t previous = 0;
    for (int kb = 0; kb < k_blocks; ++kb, at.advance()) {
      ptx::wait(full(at.slot), at.phase);
#pragma unroll
      for (int i = 0; i < Blocks; ++i) ptx::hold(sums[i]);
      ptx::wgmma_fence();
      issue(sums, at.slot, half, kb == 0);
      ptx::wgmma_commit();
#pragma unroll
      for (int i = 0; i < Blocks; ++i) ptx::hold(sums[i]);
      ptx::wgmma_wait<1>();  // one stage in flight: the one before has been read
      if (kb > 0) release(previous, thread);
      previous = at.slot;
    }
    // Every warp says so: were it the first alone, the turn could come round again before the others had seen this one.
    if (S.ping_pong && thread % 32 == 0) ptx::arrive(turn(1 - consumer));
    ptx::wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < Blocks; ++i) ptx::hold(sums[i]);
    release(previous, thread);
  }

  // The instructions of one stage.
  template <int Blocks, int Count>
  __device__ __forceinline__ void issue(acc (&sums)[Blocks][Count], std::uint32_t slot, int first_row,
                                        bool first) const {
    using a_layout = operand_layout<sizeof(In), Kind::MnA>;
    using b_layout = operand_layout<sizeof(In), Kind::MnB>;
    const std::uint64_t a = a_layout::descriptor(a_tile(slot) + first_row / 64 * a_layout::block_bytes);
    const std::uint64_t b = b_layout::descriptor(b_tile(slot));
#pragma unroll
    for (int s = 0; s < instructions_of_line; ++s) {
#pragma unroll
      for (int i = 0; i < Blocks; ++i) {
        ptx::wgmma<In, S.bn, Kind::MnA, Kind::MnB>::run(sums[i],
                                                        a + a_layout::to_block(i) + a_layout::to_instruction(s),
                                                        b + b_layout::to_instruction(s), !first || s > 0);
      }
    }
  }

  // Each warp says so to every block that writes to this stage: those of its row and of its column of the cluster.
  __device__ __forceinline__ void release(std::uint32_t slot, int thread) const {
    const int lane = thread % 32;
    if constexpr (S.cluster() == 1) {
      if (lane == 0) ptx::arrive(empty(slot));
    } else {
      const bool shares = place().shares_with(lane);
      if (lane < S.cluster() && shares) ptx::arrive_at(empty(slot), std::uint32_t(lane));
    }
  }
};

template <class Kind, class C, class E>
__global__ void __launch_bounds__(sm90_threads, 1)
    sm90_kernel(const __grid_constant__ CUtensorMap a, const __grid_constant__ CUtensorMap b,
                const __grid_constant__ CUtensorMap c_map,
                const __grid_constant__ sm90_work<typename Kind::Operands> work, const __grid_constant__ C c,
                const __grid_constant__ E e) {
  if constexpr (compiling_sm90a) {
    extern __shared__ unsigned char shared[];
    unsigned char* const memory = shared + (-ptx::shared_address(shared) & 1023u);
    constexpr int cluster = Kind::S.cluster();
    const sm90_block<Kind> block{{}, memory, ptx::shared_address(memory), cluster > 1 ? ptx::cluster_rank() : 0};
    const int group = __shfl_sync(0xFFFFFFFFu, int(threadIdx.x) / warpgroup, 0);
    if (group == 0) {
      ptx::release_registers<40>();
      if (threadIdx.x < 32) block.produce({a, b}, work);
    } else {
      ptx::claim_registers<232>();
      if (work.boxed_c && threadIdx.x % warpgroup == 0) ptx::prefetch_map(c_map);
      block.await_start();
      block.consume(c_map, work, c, e, group - 1, int(threadIdx.x) % warpgroup);
    }
  }
}

}  // namespace ashlar::cuda::detail
