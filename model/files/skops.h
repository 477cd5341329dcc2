/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file skops.h
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
 * that fail say file, place in the tree and remedy (ERR_FORMAT). One thread.
 */
#pragma once

#include "base/json.h"
#include "model/files/npy.h"
#include "model/files/zip.h"

struct skops_file {
    struct err_file file; /* for messages */
    struct zip members;
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

/** skops_open reads schema.json; its protocol must be one that is known. skops_close either way.
 * @param root  the outermost node */
bool skops_open(struct skops_file *schema, struct span bytes, struct err_file file,
                struct node *root);
void skops_close(struct skops_file *schema);

/** skops_fail: err_set with ERR_FORMAT, file and place in front. Returns false. */
bool skops_fail(const struct skops_file *schema, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** node_is: its loader is of that name. */
bool node_is(const struct node *node, const char *loader);

/** node_class: `__class__`, "" where there is none. */
const char *node_class(const struct node *node);

/** node_find: an attribute of an ObjectNode; out->json is NULL if it does not have it. */
bool node_find(const struct skops_file *schema, const struct node *object, const char *name,
               struct node *out);

/** node_field: node_find, but a missing one is an error. */
bool node_field(const struct skops_file *schema, const struct node *object, const char *name,
                struct node *out);

/** node_items: how many nodes a ListNode, a TupleNode or an array of dtype object has. */
bool node_items(const struct skops_file *schema, const struct node *list, size_t *n);

/** node_item: the one at `i` (< n). */
void node_item(const struct node *list, size_t i, struct node *out);

/** node_value: what a JsonNode holds, owned by the caller. */
bool node_value(const struct skops_file *schema, const struct node *node, json_t **out);

/** node_array reads an array from its member. array_clear either way. */
bool node_array(struct skops_file *schema, const struct node *node, struct array *out);
void array_clear(struct array *array);
