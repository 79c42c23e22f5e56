// SPDX-License-Identifier: Apache-2.0
//
// tests/support/vec_file.hpp: a file of published integer test vectors: "define NAME VALUE" lines, and "array NAME TYPE
// COUNT" lines followed by as many numbers.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

namespace ashlar::test {

struct vec_file {
  std::map<std::string, std::string> defines;
  std::map<std::string, std::vector<std::int64_t>> arrays;
  bool complete = false;  // every array had its numbers

  explicit vec_file(const std::string& path) {
    std::ifstream in(path);
    complete = in.good();
    for (std::string word, name; in >> word >> name;) {
      if (word == "define") {
        in >> defines[name];
      } else {
        std::string type;
        std::size_t count = 0;
        in >> type >> count;
        std::vector<std::int64_t>& numbers = arrays[name];
        numbers.resize(count);
        for (std::int64_t& x : numbers) complete = bool(in >> x) && complete;
      }
    }
  }

  std::int64_t number(const std::string& name, std::int64_t otherwise = 0) const {
    const auto found = defines.find(name);
    return found == defines.end() ? otherwise : std::strtoll(found->second.c_str(), nullptr, 10);
  }
  /// The first of these arrays that is there and has `count` numbers, or an empty one.
  std::vector<std::int64_t> array(std::initializer_list<const char*> names, std::size_t count) const {
    for (const char* name : names) {
      const auto found = arrays.find(name);
      if (found != arrays.end() && found->second.size() == count) return found->second;
    }
    return {};
  }
};

}  // namespace ashlar::test
