// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/virtual_sm90_cluster.hpp: the Hopper kernel replayed on a CPU, one cluster after the other: what
// sm90_gemm.cuh and sm90_store.cuh do, step by step, with the library's maps and the machine of virtual_sm90.hpp.
//
// The producers run ahead by as many stages as there are; a stage is spoilt once it has been read. Nothing here is
// concurrent: the protocol is ring_test.cpp's.
//
// Depends on: virtual_sm90.hpp, cuda/.   Used by: sm90_replay_test.cpp.
#pragma once

#include <ashlar/cuda/convert.cuh>
#include <ashlar/cuda/ring.cuh>

#include "cuda/virtual_sm90.hpp"

namespace ashlar::test {

/// The operands of a product, as launch_sm90_matrices gives them to the kernel.
template <class In_, bool MnA_, bool MnB_>
struct replayed_matrices {
  using In = In_;
  static constexpr bool mn_a = MnA_, mn_b = MnB_;
  using cursor = cd::matrix_cursor<MnA_, MnB_>;
  cd::boxed_matrix a, b;
  cd::matrix_work work;

  template <class Place>
  cursor at(const Place& place, const cd::tile_place& p) const {
    return {work, place, p, 128 / int(sizeof(In))};
  }
  template <class Load>
  void load_a(const cursor& at, const Load& boxes) const {
    boxes(
        [&](virtual_shared& to, std::uint32_t address, int line) { return load_box<In>(to, address, a, at.a(line)); });
  }
};

/// The operands of a convolution, as launch_sm90_conv gives them.
template <class In_, bool MnB_>
struct replayed_pixels {
  using In = In_;
  static constexpr bool mn_a = false, mn_b = MnB_;
  using cursor = cd::pixel_cursor<MnB_>;
  cd::walked_image a;
  cd::boxed_matrix b;
  cd::pixel_work work;

  template <class Place>
  cursor at(const Place& place, const cd::tile_place& p) const {
    return {work, place, p, 128 / int(sizeof(In))};
  }
  template <class Load>
  void load_a(const cursor& at, const Load& boxes) const {
    boxes([&](virtual_shared& to, std::uint32_t address, int) { return load_pixels<In>(to, address, a, at.a()); });
  }
};

template <cuda::sm90_tile S, class Operands, class C, class E>
class virtual_cluster {
  using In = typename Operands::In;
  using D = typename C::value_type;
  using T = cd::accumulator_of<In>;
  using geometry = cd::sm90_geometry<S>;
  using a_layout = cd::operand_layout<sizeof(In), Operands::mn_a>;
  using b_layout = cd::operand_layout<sizeof(In), Operands::mn_b>;
  static constexpr std::uint32_t base = 1024;
  static constexpr int box_cols = 128 / int(sizeof(D));
  using sums = warpgroup_sums<T, S.bn>;

  struct block {
    virtual_shared memory{int(base) + geometry::barriers};
    std::vector<int> bytes = std::vector<int>(S.stages);  // loaded into each slot
  };

  const Operands& operands_;
  const cd::tile_order& order_;
  int k_blocks_, first_, step_;
  const C& c_;
  const E& e_;
  index c_step_;
  cd::boxed_matrix c_boxes_;
  bool boxed_;
  std::vector<block> blocks_ = std::vector<block>(S.cluster());
  cd::ring<S.stages> full_;  // the producers' place
  int loaded_ = 0;           // stages loaded

 public:
  virtual_cluster(const Operands& operands, const cd::tile_order& order, int k_blocks, int first, int step, const C& c,
                  const E& e, index c_step, bool boxed)
      : operands_(operands),
        order_(order),
        k_blocks_(k_blocks),
        first_(first),
        step_(step),
        c_(c),
        e_(e),
        c_step_(c_step),
        c_boxes_(cd::boxed_rows(c, c_step, order.batch, 64)),
        boxed_(boxed) {}

  void run() {
    cd::ring<S.stages> at[cd::sm90_consumers];
    if (S.ping_pong) at[1].advance(std::uint32_t(k_blocks_));
    std::vector<sums> results(std::size_t(S.cluster() * 4));
    int read = 0;
    for (int t = first_, nth = 0; t < order_.count(); t += step_, ++nth) {
      const int from = S.ping_pong ? nth % 2 : 0, to = S.ping_pong ? from + 1 : cd::sm90_consumers;
      for (int kb = 0; kb < k_blocks_; ++kb, ++read) {
        while (loaded_ < read + S.stages && load_stage()) continue;
        for (int w = from; w < to; ++w) {
          for (int rank = 0; rank < S.cluster(); ++rank)
            multiply(rank, w, at[w], kb == 0, &results[std::size_t(rank * 4)]);
        }
        spoil(at[from].slot);
        for (int w = from; w < to; ++w) at[w].advance();
      }
      if (S.ping_pong) at[from].advance(std::uint32_t(k_blocks_));
      for (int w = from; w < to; ++w) {
        for (int rank = 0; rank < S.cluster(); ++rank) store(rank, w, order_[t], &results[std::size_t(rank * 4)]);
      }
    }
  }

 private:
  static std::uint32_t a_tile(std::uint32_t slot) { return base + slot * geometry::stage_bytes; }
  static std::uint32_t b_tile(std::uint32_t slot) { return a_tile(slot) + geometry::a_bytes; }

  // One stage of every block; false when there is none left.
  bool load_stage() {
    const int t = first_ + loaded_ / k_blocks_ * step_;
    if (t >= order_.count()) return false;
    const cd::tile_place p = order_[t];
    for (int rank = 0; rank < S.cluster(); ++rank) {
      const cd::cluster_place<S> place{rank};
      auto at = operands_.at(place, p);
      for (int i = 0; i < loaded_ % k_blocks_; ++i) at.advance();
      operands_.load_a(at, [&](const auto& load) {
        load_parts<Operands::mn_a, S.bm, S.cluster_n>(place.n(), place.row_of_blocks(), a_tile(full_.slot), load);
      });
      load_parts<Operands::mn_b, S.bn, S.cluster_m>(place.m(), place.column_of_blocks(), b_tile(full_.slot),
                                                    [&](virtual_shared& to, std::uint32_t address, int line) {
                                                      return load_box<In>(to, address, operands_.b, at.b(line));
                                                    });
    }
    ++loaded_, full_.advance();
    return true;
  }

  // Boxes of one block's part of a tile, to all blocks of the mask.
  template <bool MnMajor, int Lines, int Parts, class Load>
  void load_parts(int part, std::uint32_t mask, std::uint32_t tile, const Load& load) {
    cd::for_each_box<MnMajor, Lines, Parts>(part, b_or_a_block, [&](int bytes, int line) {
      REQUIRE(mask < 1u << S.cluster());
      for (int rank = 0; rank < S.cluster(); ++rank) {
        block& to = blocks_[std::size_t(rank)];
        if (mask >> rank & 1) to.bytes[full_.slot] += load(to.memory, tile + std::uint32_t(bytes), line);
      }
    });
  }
  static constexpr int b_or_a_block = cd::operand_layout<sizeof(In), true>::block_bytes;

  void spoil(std::uint32_t slot) {
    for (block& b : blocks_) b.memory.spoil(a_tile(slot), geometry::stage_bytes), b.bytes[slot] = 0;
  }

  // sm90_block::issue
  void multiply(int rank, int consumer, const cd::ring<S.stages>& at, bool first, sums* results) {
    const block& b = blocks_[std::size_t(rank)];
    REQUIRE(b.bytes[at.slot] == geometry::stage_bytes);  // what its barrier waits for
    const int half = S.ping_pong ? 0 : consumer * geometry::rows;
    const std::uint64_t da = a_layout::descriptor(a_tile(at.slot) + std::uint32_t(half / 64 * a_layout::block_bytes));
    const std::uint64_t db = b_layout::descriptor(b_tile(at.slot));
    for (int s = 0; s < cd::instructions_of_line; ++s) {
      for (int i = 0; i < geometry::row_blocks; ++i) {
        virtual_wgmma<In, S.bn, Operands::mn_a, Operands::mn_b>(
            b.memory, results[half / 64 + i], da + a_layout::to_block(i) + std::uint64_t(a_layout::to_instruction(s)),
            db + std::uint64_t(b_layout::to_instruction(s)), !first || s > 0);
      }
    }
  }

  // sm90_store, box by box.
  void store(int rank, int consumer, const cd::tile_place& p, const sums* results) {
    const cd::cluster_place<S> place{rank};
    const int half = S.ping_pong ? 0 : consumer * geometry::rows;
    const C here(c_.data() + p.batch * c_step_, c_.rows(), c_.cols(), c_.row_stride(), c_.col_stride());
    const std::uint32_t box = base + geometry::staging + std::uint32_t(consumer * S.boxes * cd::store_bytes);
    for (int i = 0; i < geometry::row_blocks; ++i) {
      for (int q = 0; q * box_cols < S.bn; ++q) {
        const index row = place.row_of(p) + half + 64 * i, col = place.col_of(p) + q * box_cols;
        blocks_[std::size_t(rank)].memory.spoil(box, cd::store_bytes);
        for (int warp = 0; warp < 4; ++warp)
          write(blocks_[std::size_t(rank)].memory, box, warp, results[half / 64 + i], q, here, row, col);
        send(blocks_[std::size_t(rank)].memory, box, here, row, col, p.batch);
      }
    }
  }

  void write(virtual_shared& to, std::uint32_t box, int warp, const sums& acc, int q, const C& c, index row,
             index col) {
    constexpr int count = box_cols < S.bn ? box_cols / 2 : S.bn / 2;
    const auto pair = [&](int thread, int i) {
      const auto value = [&](int j) {
        const cd::fragment_place p = cd::accumulator_place(thread, j);
        return cd::finished(e_, acc[thread][q * box_cols / 2 + j], c, row + p.row, col + p.col);
      };
      return cd::packed<D>(value(i), value(i + 1));
    };
    if constexpr (sizeof(D) == 2) {
      for (int i = 0; i < count; i += 8) {
        std::uint32_t words[32][4], address[32];
        for (int lane = 0; lane < 32; ++lane) {
          for (int j = 0; j < 4; ++j) words[lane][j] = pair(32 * warp + lane, i + 2 * j);
          address[lane] = box + cd::stored_matrix_place(32 * warp + lane, i);
        }
        store_matrices(to, address, words);
      }
    } else {
      for (int thread = 32 * warp; thread < 32 * warp + 32; ++thread) {
        for (int i = 0; i < count; i += 2) to.write(box + cd::stored_pair_place(thread, i, sizeof(D)), pair(thread, i));
      }
    }
  }

  void send(const virtual_shared& from, std::uint32_t box, const C& c, index row, index col, int batch) {
    if (row >= c.rows() || col >= c.cols()) return;
    if (boxed_ && S.bn % box_cols == 0) return store_box<D>(from, box, c_boxes_, {int(col), int(row), batch});
    for (int r = 0; r < 64 && row + r < c.rows(); ++r) {
      for (int j = 0; j < box_cols && j < S.bn && col + j < c.cols(); ++j) {
        *c.pointer(row + r, col + j) = from.read<D>(box + cd::stored_place(r, j, sizeof(D)));
      }
    }
  }
};

/// All tiles of C, by `clusters` clusters that take turns at them.
template <cuda::sm90_tile S, class Operands, class C, class E>
void replay(const Operands& operands, int k_blocks, index batch, const C& c, const E& e, index c_step, int clusters) {
  using D = typename C::value_type;
  const auto blocks = [](index extent, index size) { return int((extent + size - 1) / size); };
  const cd::tile_order order{blocks(c.rows(), S.bm * S.cluster_m), blocks(c.cols(), S.bn * S.cluster_n), 3, int(batch)};
  const bool boxed = c.col_stride() == 1 && c.row_stride() >= c.cols() &&
                     cd::storable(cd::boxed_rows(c, c_step, batch, 64), sizeof(D));
  for (int i = 0; i < clusters; ++i) {
    virtual_cluster<S, Operands, C, E>(operands, order, k_blocks, i, clusters, c, e, c_step, boxed).run();
  }
}

}  // namespace ashlar::test
