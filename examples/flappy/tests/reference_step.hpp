// SPDX-License-Identifier: Apache-2.0
//
// reference_step.hpp: the same training step in double precision, by plain loops, each number with the variance of the
// error that single precision makes in it.
//
// Rounding errors are taken as independent, of mean zero and at most u = 2^-24 of the result (Higham and Mary, "A new
// approach to probabilistic rounding error analysis", 2019). Then a sum s = sum of w x over k terms, whose partial sums
// are s_1 .. s_k, has
//
//   var(s) = sum of (w^2 var(x) + x^2 var(w)) + u^2 * sum of s_j^2
//
// A decision (ReLU, the maximum of a window) that errors of `confidence` standard deviations could turn makes what
// depends on it uncertain by its whole size.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "../learner.hpp"

namespace flappy::reference {

inline constexpr double u = 0x1p-24;
inline constexpr double confidence = 8;

struct number {
  double value = 0, variance = 0;
  [[nodiscard]] double deviation() const { return std::sqrt(variance); }
  [[nodiscard]] double tolerance() const { return confidence * deviation(); }
};
using numbers = std::vector<number>;

/// A sum of products as single precision makes it, term by term.
struct sum {
  number total;
  void add(const number& a, const number& b) {
    total.value += a.value * b.value;
    total.variance +=
        a.value * a.value * b.variance + b.value * b.value * a.variance + u * u * total.value * total.value;
  }
  void add(const number& a) {
    total.value += a.value;
    total.variance += a.variance + u * u * total.value * total.value;
  }
};

inline number relu(const number& x) {
  if (x.value + x.tolerance() < 0) return {};
  return {std::max(0.0, x.value), x.variance};
}
/// g where y, the result of a ReLU, is positive.
inline number where_positive(const number& g, const number& y) {
  if (y.value > y.tolerance()) return g;
  if (y.variance == 0) return {};
  return {y.value > 0 ? g.value : 0, g.variance + g.value * g.value};
}

/// A convolution by its definition; images are NHWC, weights OHWI.
struct convolution {
  index batch, side, channels, kernel, filters, stride, before, out;

  // f(where in src, where in the kernel of filter 0) for the taps of pixel (y, x) of image n, and all channels.
  template <class F>
  void taps(index n, index y, index x, const F& f) const {
    for (index r = 0; r < kernel; ++r)
      for (index s = 0; s < kernel; ++s) {
        const index i = y * stride - before + r, j = x * stride - before + s;
        if (i < 0 || i >= side || j < 0 || j >= side) continue;
        for (index c = 0; c < channels; ++c)
          f(std::size_t(((n * side + i) * side + j) * channels + c), std::size_t((r * kernel + s) * channels + c));
      }
  }
  // f(n, y, x, where in dst of filter 0)
  template <class F>
  void pixels(const F& f) const {
    for (index n = 0; n < batch; ++n)
      for (index y = 0; y < out; ++y)
        for (index x = 0; x < out; ++x) f(n, y, x, std::size_t(((n * out + y) * out + x) * filters));
  }
  [[nodiscard]] std::size_t filter_size() const { return std::size_t(kernel * kernel * channels); }

  numbers forward(const numbers& src, const number* weights, const number* bias) const {
    numbers dst(std::size_t(batch * out * out * filters));
    pixels([&](index n, index y, index x, std::size_t at) {
      for (std::size_t k = 0; k < std::size_t(filters); ++k) {
        sum s;
        taps(n, y, x, [&](std::size_t i, std::size_t t) { s.add(src[i], weights[k * filter_size() + t]); });
        s.add(bias[k]);
        dst[at + k] = relu(s.total);
      }
    });
    return dst;
  }
  numbers src_gradient(const numbers& dy, const number* weights) const {
    std::vector<sum> dx(std::size_t(batch * side * side * channels));
    pixels([&](index n, index y, index x, std::size_t at) {
      for (std::size_t k = 0; k < std::size_t(filters); ++k) {
        if (dy[at + k].value == 0 && dy[at + k].variance == 0) continue;
        taps(n, y, x, [&](std::size_t i, std::size_t t) { dx[i].add(dy[at + k], weights[k * filter_size() + t]); });
      }
    });
    numbers result;
    for (const sum& s : dx) result.push_back(s.total);
    return result;
  }
  void weight_gradient(const numbers& src, const numbers& dy, number* weights, number* bias) const {
    std::vector<sum> dw(filter_size() * std::size_t(filters)), db(std::size_t(filters), sum{});
    pixels([&](index n, index y, index x, std::size_t at) {
      for (std::size_t k = 0; k < std::size_t(filters); ++k) {
        db[k].add(dy[at + k]);
        if (dy[at + k].value == 0 && dy[at + k].variance == 0) continue;
        taps(n, y, x, [&](std::size_t i, std::size_t t) { dw[k * filter_size() + t].add(dy[at + k], src[i]); });
      }
    });
    for (std::size_t i = 0; i < dw.size(); ++i) weights[i] = dw[i].total;
    for (std::size_t i = 0; i < db.size(); ++i) bias[i] = db[i].total;
  }
};

/// The maxima of 2 x 2 windows, and which elements may be one.
struct pooling {
  index batch, side, channels;

  // f(where in dst, where in src of the four elements)
  template <class F>
  void windows(const F& f) const {
    for (index n = 0; n < batch; ++n)
      for (index y = 0; y < side / 2; ++y)
        for (index x = 0; x < side / 2; ++x)
          for (index c = 0; c < channels; ++c) {
            std::size_t at[4];
            for (index i = 0; i < 4; ++i)
              at[i] = std::size_t(((n * side + 2 * y + i / 2) * side + 2 * x + i % 2) * channels + c);
            f(std::size_t(((n * (side / 2) + y) * (side / 2) + x) * channels + c), at);
          }
  }
  numbers forward(const numbers& src) const {
    numbers dst(src.size() / 4);
    windows([&](std::size_t to, const std::size_t* at) {
      dst[to] = src[at[0]];
      for (int i = 1; i < 4; ++i) {
        if (src[at[i]].value > dst[to].value) dst[to].value = src[at[i]].value;
        dst[to].variance = std::max(dst[to].variance, src[at[i]].variance);
      }
    });
    return dst;
  }
  numbers backward(const numbers& src, const numbers& dst, const numbers& dy) const {
    numbers dx(src.size());
    windows([&](std::size_t to, const std::size_t* at) {
      bool taken = false;
      int candidates = 0;
      const auto possible = [&](const number& x) {
        return x.value + x.tolerance() + dst[to].tolerance() >= dst[to].value;
      };
      for (int i = 0; i < 4; ++i) candidates += possible(src[at[i]]);
      for (int i = 0; i < 4; ++i) {
        number& g = dx[at[i]];
        if (!taken && src[at[i]].value == dst[to].value) g = dy[to], taken = true;
        if (candidates > 1 && possible(src[at[i]])) g.variance = dy[to].variance + dy[to].value * dy[to].value;
      }
    });
    return dx;
  }
};

/// All activations of a forward pass.
struct activations {
  numbers states, conv1, pooled, conv2, flat, hidden, q;
};

struct network {
  explicit network(index n) : batch(n) {}

  [[nodiscard]] activations forward(const std::vector<float>& states, const parameters& p) const {
    activations a;
    const numbers w = exact(p);
    a.states = exact(states);
    a.conv1 = conv1.forward(a.states, &w[layout::conv1.weights], &w[layout::conv1.bias]);
    a.pooled = pool.forward(a.conv1);
    a.conv2 = conv2.forward(a.pooled, &w[layout::conv2.weights], &w[layout::conv2.bias]);
    a.flat = conv3.forward(a.conv2, &w[layout::conv3.weights], &w[layout::conv3.bias]);
    a.hidden = dense(a.flat, w, layout::fc1);
    for (number& x : a.hidden) x = relu(x);
    a.q = dense(a.hidden, w, layout::fc2);
    return a;
  }

  [[nodiscard]] numbers gradient(const activations& a, const numbers& dq, const parameters& p) const {
    const numbers w = exact(p);
    numbers g(p.size());
    const numbers dhidden = dense_backward(a.hidden, dq, w, layout::fc2, g);
    const numbers dflat = dense_backward(a.flat, dhidden, w, layout::fc1, g);
    conv3.weight_gradient(a.conv2, dflat, &g[layout::conv3.weights], &g[layout::conv3.bias]);
    const numbers dconv2 = masked(conv3.src_gradient(dflat, &w[layout::conv3.weights]), a.conv2);
    conv2.weight_gradient(a.pooled, dconv2, &g[layout::conv2.weights], &g[layout::conv2.bias]);
    const numbers dpooled = masked(conv2.src_gradient(dconv2, &w[layout::conv2.weights]), a.pooled);
    const numbers dconv1 = pool.backward(a.conv1, a.pooled, dpooled);
    conv1.weight_gradient(a.states, dconv1, &g[layout::conv1.weights], &g[layout::conv1.bias]);
    return g;
  }

  index batch;
  convolution conv1{batch, 80, 4, 8, 32, 4, 2, 20}, conv2{batch, 10, 32, 4, 64, 2, 1, 5},
      conv3{batch, 5, 64, 3, 64, 1, 1, 5};
  pooling pool{batch, 20, 32};

 private:
  static numbers exact(const std::vector<float>& x) {
    numbers result;
    for (float v : x) result.push_back({double(v), 0});
    return result;
  }
  static numbers masked(numbers g, const numbers& y) {
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = where_positive(g[i], y[i]);
    return g;
  }
  numbers dense(const numbers& x, const numbers& w, const part& l) const {
    const index inputs = l.weight_count / l.outputs;
    numbers y;
    for (index n = 0; n < batch; ++n)
      for (index o = 0; o < l.outputs; ++o) {
        sum s;
        for (index i = 0; i < inputs; ++i)
          s.add(x[std::size_t(n * inputs + i)], w[std::size_t(l.weights + i * l.outputs + o)]);
        s.add(w[std::size_t(l.bias + o)]);
        y.push_back(s.total);
      }
    return y;
  }
  // Fills l's part of g; returns the gradient of x before its ReLU.
  numbers dense_backward(const numbers& x, const numbers& dy, const numbers& w, const part& l, numbers& g) const {
    const index inputs = l.weight_count / l.outputs;
    numbers dx(x.size());
    for (index i = 0; i < inputs; ++i) {
      for (index o = 0; o < l.outputs; ++o) {
        sum s;
        for (index n = 0; n < batch; ++n) s.add(x[std::size_t(n * inputs + i)], dy[std::size_t(n * l.outputs + o)]);
        g[std::size_t(l.weights + i * l.outputs + o)] = s.total;
      }
      for (index n = 0; n < batch; ++n) {
        sum s;
        for (index o = 0; o < l.outputs; ++o)
          s.add(dy[std::size_t(n * l.outputs + o)], w[std::size_t(l.weights + i * l.outputs + o)]);
        const auto at = std::size_t(n * inputs + i);
        dx[at] = where_positive(s.total, x[at]);
      }
    }
    for (index o = 0; o < l.outputs; ++o) {
      sum s;
      for (index n = 0; n < batch; ++n) s.add(dy[std::size_t(n * l.outputs + o)]);
      g[std::size_t(l.bias + o)] = s.total;
    }
    return dx;
  }
};

/// Gradient of the loss for every parameter.
inline numbers step_gradient(const transitions& t, const parameters& online, const parameters& target, float discount) {
  const auto batch = index(t.actions.size());
  const network net(batch);
  const numbers next = net.forward(t.next_states, target).q;
  const activations a = net.forward(t.states, online);
  numbers dq(a.q.size());
  for (std::size_t i = 0; i < t.actions.size(); ++i) {
    const number& best = next[2 * i].value > next[2 * i + 1].value ? next[2 * i] : next[2 * i + 1];
    const double factor = double(t.continues[i]) * double(discount), y = double(t.rewards[i]) + factor * best.value;
    const std::size_t chosen = actions * i + std::size_t(t.actions[i]);
    const double error = a.q[chosen].value - y;
    const double variance = a.q[chosen].variance +
                            factor * factor * std::max(next[2 * i].variance, next[2 * i + 1].variance) +
                            u * u * (factor * factor * best.value * best.value + y * y + error * error);
    const double scale = 1 / double(batch);
    dq[chosen].value = std::clamp(error, -1.0, 1.0) * scale;
    dq[chosen].variance = variance * scale * scale + u * u * dq[chosen].value * dq[chosen].value;
  }
  return net.gradient(a, dq, online);
}

}  // namespace flappy::reference
