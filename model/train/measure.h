/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file measure.h
 * How good a head is on held-out examples, asked as a service would ask it, by all workers. One
 * thread calls; the crew's threads work during the call.
 */
#pragma once

#include "base/workers.h"
#include "model/head/evaluation.h"
#include "model/head/head.h"
#include "model/train/examples.h"

/** What is measured, and on what. */
struct measuring {
    const struct head *head;
    const struct examples *examples;
    const uint32_t *rows; /* (n) indices of examples */
    size_t n;
};

/**
 * measure adds up an evaluation of the head.
 * @param logits  room for (n, rows of the head), or NULL: not wanted
 * @return NULL with err set; else end it with evaluation_free
 */
struct evaluation *measure(const struct measuring *measuring, struct workers *workers,
                           float *logits, struct err *err);

/**
 * measure_temperature finds the best divisor of logits (n, R): the one with the least mean loss of
 * the truth (Guo et al., 2017), from 1/20 to 20.
 */
double measure_temperature(const struct measuring *measuring, const float *logits);
