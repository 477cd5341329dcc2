/* SPDX-License-Identifier: Apache-2.0 */
#include "model/files/zip.h"

#include <inttypes.h>
#include <minizip/unzip.h>
#include <stdlib.h>
#include <string.h>

/* What the zip library reads instead of a file, and its state. */
struct reading {
    struct span bytes;
    uint64_t at;
    unzFile file;
};

struct member {
    char *name;
    unz64_file_pos place; /* in the directory */
    uint64_t bytes;
};

#define AGAIN "write the file again with skops.io.dump"

/* Fixed parts of an entry of the directory and of the record that ends the file. */
#define ENTRY_BYTES 46
#define END_BYTES 22

/* ---- a file in memory ---- */

static void *open_bytes(void *zip, const void *path, int mode)
{
    (void)path;
    (void)mode;
    return zip;
}

static uLong read_bytes(void *opaque, void *stream, void *data, uLong wanted)
{
    (void)opaque;
    struct reading *zip = stream;
    const uint64_t left = zip->bytes.bytes - zip->at;
    const uLong n = wanted < left ? wanted : (uLong)left;
    if (n > 0) memcpy(data, zip->bytes.data + zip->at, n);
    zip->at += n;
    return n;
}

static ZPOS64_T tell_bytes(void *opaque, void *stream)
{
    (void)opaque;
    return ((const struct reading *)stream)->at;
}

/* Never past the end. */
static long seek_bytes(void *opaque, void *stream, ZPOS64_T offset, int origin)
{
    (void)opaque;
    struct reading *zip = stream;
    uint64_t from = 0;
    if (origin == ZLIB_FILEFUNC_SEEK_CUR) from = zip->at;
    if (origin == ZLIB_FILEFUNC_SEEK_END) from = zip->bytes.bytes;
    if (offset > zip->bytes.bytes - from) return -1;
    zip->at = from + offset;
    return 0;
}

static int close_bytes(void *opaque, void *stream)
{
    (void)opaque;
    (void)stream;
    return 0;
}

/* Asked where less was read than wanted: were that no error, the library would take it as read. */
static int is_short(void *opaque, void *stream)
{
    (void)opaque;
    (void)stream;
    return 1;
}

/* ---- looking it over ---- */

static bool fail_zip(const struct err_file *file)
{
    return err_in_file(file, "it cannot be read as a zip file; it may be cut off: copy it again");
}

static bool fail_damaged(const struct err_file *file, const char *name)
{
    return err_in_file(file, "member '%.*s' is damaged; copy the file again", ERR_VALUE_BYTES,
                       name);
}

static bool is_record(struct span bytes, uint64_t at, const char *signature)
{
    return at <= bytes.bytes && bytes.bytes - at >= 4 && memcmp(bytes.data + at, signature, 4) == 0;
}

/* The library finds an end anywhere in the last 64 KB; here it must be the last thing there is. */
static bool open_zip(struct zip *members, struct span bytes)
{
    struct reading *zip = members->reading = calloc(1, sizeof *zip);
    if (!zip) return err_out_of_memory(members->file.err);
    zip->bytes = bytes;
    zlib_filefunc64_def memory = {.zopen64_file = open_bytes,
                                  .zread_file = read_bytes,
                                  .ztell64_file = tell_bytes,
                                  .zseek64_file = seek_bytes,
                                  .zclose_file = close_bytes,
                                  .zerror_file = is_short,
                                  .opaque = zip};
    unz_global_info64 info;
    zip->file = unzOpen2_64(NULL, &memory);
    if (!zip->file || unzGetGlobalInfo64(zip->file, &info) != UNZ_OK ||
        info.number_entry > bytes.bytes / ENTRY_BYTES ||
        !is_record(bytes, bytes.bytes - END_BYTES - info.size_comment, "PK\5\6"))
        return fail_zip(&members->file);
    members->items = calloc((size_t)info.number_entry + 1, sizeof *members->items);
    if (!members->items) return err_out_of_memory(members->file.err);
    members->n = (size_t)info.number_entry;
    return true;
}

static bool check_member(const struct err_file *file, const char *name, const unz_file_info64 *info)
{
    if (name[0] == '\0' || strpbrk(name, "/\\"))
        return err_in_file(file, "member '%.*s': skops writes no folders; " AGAIN, ERR_VALUE_BYTES,
                           name);
    if (info->flag & 1)
        return err_in_file(file, "member '%.*s' is encrypted; " AGAIN, ERR_VALUE_BYTES, name);
    if (info->compression_method != 0 && info->compression_method != Z_DEFLATED)
        return err_in_file(file,
                           "member '%.*s' is packed by method %lu; stored and deflated ones are "
                           "read: " AGAIN,
                           ERR_VALUE_BYTES, name, info->compression_method);
    if (info->uncompressed_size > MEMBERS_SMALL_BYTES &&
        info->uncompressed_size / MEMBERS_RATIO_MAX > info->compressed_size)
        return err_in_file(
            file,
            "member '%.*s' would unpack to %" PRIu64 " bytes, more than %d times its "
            "packed size; write the file again with skops.io.dump, without compression",
            ERR_VALUE_BYTES, name, (uint64_t)info->uncompressed_size, MEMBERS_RATIO_MAX);
    return true;
}

/* The header before the member's bytes says what the directory says, and the bytes are there. */
static bool is_whole(const struct reading *zip, const char *name, const unz_file_info64 *info)
{
    int method;
    if (info->compression_method == 0 && info->compressed_size != info->uncompressed_size)
        return false;
    if (unzOpenCurrentFile2(zip->file, &method, NULL, 1) != UNZ_OK) return false;
    const uint64_t start = unzGetCurrentFileZStreamPos64(zip->file);
    const uint64_t extra = (uint64_t)unzGetLocalExtrafield(zip->file, NULL, 0);
    unzCloseCurrentFile(zip->file);
    return start <= zip->bytes.bytes && info->compressed_size <= zip->bytes.bytes - start &&
           memcmp(zip->bytes.data + start - extra - info->size_filename, name,
                  info->size_filename) == 0;
}

/* @param end where the member's entry in the directory ends */
static bool look_over(struct zip *members, struct member *member, uint64_t *end)
{
    const struct err_file *where = &members->file;
    const unzFile file = members->reading->file;
    unz_file_info64 info;
    if (unzGetFilePos64(file, &member->place) != UNZ_OK ||
        unzGetCurrentFileInfo64(file, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK)
        return fail_zip(where);
    const uLong room = info.size_filename + 1;
    member->name = calloc(1, room);
    if (!member->name) return err_out_of_memory(where->err);
    if (unzGetCurrentFileInfo64(file, NULL, member->name, room, NULL, 0, NULL, 0) != UNZ_OK)
        return fail_zip(where);
    member->bytes = info.uncompressed_size;
    *end = member->place.pos_in_zip_directory + ENTRY_BYTES + info.size_filename +
           info.size_file_extra + info.size_file_comment;
    if (!check_member(where, member->name, &info)) return false;
    if (member->bytes > members->left)
        return err_in_file(where,
                           "its members would unpack to more than %" PRIu64
                           " MB; give a smaller head, or one as safetensors",
                           MEMBERS_BYTES_MAX >> 20);
    members->left -= member->bytes;
    return is_whole(members->reading, member->name, &info) || fail_damaged(where, member->name);
}

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static bool sort_members(struct zip *members)
{
    qsort(members->items, members->n, sizeof *members->items, compare_members);
    for (size_t i = 1; i < members->n; i++)
        if (compare_members(&members->items[i - 1], &members->items[i]) == 0)
            return err_in_file(&members->file,
                               "two members of the zip file have the same name; " AGAIN);
    return true;
}

/* The directory is followed by a record of its end, of 64 bits or not. */
static bool list_members(struct zip *members)
{
    const struct reading *zip = members->reading;
    uint64_t end = 0;
    int found = unzGoToFirstFile(zip->file);
    for (size_t i = 0; i < members->n; i++) {
        if (found != UNZ_OK) return fail_zip(&members->file);
        if (!look_over(members, &members->items[i], &end)) return false;
        found = unzGoToNextFile(zip->file);
    }
    if (!is_record(zip->bytes, end, "PK\5\6") && !is_record(zip->bytes, end, "PK\6\6"))
        return fail_zip(&members->file);
    members->left = MEMBERS_BYTES_MAX;
    return sort_members(members);
}

bool zip_open(struct zip *members, struct span bytes, struct err_file file)
{
    *members = (struct zip){.file = file, .left = MEMBERS_BYTES_MAX};
    return open_zip(members, bytes) && list_members(members);
}

void zip_close(struct zip *members)
{
    for (size_t i = 0; i < members->n; i++)
        free(members->items[i].name);
    if (members->reading && members->reading->file) unzClose(members->reading->file);
    free(members->reading);
    free(members->items);
    *members = (struct zip){0};
}

/* ---- unpacking ---- */

/* Its sum is checked where it is closed, if it was read to its end. */
static bool unpack(const struct zip *members, const struct member *member, char *data)
{
    const unzFile file = members->reading->file;
    if (unzGoToFilePos64(file, &member->place) != UNZ_OK || unzOpenCurrentFile(file) != UNZ_OK)
        return fail_damaged(&members->file, member->name);
    const int n = unzReadCurrentFile(file, data, (unsigned)member->bytes);
    const bool is_right = unzCloseCurrentFile(file) == UNZ_OK;
    return (n >= 0 && (uint64_t)n == member->bytes && is_right) ||
           fail_damaged(&members->file, member->name);
}

static int compare_name(const void *name, const void *member)
{
    return strcmp(name, ((const struct member *)member)->name);
}

bool zip_read(struct zip *members, const char *name, uint64_t bytes_max, struct span *out)
{
    const struct err_file *file = &members->file;
    const struct member *found =
        bsearch(name, members->items, members->n, sizeof *members->items, compare_name);
    *out = (struct span){0};
    if (!found)
        return err_in_file(file, "there is no member '%.*s' in it; " AGAIN, ERR_VALUE_BYTES, name);
    if (found->bytes > bytes_max)
        return err_in_file(file,
                           "member '%.*s' has %" PRIu64 " bytes, more than %" PRIu64 "; " AGAIN,
                           ERR_VALUE_BYTES, name, found->bytes, bytes_max);
    if (found->bytes > members->left)
        return err_in_file(
            file,
            "its members are used so often that they would unpack to more than %" PRIu64
            " MB; " AGAIN,
            MEMBERS_BYTES_MAX >> 20);
    members->left -= found->bytes;
    char *data = malloc(found->bytes + 1);
    if (!data) return err_out_of_memory(file->err);
    if (!unpack(members, found, data)) {
        free(data);
        return false;
    }
    *out = (struct span){data, found->bytes};
    return true;
}
