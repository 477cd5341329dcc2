/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/corpus_flags.h"

#include "base/json.h"
#include "model/model.h"

#include <inttypes.h>
#include <string.h>

#define DESCRIPTION_BYTES_MAX ((size_t)256 << 20)

static struct span written(const struct buf *buf, size_t from)
{
    return (struct span){buf->data + from, buf->bytes - from};
}

/* What must be the same where a run is resumed. Rows that are broken may be dealt with in another
   way: most often they are why it ended. */
static bool describe(const struct corpus_flags *flags, const struct feed *feed,
                     const struct model_info *info, const char *settings, struct buf *out,
                     struct sink_options *sink, struct err *err)
{
    const struct feed_options *input = &flags->feed;
    buf_printf(out, "%s input=%s header=%d shard-rows=%" PRIu64 " text=", settings,
               feed_formats[input->format], input->has_header, flags->shard_rows);
    if (input->text) buf_add_str(out, input->text);
    const size_t model = out->bytes;
    buf_printf(out, "embedd %s, %u x %u %s, %" PRIu64 " bytes, ", EMBEDD_VERSION, info->vocab_size,
               info->dim, info->dtype, info->table_bytes);
    buf_add_str(out, info->name);
    buf_add_char(out, ' ');
    buf_add_str(out, info->version);
    const size_t files = out->bytes;
    feed_describe(feed, out);
    if (out->failed) return err_out_of_memory(err);
    sink->options = (struct span){out->data, model};
    sink->model = (struct span){out->data + model, files - model};
    sink->files = written(out, files);
    return true;
}

static bool refuse_input(const struct corpus_flags *flags, const struct feed *feed, struct err *err)
{
    for (size_t i = 0; flags->output && i < feed->n_paths; i++)
        if (output_replaces(flags->output, feed->paths[i]))
            return err_set(err, ERR_USAGE, NULL,
                           "--output: %.300s is the input itself; give another one", flags->output);
    return true;
}

bool corpus_run_flags(const struct corpus_flags *flags, struct feed *feed,
                      const struct corpus_options *options, const struct sink_options *sink,
                      const char *settings, char **files, int n_files, struct err *err)
{
    struct arena arena;
    struct buf description;
    struct sink to;
    struct sink_options place = *sink;
    struct corpus_options run = *options;
    memset(&to, 0, sizeof to);
    json_init(); /* rows are read by many threads */
    arena_init(&arena, DESCRIPTION_BYTES_MAX);
    buf_init(&description, &arena);
    place.path = flags->output;
    place.shard_rows = flags->shard_rows;
    place.is_forced = flags->is_forced;
    place.resumes = flags->resumes;
    run.threads = (unsigned)flags->threads;
    run.errors = flags->errors;
    run.progress = flags->progress;
    run.is_progress_wanted = n_files > 0;
    const bool is_ok =
        feed_open(feed, files, n_files, &flags->feed, err) && refuse_input(flags, feed, err) &&
        describe(flags, feed, model_info(run.model), settings, &description, &place, err) &&
        sink_open(&to, &place, err) && corpus_run(&run, feed, &to, err);
    sink_abort(&to);
    feed_close(feed);
    arena_clear(&arena);
    return is_ok;
}
