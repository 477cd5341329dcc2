/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/sink.h"

#include "base/file.h"
#include "base/json.h"
#include "base/leftovers.h"
#include "base/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_BYTES_MAX ((size_t)1 << 20)

static const char *const fate_names[FATES] = {"written", "replaced", "broken", "dropped"};

/* ---- names ---- */

static size_t stem_bytes(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? (size_t)(dot - path) : strlen(path);
}

static void name_shard(const struct sink *sink, uint64_t number, char *out, size_t cap)
{
    const char *path = sink->options.path;
    const size_t stem = stem_bytes(path);
    if (sink->options.shard_rows == 0)
        snprintf(out, cap, "%s", path);
    else
        snprintf(out, cap, "%.*s-%05" PRIu64 "%s", (int)stem, path, number, path + stem);
}

enum kind { OTHER, SHARD, LEFTOVER };

/* What the file `name`, in the folder of the path, is to it: a shard, or one that a killed process
   has left half written. */
static enum kind kind_of(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    const size_t stem = stem_bytes(path) - (size_t)(file - path), ending = strlen(file + stem);
    if (strncmp(name, file, stem) != 0 || name[stem] != '-') return OTHER;
    const size_t digits = strspn(name + stem + 1, "0123456789");
    const char *rest = name + stem + 1 + digits;
    if (digits < 5 || strncmp(rest, file + stem, ending) != 0) return OTHER;
    rest += ending;
    if (!*rest) return SHARD;
    if (*rest != '.') return OTHER;
    return strcmp(rest + 1 + strspn(rest + 1, "0123456789"), ".tmp") == 0 ? LEFTOVER : OTHER;
}

/* Removes what is half written (the lock is ours, so it is nobody's), and, where that is wanted,
   shards; `out` is one that is there ("": none). */
static void clear_shards(const char *path, bool removes, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX], name[PATH_MAX + NAME_MAX];
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - path) : 2,
             slash ? path : "./");
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    out[0] = '\0';
    while (dir && (entry = readdir(dir))) {
        const enum kind kind = kind_of(path, entry->d_name);
        if (kind == OTHER) continue;
        snprintf(name, sizeof name, "%s%s", slash ? folder : "", entry->d_name);
        if (kind == LEFTOVER || removes)
            unlink(name);
        else
            snprintf(out, cap, "%s", name);
    }
    if (dir) closedir(dir);
}

/* ---- the lock ---- */

static bool lock(struct sink *sink, struct err *err)
{
    for (;;) {
        const int fd = open(sink->lock_path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0)
            return err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", sink->options.path,
                           strerror(errno));
        close(fd);
        sink->lock = leftovers_hold(sink->lock_path);
        if (sink->lock >= 0) break;
        if (access(sink->lock_path, F_OK) == 0)
            return err_set(err, ERR_CONFLICT, NULL,
                           "another process is writing %.400s; wait for it, or give another "
                           "--output",
                           sink->options.path);
    }
    sink->is_locked = true;
    output_guard(sink->lock_path);
    return true;
}

static void unlock(struct sink *sink)
{
    if (!sink->is_locked) return;
    unlink(sink->lock_path);
    output_guard(NULL);
    close(sink->lock);
    sink->is_locked = false;
}

/* ---- what is known of finished shards ---- */

static void add_string(struct buf *out, const char *name, struct span text)
{
    buf_printf(out, ",\n \"%s\": ", name);
    json_write_string(out, text.data, text.bytes);
}

static bool write_state(const struct sink *sink, struct err *err)
{
    const struct sink_options *options = &sink->options;
    char files[SHA256_TEXT_BYTES];
    struct arena arena;
    struct buf out;
    struct save save = {.hold = -1};
    sha256_text(files, options->files.data, options->files.bytes);
    arena_init(&arena, STATE_BYTES_MAX);
    buf_init(&out, &arena);
    buf_printf(&out, "{\"shards\": %" PRIu64 ", \"done\": %" PRIu64, sink->shards, sink->done);
    for (size_t i = 0; i < FATES; i++)
        buf_printf(&out, ", \"%s\": %" PRIu64, fate_names[i], sink->fates[i]);
    add_string(&out, "options", options->options);
    add_string(&out, "model", options->model);
    add_string(&out, "files", (struct span){files, strlen(files)});
    buf_add_str(&out, "}\n");
    const bool is_ok = (!out.failed || err_out_of_memory(err)) &&
                       save_open(&save, sink->state_path, err) &&
                       save_write(&save, out.data, out.bytes, err) && save_close(&save, err);
    arena_clear(&arena);
    return is_ok;
}

static bool read_count(const json_t *state, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(state, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool take_counts(struct sink *sink, const json_t *state)
{
    bool is_ok =
        read_count(state, "shards", &sink->shards) && read_count(state, "done", &sink->done);
    for (size_t i = 0; is_ok && i < FATES; i++)
        is_ok = read_count(state, fate_names[i], &sink->fates[i]);
    return is_ok;
}

/* What it was begun with must be what it is resumed with. */
static bool check_same(const struct sink *sink, const json_t *state, const char *name,
                       struct span text, const char *what, struct err *err)
{
    const json_t *value = json_object_get(state, name);
    if (json_is_string(value) && json_string_length(value) == text.bytes &&
        memcmp(json_string_value(value), text.data, text.bytes) == 0)
        return true;
    return err_set(err, ERR_USAGE, NULL,
                   "--resume: %.300s was begun with other %s; give the same, or --force instead "
                   "to begin anew",
                   sink->options.path, what);
}

static bool take_state(struct sink *sink, const json_t *state, struct err *err)
{
    const struct sink_options *options = &sink->options;
    char files[SHA256_TEXT_BYTES], shard[1200];
    sha256_text(files, options->files.data, options->files.bytes);
    if (!take_counts(sink, state))
        return err_set(err, ERR_FORMAT, NULL, "%.400s is damaged; give --force to begin anew",
                       sink->state_path);
    if (!check_same(sink, state, "options", options->options, "options", err) ||
        !check_same(sink, state, "model", options->model, "model files", err) ||
        !check_same(sink, state, "files", (struct span){files, strlen(files)}, "input files", err))
        return false;
    for (uint64_t i = 0; i < sink->shards; i++) {
        name_shard(sink, i, shard, sizeof shard);
        if (access(shard, F_OK) != 0)
            return err_set(err, ERR_CONFLICT, NULL,
                           "--resume: %.400s is finished, but it is gone; put it back, or give "
                           "--force to begin anew",
                           shard);
    }
    return true;
}

static bool read_state(struct sink *sink, struct err *err)
{
    char *text;
    size_t bytes;
    if (!file_read(sink->state_path, STATE_BYTES_MAX, &text, &bytes, err)) return false;
    json_t *state = json_read(text, bytes, err);
    if (!state)
        err_set(err, ERR_FORMAT, NULL, "%.400s is damaged; give --force to begin anew",
                sink->state_path);
    const bool is_ok = state && take_state(sink, state, err);
    json_decref(state);
    free(text);
    return is_ok;
}

/* ---- the beginning ---- */

static bool refuse_existing(const char *path, struct err *err)
{
    return err_set(err, ERR_CONFLICT, NULL,
                   "--output: %.400s exists; give another one, or --force to replace it", path);
}

static bool begin_shards(struct sink *sink, struct err *err)
{
    const struct sink_options *options = &sink->options;
    const bool is_there = access(sink->state_path, F_OK) == 0;
    char shard[PATH_MAX + NAME_MAX];
    if (is_there && !options->resumes && !options->is_forced)
        return err_set(err, ERR_CONFLICT, NULL,
                       "--output: %.400s was begun and is not finished; give --resume to go on, or "
                       "--force to begin anew",
                       options->path);
    const bool goes_on = is_there && options->resumes;
    if (is_there && !goes_on) unlink(sink->state_path); /* before the shards that it speaks of */
    clear_shards(options->path, options->is_forced && !goes_on, shard, sizeof shard);
    if (shard[0] && !goes_on) return refuse_existing(shard, err);
    sink->is_begun = goes_on ? read_state(sink, err) : write_state(sink, err);
    return sink->is_begun;
}

static bool open_file(struct sink *sink, struct err *err)
{
    char path[1200];
    const bool is_shard = sink->options.shard_rows > 0;
    if (sink->options.path) name_shard(sink, sink->shards, path, sizeof path);
    sink->is_open = output_open(&sink->output, sink->options.path ? path : NULL, err);
    if (!sink->is_open) return false;
    if (is_shard) sink->output.save.skips_sync = false; /* PATH.resume will say that it is there */
    if (!sink->options.needs_file || output_can_patch(&sink->output)) return true;
    return err_set(err, ERR_USAGE, NULL, "%s", sink->options.needs_file);
}

/* There is something else than a file: a device, a pipe. */
static bool is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static bool begin(struct sink *sink, struct err *err)
{
    const struct sink_options *options = &sink->options;
    if (!lock(sink, err)) return false;
    if (options->shard_rows > 0) return begin_shards(sink, err);
    if (!options->is_forced && access(options->path, F_OK) == 0)
        return refuse_existing(options->path, err);
    return open_file(sink, err);
}

bool sink_open(struct sink *sink, const struct sink_options *options, struct err *err)
{
    *sink = (struct sink){.options = *options};
    const char *path = options->path;
    if (path && strcmp(path, "-") == 0) path = sink->options.path = NULL;
    if ((options->shard_rows > 0 || options->resumes) && (!path || is_special(path)))
        return err_set(err, ERR_USAGE, NULL, "%s needs --output, the name of a file",
                       options->resumes ? "--resume" : "--shard-rows");
    if (options->resumes && options->shard_rows == 0)
        return err_set(err, ERR_USAGE, NULL,
                       "--resume goes on behind the last finished shard; give --shard-rows, too");
    if (!path || is_special(path)) return open_file(sink, err) || (sink_abort(sink), false);
    if (snprintf(sink->lock_path, sizeof sink->lock_path, "%s.lock", path) >=
            (int)sizeof sink->lock_path - 64 ||
        snprintf(sink->state_path, sizeof sink->state_path, "%s.resume", path) < 0)
        return err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", path, strerror(ENAMETOOLONG));
    if (begin(sink, err)) return true;
    sink_abort(sink);
    return false;
}

/* ---- rows ---- */

static bool write_bytes(struct sink *sink, const char *data, size_t bytes, struct err *err)
{
    return bytes == 0 || output_write(&sink->output, data, bytes, err);
}

/* The head stands before the first row, or before none. */
static bool begin_file(struct sink *sink, struct err *err)
{
    if (!sink->is_open && !open_file(sink, err)) return false;
    if (!sink->options.head) return true;
    const struct span head = sink->options.head(sink->options.user, 0);
    return write_bytes(sink, head.data, head.bytes, err);
}

static bool finish_file(struct sink *sink, struct err *err)
{
    const struct sink_options *options = &sink->options;
    if (sink->shard_rows > 0 && options->needs_file) {
        const struct span head = options->head(options->user, sink->shard_rows);
        if (!output_patch(&sink->output, head.data, head.bytes, err)) return false;
    }
    sink->is_open = false;
    if (!output_close(&sink->output, err)) return false;
    sink->shards++;
    sink->shard_rows = 0;
    return options->shard_rows == 0 || write_state(sink, err);
}

bool sink_put(struct sink *sink, const struct sink_rows *rows, struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const bool is_written = rows->fates[i] <= FATE_REPLACED;
        sink->done++;
        sink->fates[rows->fates[i]]++;
        if (!is_written) continue;
        if (sink->shard_rows++ == 0 && !begin_file(sink, err)) return false;
        if (sink->shard_rows != sink->options.shard_rows) continue;
        if (!write_bytes(sink, rows->data + at, rows->ends[i] - at, err) || !finish_file(sink, err))
            return false;
        at = rows->ends[i];
    }
    const size_t end = rows->n > 0 ? rows->ends[rows->n - 1] : 0;
    if (!write_bytes(sink, rows->data + at, end - at, err)) return false;
    return !sink->is_open || output_flush(&sink->output, err); /* whoever reads along gets it now */
}

bool sink_close(struct sink *sink, struct err *err)
{
    const bool is_empty = sink->shards == 0 && sink->shard_rows == 0;
    const bool is_ok = (!is_empty || begin_file(sink, err)) &&
                       ((!is_empty && sink->shard_rows == 0) || finish_file(sink, err));
    if (!is_ok) return false;
    if (sink->is_begun) unlink(sink->state_path);
    sink->is_begun = false;
    unlock(sink);
    return true;
}

void sink_abort(struct sink *sink)
{
    if (sink->is_open) output_abort(&sink->output);
    sink->is_open = false;
    if (sink->is_begun && sink->shards == 0) unlink(sink->state_path); /* it knows of nothing */
    sink->is_begun = false;
    unlock(sink);
}
