/* SPDX-License-Identifier: Apache-2.0 */
/* Borrows a model from a registry and gives it back, over and over, on 1 and on 2 threads; prints
   as one object of JSON the nanoseconds of one such pair, by the clock of each thread.
   usage: registry MODEL [SECONDS]
   Half of the models are found by their names and half as the first, as requests do it. */
#include "model/registry.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 2
#define BATCH 1024

struct run {
    struct registry *registry;
    atomic_bool is_over;
    uint64_t pairs[THREADS_MAX], ns[THREADS_MAX];
};

struct borrower {
    struct run *run;
    size_t number;
};

static void *borrow(void *user)
{
    const struct borrower *borrower = user;
    struct run *run = borrower->run;
    uint64_t pairs = 0;
    const uint64_t start_ns = clock_now_ns();
    for (; !atomic_load_explicit(&run->is_over, memory_order_relaxed); pairs += BATCH)
        for (size_t i = 0; i < BATCH / 2; i++) {
            registry_give_back(run->registry, registry_borrow_default(run->registry));
            registry_give_back(run->registry, registry_borrow(run->registry, "second model", 12));
        }
    run->ns[borrower->number] = clock_now_ns() - start_ns;
    run->pairs[borrower->number] = pairs;
    return NULL;
}

static double measure(struct registry *registry, size_t threads, double seconds)
{
    struct run run = {.registry = registry};
    struct borrower borrowers[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    for (size_t i = 0; i < threads; i++) {
        borrowers[i] = (struct borrower){&run, i};
        if (pthread_create(&ids[i], NULL, borrow, &borrowers[i]) != 0) exit(3);
    }
    const uint64_t end_ns = clock_now_ns() + (uint64_t)(seconds * 1e9);
    while (clock_now_ns() < end_ns)
        usleep(1000);
    atomic_store(&run.is_over, true);
    double ns = 0;
    for (size_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        ns += (double)run.ns[i] / (double)run.pairs[i] / (double)threads;
    }
    return ns;
}

static bool put(struct registry *registry, const char *name, const char *path, struct err *err)
{
    struct model *model;
    return model_open(&model, path, err) && registry_put(registry, name, model, NULL, err);
}

int main(int argc, char **argv)
{
    struct err err;
    const double seconds = argc > 2 ? strtod(argv[2], NULL) : 0.5;
    struct registry *registry = registry_new();
    if (argc < 2 || !registry) return 3;
    json_init();
    if (!put(registry, "first model", argv[1], &err) ||
        !put(registry, "second model", argv[1], &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 3;
    }
    const double one = measure(registry, 1, seconds), two = measure(registry, 2, seconds);
    printf("{\"one_thread_ns\": %.1f, \"two_threads_ns\": %.1f}\n", one, two);
    registry_free(registry);
    return 0;
}
