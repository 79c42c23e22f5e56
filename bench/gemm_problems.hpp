// SPDX-License-Identifier: Apache-2.0
// bench/gemm_problems.hpp: the matrix products, in families. C (m x n) = A (m x k) * B (k x n); sizes are always
// written m x n x k.
//
//   plain       B as the caller has it            prepacked   B packed before, outside the timed call
//   fixed       Ashlar's extents are compile-time constants; every peer still gets its best plain call
//
// A family is a claim of its own: the report takes geometric means within a family and variant, never across.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "values.hpp"

namespace bench {

enum class variant { plain, prepacked, fixed };

struct problem {
  std::string family;
  std::int64_t m, n, k;
  bool quick = false;  // in the sample that --quick takes
  std::string label = "";
  bool transposed_a = false, transposed_b = false;
  dtype type = dtype::f32;
  variant form = variant::plain;

  double flops() const { return 2.0 * double(m) * double(n) * double(k); }
  double bytes() const {
    const double in = type == dtype::f64 ? 8 : type == dtype::u8s8 ? 1 : type == dtype::bf16 ? 2 : 4;
    return double(m * k + k * n) * in + double(m * n) * (type == dtype::f64 ? 8 : 4);
  }
  std::string shape() const { return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k); }
  std::string name() const;
};

inline const char* name_of(variant v) {
  return v == variant::plain ? "plain" : v == variant::prepacked ? "prepacked" : "fixed";
}

// family/f32/plain/256x256x256[/tn][/label]: "tn" means A transposed, B not. This is what --filter matches.
inline std::string problem::name() const {
  std::string text = family + "/" + name_of(type) + "/" + name_of(form) + "/" + shape();
  if (transposed_a || transposed_b) text += std::string("/") + (transposed_a ? "t" : "n") + (transposed_b ? "t" : "n");
  return label.empty() ? text : text + "/" + label;
}

namespace families {

inline std::vector<problem> squares() {
  std::vector<problem> list;
  for (std::int64_t n : {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072})
    list.push_back({"squares", n, n, n, n == 16 || n == 64 || n == 192 || n == 512 || n == 1024});
  return list;
}

inline std::vector<problem> squares_f64() {
  auto list = squares();
  for (auto& p : list) p.family = "squares_f64", p.type = dtype::f64;
  return list;
}

// The same problems of another type; in the sample of --quick only the largest.
inline std::vector<problem> of_type(dtype type, std::vector<problem> list, const char* family) {
  for (auto& p : list) p.family = family, p.type = type, p.quick = p.quick && p.flops() > 6e8;
  return list;
}

// The layers of a 7B transformer at small batch: the weights (64 and 172 MiB) stream from memory on every call.
inline std::vector<problem> small_m() {
  std::vector<problem> list;
  for (std::int64_t m : {1, 2, 4, 8, 16, 32}) {
    list.push_back({"small_m", m, 4096, 4096, m == 1 || m == 8 || m == 16});
    list.push_back({"small_m", m, 11008, 4096});
    list.push_back({"small_m", m, 4096, 11008});
  }
  return list;
}

inline std::vector<problem> skinny() {
  return {{"skinny", 512, 1, 512},          {"skinny", 1024, 1, 1024, true}, {"skinny", 4096, 1, 4096},
          {"skinny", 1, 512, 512},          {"skinny", 1, 1024, 1024, true}, {"skinny", 1, 4096, 512},
          {"skinny", 100000, 16, 64, true}, {"skinny", 50000, 8, 32},        {"skinny", 20000, 3, 128},
          {"skinny", 4096, 2, 4096},        {"skinny", 2048, 6, 1024, true}, {"skinny", 16, 20000, 64},
          {"skinny", 4, 30000, 32},         {"skinny", 1024, 1024, 4, true}, {"skinny", 2000, 2000, 1},
          {"skinny", 16, 16, 50000, true},  {"skinny", 3, 5, 20000},         {"skinny", 64, 8, 4096}};
}

inline std::vector<problem> odd() {
  return {{"odd", 5, 7, 11},
          {"odd", 17, 17, 17, true},
          {"odd", 31, 31, 31},
          {"odd", 33, 4097, 65, true},
          {"odd", 65, 63, 67, true},
          {"odd", 97, 101, 103},
          {"odd", 127, 129, 131, true},
          {"odd", 255, 257, 253},
          {"odd", 321, 49, 577},
          {"odd", 513, 511, 1025, true},
          {"odd", 1000, 1000, 1000},
          {"odd", 1025, 1023, 1031}};
}

inline std::vector<problem> bert() {
  std::vector<problem> list;
  for (std::int64_t tokens : {128, 384, 512}) {
    list.push_back({"bert", tokens, 768, 768, tokens == 128, "projection"});
    list.push_back({"bert", tokens, 3072, 768, tokens == 384, "ffn_up"});
    list.push_back({"bert", tokens, 768, 3072, tokens == 128, "ffn_down"});
  }
  return list;
}

// One attention head of 64: scores = Q * K', context = P * V. Nothing is constant here, so there is no prepacked
// variant.
inline std::vector<problem> attention() {
  std::vector<problem> list;
  for (std::int64_t tokens : {128, 384, 512}) {
    list.push_back({"attention", tokens, tokens, 64, tokens == 128, "scores", false, true});
    list.push_back({"attention", tokens, 64, tokens, tokens == 384, "context"});
  }
  return list;
}

// Convolutions as the matrix product an im2col engine would call: m = pixels, n = out channels, k = in channels * r *
// s.
inline std::vector<problem> conv() {
  return {{"conv", 12544, 64, 147, false, "resnet_7x7"},   {"conv", 3136, 64, 64, false, "resnet2_1x1a"},
          {"conv", 3136, 64, 576, true, "resnet2_3x3"},    {"conv", 3136, 256, 64, false, "resnet2_1x1b"},
          {"conv", 3136, 64, 256, false, "resnet2_1x1c"},  {"conv", 784, 128, 1152, false, "resnet3_3x3"},
          {"conv", 784, 512, 128, true, "resnet3_1x1b"},   {"conv", 784, 128, 512, false, "resnet3_1x1c"},
          {"conv", 196, 256, 2304, true, "resnet4_3x3"},   {"conv", 196, 1024, 256, false, "resnet4_1x1b"},
          {"conv", 196, 256, 1024, false, "resnet4_1x1c"}, {"conv", 49, 512, 4608, false, "resnet5_3x3"},
          {"conv", 49, 2048, 512, true, "resnet5_1x1b"},   {"conv", 49, 512, 2048, false, "resnet5_1x1c"},
          {"conv", 50176, 64, 27, false, "vgg1_1"},        {"conv", 50176, 64, 576, false, "vgg1_2"},
          {"conv", 12544, 128, 1152, false, "vgg2_2"},     {"conv", 3136, 256, 2304, false, "vgg3_2"},
          {"conv", 784, 512, 4608, false, "vgg4_2"},       {"conv", 196, 512, 4608, true, "vgg5"}};
}

inline std::vector<problem> tiny() {
  std::vector<problem> list;
  for (std::int64_t n : {4, 8, 12, 16, 20, 24, 32}) list.push_back({"tiny", n, n, n, n == 8 || n == 16 || n == 32});
  list.push_back({"tiny", 16, 64, 16, true});
  list.push_back({"tiny", 6, 16, 32});
  list.push_back({"tiny", 23, 23, 23});
  return list;
}

inline std::vector<problem> transposed() {
  std::vector<problem> list;
  for (std::int64_t n : {64, 256, 1024})
    for (int form = 1; form < 4; ++form)
      list.push_back({"transposed", n, n, n, n == 256, "", (form & 1) != 0, (form & 2) != 0});
  list.push_back({"transposed", 128, 768, 768, true, "", false, true});
  list.push_back({"transposed", 8, 4096, 4096, false, "", false, true});
  list.push_back({"transposed", 1, 1024, 1024, true, "", false, true});
  list.push_back({"transposed", 1000, 1000, 1000, false, "", true, true});
  return list;
}

}  // namespace families

// Every problem in every variant that makes sense for it.
inline std::vector<problem> all_problems() {
  std::vector<problem> list;
  auto add = [&](std::vector<problem> family, std::initializer_list<variant> forms) {
    for (variant form : forms)
      for (problem p : family) p.form = form, list.push_back(std::move(p));
  };
  add(families::squares(), {variant::plain, variant::prepacked});
  add(families::small_m(), {variant::plain, variant::prepacked});
  add(families::skinny(), {variant::plain, variant::prepacked});
  add(families::odd(), {variant::plain, variant::prepacked});
  add(families::bert(), {variant::plain, variant::prepacked});
  add(families::attention(), {variant::plain});
  add(families::conv(), {variant::plain, variant::prepacked});
  add(families::squares_f64(), {variant::plain, variant::prepacked});
  add(families::tiny(), {variant::plain, variant::fixed});
  add(families::of_type(dtype::u8s8, families::squares(), "squares_u8s8"), {variant::plain, variant::prepacked});
  add(families::of_type(dtype::u8s8, families::small_m(), "small_m_u8s8"), {variant::prepacked});
  add(families::of_type(dtype::u8s8, families::skinny(), "skinny_u8s8"), {variant::plain, variant::prepacked});
  add(families::of_type(dtype::u8s8, families::odd(), "odd_u8s8"), {variant::plain, variant::prepacked});
  add(families::of_type(dtype::u8s8, families::bert(), "bert_u8s8"), {variant::plain, variant::prepacked});
  add(families::of_type(dtype::bf16, families::squares(), "squares_bf16"), {variant::plain, variant::prepacked});
  add(families::of_type(dtype::bf16, families::small_m(), "small_m_bf16"), {variant::prepacked});
  add(families::of_type(dtype::bf16, families::bert(), "bert_bf16"), {variant::plain, variant::prepacked});
  add(families::transposed(), {variant::plain});
  return list;
}

}  // namespace bench
