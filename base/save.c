/* SPDX-License-Identifier: Apache-2.0 */
#include "base/save.h"

#include "base/leftovers.h"

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
    *save = (struct save){.hold = -1};
    if (snprintf(save->path, sizeof save->path, "%s", path) >= (int)sizeof save->path) {
        errno = ENAMETOOLONG;
        return fail(save, err);
    }
    snprintf(save->temp, sizeof save->temp, "%s.%ld.tmp", save->path, (long)getpid());
    return true;
}

static void remove_file(const char *temp)
{
    unlink(temp);
}

static bool is_gone(const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT;
}

/* From here on it is nobody's work. */
static void let_go(struct save *save)
{
    if (save->hold >= 0) close(save->hold);
    save->hold = -1;
}

bool save_start(struct save *save, struct err *err)
{
    leftovers_remove(save->path, remove_file);
    for (;;) {
        save->stream = fopen(save->temp, "wbe");
        if (!save->stream) return fail(save, err);
        save->hold = leftovers_hold(save->temp);
        if (save->hold >= 0 || !is_gone(save->temp)) return true;
        fclose(save->stream);
    }
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
    const bool done = fclose(stream) == 0 && rename(save->temp, save->path) == 0;
    const int why = errno;
    if (!done) unlink(save->temp);
    let_go(save);
    if (done) return true;
    return err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", save->path, strerror(why));
}

void save_abort(struct save *save)
{
    if (!save->stream) return;
    fclose(save->stream);
    unlink(save->temp);
    save->stream = NULL;
    let_go(save);
}
