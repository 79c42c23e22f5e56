// SPDX-License-Identifier: Apache-2.0
// bench/conv_problems.hpp: every distinct convolution layer of twelve networks, in families, with how often each
// network has it; and the layers whose gradients are measured.
//
//   warm   the same operands call after call      cold   other weights each call, together larger than the caches
//   chain  src and dst change places each call, where their shapes are equal
//
// The networks are written as their papers' tables are; shapes follow from them. Fully connected layers (also those of
// squeeze-and-excite, on one pixel) and transposed convolutions are not convolutions here. Every layer is measured with
// bias and relu, whatever its network puts there. A family is a claim of its own: means are taken within one, never
// across.
//
// Depends on: conv_network.hpp.   Used by: conv_tensors.hpp, conv.cpp.
#pragma once
#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "conv_network.hpp"

namespace bench {

namespace networks {

// ResNet-50 (He et al. 2015) and what is made of it. As everywhere today, a stage's stride is in its 3x3 layer. width:
// of the 3x3 layers of the first stage.
struct resnet_form {
  extent width = 64, groups = 1;
  bool dilate_last = false;  // the last stage keeps its resolution: stride 1, dilations 2, 4, 8
};
inline void resnet_stages(network& net, const resnet_form& form) {
  const int blocks[4] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    for (int block = 0; block < blocks[stage]; ++block) {
      const bool dilated = form.dilate_last && stage == 3;
      const auto src = net.here();
      const extent stride = block == 0 && stage > 0 && !dilated ? 2 : 1;
      const extent dilation = dilated ? extent{2} << block : 1;
      const extent out = extent{256} << stage;
      net.one(form.width << stage);
      net.conv(form.width << stage, {3, 3, stride, dilation, form.groups}).one(out);
      if (block == 0) net.from(src).one(out, stride);
    }
  }
}

inline network resnet50(extent batch) {
  network net("resnet50", batch, {224, 224, 3});
  resnet_stages(net.square(64, 7, 2).pooled(56), {});
  return net;
}

// ResNeXt-50 32x4d (Xie et al. 2016)
inline network resnext50(extent batch) {
  network net("resnext50", batch, {224, 224, 3});
  resnet_stages(net.square(64, 7, 2).pooled(56), {.width = 128, .groups = 32});
  return net;
}

// DeepLabv3 on ResNet-50, output stride 16 (Chen et al. 2017): atrous pyramid with rates 6, 12, 18; the image-level
// branch sees one pixel and is left out.
inline network deeplabv3(extent batch) {
  network net("deeplabv3", batch, {513, 513, 3});
  resnet_stages(net.square(64, 7, 2).pooled(129), {.dilate_last = true});
  const auto features = net.here();
  net.one(256);
  for (extent rate : {6, 12, 18}) net.from(features).conv(256, {3, 3, 1, rate});
  net.from({features.h, features.w, 5 * 256}).one(256).one(21);
  return net;
}

// VGG-16 (Simonyan and Zisserman 2014)
inline network vgg16(extent batch) {
  network net("vgg16", batch, {224, 224, 3});
  const struct {
    extent size, k;
    int layers;
  } stages[] = {{224, 64, 2}, {112, 128, 2}, {56, 256, 3}, {28, 512, 3}, {14, 512, 3}};
  for (const auto& stage : stages) {
    net.pooled(stage.size);
    for (int i = 0; i < stage.layers; ++i) net.square(stage.k, 3);
  }
  return net;
}

// MobileNetV1 (Howard et al. 2017)
inline network mobilenet_v1(extent batch) {
  network net("mobilenet_v1", batch, {224, 224, 3});
  net.square(32, 3, 2);
  const struct {
    extent k, stride;
  } layers[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  for (const auto& l : layers) net.depthwise(3, l.stride).one(l.k);
  return net;
}

// An inverted residual: expand, depthwise, project.
inline void inverted(network& net, extent expanded, extent r, extent k, extent stride, pad padding = pad::same) {
  if (expanded != net.here().c) net.one(expanded);
  net.depthwise(r, stride, padding).one(k);
}

struct inverted_stage {
  extent expansion, k;
  int blocks;
  extent stride, r = 3;
};
inline void inverted_stages(network& net, const std::vector<inverted_stage>& stages, pad padding = pad::same) {
  for (const auto& stage : stages)
    for (int i = 0; i < stage.blocks; ++i)
      inverted(net, net.here().c * stage.expansion, stage.r, stage.k, i == 0 ? stage.stride : 1, padding);
}

// MobileNetV2 (Sandler et al. 2018)
inline network mobilenet_v2(extent batch) {
  network net("mobilenet_v2", batch, {224, 224, 3});
  net.square(32, 3, 2);
  inverted_stages(
      net, {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}});
  return std::move(net.one(1280));
}

// MobileNetV3-Large (Howard et al. 2019)
inline network mobilenet_v3(extent batch) {
  network net("mobilenet_v3", batch, {224, 224, 3});
  net.square(16, 3, 2);
  const struct {
    extent r, expanded, k, stride;
  } layers[] = {{3, 16, 16, 1},   {3, 64, 24, 2},   {3, 72, 24, 1},   {5, 72, 40, 2},   {5, 120, 40, 1},
                {5, 120, 40, 1},  {3, 240, 80, 2},  {3, 200, 80, 1},  {3, 184, 80, 1},  {3, 184, 80, 1},
                {3, 480, 112, 1}, {3, 672, 112, 1}, {5, 672, 160, 2}, {5, 960, 160, 1}, {5, 960, 160, 1}};
  for (const auto& l : layers) inverted(net, l.expanded, l.r, l.k, l.stride);
  return std::move(net.one(960));
}

// EfficientNet-B0 (Tan and Le 2019), with TensorFlow's padding
inline network efficientnet_b0(extent batch) {
  network net("efficientnet_b0", batch, {224, 224, 3});
  net.square(32, 3, 2, pad::tensorflow);
  inverted_stages(net,
                  {{1, 16, 1, 1, 3},
                   {6, 24, 2, 2, 3},
                   {6, 40, 2, 2, 5},
                   {6, 80, 3, 2, 3},
                   {6, 112, 3, 1, 5},
                   {6, 192, 4, 2, 5},
                   {6, 320, 1, 1, 3}},
                  pad::tensorflow);
  return std::move(net.one(1280));
}

// Inception-v3 (Szegedy et al. 2015)
inline network inception_v3(extent batch) {
  network net("inception_v3", batch, {299, 299, 3});
  const auto valid = pad::valid;
  net.square(32, 3, 2, valid).square(32, 3, 1, valid).square(64, 3).pooled(73).one(80).square(192, 3, 1, valid);
  auto src = net.pooled(35).here();
  auto branch = [&]() -> network& { return net.from(src); };
  for (extent pool : {32, 64, 64}) {
    branch().one(64);
    branch().one(48).square(64, 5);
    branch().one(64).square(96, 3).square(96, 3);
    branch().one(pool);
    src.c = 224 + pool;
  }
  branch().square(384, 3, 2, valid);
  branch().one(64).square(96, 3).square(96, 3, 2, valid);
  src = {17, 17, 768};
  const network::taps row{.r = 1, .s = 7}, column{.r = 7, .s = 1};
  for (extent k : {128, 160, 160, 192}) {
    branch().one(192);
    branch().one(k).conv(k, row).conv(192, column);
    branch().one(k).conv(k, column).conv(k, row).conv(k, column).conv(192, row);
    branch().one(192);
  }
  branch().one(192).square(320, 3, 2, valid);
  branch().one(192).conv(192, row).conv(192, column).square(192, 3, 2, valid);
  src = {8, 8, 1280};
  for (int i = 0; i < 2; ++i) {
    branch().one(320);
    auto fork = branch().one(384).here();
    net.from(fork).conv(384, {.r = 1, .s = 3});
    net.from(fork).conv(384, {.r = 3, .s = 1});
    fork = branch().one(448).square(384, 3).here();
    net.from(fork).conv(384, {.r = 1, .s = 3});
    net.from(fork).conv(384, {.r = 3, .s = 1});
    branch().one(192);
    src.c = 2048;
  }
  return net;
}

// YOLOv4-tiny (Bochkovskiy et al. 2020)
inline network yolov4_tiny(extent batch) {
  network net("yolov4_tiny", batch, {416, 416, 3});
  net.square(32, 3, 2).square(64, 3, 2);
  for (extent k : {64, 128, 256}) {
    const extent size = net.square(k, 3).here().h;
    net.from({size, size, k / 2}).square(k / 2, 3).square(k / 2, 3);
    net.from({size, size, k}).one(k).from({size / 2, size / 2, 2 * k});
  }
  net.square(512, 3).one(256);
  const auto neck = net.here();
  net.square(512, 3).one(255);
  net.from(neck).one(128).from({26, 26, 384}).square(256, 3).one(255);
  return net;
}

// U-Net (Ronneberger et al. 2015): without padding. One image at a time, as it is used.
inline network unet(extent batch) {
  network net("unet", batch, {572, 572, 1});
  const auto valid = pad::valid;
  extent k = 64;
  for (extent size : {572, 284, 140, 68, 32}) {
    net.pooled(size).square(k, 3, 1, valid).square(k, 3, 1, valid);
    k *= 2;
  }
  for (extent size : {56, 104, 200, 392}) {
    const extent src = net.here().c;
    net.from({size, size, src}).square(src / 2, 3, 1, valid).square(src / 2, 3, 1, valid);
  }
  return std::move(net.one(2));
}

// ConvNeXt-T (Liu et al. 2022)
inline network convnext_t(extent batch) {
  network net("convnext_t", batch, {224, 224, 3});
  net.square(96, 4, 4, pad::valid);
  const int blocks[4] = {3, 3, 9, 3};
  for (int stage = 0; stage < 4; ++stage) {
    const extent k = extent{96} << stage;
    if (stage > 0) net.square(k, 2, 2, pad::valid);
    for (int i = 0; i < blocks[stage]; ++i) net.depthwise(7).one(4 * k).one(k);
  }
  return net;
}

inline std::vector<network> all(extent batch) {
  std::vector<network> list{resnet50(batch),     vgg16(batch),           mobilenet_v1(batch), mobilenet_v2(batch),
                            mobilenet_v3(batch), efficientnet_b0(batch), inception_v3(batch), yolov4_tiny(batch),
                            deeplabv3(batch),    resnext50(batch),       convnext_t(batch)};
  if (batch == 1) list.push_back(unet(batch));
  return list;
}

}  // namespace networks

// --quick: all of ResNet-50 and MobileNetV1 at batch 1, and of what they leave of a family three layers under 1 GFLOP
// (dilated ones 6), spread evenly; with batch 8 one.
inline void choose_quick(std::vector<conv_problem>& list) {
  std::map<std::pair<std::string, extent>, std::vector<conv_problem*>> rest;
  for (auto& p : list) {
    p.quick = p.n == 1 && (p.uses.contains("resnet50") || p.uses.contains("mobilenet_v1"));
    if (!p.quick && p.flops() < (p.dilation > 1 ? 6e9 : 1e9)) rest[{p.family(), p.n}].push_back(&p);
  }
  for (auto& [key, layers] : rest) {
    const std::size_t wanted = std::min<std::size_t>(layers.size(), key.second == 1 ? 3 : 1);
    for (std::size_t i = 0; i < wanted; ++i) layers[(2 * i + 1) * layers.size() / (2 * wanted)]->quick = true;
  }
}

// Every distinct layer of the networks, in families.
inline std::vector<conv_problem> conv_layers() {
  std::vector<conv_problem> list;
  for (extent batch : {1, 8}) {
    for (const network& net : networks::all(batch)) {
      for (const conv_problem& layer : net.layers()) {
        auto known = std::find_if(list.begin(), list.end(), [&](const auto& p) { return p.same_layer(layer); });
        if (known == list.end()) known = list.insert(list.end(), layer);
        ++known->uses[net.name()];
      }
    }
  }
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.family() < b.family(); });
  choose_quick(list);
  return list;
}

// The layers of two networks at batch 1 in bytes.
inline constexpr const char* byte_networks[] = {"resnet50", "mobilenet_v2"};
inline std::string name_in_bytes(const std::string& network) { return network + "_u8s8"; }
inline std::vector<conv_problem> byte_layers(const std::vector<conv_problem>& layers) {
  std::vector<conv_problem> list;
  for (conv_problem p : layers) {
    std::map<std::string, int> uses;
    for (const char* net : byte_networks)
      if (p.uses.contains(net)) uses[name_in_bytes(net)] = p.uses[net];
    if (uses.empty() || p.n != 1) continue;
    p.uses = uses, p.type = dtype::u8s8, p.quick = list.size() % 12 == 0;
    list.push_back(p);
  }
  return list;
}

// The layers whose gradients are measured, eight images as in training: of ResNet-50 the first one (its src needs no
// gradient), and of each stage what another stage does not have in its form, 1x1 up and down, 3x3 with both strides,
// and a projection; of MobileNetV1 four depthwise ones.
inline std::vector<conv_problem> gradient_layers(const std::vector<conv_problem>& layers) {
  const struct {
    const char* shape;
    bool data, quick;
  } chosen[] = {{"8x224x224x3-64-7x7s2", false, false},  {"8x56x56x64-64-3x3", true, false},
                {"8x56x56x64-256-1x1", true, false},     {"8x56x56x128-128-3x3s2", true, false},
                {"8x56x56x256-512-1x1s2", true, false},  {"8x28x28x128-128-3x3", true, false},
                {"8x28x28x512-128-1x1", true, true},     {"8x14x14x256-256-3x3", true, true},
                {"8x14x14x256-1024-1x1", true, false},   {"8x14x14x512-512-3x3s2", true, true},
                {"8x7x7x512-512-3x3", true, false},      {"8x7x7x2048-512-1x1", true, false},
                {"8x112x112x32-32-3x3g32", true, false}, {"8x112x112x64-64-3x3s2g64", true, false},
                {"8x28x28x256-256-3x3g256", true, true}, {"8x14x14x512-512-3x3g512", true, false}};
  std::vector<conv_problem> list;
  for (conv_pass pass : {conv_pass::backward_data, conv_pass::backward_weights})
    for (const auto& choice : chosen)
      for (conv_problem p : layers) {
        if (p.shape() != choice.shape || (pass == conv_pass::backward_data && !choice.data)) continue;
        p.pass = pass, p.quick = choice.quick;
        p.uses.clear();
        list.push_back(p);
      }
  return list;
}

// The layers in every variant that says something about them.
inline std::vector<conv_problem> all_conv_problems() {
  std::vector<conv_problem> list = conv_layers();
  const std::vector<conv_problem> layers = list;
  for (conv_problem p : layers) {
    p.uses.clear();
    p.form = conv_variant::cold;
    if (p.weight_count() * 4 >= 1 << 20) list.push_back(p);  // smaller ones stay in some cache in any network
    p.form = conv_variant::chain;
    if (p.maps_to_itself()) list.push_back(p);
  }
  for (const auto& more : {byte_layers(layers), gradient_layers(layers)})
    list.insert(list.end(), more.begin(), more.end());
  return list;
}

}  // namespace bench
