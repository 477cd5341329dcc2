/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file schema.h
 * What the Python library skops writes: a zip file of schema.json, a tree of nodes, and of numpy's
 * arrays. Each node says by `__loader__` what it is:
 *
 * - ObjectNode: `__module__`, `__class__`, and its attributes: `content`, a DictNode
 * - DictNode: `content`, an object of nodes
 * - ListNode, TupleNode: `content`, a list of nodes
 * - JsonNode: `content`, a string that is JSON
 * - NdArrayNode: `type` "numpy": `file`, a member; or "json" (dtype object): `content`, a list of
 *   nodes
 *
 * Nothing of it is ever run: nodes are looked up by name, all others are passed over. Functions
 * that fail say file, place in the tree and remedy (ERR_FORMAT).
 */
#pragma once

#include "model/head/members.h"
#include "model/table/npy.h"

struct schema {
    const struct head_parts *parts; /* for messages */
    struct members members;
    json_t *root;
};

/** A node and where it stands, for messages. */
struct node {
    const json_t *json; /* NULL: there is none */
    char path[160];
};

/** An array of the file. */
struct array {
    struct npy npy;
    struct span bytes; /* owned: array_clear */
    char path[160];
};

/** schema_open reads schema.json; its protocol must be one that is known. schema_close either way.
 * @param root  the outermost node */
bool schema_open(struct schema *schema, struct span bytes, const struct head_parts *parts,
                 struct node *root);
void schema_close(struct schema *schema);

/** schema_fail: err_set with ERR_FORMAT, file and place in front. Returns false. */
bool schema_fail(const struct schema *schema, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** node_is: its loader is of that name. */
bool node_is(const struct node *node, const char *loader);

/** node_class: `__class__`, "" where there is none. */
const char *node_class(const struct node *node);

/** node_find: an attribute of an ObjectNode; out->json is NULL where it has none such. */
bool node_find(const struct schema *schema, const struct node *object, const char *name,
               struct node *out);

/** node_field: node_find, but a missing one is an error. */
bool node_field(const struct schema *schema, const struct node *object, const char *name,
                struct node *out);

/** node_items: how many nodes a ListNode, a TupleNode or an array of dtype object has. */
bool node_items(const struct schema *schema, const struct node *list, size_t *n);

/** node_item: the one at `i` (< n). */
void node_item(const struct node *list, size_t i, struct node *out);

/** node_value: what a JsonNode holds, owned by the caller. */
bool node_value(const struct schema *schema, const struct node *node, json_t **out);

/** node_array reads an array from its member. array_clear either way. */
bool node_array(struct schema *schema, const struct node *node, struct array *out);
void array_clear(struct array *array);
