/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/feed.h"

#include "base/csv.h"
#include "base/grow.h"
#include "base/json.h"
#include "commands/output.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const feed_formats[] = {"auto", "text", "jsonl", "csv", "tsv", NULL};

static const char default_text[] = "text";

/* ---- which files ---- */

static bool is_file(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool add_path(struct feed *feed, const char *path, struct err *err)
{
    char *copy = strdup(path);
    if (!copy ||
        !grow_list(&feed->paths, &feed->paths_cap, feed->n_paths + 1, sizeof *feed->paths)) {
        free(copy);
        return err_set(err, ERR_MEMORY, NULL, "no memory for %zu files", feed->n_paths + 1);
    }
    feed->paths[feed->n_paths++] = copy;
    feed->may_wait |= !is_file(path);
    return true;
}

static bool is_pattern(const char *path)
{
    return strpbrk(path, "*?[") && access(path, F_OK) != 0;
}

static bool add_pattern(struct feed *feed, const char *pattern, struct err *err)
{
    glob_t found;
    bool is_ok = glob(pattern, GLOB_ERR, NULL, &found) == 0;
    if (!is_ok) err_set(err, ERR_IO, NULL, "no file has a name like %.200s", pattern);
    for (size_t i = 0; is_ok && i < found.gl_pathc; i++)
        is_ok = add_path(feed, found.gl_pathv[i], err);
    globfree(&found);
    return is_ok;
}

bool feed_open(struct feed *feed, char **files, int n, const struct feed_options *options,
               struct err *err)
{
    memset(feed, 0, sizeof *feed);
    feed->options = *options;
    if (n == 0) return add_path(feed, "-", err);
    for (int i = 0; i < n; i++) {
        const bool is_added =
            is_pattern(files[i]) ? add_pattern(feed, files[i], err) : add_path(feed, files[i], err);
        if (!is_added) return false;
    }
    return true;
}

static void free_file(struct feed_file *file)
{
    free(file->columns);
    free(file->memory);
    free(file);
}

void feed_close(struct feed *feed)
{
    lines_close(&feed->line);
    for (size_t i = 0; i < feed->n_files; i++)
        free_file(feed->files[i]);
    for (size_t i = 0; i < feed->n_paths; i++)
        free(feed->paths[i]);
    free(feed->files);
    free(feed->paths);
    memset(feed, 0, sizeof *feed);
}

void feed_describe(const struct feed *feed, struct buf *out)
{
    for (size_t i = 0; i < feed->n_paths; i++) {
        struct stat st;
        const bool is_file = stat(feed->paths[i], &st) == 0 && S_ISREG(st.st_mode);
        buf_printf(out, "%" PRId64 " %" PRId64 ".%09ld ", is_file ? (int64_t)st.st_size : -1,
                   is_file ? (int64_t)st.st_mtim.tv_sec : -1, is_file ? st.st_mtim.tv_nsec : 0);
        buf_add_str(out, feed->paths[i]);
        buf_add_char(out, '\n');
    }
}

/* ---- a file ---- */

static enum feed_format format_of(const char *path, int asked)
{
    static const struct {
        const char *ending;
        enum feed_format format;
    } endings[] = {
        {".jsonl", FEED_JSONL}, {".ndjson", FEED_JSONL}, {".csv", FEED_CSV}, {".tsv", FEED_TSV}};
    static const char *const packings[] = {"", ".gz", ".zst", ".zstd"};
    if (asked != FEED_AUTO) return (enum feed_format)asked;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        for (size_t k = 0; k < sizeof packings / sizeof *packings; k++) {
            char ending[16];
            snprintf(ending, sizeof ending, "%s%s", endings[i].ending, packings[k]);
            if (output_ends_in(path, ending)) return endings[i].format;
        }
    return FEED_TEXT;
}

static bool is_named(struct span column, const char *name)
{
    return column.bytes == strlen(name) && memcmp(column.data, name, column.bytes) == 0;
}

/* Writes the names of the columns for a message, as many as fit. */
static void list_columns(const struct feed_file *file, char *out, size_t cap)
{
    size_t used = 0;
    for (size_t i = 0; i < file->n_columns && used < cap; i++) {
        const int bytes = file->columns[i].bytes < 40 ? (int)file->columns[i].bytes : 40;
        used += (size_t)snprintf(out + used, cap - used, "%s'%.*s'", i ? ", " : "", bytes,
                                 file->columns[i].data);
    }
}

/* A column's number, from 1; 0: it is none. */
static size_t number_of(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 10 && !text[digits] ? strtoul(text, NULL, 10) : 0;
}

static bool find_text(struct feed_file *file, struct err *err)
{
    const char *asked = file->options->text, *name = asked ? asked : default_text;
    size_t n_found = 0;
    char names[300];
    for (size_t i = file->n_columns; i-- > 0;)
        if (is_named(file->columns[i], name)) {
            file->text_column = i;
            n_found++;
        }
    if (n_found == 1) return true;
    list_columns(file, names, sizeof names);
    if (n_found > 1)
        return err_set(err, ERR_USAGE, NULL,
                       "%.200s: %zu columns are named '%.60s'; give --text a number, from 1",
                       file->name, n_found, name);
    const size_t number = asked ? number_of(asked) : file->n_columns == 1;
    file->text_column = number - 1;
    if (number > 0 && number <= file->n_columns) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "%.200s has no column '%.60s'; give --text one of %.200s, or its number from 1",
                   file->name, name, names);
}

/* Keys of an object must differ, and so must ours from them. */
static bool check_keys(const struct feed_file *file, struct err *err)
{
    const char *into = file->options->into;
    for (size_t i = 0; into && i < file->n_columns; i++) {
        const struct span column = file->columns[i];
        const int shown = column.bytes < ERR_VALUE_BYTES ? (int)column.bytes : ERR_VALUE_BYTES;
        if (is_named(column, into))
            return err_set(err, ERR_USAGE, NULL,
                           "%.200s has a column '%.60s' itself; give another name with --into",
                           file->name, into);
        for (size_t k = 0; k < i; k++)
            if (file->columns[k].bytes == column.bytes &&
                memcmp(file->columns[k].data, column.data, column.bytes) == 0)
                return err_set(err, ERR_FORMAT, NULL,
                               "%.200s: two columns are named '%.*s', which an object cannot have; "
                               "rename one",
                               file->name, shown, column.data);
    }
    return true;
}

static bool check_line_key(const struct feed_file *file, struct err *err)
{
    const char *into = file->options->into;
    if (!into || strcmp(into, default_text) != 0) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "--into must not be '%s', under which the line itself stands; give another name",
                   into);
}

static bool fail_columns(const struct feed_file *file, struct err *err)
{
    return err_set(err, ERR_MEMORY, NULL, "%.200s: no memory for its columns", file->name);
}

static bool number_columns(struct feed_file *file, size_t n)
{
    const size_t room = 24;
    file->memory = malloc(n * room);
    for (size_t i = 0; file->memory && i < n; i++) {
        char *name = file->memory + i * room;
        const int bytes = snprintf(name, room, "%zu", i + 1);
        file->columns[i] = (struct span){name, (size_t)bytes};
    }
    return file->memory != NULL;
}

/* The header twice: once as it is, once cut into names. */
static bool name_columns(struct feed_file *file, const struct lines *line, size_t n)
{
    file->memory = malloc(2 * line->bytes + 1);
    if (!file->memory) return false;
    char *names = file->memory + line->bytes + 1;
    memcpy(file->memory, line->text, line->bytes);
    file->memory[line->bytes] = '\n';
    memcpy(names, line->text, line->bytes);
    file->header = (struct span){file->memory, line->bytes};
    file->header_line = (struct span){file->memory, line->bytes + 1};
    csv_split(names, line->bytes, file->separator, file->format == FEED_CSV, file->columns, n);
    return true;
}

static size_t count_cells(const struct feed_file *file, const struct lines *line)
{
    char *copy = malloc(line->bytes + 1);
    if (!copy) return 0;
    memcpy(copy, line->text, line->bytes);
    const size_t n =
        csv_split(copy, line->bytes, file->separator, file->format == FEED_CSV, NULL, 0);
    free(copy);
    return n;
}

static bool read_columns(struct feed *feed, struct feed_file *file, struct err *err)
{
    const struct lines *line = &feed->line;
    const size_t n = count_cells(file, line);
    file->columns = n > 0 ? calloc(n, sizeof *file->columns) : NULL;
    if (!file->columns) return fail_columns(file, err);
    file->n_columns = n;
    const bool is_named =
        file->options->has_header ? name_columns(file, line, n) : number_columns(file, n);
    return is_named ? find_text(file, err) && check_keys(file, err) : fail_columns(file, err);
}

/* Reads the first record, and has it be the first row where it names no columns. */
static bool open_table(struct feed *feed, struct feed_file *file, struct err *err)
{
    struct lines *line = &feed->line;
    file->separator = '\t';
    int step = lines_next(line, err);
    if (step > 0 && file->format == FEED_CSV) {
        file->separator = csv_find_separator(line->text, line->bytes);
        lines_put_back(line);
        line->separator = file->separator;
        step = lines_next(line, err);
    }
    if (step == 0) return true;
    if (step < 0 || !read_columns(feed, file, err)) return false;
    if (!file->options->has_header) lines_put_back(line);
    return true;
}

static bool open_next(struct feed *feed, struct err *err)
{
    struct feed_file *file = calloc(1, sizeof *file);
    if (!file ||
        !grow_list(&feed->files, &feed->files_cap, feed->n_files + 1, sizeof *feed->files)) {
        free(file);
        return err_set(err, ERR_MEMORY, NULL, "no memory for %zu files", feed->n_files + 1);
    }
    feed->files[feed->n_files++] = file;
    feed->file = file;
    if (!feed->first) feed->first = file;
    feed->is_open = true;
    const char *path = feed->paths[feed->next_path++];
    if (!lines_open(&feed->line, path, 0, err)) return false;
    file->name = feed->line.file;
    file->options = &feed->options;
    file->format = format_of(path, feed->options.format);
    feed->line.passes_over = true;
    feed->line.skips_empty = file->format != FEED_TEXT;
    feed->line.expected = file->format == FEED_TEXT    ? "one text per line is expected"
                          : file->format == FEED_JSONL ? "one object per line is expected"
                                                       : "a table is expected";
    if (file->format == FEED_TEXT) return check_line_key(file, err);
    return file->format == FEED_JSONL || open_table(feed, file, err);
}

int feed_next(struct feed *feed, struct err *err)
{
    for (;;) {
        if (!feed->is_open) {
            if (feed->next_path == feed->n_paths) return 0;
            if (!open_next(feed, err)) {
                feed->line.fault = LINES_RIGHT; /* nothing follows */
                return -1;
            }
        }
        const int step = lines_next(&feed->line, err);
        if (step != 0) {
            feed->share =
                ((double)feed->next_path - 1 + lines_share(&feed->line)) / (double)feed->n_paths;
            return step;
        }
        lines_close(&feed->line);
        feed->is_open = false;
    }
}

bool feed_has_next(const struct feed *feed)
{
    return !feed->may_wait || (feed->is_open && lines_has_next(&feed->line));
}

/* ---- a row ---- */

static enum feed_found fail_memory(struct err *err)
{
    err_out_of_memory(err);
    return FEED_BROKEN;
}

#define BROKEN(err, ...) (err_set(err, ERR_FORMAT, NULL, __VA_ARGS__), FEED_BROKEN)

static const char *kind_of(const json_t *value)
{
    return json_is_object(value)   ? "an object"
           : json_is_array(value)  ? "a list"
           : json_is_number(value) ? "a number"
                                   : "true or false";
}

static enum feed_found text_of_object(const struct feed_file *file, const json_t *object,
                                      struct span *text, struct err *err)
{
    const struct feed_options *options = file->options;
    const char *key = options->text ? options->text : default_text;
    if (!json_is_object(object))
        return BROKEN(err, "not an object; each line must hold one, like {\"text\": \"...\"}");
    if (options->into && json_object_get(object, options->into))
        return BROKEN(err, "it has a key '%.60s' itself; give another name with --into",
                      options->into);
    const json_t *value = json_find(object, key);
    if (!value) return BROKEN(err, "it has no '%.60s'; give the key of the text with --text", key);
    if (json_is_null(value)) return FEED_NULL;
    if (!json_is_string(value))
        return BROKEN(err, "its '%.60s' is %s, not a text", key, kind_of(value));
    *text = (struct span){json_string_value(value), json_string_length(value)};
    return FEED_FOUND;
}

static enum feed_found text_of_json(const struct feed_file *file, struct span record,
                                    struct arena *arena, struct span *text, struct err *err)
{
    json_use_arena(arena);
    const json_t *object = json_read_line(record.data, record.bytes, err);
    const enum feed_found found = object ? text_of_object(file, object, text, err) : FEED_BROKEN;
    json_use_arena(NULL);
    if (!object && err->code == ERR_INVALID) err->code = ERR_FORMAT;
    return found;
}

/* The cells of a record, in the arena; NULL: no memory. */
static struct span *cut(const struct feed_file *file, struct span record, struct arena *arena,
                        size_t *n)
{
    struct span *cells = arena_array(arena, file->n_columns, sizeof *cells);
    char *copy = arena_alloc(arena, record.bytes);
    if (!cells || !copy) return NULL;
    memcpy(copy, record.data, record.bytes);
    *n = csv_split(copy, record.bytes, file->separator, file->format == FEED_CSV, cells,
                   file->n_columns);
    return cells;
}

static enum feed_found text_of_cells(const struct feed_file *file, struct span record,
                                     struct arena *arena, struct span *text, struct err *err)
{
    size_t n;
    const struct span *cells = cut(file, record, arena, &n);
    if (!cells) return fail_memory(err);
    if (n != file->n_columns)
        return BROKEN(err,
                      "it has %zu cells where the first row has %zu; quote cells that hold "
                      "the separator '%s'",
                      n, file->n_columns,
                      file->separator == '\t' ? "TAB" : (char[]){file->separator, '\0'});
    *text = cells[file->text_column];
    return FEED_FOUND;
}

enum feed_found feed_text(const struct feed_file *file, struct span record, struct arena *arena,
                          struct span *text, struct err *err)
{
    if (file->format == FEED_JSONL) return text_of_json(file, record, arena, text, err);
    if (file->format != FEED_TEXT) return text_of_cells(file, record, arena, text, err);
    *text = record;
    return FEED_FOUND;
}

static void write_key(struct buf *out, struct span key, char before)
{
    buf_add_char(out, before);
    json_write_string(out, key.data, key.bytes);
    buf_add_char(out, ':');
}

static void write_cells(const struct feed_file *file, struct span record, struct arena *scratch,
                        struct buf *out)
{
    size_t n = 0;
    const struct span *cells = cut(file, record, scratch, &n);
    if (!cells) out->failed = true;
    for (size_t i = 0; cells && i < n && i < file->n_columns; i++) {
        write_key(out, file->columns[i], i > 0 ? ',' : '{');
        json_write_string(out, cells[i].data, cells[i].bytes);
    }
}

/* All of the object but the brace at its end, as it stands there. */
static void write_open(struct span record, struct buf *out)
{
    const char *from = memchr(record.data, '{', record.bytes);
    size_t bytes = record.bytes;
    while (bytes > 0 && record.data[bytes - 1] != '}')
        bytes--;
    if (from && bytes > 0) buf_add(out, from, (size_t)(record.data + bytes - 1 - from));
}

void feed_open_object(const struct feed_file *file, struct span record, struct arena *scratch,
                      struct buf *out)
{
    const char *into = file->options->into;
    if (file->format == FEED_JSONL) {
        write_open(record, out);
    } else if (file->format == FEED_TEXT) {
        write_key(out, (struct span){default_text, strlen(default_text)}, '{');
        json_write_string(out, record.data, record.bytes);
    } else {
        write_cells(file, record, scratch, out);
    }
    write_key(out, (struct span){into, strlen(into)}, ',');
}

void feed_open_empty(const struct feed_file *file, struct buf *out)
{
    const char *into = file->options->into;
    write_key(out, (struct span){into, strlen(into)}, '{');
}
