/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/columns.h"

#include "base/utf8.h"
#include "model/train/usual_names.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX

#define TEXT COLUMN_TEXT
#define LABEL COLUMN_LABEL

static const char *const arguments[2] = {"`text`", "`label`"};
static const char *const whats[2] = {"the text", "the label"};

struct search {
    const char *file;
    enum labelled_format format;
    const char *given[2]; /* by role; NULL = not given */
    enum labelled_header header;
    const struct span *first;
    size_t n;
    enum look_label look;
    bool has_header;
    bool is_looked; /* `look` decided */
    size_t at[2];   /* what was found, by role; NOWHERE */
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

static bool is_number(const struct search *search, enum column_role role)
{
    const char *given = search->given[role];
    return given && search->format != LABELLED_JSONL && *given &&
           given[strspn(given, "0123456789")] == '\0';
}

static bool is_name(const struct search *search, enum column_role role)
{
    return search->given[role] && !is_number(search, role);
}

/* Headers are often written with spaces behind the separators. */
static bool has_name(struct span column, const char *name)
{
    while (column.bytes > 0 && column.data[0] == ' ') {
        column.data++;
        column.bytes--;
    }
    while (column.bytes > 0 && column.data[column.bytes - 1] == ' ')
        column.bytes--;
    return column.bytes == strlen(name) && memcmp(column.data, name, column.bytes) == 0;
}

static size_t count_usual(const struct span *first, size_t n, enum column_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += usual_name_rank(first[i], role) != USUAL_NOT;
    return count;
}

static bool has_usual(const struct search *search, enum column_role role)
{
    return count_usual(search->first, search->n, role) > 0;
}

bool columns_need_look(const struct labelled_options *options, const struct span *first, size_t n)
{
    if (n != 2 || options->text || options->label) return false;
    if (options->header == LABELLED_HEADER_NO) return true;
    return count_usual(first, n, TEXT) != 1 || count_usual(first, n, LABEL) != 1;
}

/* The rule of labelled.h. */
static bool has_header(const struct search *search)
{
    if (search->format == LABELLED_JSONL) return true;
    if (search->header != LABELLED_HEADER_AUTO) return search->header == LABELLED_HEADER_YES;
    if (is_name(search, TEXT) || is_name(search, LABEL)) return true;
    bool text = is_number(search, TEXT), label = is_number(search, LABEL);
    /* Names that say nothing, above two columns that do, may as well be a row. */
    if (search->format == LABELLED_CSV && !text && !label)
        return search->look == LOOK_UNTOLD || has_usual(search, TEXT) || has_usual(search, LABEL);
    return ((text && !label) || has_usual(search, TEXT)) &&
           ((label && !text) || has_usual(search, LABEL));
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
        if (look_is_figure(search->first[i])) return false;
    return looks_like_name(text) && looks_like_name(label) &&
           (text.bytes != label.bytes || memcmp(text.data, label.data, text.bytes) != 0);
}

static bool take_number(struct search *search, enum column_role role, struct err *err)
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

static bool take_name(struct search *search, enum column_role role, struct err *err)
{
    size_t count = 0;
    const char *name = search->given[role];
    char problem[160];
    for (size_t i = 0; i < search->n; i++) {
        if (!has_name(search->first[i], name)) continue;
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

/* Of the best names there are, where only one column has it. */
static void take_usual(struct search *search, enum column_role role)
{
    size_t count = 0;
    enum usual_rank best = USUAL_SECOND;
    for (size_t i = 0; i < search->n; i++) {
        const enum usual_rank rank = usual_name_rank(search->first[i], role);
        if (i == search->at[!role] || rank < best) continue;
        count = rank > best ? 1 : count + 1;
        best = rank;
        search->at[role] = i;
    }
    if (count != 1) search->at[role] = NOWHERE;
}

/* Of two columns, the one that is not the other, unless its name says that it is not this. */
static void take_other(struct search *search, enum column_role role)
{
    if (search->n != 2 || search->at[role] != NOWHERE || search->at[!role] == NOWHERE) return;
    const size_t other = 1 - search->at[!role];
    const bool is_named = search->has_header && !search->given[!role];
    if (is_named && usual_name_rank(search->first[other], !role) != USUAL_NOT) return;
    search->at[role] = other;
}

/* What the rows themselves say, where nothing else did. */
static bool take_look(struct search *search, struct err *err)
{
    if (search->look == LOOK_UNTOLD) return true;
    const size_t label = search->look == LOOK_FIRST ? 0 : 1;
    if (search->at[TEXT] == NOWHERE && search->at[LABEL] == NOWHERE) {
        search->is_looked = true;
        search->at[LABEL] = label;
        search->at[TEXT] = 1 - label;
    }
    if (search->at[LABEL] != 1 - label) return true;
    return fail(search, err,
                "a name in its first line says which is the text, but the rows look otherwise; "
                "give `text` and `label`");
}

static bool fail_undecided(const struct search *search, struct err *err)
{
    char problem[160];
    bool is_both = search->at[TEXT] == NOWHERE && search->at[LABEL] == NOWHERE;
    enum column_role role = search->at[TEXT] == NOWHERE ? TEXT : LABEL;
    snprintf(problem, sizeof problem, "cannot tell which is %s%s; give %s%s%s", whats[role],
             is_both ? " and which the label" : "", arguments[role], is_both ? " and `label`" : "",
             search->format == LABELLED_JSONL ? ", a key of it" : ", a name or a number from 1");
    return fail(search, err, problem);
}

static bool find(struct search *search, struct err *err)
{
    for (enum column_role role = TEXT; role <= LABEL; role++) {
        search->at[role] = NOWHERE;
        if (is_number(search, role) && !take_number(search, role, err)) return false;
    }
    for (enum column_role role = TEXT; role <= LABEL; role++) {
        if (is_name(search, role) && !take_name(search, role, err)) return false;
    }
    for (enum column_role role = TEXT; role <= LABEL; role++) {
        if (search->has_header && !search->given[role]) take_usual(search, role);
    }
    for (enum column_role role = TEXT; role <= LABEL; role++)
        take_other(search, role);
    if (!take_look(search, err)) return false;
    if (search->at[TEXT] == NOWHERE || search->at[LABEL] == NOWHERE)
        return fail_undecided(search, err);
    if (search->at[TEXT] != search->at[LABEL]) return true;
    return fail(search, err, "`text` and `label` are the same column; give two");
}

bool columns_find(struct columns *columns, const char *file, const struct labelled_options *options,
                  enum labelled_format format, const struct span *first, size_t n,
                  enum look_label look, struct err *err)
{
    assert(format == LABELLED_CSV || format == LABELLED_TSV || format == LABELLED_JSONL);
    struct search search = {.header = options->header,
                            .file = file,
                            .format = format,
                            .given = {options->text, options->label},
                            .first = first,
                            .n = n,
                            .look = look};
    if (options->header == LABELLED_HEADER_NO &&
        (is_name(&search, TEXT) || is_name(&search, LABEL)) && format != LABELLED_JSONL)
        return fail(&search, err,
                    "a column is given by name, but `header` no says that there are no names; give "
                    "`text` and `label` as numbers from 1");
    search.has_header = has_header(&search);
    if (!find(&search, err)) return false;
    *columns = (struct columns){.text = search.at[TEXT],
                                .label = search.at[LABEL],
                                .has_header = search.has_header,
                                .is_doubtful = may_be_header(&search),
                                .has_names = looks_like_header(&search),
                                .is_looked = search.is_looked};
    return true;
}
