// SPDX-License-Identifier: Apache-2.0
//
// core.hpp: everything of core/ that needs no threading library. Executors are included one by one:
//
//   #include <ashlar/core/executors/thread_pool.hpp>      // or openmp.hpp, tbb.hpp
#pragma once

#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/checked.hpp>
#include <ashlar/core/config.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/core/fma.hpp>
#include <ashlar/core/image.hpp>
#include <ashlar/core/status.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/core/workspace.hpp>
