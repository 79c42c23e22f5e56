// SPDX-License-Identifier: Apache-2.0
//
// error_exits.cpp: what a program sees that does nothing about errors: each illegal call in a process of its own, its
// output and its exit status, compared with error_exits.txt; --print LIBRARY writes such a file.
//
//   error_exits libashlar_blas.so error_exits.txt
//   diff <(error_exits --print libblas.so.3) <(error_exits --print libashlar_blas.so)       a reference library beside
//   it
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "ashlar_blas.h"

namespace {

// Calls f in a child process: everything it writes, and how it ends.
template <class F>
std::string transcript(const F& f) {
  int out[2];
  if (pipe(out) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    dup2(out[1], 1), dup2(out[1], 2);
    f();
    std::fflush(nullptr);
    _exit(42);  // the call returned
  }
  close(out[1]);
  std::string text;
  char piece[256];
  for (ssize_t n; (n = read(out[0], piece, sizeof piece)) > 0;) text.append(piece, std::size_t(n));
  close(out[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return text + "-> exit status " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)) + "\n";
}

std::string all_transcripts(void* library) {
  const auto fortran = reinterpret_cast<decltype(&sgemm_)>(dlsym(library, "sgemm_"));
  const auto c = reinterpret_cast<decltype(&cblas_dgemm)>(dlsym(library, "cblas_dgemm"));
  if (!fortran || !c) std::abort();
  float x[64] = {};
  double y[64] = {};
  const float one = 1;
  std::ostringstream all;
  struct sizes {
    int m, n, k, lda, ldb, ldc;
  };
  const sizes wrong[] = {{-1, 1, 1, 1, 1, 1}, {1, -1, 1, 1, 1, 1}, {1, 1, -1, 1, 1, 1},
                         {3, 3, 3, 2, 3, 3},  {3, 3, 3, 3, 2, 3},  {3, 3, 3, 3, 3, 2}};
  for (const char* t : {"/n", "n/"})
    all << "sgemm_ " << t << "\n"
        << transcript([&] {
             const int i = 1;
             fortran(t, t + 1, &i, &i, &i, &one, x, &i, x, &i, &one, x, &i);
           });
  for (const sizes& s : wrong)
    all << "sgemm_ " << s.m << " " << s.n << " " << s.k << " " << s.lda << " " << s.ldb << " " << s.ldc << "\n"
        << transcript([&] { fortran("n", "n", &s.m, &s.n, &s.k, &one, x, &s.lda, x, &s.ldb, &one, x, &s.ldc); });
  all << "cblas_dgemm layout\n" << transcript([&] { c(99, 111, 111, 1, 1, 1, 1, y, 1, y, 1, 1, y, 1); });
  for (int layout : {101, 102}) {
    for (int t : {0, 1})
      all << "cblas_dgemm " << layout << " trans " << t << "\n"
          << transcript([&] { c(layout, t ? 111 : 99, t ? 98 : 111, 1, 1, 1, 1, y, 1, y, 1, 1, y, 1); });
    for (const sizes& s : wrong)
      all << "cblas_dgemm " << layout << " " << s.m << " " << s.n << " " << s.k << " " << s.lda << " " << s.ldb << " "
          << s.ldc << "\n"
          << transcript([&] { c(layout, 111, 111, s.m, s.n, s.k, 1, y, s.lda, y, s.ldb, 1, y, s.ldc); });
  }
  return all.str();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return std::fputs("error_exits LIBRARY EXPECTED  |  error_exits --print LIBRARY\n", stderr), 2;
  const bool print = std::string(arguments[1]) == "--print";
  void* const library = dlopen(arguments[print ? 2 : 1], RTLD_NOW);
  if (!library) return std::fprintf(stderr, "%s\n", dlerror()), 2;
  const std::string have = all_transcripts(library);
  if (print) return std::cout << have, 0;
  std::stringstream expected;
  expected << std::ifstream(arguments[2]).rdbuf();
  if (have == expected.str()) return std::cout << "as expected\n", 0;
  return std::cout << "--- expected\n" << expected.str() << "--- found\n" << have, 1;
}
