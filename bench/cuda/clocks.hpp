// SPDX-License-Identifier: Apache-2.0
// bench/cuda/clocks.hpp: the device's SM clock and power while something runs, from the driver's management library
// where it can be opened at run time; without it nothing is reported.
//
// Used by: timing.cuh.
#pragma once
#include <dlfcn.h>

#include <vector>

namespace bench {

class clocks {
 public:
  explicit clocks(const char* pci_bus_id) {
    library_ = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library_) return;
    int (*start)() = nullptr;
    int (*find)(const char*, void**) = nullptr;
    const bool complete = load(start, "nvmlInit_v2") && load(find, "nvmlDeviceGetHandleByPciBusId_v2") &&
                          load(clock_, "nvmlDeviceGetClockInfo") && load(power_, "nvmlDeviceGetPowerUsage");
    if (!complete || start() != 0 || find(pci_bus_id, &device_) != 0) device_ = nullptr;
  }
  clocks(const clocks&) = delete;
  clocks& operator=(const clocks&) = delete;

  bool available() const { return device_ != nullptr; }

  void sample() {
    unsigned mhz = 0, milliwatts = 0;
    constexpr int sm_clock = 1;  // NVML_CLOCK_SM
    if (!available() || clock_(device_, sm_clock, &mhz) != 0 || power_(device_, &milliwatts) != 0) return;
    mhz_ += mhz;
    watts_ += milliwatts * 1e-3;
    ++samples_;
  }
  double mean_mhz() const { return samples_ ? mhz_ / samples_ : 0; }
  double mean_watts() const { return samples_ ? watts_ / samples_ : 0; }
  void reset() { mhz_ = watts_ = samples_ = 0; }

 private:
  template <class Function>
  bool load(Function& f, const char* name) {
    return (f = reinterpret_cast<Function>(dlsym(library_, name))) != nullptr;
  }

  void* library_ = nullptr;  // stays open: the process ends with it
  void* device_ = nullptr;
  int (*clock_)(void*, int, unsigned*) = nullptr;
  int (*power_)(void*, unsigned*) = nullptr;
  double mhz_ = 0, watts_ = 0, samples_ = 0;
};

}  // namespace bench
