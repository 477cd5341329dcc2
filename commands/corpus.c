/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/corpus.h"

#include "base/workers.h"
#include "commands/commands.h"
#include "commands/progress.h"
#include "library/pool.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A block is over where it has so much of one of these: so little that what is made of it is still
   in the cache when it is written. */
#define BLOCK_ROWS ((size_t)2048)
#define BLOCK_BYTES ((size_t)1 << 20)
#define BLOCK_FLOATS ((size_t)1 << 18)

/* Blocks a thread: one that it works on, one that waits for its turn to be written. */
#define BLOCKS_A_THREAD 2

#define ARENA_BYTES ((size_t)64 * LINES_BYTES_MAX)
/* More is given back behind a block that needed it. */
#define KEPT_BYTES ((size_t)16 << 20)

const char *const corpus_errors[] = {"stop", "skip", "replace", NULL};

enum { RECORDS, TEXTS, OUT, SCRATCH };

struct corpus {
    const struct corpus_options *options;
    struct feed *feed;
    struct sink *sink;
    size_t rows_max;
    struct corpus_block *blocks; /* (n_blocks) that of sequence s is blocks[s % n_blocks] */
    size_t n_blocks;

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    uint64_t next_read, next_written; /* sequences */
    bool is_reading, is_writing;
    bool is_over; /* nothing more is read */

    /* Of whoever reads. */
    uint64_t to_skip;

    /* Of whoever writes. */
    bool has_failed;
    struct err err;
    bool has_broken;
    struct err broken;
    struct unknown_count unknown;
    struct progress progress;
};

/* ---- a block is read ---- */

static void empty(struct buf *buf)
{
    if (buf->cap > KEPT_BYTES) {
        arena_clear(buf->arena);
        buf_init(buf, buf->arena);
    }
    buf->bytes = 0;
    buf->failed = false;
}

static void clear_block(struct corpus_block *block)
{
    empty(&block->records);
    empty(&block->texts);
    empty(&block->out);
    block->n = block->n_ended = block->n_texts = 0;
    block->has_broken = block->has_failed = false;
    memset(&block->unknown, 0, sizeof block->unknown);
}

static void fail(struct corpus_block *block, const struct err *err)
{
    block->has_failed = true;
    block->err = *err;
}

/* What is wrong with a row, if that does not end the run. */
static void note_broken(struct corpus_block *block, struct corpus_row *row, const struct err *err)
{
    const size_t i = (size_t)(row - block->rows);
    row->is_broken = true;
    if (block->has_broken && block->first_broken < i) return;
    block->has_broken = true;
    block->first_broken = i;
    block->broken = *err;
}

static void add_row(struct corpus_block *block, const struct feed *feed, struct span record)
{
    const size_t at = block->records.bytes;
    buf_add(&block->records, record.data, record.bytes);
    block->rows[block->n++] = (struct corpus_row){.file = feed->file,
                                                  .number = feed->line.number,
                                                  .at = at,
                                                  .bytes = block->records.bytes - at};
}

/* A row that lines.h finds wrong. False: that ends the run. */
static bool add_broken(struct corpus_block *block, const struct feed *feed, const struct err *err)
{
    const struct corpus *corpus = block->corpus;
    const struct lines *line = &feed->line;
    if (corpus->options->errors == CORPUS_STOP || line->fault == LINES_RIGHT) return false;
    const bool is_mended =
        line->fault == LINES_ENCODING && corpus->options->errors == CORPUS_REPLACE;
    const size_t at = block->records.bytes;
    add_row(block, feed, (struct span){NULL, 0});
    struct corpus_row *row = &block->rows[block->n - 1];
    note_broken(block, row, err);
    if (is_mended) buf_add_lossy(&block->records, line->text, line->bytes);
    row->bytes = block->records.bytes - at;
    row->is_null = !is_mended;
    return true;
}

/* Takes the next row; false: there is none, or `block` says why not. */
static bool read_row(struct corpus *corpus, struct corpus_block *block)
{
    struct feed *feed = corpus->feed;
    struct err err;
    const int step = feed_next(feed, &err);
    if (step > 0)
        add_row(block, feed, (struct span){feed->line.text, feed->line.bytes});
    else if (step < 0 && !add_broken(block, feed, &err))
        fail(block, &err);
    if (block->records.failed && !block->has_failed) {
        err_set(&err, ERR_MEMORY, NULL, "no memory for a line of %zu bytes", feed->line.bytes);
        fail(block, &err);
    }
    return step != 0 && !block->has_failed;
}

/* Passes over the rows of shards that are finished. */
static bool skip_rows(struct corpus *corpus, struct corpus_block *block)
{
    struct err err;
    for (uint64_t i = 0; i < corpus->to_skip; i++) {
        const int step = feed_next(corpus->feed, &err);
        if (step > 0 || (step < 0 && corpus->feed->line.fault != LINES_RIGHT)) continue;
        if (step == 0)
            err_set(&err, ERR_USAGE, NULL,
                    "--resume: the input has %" PRIu64 " rows, fewer than the %" PRIu64
                    " that are done; give the same input",
                    i, corpus->to_skip);
        fail(block, &err);
        return false;
    }
    corpus->to_skip = 0;
    return true;
}

/* As many rows as a block takes, or all that have come so far: whoever writes line by line is
   answered so. False: nothing follows. */
static bool fill(struct corpus *corpus, struct corpus_block *block)
{
    clear_block(block);
    bool goes_on = skip_rows(corpus, block);
    while (goes_on && block->n < corpus->rows_max && block->records.bytes < BLOCK_BYTES) {
        goes_on = read_row(corpus, block);
        if (!feed_has_next(corpus->feed)) break;
    }
    block->share = corpus->feed->share;
    return goes_on;
}

/* ---- and answered ---- */

static void tell_place(const struct corpus_row *row, const struct err *why, struct err *err)
{
    err_set(err, why->code, NULL, "%.200s, line %" PRIu64 ": %.300s", row->file->name, row->number,
            why->message);
}

/* The run ends before row `i`. */
static void stop_at(struct corpus_block *block, size_t i, const struct err *err)
{
    block->n = i;
    fail(block, err);
}

static enum feed_found find_text(struct corpus_block *block, struct corpus_row *row,
                                 struct span *text, struct err *err)
{
    const struct corpus_options *options = block->corpus->options;
    const enum feed_found found =
        feed_text(row->file, corpus_record(block, row), &block->arenas[SCRATCH], text, err);
    if (found != FEED_NULL || options->takes_null) return found;
    err_set(err, ERR_FORMAT, NULL,
            "its text is null, which has no vector; leave such rows out with "
            "--on-error skip, or write --format jsonl");
    return FEED_BROKEN;
}

static bool fail_memory(struct corpus_block *block, size_t i)
{
    struct err why, err;
    err_out_of_memory(&why);
    tell_place(&block->rows[i], &why, &err);
    stop_at(block, i, &err);
    block->n_texts = 0;
    return false;
}

/* Finds the text of row `i`; false: that ends the run. */
static bool take_text(struct corpus_block *block, size_t i)
{
    struct corpus_row *row = &block->rows[i];
    struct span text;
    struct err why, err;
    if (row->is_null) return true;
    arena_reset(&block->arenas[SCRATCH]);
    const enum feed_found found = find_text(block, row, &text, &why);
    row->is_null = found != FEED_FOUND;
    if (found == FEED_BROKEN) {
        tell_place(row, &why, &err);
        if (why.code != ERR_FORMAT || block->corpus->options->errors == CORPUS_STOP) {
            stop_at(block, i, &err);
            return false;
        }
        note_broken(block, row, &err);
    }
    if (found != FEED_FOUND) return true;
    buf_add(&block->texts, text.data, text.bytes);
    block->rows_of[block->n_texts++] = (uint32_t)i;
    block->offsets[block->n_texts] = (int64_t)block->texts.bytes;
    return !block->texts.failed || fail_memory(block, i);
}

/* Rows are texts as they are. */
static bool are_texts(const struct corpus_block *block)
{
    for (size_t i = 0; i < block->n; i++)
        if (block->rows[i].file->format != FEED_TEXT) return false;
    return true;
}

static struct span take_lines(struct corpus_block *block)
{
    for (size_t i = 0; i < block->n; i++) {
        if (block->rows[i].is_null) continue;
        block->rows_of[block->n_texts] = (uint32_t)i;
        block->offsets[block->n_texts++] = (int64_t)block->rows[i].at;
    }
    block->offsets[block->n_texts] = (int64_t)block->records.bytes;
    return (struct span){block->records.data, block->records.bytes};
}

static struct span take_texts(struct corpus_block *block)
{
    if (are_texts(block)) return take_lines(block);
    block->offsets[0] = 0;
    for (size_t i = 0; i < block->n && take_text(block, i); i++)
        ;
    return (struct span){block->texts.data, block->texts.bytes};
}

/* Answers rows without a text, up to row `end`. */
static void end_nulls(struct corpus_block *block, size_t end)
{
    const struct corpus_options *options = block->corpus->options;
    while (block->n_ended < end) {
        const struct corpus_row *row = &block->rows[block->n_ended];
        const bool is_skipped = row->is_broken && options->errors == CORPUS_SKIP;
        if (is_skipped)
            block->fates[block->n_ended] = FATE_BROKEN;
        else if (!options->answer_null(options->user, block, row, &block->arenas[SCRATCH]))
            block->fates[block->n_ended] = row->is_broken ? FATE_BROKEN : FATE_DROPPED;
        else
            block->fates[block->n_ended] = row->is_broken ? FATE_REPLACED : FATE_WRITTEN;
        block->ends[block->n_ended++] = block->out.bytes;
    }
}

const struct corpus_row *corpus_begin(struct corpus_block *block, const struct piece *piece,
                                      size_t i)
{
    const uint32_t row = block->rows_of[piece->rows[i]];
    end_nulls(block, row);
    return &block->rows[row];
}

struct span corpus_record(const struct corpus_block *block, const struct corpus_row *row)
{
    return (struct span){row->bytes > 0 ? block->records.data + row->at : "", row->bytes};
}

void corpus_end(struct corpus_block *block, bool is_dropped)
{
    const struct corpus_row *row = &block->rows[block->n_ended];
    block->fates[block->n_ended] = is_dropped       ? FATE_DROPPED
                                   : row->is_broken ? FATE_REPLACED
                                                    : FATE_WRITTEN;
    block->ends[block->n_ended++] = block->out.bytes;
}

/* Texts of a block, for the library. */
struct task {
    struct corpus_block *block;
    struct texts_view texts;
};

static void count_unknown(const struct task *task, const struct piece *piece)
{
    struct corpus_block *block = task->block;
    for (size_t i = 0; i < piece->n; i++) {
        const struct span text = texts_view_get(&task->texts, piece->rows[i]);
        const struct passage *passage = &piece->passages[i];
        const struct tokens tokens = {.ids = (uint32_t *)(uintptr_t)passage->ids,
                                      .n = (uint32_t)passage->n};
        unknown_add(&block->unknown, block->corpus->options->model, text.data, text.bytes, &tokens);
    }
}

static size_t answer_piece(void *user, struct piece *piece, struct err *err)
{
    const struct task *task = user;
    const struct corpus_options *options = task->block->corpus->options;
    count_unknown(task, piece);
    const size_t done = options->answer(options->user, task->block, piece, err);
    if (done < piece->n || !task->block->out.failed) return done;
    err_out_of_memory(err);
    return 0;
}

static void work(struct corpus_block *block)
{
    const struct corpus_options *options = block->corpus->options;
    const struct span texts = take_texts(block);
    struct task task = {.block = block,
                        .texts = {.data = texts.data,
                                  .offsets = block->offsets,
                                  .n = block->n_texts,
                                  .is_wide = true,
                                  .bytes = texts.bytes}};
    const struct batch batch = {.model = options->model,
                                .prompt = model_info(options->model)->prompt,
                                .invalid = EMBEDD_INVALID_STOP,
                                .tokenize = options->tokenize,
                                .texts = &task.texts,
                                .answer = answer_piece,
                                .user = &task};
    embedd_counts counts;
    struct fault fault = FAULT_NONE;
    memset(&counts, 0, sizeof counts);
    if (block->n_texts > 0 && !batch_run(&batch, NULL, &counts, &fault)) {
        const size_t row = block->rows_of[fault.row];
        struct err err;
        tell_place(&block->rows[row], &fault.err, &err);
        stop_at(block, row, &err);
    }
    end_nulls(block, block->n);
}

/* ---- and written ---- */

static void stop(struct corpus *corpus, const struct err *err)
{
    corpus->has_failed = true;
    corpus->err = *err;
}

static void write_block(struct corpus *corpus, const struct corpus_block *block)
{
    const struct sink_rows rows = {block->out.data, block->ends, block->fates, block->n};
    struct err err;
    if (corpus->has_failed) return;
    if (block->has_broken && !corpus->has_broken) {
        corpus->has_broken = true;
        corpus->broken = block->broken;
    }
    unknown_add_all(&corpus->unknown, &block->unknown);
    if (!sink_put(corpus->sink, &rows, &err))
        stop(corpus, &err);
    else if (block->has_failed)
        stop(corpus, &block->err);
    progress_show_pace(&corpus->progress, corpus->sink->done, block->share);
}

/* Whoever reads may wait for input that nobody sends: then all others end the process. */
static void give_up(struct corpus *corpus)
{
    sink_abort(corpus->sink);
    progress_end(&corpus->progress);
    _exit(commands_fail(corpus->options->command, &corpus->err));
}

/* ---- by all threads ---- */

/* The next block, read; NULL: there is none. */
static struct corpus_block *take_block(struct corpus *corpus)
{
    struct corpus_block *block = NULL;
    pthread_mutex_lock(&corpus->mutex);
    while (!corpus->is_over &&
           (corpus->is_reading || corpus->next_read - corpus->next_written == corpus->n_blocks))
        pthread_cond_wait(&corpus->changed, &corpus->mutex);
    if (!corpus->is_over) {
        block = &corpus->blocks[corpus->next_read % corpus->n_blocks];
        corpus->is_reading = true;
        pthread_mutex_unlock(&corpus->mutex);
        const bool goes_on = fill(corpus, block);
        pthread_mutex_lock(&corpus->mutex);
        corpus->is_reading = false;
        corpus->is_over |= !goes_on;
        corpus->next_read++;
        pthread_cond_broadcast(&corpus->changed);
    }
    pthread_mutex_unlock(&corpus->mutex);
    return block;
}

/* Whoever finds the next block in order done writes it, and those behind it. */
static void hand_in(struct corpus *corpus, struct corpus_block *done)
{
    pthread_mutex_lock(&corpus->mutex);
    done->is_done = true;
    while (!corpus->is_writing) {
        struct corpus_block *next = &corpus->blocks[corpus->next_written % corpus->n_blocks];
        if (!next->is_done) break;
        corpus->is_writing = true;
        pthread_mutex_unlock(&corpus->mutex);
        write_block(corpus, next);
        pthread_mutex_lock(&corpus->mutex);
        corpus->is_writing = false;
        next->is_done = false;
        corpus->next_written++;
        corpus->is_over |= corpus->has_failed;
        if (corpus->has_failed && corpus->is_reading && corpus->feed->may_wait) give_up(corpus);
        pthread_cond_broadcast(&corpus->changed);
    }
    pthread_mutex_unlock(&corpus->mutex);
}

static void take_part(void *user, struct arena *arena)
{
    struct corpus *corpus = user;
    struct corpus_block *block;
    (void)arena;
    while ((block = take_block(corpus))) {
        work(block);
        hand_in(corpus, block);
    }
}

/* ---- the whole ---- */

static bool make_block(struct corpus *corpus, struct corpus_block *block)
{
    const size_t n = corpus->rows_max;
    for (size_t i = 0; i < sizeof block->arenas / sizeof *block->arenas; i++)
        arena_init(&block->arenas[i], ARENA_BYTES);
    block->corpus = corpus;
    buf_init(&block->records, &block->arenas[RECORDS]);
    buf_init(&block->texts, &block->arenas[TEXTS]);
    buf_init(&block->out, &block->arenas[OUT]);
    block->rows = calloc(n, sizeof *block->rows);
    block->ends = calloc(n, sizeof *block->ends);
    block->fates = calloc(n, sizeof *block->fates);
    block->offsets = calloc(n + 1, sizeof *block->offsets);
    block->rows_of = calloc(n, sizeof *block->rows_of);
    return block->rows && block->ends && block->fates && block->offsets && block->rows_of;
}

static void free_block(struct corpus_block *block)
{
    for (size_t i = 0; i < sizeof block->arenas / sizeof *block->arenas; i++)
        arena_clear(&block->arenas[i]);
    free(block->rows);
    free(block->ends);
    free(block->fates);
    free(block->offsets);
    free(block->rows_of);
}

static bool make_blocks(struct corpus *corpus, unsigned threads)
{
    const size_t rows = BLOCK_FLOATS / (corpus->options->row_floats + 1) + 1;
    corpus->rows_max = rows < BLOCK_ROWS ? rows : BLOCK_ROWS;
    corpus->blocks = calloc((size_t)threads * BLOCKS_A_THREAD, sizeof *corpus->blocks);
    if (!corpus->blocks) return false;
    for (; corpus->n_blocks < (size_t)threads * BLOCKS_A_THREAD; corpus->n_blocks++)
        if (!make_block(corpus, &corpus->blocks[corpus->n_blocks])) {
            free_block(&corpus->blocks[corpus->n_blocks]);
            return false;
        }
    return true;
}

static bool start_threads(unsigned threads, embedd_pool **pool, struct err *err)
{
    embedd_error error = EMBEDD_INIT(embedd_error);
    return embedd_pool_new(threads, pool, &error) == EMBEDD_OK ||
           err_set(err, ERR_MEMORY, NULL, "%.400s", error.message);
}

static bool run(struct corpus *corpus, struct err *err)
{
    const struct corpus_options *options = corpus->options;
    const unsigned threads = workers_count(options->threads);
    embedd_pool *pool = NULL;
    struct fault fault = FAULT_NONE;
    if (!make_blocks(corpus, threads))
        return err_set(err, ERR_MEMORY, NULL, "no memory for %u threads", threads);
    if (!start_threads(threads, &pool, err)) return false;
    progress_start_asked(&corpus->progress, options->progress, options->is_progress_wanted,
                         corpus->sink->done);
    const bool is_run = pool_run(pool, false, take_part, corpus, &fault);
    progress_end(&corpus->progress);
    embedd_pool_free(pool);
    if (!is_run) *err = fault.err;
    if (is_run && corpus->has_failed) *err = corpus->err;
    return is_run && !corpus->has_failed && sink_close(corpus->sink, err);
}

static void tell_broken(const struct corpus *corpus)
{
    const uint64_t *fates = corpus->sink->fates;
    const uint64_t left_out = fates[FATE_BROKEN], n = left_out + fates[FATE_REPLACED];
    struct err first = corpus->broken;
    if (n == 0) return;
    commands_name_flags(first.message);
    fprintf(stderr, "embedd %s: %" PRIu64 " of %" PRIu64 " row%s %s broken and %s%s%s\n",
            corpus->options->command, n, corpus->sink->done, corpus->sink->done == 1 ? "" : "s",
            n == 1 ? "is" : "are", left_out > 0 ? "left out" : "replaced",
            corpus->has_broken ? "; the first: " : "", corpus->has_broken ? first.message : "");
}

bool corpus_run(const struct corpus_options *options, struct feed *feed, struct sink *sink,
                struct err *err)
{
    struct corpus corpus = {.options = options, .feed = feed, .sink = sink, .to_skip = sink->done};
    pthread_mutex_init(&corpus.mutex, NULL);
    pthread_cond_init(&corpus.changed, NULL);
    const bool is_ok = run(&corpus, err);
    if (is_ok) {
        tell_broken(&corpus);
        unknown_tell(&corpus.unknown, options->command);
    }
    for (size_t i = 0; i < corpus.n_blocks; i++)
        free_block(&corpus.blocks[i]);
    free(corpus.blocks);
    pthread_cond_destroy(&corpus.changed);
    pthread_mutex_destroy(&corpus.mutex);
    return is_ok;
}
