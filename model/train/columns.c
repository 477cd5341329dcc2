/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/columns.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOWHERE SIZE_MAX

enum role { TEXT, LABEL };

static const char *const arguments[2] = {"`text`", "`label`"};
static const char *const whats[2] = {"the text", "the label"};
static const char *const usual[2][10] = {
    [TEXT] = {"text", "sentence", "content", "review", "query", "utterance", "question", "body",
              "comment"},
    [LABEL] = {"label", "labels", "category", "class", "intent", "target", "sentiment", "cat"},
};

struct search {
    const char *file;
    enum labelled_format format;
    const char *given[2]; /* by role; NULL = not given */
    enum labelled_header header;
    const struct span *first;
    size_t n;
    bool has_header;
    size_t at[2]; /* what was found, by role; NOWHERE */
};

struct columns_shown columns_show(struct span text)
{
    struct columns_shown shown;
    size_t n = 0, cap = sizeof shown.text - sizeof "…";
    const char *at = text.data, *end = text.data + text.bytes;
    while (at < end) {
        const char *character = at;
        uint32_t code = utf8_next(&at);
        if (n + (size_t)(at - character) > cap) {
            memcpy(shown.text + n, "…", sizeof "…" - 1);
            n += sizeof "…" - 1;
            break;
        }
        if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
            shown.text[n++] = ' ';
            continue;
        }
        memcpy(shown.text + n, character, (size_t)(at - character));
        n += (size_t)(at - character);
    }
    shown.text[n] = '\0';
    return shown;
}

/* Says which columns there are, as many as a message holds. */
static void list(const struct search *search, char *out, size_t cap)
{
    size_t n = 0;
    snprintf(out, cap, "none");
    for (size_t i = 0; i < search->n; i++) {
        struct columns_shown name = columns_show(search->first[i]);
        const char *comma = i > 0 ? ", " : "";
        if (n + strlen(name.text) + sizeof ", '', and 4096 more" > cap) {
            snprintf(out + n, cap - n, "%s%zu more", i > 0 ? " and " : "", search->n - i);
            return;
        }
        n += (size_t)snprintf(out + n, cap - n, "%s'%s'", comma, name.text);
    }
}

static bool fail(const struct search *search, struct err *err, const char *problem)
{
    char columns[192];
    list(search, columns, sizeof columns);
    return err_set(err, ERR_USAGE, NULL, "%.100s: %s; %s: %s", search->file, problem,
                   search->format == LABELLED_JSONL ? "its first line has the keys"
                                                    : "its first line has the columns",
                   columns);
}

static bool is_number(const struct search *search, enum role role)
{
    const char *given = search->given[role];
    return given && search->format != LABELLED_JSONL && *given &&
           given[strspn(given, "0123456789")] == '\0';
}

static bool is_name(const struct search *search, enum role role)
{
    return search->given[role] && !is_number(search, role);
}

/* Headers are often written with spaces behind the separators. */
static bool has_name(struct span column, const char *name, bool is_any_case)
{
    while (column.bytes > 0 && column.data[0] == ' ') {
        column.data++;
        column.bytes--;
    }
    while (column.bytes > 0 && column.data[column.bytes - 1] == ' ')
        column.bytes--;
    if (column.bytes != strlen(name)) return false;
    return is_any_case ? strncasecmp(column.data, name, column.bytes) == 0
                       : memcmp(column.data, name, column.bytes) == 0;
}

static bool has_usual_name(struct span column, enum role role)
{
    for (const char *const *name = usual[role]; *name; name++) {
        if (has_name(column, *name, true)) return true;
    }
    return false;
}

static size_t count_usual(const struct search *search, enum role role)
{
    size_t count = 0;
    for (size_t i = 0; i < search->n; i++)
        count += has_usual_name(search->first[i], role);
    return count;
}

/* The rule of labelled.h. */
static bool has_header(const struct search *search)
{
    if (search->format == LABELLED_JSONL) return true;
    if (search->header != LABELLED_HEADER_AUTO) return search->header == LABELLED_HEADER_YES;
    if (is_name(search, TEXT) || is_name(search, LABEL)) return true;
    bool text = is_number(search, TEXT), label = is_number(search, LABEL);
    if (search->format == LABELLED_CSV && !text && !label) return true;
    return ((text && !label) || count_usual(search, TEXT) > 0) &&
           ((label && !text) || count_usual(search, LABEL) > 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What pandas calls a column without a name. */
static bool is_unnamed(struct span cell)
{
    static const char start[] = "Unnamed: ";
    size_t n = sizeof start - 1;
    if (cell.bytes <= n || memcmp(cell.data, start, n) != 0) return false;
    while (n < cell.bytes && is_digit(cell.data[n]))
        n++;
    return n == cell.bytes;
}

/* A number, a date or a time. */
static bool is_figure(struct span cell)
{
    bool has_digit = false;
    for (size_t i = 0; i < cell.bytes; i++) {
        if (!is_digit(cell.data[i]) && !memchr("+-.,:/% ", cell.data[i], 8)) return false;
        has_digit |= is_digit(cell.data[i]);
    }
    return has_digit;
}

/* Up to three short words without a mark of a sentence, and no number. */
static bool looks_like_name(struct span cell)
{
    static const char *const marks[] = {"。", "，", "！", "？", "、"};
    size_t words = 0;
    if (is_unnamed(cell)) return true;
    for (size_t i = 0; i < cell.bytes; i++) {
        const char c = cell.data[i];
        if ((unsigned char)c < 0x20 || strchr(".,;:!?\"", c)) return false;
        words += c != ' ' && (i == 0 || cell.data[i - 1] == ' ');
        if (words == 1 && is_digit(c) && (i == 0 || cell.data[i - 1] == ' ')) return false;
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (memmem(cell.data, cell.bytes, marks[i], strlen(marks[i]))) return false;
    return words > 0 && words <= 3 && cell.bytes <= 40;
}

/* The other rows tell whether it is one. A row without a label is an error, and no header. */
static bool may_be_header(const struct search *search)
{
    return search->header == LABELLED_HEADER_AUTO && !search->has_header &&
           search->first[search->at[LABEL]].bytes > 0;
}

/* The two cells in question look like names, and differ; and no other one is a figure. */
static bool looks_like_header(const struct search *search)
{
    const struct span text = search->first[search->at[TEXT]];
    const struct span label = search->first[search->at[LABEL]];
    for (size_t i = 0; i < search->n; i++)
        if (is_figure(search->first[i])) return false;
    return looks_like_name(text) && looks_like_name(label) &&
           (text.bytes != label.bytes || memcmp(text.data, label.data, text.bytes) != 0);
}

static bool take_number(struct search *search, enum role role, struct err *err)
{
    char problem[160];
    unsigned long number = strtoul(search->given[role], NULL, 10); /* ULONG_MAX if too large */
    if (number >= 1 && number <= search->n) {
        search->at[role] = number - 1;
        return true;
    }
    snprintf(problem, sizeof problem, "%s must be a number from 1 to %zu or a name, not %.*s",
             arguments[role], search->n, 20, search->given[role]);
    return fail(search, err, problem);
}

static bool take_name(struct search *search, enum role role, struct err *err)
{
    size_t count = 0;
    const char *name = search->given[role];
    char problem[160];
    for (size_t i = 0; i < search->n; i++) {
        if (!has_name(search->first[i], name, false)) continue;
        search->at[role] = i;
        count++;
    }
    if (count == 1) return true;
    size_t valid = utf8_valid_bytes(name, strlen(name));
    struct columns_shown shown = columns_show((struct span){name, valid});
    if (count > 1)
        snprintf(problem, sizeof problem, "%zu columns are named '%s'; give %s as a number", count,
                 shown.text, arguments[role]);
    else
        snprintf(problem, sizeof problem, "%s is '%s', but nothing in it has that name",
                 arguments[role], shown.text);
    return fail(search, err, problem);
}

static void take_usual(struct search *search, enum role role)
{
    size_t count = 0, found = NOWHERE;
    for (size_t i = 0; i < search->n; i++) {
        if (i == search->at[!role] || !has_usual_name(search->first[i], role)) continue;
        found = i;
        count++;
    }
    if (count == 1) search->at[role] = found;
}

static bool fail_undecided(const struct search *search, struct err *err)
{
    char problem[160];
    bool is_both = search->at[TEXT] == NOWHERE && search->at[LABEL] == NOWHERE;
    enum role role = search->at[TEXT] == NOWHERE ? TEXT : LABEL;
    snprintf(problem, sizeof problem, "cannot tell which is %s%s; give %s%s%s", whats[role],
             is_both ? " and which the label" : "", arguments[role], is_both ? " and `label`" : "",
             search->format == LABELLED_JSONL ? ", a key of it" : ", a name or a number from 1");
    return fail(search, err, problem);
}

static bool find(struct search *search, struct err *err)
{
    for (enum role role = TEXT; role <= LABEL; role++) {
        search->at[role] = NOWHERE;
        if (is_number(search, role) && !take_number(search, role, err)) return false;
    }
    for (enum role role = TEXT; role <= LABEL; role++) {
        if (is_name(search, role) && !take_name(search, role, err)) return false;
    }
    for (enum role role = TEXT; role <= LABEL; role++) {
        if (search->has_header && !search->given[role]) take_usual(search, role);
    }
    for (enum role role = TEXT; role <= LABEL; role++) {
        if (search->n == 2 && search->at[role] == NOWHERE && search->at[!role] != NOWHERE)
            search->at[role] = 1 - search->at[!role];
    }
    if (search->at[TEXT] == NOWHERE || search->at[LABEL] == NOWHERE)
        return fail_undecided(search, err);
    if (search->at[TEXT] != search->at[LABEL]) return true;
    return fail(search, err, "`text` and `label` are the same column; give two");
}

bool columns_find(struct columns *columns, const char *file, const struct labelled_options *options,
                  enum labelled_format format, const struct span *first, size_t n, struct err *err)
{
    assert(format == LABELLED_CSV || format == LABELLED_TSV || format == LABELLED_JSONL);
    struct search search = {.header = options->header,
                            .file = file,
                            .format = format,
                            .given = {options->text, options->label},
                            .first = first,
                            .n = n};
    if (options->header == LABELLED_HEADER_NO &&
        (is_name(&search, TEXT) || is_name(&search, LABEL)) && format != LABELLED_JSONL)
        return fail(&search, err,
                    "a column is given by name, but `header` no says that there are no names; give "
                    "`text` and `label` as numbers from 1");
    search.has_header = has_header(&search);
    if (!find(&search, err)) return false;
    *columns = (struct columns){search.at[TEXT], search.at[LABEL], search.has_header,
                                may_be_header(&search), looks_like_header(&search)};
    return true;
}
