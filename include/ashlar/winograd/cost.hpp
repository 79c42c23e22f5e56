// SPDX-License-Identifier: Apache-2.0
//
// winograd/cost.hpp: what a Winograd convolution has to do, and how long that takes on a core of known rates: for a
// planner to compare algorithms by.
//
//   time = flops of the products / product_rate + operations of the transforms / transform_rate
//          (or what U takes from L3 or memory meanwhile) + what the images take from there, and their conversion
//
// Predicts what is measured within 10 %, except where U comes from L3 for few tiles: up to 25 % more
// (docs/winograd.md).
//
// Depends on: winograd/kernel.hpp.   Used by: planners.
#pragma once

#include <algorithm>

#include <ashlar/winograd/kernel.hpp>

namespace ashlar {

/// Work and traffic of one convolution.
struct winograd_work {
  double product_flops;      // 2 a multiply-add; what tiles reach beyond the image included
  double source_operations;  // of transforms, an element each: a fused multiply-add counts one
  double output_operations;
  double weights_bytes;    // of U
  double weights_passes;   // how often U is streamed: once for each group of tiles
  double image_bytes;      // of src and dst
  double converted_bytes;  // of them, where channels are not innermost
  double direct_flops;     // of the direct convolution, for comparison
};

/// Rates of one core. The defaults were measured on Zen 4 (AVX-512, 118 GFLOP/s of f32 multiply-adds, 59 G
/// operations/s): products run at 0.94 of the peak, transforms at 0.65 of their operations' peak.
struct winograd_rates {
  double product_flops = 111e9;
  double source_operations = 38e9, output_operations = 42e9;
  double far_bytes = 20e9;  // of U, where it does not stay in L2
  index near_bytes = 640 * 1024;
  double image_bytes = 9e9;  // of images, beyond those that stay near
  index near_images = 2 * 1024 * 1024;
  double converted_bytes = 16e9;  // what it costs more than the direct convolution's conversion
};

/// The work of Algorithm on g, as winograd_kernel cuts it for one worker; of images that are to be converted or not.
template <class T, class Isa, class Algorithm>
winograd_work work_of(const conv_geometry& g, const cache_sizes& caches, bool converts = false) {
  using K = winograd_kernel<winograd_floats<T, Isa, Algorithm>>;
  using O = ops<T, Isa>;
  const winograd_cut b = K::plan(g, 1, caches);
  const double tiles = double(b.tiles) * double(g.groups), planes = double(g.kernel.d);
  const double k = double(multiple(g.group_filters(), K::nr()));
  winograd_work w{};
  w.product_flops = 2 * tiles * Algorithm::points * double(b.terms) * k;
  w.source_operations = tiles * planes * double(multiple(g.group_channels(), O::lanes())) *
                        Algorithm::template source_transform<O>::operations;
  w.output_operations =
      tiles * double(multiple(g.group_filters(), O::lanes())) * Algorithm::template output_transform<O>::operations;
  w.weights_bytes = double(K::packed_elements(g)) * sizeof(T);
  w.weights_passes = double(b.groups);
  w.image_bytes = double(g.batch) * sizeof(T) *
                  (double(volume(g.src)) * double(g.channels) + double(g.pixels()) * double(g.filters));
  w.converted_bytes = converts ? w.image_bytes : 0;
  w.direct_flops = 2 * g.multiplies();
  return w;
}

/// Seconds.   seconds_of(work_of<float, isa::native, f4x4_3x3>(g, caches), {})
template <class Unit = detail::this_unit>
constexpr double seconds_of(const winograd_work& w, const winograd_rates& r) {
  const double products = w.product_flops / r.product_flops;
  const double far = w.weights_bytes > double(r.near_bytes) ? w.weights_bytes * w.weights_passes / r.far_bytes : 0;
  const double images = std::max(0.0, w.image_bytes - double(r.near_images)) / r.image_bytes;
  const double conversion = w.converted_bytes / r.converted_bytes;
  return std::max(products, far) + images + conversion + w.source_operations / r.source_operations +
         w.output_operations / r.output_operations;
}

}  // namespace ashlar
