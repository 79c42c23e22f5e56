// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/problem_test.cpp: the geometry of a convolution, in constant evaluation, and the message of every problem
// that makes none.
#include <doctest/doctest.h>
#include <ashlar/conv/problem.hpp>
#include <string>

namespace ashlar::test {
namespace {

using detail::geometry_of;

constexpr conv_geometry of(const conv2d& p) { return geometry_of(p).value(); }

constexpr conv2d vgg{.src = {1, 56, 56, 64}, .weights = {128, 3, 3, 64}, .padding = ashlar::same};
static_assert(of(vgg).dst == triple{1, 56, 56} && of(vgg).before == triple{0, 1, 1} && of(vgg).padded());
static_assert(!of(vgg).pointwise() && of(vgg).taps() == 9 && of(vgg).multiplies() == 56. * 56 * 64 * 128 * 9);

// TensorFlow's SAME with an even kernel or stride: the odd one comes after.
constexpr conv2d strided{.src = {2, 224, 225, 3}, .weights = {8, 7, 2, 3}, .stride = {2, 2}, .padding = ashlar::same};
static_assert(of(strided).dst == triple{1, 112, 113});
static_assert(of(strided).before == triple{0, 2, 0} && of(strided).after == triple{0, 3, 1});

constexpr conv2d dilated{.src = {1, 9, 9, 4}, .weights = {6, 3, 1, 2}, .dilation = {4, 1}, .groups = 2};
static_assert(of(dilated).dst == triple{1, 1, 9} && of(dilated).group_filters() == 3);
static_assert(of({.src = {1, 5, 5, 4}, .weights = {6, 1, 1, 4}}).pointwise());
static_assert(geometry_of(conv1d{.src = {1, 9, 4}, .weights = {2, 4, 4}, .stride = {3}}).value().dst ==
              triple{1, 1, 2});
static_assert(geometry_of(conv3d{.src = {1, 4, 5, 6, 1}, .weights = {1, 2, 2, 2, 1}}).value().dst == triple{3, 4, 5});
static_assert(of({.src = {0, 5, 5, 4}, .weights = {6, 1, 1, 4}}).batch == 0);  // an empty batch is no error

void refused(const conv2d& p, errc code, const char* words) {
  const auto g = geometry_of(p);
  REQUIRE(!g.ok());
  CHECK(name(g.error().code()) == std::string(name(code)));
  CHECK_MESSAGE(std::string(g.error().message()).find(words) != std::string::npos, g.error().message());
}

TEST_CASE("a problem that makes no sense is refused by the name of its field") {
  const conv2d ok{.src = {1, 8, 9, 4}, .weights = {6, 3, 3, 4}};
  REQUIRE(geometry_of(ok).ok());
  const auto with = [&](auto change) {
    conv2d p = ok;
    change(p);
    return p;
  };
  refused(with([](conv2d& p) { p.src[0] = -1; }), errc::negative_extent, "src of batch is -1");
  refused(with([](conv2d& p) { p.src[1] = -8; }), errc::negative_extent, "src of height is -8");
  refused(with([](conv2d& p) { p.weights[2] = 0; }), errc::bad_geometry, "weights of width is 0");
  refused(with([](conv2d& p) { p.stride[0] = 0; }), errc::bad_geometry, "stride of height is 0");
  refused(with([](conv2d& p) { p.dilation[1] = -2; }), errc::bad_geometry, "dilation of width is -2");
  refused(with([](conv2d& p) { p.padding.before[1] = -1; }), errc::bad_geometry, "padding before of width is -1");
  refused(with([](conv2d& p) { p.weights[1] = 9; }), errc::bad_geometry,
          "height of weights is 9 (9 with dilation 1) but src with its padding has only 8");
  refused(with([](conv2d& p) { p.dilation[1] = 5; }), errc::bad_geometry, "is 3 (11 with dilation 5)");
  refused(with([](conv2d& p) { p.groups = 0; }), errc::bad_geometry, "groups is 0");
  refused(with([](conv2d& p) { p.groups = 3; }), errc::bad_geometry, "src has 4 channels, which 3 groups do not");
  refused(with([](conv2d& p) { p.groups = 4; }), errc::bad_geometry, "6 output channels, which 4 groups do not");
  refused(with([](conv2d& p) { p.groups = 2; }), errc::shape_mismatch, "weights have 4 channels but src has 4 in 2");
  refused(with([](conv2d& p) { p.src[1] = index(1) << 50; }), errc::overflow, "height");
  refused(with([](conv2d& p) { p.src[1] = p.src[2] = index(1) << 39; }), errc::overflow, "src has more than");
  refused(with([](conv2d& p) { p.dilation[0] = index(1) << 40; }), errc::overflow, "dilation");
}

TEST_CASE("a transposed convolution takes its padding in numbers") {
  conv_transpose2d p{.src = {1, 5, 5, 4}, .weights = {4, 3, 3, 4}, .padding = {{1, 1}, {1, 1}}};
  CHECK(geometry_of(p).value().dst == triple{1, 5, 5});
  p.padding = ashlar::same;
  const auto g = geometry_of(p);
  REQUIRE(!g.ok());
  CHECK(name(g.error().code()) == std::string("bad_geometry"));
  CHECK_MESSAGE(std::string(g.error().message()).find("padding of a transposed convolution") != std::string::npos,
                g.error().message());
}

}  // namespace
}  // namespace ashlar::test
