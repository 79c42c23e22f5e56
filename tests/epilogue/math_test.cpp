// SPDX-License-Identifier: Apache-2.0
//
// The functions of the math context: the bits of the ISA under test are those of the scalar ops, errors are within the
// bounds that epilogue/math.hpp states, special values are as it says. Exact values come from libm in a wider type.
#include <doctest/doctest.h>

#include <ashlar/epilogue.hpp>
#include <cmath>

#include "support/isa.hpp"

namespace ashlar::test {
namespace {

template <class T>
using vector_math = math<ops<T, isa_under_test>>;
template <class T>
using scalar_math = math<ops<T, isa::scalar>>;
// Exact enough: double for float, long double for double.
template <class T>
using wide = std::conditional_t<sizeof(T) == 4, double, long double>;

// f(m, x) for the functions of one argument.
struct exp_function {
  [[maybe_unused]] static constexpr const char* name = "exp";
  static constexpr auto f = [](auto m, auto x) { return m.exp(x); };
  template <class W>
  static W exact(W x) {
    return std::exp(x);
  }
  template <class W>
  static W bound(W) {
    return 1;
  }
};
struct tanh_function {
  [[maybe_unused]] static constexpr const char* name = "tanh";
  static constexpr auto f = [](auto m, auto x) { return m.tanh(x); };
  template <class W>
  static W exact(W x) {
    return std::tanh(x);
  }
  template <class W>
  static W bound(W) {
    return W(2.5);
  }
};
template <class W>
W exact_sigmoid(W x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
struct sigmoid_function {
  [[maybe_unused]] static constexpr const char* name = "sigmoid";
  static constexpr auto f = [](auto m, auto x) { return m.sigmoid(x); };
  template <class W>
  static W exact(W x) {
    return exact_sigmoid(x);
  }
  template <class W>
  static W bound(W) {
    return W(2.5);
  }
};
struct silu_function {
  [[maybe_unused]] static constexpr const char* name = "silu";
  static constexpr auto f = [](auto m, auto x) { return m.silu(x); };
  template <class W>
  static W exact(W x) {
    return x * exact_sigmoid(x);
  }
  template <class W>
  static W bound(W) {
    return W(3.5);
  }
};
struct erf_function {
  [[maybe_unused]] static constexpr const char* name = "erf";
  static constexpr auto f = [](auto m, auto x) { return m.erf(x); };
  template <class W>
  static W exact(W x) {
    return std::erf(x);
  }
  template <class W>
  static W bound(W) {
    return W(1.5);
  }
};
struct gelu_erf_function {
  [[maybe_unused]] static constexpr const char* name = "gelu_erf";
  static constexpr auto f = [](auto m, auto x) { return m.gelu_erf(x); };
  template <class W>
  static W exact(W x) {
    return x * std::erfc(-x * std::sqrt(W(0.5))) / 2;
  }
  template <class W>
  static W bound(W x) {
    return x < 0 ? 11 : W(4.5);
  }
};
struct gelu_tanh_function {
  [[maybe_unused]] static constexpr const char* name = "gelu_tanh";
  static constexpr auto f = [](auto m, auto x) { return m.gelu_tanh(x); };
  template <class W>
  static W argument(W x) {
    return std::sqrt(8 / std::acos(W(-1))) * (x + W(0.044715L) * x * x * x);
  }
  template <class W>
  static W exact(W x) {
    return x * exact_sigmoid(argument(x));
  }
  template <class W>
  static W bound(W x) {
    return x < 0 ? 4 - 3 * argument(x) : 4;
  }
};
struct elu_function {
  [[maybe_unused]] static constexpr const char* name = "elu";
  static constexpr auto f = [](auto m, auto x) { return m.elu(x, m.constant(1)); };
  template <class W>
  static W exact(W x) {
    return x > 0 ? x : std::expm1(x);
  }
  template <class W>
  static W bound(W) {
    return W(1.5);
  }
};
// No rounding of their own to speak of: compared with the scalar ops only.
struct piecewise_functions {
  static constexpr auto f = [](auto m, auto x) {
    const auto y = m.add(m.relu(x), m.leaky_relu(x, m.constant(0.125f)));
    return m.add(y, m.add(m.hardswish(x), m.add(m.hardsigmoid(x), m.clamp(x, m.constant(-1), m.constant(2)))));
  };
};

// Unit in the last place of the T nearest to x; of the smallest normal and below, the smallest subnormal.
template <class T>
wide<T> ulp(wide<T> x) {
  int exponent = 0;
  std::frexp(x, &exponent);
  return std::ldexp(wide<T>(1),
                    std::max(exponent, std::numeric_limits<T>::min_exponent) - std::numeric_limits<T>::digits);
}

// Floats by a stride through their bits; doubles dense where functions bend, then any magnitude. Special values first.
template <class T>
std::vector<T> sweep() {
  std::vector<T> x = special_values<T>();
  if constexpr (sizeof(T) == 4) {
    for (std::uint64_t b = 0; b < (std::uint64_t(1) << 32); b += 8191) x.push_back(std::bit_cast<T>(std::uint32_t(b)));
    for (int i = -200000; i <= 200000; ++i) x.push_back(T(i) / 1900);  // +-105: results down to subnormals
  } else {
    std::mt19937_64 random(5);
    for (int i = 0; i < 20000; ++i) x.push_back(random_bits<T>(random));
    for (int i = -60000; i <= 60000; ++i) x.push_back(T(i) / 80);    // +-750
    for (int i = -60000; i <= 60000; ++i) x.push_back(T(i) / 6007);  // +-10
  }
  while (x.size() % std::size_t(vector_math<T>::max_lanes) != 0) x.push_back(0);
  return x;
}

template <class Function, class T>
void same_as_scalar() {
  using V = vector_math<T>;
  T result[V::max_lanes];
  const std::vector<T> x = sweep<T>();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < x.size(); i += std::size_t(V::lanes())) {
    V::store(result, Function::f(V(), V::load(&x[i])));
    for (index l = 0; l < V::lanes(); ++l) {
      const T expected = Function::f(scalar_math<T>(), x[i + std::size_t(l)]);
      if (!same(result[l], expected) && ++wrong == 1) {
        FAIL_CHECK("x = " << x[i + std::size_t(l)] << ": " << result[l] << " must be " << expected);
      }
    }
  }
  CHECK(wrong == 0);
}

// The worst error as a multiple of its bound. Where long double is computed in software (64-bit ARM, here emulated as
// well), of every 16th double: the bits are those of every other processor.
template <class Function, class T>
void within_bound() {
  constexpr std::size_t step = std::numeric_limits<wide<T>>::digits > 64 ? 16 : 1;
  wide<T> worst = 0;
  T worst_x = 0;
  const std::vector<T> all = sweep<T>();
  for (std::size_t i = 0; i < all.size(); i += step) {
    const T x = all[i];
    const T y = Function::f(scalar_math<T>(), x);
    if (x != x) {
      CHECK(y != y);
      continue;
    }
    if (std::isinf(x)) continue;
    const wide<T> exact = Function::exact(wide<T>(x));
    if (std::abs(exact) > std::numeric_limits<T>::max()) {
      CHECK(std::isinf(y));
      continue;
    }
    const wide<T> error = std::abs(y - exact) / ulp<T>(exact) / Function::bound(wide<T>(x));
    if (!(error <= worst)) worst = error, worst_x = x;
  }
  INFO(Function::name << " in " << 8 * sizeof(T) << " bits: at x = " << worst_x << " the error is " << double(worst)
                      << " of the bound, " << double(worst * Function::bound(wide<T>(worst_x))) << " ulp");
  CHECK(worst <= 1);
}

TEST_CASE_TEMPLATE("the bits are those of the scalar ops", F, exp_function, tanh_function, sigmoid_function,
                   silu_function, erf_function, gelu_erf_function, gelu_tanh_function, elu_function,
                   piecewise_functions) {
  same_as_scalar<F, float>();
  same_as_scalar<F, double>();
}

TEST_CASE_TEMPLATE("errors are within the stated bounds", F, exp_function, tanh_function, sigmoid_function,
                   silu_function, erf_function, gelu_erf_function, gelu_tanh_function, elu_function) {
  if constexpr (std::same_as<isa_under_test, isa::scalar>) {  // the other ISAs have the same bits
    within_bound<F, float>();
    within_bound<F, double>();
  }
}

TEST_CASE_TEMPLATE("infinities, zeros and saturation", T, ASHLAR_TEST_FLOATS) {
  using m = scalar_math<T>;
  const T inf = std::numeric_limits<T>::infinity(), minus_zero = T(-0.0);
  CHECK(m::exp(inf) == inf);
  CHECK(m::exp(-inf) == 0);
  CHECK(m::exp(0) == 1);
  CHECK(m::exp(1000) == inf);
  CHECK(m::exp(-1000) == 0);
  CHECK(m::tanh(inf) == 1);
  CHECK(m::tanh(-inf) == -1);
  CHECK(bits(m::tanh(minus_zero)) == bits(minus_zero));
  CHECK(m::sigmoid(inf) == 1);
  CHECK(m::sigmoid(-inf) == 0);
  CHECK(m::sigmoid(0) == T(0.5));
  CHECK(m::erf(inf) == 1);
  CHECK(m::erf(-inf) == -1);
  CHECK(bits(m::erf(minus_zero)) == bits(minus_zero));
  for (auto f : {&m::silu, &m::gelu_erf, &m::gelu_tanh, &m::hardswish}) {
    CHECK(f(inf) == inf);
    CHECK(bits(f(-inf)) == bits(minus_zero));
    CHECK(f(0) == 0);
  }
  CHECK(m::hardsigmoid(-3) == 0);
  CHECK(m::hardsigmoid(3) == 1);
  CHECK(m::elu(-inf, 2) == -2);
  CHECK(m::elu(inf, 2) == inf);
  CHECK(m::relu(-inf) == 0);
  CHECK(bits(m::relu(minus_zero)) == bits(minus_zero));
  CHECK(m::clamp(5, 3, 1) == 1);
  CHECK(std::isnan(m::relu(std::numeric_limits<T>::quiet_NaN())));
  CHECK(std::isnan(m::clamp(std::numeric_limits<T>::quiet_NaN(), 0, 1)));
  CHECK(std::isnan(m::hardswish(std::numeric_limits<T>::quiet_NaN())));
  CHECK(std::isnan(m::leaky_relu(std::numeric_limits<T>::quiet_NaN(), 1)));
}

}  // namespace
}  // namespace ashlar::test
