/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/labelled_formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct columns_shown show(const char *key)
{
    return columns_show((struct span){key, strlen(key)});
}

bool labelled_objects_cut(struct labelled *labelled, struct err *err)
{
    struct err detail;
    json_decref(labelled->object);
    labelled->object = json_read_line(labelled->records.text, labelled->records.bytes, &detail);
    if (!labelled->object && detail.code == ERR_MEMORY) return labelled_fail_memory(labelled, err);
    if (!labelled->object)
        return LABELLED_FAIL(labelled, err, "%.250s; an object in each line is expected",
                             detail.message);
    if (json_is_object(labelled->object)) return true;
    return LABELLED_FAIL(
        labelled, err, "%s",
        "not an object; each line must hold one, like {\"text\": \"...\", \"label\": \"...\"}");
}

/* The options and the first object tell the keys. */
static bool find_keys(struct labelled *labelled, const struct labelled_options *options,
                      struct span *keys, struct err *err)
{
    struct columns columns;
    size_t n = 0;
    const char *key;
    json_t *value;
    json_object_foreach(labelled->object, key, value)
    {
        keys[n++] = (struct span){key, strlen(key)};
    }
    if (!columns_find(&columns, labelled->records.file, options, LABELLED_JSONL, keys, n, err))
        return false;
    labelled->text_key = strdup(keys[columns.text].data);
    labelled->label_key = strdup(keys[columns.label].data);
    return (labelled->text_key && labelled->label_key) || labelled_fail_memory(labelled, err);
}

bool labelled_objects_open(struct labelled *labelled, const struct labelled_options *options,
                           struct err *err)
{
    if (!labelled_objects_cut(labelled, err)) return false;
    struct span *keys = malloc((json_object_size(labelled->object) + 1) * sizeof *keys);
    if (!keys) return labelled_fail_memory(labelled, err);
    bool done = find_keys(labelled, options, keys, err);
    free(keys);
    if (!done) return false;
    snprintf(labelled->about, sizeof labelled->about, "JSONL: text = '%s', label = '%s'",
             show(labelled->text_key).text, show(labelled->label_key).text);
    labelled->is_pending = true;
    return true;
}

static bool add_value(struct labelled *labelled, const json_t *value, struct err *err)
{
    char number[32];
    if (json_is_string(value)) {
        struct span list = {json_string_value(value), json_string_length(value)};
        return labelled_add_list(labelled, list, err);
    }
    if (json_is_integer(value)) {
        int bytes =
            snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return labelled_add(labelled, (struct span){number, (size_t)bytes}, err);
    }
    if (json_is_true(value)) return labelled_add(labelled, (struct span){"true", 4}, err);
    if (json_is_false(value)) return labelled_add(labelled, (struct span){"false", 5}, err);
    return LABELLED_FAIL(labelled, err,
                         "'%s' must be a string, an integer, true or false, or a list of these",
                         show(labelled->label_key).text);
}

bool labelled_objects_take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    const json_t *text = json_object_get(labelled->object, labelled->text_key);
    const json_t *label = json_object_get(labelled->object, labelled->label_key);
    if (!json_is_string(text)) {
        return LABELLED_FAIL(labelled, err, "'%s' is missing or not a string",
                             show(labelled->text_key).text);
    }
    if (!label) {
        return LABELLED_FAIL(labelled, err, "'%s' is missing; give one, or leave the line out",
                             show(labelled->label_key).text);
    }
    row->text = json_string_value(text);
    row->text_bytes = json_string_length(text);
    if (!json_is_array(label)) return add_value(labelled, label, err);
    for (size_t i = 0; i < json_array_size(label); i++) {
        if (!add_value(labelled, json_array_get(label, i), err)) return false;
    }
    return true;
}
