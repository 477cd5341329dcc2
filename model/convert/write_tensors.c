/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/write.h"

#include "base/save.h"
#include "base/sha256.h"
#include "model/bundle/packed.h"
#include "model/files/tensors_pack.h"

#include <stdlib.h>
#include <string.h>

#define TELL_EVERY 4096

/* ---- what belongs to tokens ---- */

static uint32_t old_id(const struct writing *w, uint32_t i)
{
    return w->kept ? w->kept[i] : i;
}

static float *gather(const struct writing *w, const float *from)
{
    float *out = calloc((size_t)w->n_tokens + w->n_zero_rows, sizeof *out);
    for (uint32_t i = 0; out && i < w->n_tokens; i++)
        out[i] = from[old_id(w, i)];
    return out;
}

bool numbers_gather(const struct writing *w, struct numbers *numbers, struct err *err)
{
    const struct table *table = w->bundle->encoder->table;
    *numbers = (struct numbers){0};
    if (table->weights) numbers->weights = gather(w, table->weights);
    if (w->has_factors) numbers->factors = gather(w, table->factors);
    if ((numbers->weights || !table->weights) && (numbers->factors || !w->has_factors)) return true;
    numbers_clear(numbers);
    return err_set(err, ERR_MEMORY, NULL, "no memory for one number per token");
}

void numbers_clear(struct numbers *numbers)
{
    free(numbers->weights);
    free(numbers->factors);
    *numbers = (struct numbers){0};
}

/* ---- the file ---- */

struct stream {
    struct save save;
    struct sha256_ctx sum;
    uint64_t bytes;
};

static bool put(struct stream *s, const void *data, size_t bytes, struct err *err)
{
    sha256_update(&s->sum, bytes, data);
    s->bytes += bytes;
    return bytes == 0 || save_write(&s->save, data, bytes, err);
}

static bool put_rows(struct writing *w, struct stream *s, struct err *err)
{
    const size_t bytes = written_rows_bytes(&w->rows);
    const struct convert_options *options = w->options;
    char *row = malloc(bytes);
    bool done = row || err_set(err, ERR_MEMORY, NULL, "no memory for a row");
    for (uint32_t i = 0; done && i < w->rows.n; i++) {
        done = written_rows_read(&w->rows, i, row, err) && put(s, row, bytes, err) &&
               (i % TELL_EVERY != 0 || convert_goes_on(options, i, w->rows.n, "rows written", err));
    }
    if (done && w->n_zero_rows > 0) {
        memset(row, 0, bytes);
        done = put(s, row, bytes, err);
    }
    free(row);
    return done;
}

static bool put_tensor(struct writing *w, struct stream *s, const struct tensor_given *tensor,
                       struct err *err)
{
    if (tensor->data || tensor->bytes == 0) return put(s, tensor->data, tensor->bytes, err);
    if (strcmp(tensor->name, "scales") == 0) return put(s, w->rows.scales, tensor->bytes, err);
    return put_rows(w, s, err);
}

/* Where the zeros stood that the header was written with. */
static bool fill_in_sum(struct stream *s, const char *header, size_t header_bytes, struct err *err)
{
    char zeros[PACKED_SHA256_CHARS + 1], sum[SHA256_TEXT_BYTES];
    memset(zeros, '0', PACKED_SHA256_CHARS);
    zeros[PACKED_SHA256_CHARS] = '\0';
    const char *at = memmem(header, header_bytes, zeros, PACKED_SHA256_CHARS);
    sha256_end(&s->sum, sum);
    return fseek(s->save.stream, (long)(at - header), SEEK_SET) == 0 &&
           save_write(&s->save, sum, PACKED_SHA256_CHARS, err);
}

static bool put_all(struct writing *w, struct stream *s, const struct tensor_file *file,
                    const char *header, size_t header_bytes, struct err *err)
{
    if (!save_write(&s->save, header, header_bytes, err)) return false;
    for (size_t i = 0; i < file->n; i++) {
        if (!put_tensor(w, s, &file->tensors[i], err)) return false;
    }
    w->bytes = header_bytes + s->bytes;
    return !file->has_sum || fill_in_sum(s, header, header_bytes, err);
}

bool write_tensors(struct writing *w, const char *path, const struct tensor_file *file,
                   struct err *err)
{
    struct stream s = {0};
    size_t bytes;
    char *header = tensors_header(file->tensors, file->n, file->metadata, &bytes, err);
    if (!header) return false;
    sha256_init(&s.sum);
    sha256_update(&s.sum, bytes, (const uint8_t *)header); /* with zeros where its sum will stand */
    bool done = save_open(&s.save, path, err) && put_all(w, &s, file, header, bytes, err) &&
                save_close(&s.save, err);
    save_abort(&s.save);
    free(header);
    return done;
}
