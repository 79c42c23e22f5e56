// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_channels.hpp: depthwise convolution of images with channels innermost, a filter a channel.
//
//   for each image, depth and TH rows of dst               shared out among the workers
//     for each run of tiles along the row                  their addresses in src, padding as a row of padding values
//       for each tile of TW columns, all channels          conv/depthwise_tile.hpp
//
// Bound: a tap is one multiply-add a vector, so on a machine with one 512-bit multiply-add a cycle 3 x 3 taps take nine
// cycles a vector of dst, against about six to bring and take two lines from and to L2: arithmetic, as long as a line of
// src comes from L2 no more than twice. Two rows of dst a tile, hence.
//
// Depends on: conv/depthwise_tile.hpp, conv/depthwise_any_tile.hpp, conv/geometry.hpp.   Used by: conv/depthwise.hpp.
#pragma once

#include <ashlar/conv/depthwise_any_tile.hpp>
#include <ashlar/conv/depthwise_tile.hpp>
#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

namespace detail {

inline constexpr int depthwise_wide = 7, depthwise_narrow = 4;

/// Tiles along a row of dst: `wide` of seven columns, then `narrow` of four: the least columns that cover the row.
struct depthwise_row {
  index wide, narrow;
  ASHLAR_INLINE constexpr index count() const { return wide + narrow; }
  ASHLAR_INLINE constexpr index first_column(index tile) const {
    const index before = std::min(tile, wide);
    return before * depthwise_wide + (tile - before) * depthwise_narrow;
  }
};

ASHLAR_INLINE constexpr depthwise_row cut_depthwise_row(index width) {
  depthwise_row best{ceil_div(width, depthwise_wide), 0};
  for (index narrow = 1; narrow < depthwise_wide && (narrow - 1) * depthwise_narrow < width; ++narrow) {
    const index rest = std::max<index>(width - narrow * depthwise_narrow, 0);
    const depthwise_row row{ceil_div(rest, depthwise_wide), narrow};
    if (row.first_column(row.count()) < best.first_column(best.count())) best = row;
  }
  return best;
}

inline constexpr index depthwise_tallest = 2;

/// Rows of dst in a tile. Two share the loads of src, where accumulators and two rows of weights fit the registers.
template <class O>
constexpr int depthwise_height(const depthwise_shape& s) {
  constexpr int registers = isa::facts<typename O::isa_type>::vector_registers;
  return 2 * (depthwise_wide + s.width) + 1 <= registers ? 2 : 1;
}

/// The tiles for one shape of kernel.
template <class T, class E>
struct depthwise_tiles {
  using kernel = void (*)(const depthwise_operands<T>&, const E&);
  index height;               // rows of dst in a tall tile
  kernel tall[2], low[2];     // wide, narrow
  kernel ragged;              // 1 x narrow, for channels that are no whole vector; nullptr: the others do them
};

template <class O, depthwise_shape S, class E, class T = typename O::value_type>
constexpr depthwise_tiles<T, E> depthwise_tiles_of() {
  constexpr bool full = !O::masked_memory;
  if constexpr (S.height == 0) {
    constexpr auto wide = &depthwise_any_tile<O, depthwise_wide, full, E>::run;
    constexpr auto narrow = &depthwise_any_tile<O, depthwise_narrow, full, E>::run;
    constexpr auto ragged = full ? &depthwise_any_tile<O, depthwise_narrow, false, E>::run : nullptr;
    return {1, {wide, narrow}, {wide, narrow}, ragged};
  } else {
    constexpr int th = depthwise_height<O>(S);
    return {th,
            {&depthwise_tile<O, S, th, depthwise_wide, full, E>::run,
             &depthwise_tile<O, S, th, depthwise_narrow, full, E>::run},
            {&depthwise_tile<O, S, 1, depthwise_wide, full, E>::run,
             &depthwise_tile<O, S, 1, depthwise_narrow, full, E>::run},
            full ? &depthwise_tile<O, S, 1, depthwise_narrow, false, E>::run : nullptr};
  }
}

/// The shape with tiles of its own, or one of height 0.
ASHLAR_INLINE constexpr depthwise_shape depthwise_shape_of(const conv_geometry& g) {
  const triple& k = g.kernel;
  const bool square = k.d == 1 && k.h == k.w && g.stride.h == g.stride.w && g.dilation.h == 1 && g.dilation.w == 1;
  const bool known = square && (k.h == 3 || k.h == 5 || k.h == 7) && (g.stride.w == 1 || g.stride.w == 2);
  return known ? depthwise_shape{int(k.h), int(k.w), int(g.stride.w)} : depthwise_shape{0, 0, 0};
}

template <class O, class E, class T = typename O::value_type>
constexpr depthwise_tiles<T, E> find_depthwise_tiles(const depthwise_shape& s) {
  switch (s.height * 10 + s.stride) {
    case 31:
      return depthwise_tiles_of<O, depthwise_shape{3, 3, 1}, E>();
    case 32:
      return depthwise_tiles_of<O, depthwise_shape{3, 3, 2}, E>();
    case 51:
      return depthwise_tiles_of<O, depthwise_shape{5, 5, 1}, E>();
    case 52:
      return depthwise_tiles_of<O, depthwise_shape{5, 5, 2}, E>();
    case 71:
      return depthwise_tiles_of<O, depthwise_shape{7, 7, 1}, E>();
    case 72:
      return depthwise_tiles_of<O, depthwise_shape{7, 7, 2}, E>();
    default:
      return depthwise_tiles_of<O, depthwise_shape{0, 0, 0}, E>();
  }
}

}  // namespace detail

/// One convolution, as the workers see it.
template <class T, class Isa, class E>
class depthwise_channels {
  using O = ops<T, Isa>;
  using tiles = detail::depthwise_tiles<T, E>;
  static constexpr index line = 64 / index(sizeof(T));

 public:
  depthwise_channels(const conv_geometry& g, const image_view<const T>& src, const T* packed,
                     const image_view<T>& dst, const E& e, T padding)
      : g_(g),
        src_(src),
        packed_(packed),
        dst_(dst),
        epilogue_(e),
        padding_(padding),
        tiles_(detail::find_depthwise_tiles<O, E>(detail::depthwise_shape_of(g))),
        row_(detail::cut_depthwise_row(g.dst.w)) {}

  /// Elements for one worker: a row of padding values, the addresses of two tiles.
  static index workspace(const conv_geometry& g) { return multiple(g.channels, line) + 2 * table_size(g); }

  template <class Executor>
  void run(T* memory, Executor& executor) const {
    const index units = g_.batch * g_.dst.d * bands(), vectors = ceil_div(g_.channels, O::lanes());
    const index workers = std::max<index>(1, std::min<index>(executor.concurrency(), units * vectors));
    // Few bands: each is cut into several ranges of channels.
    const index ranges = units >= 4 * workers ? 1 : std::min(vectors, ceil_div(4 * workers, units));
    const index each = ceil_div(vectors, ranges), tasks = units * ceil_div(vectors, each);
    const index size = workspace(g_);
    executor.parallel_for(workers, [&](index worker) {
      worker_state w{memory + worker * size, table(memory + worker * size, 0), table(memory + worker * size, 1), nullptr, 0, 0};
      std::fill(w.padding, w.padding + g_.channels, padding_);
      for (index t = worker * tasks / workers; t < (worker + 1) * tasks / workers; ++t) {
        const index first = t / units * each * O::lanes();
        band(t % units, first, std::min(each * O::lanes(), g_.channels - first), w);
      }
    });
  }

 private:
  struct worker_state {
    T* padding;
    const T **inside, **edge;  // tables: of a tile that no padding meets, and of the others one by one
    const T* origin;           // the pixel of src that `inside` begins with
    index rows, columns;       // its size; 0: not filled yet
  };

  static index table_size(const conv_geometry& g) {
    const index rows = g.kernel.d * ((detail::depthwise_tallest - 1) * g.stride.h + g.kernel.h);
    const index columns = (detail::depthwise_wide - 1) * g.stride.w + (g.kernel.w - 1) * g.dilation.w + 1;
    return multiple(ceil_div(rows * columns * index(sizeof(T*)), index(sizeof(T))), line);
  }
  const T** table(T* memory, index which) const {
    return reinterpret_cast<const T**>(memory + multiple(g_.channels, line) + which * table_size(g_));
  }

  index bands() const { return ceil_div(g_.dst.h, tiles_.height); }

  // Rows of dst of one image: all tiles.
  void band(index unit, index channel, index channels, worker_state& w) const {
    const index y = unit % bands() * tiles_.height, od = unit / bands() % g_.dst.d, n = unit / bands() / g_.dst.d;
    const index ragged = tiles_.ragged ? channels % O::lanes() : 0;
    depthwise_operands<T> x = operands(channel, channels - ragged);
    x.rows = std::min(tiles_.height, g_.dst.h - y);
    const auto& kernels = x.rows == tiles_.height ? tiles_.tall : tiles_.low;
    for (index i = 0; x.channels > 0 && i < row_.count(); ++i) {
      const index column = row_.first_column(i);
      x.columns = std::min(row_.first_column(i + 1), g_.dst.w) - column;
      place(x, {n, od, y, column, x.rows, i < row_.wide ? detail::depthwise_wide : detail::depthwise_narrow}, w);
      kernels[i >= row_.wide](x, epilogue_);
    }
    if (ragged > 0) last_channels(n, od, y, operands(channel + channels - ragged, ragged), w);
  }

  // Channels that are no whole vector, with small tiles.
  void last_channels(index n, index od, index y, depthwise_operands<T> x, worker_state& w) const {
    x.rows = 1;
    for (index r = 0; r < std::min(tiles_.height, g_.dst.h - y); ++r) {
      for (index column = 0; column < g_.dst.w; column += detail::depthwise_narrow) {
        x.columns = std::min<index>(detail::depthwise_narrow, g_.dst.w - column);
        place(x, {n, od, y + r, column, 1, detail::depthwise_narrow}, w);
        tiles_.ragged(x, epilogue_);
      }
    }
  }

  depthwise_operands<T> operands(index channel, index channels) const {
    depthwise_operands<T> x;
    x.channel = channel;
    x.channels = channels;
    x.weights_stride = g_.taps() * O::lanes();
    x.weights = packed_ + channel / O::lanes() * x.weights_stride;
    x.dst_row = dst_.strides().h;
    x.dst_column = dst_.strides().w;
    x.width = g_.dst.w;
    x.kernel_rows = g_.kernel.d * g_.kernel.h;
    x.kernel_columns = g_.kernel.w;
    x.dilation = g_.dilation.w;
    x.stride = g_.stride.w;
    return x;
  }

  // A tile's place in dst: its first pixel, and how large its kernel is.
  struct tile_place {
    index n, od, y, x, rows, columns;
  };

  void place(depthwise_operands<T>& x, const tile_place& at, worker_state& w) const {
    x.dst = dst_.pointer(at.n, at.od, at.y, at.x, 0);
    x.pixel = (at.od * g_.dst.h + at.y) * g_.dst.w + at.x;
    const index rows = (at.rows - 1) * g_.stride.h + g_.kernel.h;
    const index columns = (at.columns - 1) * g_.stride.w + (g_.kernel.w - 1) * g_.dilation.w + 1;
    x.addresses = w.edge;
    x.shift = 0;
    if (!inside(at, rows, columns)) return fill_table(w.edge, rows, columns, w.padding, at);
    const T* const origin = src_.pointer(at.n, at.od * g_.stride.d - g_.before.d, at.y * g_.stride.h - g_.before.h,
                                         at.x * g_.stride.w - g_.before.w, 0);
    if (w.rows != rows || w.columns != columns) {
      fill_table(w.inside, rows, columns, w.padding, at);
      w.origin = origin, w.rows = rows, w.columns = columns;
    }
    x.addresses = w.inside;
    x.shift = origin - w.origin;
  }

  // Does no padding meet the tile? Then its pixels of src lie as those of every other such tile.
  bool inside(const tile_place& at, index rows, index columns) const {
    const triple first{at.od * g_.stride.d - g_.before.d, at.y * g_.stride.h - g_.before.h,
                       at.x * g_.stride.w - g_.before.w};
    return first.d >= 0 && first.h >= 0 && first.w >= 0 && first.w + columns <= g_.src.w &&
           first.d + (g_.kernel.d - 1) * g_.dilation.d < g_.src.d &&
           first.h + (rows - 1) * g_.dilation.h < g_.src.h;
  }

  // Where the pixels of src are: rows under the tile, all depths together.
  void fill_table(const T** table, index rows, index columns, const T* padding, const tile_place& at) const {
    const index first = at.x * g_.stride.w - g_.before.w;
    const index left = std::clamp<index>(-first, 0, columns), right = std::clamp<index>(g_.src.w - first, left, columns);
    for (index d = 0; d < g_.kernel.d; ++d) {
      const index id = at.od * g_.stride.d - g_.before.d + d * g_.dilation.d;
      for (index r = 0; r < rows; ++r, table += columns) {
        const index ih = at.y * g_.stride.h - g_.before.h + r * g_.dilation.h;
        const bool inside = id >= 0 && id < g_.src.d && ih >= 0 && ih < g_.src.h;
        const index from = inside ? left : columns, to = inside ? right : columns;
        const T* p = src_.pointer(at.n, id, ih, first + from, 0);
        for (index x = 0; x < from; ++x) table[x] = padding;
        for (index x = from; x < to; ++x, p += src_.strides().w) table[x] = p;
        for (index x = to; x < columns; ++x) table[x] = padding;
      }
    }
  }

  const conv_geometry& g_;
  image_view<const T> src_;
  const T* packed_;
  image_view<T> dst_;
  const E& epilogue_;
  T padding_;
  tiles tiles_;
  detail::depthwise_row row_;
};

}  // namespace ashlar
