// SPDX-License-Identifier: Apache-2.0
//
// tests/dispatch/detect_test.cpp: detection against what the operating system itself lists, and the override that only
// lowers.
#include <doctest/doctest.h>
#include <ashlar/dispatch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

using namespace ashlar::dispatch;

namespace {

// The words of the first "flags" (x86) or "Features" (ARM) line of /proc/cpuinfo, with a blank around each.
std::string listed_features() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0) return line + " ";
  return "";
}

}  // namespace

TEST_CASE("a target executes itself and what it extends, nothing else") {
  static_assert(executes(target::avx512, target::avx2) && executes(target::avx2, target::scalar));
  static_assert(executes(target::sve, target::neon) && !executes(target::neon, target::sve));
  static_assert(!executes(target::avx2, target::avx512) && !executes(target::avx512, target::neon));
  static_assert(executes(target::avx512_vnni, target::avx512) && executes(target::avx512_vnni, target::avx2));
  static_assert(executes(target::avx_vnni, target::avx2) && !executes(target::avx512_vnni, target::avx_vnni));
  static_assert(executes(target::avx512_bf16, target::avx512) && executes(target::neon_fhm, target::neon_dot));
  static_assert(executes(target::neon_i8mm, target::neon_dot) && executes(target::sve_i8mm, target::neon));
  static_assert(!executes(target::sve_i8mm, target::neon_i8mm) && !executes(target::avx_vnni, target::avx512));
  for (const target_facts& t : all_targets) {
    CHECK((executes(t.which, t.which) && executes(t.which, t.parent) && executes(t.which, target::scalar)));
    CHECK((&facts_of(t.which) == &t && target_named(t.name, target::scalar) == t.which));
  }
}

TEST_CASE("the override lowers, never raises, and ignores what it does not know") {
  static_assert(lowered(target::avx512, "avx2") == target::avx2);
  static_assert(lowered(target::avx512, "scalar") == target::scalar);
  static_assert(lowered(target::avx2, "avx512") == target::avx2);
  static_assert(lowered(target::avx2, "neon") == target::avx2);
  static_assert(lowered(target::avx512, "avx") == target::avx512);
  static_assert(lowered(target::avx2, "avx2x") == target::avx2);
  static_assert(lowered(target::avx2, nullptr) == target::avx2);
  static_assert(lowered(target::avx512_vnni, "avx512") == target::avx512);
  static_assert(lowered(target::avx512, "avx512_vnni") == target::avx512);
  setenv("ASHLAR_ISA", "scalar", 1);
  CHECK(detect() == target::scalar);
  unsetenv("ASHLAR_ISA");
  CHECK(detect() == hardware());
}

TEST_CASE("detection agrees with /proc/cpuinfo") {
  const std::string features = listed_features();
  const auto listed = [&](const char* word) {
    return features.find(std::string(" ") + word + " ") != std::string::npos;
  };
  MESSAGE("this machine: " << std::string(name(hardware())));
#if defined(__x86_64__)
  if (!features.empty()) {
    CHECK(executes(hardware(), target::avx512) ==
          (listed("avx512bw") && listed("avx512dq") && listed("avx512vl") && listed("avx512cd")));
    CHECK(executes(hardware(), target::avx512_vnni) == (listed("avx512vl") && listed("avx512_vnni")));
    CHECK((hardware() == target::avx512_bf16) == (listed("avx512_vnni") && listed("avx512_bf16")));
    CHECK((hardware() == target::avx_vnni) == (!listed("avx512vl") && listed("avx_vnni")));
    CHECK((hardware() != target::scalar) == (listed("avx2") && listed("fma") && listed("bmi2") && listed("aes")));
  }
#elif defined(__aarch64__)
  CHECK(executes(hardware(), target::neon));
  if (listed("asimd")) {
    CHECK(executes(hardware(), target::sve) == listed("sve"));
    CHECK(executes(hardware(), target::sve_i8mm) == listed("svei8mm"));
    CHECK((hardware() == target::sve_bf16) == (listed("svei8mm") && listed("svebf16")));
    CHECK(executes(hardware(), target::neon_dot) == (!listed("sve") && listed("asimddp")));
  }
#endif
}

TEST_CASE("the last entry that the machine executes is chosen") {
  using function = int();
  constexpr entry<function> table[] = {
      {target::scalar, +[] { return 0; }}, {target::avx2, +[] { return 2; }}, {target::avx512, +[] { return 5; }}};
  CHECK(choose(target::avx512, table)() == 5);
  CHECK(choose(target::avx2, table)() == 2);
  CHECK(choose(target::neon, table)() == 0);
  constexpr entry<function> only_wide[] = {{target::avx512, +[] { return 5; }}};
  CHECK((choose(target::avx2, only_wide) == nullptr));
}
