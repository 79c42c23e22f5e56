// SPDX-License-Identifier: Apache-2.0
//
// epilogue/coefficients.hpp: the numbers of epilogue/transcendental.hpp. Printed by tests/tools/fit_polynomials.py.
//
//   expm1   (e^r - 1 - r) / r^2 in r, |r| <= ln(2) / 2;                error relative to e^r - 1
//   erf     erf(x) / x - 1 in x^2, |x| <= 1;                           error relative to erf(x)
//   erfcx   e^(z^2) erfc(z) = p(z) / q(z), 0 <= z;                     relative error, z to 10.7 (float), 28.4 (double)
//
// Depends on: nothing.   Used by: epilogue/transcendental.hpp.
#pragma once

namespace ashlar::detail {

template <class T>
struct coefficients;

template <>
struct coefficients<float> {
  // degree 4, relative error 2^-25.8
  static constexpr float expm1[] = {0x1.fffffep-2f, 0x1.5554bp-3f, 0x1.55567ap-5f, 0x1.12277cp-7f, 0x1.6be73p-10f};
  // degree 6, relative error 2^-28.2
  static constexpr float erf[] = {0x1.06eba8p-3f, -0x1.81273ep-2f,  0x1.ce2cf8p-4f, -0x1.b7f90ep-6f,
                                  0x1.5405bp-8f,  -0x1.a3f6b2p-11f, 0x1.4968e8p-14f};
  // degree 4, relative error 2^-26.3
  static constexpr float erfcx_p[] = {0x1p+0f, 0x1.3dc028p+0f, 0x1.780812p-1f, 0x1.d81e06p-3f, 0x1.0ec434p-5f};
  // degree 5, relative error 2^-26.3
  static constexpr float erfcx_q[] = {0x1p+0f,        0x1.2f4ed2p+1f, 0x1.3440ccp+1f,
                                      0x1.54a494p+0f, 0x1.a26da4p-2f, 0x1.dfea7p-5f};

  static constexpr float log2e = 0x1.715476p+0f;        // 1 / ln 2
  static constexpr float ln2_high = 0x1.62e4p-1f;       // the first 16 bits of ln 2: times |k| exact
  static constexpr float ln2_low = 0x1.7f7d1cp-20f;     // the rest
  static constexpr float root_half = 0x1.6a09e6p-1f;    // 1 / sqrt(2)
  static constexpr float gelu_tanh_1 = 0x1.988454p+0f;  // 2 sqrt(2 / pi)
  static constexpr float gelu_tanh_3 = 0x1.2444f2p-4f;  // times 0.044715

  static constexpr float exp_min = -105;    // below it e^x rounds to 0
  static constexpr float exp_max = 89;      // above it to infinity
  static constexpr float decay_min = -120;  // of exp_scaled: far enough for x e^x to round to 0
  static constexpr float decay_shift = 64;
  static constexpr float decay_unscale = 0x1p-64f;
  static constexpr float tanh_max = 10;    // from here on tanh rounds to 1
  static constexpr float erf_max = 4;      // erf, too
  static constexpr float normal_max = 15;  // x Phi(-x) rounds to 0
};

template <>
struct coefficients<double> {
  // degree 9, relative error 2^-54.7
  static constexpr double expm1[] = {0x1.0000000000005p-1,  0x1.5555555555539p-3,  0x1.55555555522b8p-5,
                                     0x1.1111111118fb2p-7,  0x1.6c16c17edb7a7p-10, 0x1.a01a017513917p-13,
                                     0x1.a019a76fc5346p-16, 0x1.71de8807970fep-19, 0x1.28a1df879d9dep-22,
                                     0x1.ae6ba9447fb0ep-26};
  // degree 11, relative error 2^-55.5
  static constexpr double erf[] = {0x1.06eba8214db68p-3,   -0x1.812746b0379bdp-2,  0x1.ce2f21a040d21p-4,
                                   -0x1.b82ce311fab6ap-6,  0x1.565bccf92ea94p-8,   -0x1.c02db03e3cceep-11,
                                   0x1.f9a2bab00ec4dp-14,  -0x1.f4ca4dbca97bbp-17, 0x1.b97fd5d5ce6f9p-20,
                                   -0x1.5c072df7c0a77p-23, 0x1.d71b21cf3d4bep-27,  -0x1.abae353b8c083p-31};
  // degree 10, relative error 2^-54.8
  static constexpr double erfcx_p[] = {0x1p+0,
                                       0x1.2bf3296c12081p+1,
                                       0x1.5c6b3738da866p+1,
                                       0x1.033e67ca1abe5p+1,
                                       0x1.0f1e4ab97e009p+0,
                                       0x1.9e8925752c519p-2,
                                       0x1.d49b6105da265p-4,
                                       0x1.8337d4eebe967p-6,
                                       0x1.c165e95020f0dp-9,
                                       0x1.4d189aa8dd271p-12,
                                       0x1.e4e8b5250232bp-17};
  // degree 11, relative error 2^-54.8
  static constexpr double erfcx_q[] = {0x1p+0,
                                       0x1.bc61e3ee26e38p+1,
                                       0x1.68ece1a340fc4p+2,
                                       0x1.6ad5e21495a3cp+2,
                                       0x1.f6d41273f5f9ep+1,
                                       0x1.f9bb159421da7p+0,
                                       0x1.79f3d28dd9da9p-1,
                                       0x1.a57d22f59a35p-3,
                                       0x1.597826ac1bd2ap-5,
                                       0x1.8f1ba76f107c1p-8,
                                       0x1.2732e0b6f52d6p-11,
                                       0x1.adbd4aeef2e6dp-16};

  static constexpr double log2e = 0x1.71547652b82fep+0;    // 1 / ln 2
  static constexpr double ln2_high = 0x1.62e42fefa38p-1;   // the first 42 bits of ln 2: times |k| exact
  static constexpr double ln2_low = 0x1.ef35793c7673p-45;  // the rest
  static constexpr double root_half = 0x1.6a09e667f3bcdp-1;
  static constexpr double gelu_tanh_1 = 0x1.9884533d43651p+0;  // 2 sqrt(2 / pi)
  static constexpr double gelu_tanh_3 = 0x1.2444f2a4d8b4bp-4;  // times 0.044715

  static constexpr double exp_min = -746;
  static constexpr double exp_max = 710;
  static constexpr double decay_min = -800;
  static constexpr double decay_shift = 512;
  static constexpr double decay_unscale = 0x1p-512;
  static constexpr double tanh_max = 20;
  static constexpr double erf_max = 6;
  static constexpr double normal_max = 40;
};

}  // namespace ashlar::detail
