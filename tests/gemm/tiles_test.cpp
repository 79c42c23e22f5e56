// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/tiles_test.cpp: every tile of the registry that this ISA can use, over all shapes up to twice its own,
// gives the bits of the reference.
#include <doctest/doctest.h>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

// The tiles of the registry for (Isa, T), and the default one.
template <class T, tile_shape S>
struct tile_case {
  using value_type = T;
  static constexpr tile_shape shape = S;
};
template <class... Cases>
struct cases {
  template <class... More>
  constexpr cases<Cases..., More...> operator+(cases<More...>) const {
    return {};
  }
};
template <class Isa, class T, class... Tiles>
auto served(const tile_list<Tiles...>*) {
  return (cases<tile_case<T, default_tile<T, Isa>>>{} + ... + std::conditional_t <
                  detail::serves<Isa, T>(static_cast<const Tiles*>(nullptr)) &&
              Tiles::shape != default_tile<T, Isa>,
          cases<tile_case<T, Tiles::shape>>, cases < >> {});
}
template <class T>
using tiles_of = decltype(served<isa_under_test, T>(static_cast<const tile_registry*>(nullptr)));

template <class T, tile_shape S>
void small_shapes() {
  const index lanes = ops_under_test<T>::lanes(), nr = S.nv * lanes, heights = 2 * S.mr + 1;
  for_each_case(scaled(heights * 100, heights * 6), [&](random& r) {
    const index m = r.chance(90) ? r.between(1, heights) : r.between(1, 5 * S.mr);
    gemm_shape s{m, ragged(r, lanes, nr), r.pick<index>({0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 33, 100})};
    if (r.chance(30)) s.b = layout::columns;  // copied to panels
    s = within(s, 1000000);
    at_both_ends<T>(r, s, [](problem<T>& p) { REQUIRE(p.template differs<isa_under_test>(with_tile<S>{}) == ""); });
  });
}

// Tiny caches: K blocks of 64, one tile of rows at a time.
template <class T, tile_shape S>
void k_blocks() {
  const index lanes = ops_under_test<T>::lanes(), nr = S.nv * lanes;
  for_each_case(scaled(200, 20), [&](random& r) {
    gemm_shape s{r.between(1, 4 * S.mr), ragged(r, lanes, nr), r.between(81, 400)};
    s.a = r.pick({layout::rows, layout::columns});
    s.b = r.pick({layout::rows, layout::columns});
    s.c = r.pick({layout::rows, layout::columns, layout::scattered});
    at_both_ends<T>(r, s, [](problem<T>& p) {
      REQUIRE(p.template differs<isa_under_test>(with_tile<S>{}, cache_sizes{1, 1}) == "");
    });
  });
}

template <class T, class... Tiles>
void all(cases<Tiles...>) {
  (small_shapes<T, Tiles::shape>(), ...);
  (k_blocks<T, Tiles::shape>(), ...);
}

TEST_CASE_TEMPLATE("every tile equals the reference bit for bit", T, ASHLAR_TEST_FLOATS) { all<T>(tiles_of<T>{}); }

}  // namespace
}  // namespace ashlar::test
