/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/labelled_formats.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "__label__"
#define PREFIX_BYTES (sizeof PREFIX - 1)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* The next label in [from, end) of a line, or NULL. */
static const char *find_label(const char *line, const char *from, const char *end)
{
    while ((from = memmem(from, (size_t)(end - from), PREFIX, PREFIX_BYTES)) != NULL) {
        if (from == line || is_blank(from[-1])) return from;
        from += PREFIX_BYTES;
    }
    return NULL;
}

bool labelled_words_are_in(const char *line, size_t bytes)
{
    return find_label(line, line, line + bytes) != NULL;
}

bool labelled_words_open(struct labelled *labelled, const struct labelled_options *options,
                         struct err *err)
{
    if (options->text || options->label || options->group) {
        return err_set(err, ERR_USAGE, NULL,
                       "%.200s: a file in fastText's form has no columns; leave %s out",
                       labelled->records.file, options->group ? "`group`" : "`text` and `label`");
    }
    snprintf(labelled->about, sizeof labelled->about, "fastText%s: labels = words with %s",
             labelled->packing, PREFIX);
    labelled->is_pending = true;
    return true;
}

/* Labels go, and the gaps close: what remains moves to the start of the line. */
bool labelled_words_take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    char *line = labelled->records.text, *out = line;
    const char *end = line + labelled->records.bytes, *from = skip_blanks(line, end), *label;
    while ((label = find_label(line, from, end)) != NULL) {
        const char *name = label + PREFIX_BYTES, *name_end = name;
        while (name_end < end && !is_blank(*name_end))
            name_end++;
        if (!labelled_add(labelled, (struct span){name, (size_t)(name_end - name)}, err))
            return false;
        memmove(out, from, (size_t)(label - from));
        out += label - from;
        from = skip_blanks(name_end, end);
    }
    if (labelled->labels.n == 0) {
        return LABELLED_BAD(labelled, BAD_ROW_NO_LABEL, err,
                            "no word in it starts with %s; give it a label, or leave it out",
                            PREFIX);
    }
    memmove(out, from, (size_t)(end - from));
    out += end - from;
    while (out > line && is_blank(out[-1]))
        out--;
    row->text = line;
    row->text_bytes = (size_t)(out - line);
    return true;
}
