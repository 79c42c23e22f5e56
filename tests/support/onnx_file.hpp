// SPDX-License-Identifier: Apache-2.0
//
// tests/support/onnx_file.hpp: one call of an ONNX operator as text: "op NAME", "attr NAME TYPE VALUE...", and "array
// NAME TYPE RANK d0 d1 ... COUNT" followed by as many numbers, row-major.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <ashlar/core/config.hpp>

namespace ashlar::test {

struct onnx_array {
  std::string type;
  std::vector<index> extents;
  std::vector<double> numbers;

  template <class T>
  std::vector<T> as(double offset = 0) const {
    std::vector<T> to;
    for (double x : numbers) to.push_back(T(x + offset));
    return to;
  }
};

struct onnx_call {
  std::string op;
  std::map<std::string, std::string> attributes;
  std::map<std::string, onnx_array> arrays;
  bool complete = false;  // every array had its numbers

  explicit onnx_call(const std::string& path) {
    std::ifstream in(path);
    complete = in.good();
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string word, name, type;
      words >> word >> name;
      if (word == "op") op = name;
      if (word == "attr") words >> type, std::getline(words >> std::ws, attributes[name]);
      if (word == "array") complete = read(in, words, arrays[name]) && complete;
    }
  }

  bool has(const std::string& name) const { return arrays.count(name) != 0; }
  const onnx_array& array(const std::string& name) const { return arrays.at(name); }
  /// The only number of an input that may be absent.
  double scalar(const std::string& name, double otherwise = 0) const {
    return has(name) ? array(name).numbers.at(0) : otherwise;
  }
  /// The attribute's numbers, after as many of `otherwise` as it takes to have three.
  std::vector<index> three(const std::string& name, index otherwise) const {
    std::vector<index> given = integers(name);
    given.insert(given.begin(), 3 - given.size(), otherwise);
    return given;
  }
  std::vector<index> integers(const std::string& name) const {
    const auto found = attributes.find(name);
    std::vector<index> given;
    if (found != attributes.end()) {
      std::istringstream words(found->second);
      for (index x; words >> x;) given.push_back(x);
    }
    return given;
  }
  std::string word(const std::string& name, const std::string& otherwise) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? otherwise : found->second;
  }

 private:
  static bool read(std::istream& in, std::istream& words, onnx_array& a) {
    std::size_t rank = 0, count = 0;
    words >> a.type >> rank;
    a.extents.resize(rank);
    for (index& e : a.extents) words >> e;
    words >> count;
    for (std::string number; a.numbers.size() < count && in >> number;) {
      a.numbers.push_back(std::strtod(number.c_str(), nullptr));  // nan and inf, too
    }
    in >> std::ws;
    return a.numbers.size() == count;
  }
};

}  // namespace ashlar::test
