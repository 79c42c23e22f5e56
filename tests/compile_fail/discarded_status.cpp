// SPDX-License-Identifier: Apache-2.0
// expect: nodiscard
#include <ashlar/core/status.hpp>

ashlar::status work() { return {}; }

int main() {
  if (!work().ok()) return 1;
#ifdef MISTAKE
  work();
#endif
}
