// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_gemm.cuh: the product on Hopper's matrix unit: one warp loads tiles, two warpgroups multiply and store them.
//
//   producer   for each tile, for each 128 bytes of k:   wait empty | load A and B by the accelerator -> full
//   consumer   for each tile:   for each 128 bytes of k: wait full | wgmma | previous stage -> empty;   epilogue, store
//
// A block keeps taking tiles until none is left. Design after the warp-specialised persistent kernels that CUTLASS 3
// made known; the layouts are in sm90_layout.cuh, the ring in ring.cuh, the order of the tiles in tile_order.cuh.
//
// Depends on: wgmma.cuh, sm90_store.cuh, ring.cuh, tile_order.cuh.   Used by: sm90_launch.cuh.
#pragma once

#include <ashlar/cuda/arch.cuh>
#include <ashlar/cuda/ring.cuh>
#include <ashlar/cuda/sm90_store.cuh>
#include <ashlar/cuda/tile_order.cuh>
#include <ashlar/cuda/wgmma.cuh>

namespace ashlar::cuda::detail {

/// What one launch computes, beside its operands.
struct sm90_work {
  tile_order order;      // its rows are of clusters of tiles
  int k_blocks;          // of 128 bytes
  int a_step, b_step;    // 1: every matrix of the batch has its own A, B; 0: one for all
  index c_step;          // elements from one C to the next
  bool boxed_c;          // may the accelerator store C
};

/// The types and the shape of a kernel. MnA, MnB: A is contiguous along its rows' index, B along its columns'.
template <class In_, class D_, sm90_tile S_, bool MnA_, bool MnB_>
struct sm90_kind {
  using In = In_;
  using D = D_;
  static constexpr sm90_tile S = S_;
  static constexpr bool MnA = MnA_, MnB = MnB_;
  static constexpr int bk = 128 / int(sizeof(In));
  using geometry = sm90_geometry<S>;
};

struct sm90_maps {
  const CUtensorMap &a, &b, &c;
};

/// One block of the kernel.
template <class Kind>
struct sm90_block : Kind {
  using typename Kind::geometry;
  using typename Kind::In;
  using Kind::S;
  using acc = accumulator_of<In>;
  static constexpr int mn_block_bytes = Kind::bk * 128;  // of an MN-major tile: 64 rows or columns of one stage

  unsigned char* memory;  // aligned to 1024
  std::uint32_t base;     // the same, as an address of shared memory
  std::uint32_t rank;     // of this block in its cluster

  __device__ __forceinline__ std::uint32_t full(std::uint32_t slot) const { return base + geometry::barriers + 8 * slot; }
  __device__ __forceinline__ std::uint32_t empty(std::uint32_t slot) const { return full(S.stages + slot); }
  __device__ __forceinline__ std::uint32_t turn(int consumer) const { return full(2 * S.stages + consumer); }
  __device__ __forceinline__ std::uint32_t a_tile(std::uint32_t slot) const { return base + slot * geometry::stage_bytes; }
  __device__ __forceinline__ std::uint32_t b_tile(std::uint32_t slot) const { return a_tile(slot) + geometry::a_bytes; }

  static __device__ __forceinline__ int first_tile() { return blockIdx.x / S.cluster; }
  static __device__ __forceinline__ int tile_step() { return gridDim.x / S.cluster; }

  __device__ __forceinline__ void init() const {
    for (int s = 0; s < S.stages; ++s) {
      ptx::init_barrier(full(s), 1);
      ptx::init_barrier(empty(s), 4 * geometry::readers * S.cluster);
    }
    ptx::init_barrier(turn(0), 1);
    ptx::init_barrier(turn(1), 1);
    ptx::publish_barriers();
  }

  // ---- producer: one thread

  __device__ __forceinline__ void produce(const sm90_maps& maps, const sm90_work& work) const {
    ptx::prefetch_map(maps.a);
    ptx::prefetch_map(maps.b);
    ring<S.stages> at;
    for (int t = first_tile(); t < work.order.count(); t += tile_step()) {
      const tile_place p = work.order[t];
      const int row = (p.m * S.cluster + int(rank)) * S.bm, col = p.n * S.bn;
      for (int kb = 0; kb < work.k_blocks; ++kb, at.advance()) {
        ptx::wait(empty(at.slot), at.phase ^ 1);
        ptx::expect_bytes(full(at.slot), geometry::stage_bytes);
        load_a(maps.a, at.slot, row, kb * Kind::bk, p.batch * work.a_step);
        load_b(maps.b, at.slot, col, kb * Kind::bk, p.batch * work.b_step);
      }
    }
    // A neighbour may still say that it has read its copy: the barriers must outlive that.
    for (int s = 0; s < S.stages; ++s, at.advance()) ptx::wait(empty(at.slot), at.phase ^ 1);
  }

  __device__ __forceinline__ void load_a(const CUtensorMap& map, std::uint32_t slot, int row, int k, int batch) const {
    if constexpr (Kind::MnA) {
      for (int i = 0; i < S.bm / 64; ++i) {
        ptx::load_box(a_tile(slot) + i * mn_block_bytes, map, full(slot), row + 64 * i, k, batch);
      }
    } else {
      ptx::load_box(a_tile(slot), map, full(slot), k, row, batch);
    }
  }

  // Every block of a cluster loads a part of B for all of them.
  __device__ __forceinline__ void load_b(const CUtensorMap& map, std::uint32_t slot, int col, int k, int batch) const {
    constexpr int part = S.bn / S.cluster;
    if constexpr (Kind::MnB) {
      for (int i = int(rank); i < S.bn / 64; i += S.cluster) {
        load_shared(b_tile(slot) + i * mn_block_bytes, map, slot, col + 64 * i, k, batch);
      }
    } else {
      load_shared(b_tile(slot) + rank * (part * 128), map, slot, k, col + int(rank) * part, batch);
    }
  }
  __device__ __forceinline__ void load_shared(std::uint32_t to, const CUtensorMap& map, std::uint32_t slot, int x, int y,
                                              int batch) const {
    if constexpr (S.cluster == 1) {
      ptx::load_box(to, map, full(slot), x, y, batch);
    } else {
      ptx::load_box_for((1 << S.cluster) - 1, to, map, full(slot), x, y, batch);
    }
  }

  // ---- consumers: a warpgroup each

  template <class C, class E>
  __device__ __forceinline__ void consume(const CUtensorMap& c_map, const sm90_work& work, const C& c, const E& e,
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
      const index row = index(p.m * S.cluster + int(rank)) * S.bm + (S.ping_pong ? 0 : consumer * geometry::rows);
      const sm90_store<typename Kind::D, S.boxes, E, C> store{
          c_map, here, e, p.batch, work.boxed_c, memory + geometry::staging + consumer * S.boxes * store_bytes, 1 + consumer,
          ptx::from_here(thread)};
      store(sums, row, index(p.n) * S.bn);
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
    if (S.ping_pong && thread == 0) ptx::arrive(turn(1 - consumer));
    ptx::wgmma_wait<0>();
#pragma unroll
    for (int i = 0; i < Blocks; ++i) ptx::hold(sums[i]);
    release(previous, thread);
  }

  // The instructions of one stage.
  template <int Blocks, int Count>
  __device__ __forceinline__ void issue(acc (&sums)[Blocks][Count], std::uint32_t slot, int first_row, bool first) const {
    constexpr std::uint32_t a_block = Kind::MnA ? mn_block_bytes : 64 * 128;  // from 64 rows to the next
    const std::uint64_t a = matrix_descriptor(a_tile(slot) + first_row / 64 * a_block, swizzle_block, mn_block_bytes);
    const std::uint64_t b = matrix_descriptor(b_tile(slot), swizzle_block, mn_block_bytes);
    constexpr int k = k_of_instruction<In>;
    constexpr int a_step = (Kind::MnA ? k * 128 : 32) >> 4, b_step = (Kind::MnB ? k * 128 : 32) >> 4;
#pragma unroll
    for (int s = 0; s < Kind::bk / k; ++s) {
#pragma unroll
      for (int i = 0; i < Blocks; ++i) {
        ptx::wgmma<In, S.bn, Kind::MnA, Kind::MnB>::run(sums[i], a + (i * a_block >> 4) + s * a_step, b + s * b_step,
                                                        !first || s > 0);
      }
    }
  }

  // Each warp says so to every block of the cluster.
  __device__ __forceinline__ void release(std::uint32_t slot, int thread) const {
    const std::uint32_t lane = std::uint32_t(thread) % 32;
    if constexpr (S.cluster == 1) {
      if (lane == 0) ptx::arrive(empty(slot));
    } else {
      if (lane < S.cluster) ptx::arrive_at(empty(slot), lane);
    }
  }
};

template <class Kind, class C, class E>
__global__ void __launch_bounds__(sm90_threads, 1)
    sm90_kernel(const __grid_constant__ CUtensorMap a, const __grid_constant__ CUtensorMap b,
                const __grid_constant__ CUtensorMap c_map, const __grid_constant__ sm90_work work,
                const __grid_constant__ C c, const __grid_constant__ E e) {
  if constexpr (compiling_sm90a) {
    extern __shared__ unsigned char shared[];
    unsigned char* const memory = shared + (-ptx::shared_address(shared) & 1023u);
    constexpr int cluster = Kind::S.cluster;
    const sm90_block<Kind> block{{}, memory, ptx::shared_address(memory), cluster > 1 ? ptx::cluster_rank() : 0};
    if (threadIdx.x == 0) block.init();
    if constexpr (cluster > 1) {
      ptx::sync_cluster();
    } else {
      __syncthreads();
    }
    const int group = __shfl_sync(0xFFFFFFFFu, int(threadIdx.x) / warpgroup, 0);
    if (group == 0) {
      ptx::release_registers<40>();
      if (threadIdx.x == 0) block.produce({a, b, c_map}, work);
    } else {
      ptx::claim_registers<232>();
      block.consume(c_map, work, c, e, group - 1, int(threadIdx.x) % warpgroup);
    }
  }
}

}  // namespace ashlar::cuda::detail
