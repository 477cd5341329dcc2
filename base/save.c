/* SPDX-License-Identifier: Apache-2.0 */
#include "base/save.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool fail(struct save *save, struct err *err)
{
    const int why = errno;
    save_abort(save);
    return err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", save->path, strerror(why));
}

bool save_init(struct save *save, const char *path, struct err *err)
{
    *save = (struct save){0};
    if (snprintf(save->path, sizeof save->path, "%s", path) >= (int)sizeof save->path) {
        errno = ENAMETOOLONG;
        return fail(save, err);
    }
    snprintf(save->temp, sizeof save->temp, "%s.%ld.tmp", save->path, (long)getpid());
    return true;
}

bool save_start(struct save *save, struct err *err)
{
    save->stream = fopen(save->temp, "wbe");
    return save->stream || fail(save, err);
}

bool save_open(struct save *save, const char *path, struct err *err)
{
    return save_init(save, path, err) && save_start(save, err);
}

bool save_write(struct save *save, const void *data, size_t bytes, struct err *err)
{
    return fwrite(data, 1, bytes, save->stream) == bytes || fail(save, err);
}

bool save_close(struct save *save, struct err *err)
{
    if (ferror(save->stream) || fflush(save->stream) != 0 ||
        (!save->skips_sync && fsync(fileno(save->stream)) != 0))
        return fail(save, err);
    FILE *stream = save->stream;
    save->stream = NULL;
    if (fclose(stream) == 0 && rename(save->temp, save->path) == 0) return true;
    const int why = errno;
    unlink(save->temp);
    return err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", save->path, strerror(why));
}

void save_abort(struct save *save)
{
    if (!save->stream) return;
    fclose(save->stream);
    unlink(save->temp);
    save->stream = NULL;
}
