/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/keep.h"

#include <stdlib.h>
#include <string.h>

/* The last `<` or `>`: a label may hold others. */
static const char *find_sign(const char *text)
{
    const char *below = strrchr(text, '<'), *above = strrchr(text, '>');
    return !below || (above && above > below) ? above : below;
}

bool keep_read(void *setting, const char *name, const char *value, struct err *err)
{
    struct keep *keep = setting;
    const char *sign = value ? find_sign(value) : NULL;
    const bool is_equal = sign && sign[1] == '=';
    char *end = NULL;
    const double bound = sign ? strtod(sign + 1 + is_equal, &end) : 0;
    if (!sign || sign == value || end == sign + 1 + is_equal || *end || !(bound >= 0 && bound <= 1))
        return err_set(err, ERR_USAGE, NULL,
                       "--%s must be a label, one of > >= < <= and a probability from 0 to 1, like "
                       "'spam>0.9', not '%.*s'",
                       name, ERR_VALUE_BYTES, value ? value : "");
    if (keep->n == KEEP_MAX)
        return err_set(err, ERR_USAGE, NULL, "--%s must be given at most %d times", name, KEEP_MAX);
    keep->texts[keep->n] = value;
    keep->label_bytes[keep->n] = (size_t)(sign - value);
    keep->relations[keep->n] = *sign == '>' ? is_equal ? KEEP_FROM : KEEP_ABOVE
                               : is_equal   ? KEEP_TO
                                            : KEEP_BELOW;
    keep->bounds[keep->n++] = (float)bound;
    return true;
}

static bool find_label(struct keep *keep, size_t i, const struct head_info *info)
{
    for (uint32_t k = 0; k < info->n_labels; k++) {
        const char *label = info->labels[k];
        if (strlen(label) != keep->label_bytes[i] ||
            memcmp(label, keep->texts[i], keep->label_bytes[i]) != 0)
            continue;
        keep->labels[i] = k;
        return true;
    }
    return false;
}

bool keep_find(struct keep *keep, const struct head_info *info, struct err *err)
{
    for (size_t i = 0; i < keep->n; i++) {
        if (find_label(keep, i, info)) continue;
        const int shown =
            (int)(keep->label_bytes[i] < ERR_VALUE_BYTES ? keep->label_bytes[i] : ERR_VALUE_BYTES);
        return err_set(err, ERR_USAGE, NULL,
                       "--keep: head '%.60s' has no label '%.*s'; embedd inspect lists its labels",
                       info->name, shown, keep->texts[i]);
    }
    return true;
}

static bool holds(enum keep_relation relation, float p, float bound)
{
    switch (relation) {
    case KEEP_ABOVE:
        return p > bound;
    case KEEP_FROM:
        return p >= bound;
    case KEEP_BELOW:
        return p < bound;
    case KEEP_TO:
        return p <= bound;
    }
    return false;
}

bool keep_passes(const struct keep *keep, const float *p)
{
    for (size_t i = 0; i < keep->n; i++)
        if (!holds(keep->relations[i], p[keep->labels[i]], keep->bounds[i])) return false;
    return true;
}
