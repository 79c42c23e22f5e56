// SPDX-License-Identifier: Apache-2.0
//
// tests/support/cases.cpp: the seed, the scale, and the rerun line, also after a crash (a guard page, most likely).
#include <cstdio>
#include <cstdlib>
#include <random>

#include "support/cases.hpp"

#if !defined(ASHLAR_TEST_SCALE)
#define ASHLAR_TEST_SCALE 100
#endif

extern "C" char* program_invocation_name;

namespace ashlar::test {

namespace {

index from_environment(const char* name, index otherwise) {
  const char* text = std::getenv(name);
  return text ? index(std::strtoull(text, nullptr, 0)) : otherwise;
}

index running = -1;

// doctest does not print what INFO holds when a signal ends a test.
struct crash_listener : doctest::IReporter {
  explicit crash_listener(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException& e) override {
    if (e.is_crash && running >= 0) std::printf("%s\n", rerun_line(running).c_str()), std::fflush(stdout);
  }
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
DOCTEST_REGISTER_LISTENER("crash", 1, crash_listener);

}  // namespace

int scale() {
  static const int percent = int(from_environment("ASHLAR_TEST_SCALE", ASHLAR_TEST_SCALE));
  return percent;
}

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const auto s = std::uint64_t(from_environment("ASHLAR_SEED", index(std::random_device()())));
    std::printf("ASHLAR_SEED=%llu\n", (unsigned long long)s);
    std::fflush(stdout);
    return s;
  }();
  return value;
}

index only_case() {
  static const index number = from_environment("ASHLAR_CASE", -1);
  return number;
}

std::string rerun_line(index number) {
  const doctest::TestCaseData* test = doctest::getContextOptions()->currentTest;
  return "rerun: ASHLAR_SEED=" + std::to_string(seed()) + " ASHLAR_CASE=" + std::to_string(number) + " " +
         program_invocation_name + (test ? " -tc='" + std::string(test->m_name) + "'" : "");
}

void begin_case(index number) { running = number; }

}  // namespace ashlar::test
