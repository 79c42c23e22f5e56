// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_planes.hpp: depthwise convolution a plane at a time: images with a plane a channel, several filters a
// channel, and every layout that no other kernel takes.
//
//   for each image and channel of dst                     shared out among the workers
//     for each depth and TH rows of dst                   rows of src are copied when they come up, padding included
//       for each V vectors of columns                     conv/depthwise_plane_tile.hpp
//
// The copy costs a load and a store of a vector of src, against KH * KW multiply-adds of one of dst; it makes every row
// free of edges, and the columns of a stride contiguous.
//
// Depends on: conv/depthwise_plane_tile.hpp, conv/geometry.hpp, loop/blocking.hpp.   Used by: conv/depthwise.hpp.
#pragma once

#include <ashlar/conv/depthwise_plane_tile.hpp>
#include <cmath>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/loop/blocking.hpp>
#include <ashlar/loop/finish.hpp>
#include <ashlar/tile/finish_rows.hpp>

namespace ashlar {

namespace detail {

template <class T>
struct plane_tiles {
  using kernel = void (*)(const plane_operands<T>&);
  index height;         // rows of dst in a tile
  index vectors;        // of the wide one
  kernel wide, narrow;  // narrow: one vector
};

/// Four rows of dst, two vectors of each: eight sums hide the latency, and a load serves up to four of them.
template <class O, depthwise_shape S, class T = typename O::value_type>
constexpr plane_tiles<T> plane_tiles_of() {
  return {4, 2, &plane_tile<O, S, 4, 2>::run, &plane_tile<O, S, 4, 1>::run};
}

template <class O, class T = typename O::value_type>
constexpr plane_tiles<T> any_plane_tiles() {
  return {1, 4, &any_plane_tile<O, 4>::run, &any_plane_tile<O, 1>::run};
}
template <class O, class T = typename O::value_type>
constexpr plane_tiles<T> find_plane_tiles(const depthwise_shape&)
  requires(!unrolls_depthwise<typename O::isa_type>)
{
  return any_plane_tiles<O>();
}
template <class O, class T = typename O::value_type>
constexpr plane_tiles<T> find_plane_tiles(const depthwise_shape& s) {
  switch (s.height * 10 + s.stride) {
    case 31:
      return plane_tiles_of<O, depthwise_shape{3, 3, 1}>();
    case 32:
      return plane_tiles_of<O, depthwise_shape{3, 3, 2}>();
    case 51:
      return plane_tiles_of<O, depthwise_shape{5, 5, 1}>();
    case 52:
      return plane_tiles_of<O, depthwise_shape{5, 5, 2}>();
    default:
      return any_plane_tiles<O>();
  }
}

/// Sizes of a worker's memory, in elements and rows.
template <class O, class T = typename O::value_type>
struct plane_buffers {
  static constexpr index line = 64 / index(sizeof(T));
  index part;    // columns of one residue modulo the stride, and what whole vectors read beyond them
  index row;     // all residues
  index window;  // rows of one depth that are held
  index rows;    // of all depths

  // Two tiles, four rows high at most.
  ASHLAR_INLINE explicit plane_buffers(const conv_geometry& g)
      : part(multiple(g.dst.w, O::lanes()) + O::lanes() + (g.kernel.w - 1) * g.dilation.w / g.stride.w + 1),
        row(multiple(part * g.stride.w, line)),
        window(7 * g.stride.h + (g.kernel.h - 1) * g.dilation.h + 1),
        rows(window * g.kernel.d) {}
  // Rows and one of padding; their addresses in the order of the image; where the taps are in a row.
  ASHLAR_INLINE index elements(const conv_geometry& g) const {
    return (rows + 1) * row + words(rows) + words(g.kernel.w);
  }
  static ASHLAR_INLINE index words(index count) {
    return multiple(ceil_div(count * index(sizeof(index)), index(sizeof(T))), line);
  }
};

}  // namespace detail

/// One convolution. E is the epilogue as the caller wrote it: a row a pixel, a column a channel.
template <class T, class Isa, class E>
class depthwise_planes {
  using O = ops<T, Isa>;
  using transposed_epilogue = decltype(transposed(std::declval<const E&>()));
  using tiles = detail::plane_tiles<T>;
  using buffers = detail::plane_buffers<O>;

 public:
  depthwise_planes(const conv_geometry& g, const depthwise_shape& shape, const blocked_image_view<const T>& src,
                   const T* packed, const blocked_image_view<T>& out, const E& e, T padding,
                   const pixel_numbers& numbers)
      : g_(g),
        src_(src),
        packed_(packed),
        dst_(out),
        epilogue_(transposed(e)),
        padding_(padding),
        tiles_(detail::find_plane_tiles<O>(shape)),
        sizes_(g),
        numbers_(numbers),
        padded_by_zero_(padding == T(0) && !std::signbit(padding)) {}

  static index workspace(const conv_geometry& g) { return buffers(g).elements(g); }

  template <class Executor>
  void run(T* memory, Executor& executor) const {
    const index planes = g_.batch * g_.filters;
    const index workers = std::max<index>(1, std::min<index>(executor.concurrency(), planes));
    const index size = workspace(g_);
    executor.parallel_for(workers, [&](index worker) {
      const held_rows rows = arrange(memory + worker * size);
      for (index p = worker * planes / workers; p < (worker + 1) * planes / workers; ++p) plane(p, rows);
    });
  }

 private:
  // A worker's memory: row y of depth d is in slot d * window + y % window.
  struct held_rows {
    T* slots;
    T* padding;
    const T** addresses;
    index* offsets;
  };

  held_rows arrange(T* memory) const {
    held_rows rows;
    rows.slots = memory;
    rows.padding = memory + sizes_.rows * sizes_.row;
    rows.addresses = reinterpret_cast<const T**>(rows.padding + sizes_.row);
    rows.offsets = reinterpret_cast<index*>(rows.padding + sizes_.row + buffers::words(sizes_.rows));
    std::fill(memory, rows.padding + sizes_.row, padding_);
    for (index s = 0; s < g_.kernel.w; ++s) {
      const index x = s * g_.dilation.w;
      rows.offsets[s] = x % g_.stride.w * sizes_.part + x / g_.stride.w;
    }
    return rows;
  }

  void plane(index p, const held_rows& rows) const {
    const index n = p / g_.filters, k = p % g_.filters, lanes = O::lanes();
    plane_operands<T> x;
    x.rows = rows.addresses;
    x.offsets = rows.offsets;
    x.weights = packed_ + k / lanes * lanes * g_.taps() + k % lanes;
    alignas(64) T sums[4 * 4 * O::max_lanes];
    x.sums = sums;
    x.depths = g_.kernel.d;
    x.depth_rows = (tiles_.height - 1) * g_.stride.h + (g_.kernel.h - 1) * g_.dilation.h + 1;
    x.kernel_rows = g_.kernel.h;
    x.dilation = g_.dilation.h;
    x.kernel_columns = g_.kernel.w;
    const index down = tiles_.height * g_.stride.h;
    for (index od = 0; od < g_.dst.d; ++od) {
      const source from{n, k / g_.group_filters(), od};
      row_cursor next{-g_.before.h, 0}, first = next;
      copy_rows(from, next, x.depth_rows - g_.before.h, rows);
      for (index oy = 0; oy < g_.dst.h; oy += tiles_.height) {
        // The next rows now: what was stored a moment ago cannot be loaded at other boundaries without waiting.
        if (oy + tiles_.height < g_.dst.h) copy_rows(from, next, first.ih + down + x.depth_rows, rows);
        find_rows(od, first, x.depth_rows, rows);
        row_of_tiles({n, k, od, oy}, x);
        first.advance(down, sizes_.window);
      }
    }
  }

  struct row_of_dst {
    index n, k, d, h;
  };

  void row_of_tiles(const row_of_dst& at, plane_operands<T>& x) const {
    const index lanes = O::lanes();
    for (index ox = 0; ox < g_.dst.w;) {
      const bool wide = g_.dst.w - ox > lanes;
      const index width = wide ? tiles_.vectors * lanes : lanes;
      x.column = ox;
      (wide ? tiles_.wide : tiles_.narrow)(x);
      finish(at, ox, x.sums, width);
      ox += width;
    }
  }

  // Epilogue (transposed: rows are channels) and store of a tile's sums.
  void finish(const row_of_dst& at, index ox, const T* sums, index width) const {
    const index columns = std::min(width, g_.dst.w - ox), step = dst_.strides().w;
    T* to = dst_.pointer(at.n, at.d, at.h, ox, at.k);
    for (index r = 0; r < std::min(tiles_.height, g_.dst.h - at.h); ++r, sums += width, to += dst_.strides().h) {
      const index pixel = numbers_.first + at.d * numbers_.plane + (at.h + r) * numbers_.row + ox * numbers_.step;
      if (step == 1 && numbers_.step == 1) {
        finish_rows<O>(epilogue_, sums, 0, 1, columns, to, 0, {at.k, 1, pixel});
      } else if (numbers_.step == 1) {
        finish_strided<O>(epilogue_, sums, 0, 1, columns, to, 0, step, {at.k, 1, pixel});
      } else {  // the class of a transposed convolution
        for (index i = 0; i < columns; ++i) {
          finish_strided<O>(epilogue_, sums + i, 0, 1, 1, to + i * step, 0, step, {at.k, 1, pixel + i * numbers_.step});
        }
      }
    }
  }

  // An image, a channel, a depth of dst.
  struct source {
    index n, c, od;
  };
  // A row of src and the slot that holds it, in every depth.
  struct row_cursor {
    index ih, slot;
    ASHLAR_INLINE void advance(index rows, index window) {
      ih += rows;
      slot += rows;
      while (slot >= window) slot -= window;
    }
  };

  bool inside(index id, index ih) const { return id >= 0 && id < g_.src.d && ih >= 0 && ih < g_.src.h; }
  T* slot(index d, index number, const held_rows& rows) const {
    return rows.slots + (d * sizes_.window + number) * sizes_.row;
  }

  // Rows from `next` to `end` - 1 of every depth under the taps; those outside the image need no copy.
  void copy_rows(const source& at, row_cursor& next, index end, const held_rows& rows) const {
    for (; next.ih < end; next.advance(1, sizes_.window)) {
      for (index d = 0; d < g_.kernel.d; ++d) {
        const index id = at.od * g_.stride.d - g_.before.d + d * g_.dilation.d;
        if (inside(id, next.ih)) copy_row(src_.pointer(at.n, id, next.ih, 0, at.c), slot(d, next.slot, rows));
      }
    }
  }

  void find_rows(index od, const row_cursor& first, index count, const held_rows& rows) const {
    for (index d = 0; d < g_.kernel.d; ++d) {
      const index id = od * g_.stride.d - g_.before.d + d * g_.dilation.d;
      row_cursor row = first;
      for (index r = 0; r < count; ++r, row.advance(1, sizes_.window)) {
        rows.addresses[d * count + r] = inside(id, row.ih) ? slot(d, row.slot, rows) : rows.padding;
      }
    }
  }

  // Padded column i * stride + residue to to[residue * part + i]. What the slots hold elsewhere is padding already.
  ASHLAR_INLINE void copy_row(const T* from, T* to) const {
    if (src_.strides().w == 1 && g_.stride.w == 1) return copy_contiguous(from, to + g_.before.w);
    if (src_.strides().w == 1 && g_.stride.w == 2) return copy_halves(from, to);
    copy_strided(from, to);
  }

  ASHLAR_INLINE void copy_contiguous(const T* from, T* to) const {
    const index lanes = O::lanes(), count = std::min(g_.src.w, sizes_.part - g_.before.w);
    index i = 0;
    for (; i + lanes <= count; i += lanes) O::store(to + i, O::load(from + i));
    if (i == count) return;
    // Lanes past the end load as zero, which may be the padding itself.
    const auto rest = O::load_n(from + i, count - i);
    padded_by_zero_ ? O::store(to + i, rest) : O::store_n(to + i, rest, count - i);
  }

  // Even and odd padded columns apart.
  ASHLAR_INLINE void copy_halves(const T* from, T* to) const {
    const index odd = g_.before.w % 2, half = g_.before.w / 2, lanes = O::lanes();
    T* const even_columns = to + (odd ? sizes_.part + half : half);     // columns 0, 2, 4 of src
    T* const odd_columns = to + (odd ? half + 1 : sizes_.part + half);  // columns 1, 3, 5
    const index even_count = std::min((g_.src.w + 1) / 2, sizes_.part - half);
    const index odd_count = std::min(g_.src.w / 2, sizes_.part - half - odd);
    index i = 0;
    if constexpr (unzipping_ops<O>) {
      for (; i + lanes <= odd_count; i += lanes) {
        const auto a = O::load(from + 2 * i), b = O::load(from + 2 * i + lanes);
        O::store(even_columns + i, O::even(a, b));
        O::store(odd_columns + i, O::odd(a, b));
      }
      if (i < even_count && O::masked_memory) {
        const index left = std::min(g_.src.w - 2 * i, 2 * lanes);
        const auto a = O::load_n(from + 2 * i, std::min(left, lanes));
        const auto b = O::load_n(from + 2 * i + lanes, std::max<index>(left - lanes, 0));
        if (padded_by_zero_) {
          O::store(even_columns + i, O::even(a, b));
          O::store(odd_columns + i, O::odd(a, b));
        } else {
          O::store_n(even_columns + i, O::even(a, b), std::min(lanes, even_count - i));
          O::store_n(odd_columns + i, O::odd(a, b), std::clamp<index>(odd_count - i, 0, lanes));
        }
        i += lanes;
      }
    }
    for (index x = i; x < even_count; ++x) even_columns[x] = from[2 * x];
    for (index x = i; x < odd_count; ++x) odd_columns[x] = from[2 * x + 1];
  }

  void copy_strided(const T* from, T* to) const {
    const index step = src_.strides().w, stride = g_.stride.w;
    for (index residue = 0; residue < stride; ++residue) {
      const index first = g_.before.w > residue ? ceil_div(g_.before.w - residue, stride) : 0;
      const index x = first * stride + residue - g_.before.w;
      const index count = x < g_.src.w ? std::min(sizes_.part - first, ceil_div(g_.src.w - x, stride)) : 0;
      T* const out = to + residue * sizes_.part + first;
      for (index i = 0; i < count; ++i) out[i] = from[(x + i * stride) * step];
    }
  }

  const conv_geometry& g_;
  blocked_image_view<const T> src_;
  const T* packed_;
  blocked_image_view<T> dst_;
  transposed_epilogue epilogue_;
  T padding_;
  tiles tiles_;
  buffers sizes_;
  pixel_numbers numbers_;
  bool padded_by_zero_;
};

}  // namespace ashlar
