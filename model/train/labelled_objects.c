/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "model/train/labelled.h"
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
        return LABELLED_BAD(labelled, BAD_ROW_JSON, err,
                            "%.250s; an object in each line is expected", detail.message);
    if (json_is_object(labelled->object)) return true;
    return LABELLED_BAD(
        labelled, BAD_ROW_JSON, err, "%s",
        "not an object; each line must hold one, like {\"text\": \"...\", \"label\": \"...\"}");
}

/* The first object has what was asked for. */
static bool check_given(struct labelled *labelled, const struct labelled_options *options,
                        struct err *err)
{
    const char *const given[] = {options->text, options->label};
    for (size_t i = 0; i < 2; i++)
        if (given[i] && !json_find(labelled->object, given[i]))
            return LABELLED_BAD(labelled, BAD_ROW_MISSING, err, "'%s' is missing",
                                show(given[i]).text);
    return true;
}

/* A path counts as a key. */
static size_t list_keys(const json_t *object, const struct labelled_options *options,
                        struct span *keys)
{
    const char *const given[] = {options->text, options->label};
    size_t n = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        keys[n++] = (struct span){key, strlen(key)};
    }
    for (size_t i = 0; i < 2; i++)
        if (given[i] && !json_object_get(object, given[i]) && json_find(object, given[i]))
            keys[n++] = (struct span){given[i], strlen(given[i])};
    return n;
}

/* The options and the first object tell the keys. */
static bool find_keys(struct labelled *labelled, const struct labelled_options *options,
                      struct err *err)
{
    struct columns columns;
    struct span *keys = malloc((json_object_size(labelled->object) + 2) * sizeof *keys);
    if (!keys) return labelled_fail_memory(labelled, err);
    const size_t n = list_keys(labelled->object, options, keys);
    const bool is_found = columns_find(&columns, labelled->records.file, options, LABELLED_JSONL,
                                       keys, n, LOOK_UNTOLD, err);
    if (is_found) {
        labelled->text_key = strdup(keys[columns.text].data);
        labelled->label_key = strdup(keys[columns.label].data);
    }
    free(keys);
    if (!is_found) return false;
    return (labelled->text_key && labelled->label_key) || labelled_fail_memory(labelled, err);
}

/* Cuts the first object, or the first that is right where bad ones are left out. */
static bool cut_first(struct labelled *labelled, const struct labelled_options *options,
                      struct err *err)
{
    while (!labelled_objects_cut(labelled, err) ||
           (labelled->skips_bad && !check_given(labelled, options, err))) {
        if (!labelled->bad || !labelled_leave_out(labelled, err)) return false;
        const int found = labelled_next_record(labelled, err);
        if (found == 0) return labelled_fail_no_rows(labelled, err);
        if (found < 0) return false;
    }
    return true;
}

/* ---- OpenAI's chats ---- */

/* Its text, also where it is the only part of a list of parts; NULL: it has none. */
static const json_t *content_of(const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    if (json_is_array(content) && json_array_size(content) == 1)
        content = json_object_get(json_array_get(content, 0), "text");
    return json_is_string(content) ? content : NULL;
}

/* The content of the last message of a role; NULL: there is none, or it is no text. */
static const json_t *find_message(const json_t *object, const char *role)
{
    const json_t *messages = json_object_get(object, "messages");
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        const char *of = json_string_value(json_object_get(message, "role"));
        if (of && strcmp(of, role) == 0) return content_of(message);
    }
    return NULL;
}

static bool is_chat(const json_t *object, const struct labelled_options *options)
{
    return !options->text && !options->label && json_is_array(json_object_get(object, "messages"));
}

static const json_t *text_of(const struct labelled *labelled)
{
    return labelled->is_chat ? find_message(labelled->object, "user")
                             : json_find(labelled->object, labelled->text_key);
}

static const json_t *label_of(const struct labelled *labelled)
{
    return labelled->is_chat ? find_message(labelled->object, "assistant")
                             : json_find(labelled->object, labelled->label_key);
}

/* ---- rows ---- */

static bool use_keys(struct labelled *labelled, const struct labelled_options *options,
                     struct err *err)
{
    labelled->is_chat = is_chat(labelled->object, options);
    if (!labelled->is_chat) return find_keys(labelled, options, err);
    labelled->text_key = strdup("messages: the last of role user");
    labelled->label_key = strdup("messages: the last of role assistant");
    return (labelled->text_key && labelled->label_key) || labelled_fail_memory(labelled, err);
}

bool labelled_objects_open(struct labelled *labelled, const struct labelled_options *options,
                           struct err *err)
{
    if (!cut_first(labelled, options, err) || !use_keys(labelled, options, err)) return false;
    snprintf(labelled->about, sizeof labelled->about, "JSONL%s: text = '%s', label = '%s'",
             labelled->packing, show(labelled->text_key).text, show(labelled->label_key).text);
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
    return LABELLED_BAD(labelled, BAD_ROW_MISSING, err,
                        "'%s' must be a string, an integer, true or false, or a list of these",
                        show(labelled->label_key).text);
}

static bool take_group(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    const json_t *group = labelled->group ? json_find(labelled->object, labelled->group) : NULL;
    if (!labelled->group) return true;
    if (!group)
        return LABELLED_BAD(labelled, BAD_ROW_MISSING, err, "'%s' is missing",
                            show(labelled->group).text);
    char *text = json_dumps(group, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) return labelled_fail_memory(labelled, err);
    row->group = hash_bytes(HASH_START, text, strlen(text)) | 1;
    free(text);
    return true;
}

bool labelled_objects_take(struct labelled *labelled, struct labelled_row *row, struct err *err)
{
    const json_t *text = text_of(labelled);
    const json_t *label = label_of(labelled);
    if (!json_is_string(text)) {
        return LABELLED_BAD(labelled, BAD_ROW_MISSING, err, "'%s' is missing or not a string",
                            show(labelled->text_key).text);
    }
    if (!label) {
        return LABELLED_BAD(labelled, BAD_ROW_MISSING, err,
                            "'%s' is missing; give one, or leave the line out",
                            show(labelled->label_key).text);
    }
    row->text = json_string_value(text);
    row->text_bytes = json_string_length(text);
    if (!take_group(labelled, row, err)) return false;
    if (!json_is_array(label)) return add_value(labelled, label, err);
    for (size_t i = 0; i < json_array_size(label); i++) {
        if (!add_value(labelled, json_array_get(label, i), err)) return false;
    }
    return true;
}
