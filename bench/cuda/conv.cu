// SPDX-License-Identifier: Apache-2.0
// bench/cuda/conv.cu: Ashlar's convolutions on a GPU beside cuDNN's.
//
//     conv --filter='^resnet/bf16/n32' --json=conv.json
//
// Depends on: session.cuh, conv_problem.hpp, peer_cudnn.cuh, own_conv.cu, own_depthwise.cu.
#include "conv_problem.hpp"
#include "peer_cudnn.cuh"
#include "session.cuh"

namespace bench {
namespace {

using conv_list = std::vector<listed<conv_problem>>;

// The 3x3 and the widest 1x1 layers of ResNet-50, and its first (three channels, padded to eight).
void add_resnet(conv_list& list, arithmetic t, index n, epilogue e) {
  const auto add = [&](index size, index c, index k, index window, index stride) {
    list.push_back({"resnet", {t, n, size, size, c, k, window, window, stride, window / 2, 1, 1, e}});
  };
  add(224, 8, 64, 7, 2);
  add(56, 64, 64, 3, 1);
  add(56, 64, 256, 1, 1);
  add(56, 256, 64, 1, 1);
  add(56, 128, 128, 3, 2);
  add(28, 128, 128, 3, 1);
  add(28, 512, 128, 1, 1);
  add(14, 256, 256, 3, 1);
  add(14, 1024, 256, 1, 1);
  add(14, 512, 512, 3, 2);
  add(7, 512, 512, 3, 1);
  add(7, 2048, 512, 1, 1);
}

void add_grouped(conv_list& list, arithmetic t, index n) {
  const auto add = [&](const char* family, index size, index c, index window, index stride, index groups) {
    list.push_back({family, {t, n, size, size, c, c, window, window, stride, window / 2, 1, groups}});
  };
  add("depthwise", 112, 32, 3, 1, 32);
  add("depthwise", 56, 144, 3, 2, 144);
  add("depthwise", 28, 192, 3, 1, 192);
  add("depthwise", 14, 576, 5, 1, 576);
  add("grouped", 56, 128, 3, 1, 32);
  add("grouped", 14, 512, 3, 1, 32);
}

conv_list all_problems() {
  using enum arithmetic;
  conv_list list;
  for (const arithmetic t : {bf16, f16, s8, tf32, f32})
    for (const index n : {32, 256}) add_resnet(list, t, n, epilogue::none);
  for (const index n : {1, 32}) add_resnet(list, bf16, n, epilogue::bias_relu);
  for (const arithmetic t : {bf16, f32}) add_grouped(list, t, 32);
  list.push_back({"dilated", {bf16, 8, 65, 65, 512, 512, 3, 3, 1, 2, 2}});
  return list;
}

std::vector<conv_contender> own_contenders_of_all() {
  std::vector<conv_contender> all = own_conv_contenders();
  for (conv_contender& c : depthwise_contenders()) all.push_back(std::move(c));
  return all;
}

}  // namespace
}  // namespace bench

int main(int count, char** arguments) {
  return bench::run_suite(count, arguments, bench::all_problems(), bench::cudnn_contenders,
                          bench::own_contenders_of_all);
}
