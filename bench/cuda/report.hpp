// SPDX-License-Identifier: Apache-2.0
// bench/cuda/report.hpp: results as a table on the standard output, problem by problem, and as JSON.
//
// A contender's distance is that of its result to the first contender's on one buffer set; `tolerance` is what the
// problem's arithmetic allows. The ratio is speed beside the fastest peer's: above 1, faster than it.
//
// Depends on: timing.cuh.   Used by: session.cuh.
#pragma once
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "timing.cuh"

namespace bench {

struct outcome {
  std::string name, note, fault;  // a fault: why it was not timed
  bool peer = false;
  double distance = 0;
  measurement time;
};

struct result {
  std::string name;
  double flops = 0, bytes = 0, tolerance = 0;
  int sets = 0;
  double mhz = 0, watts = 0;
  std::vector<outcome> outcomes;

  double best_peer() const {  // seconds
    double best = std::numeric_limits<double>::infinity();
    for (const outcome& o : outcomes)
      if (o.peer && o.fault.empty() && right(o)) best = std::min(best, o.time.median);
    return best;
  }
  bool right(const outcome& o) const { return o.distance <= tolerance; }  // false for a NaN
  double ratio(const outcome& o) const {
    const double best = best_peer();
    return std::isinf(best) ? 0 : best / o.time.median;
  }
};

inline void print_row(const result& r, const outcome& o) {
  if (!o.fault.empty()) {
    std::printf("  %-24s FAILED: %s\n", o.name.c_str(), o.fault.c_str());
    return;
  }
  const measurement& t = o.time;
  std::printf("  %-24s %10.2f us %5.1f%% %9.1f TFLOP/s %7.0f GB/s %6.3f  %8.1e%s  %s\n", o.name.c_str(), t.median * 1e6,
              100 * (t.q3 - t.q1) / t.median, r.flops / t.median * 1e-12, r.bytes / t.median * 1e-9, r.ratio(o),
              o.distance, r.right(o) ? "" : " WRONG", o.note.c_str());
}

inline void print_table(const result& r) {
  std::printf("%s   (%d sets", r.name.c_str(), r.sets);
  if (r.mhz > 0) std::printf(", %.0f MHz, %.0f W", r.mhz, r.watts);
  std::printf(")\n");
  for (const outcome& o : r.outcomes) print_row(r, o);
  std::fflush(stdout);
}

inline void print_heading(const std::string& device) {
  std::printf("%s\n  %-24s %13s %6s %17s %12s %6s  %8s  %s\n", device.c_str(), "contender", "median", "IQR", "speed",
              "memory", "ratio", "distance", "kernel");
}

inline std::string quoted(const std::string& text) {
  std::string q = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') q += '\\';
    q += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return q + '"';
}

// JSON has no NaN and no infinity.
inline std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return std::isfinite(x) ? text : "null";
}

inline std::string json(const result& r, const outcome& o) {
  std::string text = "    {\"name\": " + quoted(o.name) + ", \"peer\": " + (o.peer ? "true" : "false");
  if (!o.fault.empty()) return text + ", \"fault\": " + quoted(o.fault) + "}";
  const measurement& t = o.time;
  text += ", \"us\": " + number(t.median * 1e6) + ", \"us_q1\": " + number(t.q1 * 1e6);
  text += ", \"us_q3\": " + number(t.q3 * 1e6) + ", \"tflops\": " + number(r.flops / t.median * 1e-12);
  text += ", \"gbps\": " + number(r.bytes / t.median * 1e-9) + ", \"ratio\": " + number(r.ratio(o));
  text += ", \"distance\": " + number(o.distance) + ", \"right\": " + (r.right(o) ? "true" : "false");
  text += ", \"launches\": " + std::to_string(t.launches) + ", \"rounds\": " + std::to_string(t.rounds);
  return text + ", \"note\": " + quoted(o.note) + "}";
}

inline std::string json(const result& r) {
  std::string text = "  {\"problem\": " + quoted(r.name) + ", \"flops\": " + number(r.flops);
  text += ", \"bytes\": " + number(r.bytes) + ", \"sets\": " + std::to_string(r.sets);
  text += ", \"tolerance\": " + number(r.tolerance) + ", \"mhz\": " + number(r.mhz);
  text += ", \"watts\": " + number(r.watts) + ", \"contenders\": [\n";
  for (std::size_t i = 0; i < r.outcomes.size(); ++i)
    text += json(r, r.outcomes[i]) + (i + 1 < r.outcomes.size() ? ",\n" : "\n");
  return text + "  ]}";
}

inline void write_json(const std::string& path, const std::string& device, const std::vector<result>& results) {
  if (path.empty()) return;
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (!file) throw failure("could not write " + path);
  std::fprintf(file, "{\"device\": %s, \"results\": [\n", quoted(device).c_str());
  for (std::size_t i = 0; i < results.size(); ++i)
    std::fprintf(file, "%s%s\n", json(results[i]).c_str(), i + 1 < results.size() ? "," : "");
  std::fprintf(file, "]}\n");
  std::fclose(file);
}

}  // namespace bench
