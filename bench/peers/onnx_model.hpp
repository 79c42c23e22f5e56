// SPDX-License-Identifier: Apache-2.0
// bench/peers/onnx_model.hpp: an ONNX model of one Conv and one Relu, as the bytes of its protobuf message.
//
// A message is a sequence of fields: a tag (number * 8 + wire type), then a variable-length number (wire type 0), or a
// length and so many bytes (2): strings, packed arrays, nested messages. Field numbers are those of onnx.proto.
//
// Used by: onnxruntime.cpp.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "peer.h"

namespace ashlar_peers {

class message {
 public:
  message& number(int field, std::int64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  message& bytes(int field, const std::string& value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  message& nested(int field, const message& value) { return bytes(field, value.text_); }
  const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) text_ += static_cast<char>(value | 128);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

using numbers = std::vector<std::int64_t>;

inline message tensor(const std::string& name, const numbers& extents, const float* data) {
  message m;
  std::size_t count = 1;
  for (auto e : extents) m.number(1, e), count *= static_cast<std::size_t>(e);
  std::string raw(count * sizeof(float), '\0');
  std::memcpy(raw.data(), data, raw.size());
  return m.number(2, 1).bytes(8, name).bytes(9, raw);  // type 1: float
}

inline message integers(const std::string& name, const numbers& values) {
  message m;
  m.bytes(1, name);
  for (auto v : values) m.number(8, v);
  return m.number(20, 7);  // type 7: INTS
}

inline message float_value(const std::string& name, const numbers& extents) {
  message shape;
  for (auto e : extents) shape.nested(1, message().number(1, e));
  return message().bytes(1, name).nested(2, message().nested(1, message().number(1, 1).nested(2, shape)));
}

// weights: k x c / groups x r x s, ONNX's order.
inline std::string conv_relu_model(const ashlar_peer_conv_problem& p, const float* weights) {
  message conv, relu, graph;
  for (const char* input : {"src", "weights", "bias"}) conv.bytes(1, input);
  conv.bytes(2, "sum").bytes(4, "Conv");
  conv.nested(5, integers("strides", {p.stride[0], p.stride[1]}));
  conv.nested(5, integers("dilations", {p.dilation[0], p.dilation[1]}));
  conv.nested(5, integers("pads", {p.before[0], p.before[1], p.after[0], p.after[1]}));
  conv.nested(5, integers("kernel_shape", {p.r, p.s}));
  conv.nested(5, message().bytes(1, "group").number(3, p.groups).number(20, 2));  // type 2: INT
  relu.bytes(1, "sum").bytes(2, "dst").bytes(4, "Relu");
  graph.nested(1, conv).nested(1, relu).bytes(2, "layer");
  graph.nested(5, tensor("weights", {p.k, p.c / p.groups, p.r, p.s}, weights))
      .nested(5, tensor("bias", {p.k}, static_cast<const float*>(p.bias)));
  graph.nested(11, float_value("src", {p.n, p.c, p.h, p.w})).nested(12, float_value("dst", {p.n, p.k, p.oh, p.ow}));
  const message operators = message().bytes(1, "").number(2, 13);
  return message().number(1, 7).nested(7, graph).nested(8, operators).text();
}

}  // namespace ashlar_peers
