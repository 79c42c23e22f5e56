// SPDX-License-Identifier: Apache-2.0
// bench/conv_tensors.hpp: what the operands of convolutions and of their gradients share: images in both layouts, a
// problem as peers see it, the ways to compute it.
//
// Depends on: conv_problems.hpp, contender.hpp, values.hpp, peers/peer.h.   Used by: conv_operands.hpp,
// gradient_operands.hpp, conv_session.hpp.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "contender.hpp"
#include "conv_problems.hpp"
#include "peers/peer.h"
#include "values.hpp"

namespace bench {

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

// Images full of numbers, NHWC and NCHW.
template <class S>
class both_layouts {
 public:
  both_layouts(extent images, extent pixels, extent channels, std::uint64_t seed)
      : nhwc_(allocate<S>(images * pixels * channels)), nchw_(allocate<S>(images * pixels * channels)) {
    const extent size = pixels * channels;
    fill(nhwc_.get(), images * size, seed);
    for (extent n = 0; n < images; ++n)
      for (extent i = 0; i < pixels; ++i)
        for (extent c = 0; c < channels; ++c) nchw_[n * size + c * pixels + i] = nhwc_[n * size + i * channels + c];
  }

  S* in(int layout) const { return layout == ashlar_peer_nchw ? nchw_.get() : nhwc_.get(); }

 private:
  buffer<S> nhwc_, nchw_;
};

// Its tensors are the caller's to set.
inline ashlar_peer_conv_problem describe(const conv_problem& p, int pass, int layout, int threads) {
  ashlar_peer_conv_problem d{};
  d.dtype = ashlar_peer_f32, d.pass = pass, d.layout = layout, d.threads = threads;
  d.n = p.n, d.h = p.h, d.w = p.w, d.c = p.c, d.k = p.k, d.r = p.r, d.s = p.s;
  d.oh = p.oh(), d.ow = p.ow(), d.groups = p.groups;
  d.stride[0] = d.stride[1] = p.stride;
  d.dilation[0] = d.dilation[1] = p.dilation;
  d.before[0] = p.before_h, d.before[1] = p.before_w;
  d.after[0] = p.after_h, d.after[1] = p.after_w;
  return d;
}

}  // namespace bench
