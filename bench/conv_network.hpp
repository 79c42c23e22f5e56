// SPDX-License-Identifier: Apache-2.0
// bench/conv_network.hpp: a convolution layer as it is measured, and a network under construction: a list of them.
//
// Used by: conv_problems.hpp, conv_check.hpp.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "values.hpp"

namespace bench {

using extent = std::int64_t;

enum class conv_variant { warm, cold, chain };
inline const char* name_of(conv_variant v) {
  return v == conv_variant::warm ? "warm" : v == conv_variant::cold ? "cold" : "chain";
}

// The convolution, or one of its gradients.
enum class conv_pass { forward, backward_data, backward_weights };
inline const char* name_of(conv_pass p) {
  constexpr const char* names[] = {"forward", "backward_data", "backward_weights"};
  return names[int(p)];
}

// Zeros around src: as many on both sides as keep the size; none; or TensorFlow's, where a stride may leave one less
// before than after.
enum class pad { same, valid, tensorflow };

struct conv_problem {
  extent n, h, w, c, k, r, s, stride, dilation, groups;
  extent before_h, before_w, after_h, after_w;
  bool quick = false;               // in the sample that --quick takes
  std::map<std::string, int> uses;  // network -> how many of its layers are this
  conv_variant form = conv_variant::warm;
  dtype type = dtype::f32;  // or u8s8: requantized to unsigned bytes
  conv_pass pass = conv_pass::forward;

  extent oh() const { return (h + before_h + after_h - (r - 1) * dilation - 1) / stride + 1; }
  extent ow() const { return (w + before_w + after_w - (s - 1) * dilation - 1) / stride + 1; }
  extent products() const { return r * s * c / groups; }  // multiply-adds an element of dst
  extent weight_count() const { return k * products(); }
  extent src_count() const { return n * h * w * c; }
  extent dst_count() const { return n * oh() * ow() * k; }
  double flops() const { return 2.0 * double(dst_count()) * double(products()); }
  double bytes() const {
    return (type == dtype::u8s8 ? 1.0 : 4.0) * double(src_count() + dst_count() + weight_count()) + 4.0 * double(k);
  }
  bool same_layer(const conv_problem& o) const {
    return n == o.n && h == o.h && w == o.w && c == o.c && k == o.k && r == o.r && s == o.s && stride == o.stride &&
           dilation == o.dilation && groups == o.groups && before_h == o.before_h && before_w == o.before_w &&
           after_h == o.after_h && after_w == o.after_w;
  }
  bool maps_to_itself() const { return h == oh() && w == ow() && c == k; }

  std::string family() const {
    if (pass != conv_pass::forward) return name_of(pass);
    return std::string(kind()) + (type == dtype::u8s8 ? "_u8s8" : "");
  }
  const char* kind() const {
    if (groups > 1) return groups == c ? "depthwise" : "grouped";
    if (dilation > 1) return "dilated";
    if (r == 1 && s == 1) return "1x1";
    if (r == 3 && s == 3) return stride == 1 ? "3x3" : "3x3s2";
    if (r == 7 && s == 7) return "7x7";
    return "5x5_1x7";
  }
  std::string shape() const;
  std::string name() const { return family() + "/" + name_of(type) + "/" + name_of(form) + "/" + shape(); }
};

// NxHxWxC-K-RxS, then what is not usual: s2 stride, d2 dilation, g32 groups, p0 no padding, p0+1 unequal padding.
inline std::string conv_problem::shape() const {
  auto text = [](extent v) { return std::to_string(v); };
  std::string name =
      text(n) + "x" + text(h) + "x" + text(w) + "x" + text(c) + "-" + text(k) + "-" + text(r) + "x" + text(s);
  if (stride != 1) name += "s" + text(stride);
  if (dilation != 1) name += "d" + text(dilation);
  if (groups != 1) name += "g" + text(groups);
  const bool padded = before_h + before_w + after_h + after_w != 0;
  if (padded && before_h != after_h) return name + "p" + text(before_h) + "+" + text(after_h);
  return padded || r * s == 1 ? name : name + "p0";
}

// A network under construction: the shape that has been reached, and the layers so far.
class network {
 public:
  struct taps {
    extent r = 1, s = 1, stride = 1, dilation = 1, groups = 1;
    pad padding = pad::same;
  };
  struct shape {
    extent h, w, c;
  };

  network(std::string name, extent batch, shape src) : name_(std::move(name)), batch_(batch), at_(src) {}

  const std::string& name() const { return name_; }
  const std::vector<conv_problem>& layers() const { return layers_; }
  shape here() const { return at_; }
  // Goes on from a shape that concatenation, pooling, upsampling or a branch has made.
  network& from(shape s) { return at_ = s, *this; }
  network& pooled(extent size) { return from({size, size, at_.c}); }

  network& conv(extent k, const taps& t) {
    conv_problem p{batch_, at_.h, at_.w, at_.c, k, t.r, t.s, t.stride, t.dilation, t.groups, 0, 0, 0, 0, false, {}};
    std::tie(p.before_h, p.after_h) = around(at_.h, t.r, t);
    std::tie(p.before_w, p.after_w) = around(at_.w, t.s, t);
    at_ = {p.oh(), p.ow(), k};
    layers_.push_back(std::move(p));
    return *this;
  }
  network& one(extent k, extent stride = 1) { return conv(k, {.stride = stride}); }
  network& square(extent k, extent r, extent stride = 1, pad padding = pad::same) {
    return conv(k, {.r = r, .s = r, .stride = stride, .padding = padding});
  }
  network& depthwise(extent r, extent stride = 1, pad padding = pad::same) {
    return conv(at_.c, {.r = r, .s = r, .stride = stride, .groups = at_.c, .padding = padding});
  }

 private:
  static std::pair<extent, extent> around(extent size, extent taps, const struct taps& t) {
    const extent reach = (taps - 1) * t.dilation;
    if (t.padding == pad::valid) return {0, 0};
    if (t.padding == pad::same) return {reach / 2, reach / 2};
    const extent out = (size + t.stride - 1) / t.stride;
    const extent needed = std::max<extent>(0, (out - 1) * t.stride + reach + 1 - size);
    return {needed / 2, needed - needed / 2};
  }

  std::string name_;
  extent batch_;
  shape at_;
  std::vector<conv_problem> layers_;
};

}  // namespace bench
