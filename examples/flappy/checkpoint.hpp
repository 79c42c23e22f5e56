// SPDX-License-Identifier: Apache-2.0
//
// checkpoint.hpp: parameters and Adam's moments in a file, so that training goes on where it stopped.
//
//   "FLAPPY01", number of parameters, steps of Adam (both 64 bits), parameters, means, squares; in this machine's order
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "adam.hpp"

namespace flappy {

namespace checkpoint {

inline constexpr char magic[8] = {'F', 'L', 'A', 'P', 'P', 'Y', '0', '1'};
struct close_file {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using file = std::unique_ptr<std::FILE, close_file>;

/// False when the file cannot be written whole; an older file of that name then is still there.
inline bool save(const std::string& path, const parameters& p, const adam& a) {
  const std::string fresh = path + ".new";
  const std::int64_t numbers[2] = {std::int64_t(p.size()), a.steps};
  {
    const file f(std::fopen(fresh.c_str(), "wb"));
    bool ok =
        f && std::fwrite(magic, sizeof magic, 1, f.get()) == 1 && std::fwrite(numbers, sizeof numbers, 1, f.get()) == 1;
    for (const auto* v : {&p, &a.mean, &a.square})
      ok = ok && std::fwrite(v->data(), 4, v->size(), f.get()) == v->size();
    if (!ok || std::fflush(f.get()) != 0) return false;
  }
  return std::rename(fresh.c_str(), path.c_str()) == 0;
}

/// False, and nothing changed, when there is no such checkpoint of this network.
inline bool load(const std::string& path, parameters& p, adam& a) {
  const file f(std::fopen(path.c_str(), "rb"));
  char head[sizeof magic];
  std::int64_t numbers[2];
  if (!f || std::fread(head, sizeof head, 1, f.get()) != 1 || std::memcmp(head, magic, sizeof head) != 0 ||
      std::fread(numbers, sizeof numbers, 1, f.get()) != 1 || numbers[0] != layout::count) {
    return false;
  }
  parameters read(layout::count);
  adam moments = a;
  for (auto* v : {&read, &moments.mean, &moments.square}) {
    if (std::fread(v->data(), 4, v->size(), f.get()) != v->size()) return false;
  }
  moments.steps = numbers[1];
  p = std::move(read), a = std::move(moments);
  return true;
}

}  // namespace checkpoint

}  // namespace flappy
