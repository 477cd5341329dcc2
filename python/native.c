/* SPDX-License-Identifier: Apache-2.0 */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN 64
#define HUGE_PAGE ((size_t)2 << 20)
#define ARROW_NULLABLE 2

/* Many rows are written to once: to fault their pages in 4 kB at a time would take as long as the
 * texts do. */
static void *rows_new(size_t bytes)
{
    const size_t align = bytes < 2 * HUGE_PAGE ? ALIGN : HUGE_PAGE;
    void *rows = aligned_alloc(align, (bytes / align + 1) * align);
    if (rows && align == HUGE_PAGE) madvise(rows, bytes, MADV_HUGEPAGE);
    return rows;
}

native_block *native_block_new(size_t bytes, size_t rows)
{
    const size_t bitmap = (rows + 7) / 8;
    native_block *block = calloc(1, sizeof *block);
    if (!block) return NULL;
    block->refs = 1;
    block->data = rows_new(bytes);
    block->validity = malloc(bitmap + 1);
    if (!block->data || !block->validity) {
        native_block_drop(block);
        return NULL;
    }
    memset(block->validity, 0xFF, bitmap + 1);
    return block;
}

void native_block_drop(native_block *block)
{
    if (!block || __atomic_sub_fetch(&block->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    free(block->validity);
    free(block->data);
    free(block);
}

/* ---- schemas ---- */

struct list_schema {
    struct ArrowSchema item;
    struct ArrowSchema *children[1];
    char format[32], item_format[8];
};

/* A child's memory is its parent's. */
static void release_item_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_list_schema(struct ArrowSchema *schema)
{
    struct list_schema *list = schema->private_data;
    if (list->item.release) list->item.release(&list->item);
    free(list);
    schema->release = NULL;
}

struct ArrowSchema *native_export_schema(const char *format, int64_t dims)
{
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    struct list_schema *list = calloc(1, sizeof *list);
    if (!schema || !list) {
        free(schema);
        free(list);
        return NULL;
    }
    snprintf(list->format, sizeof list->format, "+w:%lld", (long long)dims);
    snprintf(list->item_format, sizeof list->item_format, "%s", format);
    list->item.format = list->item_format;
    list->item.name = "item";
    list->item.flags = ARROW_NULLABLE;
    list->item.release = release_item_schema;
    list->children[0] = &list->item;
    schema->format = list->format;
    schema->name = "";
    schema->flags = ARROW_NULLABLE;
    schema->n_children = 1;
    schema->children = list->children;
    schema->release = release_list_schema;
    schema->private_data = list;
    return schema;
}

/* ---- arrays ---- */

struct list_array {
    struct ArrowArray item;
    struct ArrowArray *children[1];
    const void *buffers[1];
    native_block *block;
};

/* A child may be moved out and outlive its parent, so each holds the block. */
struct item_array {
    const void *buffers[2];
    native_block *block;
};

static void release_item_array(struct ArrowArray *array)
{
    struct item_array *item = array->private_data;
    native_block_drop(item->block);
    free(item);
    array->release = NULL;
}

static void release_list_array(struct ArrowArray *array)
{
    struct list_array *list = array->private_data;
    if (list->item.release) list->item.release(&list->item);
    native_block_drop(list->block);
    free(list);
    array->release = NULL;
}

static void hold(native_block *block)
{
    __atomic_add_fetch(&block->refs, 1, __ATOMIC_RELAXED);
}

struct ArrowArray *native_export_array(native_block *block, int64_t rows, int64_t dims,
                                       int64_t nulls)
{
    struct ArrowArray *array = calloc(1, sizeof *array);
    struct list_array *list = calloc(1, sizeof *list);
    struct item_array *item = calloc(1, sizeof *item);
    if (!array || !list || !item) {
        free(array);
        free(list);
        free(item);
        return NULL;
    }
    hold(block);
    hold(block);
    item->block = block;
    item->buffers[1] = block->data;
    list->item = (struct ArrowArray){.length = rows * dims,
                                     .n_buffers = 2,
                                     .buffers = item->buffers,
                                     .release = release_item_array,
                                     .private_data = item};
    list->block = block;
    list->children[0] = &list->item;
    list->buffers[0] = nulls > 0 ? block->validity : NULL;
    *array = (struct ArrowArray){.length = rows,
                                 .null_count = nulls,
                                 .n_buffers = 1,
                                 .n_children = 1,
                                 .buffers = list->buffers,
                                 .children = list->children,
                                 .release = release_list_array,
                                 .private_data = list};
    return array;
}

/* ---- capsules and streams ---- */

void native_free_schema(struct ArrowSchema *schema)
{
    native_release_schema(schema);
    free(schema);
}

void native_free_array(struct ArrowArray *array)
{
    native_release_array(array);
    free(array);
}

int native_stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    return stream->get_schema(stream, out);
}

int native_stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    return stream->get_next(stream, out);
}

void native_release_schema(struct ArrowSchema *schema)
{
    if (schema->release) schema->release(schema);
}

void native_release_array(struct ArrowArray *array)
{
    if (array->release) array->release(array);
}
