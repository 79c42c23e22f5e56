// SPDX-License-Identifier: Apache-2.0
// bench/conv_check.hpp: is what a contender has written what the convolution, or its gradient, is?
//
//   sums of products   |dst - exact| <= 8 sqrt(t + 1) u sum |a| |b|            t products and a bias in any order;
//                                                                              Higham and Mary 2019, lambda = 8
//   tolerant           |dst - exact| <= 1e-4 max |exact|                       Winograd and its kind
//   bytes              |dst - exact| <= 1                                      sums and bias may be rounded to floats
//
// "exact" is a double sum, taken at the corners and at 256 scattered elements of dst. All elements are then compared
// with the first contender's result, within both bounds together, the largest sum being taken for twice that of the
// elements looked at. relu makes no error larger.
//
// Depends on: conv_network.hpp, values.hpp.   Used by: conv_operands.hpp, gradient_operands.hpp.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "conv_network.hpp"
#include "values.hpp"

namespace bench {

inline constexpr double conv_tolerance = 1e-4;

// S: of dst. Its extents: images, height, width, channels; of weights filters, height, width, channels of a group.
template <class S>
class conv_check {
 public:
  static constexpr bool bytes = sizeof(S) == 1;
  using place = std::array<extent, 4>;
  struct element {
    place at;
    double exact = 0, magnitude = 0;  // the sum of products, and that of their absolute values
    double finished = 0;              // what the epilogue makes of the sum

    void add(double product) { exact += product, magnitude += std::abs(product); }
  };

  // terms: products of a sum.
  conv_check(const place& extents, extent terms) : extents_(extents), terms_(terms) { look_at_elements(); }

  // sum(element) computes the last three of it. Before any check.
  template <class Sum>
  void expect(const Sum& sum) {
    for (auto& e : looked_at_) {
      sum(e);
      largest_ = std::max(largest_, std::abs(e.exact));
      magnitude_ = std::max(magnitude_, 2 * e.magnitude);
    }
  }

  // order: 0 the last extent is innermost, 1 it is the second (NCHW). Empty when right, otherwise a sentence.
  std::string operator()(const S* dst, int order, bool tolerant) {
    for (const auto& e : looked_at_) {
      const double bound = bytes ? 1 : tolerant ? conv_tolerance * largest_ : unit() * e.magnitude;
      const std::string fault = judge(double(dst[at(e.at, order)]), e.finished, bound, e.at);
      if (!fault.empty()) return fault;
    }
    const double bound = bytes ? 0.5 : tolerant ? conv_tolerance * largest_ : 2 * unit() * magnitude_;
    if (first_) return compare_with_first(dst, order, bound);
    const extent count = extents_[0] * extents_[1] * extents_[2] * extents_[3];
    first_ = allocate<S>(count);
    std::copy_n(dst, count, first_.get());
    first_order_ = order, first_bound_ = bound;
    return "";
  }

 private:
  double unit() const { return 8 * std::sqrt(double(terms_ + 1)) * 0x1p-24; }
  extent at(const place& p, int order) const {
    const auto& e = extents_;
    return order == 0 ? ((p[0] * e[1] + p[1]) * e[2] + p[2]) * e[3] + p[3]
                      : ((p[0] * e[3] + p[3]) * e[1] + p[1]) * e[2] + p[2];
  }

  void look_at_elements() {
    for (int corner = 0; corner < 16; ++corner) {
      place p;
      for (std::size_t i = 0; i < 4; ++i) p[i] = corner & (8 >> i) ? extents_[i] - 1 : 0;
      looked_at_.push_back({p});
    }
    for (std::uint64_t i = 1; i <= 256; ++i) {
      const std::uint64_t x = i * 0x9e3779b97f4a7c15u;
      place p;
      for (std::size_t j = 0; j < 4; ++j)
        p[j] = extent((x >> (std::array{52, 40, 28, 12}[j])) % std::uint64_t(extents_[j]));
      looked_at_.push_back({p});
    }
  }

  std::string compare_with_first(const S* dst, int order, double bound) const {
    bound += first_bound_;
    place p;
    for (p[0] = 0; p[0] < extents_[0]; ++p[0])
      for (p[1] = 0; p[1] < extents_[1]; ++p[1])
        for (p[2] = 0; p[2] < extents_[2]; ++p[2])
          for (p[3] = 0; p[3] < extents_[3]; ++p[3]) {
            const double got = dst[at(p, order)], expected = first_[at(p, first_order_)];
            if (!(std::abs(got - expected) <= bound)) return judge(got, expected, bound, p);
          }
    return "";
  }
  static std::string judge(double got, double expected, double bound, const place& p) {
    if (std::abs(got - expected) <= bound) return "";
    return "dst(" + std::to_string(p[0]) + ", " + std::to_string(p[1]) + ", " + std::to_string(p[2]) + ", " +
           std::to_string(p[3]) + ") is " + std::to_string(got) + ", not " + std::to_string(expected);
  }

  place extents_;
  extent terms_;
  std::vector<element> looked_at_;
  double largest_ = 0, magnitude_ = 0;
  buffer<S> first_;
  int first_order_ = 0;
  double first_bound_ = 0;
};

}  // namespace bench
