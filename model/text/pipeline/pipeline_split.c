/* SPDX-License-Identifier: Apache-2.0 */
/* The pre-tokenizers. Each hands its parts to the next step at once: split_at(run, i + 1, part). */
#include "base/utf8.h"
#include "model/text/pipeline/pipeline.h"
#include "model/text/unicode/bert_words.h"
#include "model/text/unicode/unicode.h"

#include <assert.h>
#include <string.h>

static bool split_at(struct pipeline_run *run, size_t i, const struct line *line);

struct line pipeline_slice(const struct line *line, size_t start, size_t end)
{
    struct line part = {.text = line->text + start, .bytes = end - start};
    if (line->places) {
        part.places = line->places + start;
        part.shift = start < end ? part.places[0].start : line->shift;
    } else {
        part.shift = line->shift + (uint32_t)start;
    }
    return part;
}

static bool hand_on(struct pipeline_run *run, size_t i, const struct line *line, size_t start,
                    size_t end)
{
    if (start == end) return true;
    struct line part = pipeline_slice(line, start, end);
    return split_at(run, i + 1, &part);
}

/* ---- matches and what becomes of them ---- */

struct splitter {
    struct pipeline_run *run;
    size_t step;
    const struct line *line;
    enum split_behavior behavior;
    bool invert;
    bool is_waiting, was_match; /* a part that may still grow, and of which kind the last one was */
    size_t start, end;
};

static bool flush(struct splitter *s)
{
    if (!s->is_waiting) return true;
    s->is_waiting = false;
    return hand_on(s->run, s->step, s->line, s->start, s->end);
}

static bool wait_for_more(struct splitter *s, size_t start, size_t end)
{
    if (!flush(s)) return false;
    s->is_waiting = true;
    s->start = start;
    s->end = end;
    return true;
}

static bool feed(struct splitter *s, size_t start, size_t end, bool is_match)
{
    bool was_match = s->was_match, extends = false;
    is_match ^= s->invert;
    s->was_match = is_match;
    switch (s->behavior) {
    case SPLIT_REMOVED:
        return is_match || hand_on(s->run, s->step, s->line, start, end);
    case SPLIT_ISOLATED:
        return hand_on(s->run, s->step, s->line, start, end);
    case SPLIT_CONTIGUOUS:
        extends = is_match == was_match;
        break;
    case SPLIT_MERGED_WITH_PREVIOUS:
        extends = is_match && !was_match;
        break;
    case SPLIT_MERGED_WITH_NEXT:
        /* Only matches wait: for a part that is none. */
        if (!is_match && s->is_waiting) {
            s->is_waiting = false;
            return hand_on(s->run, s->step, s->line, s->start, end);
        }
        return is_match ? wait_for_more(s, start, end)
                        : hand_on(s->run, s->step, s->line, start, end);
    }
    if (!extends || !s->is_waiting) return wait_for_more(s, start, end);
    s->end = end;
    return true;
}

/* What stands between the matches, [prev, start), and the match. */
static bool feed_match(struct splitter *s, size_t *prev, size_t start, size_t end)
{
    bool done = *prev == start || feed(s, *prev, start, false);
    *prev = end;
    return done && feed(s, start, end, true);
}

static bool feed_rest(struct splitter *s, size_t prev)
{
    return (prev == s->line->bytes || feed(s, prev, s->line->bytes, false)) && flush(s);
}

static struct splitter splitter_of(struct pipeline_run *run, size_t i, const struct line *line)
{
    const struct split_step *step = &run->pipeline->splits[i];
    return (struct splitter){
        .run = run, .step = i, .line = line, .behavior = step->behavior, .invert = step->invert};
}

/* ---- what matches ---- */

static bool is_delimiter(const struct split_step *step, const char *at, const char **next)
{
    if (step->kind == SPLIT_FLAGS) return words_flags(at, next) & step->flags;
    *next = at;
    uint32_t code = utf8_next(next);
    if (step->kind == SPLIT_UNLISTED) return !character_class_lists(&step->listed, code);
    return step->kind == SPLIT_CHAR ? code == step->character
                                    : unicode_record_of(code)->flags & UNICODE_NUMERIC;
}

static bool split_chars(struct pipeline_run *run, size_t i, const struct line *line)
{
    struct splitter s = splitter_of(run, i, line);
    const char *at = line->text, *end = line->text + line->bytes, *next;
    size_t prev = 0;
    for (; at < end; at = next) {
        if (is_delimiter(&run->pipeline->splits[i], at, &next) &&
            !feed_match(&s, &prev, (size_t)(at - line->text), (size_t)(next - line->text)))
            return false;
    }
    return feed_rest(&s, prev);
}

/* At each place where the text stands. */
static bool feed_text(struct splitter *s, const struct step_text *text)
{
    const struct line *line = s->line;
    size_t prev = 0;
    const char *found;
    while ((found = text_find(line->text + prev, line->bytes - prev, text->text, text->bytes))) {
        size_t start = (size_t)(found - line->text);
        if (!feed_match(s, &prev, start, start + text->bytes)) return false;
    }
    return feed_rest(s, prev);
}

static bool split_text(struct pipeline_run *run, size_t i, const struct line *line)
{
    struct splitter s = splitter_of(run, i, line);
    return feed_text(&s, &run->pipeline->splits[i].pattern);
}

static bool split_regex(struct pipeline_run *run, size_t i, const struct line *line)
{
    struct splitter s = splitter_of(run, i, line);
    struct regex_matches matches;
    enum regex_result result;
    size_t prev = 0, start, end;
    /* The scratch is free again before a part is handed on: a step further down may search too. */
    regex_matches_start(&matches, run->pipeline->splits[i].regex, run->regex, line->text,
                        line->bytes);
    while ((result = regex_matches_next(&matches, &start, &end)) == REGEX_FOUND) {
        if (!feed_match(&s, &prev, start, end)) return false;
    }
    run->gave_up |= result == REGEX_GAVE_UP;
    return !run->gave_up && feed_rest(&s, prev);
}

static bool split_pattern(struct pipeline_run *run, size_t i, const struct line *line)
{
    enum pattern_kind known = run->pipeline->splits[i].known;
    struct splitter s = splitter_of(run, i, line);
    for (size_t at = 0, end; at < line->bytes; at = end) {
        end = pattern_next(known, line->text, line->bytes, at);
        if (!feed(&s, at, end, true)) return false;
    }
    return flush(&s);
}

static bool split_pattern_with_gaps(struct pipeline_run *run, size_t i, const struct line *line)
{
    enum pattern_kind known = run->pipeline->splits[i].known;
    struct splitter s = splitter_of(run, i, line);
    size_t prev = 0, start = 0, end;
    for (; pattern_find(known, line->text, line->bytes, &start, &end); start = end) {
        if (!feed_match(&s, &prev, start, end)) return false;
    }
    return feed_rest(&s, prev);
}

/* \w+|[^\w\s]+ of the `regex` crate, whose sets the tables hold. */
static bool split_words(struct pipeline_run *run, size_t i, const struct line *line)
{
    const char *at = line->text, *end = line->text + line->bytes;
    while (at < end) {
        const char *start = at, *next;
        uint8_t kind = words_flags(at, &at) & (UNICODE_WORD | UNICODE_SPACE);
        while (at < end && (words_flags(at, &next) & (UNICODE_WORD | UNICODE_SPACE)) == kind)
            at = next;
        if (kind != UNICODE_SPACE &&
            !hand_on(run, i, line, (size_t)(start - line->text), (size_t)(at - line->text)))
            return false;
    }
    return true;
}

/* What stands before the first character of a script is lost, as in the reference. */
static bool split_scripts(struct pipeline_run *run, size_t i, const struct line *line)
{
    const char *at = line->text, *end = line->text + line->bytes;
    size_t start = line->bytes;
    unsigned last = UNICODE_SCRIPT_ANY;
    while (at < end) {
        size_t here = (size_t)(at - line->text);
        unsigned script = unicode_record_of(utf8_next(&at))->script;
        if (script == UNICODE_SCRIPT_ANY || script == last) continue;
        if (last != UNICODE_SCRIPT_ANY && !hand_on(run, i, line, start, here)) return false;
        start = here;
        last = script;
    }
    return hand_on(run, i, line, start, line->bytes);
}

static bool split_length(struct pipeline_run *run, size_t i, const struct line *line)
{
    const char *at = line->text, *end = line->text + line->bytes;
    while (at < end) {
        const char *start = at;
        for (size_t n = 0; n < run->pipeline->splits[i].length && at < end; n++)
            utf8_next(&at);
        if (!hand_on(run, i, line, (size_t)(start - line->text), (size_t)(at - line->text)))
            return false;
    }
    return true;
}

/* ---- those that rewrite ---- */

static struct rewrite_room *room_of(struct pipeline_run *run, size_t i, size_t which)
{
    return &run->rooms[2 + 2 * i + which];
}

static bool starts_with(const struct line *line, const char *text, size_t bytes)
{
    return line->bytes >= bytes && memcmp(line->text, text, bytes) == 0;
}

static bool prepend(struct pipeline_run *run, struct rewrite_room *room, const struct line *in,
                    const char *text, size_t bytes, struct line *out)
{
    struct rewrite w;
    rewrite_start(&w, run->arena, room, in, run->places);
    rewrite_prepend(&w, text, bytes);
    return rewrite_end(&w, out);
}

static bool split_metaspace(struct pipeline_run *run, size_t i, const struct line *line)
{
    const struct split_step *step = &run->pipeline->splits[i];
    const struct step_text *mark = &step->pattern;
    struct line spaced = *line, marked;
    if (memchr(line->text, ' ', line->bytes)) {
        struct rewrite w;
        rewrite_start(&w, run->arena, room_of(run, i, 0), line, run->places);
        rewrite_replace(&w, " ", 1, mark->text, mark->bytes);
        if (!rewrite_end(&w, &spaced)) return false;
    }
    bool has_marks =
        spaced.text != line->text || text_find(line->text, line->bytes, mark->text, mark->bytes);
    bool wants_mark = step->prepend == METASPACE_ALWAYS ||
                      (step->prepend == METASPACE_FIRST && spaced.shift == 0);
    marked = spaced;
    if (wants_mark && !starts_with(&spaced, mark->text, mark->bytes) &&
        !prepend(run, room_of(run, i, 1), &spaced, mark->text, mark->bytes, &marked))
        return false;
    if (!step->splits || !has_marks) return split_at(run, i + 1, &marked);
    struct splitter s = splitter_of(run, i, &marked);
    s.behavior = SPLIT_MERGED_WITH_NEXT;
    return feed_text(&s, mark);
}

static bool hand_on_bytes(struct pipeline_run *run, size_t i, const struct line *line, size_t start,
                          size_t end)
{
    const struct split_step *step = &run->pipeline->splits[i];
    if (step->fused) return hand_on(run, i, line, start, end);
    struct line part = pipeline_slice(line, start, end), out;
    struct rewrite w;
    rewrite_start(&w, run->arena, room_of(run, i, 1), &part, run->places);
    rewrite_bytes(&w);
    return rewrite_end(&w, &out) && split_at(run, i + 1, &out);
}

static bool split_bytes(struct pipeline_run *run, size_t i, const struct line *line)
{
    const struct split_step *step = &run->pipeline->splits[i];
    struct line spaced = *line;
    if (step->prefix_space && line->text[0] != ' ' &&
        !prepend(run, room_of(run, i, 0), line, " ", 1, &spaced))
        return false;
    if (!step->splits) return hand_on_bytes(run, i, &spaced, 0, spaced.bytes);
    for (size_t at = 0, end; at < spaced.bytes; at = end) {
        end = pattern_next(PATTERN_GPT2, spaced.text, spaced.bytes, at);
        if (!hand_on_bytes(run, i, &spaced, at, end)) return false;
    }
    return true;
}

/* ---- the steps ---- */

static bool split_at(struct pipeline_run *run, size_t i, const struct line *line)
{
    assert(line->bytes > 0);
    if (i == run->pipeline->n_splits) return run->take(run->context, line);
    run->given[i] += line->bytes;
    run->gave_up |= run->given[i] > run->given_max;
    if (run->gave_up) return false;
    switch (run->pipeline->splits[i].kind) {
    case SPLIT_FLAGS:
    case SPLIT_NUMBERS:
    case SPLIT_CHAR:
    case SPLIT_UNLISTED:
        return split_chars(run, i, line);
    case SPLIT_TEXT:
        return split_text(run, i, line);
    case SPLIT_REGEX:
        return split_regex(run, i, line);
    case SPLIT_PATTERN:
        return pattern_leaves_gaps(run->pipeline->splits[i].known)
                   ? split_pattern_with_gaps(run, i, line)
                   : split_pattern(run, i, line);
    case SPLIT_WORDS:
        return split_words(run, i, line);
    case SPLIT_METASPACE:
        return split_metaspace(run, i, line);
    case SPLIT_BYTES:
        return split_bytes(run, i, line);
    case SPLIT_SCRIPTS:
        return split_scripts(run, i, line);
    case SPLIT_LENGTH:
        return split_length(run, i, line);
    }
    return false;
}

bool pipeline_split(struct pipeline_run *run, const struct line *line)
{
    memset(run->given, 0, run->pipeline->n_splits * sizeof *run->given);
    run->given_max = (line->bytes + 64) * PIPELINE_SPLIT_GROWTH_MAX;
    return line->bytes == 0 || split_at(run, 0, line);
}
