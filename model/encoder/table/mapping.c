/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/table/mapping.h"

#include <stdlib.h>
#include <string.h>

static int32_t number_at(const struct table *table, size_t i)
{
    int32_t number;
    memcpy(&number, table->mapping + i * sizeof number, sizeof number);
    return number;
}

/* Negative numbers are as large as unsigned ones can be. */
static bool is_row(const struct table *table, int32_t number)
{
    const uint32_t most = (uint32_t)INT32_MAX + 1, n = table->rows.n;
    return (uint32_t)number < (n < most ? n : most);
}

/* Without an early way out: vector code. */
static bool are_rows(const struct table *table, uint32_t n)
{
    const struct table own = *table;
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= !is_row(&own, number_at(&own, i));
    return !bad;
}

static bool check_numbers(const struct table *table, const struct tensors *file, const char *name)
{
    const uint32_t n = table->n_rows - table->mapped_from;
    if (are_rows(table, n)) return true;
    uint32_t i = 0;
    while (is_row(table, number_at(table, i)))
        i++;
    return tensors_fail(file,
                        "tensor '%s': token %u has the row %d, but there are %u rows; make the "
                        "file again",
                        name, table->mapped_from + i, number_at(table, i), table->rows.n);
}

/* model2vec's trained models have I64. No row is called -1, so that is what is out of range. */
static bool narrow(struct table *table, const struct tensors *file, const struct tensor *tensor)
{
    const size_t n = tensor->shape[0];
    table->owned_mapping = malloc(n * sizeof *table->owned_mapping);
    if (!table->owned_mapping)
        return err_set(file->err, ERR_MEMORY, NULL, "no memory for the rows of the tokens");
    for (size_t i = 0; i < n; i++) {
        int64_t row;
        memcpy(&row, tensor->data + i * sizeof row, sizeof row);
        table->owned_mapping[i] = row < 0 || row > INT32_MAX ? -1 : (int32_t)row;
    }
    table->mapping = (const char *)table->owned_mapping;
    return true;
}

static bool read_all(struct table *table, const struct tensors *file, const struct tensor *tensor,
                     bool is_checked)
{
    if (tensor->rank != 1 || tensor->shape[0] == 0 || tensor->shape[0] >= UINT32_MAX ||
        (strcmp(tensor->dtype, "I32") != 0 && strcmp(tensor->dtype, "I64") != 0))
        return tensors_fail(
            file,
            "tensor 'mapping' must be I32 or I64 and have one dimension, a row for each token");
    table->mapping = tensor->data;
    if (strcmp(tensor->dtype, "I64") == 0 && !narrow(table, file, tensor)) return false;
    table->n_rows = (uint32_t)tensor->shape[0];
    return is_checked || check_numbers(table, file, "mapping");
}

static bool read_shared(struct table *table, const struct tensors *file,
                        const struct tensor *tensor)
{
    if (tensor->rank != 1 || tensor->shape[0] == 0 || strcmp(tensor->dtype, "I32") != 0)
        return tensors_fail(file,
                            "tensor 'shared' must be I32 and have one dimension, a row for each "
                            "token past the last row; convert the model again");
    if (tensor->shape[0] >= UINT32_MAX - table->rows.n)
        return tensors_fail(file,
                            "tensor 'shared' has %llu numbers, and there are %u rows; at most "
                            "2^32 - 2 tokens can be served",
                            (unsigned long long)tensor->shape[0], table->rows.n);
    table->mapping = tensor->data;
    table->mapped_from = table->rows.n;
    table->n_rows += (uint32_t)tensor->shape[0];
    return check_numbers(table, file, "shared");
}

bool mapping_read(struct table *table, const struct tensors *file,
                  const struct table_options *options)
{
    const struct tensor *mapping = tensors_find(file, "mapping");
    const struct tensor *shared = options->has_shared ? tensors_find(file, "shared") : NULL;
    if (mapping && shared)
        return tensors_fail(file, "tensors 'mapping' and 'shared' both say which rows its tokens "
                                  "have; keep one of them");
    if (options->has_shared && !shared)
        return tensors_fail(file, "there must be a tensor 'shared', I32, with a row for each token "
                                  "past the last row; convert the model again");
    if (shared) return read_shared(table, file, shared);
    return !mapping || read_all(table, file, mapping, options->is_checked);
}
