/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file checkpoint.h
 * Where a training stands after an epoch, in a safetensors file that appears when it is whole: all
 * numbers that are learned and their squares, the files of the best so far, and a few numbers more.
 * One thread.
 */
#pragma once

#include "model/train/learned.h"
#include "model/train/learner.h"
#include "model/train/measure.h"

/** The best state so far, and its score on the held-out rows. */
struct training_best {
    struct learned_files files;
    uint32_t epochs; /* that it was trained for; 0: there is none */
    double score;
    double highest; /* score of all epochs */
    struct measured measured;
};

struct checkpoint {
    uint64_t fingerprint; /* of examples, model and settings */
    int run;
    uint32_t epochs;      /* done in this run */
    double seconds;       /* spent so far */
    size_t width;         /* of a row's logits in `held` */
    struct held_out held; /* of the runs before the last one, borrowed; n = 0: of none. Its numbers
                             are read by checkpoint_load_held */
};

/** checkpoint_save writes; ERR_IO or ERR_MEMORY. */
bool checkpoint_save(const char *path, const struct checkpoint *checkpoint,
                     const struct learner *learner, const struct training_best *best,
                     struct err *err);

/**
 * checkpoint_peek reads how far the training of that fingerprint had come.
 * @return 1: `checkpoint` is filled in; 0: there is no such file; -1: err is set: ERR_USAGE (it is
 *         of another training), ERR_FORMAT or ERR_IO
 */
int checkpoint_peek(const char *path, uint64_t fingerprint, struct checkpoint *checkpoint,
                    struct err *err);

/**
 * checkpoint_load_held reads what heads said of the rows held out.
 * @param held   with room for n rows and their logits (width each); n as checkpoint_peek says
 * @param n_rows every row must be below
 * @return false with ERR_FORMAT or ERR_IO
 */
bool checkpoint_load_held(const char *path, const struct held_out *held, size_t width,
                          size_t n_rows, struct err *err);

/** checkpoint_load fills learner (made as it was) and best; ERR_FORMAT, ERR_MEMORY, ERR_IO. */
bool checkpoint_load(const char *path, struct learner *learner, struct training_best *best,
                     struct err *err);
