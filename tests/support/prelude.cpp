// SPDX-License-Identifier: Apache-2.0
//
// tests/support/prelude.cpp: a precompiled header belongs to a source; this one has nothing else.
