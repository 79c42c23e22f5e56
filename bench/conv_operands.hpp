// SPDX-License-Identifier: Apache-2.0
// bench/conv_operands.hpp: the tensors of one convolution in both layouts, and the check that a contender computes it
// before it may be timed.
//
//   sums of products   |dst - exact| <= 8 sqrt(t + 1) u sum |src| |weights|    t products and a bias in any order;
//                                                                              Higham and Mary 2019, lambda = 8
//   tolerant           |dst - exact| <= 1e-4 max |exact|                       Winograd and its kind
//   bytes              |dst - exact| <= 1                                      sums and bias may be rounded to floats
//
// "exact" is a double sum, taken at the corners and at 256 scattered elements of dst. All elements are then compared
// with the first contender's result, within both bounds together, the largest sum being taken for twice that of the
// elements looked at. relu makes no error larger.
//
// Depends on: conv_problems.hpp, contender.hpp, values.hpp, peers/peer.h.   Used by: conv.cpp, own_conv.hpp.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "contender.hpp"
#include "conv_problems.hpp"
#include "peers/peer.h"
#include "values.hpp"

namespace bench {

inline constexpr double conv_tolerance = 1e-4;

// A way to run the convolution. `make(turn)` prepares one of those that take turns; none: not this problem.
struct conv_candidate {
  std::string name;
  int layout;
  bool tolerant;
  std::function<std::optional<contender>(extent turn)> make;
  int algorithm = 0;  // Ashlar's name for what it does
};

// What a name ends with says how it is to be read: "_nchw" its layout, "*" a layout of its own whose conversion is not
// timed, "~" within a tolerance instead of a sum of products.
inline const char* layout_suffix(int layout) {
  return layout == ashlar_peer_nhwc ? "" : layout == ashlar_peer_nchw ? "_nchw" : "*";
}

// S: of src and dst; W: of weights; B: of the bias.
template <class S, class W, class B>
class conv_operands {
 public:
  static constexpr bool bytes = sizeof(S) == 1;

  conv_operands(const conv_problem& p, int threads)
      : p_(p),
        src_{allocate<S>(p.src_count()), allocate<S>(p.src_count())},
        dst_(allocate<S>(p.dst_count())),
        weights_(allocate<W>(p.weight_count() * copies())),
        bias_(allocate<B>(p.k)),
        scales_(allocate<float>(p.k)),
        threads_(threads) {
    fill(src_[0].get(), p.src_count(), 1);
    to_nchw();
    fill(weights_.get(), p.weight_count(), 2);
    if constexpr (!bytes) {
      if (p.form == conv_variant::chain) {  // amplitudes that neither grow nor fade from call to call
        const auto scale = static_cast<W>(0.9 * std::sqrt(6.0 / double(p.products())));
        for (extent i = 0; i < p.weight_count(); ++i) weights_[i] *= scale;
      }
    }
    for (extent copy = 1; copy < copies(); ++copy)
      std::copy_n(weights_.get(), p.weight_count(), weights_.get() + copy * p.weight_count());
    fill(bias_.get(), p.k, 4);
    // Bytes: sums are about 5000 for each root of a product; half of dst is then between 0 and 255.
    for (extent k = 0; k < p.k; ++k) scales_[k] = float(100 + k % 16) / (5000 * std::sqrt(float(p.products())));
    look_at_elements();
  }

  // How many of each contender take turns: with other weights (cold), or with src and dst exchanged (chain).
  extent copies() const {
    if (p_.form == conv_variant::cold) return std::max<extent>(2, (64 << 20) / (4 * p_.weight_count()) + 1);
    return 1;
  }
  extent turns() const { return p_.form == conv_variant::chain ? 2 : copies(); }

  ashlar_peer_conv_problem description(int layout, extent turn = 0) const {
    const bool back = p_.form == conv_variant::chain && turn % 2 == 1;
    S* src = src_[layout == ashlar_peer_nchw ? 1 : 0].get();
    S* dst = dst_.get();
    const W* weights = weights_.get() + (turn % copies()) * p_.weight_count();
    return {bytes ? ashlar_peer_u8s8 : ashlar_peer_f32,
            layout,
            threads_,
            p_.n,
            p_.h,
            p_.w,
            p_.c,
            p_.k,
            p_.r,
            p_.s,
            p_.oh(),
            p_.ow(),
            p_.groups,
            {p_.stride, p_.stride},
            {p_.dilation, p_.dilation},
            {p_.before_h, p_.before_w},
            {p_.after_h, p_.after_w},
            back ? dst : src,
            weights,
            bias_.get(),
            bytes ? scales_.get() : nullptr,
            back ? src : dst};
  }

  // Runs it once on a dst full of NaN, or of what is wrong nearly everywhere. Empty when right, otherwise a sentence.
  std::string check(const contender& c, int layout, bool tolerant) {
    std::fill_n(dst_.get(), p_.dst_count(), bytes ? S(77) : std::numeric_limits<S>::quiet_NaN());
    c();
    c.bring_result();
    const int order = layout == ashlar_peer_nchw ? 1 : 0;
    for (const auto& e : looked_at_) {
      const double bound = bytes ? 1 : tolerant ? conv_tolerance * largest_ : unit() * e.magnitude;
      const std::string fault = judge(dst_[at(e.n, e.y, e.x, e.k, order)], finished(e), bound, e);
      if (!fault.empty()) return fault;
    }
    const double bound = bytes ? 0.5 : tolerant ? conv_tolerance * largest_ : 2 * unit() * magnitude_;
    if (first_) return compare_with_first(order, bound);
    first_ = allocate<S>(p_.dst_count());
    std::copy_n(dst_.get(), p_.dst_count(), first_.get());
    first_order_ = order, first_bound_ = bound;
    return "";
  }

 private:
  struct element {
    extent n, y, x, k;
    double exact = 0, magnitude = 0;  // before relu; the sum, and that of the absolute values
  };

  double finished(const element& e) const {
    if constexpr (!bytes) return std::max(0.0, e.exact);
    return std::clamp<double>(std::nearbyint(float(e.exact) * scales_[e.k]), 0, 255);
  }

  double unit() const { return 8 * std::sqrt(double(p_.products() + 1)) * 0x1p-24; }
  extent at(extent n, extent y, extent x, extent k, int order) const {
    return order == 0 ? ((n * p_.oh() + y) * p_.ow() + x) * p_.k + k : ((n * p_.k + k) * p_.oh() + y) * p_.ow() + x;
  }

  void to_nchw() {
    const extent pixels = p_.h * p_.w;
    for (extent n = 0; n < p_.n; ++n) {
      const S* from = src_[0].get() + n * pixels * p_.c;
      S* to = src_[1].get() + n * pixels * p_.c;
      for (extent i = 0; i < pixels; ++i)
        for (extent c = 0; c < p_.c; ++c) to[c * pixels + i] = from[i * p_.c + c];
    }
  }

  void sum(element& e) const {
    const extent channels = p_.c / p_.groups, first = e.k / (p_.k / p_.groups) * channels;
    e.exact = double(bias_[e.k]), e.magnitude = std::abs(e.exact);
    for (extent r = 0; r < p_.r; ++r) {
      const extent y = e.y * p_.stride - p_.before_h + r * p_.dilation;
      for (extent s = 0; s < p_.s; ++s) {
        const extent x = e.x * p_.stride - p_.before_w + s * p_.dilation;
        if (y < 0 || y >= p_.h || x < 0 || x >= p_.w) continue;
        const S* src = src_[0].get() + ((e.n * p_.h + y) * p_.w + x) * p_.c + first;
        const W* weights = weights_.get() + ((e.k * p_.r + r) * p_.s + s) * channels;
        for (extent c = 0; c < channels; ++c) {
          const double product = double(src[c]) * double(weights[c]);
          e.exact += product, e.magnitude += std::abs(product);
        }
      }
    }
  }

  void look_at_elements() {
    for (int corner = 0; corner < 16; ++corner)
      looked_at_.push_back({corner & 8 ? p_.n - 1 : 0, corner & 4 ? p_.oh() - 1 : 0, corner & 2 ? p_.ow() - 1 : 0,
                            corner & 1 ? p_.k - 1 : 0});
    for (std::uint64_t i = 1; i <= 256; ++i) {
      const std::uint64_t x = i * 0x9e3779b97f4a7c15u;
      looked_at_.push_back({extent((x >> 52) % std::uint64_t(p_.n)), extent((x >> 40) % std::uint64_t(p_.oh())),
                            extent((x >> 28) % std::uint64_t(p_.ow())), extent((x >> 12) % std::uint64_t(p_.k))});
    }
    for (auto& e : looked_at_) {
      sum(e);
      largest_ = std::max(largest_, std::abs(e.exact));
      magnitude_ = std::max(magnitude_, 2 * e.magnitude);
    }
  }

  std::string compare_with_first(int order, double bound) const {
    bound += first_bound_;
    for (extent n = 0; n < p_.n; ++n)
      for (extent y = 0; y < p_.oh(); ++y)
        for (extent x = 0; x < p_.ow(); ++x)
          for (extent k = 0; k < p_.k; ++k) {
            const double got = dst_[at(n, y, x, k, order)], expected = first_[at(n, y, x, k, first_order_)];
            if (!(std::abs(got - expected) <= bound)) return judge(got, expected, bound, {n, y, x, k});
          }
    return "";
  }
  static std::string judge(double got, double expected, double bound, const element& e) {
    if (std::abs(got - expected) <= bound) return "";
    return "dst(" + std::to_string(e.n) + ", " + std::to_string(e.y) + ", " + std::to_string(e.x) + ", " +
           std::to_string(e.k) + ") is " + std::to_string(got) + ", not " + std::to_string(expected);
  }

  conv_problem p_;
  buffer<S> src_[2];  // NHWC, NCHW
  buffer<S> dst_;
  buffer<W> weights_;
  buffer<B> bias_;
  buffer<float> scales_;  // of bytes
  buffer<S> first_;
  int threads_, first_order_ = 0;
  double first_bound_ = 0, largest_ = 0, magnitude_ = 0;
  std::vector<element> looked_at_;
};

}  // namespace bench
