// SPDX-License-Identifier: Apache-2.0
//
// conv/plan.hpp: a convolution, planned once and run many times: a plain value.
//
//   explain, packed_bytes, pack, workspace_bytes, run
//
// Depends on: conv/{check,choose,converted_source,memory,packed_filter,product}.hpp, gemm/options.hpp.   Used by:
// conv/make_plan.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <ashlar/conv/check.hpp>
#include <ashlar/conv/choose.hpp>
#include <ashlar/conv/converted_source.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/conv/packed_filter.hpp>
#include <ashlar/conv/product.hpp>
#include <ashlar/gemm/options.hpp>

namespace ashlar {

/// A planned convolution of T (a type, or conv_types) on Isa. Made by plan_conv1d, plan_conv2d and plan_conv3d; copy it
/// freely, use it from any thread. Set: the Winograd algorithms that it may use.
template <class T, class Isa, class Set>
class conv_plan {
  using product = detail::conv_product<T, Isa>;
  using src_type = typename product::src;
  using weight_type = typename product::weights;
  using dst_type = typename product::dst;
  using sum_type = typename product::sum;
  using unit = typename product::unit;

 public:
  using value_type = T;

  conv_plan(const conv_geometry& g, conv_algorithm algorithm, const detail::conv_request& request)
      : geometry_(g), algorithm_(algorithm), request_(request) {}

  /// What is computed: a convolution or, with algorithm parity_classes, the one whose gradient is computed.
  [[nodiscard]] const conv_geometry& geometry() const { return geometry_; }
  /// The algorithm, the bounds of its error and the reason for it:  std::puts(plan.explain().text)
  [[nodiscard]] conv_explanation explain() const {
    const auto candidate = [&](conv_algorithm a) { return product::template candidate<Set>(a, geometry_, request_); };
    return detail::explain_choice(candidate(algorithm_), geometry_, candidate(conv_algorithm::implicit_gemm).seconds,
                                  request_, product::template nearest<Set>(geometry_, request_));
  }
  /// The extents that run() expects.
  [[nodiscard]] image_axes src_extents() const {
    return detail::reads_dst_side(algorithm_) ? detail::dst_extents(geometry_) : detail::src_extents(geometry_);
  }
  [[nodiscard]] image_axes dst_extents() const {
    return detail::reads_dst_side(algorithm_) ? detail::src_extents(geometry_) : detail::dst_extents(geometry_);
  }
  [[nodiscard]] conv_algorithm algorithm() const { return algorithm_; }

  /// Bytes of the blob that pack() fills.
  [[nodiscard]] std::size_t packed_bytes() const {
    std::size_t most = panel_bytes(algorithm_);
    if (may_pack_seven_bits()) most = std::max(most, panel_bytes(conv_algorithm::seven_bits));
    return sizeof(filter_header) + most;
  }

  /// Packs the weights (any layout) into `storage`, which then is a blob: keep it, share it, write it to a file.
  ///
  ///     auto storage = aligned_buffer::make(plan.packed_bytes());
  ///     auto w = plan.pack(oihw(weights, k, c, 3, 3), storage.span());
  ///
  /// Errors: shape_mismatch, null_pointer, workspace_too_small, misaligned; storage is untouched then. The weights are
  /// free afterwards. Allocates nothing.
  [[nodiscard]] result<packed_filter<weight_type>> pack(const filter_view<const weight_type>& weights,
                                                        std::span<std::byte> storage) const {
    return pack_with(weights, storage);
  }
  /// The same of conv_types with zero points of weights: an integer, or a pointer to one for each output channel; each
  /// of them one of the weights' numbers (unsupported otherwise).
  template <class Zeros>
  [[nodiscard]] result<packed_filter<weight_type>> pack(const filter_view<const weight_type>& weights,
                                                        std::span<std::byte> storage, Zeros zeros) const {
    return pack_with(weights, storage, detail::zero_point_values<Zeros>{zeros});
  }

  /// Bytes of scratch that run() needs with the same views and options: exact, bounded by blocks and workers.
  template <detail::conv_option... Options>
  [[nodiscard]] std::size_t workspace_bytes(const blocked_image_view<const src_type>& src,
                                            const blocked_image_view<dst_type>& out, const Options&... options) const {
    return workspace_of(views_of(src, out, no_prologue{}), options...);
  }
  /// The same of a src with a prologue.
  template <class S, class P, detail::conv_option... Options>
  [[nodiscard]] std::size_t workspace_bytes(const transformed_image<S, P>& src, const blocked_image_view<dst_type>& out,
                                            const Options&... options) const {
    return workspace_of(views_of(src.image, out, src.prologue), options...);
  }

  /// The same of floats that become src's integers (conv/converted_source.hpp): with the image of those.
  template <detail::converted_image X, detail::conv_option... Options>
  [[nodiscard]] std::size_t workspace_bytes(const X& src, const blocked_image_view<dst_type>& out,
                                            const Options&... options) const {
    return detail::converted_bytes(*this, src, out, options...);
  }

  /// The most that any contiguous NHWC or NCHW src, without a prologue, and dst need with these options and an epilogue
  /// of channels.
  template <detail::conv_option... Options>
  [[nodiscard]] std::size_t workspace_bytes(const Options&... options) const {
    const auto last = [&](auto* p, const image_axes& e) { return ndhwc(p, e.n, e.d, e.h, e.w, e.c); };
    const auto first = [&](auto* p, const image_axes& e) { return ncdhw(p, e.n, e.c, e.d, e.h, e.w); };
    const src_type* const src = nullptr;
    dst_type* const to = nullptr;
    const image_axes in = src_extents(), out = dst_extents();
    return std::max(workspace_bytes(last(src, in), last(to, out), options...),
                    channels_must_be_last() ? 0 : workspace_bytes(first(src, in), first(to, out), options...));
  }

  /// dst = epilogue(convolution of src and the packed weights).     Specification: reference::convolution.
  ///
  /// src and dst have the extents of the plan, any strides: NHWC, NCHW, slices of channels, or channels in blocks
  /// (core/blocked_image.hpp); dst's elements are distinct; src, weights and scratch are apart from
  /// it, and scratch from all. To the epilogue an image is a matrix: pixels x output channels
  /// (epilogue/image_operand.hpp). Options as in gemm: an expression, on(executor), scratch(bytes), cache_sizes; of
  /// small integers src_zero_point, of floats padding_value, by default 0.
  ///
  ///     plan.run(nhwc(x, 1, 56, 56, 64), w, nhwc(y, 1, 56, 56, 64), relu(acc + per_column(bias)), on(pool));
  ///
  /// Returns shape_mismatch, null_pointer, bad_stride, aliasing, overflow, wrong_blob, workspace_too_small or
  /// out_of_memory, and unsupported of a padding value for a gradient; dst is untouched then. With scratch() it
  /// allocates nothing. The result does not depend on the executor, the layout or the cut (with
  /// native_rounding on the layout, which says how taps share groups).
  template <detail::conv_option... Options>
  status run(const blocked_image_view<const src_type>& src, const packed_filter<weight_type>& weights,
             const blocked_image_view<dst_type>& out, const Options&... options) const {
    return run_source(src, no_prologue{}, weights, out, options...);
  }
  /// The same of a src whose elements pass through an expression, of plans of floats (conv/source.hpp).
  template <class S, class P, detail::conv_option... Options>
  status run(const transformed_image<S, P>& src, const packed_filter<weight_type>& weights,
             const blocked_image_view<dst_type>& out, const Options&... options) const {
    static_assert(product::transforms, "conv: the src of integers, or with native_rounding, has no prologue");
    return run_source(src.image, src.prologue, weights, out, options...);
  }
  /// The same of floats that become src's integers, of plans of small integers: quantized() of an image.
  template <detail::converted_image X, detail::conv_option... Options>
  status run(const X& src, const packed_filter<weight_type>& weights, const blocked_image_view<dst_type>& out,
             const Options&... options) const {
    static_assert(std::is_same_v<typename X::element, src_type>, "conv: src is quantized to another type than planned");
    return detail::run_converted<Isa>(*this, src, weights, out, options...);
  }

 private:
  template <class... Options>
  std::size_t workspace_of(const conv_views<src_type, dst_type>& views, const Options&... options) const {
    if (views.dst.empty() || views.src.block() <= 0 || views.dst.block() <= 0) return 0;  // the last two: run() refuses
    const auto target = detail::option<detail::executor_option>(on(serial{}), options...);
    const auto caches = detail::option<detail::cache_option>(detail::caches_of<Isa>(), options...);
    const auto e = detail::option<detail::epilogue_option>(acc, options...);
    const auto elements = [&](conv_algorithm a) {
      return workspace_elements(a, views, e, target.get().concurrency(), caches);
    };
    const index most = elements(algorithm_);
    return arena::bytes_for<sum_type>(may_pack_seven_bits() ? std::max(most, elements(conv_algorithm::seven_bits))
                                                            : most);
  }

  template <class Prologue, class... Options>
  status run_source(const blocked_image_view<const src_type>& src, const Prologue& prologue,
                    const packed_filter<weight_type>& weights, const blocked_image_view<dst_type>& out,
                    const Options&... options) const {
    static_assert(product::small || !(std::is_same_v<Options, src_zero_point> || ...),
                  "conv: zero points are for small integers");
    static_assert(product::floats || !(std::is_same_v<Options, padding_value> || ...),
                  "conv: integers are padded with their zero point");
    const auto e = detail::option<detail::epilogue_option>(acc, options...);
    const detail::source_request<Prologue> source{
        detail::option<detail::src_zero_option>(src_zero_point(0), options...),
        detail::option<detail::padding_option>(padding_value(0), options...), prologue};
    if (status s = check(src, weights, out, e); !s.ok()) return s;
    if (status s = check_source(source, out); !s.ok()) return s;
    if (out.empty()) return {};
    const auto target = detail::option<detail::executor_option>(on(serial{}), options...);
    const auto caches = detail::option<detail::cache_option>(detail::caches_of<Isa>(), options...);
    const auto memory = detail::option<detail::scratch_option>(detail::no_scratch{}, options...);
    const auto views = views_of(src, out, prologue);
    const conv_algorithm reader = reader_of(weights);
    const index elements = workspace_elements(reader, views, e, target.get().concurrency(), caches);
    const unit* const data = reinterpret_cast<const unit*>(weights.data);
    const blocked_image_view blob(detail::bytes_of(data, panel_bytes(reader)));
    if (status s = detail::check_apart("packed weights", blob, "dst", out); !s.ok()) return s;
    if (status s =
            detail::check_scratch(detail::memory_of(memory), arena::bytes_for<sum_type>(elements),
                                  std::pair("src", src), std::pair("the packed weights", blob), std::pair("dst", out));
        !s.ok()) {
      return s;
    }
    return detail::with_memory<sum_type>("conv", elements, detail::memory_of(memory), [&](sum_type* own) {
      with(reader, [&](auto a) { a.run(views, data, e, product::how(own, target.get(), caches, source)); });
    });
  }

  // Kernels that want channels_last read a copy of a src in blocks.
  template <class Prologue>
  conv_views<src_type, dst_type> views_of(const blocked_image_view<const src_type>& src,
                                          const blocked_image_view<dst_type>& out, const Prologue&) const {
    auto views = whole(geometry_, src, out);
    views.transformed = !std::is_same_v<Prologue, no_prologue> || (channels_must_be_last() && src.blocked());
    return views;
  }

  template <class F>
  auto with(conv_algorithm a, const F& f) const {
    return product::template with<Set>(a, geometry_.kernel, f);
  }

  // Weights decide, when they are packed, which of two kernels reads them.
  bool may_pack_seven_bits() const { return product::packs_seven_bits && algorithm_ == conv_algorithm::implicit_gemm; }
  conv_algorithm packing_of(const filter_view<const weight_type>& w) const {
    if constexpr (product::packs_seven_bits) {
      if (may_pack_seven_bits() && within_seven_bits(w)) return conv_algorithm::seven_bits;
    }
    return algorithm_;
  }
  conv_algorithm reader_of(const packed_filter<weight_type>& w) const {
    const bool seven = may_pack_seven_bits() && w.key.algorithm == conv_algorithm::seven_bits;
    return seven ? conv_algorithm::seven_bits : algorithm_;
  }

  bool channels_must_be_last() const {
    return with(algorithm_, [](auto a) { return needs_channels_last(a); });
  }

  // What stands together in packed weights: the product's channels, unless the algorithm has something of its own.
  template <class Algorithm>
  static constexpr std::uint32_t group_of() {
    if constexpr (requires { Algorithm::key_group; }) {
      if (Algorithm::key_group > 0) return Algorithm::key_group;
    }
    return std::uint32_t(product::group);
  }
  filter_key key(conv_algorithm algorithm) const {
    return {detail::element_code<weight_type>,
            with(algorithm, [](auto a) { return group_of<decltype(a)>(); }),
            algorithm,
            with(algorithm, [](auto a) { return transform_of(a); }),
            with(algorithm, [](auto a) { return a.panel_width(); }),
            geometry_.groups,
            geometry_.channels,
            geometry_.filters,
            geometry_.kernel};
  }

  template <class... Zeros>
  result<packed_filter<weight_type>> pack_with(const filter_view<const weight_type>& weights,
                                               std::span<std::byte> storage, const Zeros&... zeros) const {
    if (status s = check_pack(weights, storage); !s.ok()) return s;
    if (status s = product::check_zeros(dst_extents().c, zeros...); !s.ok()) return s;
    unit* const data = reinterpret_cast<unit*>(storage.data() + sizeof(filter_header));
    const grouped_filters<weight_type> filters(weights, geometry_.groups, request_.gradient);
    const conv_algorithm packing = packing_of(weights);
    with(packing, [&](auto a) { a.pack(geometry_, filters, data, zeros...); });
    detail::write_filter_header(storage.data(), key(packing), panel_bytes(packing));
    return packed_filter<weight_type>{reinterpret_cast<const weight_type*>(data), key(packing)};
  }

  std::size_t panel_bytes(conv_algorithm algorithm) const {
    return std::size_t(with(algorithm, [&](auto a) { return a.packed_elements(geometry_); })) * sizeof(unit);
  }
  template <class E>
  index workspace_elements(conv_algorithm algorithm, const conv_views<src_type, dst_type>& views, const E& e,
                           index lanes, const cache_sizes& caches) const {
    return with(algorithm, [&](auto a) { return a.workspace_elements(views, e, lanes, caches); });
  }

  template <class E>
  status check(const blocked_image_view<const src_type>& src, const packed_filter<weight_type>& weights,
               const blocked_image_view<dst_type>& out, const E& e) const {
    if (status s = detail::check_image("src", src, src_extents()); !s.ok()) return s;
    if (status s = detail::check_image("dst", out, dst_extents()); !s.ok()) return s;
    if (status s = detail::check_filter(weights, key(reader_of(weights))); !s.ok()) return s;
    if (status s = detail::check_dst(out, src); !s.ok()) return s;
    if (channels_must_be_last() && (src.strides().c != 1 || out.strides().c != 1)) {
      return status::error(errc::unsupported,
                           "conv: channels of src and dst are %" PRId64 " and %" PRId64
                           " elements apart but the plan (%s) was made for channels_last",
                           src.strides().c, out.strides().c, name(algorithm_));
    }
    if (status s = check_blocks(src, reader_of(weights), out); !s.ok()) return s;
    return detail::check_epilogue(out, e);
  }

  // Does the algorithm take blocks of channels as src and dst have them?
  status check_blocks(const blocked_image_view<const src_type>& src, conv_algorithm reader,
                      const blocked_image_view<dst_type>& out) const {
    const index together = with(reader, [](auto a) { return a.source_unit(); });
    if (status s = detail::check_units(src, src.extents().c / geometry_.groups, together); !s.ok()) return s;
    if (!channels_must_be_last()) return {};
    if (!product::transforms && src.blocked()) {
      return status::error(errc::unsupported,
                           "conv: src has channels in blocks of %" PRId64
                           " but the plan (%s) reads bytes with channels_last alone",
                           src.block(), name(algorithm_));
    }
    const index lanes = ops<sum_type, Isa>::lanes();
    if (out.holds_vectors(lanes)) return {};
    return status::error(errc::unsupported,
                         "conv: dst has channels in blocks of %" PRId64 " but the plan (%s) writes vectors of %" PRId64,
                         out.block(), name(algorithm_), lanes);
  }

  template <class Prologue>
  status check_source(const detail::source_request<Prologue>& source, const blocked_image_view<dst_type>& out) const {
    if (status s = product::check(source.zero); !s.ok()) return s;
    if (source.padding.value != 0 && request_.gradient) {
      return status::error(errc::unsupported,
                           "conv: the padding value is %g but this plan computes a gradient, which is "
                           "padded with zeros",
                           source.padding.value);
    }
    if constexpr (std::is_same_v<Prologue, no_prologue>) {
      return {};
    } else {
      return detail::check_prologue(out, source.prologue, src_extents());
    }
  }

  status check_pack(const filter_view<const weight_type>& w, std::span<std::byte> storage) const {
    if (status s = detail::check_filter_extents("weights", w.extents(), filter_extents()); !s.ok()) return s;
    if (w.data() == nullptr) return status::error(errc::null_pointer, "pack: the data of the weights is null");
    if (storage.size() < packed_bytes()) {
      return status::error(errc::workspace_too_small, "pack: storage has %zu bytes, these weights need %zu",
                           storage.size(), packed_bytes());
    }
    if (reinterpret_cast<std::uintptr_t>(storage.data()) % workspace_alignment != 0) {
      return status::error(errc::misaligned, "pack: storage at %p is not aligned to %zu bytes",
                           static_cast<void*>(storage.data()), workspace_alignment);
    }
    return {};
  }

  // Of the weights that pack() takes: those of the forward convolution.
  filter_axes filter_extents() const {
    const conv_geometry& g = geometry_;
    const bool exchanged = request_.gradient && !detail::reads_dst_side(algorithm_);
    return {exchanged ? g.channels : g.filters, g.kernel.d, g.kernel.h, g.kernel.w,
            exchanged ? g.group_filters() : g.group_channels()};
  }

  conv_geometry geometry_;
  conv_algorithm algorithm_;
  detail::conv_request request_;
};

}  // namespace ashlar
