// SPDX-License-Identifier: Apache-2.0
//
// tile/registry.hpp: one line a kernel. A line here is dispatched to, tested over all shapes and measured; nothing else
// lists tiles.
//
// std::int8_t stands for dot products of small integers (isa/dot.hpp). The first line of an (ISA, element type) pair is
// the one gemm uses; the others are alternatives that must give the same bits and can be named explicitly.
//
// Depends on: tile/shape.hpp.   Used by: loop/, gemm/, tests, bench.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <ashlar/tile/shape.hpp>

namespace ashlar {

template <class Isa, class T, tile_shape S>
struct registered_tile {
  using isa_type = Isa;
  using value_type = T;
  static constexpr tile_shape shape = S;
};

template <class... Tiles>
struct tile_list {};

// AVX-512 14 x 2: 28 accumulators + 2 vectors of B + 1 broadcast fill 31 of 32 registers, 16 loads for 28
// multiply-adds. AVX2 6 x 2: 12 + 2 + 1 of 16. NEON 9 x 2 with lanes of k: 18 + 2 + 9 of 32, 8 columns divide most
// widths. SVE 8 x 3: 24 + 3 + 1 of 32; the broadcast is a load (LD1RW), so the multiply-add keeps its full rate on
// every core. Two rows by two columns 8 x 3: 24 + 6 + 1, and six products for every two rows that are put together.
using tile_registry = tile_list<                                      //
    registered_tile<isa::avx512, float, tile_shape{14, 2, 1, 16}>,    //
    registered_tile<isa::avx512, float, tile_shape{9, 3, 1}>,         //
    registered_tile<isa::avx512, double, tile_shape{14, 2, 1, 16}>,   //
    registered_tile<isa::avx512, double, tile_shape{12, 2, 1}>,       //
    registered_tile<isa::avx2, float, tile_shape{6, 2, 2, 8}>,        //
    registered_tile<isa::avx2, float, tile_shape{4, 3, 1}>,           //
    registered_tile<isa::avx2, double, tile_shape{6, 2, 2, 8}>,       //
    registered_tile<isa::sve, float, tile_shape{8, 3, 2}>,            //
    registered_tile<isa::sve, float, tile_shape{6, 4, 1}>,            //
    registered_tile<isa::sve, double, tile_shape{8, 3, 2}>,           //
    registered_tile<isa::neon, float, tile_shape{9, 2}>,              //
    registered_tile<isa::neon, float, tile_shape{7, 2}>,              //
    registered_tile<isa::neon, double, tile_shape{9, 2}>,             //
    registered_tile<isa::avx512, std::int8_t, tile_shape{14, 2, 1}>,  //
    registered_tile<isa::avx2, std::int8_t, tile_shape{6, 2, 2}>,     //
    registered_tile<isa::sve_i8mm, std::int8_t, tile_shape{8, 3}>,    //
    registered_tile<isa::sve, std::int8_t, tile_shape{8, 3, 2}>,      //
    registered_tile<isa::neon_i8mm, std::int8_t, tile_shape{8, 3}>,   //
    registered_tile<isa::neon_dot, std::int8_t, tile_shape{9, 2}>>;   //

namespace detail {
template <class Isa, class T, class Entry>
consteval bool serves(const Entry*) {
  return std::is_base_of_v<typename Entry::isa_type, Isa> && std::is_same_v<typename Entry::value_type, T>;
}
template <class Isa, class T, class... Tiles>
consteval tile_shape first_shape(const tile_list<Tiles...>*) {
  tile_shape shape{4, 2, 1};
  bool found = false;
  ((!found && serves<Isa, T>(static_cast<const Tiles*>(nullptr)) ? (void)(shape = Tiles::shape, found = true)
                                                                 : (void)0),
   ...);
  return shape;
}
}  // namespace detail

/// The tile that gemm uses for elements T on Isa: the first line of the registry whose ISA is Isa or an ancestor of it
/// (lines stand most derived first); 4 rows x 2 vectors for scalar code and for element types without a line.
template <class T, class Isa>
inline constexpr tile_shape default_tile = detail::first_shape<Isa, T>(static_cast<const tile_registry*>(nullptr));

}  // namespace ashlar
