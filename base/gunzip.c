/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gunzip.h"

#include <stdlib.h>
#include <zlib.h>

#define READ_BYTES ((size_t)64 << 10)
#define WINDOW_LOG_OF_GZIP (15 + 16)
/* zlib counts in 32 bits. */
#define STEP_BYTES ((size_t)1 << 30)

struct gunzip {
    struct byte_source from;
    const char *file;
    z_stream stream;
    bool is_at_end;  /* `from` has no more */
    bool is_between; /* a member has ended */
    uint64_t n_in, n_out;
    struct err failed; /* ERR_NONE: it has not */
    unsigned char in[READ_BYTES];
};

struct gunzip *gunzip_new(struct byte_source from, const char *file)
{
    struct gunzip *gunzip = calloc(1, sizeof *gunzip);
    if (!gunzip) return NULL;
    gunzip->from = from;
    gunzip->file = file;
    if (inflateInit2(&gunzip->stream, WINDOW_LOG_OF_GZIP) == Z_OK) return gunzip;
    free(gunzip);
    return NULL;
}

void gunzip_free(struct gunzip *gunzip)
{
    if (!gunzip) return;
    inflateEnd(&gunzip->stream);
    free(gunzip);
}

static bool fail(struct gunzip *gunzip, const char *why)
{
    return err_set(&gunzip->failed, ERR_FORMAT, NULL, "%.200s: %s", gunzip->file, why);
}

static bool take_in(struct gunzip *gunzip)
{
    if (gunzip->stream.avail_in > 0 || gunzip->is_at_end) return true;
    const ssize_t n = gunzip->from.read(gunzip->from.user, (char *)gunzip->in, sizeof gunzip->in,
                                        &gunzip->failed);
    if (n < 0) return false;
    gunzip->is_at_end = n == 0;
    gunzip->n_in += (uint64_t)n;
    gunzip->stream.next_in = gunzip->in;
    gunzip->stream.avail_in = (unsigned)n;
    return true;
}

/* What follows a member: another one, or nothing but zeros. */
static bool start_member(struct gunzip *gunzip)
{
    z_stream *stream = &gunzip->stream;
    while (stream->avail_in > 0 && *stream->next_in == 0) {
        stream->next_in++;
        stream->avail_in--;
    }
    if (stream->avail_in == 0) return true;
    if (*stream->next_in != (unsigned char)GUNZIP_MAGIC[0])
        return fail(gunzip, "something that is not gzip follows the gzip data");
    inflateReset(stream);
    gunzip->is_between = false;
    return true;
}

static bool check(struct gunzip *gunzip, int result, size_t made)
{
    gunzip->n_out += made;
    gunzip->is_between = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return err_set(&gunzip->failed, ERR_MEMORY, NULL, "no memory to unpack %.200s",
                       gunzip->file);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return fail(gunzip, "the gzip data is damaged; fetch the file again");
    if (result != Z_STREAM_END && made == 0 && gunzip->is_at_end && gunzip->stream.avail_in == 0)
        return fail(gunzip, "the gzip data is cut off; fetch the whole file");
    if (gunzip->n_out > GUNZIP_SMALL_BYTES && gunzip->n_out / GUNZIP_RATIO_MAX > gunzip->n_in)
        return err_set(&gunzip->failed, ERR_FORMAT, NULL,
                       "%.200s unpacks to more than %d times its size; if that is meant, unpack it "
                       "first, with gunzip",
                       gunzip->file, GUNZIP_RATIO_MAX);
    return true;
}

ssize_t gunzip_read(void *user, char *out, size_t cap, struct err *err)
{
    struct gunzip *gunzip = user;
    z_stream *stream = &gunzip->stream;
    while (gunzip->failed.code == ERR_NONE && take_in(gunzip)) {
        if (gunzip->is_between && !start_member(gunzip)) break;
        if (gunzip->is_between && gunzip->is_at_end) return 0;
        if (gunzip->is_between) continue;
        const size_t room = cap < STEP_BYTES ? cap : STEP_BYTES;
        stream->next_out = (unsigned char *)out;
        stream->avail_out = (unsigned)room;
        const int result = inflate(stream, Z_NO_FLUSH);
        const size_t made = room - stream->avail_out;
        /* What was made before it failed is good. */
        if (!check(gunzip, result, made) && made == 0) break;
        if (made > 0) return (ssize_t)made;
    }
    *err = gunzip->failed;
    return -1;
}
