/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exponential.h
 * e^x by additions and multiplications alone, so that its bits are the same on every CPU (libm's
 * depend on whether the CPU has fused multiply-add). Pure; any thread.
 */
#pragma once

/**
 * exponential returns e^x; relative error below 4e-16.
 * @return 0 below -708, Inf above 709 (no denormals), NaN for NaN
 */
double exponential(double x);
