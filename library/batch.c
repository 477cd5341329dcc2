/* SPDX-License-Identifier: Apache-2.0 */
#include "library/batch.h"

#include "base/utf8.h"
#include "library/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* What a worker takes at once: multiples of eight rows, so that no two write into one byte of the
   validity, of about so many bytes. */
#define TAKEN_ROWS_MAX 256
#define TAKEN_BYTES ((uint64_t)64 << 10)
/* A piece ends where its texts have so many bytes. */
#define PIECE_BYTES ((size_t)32 << 10)
/* Less is done before another thread has woken up. */
#define SMALL_BYTES ((uint64_t)8 << 10)
#define SMALL_ROWS 128

/* What the workers of a batch share. */
struct run {
    const struct batch *batch;
    uint64_t taken_rows;     /* rows that are taken at once */
    _Atomic uint64_t next;   /* the first row that nobody has taken */
    _Atomic uint64_t failed; /* the first row known to fail; UINT64_MAX: none */
    pthread_mutex_t mutex;   /* for what follows */
    struct fault fault;      /* of that row */
    embedd_counts counts;
};

/* What one worker does. */
struct work {
    struct run *run;
    struct piece piece;
    size_t piece_bytes;
    embedd_counts counts;
};

static bool fail(struct work *work, uint64_t row, const struct fault *fault)
{
    struct run *run = work->run;
    pthread_mutex_lock(&run->mutex);
    if (row < atomic_load(&run->failed)) {
        atomic_store(&run->failed, row);
        run->fault = *fault;
        run->fault.row = (int64_t)row;
    }
    pthread_mutex_unlock(&run->mutex);
    return false;
}

/* ---- a text ---- */

static bool refuse_text(struct work *work, uint64_t row, struct span text, size_t valid)
{
    struct fault fault = FAULT_NONE;
    if (text.bytes > EMBEDD_TEXT_BYTES_MAX)
        fault_set(&fault, EMBEDD_ERROR_TEXT, "texts",
                  "its text has %zu bytes, more than the limit of %d; split it", text.bytes,
                  EMBEDD_TEXT_BYTES_MAX);
    else
        fault_set(&fault, EMBEDD_ERROR_TEXT, "texts",
                  "its text is not UTF-8 at byte %zu (0x%02X); recode it, or have such texts "
                  "replaced or taken for null (`invalid`)",
                  valid + 1, (unsigned char)text.data[valid]);
    return fail(work, row, &fault);
}

static bool replace_invalid(struct work *work, struct span *text, struct err *err)
{
    struct buf buf;
    buf_init(&buf, work->piece.arena);
    buf_add_lossy(&buf, text->data, text->bytes);
    if (buf.failed) return err_out_of_memory(err);
    *text = (struct span){buf.data, buf.bytes};
    return true;
}

static void count_tokens(struct work *work, const struct tokens *tokens)
{
    const struct model_info *info = model_info(work->run->batch->model);
    work->counts.tokens += tokens->n;
    work->counts.truncated += tokens->is_truncated;
    for (uint32_t i = 0; i < tokens->n; i++)
        work->counts.unknown += model_is_unknown(info, tokens->ids[i]);
}

/* Puts a text behind the others of the piece. */
static bool add_text(struct work *work, uint64_t row, struct span text)
{
    const struct batch *batch = work->run->batch;
    struct piece *piece = &work->piece;
    struct fault fault = FAULT_NONE;
    struct tokens tokens;
    if (!prompt_before(batch->prompt, piece->arena, &text.data, &text.bytes, &fault.err) ||
        !model_tokenize(batch->model, piece->arena, text.data, text.bytes,
                        TOKENIZE_LIMITS | batch->tokenize, &tokens, &fault.err))
        return fail(work, row, &fault);
    count_tokens(work, &tokens);
    piece->rows[piece->n] = row;
    piece->spans[piece->n] = tokens.spans;
    piece->passages[piece->n++] =
        (struct passage){.ids = tokens.ids, .n = tokens.n, .text = text.data, .bytes = text.bytes};
    work->piece_bytes += text.bytes;
    return true;
}

/* ---- pieces ---- */

static bool answer_piece(struct work *work)
{
    const struct batch *batch = work->run->batch;
    struct piece *piece = &work->piece;
    struct fault fault = FAULT_NONE;
    const size_t done = batch->answer(batch->user, piece, &fault.err);
    const bool is_ok = done == piece->n;
    for (size_t i = 0; is_ok && batch->validity && i < piece->n; i++)
        batch->validity[piece->rows[i] / 8] |= (uint8_t)(1u << piece->rows[i] % 8);
    if (!is_ok) fail(work, piece->rows[done], &fault);
    piece->n = work->piece_bytes = 0;
    arena_reset(piece->arena);
    return is_ok;
}

static bool flush(struct work *work)
{
    return work->piece.n == 0 || answer_piece(work);
}

static void answer_null(struct work *work, uint64_t row)
{
    const struct batch *batch = work->run->batch;
    batch->answer_null(batch->user, row);
    work->counts.nulls++;
}

/* Texts that are not null, and what becomes of those that are no texts. */
static bool take_text(struct work *work, uint64_t row)
{
    const struct batch *batch = work->run->batch;
    struct span text = texts_view_get(batch->texts, row);
    struct fault fault = FAULT_NONE;
    if (text.bytes > EMBEDD_TEXT_BYTES_MAX) return refuse_text(work, row, text, 0);
    const size_t valid = utf8_valid_bytes(text.data, text.bytes);
    if (valid < text.bytes) {
        if (batch->invalid == EMBEDD_INVALID_STOP) return refuse_text(work, row, text, valid);
        work->counts.invalid++;
        if (batch->invalid == EMBEDD_INVALID_NULL) {
            answer_null(work, row);
            return true;
        }
        if (!replace_invalid(work, &text, &fault.err)) return fail(work, row, &fault);
    }
    if (!add_text(work, row, text)) return false;
    if (work->piece.n < PIECE_TEXTS && work->piece_bytes < PIECE_BYTES) return true;
    return answer_piece(work);
}

/* Rows from `first` up to `end`. */
static bool take_rows(struct work *work, uint64_t first, uint64_t end)
{
    const struct batch *batch = work->run->batch;
    if (batch->validity) memset(batch->validity + first / 8, 0, (end - first + 7) / 8);
    for (uint64_t row = first; row < end; row++) {
        if (texts_view_is_null(batch->texts, row))
            answer_null(work, row);
        else if (!take_text(work, row))
            return flush(work) && false; /* a row before it may fail, too, and is the first then */
    }
    return flush(work);
}

static void add_counts(embedd_counts *sum, const embedd_counts *counts)
{
    sum->nulls += counts->nulls;
    sum->invalid += counts->invalid;
    sum->tokens += counts->tokens;
    sum->unknown += counts->unknown;
    sum->truncated += counts->truncated;
}

static void do_share(void *user, struct arena *arena)
{
    struct run *run = user;
    const uint64_t n = run->batch->texts->n;
    struct work work = {.run = run, .piece.arena = arena};
    for (;;) {
        const uint64_t first = atomic_fetch_add(&run->next, run->taken_rows);
        if (first >= n || first >= atomic_load(&run->failed)) break;
        const uint64_t end = n - first < run->taken_rows ? n : first + run->taken_rows;
        if (!take_rows(&work, first, end)) break;
    }
    pthread_mutex_lock(&run->mutex);
    add_counts(&run->counts, &work.counts);
    pthread_mutex_unlock(&run->mutex);
}

/* ---- all of it ---- */

static uint64_t count_taken(const struct texts_view *texts)
{
    uint64_t rows = texts->n / 8;
    if (texts->bytes > TAKEN_BYTES)
        rows = (uint64_t)((double)texts->n * TAKEN_BYTES / (double)texts->bytes);
    rows = rows / 8 * 8;
    return rows < 8 ? 8 : rows > TAKEN_ROWS_MAX ? TAKEN_ROWS_MAX : rows;
}

bool batch_check_invalid(int32_t invalid, struct fault *fault)
{
    if (invalid >= EMBEDD_INVALID_STOP && invalid <= EMBEDD_INVALID_REPLACE) return true;
    return fault_set(fault, EMBEDD_ERROR_ARGUMENT, "options.invalid",
                     "options.invalid must be EMBEDD_INVALID_STOP, _NULL or _REPLACE, not %d",
                     invalid);
}

bool batch_run(const struct batch *batch, embedd_pool *pool, embedd_counts *counts,
               struct fault *fault)
{
    const struct texts_view *texts = batch->texts;
    const bool is_small = texts->n < SMALL_ROWS && texts->bytes < SMALL_BYTES;
    struct run run = {.batch = batch,
                      .taken_rows = count_taken(texts),
                      .failed = UINT64_MAX,
                      .fault = FAULT_NONE};
    pthread_mutex_init(&run.mutex, NULL);
    bool is_ok = pool_run(pool, is_small, do_share, &run, fault);
    if (is_ok && atomic_load(&run.failed) != UINT64_MAX) {
        *fault = run.fault;
        is_ok = false;
    }
    if (is_ok) add_counts(counts, &run.counts);
    pthread_mutex_destroy(&run.mutex);
    return is_ok;
}
