/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unzstd.h"

#include "base/gunzip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define READ_BYTES ((size_t)128 << 10)
/* 128 MiB: what the command zstd unpacks without --long. */
#define WINDOW_LOG_MAX 27
#define MAGIC_BYTES 4

struct unzstd {
    struct byte_source from;
    const char *file;
    ZSTD_DCtx *context;
    ZSTD_inBuffer in; /* of `bytes` */
    bool is_at_end;   /* `from` has no more */
    bool is_between;  /* a frame has ended */
    uint64_t n_in, n_out;
    struct err failed; /* ERR_NONE: it has not */
    char bytes[READ_BYTES];
};

struct unzstd *unzstd_new(struct byte_source from, const char *file)
{
    struct unzstd *unzstd = calloc(1, sizeof *unzstd);
    if (!unzstd) return NULL;
    unzstd->from = from;
    unzstd->file = file;
    unzstd->is_between = true;
    unzstd->in.src = unzstd->bytes;
    unzstd->context = ZSTD_createDCtx();
    if (unzstd->context) {
        ZSTD_DCtx_setParameter(unzstd->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
        return unzstd;
    }
    free(unzstd);
    return NULL;
}

void unzstd_free(struct unzstd *unzstd)
{
    if (!unzstd) return;
    ZSTD_freeDCtx(unzstd->context);
    free(unzstd);
}

static bool fail(struct unzstd *unzstd, const char *why)
{
    return err_set(&unzstd->failed, ERR_FORMAT, NULL, "%.200s: %s", unzstd->file, why);
}

/* Has at least `least` bytes in memory, or all that there are. */
static bool take_in(struct unzstd *unzstd, size_t least)
{
    ZSTD_inBuffer *in = &unzstd->in;
    if (in->pos == in->size) in->pos = in->size = 0;
    while (in->size - in->pos < least && !unzstd->is_at_end) {
        if (in->pos > 0) {
            memmove(unzstd->bytes, unzstd->bytes + in->pos, in->size - in->pos);
            in->size -= in->pos;
            in->pos = 0;
        }
        const ssize_t n = unzstd->from.read(unzstd->from.user, unzstd->bytes + in->size,
                                            sizeof unzstd->bytes - in->size, &unzstd->failed);
        if (n < 0) return false;
        unzstd->is_at_end = n == 0;
        unzstd->n_in += (uint64_t)n;
        in->size += (size_t)n;
    }
    return true;
}

/* Whether what follows is a frame, or one that is to be skipped. The library would take frames from
   before the standard, too. */
static bool start_frame(struct unzstd *unzstd)
{
    const char *at = unzstd->bytes + unzstd->in.pos;
    const size_t n = unzstd->in.size - unzstd->in.pos;
    if (n < MAGIC_BYTES) return fail(unzstd, "the zstd data is cut off; fetch the whole file");
    if (memcmp(at, UNZSTD_MAGIC, MAGIC_BYTES) != 0 &&
        ((*at & 0xF0) != 0x50 || memcmp(at + 1, "\x2A\x4D\x18", 3) != 0))
        return fail(unzstd, "something that is not zstd follows the zstd data");
    unzstd->is_between = false;
    return true;
}

static bool fail_frame(struct unzstd *unzstd, size_t result)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return err_set(&unzstd->failed, ERR_MEMORY, NULL, "no memory to unpack %.200s",
                       unzstd->file);
    case ZSTD_error_frameParameter_windowTooLarge:
        return fail(unzstd,
                    "its zstd window takes more than 128 MiB of memory to unpack; unpack it "
                    "first, with the command zstd, or pack it with a smaller window");
    default:
        return fail(unzstd, "the zstd data is damaged; fetch the file again");
    }
}

static bool check(struct unzstd *unzstd, size_t result, size_t made, size_t room)
{
    if (ZSTD_isError(result)) return fail_frame(unzstd, result);
    unzstd->n_out += made;
    unzstd->is_between = result == 0;
    if (result > 0 && made < room && unzstd->is_at_end && unzstd->in.pos == unzstd->in.size)
        return fail(unzstd, "the zstd data is cut off; fetch the whole file");
    if (unzstd->n_out > GUNZIP_SMALL_BYTES && unzstd->n_out / GUNZIP_RATIO_MAX > unzstd->n_in)
        return err_set(&unzstd->failed, ERR_FORMAT, NULL,
                       "%.200s unpacks to more than %d times its size; if that is meant, unpack it "
                       "first, with zstd -d",
                       unzstd->file, GUNZIP_RATIO_MAX);
    return true;
}

ssize_t unzstd_read(void *user, char *out, size_t cap, struct err *err)
{
    struct unzstd *unzstd = user;
    while (unzstd->failed.code == ERR_NONE &&
           take_in(unzstd, unzstd->is_between ? MAGIC_BYTES : 1)) {
        if (unzstd->is_between && unzstd->in.pos == unzstd->in.size) return 0;
        if (unzstd->is_between && !start_frame(unzstd)) break;
        ZSTD_outBuffer to = {out, cap, 0};
        const size_t result = ZSTD_decompressStream(unzstd->context, &to, &unzstd->in);
        /* What was made before it failed is good. */
        if (!check(unzstd, result, to.pos, cap) && to.pos == 0) break;
        if (to.pos > 0) return (ssize_t)to.pos;
    }
    *err = unzstd->failed;
    return -1;
}
