/* SPDX-License-Identifier: Apache-2.0 */
#include "model/head/members.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct member {
    const char *name; /* the zip's own */
    uint64_t index, bytes;
};

#define AGAIN "write the file again with skops.io.dump"

/* ---- looking it over ---- */

static bool fail_zip(const struct head_parts *parts, zip_error_t *error)
{
    if (zip_error_code_zip(error) == ZIP_ER_EXISTS)
        head_fail(parts, "two members of the zip file have the same name; " AGAIN);
    else
        head_fail(parts, "it cannot be read as a zip file (%s); it may be cut off: copy it again",
                  zip_error_strerror(error));
    zip_error_fini(error);
    return false;
}

static bool open_zip(struct members *members, struct span bytes)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.data, bytes.bytes, 0, &error);
    if (!source) return fail_zip(members->parts, &error);
    /* Two members of one name are an error of consistency too. */
    members->zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    if (!members->zip) {
        zip_source_free(source);
        return fail_zip(members->parts, &error);
    }
    return true;
}

static bool check_member(const struct head_parts *parts, const zip_stat_t *info)
{
    const char *name = info->name;
    if (name[0] == '\0' || strpbrk(name, "/\\"))
        return head_fail(parts, "member '%.*s': skops writes no folders; " AGAIN, ERR_VALUE_BYTES,
                         name);
    if (info->encryption_method != ZIP_EM_NONE)
        return head_fail(parts, "member '%.*s' is encrypted; " AGAIN, ERR_VALUE_BYTES, name);
    if (info->comp_method != ZIP_CM_STORE && info->comp_method != ZIP_CM_DEFLATE)
        return head_fail(parts,
                         "member '%.*s' is packed by method %u; stored and deflated ones are "
                         "read: " AGAIN,
                         ERR_VALUE_BYTES, name, (unsigned)info->comp_method);
    if (info->size > MEMBERS_SMALL_BYTES && info->size / MEMBERS_RATIO_MAX > info->comp_size)
        return head_fail(
            parts,
            "member '%.*s' would unpack to %" PRIu64 " bytes, more than %d times its "
            "packed size; write the file again with skops.io.dump, without compression",
            ERR_VALUE_BYTES, name, (uint64_t)info->size, MEMBERS_RATIO_MAX);
    return true;
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static bool list_members(struct members *members)
{
    const struct head_parts *parts = members->parts;
    const zip_uint64_t wanted =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    uint64_t sum = 0;
    for (size_t i = 0; i < members->n; i++) {
        zip_stat_t info;
        if (zip_stat_index(members->zip, i, ZIP_FL_ENC_RAW, &info) < 0 ||
            (info.valid & wanted) != wanted)
            return head_fail(parts, "member %zu of the zip file says no name or size; " AGAIN, i);
        if (!check_member(parts, &info)) return false;
        if (info.size > MEMBERS_BYTES_MAX || (sum += info.size) > MEMBERS_BYTES_MAX)
            return head_fail(parts,
                             "its members would unpack to more than %" PRIu64
                             " MB; give a smaller head, or one as safetensors",
                             MEMBERS_BYTES_MAX >> 20);
        members->items[i] = (struct member){info.name, i, info.size};
    }
    qsort(members->items, members->n, sizeof *members->items, compare_members);
    return true;
}

bool members_open(struct members *members, struct span bytes, const struct head_parts *parts)
{
    *members = (struct members){.parts = parts, .left = MEMBERS_BYTES_MAX};
    if (!open_zip(members, bytes)) return false;
    members->n = (size_t)zip_get_num_entries(members->zip, 0);
    members->items = calloc(members->n + 1, sizeof *members->items);
    return members->items ? list_members(members) : err_out_of_memory(parts->err);
}

void members_close(struct members *members)
{
    if (members->zip) zip_discard(members->zip);
    free(members->items);
    *members = (struct members){0};
}

/* ---- unpacking ---- */

/* Its sum is checked where the end is read: one byte more is asked for, and must not be there. */
static bool unpack(const struct members *members, const struct member *member, char *data)
{
    zip_file_t *file = zip_fopen_index(members->zip, member->index, 0);
    uint64_t at = 0;
    zip_int64_t n = -1;
    char more;
    while (file && at < member->bytes && (n = zip_fread(file, data + at, member->bytes - at)) > 0)
        at += (uint64_t)n;
    bool ok = file && at == member->bytes && zip_fread(file, &more, 1) == 0;
    if (file) zip_fclose(file);
    return ok || head_fail(members->parts, "member '%.*s' is damaged; copy the file again",
                           ERR_VALUE_BYTES, member->name);
}

bool members_read(struct members *members, const char *name, uint64_t bytes_max, struct span *out)
{
    const struct head_parts *parts = members->parts;
    const struct member wanted = {.name = name};
    const struct member *found =
        bsearch(&wanted, members->items, members->n, sizeof *members->items, compare_members);
    *out = (struct span){0};
    if (!found)
        return head_fail(parts, "there is no member '%.*s' in it; " AGAIN, ERR_VALUE_BYTES, name);
    if (found->bytes > bytes_max)
        return head_fail(parts,
                         "member '%.*s' has %" PRIu64 " bytes, more than %" PRIu64 "; " AGAIN,
                         ERR_VALUE_BYTES, name, found->bytes, bytes_max);
    if (found->bytes > members->left)
        return head_fail(
            parts,
            "its members are used so often that they would unpack to more than %" PRIu64
            " MB; " AGAIN,
            MEMBERS_BYTES_MAX >> 20);
    members->left -= found->bytes;
    char *data = malloc(found->bytes + 1);
    if (!data) return err_out_of_memory(parts->err);
    if (!unpack(members, found, data)) {
        free(data);
        return false;
    }
    *out = (struct span){data, found->bytes};
    return true;
}
