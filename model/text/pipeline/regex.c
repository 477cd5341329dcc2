/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/pipeline/regex.h"

#include "base/utf8.h"

#include <oniguruma.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

/* How often one search may go back on its steps: a millisecond for each 100,000, and no text that
   means well comes near. The reference's own limit is 10 million in a match. */
#define RETRIES_MAX 1000000
#define RETRIES_A_BYTE 16
#define STACK_MAX 1000000

struct regex_scratch {
    OnigRegion *region;
    OnigMatchParam *param;
};

static regex_t *compiled(const struct regex *regex)
{
    /* Oniguruma's searches take what they do not change without const. */
    return (regex_t *)(uintptr_t)regex;
}

static void initialize(void)
{
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
}

bool regex_open(struct regex **out, const char *pattern, size_t bytes, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const OnigUChar *start = (const OnigUChar *)pattern;
    OnigErrorInfo info;
    regex_t *regex = NULL;
    pthread_once(&once, initialize);
    *out = NULL;
    int result = onig_new(&regex, start, start + bytes, ONIG_OPTION_NONE, ONIG_ENCODING_UTF8,
                          ONIG_SYNTAX_RUBY, &info);
    if (result != ONIG_NORMAL) {
        OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
        onig_error_code_to_str(message, result, &info);
        return err_set(err, ERR_FORMAT, NULL, "the regular expression does not compile: %s",
                       (const char *)message);
    }
    *out = (struct regex *)regex;
    return true;
}

void regex_close(struct regex *regex)
{
    if (regex) onig_free(compiled(regex));
}

struct regex_scratch *regex_scratch_new(void)
{
    struct regex_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch) return NULL;
    scratch->region = onig_region_new();
    scratch->param = onig_new_match_param();
    if (!scratch->region || !scratch->param) {
        regex_scratch_free(scratch);
        return NULL;
    }
    onig_initialize_match_param(scratch->param);
    onig_set_match_stack_limit_size_of_match_param(scratch->param, STACK_MAX);
    return scratch;
}

void regex_scratch_free(struct regex_scratch *scratch)
{
    if (!scratch) return;
    if (scratch->region) onig_region_free(scratch->region, 1);
    if (scratch->param) onig_free_match_param(scratch->param);
    free(scratch);
}

void regex_matches_start(struct regex_matches *m, const struct regex *regex,
                         struct regex_scratch *scratch, const char *text, size_t bytes)
{
    *m = (struct regex_matches){.regex = regex, .scratch = scratch, .text = text, .bytes = bytes};
    /* Passing over a character that no match begins with counts too. */
    const unsigned long most = RETRIES_MAX + RETRIES_A_BYTE * bytes;
    onig_set_retry_limit_in_match_of_match_param(scratch->param, most);
    onig_set_retry_limit_in_search_of_match_param(scratch->param, most);
}

/* The end of the character at `at`; past the text behind its last one, where the search then ends.
 */
static size_t past(const struct regex_matches *m, size_t at)
{
    return (size_t)(utf8_past(m->text + at, m->text + m->bytes) - m->text);
}

enum regex_result regex_matches_next(struct regex_matches *m, size_t *start, size_t *end)
{
    const OnigUChar *text = (const OnigUChar *)m->text, *text_end = text + m->bytes;
    while (m->next <= m->bytes) {
        OnigRegion *region = m->scratch->region;
        int at = onig_search_with_param(compiled(m->regex), text, text_end, text + m->next,
                                        text_end, region, ONIG_OPTION_NONE, m->scratch->param);
        if (at == ONIG_MISMATCH) return REGEX_NONE;
        if (at < 0) return REGEX_GAVE_UP;
        *start = (size_t)region->beg[0];
        *end = (size_t)region->end[0];
        bool is_empty = *start == *end;
        bool is_passed_over = is_empty && m->has_last && m->last == *end;
        m->next = is_empty ? past(m, *end) : *end;
        if (is_passed_over) continue;
        m->has_last = true;
        m->last = *end;
        return REGEX_FOUND;
    }
    return REGEX_NONE;
}
