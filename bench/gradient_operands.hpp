// SPDX-License-Identifier: Apache-2.0
// bench/gradient_operands.hpp: the tensors of one gradient of a convolution in both layouts, and the check that a
// contender computes it before it may be timed.
//
//   backward_data      dst(n, y, x, c) = sum over taps, filters k of dy * weights
//   backward_weights   dst(k, r, s, c) = sum over images, pixels of src * dy, always filters x height x width x
//   channels
//
// Depends on: conv_check.hpp, conv_tensors.hpp.   Used by: conv_gradients.cpp, own_gradients.hpp.
#pragma once
#include <algorithm>
#include <limits>
#include <string>

#include "conv_check.hpp"
#include "conv_tensors.hpp"

namespace bench {

class gradient_operands {
 public:
  static constexpr bool bytes = false;

  gradient_operands(const conv_problem& p, int threads)
      : p_(p),
        of_weights_(p.pass == conv_pass::backward_weights),
        src_(p.n, p.h * p.w, p.c, 1),
        dy_(p.n, p.oh() * p.ow(), p.k, 3),
        weights_(allocate<float>(p.weight_count())),
        dst_(allocate<float>(dst_count())),
        threads_(threads),
        check_(of_weights_ ? place{p.k, p.r, p.s, p.c / p.groups} : place{p.n, p.h, p.w, p.c},
               of_weights_ ? p.n * p.oh() * p.ow() : p.r * p.s * p.k / p.groups) {
    fill(weights_.get(), p.weight_count(), 2);
    check_.expect([this](auto& e) {
      of_weights_ ? sum_of_weights(e) : sum_of_data(e);
      e.finished = e.exact;
    });
  }

  static extent copies() { return 1; }
  static extent turns() { return 1; }

  ashlar_peer_conv_problem description(int layout, extent = 0) const {
    const int pass = of_weights_ ? ashlar_peer_backward_weights : ashlar_peer_backward_data;
    ashlar_peer_conv_problem d = describe(p_, pass, layout, threads_);
    (of_weights_ ? d.src : d.weights) = of_weights_ ? src_.in(layout) : weights_.get();
    d.dy = dy_.in(layout);
    d.dst = dst_.get();
    return d;
  }

  // Runs it once on a dst full of NaN. Empty when right, otherwise a sentence.
  std::string check(const contender& c, int layout, bool tolerant) {
    std::fill_n(dst_.get(), dst_count(), std::numeric_limits<float>::quiet_NaN());
    c();
    c.bring_result();
    return check_(dst_.get(), !of_weights_ && layout == ashlar_peer_nchw, tolerant);
  }

 private:
  using place = conv_check<float>::place;
  using element = conv_check<float>::element;

  extent dst_count() const { return of_weights_ ? p_.weight_count() : p_.src_count(); }
  extent group_channels() const { return p_.c / p_.groups; }
  extent group_filters() const { return p_.k / p_.groups; }
  const float* dy(extent n, extent y, extent x) const {
    return dy_.in(ashlar_peer_nhwc) + ((n * p_.oh() + y) * p_.ow() + x) * p_.k;
  }

  // Where tap t of the convolution reads src's element o: dst's element, or none.
  static extent landing(extent o, extent t, extent before, extent size, const conv_problem& p) {
    const extent at = o + before - t * p.dilation;
    return at >= 0 && at % p.stride == 0 && at / p.stride < size ? at / p.stride : -1;
  }

  void sum_of_data(element& e) const {
    const auto [n, h, w, c] = e.at;
    const extent first = c / group_channels() * group_filters();
    for (extent r = 0; r < p_.r; ++r)
      for (extent s = 0; s < p_.s; ++s) {
        const extent y = landing(h, r, p_.before_h, p_.oh(), p_), x = landing(w, s, p_.before_w, p_.ow(), p_);
        if (y < 0 || x < 0) continue;
        for (extent k = first; k < first + group_filters(); ++k)
          e.add(double(dy(n, y, x)[k]) *
                double(weights_[((k * p_.r + r) * p_.s + s) * group_channels() + c % group_channels()]));
      }
  }

  void sum_of_weights(element& e) const {
    const auto [k, r, s, c] = e.at;
    const extent channel = k / group_filters() * group_channels() + c;
    for (extent n = 0; n < p_.n; ++n)
      for (extent oy = 0; oy < p_.oh(); ++oy)
        for (extent ox = 0; ox < p_.ow(); ++ox) {
          const extent y = oy * p_.stride - p_.before_h + r * p_.dilation;
          const extent x = ox * p_.stride - p_.before_w + s * p_.dilation;
          if (y < 0 || y >= p_.h || x < 0 || x >= p_.w) continue;
          e.add(double(src_.in(ashlar_peer_nhwc)[((n * p_.h + y) * p_.w + x) * p_.c + channel]) *
                double(dy(n, oy, ox)[k]));
        }
  }

  conv_problem p_;
  bool of_weights_;
  both_layouts<float> src_, dy_;
  buffer<float> weights_, dst_;
  int threads_;
  conv_check<float> check_;
};

}  // namespace bench
