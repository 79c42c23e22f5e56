// SPDX-License-Identifier: Apache-2.0
// bench/conv_operands.hpp: the tensors of one convolution in both layouts, and the check that a contender computes it
// before it may be timed.
//
// Depends on: conv_check.hpp, conv_tensors.hpp.   Used by: conv.cpp, own_conv.hpp.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "conv_check.hpp"
#include "conv_tensors.hpp"

namespace bench {

// S: of src and dst; W: of weights; B: of the bias.
template <class S, class W, class B>
class conv_operands {
 public:
  static constexpr bool bytes = sizeof(S) == 1;

  conv_operands(const conv_problem& p, int threads)
      : p_(p),
        src_(p.n, p.h * p.w, p.c, 1),
        dst_(allocate<S>(p.dst_count())),
        weights_(allocate<W>(p.weight_count() * copies())),
        bias_(allocate<B>(p.k)),
        scales_(allocate<float>(p.k)),
        threads_(threads),
        check_({p.n, p.oh(), p.ow(), p.k}, p.products()) {
    fill_constants();
    check_.expect([this](auto& e) { sum(e); });
  }

  // How many of each contender take turns: with other weights (cold), or with src and dst exchanged (chain).
  extent copies() const {
    if (p_.form == conv_variant::cold) return std::max<extent>(2, (64 << 20) / (4 * p_.weight_count()) + 1);
    return 1;
  }
  extent turns() const { return p_.form == conv_variant::chain ? 2 : copies(); }

  ashlar_peer_conv_problem description(int layout, extent turn = 0) const {
    const bool back = p_.form == conv_variant::chain && turn % 2 == 1;
    S* src = src_.in(layout);
    S* dst = dst_.get();
    ashlar_peer_conv_problem d = describe(p_, ashlar_peer_forward, layout, threads_);
    d.dtype = bytes ? ashlar_peer_u8s8 : ashlar_peer_f32;
    d.src = back ? dst : src;
    d.weights = weights_.get() + (turn % copies()) * p_.weight_count();
    d.bias = bias_.get();
    d.scales = bytes ? scales_.get() : nullptr;
    d.dst = back ? src : dst;
    return d;
  }

  // Runs it once on a dst full of NaN, or of what is wrong nearly everywhere. Empty when right, otherwise a sentence.
  std::string check(const contender& c, int layout, bool tolerant) {
    std::fill_n(dst_.get(), p_.dst_count(), bytes ? S(77) : std::numeric_limits<S>::quiet_NaN());
    c();
    c.bring_result();
    return check_(dst_.get(), layout == ashlar_peer_nchw, tolerant);
  }

 private:
  void fill_constants() {
    fill(weights_.get(), p_.weight_count(), 2);
    if constexpr (!bytes) {
      if (p_.form == conv_variant::chain) {  // amplitudes that neither grow nor fade from call to call
        const auto scale = static_cast<W>(0.9 * std::sqrt(6.0 / double(p_.products())));
        for (extent i = 0; i < p_.weight_count(); ++i) weights_[i] *= scale;
      }
    }
    for (extent copy = 1; copy < copies(); ++copy)
      std::copy_n(weights_.get(), p_.weight_count(), weights_.get() + copy * p_.weight_count());
    fill(bias_.get(), p_.k, 4);
    // Bytes: sums are about 5000 for each root of a product; half of dst is then between 0 and 255.
    for (extent k = 0; k < p_.k; ++k) scales_[k] = float(100 + k % 16) / (5000 * std::sqrt(float(p_.products())));
  }

  double finished(double exact, extent k) const {
    if constexpr (!bytes) return std::max(0.0, exact);
    return std::clamp<double>(std::nearbyint(float(exact) * scales_[k]), 0, 255);
  }

  template <class Element>
  void sum(Element& e) const {
    const auto [n, oy, ox, k] = e.at;
    const extent channels = p_.c / p_.groups, first = k / (p_.k / p_.groups) * channels;
    e.exact = double(bias_[k]), e.magnitude = std::abs(e.exact);
    for (extent r = 0; r < p_.r; ++r) {
      const extent y = oy * p_.stride - p_.before_h + r * p_.dilation;
      for (extent s = 0; s < p_.s; ++s) {
        const extent x = ox * p_.stride - p_.before_w + s * p_.dilation;
        if (y < 0 || y >= p_.h || x < 0 || x >= p_.w) continue;
        const S* src = src_.in(ashlar_peer_nhwc) + ((n * p_.h + y) * p_.w + x) * p_.c + first;
        const W* weights = weights_.get() + ((k * p_.r + r) * p_.s + s) * channels;
        for (extent c = 0; c < channels; ++c) e.add(double(src[c]) * double(weights[c]));
      }
    }
    e.finished = finished(e.exact, k);
  }

  conv_problem p_;
  both_layouts<S> src_;
  buffer<S> dst_;
  buffer<W> weights_;
  buffer<B> bias_;
  buffer<float> scales_;  // of bytes
  int threads_;
  conv_check<S> check_;
};

}  // namespace bench
