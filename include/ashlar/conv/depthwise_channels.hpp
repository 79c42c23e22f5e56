// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_channels.hpp: depthwise convolution of images with channels innermost, a filter a channel.
//
//   for each image, depth and TH rows of dst               shared out among the workers
//     for each run of tiles along the row                  their addresses in src, padding as a row of padding values
//       for each tile of TW columns, all channels          conv/depthwise_tile.hpp
//
// Bound: a tap is one multiply-add a vector, so on a machine with one 512-bit multiply-add a cycle 3 x 3 taps take nine
// cycles a vector of dst, against about six to bring and take two lines from and to L2: arithmetic, as long as a line
// of src comes from L2 no more than twice. Two rows of dst a tile, hence.
//
// Depends on: conv/depthwise_tiles.hpp, conv/geometry.hpp.   Used by: conv/depthwise.hpp, conv/depthwise_mixed.hpp.
#pragma once

#include <ashlar/conv/depthwise_tiles.hpp>
#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

/// One convolution by vectors of O, as the workers see it. Groups says which tiles; Sums is what the epilogue takes the
/// sums for.
template <class O, class E, class Groups = single_channels, class Sums = typename O::value_type, class D = Sums>
class depthwise_channels {
  using T = typename O::value_type;
  using Isa = typename O::isa_type;
  using S = detail::source_element<O>;
  using tiles = detail::depthwise_tiles<O>;
  static constexpr index block_vectors = 8;  // of channels whose sums of a tile rest in L1
  static constexpr index line = 64 / index(sizeof(T));
  static constexpr index padding_run = 16 * line;

 public:
  depthwise_channels(const conv_geometry& g, const blocked_image_view<const S>& src, const T* packed,
                     const blocked_image_view<D>& out, const E& e, S padding, const pixel_numbers& numbers)
      : g_(g),
        src_(without_end(src)),
        packed_(packed),
        dst_(out),
        epilogue_(e),
        padding_(padding),
        tiles_(Groups::template tiles<O>(g, spacing())),
        finishing_(Groups::template finishing_tile<O, E, Sums, D>(g, spacing())),
        numbers_(numbers) {}

  /// Elements for one worker: a run of padding values, the addresses of two tiles, the sums of one.
  static index workspace(const conv_geometry& g) {
    return padding_size(g) + 2 * table_size(g) + 2 * 7 * block_vectors * O::lanes();
  }

  template <class Executor>
  void run(T* memory, Executor& executor) const {
    const index lanes = tiles_.vectors * O::lanes();
    const index units = g_.batch * g_.dst.d * bands(), vectors = ceil_div(g_.filters, lanes);
    const index workers = std::max<index>(1, std::min<index>(executor.concurrency(), units * vectors));
    // Few bands: each is cut into several ranges of channels.
    const index ranges = units >= 4 * workers ? 1 : std::min(vectors, ceil_div(4 * workers, units));
    // Between blocks of channels, one of them after the other: each is an image of its own.
    const index in_block = src_.blocked() && dst_.blocked() ? ceil_div(run(0, g_.filters), lanes) : vectors;
    const index each = std::min(ceil_div(vectors, ranges), in_block);
    const index tasks = units * ceil_div(vectors, each);
    const index size = workspace(g_);
    executor.parallel_for(workers, [&](index worker) {
      T* const mine = memory + worker * size;
      worker_state w{reinterpret_cast<S*>(mine),
                     table(mine, 0),
                     table(mine, 1),
                     nullptr,
                     0,
                     0,
                     mine + workspace(g_) - 2 * 7 * sums_stride()};
      std::fill(w.padding, w.padding + padding_size(g_), padding_);
      for (index t = worker * tasks / workers; t < (worker + 1) * tasks / workers; ++t) {
        const index first = t / units * each * lanes, end = std::min(first + each * lanes, g_.filters);
        for (index c = first, count; c < end; c += count) {
          count = run(c, end - c);
          band(t % units, c, count, w);
        }
      }
    });
  }

 private:
  struct worker_state {
    S* padding;
    const S **inside, **edge;  // tables: of a tile that no padding meets, and of the others one by one
    const S* origin;           // the pixel of src that `inside` begins with
    index rows, columns;       // its size; 0: not filled yet
    T* sums;                   // of a tile, [row][column][channel]
  };

  // Channels count as filters here, of which groups may have more: where there is one block, it goes on for those.
  static blocked_image_view<const S> without_end(const blocked_image_view<const S>& src) {
    return src.blocked() ? src : blocked_image_view<const S>(src.image());
  }
  // Of `count` channels from c on, how many are in one block of src and of dst: an image with channels innermost.
  index run(index c, index count) const { return src_.run(c, dst_.run(c, count)); }
  // Such an image as if all channels lay as those of the block of c.
  template <class View>
  static auto pixel_of(const View& v, index n, index d, index h, index w, index c) {
    return v.pointer(n, d, h, w, c) - c;
  }
  // From a pixel of src to the next, for the choice of tiles: those of four vectors want one block.
  index spacing() const { return src_.blocked() || dst_.blocked() ? 1 : src_.strides().w; }

  // A pixel of padding, and how far tiles side by side may go on from it.
  static index padding_size(const conv_geometry& g) { return multiple(g.channels, line) + padding_run; }

  // Enough for 2 x 7 pixels of dst.
  static index table_size(const conv_geometry& g) {
    const index rows = g.kernel.d * (g.stride.h + g.kernel.h);
    const index columns = 6 * g.stride.w + (g.kernel.w - 1) * g.dilation.w + 1;
    return multiple(ceil_div(rows * columns * index(sizeof(S*)), index(sizeof(T))), line);
  }
  const S** table(T* memory, index which) const {
    return reinterpret_cast<const S**>(memory + padding_size(g_) + which * table_size(g_));
  }

  index bands() const { return ceil_div(g_.dst.h, tiles_.height); }

  struct place_in_dst {
    index n, d, y, x;
  };

  // Rows of dst of one image: all tiles.
  void band(index unit, index channel, index channels, worker_state& w) const {
    const index count = bands(), ragged = tiles_.ragged ? channels % O::lanes() : 0;
    place_in_dst at{unit / count / g_.dst.d, unit / count % g_.dst.d, unit % count * tiles_.height, 0};
    const bool tall = g_.dst.h - at.y >= tiles_.height;
    const index whole = channels - ragged;
    for (index row = at.y, end = std::min(at.y + tiles_.height, g_.dst.h); row < end;) {
      at.y = row;
      const index rows = tall ? tiles_.height : 1;
      if (whole > 0 && tall && finishing_) {
        finished_row(at, {channel, whole}, w);
      } else if (whole > 0) {
        row_of_tiles(at, {rows, tiles_.columns, tall ? tiles_.tall : tiles_.low}, {channel, whole}, w);
      }
      if (ragged > 0 && !tall) {
        row_of_tiles(at, {1, tiles::ragged_columns, tiles_.ragged}, {channel + whole, ragged}, w);
      }
      row += rows;
      if (ragged == 0 || !tall) continue;
      for (; at.y < row; ++at.y) {
        row_of_tiles(at, {1, tiles::ragged_columns, tiles_.ragged}, {channel + whole, ragged}, w);
      }
    }
  }

  struct tile_kind {
    index rows, columns;
    typename tiles::kernel kernel;
  };
  struct channel_range {
    index first, count;
  };

  static index sums_stride() { return block_vectors * O::lanes(); }

  // Tiles side by side, each a block of channels after the other.
  void row_of_tiles(place_in_dst at, const tile_kind& tile, const channel_range& channels, worker_state& w) const {
    auto x = operands<T>(channels.first, 0);
    const T* const weights = x.weights;
    x.rows = tile.rows, x.columns = tile.columns;
    for (at.x = 0; at.x < g_.dst.w; at.x += tile.columns) {
      put(x, at, channels.first, tile.rows, tile.columns, w);
      x.weights = weights;
      for (index c = 0; c < channels.count; c += sums_stride()) {
        x.channel = channels.first + c;
        x.channels = std::min(sums_stride(), channels.count - c);
        x.dst = w.sums - x.channel;
        x.dst_column = sums_stride(), x.dst_row = tile.columns * sums_stride();
        tile.kernel(x, acc);
        x.weights += block_vectors * x.weights_stride;
        finish(at, tile, {x.channel, x.channels}, w.sums);
      }
    }
  }

  // Tall tiles side by side that apply the epilogue, all channels of each at once: those that neither padding nor the
  // end of the row meets by one call.
  void finished_row(place_in_dst at, const channel_range& channels, worker_state& w) const {
    auto x = operands<D>(channels.first, channels.count);
    const auto& strides = dst_.strides();
    const index advance = tiles_.columns * g_.stride.w;
    x.rows = tiles_.height;
    x.pixel_row = numbers_.row, x.pixel_step = numbers_.step;
    x.dst_row = strides.h, x.dst_column = strides.w;
    x.tile_shift = advance * src_.strides().w;
    for (at.x = 0; at.x < g_.dst.w; at.x += x.tiles * tiles_.columns) {
      const index free = put(x, at, channels.first, tiles_.height, tiles_.columns, w);
      x.tiles = free < 0 ? 1 : std::max<index>(1, std::min(free / advance + 1, (g_.dst.w - at.x) / tiles_.columns));
      x.columns = std::min(tiles_.columns, g_.dst.w - at.x);
      x.dst = pixel_of(dst_, at.n, at.d, at.y, at.x, channels.first);
      x.pixel = number(at);
      finishing_(x, epilogue_);
    }
  }

  // Epilogue and store of the sums of a tile: from L1, where the tile put them.
  void finish(const place_in_dst& at, const tile_kind& tile, const channel_range& c, T* tile_sums) const {
    const index columns = std::min(tile.columns, g_.dst.w - at.x), pitch = sums_stride();
    place_in_dst here = at;
    for (index r = 0; r < std::min(tile.rows, g_.dst.h - at.y); ++r, ++here.y, tile_sums += tile.columns * pitch) {
      // Where the tile has written; the rest may be anything.
      for (index x = 0; x < columns; ++x) detail::whole_numbers<Sums>(tile_sums + x * pitch, c.count);
      finish_rows<ops<Sums, Isa>>(epilogue_, reinterpret_cast<const Sums*>(tile_sums), pitch, columns, c.count,
                                  dst_.pointer(here.n, here.d, here.y, here.x, c.first), dst_.strides().w,
                                  epilogue_place{number(here), numbers_.step, c.first});
    }
  }
  index number(const place_in_dst& at) const {
    return numbers_.first + at.d * numbers_.plane + at.y * numbers_.row + at.x * numbers_.step;
  }

  template <class Dst>
  depthwise_operands<T, Dst, S> operands(index channel, index channels) const {
    depthwise_operands<T, Dst, S> x;
    x.channel = channel;
    x.channels = channels;
    x.weights_stride = Groups::units(g_) * O::lanes();
    x.weights = packed_ + channel / O::lanes() * x.weights_stride;
    x.pixel = x.pixel_row = x.pixel_step = 0;
    x.kernel_rows = g_.kernel.d * g_.kernel.h;
    x.kernel_columns = g_.kernel.w;
    x.dilation = g_.dilation.w;
    x.stride = g_.stride.w;
    x.group_channels = g_.group_channels();
    x.group_filters = g_.group_filters();
    x.src_channels = g_.channels;
    return x;
  }

  // The addresses of the pixels of src under a tile of th x tw pixels, for channels from `channel` on. Returns how many
  // columns of src there are to its right; negative: padding meets it.
  template <class Dst>
  index put(depthwise_operands<T, Dst, S>& x, const place_in_dst& at, index channel, index th, index tw,
            worker_state& w) const {
    const index rows = (th - 1) * g_.stride.h + g_.kernel.h;
    const index columns = (tw - 1) * g_.stride.w + (g_.kernel.w - 1) * g_.dilation.w + 1;
    const triple first{at.d * g_.stride.d - g_.before.d, at.y * g_.stride.h - g_.before.h,
                       at.x * g_.stride.w - g_.before.w};
    x.addresses = w.edge;
    x.shift = 0;
    const index free = first.w < 0 ? -1 : g_.src.w - first.w - columns;
    if (free < 0 || !rows_inside(first, rows)) {
      fill_table(w.edge, rows, columns, w.padding, at.n, channel, first);
      // Tiles below or above each other's edge go along a row of padding, as far as there is one.
      return free < 0 || src_.strides().w <= 0 ? -1 : std::min(free, padding_run / src_.strides().w);
    }
    const S* const origin = pixel_of(src_, at.n, first.d, first.h, first.w, channel);
    if (w.rows != rows || w.columns != columns) {
      fill_table(w.inside, rows, columns, w.padding, at.n, channel, first);
      w.origin = origin, w.rows = rows, w.columns = columns;
    }
    x.addresses = w.inside;
    x.shift = origin - w.origin;
    return free;
  }

  // Does no row of padding meet the tile? Without columns of it, pixels of src lie as those of every other such tile.
  bool rows_inside(const triple& first, index rows) const {
    return first.d >= 0 && first.h >= 0 && first.d + (g_.kernel.d - 1) * g_.dilation.d < g_.src.d &&
           first.h + (rows - 1) * g_.dilation.h < g_.src.h;
  }

  // Where the pixels of src are: rows under the tile, all depths together.
  void fill_table(const S** table, index rows, index columns, const S* padding, index n, index channel,
                  const triple& origin) const {
    const index step = src_.strides().w, row_step = g_.dilation.h * src_.strides().h;
    const index left = std::clamp<index>(-origin.w, 0, columns),
                right = std::clamp<index>(g_.src.w - origin.w, left, columns);
    for (index d = 0; d < g_.kernel.d; ++d) {
      const index id = origin.d + d * g_.dilation.d;
      const S* row = pixel_of(src_, n, id, origin.h, origin.w + left, channel);
      for (index r = 0, ih = origin.h; r < rows; ++r, ih += g_.dilation.h, row += row_step, table += columns) {
        const bool inside = id >= 0 && id < g_.src.d && ih >= 0 && ih < g_.src.h;
        const index from = inside ? left : columns, to = inside ? right : columns;
        const S* p = row;
        for (index x = 0; x < from; ++x) table[x] = padding;
        for (index x = from; x < to; ++x, p += step) table[x] = p;
        for (index x = to; x < columns; ++x) table[x] = padding;
      }
    }
  }

  const conv_geometry& g_;
  blocked_image_view<const S> src_;
  const T* packed_;
  blocked_image_view<D> dst_;
  const E& epilogue_;
  S padding_;
  tiles tiles_;
  detail::depthwise_tile_function<O, E, D> finishing_;
  pixel_numbers numbers_;
};

}  // namespace ashlar
