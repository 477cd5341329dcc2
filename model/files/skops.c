/* SPDX-License-Identifier: Apache-2.0 */
#include "model/files/skops.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_BYTES_MAX ((uint64_t)16 << 20)
#define PROTOCOL_MAX 2

bool skops_fail(const struct skops_file *schema, const char *path, const char *fmt, ...)
{
    char text[400];
    va_list values;
    va_start(values, fmt);
    vsnprintf(text, sizeof text, fmt, values);
    va_end(values);
    return err_in_file(&schema->file, "schema.json, %s: %s", path, text);
}

/* ---- the file ---- */

static bool check_protocol(const struct skops_file *schema)
{
    const json_t *protocol = json_object_get(schema->root, "protocol");
    if (json_is_integer(protocol) && json_integer_value(protocol) >= 0 &&
        json_integer_value(protocol) <= PROTOCOL_MAX)
        return true;
    if (json_is_integer(protocol))
        return err_in_file(
            &schema->file,
            "schema.json: protocol %lld is unknown, 0 to %d are read; write the file "
            "with skops 0.16 or older",
            (long long)json_integer_value(protocol), PROTOCOL_MAX);
    return err_in_file(&schema->file,
                       "schema.json must be an object with a whole number 'protocol'; "
                       "write the file again with skops.io.dump");
}

bool skops_open(struct skops_file *schema, struct span bytes, struct err_file file,
                struct node *root)
{
    struct span text;
    struct err detail;
    *schema = (struct skops_file){.file = file};
    if (!zip_open(&schema->members, bytes, file) ||
        !zip_read(&schema->members, "schema.json", SCHEMA_BYTES_MAX, &text))
        return false;
    schema->root = json_read(text.data, text.bytes, &detail);
    free((char *)text.data);
    if (!schema->root) return err_in_file(&file, "schema.json: %s", detail.message);
    *root = (struct node){.json = schema->root, .path = "the root"};
    return check_protocol(schema);
}

void skops_close(struct skops_file *schema)
{
    json_decref(schema->root);
    zip_close(&schema->members);
}

/* ---- its nodes ---- */

/* Where the parent stands is left out of the root's children. */
static void place(struct node *out, const json_t *json, const char *parent, const char *name)
{
    const bool is_inner = strcmp(parent, "the root") != 0;
    out->json = json;
    snprintf(out->path, sizeof out->path, "%.120s%s%.30s", is_inner ? parent : "",
             is_inner && name[0] != '[' ? "." : "", name);
}

static const char *text_of(const struct node *node, const char *key)
{
    const char *text = json_string_value(json_object_get(node->json, key));
    return text ? text : "";
}

bool node_is(const struct node *node, const char *loader)
{
    return strcmp(text_of(node, "__loader__"), loader) == 0;
}

const char *node_class(const struct node *node)
{
    return text_of(node, "__class__");
}

static bool fail_loader(const struct skops_file *schema, const struct node *node,
                        const char *wanted)
{
    const char *loader = text_of(node, "__loader__");
    return skops_fail(schema, node->path, "it must be %s, not '%.*s' of the loader '%.*s'", wanted,
                      ERR_VALUE_BYTES, node_class(node), ERR_VALUE_BYTES, loader);
}

bool node_find(const struct skops_file *schema, const struct node *object, const char *name,
               struct node *out)
{
    const struct node attributes = {.json = json_object_get(object->json, "content")};
    const json_t *content = json_object_get(attributes.json, "content");
    if (!node_is(object, "ObjectNode") || !node_is(&attributes, "DictNode") ||
        !json_is_object(content))
        return fail_loader(schema, object, "an object with attributes");
    struct node found;
    place(&found, json_object_get(content, name), object->path, name);
    *out = found;
    return true;
}

bool node_field(const struct skops_file *schema, const struct node *object, const char *name,
                struct node *out)
{
    if (!node_find(schema, object, name, out)) return false;
    return out->json || skops_fail(schema, out->path,
                                   "it is missing; fit the pipeline and write "
                                   "it with skops.io.dump");
}

bool node_items(const struct skops_file *schema, const struct node *list, size_t *n)
{
    const json_t *items = json_object_get(list->json, "content");
    const bool is_list =
        node_is(list, "ListNode") || node_is(list, "TupleNode") ||
        (node_is(list, "NdArrayNode") && strcmp(text_of(list, "type"), "json") == 0);
    if (!is_list || !json_is_array(items)) return fail_loader(schema, list, "a list");
    *n = json_array_size(items);
    return true;
}

void node_item(const struct node *list, size_t i, struct node *out)
{
    char index[32];
    struct node found;
    snprintf(index, sizeof index, "[%zu]", i);
    place(&found, json_array_get(json_object_get(list->json, "content"), i), list->path, index);
    *out = found;
}

bool node_value(const struct skops_file *schema, const struct node *node, json_t **out)
{
    const json_t *text = json_object_get(node->json, "content");
    struct err detail;
    if (!node_is(node, "JsonNode") || !json_is_string(text))
        return fail_loader(schema, node, "a plain value");
    *out = json_read(json_string_value(text), json_string_length(text), &detail);
    return *out || skops_fail(schema, node->path, "%.200s", detail.message);
}

bool node_array(struct skops_file *schema, const struct node *node, struct array *out)
{
    const char *file = text_of(node, "file");
    memset(out, 0, sizeof *out);
    memcpy(out->path, node->path, sizeof out->path);
    if (!node_is(node, "NdArrayNode") || strcmp(text_of(node, "type"), "numpy") != 0)
        return fail_loader(schema, node, "an array of numpy");
    if (!zip_read(&schema->members, file, MEMBERS_BYTES_MAX, &out->bytes)) return false;
    const char *why = npy_open(&out->npy, out->bytes);
    return !why || err_in_file(&schema->file,
                               "member '%.*s' (%s in schema.json) %s; write the file again with "
                               "skops.io.dump",
                               ERR_VALUE_BYTES, file, node->path, why);
}

void array_clear(struct array *array)
{
    free((char *)array->bytes.data);
    *array = (struct array){0};
}
