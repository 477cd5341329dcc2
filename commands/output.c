/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* glibc takes the size only with the memory. */
static char buffer[256 << 10];

/* What a signal that ends the program has to remove; "" = nothing. */
static char unfinished[2][sizeof((struct save *)NULL)->temp];
enum { TEMP, LOCK };

static void remove_unfinished(int signal_number)
{
    for (size_t i = 0; i < 2; i++)
        if (unfinished[i][0]) unlink(unfinished[i]);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void guard(int which, const char *path)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    snprintf(unfinished[which], sizeof(unfinished[which]), "%s", path);
    for (size_t i = 0; path[0] && i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (signal(endings[i], remove_unfinished) == SIG_IGN) signal(endings[i], SIG_IGN);
    }
}

void output_guard(const char *path)
{
    guard(LOCK, path ? path : "");
}

/* The guard is set before the file is there: a signal may come right behind. */
static bool open_guarded(struct save *save, const char *path, struct err *err)
{
    if (!save_init(save, path, err)) return false;
    guard(TEMP, save->temp);
    if (save_start(save, err)) return true;
    unfinished[TEMP][0] = 0;
    return false;
}

static bool fail(const struct output *output, struct err *err)
{
    return err_set(err, ERR_IO, NULL, "%s cannot be written: %s", output->name, strerror(errno));
}

/* Opens the file to be renamed later, or the thing itself where that is no regular file. */
static bool open_file(struct output *output, const char *path, struct err *err)
{
    char *real = realpath(path, NULL); /* a link stays a link */
    struct stat st;
    const bool is_there = real && stat(real, &st) == 0;
    snprintf(output->name, sizeof output->name, "%s", real ? real : path);
    bool is_open;
    if (is_there && !S_ISREG(st.st_mode)) {
        const int fd = open(real, O_WRONLY | O_CLOEXEC);
        output->stream = fd < 0 ? NULL : fdopen(fd, "wb");
        is_open = output->stream || fail(output, err);
        if (!is_open && fd >= 0) close(fd);
    } else {
        is_open = open_guarded(&output->save, real ? real : path, err);
        output->stream = output->save.stream;
        output->save.skips_sync = true; /* what a power cut takes can be made again */
        /* Another owner's file system may not let us; the file is then as a new one would be. */
        if (is_open && is_there && fchmod(fileno(output->stream), st.st_mode & 07777) != 0)
            errno = 0;
    }
    free(real);
    return is_open;
}

bool output_open(struct output *output, const char *path, struct err *err)
{
    memset(output, 0, sizeof(*output));
    if (!path || strcmp(path, "-") == 0) {
        snprintf(output->name, sizeof(output->name), "standard output");
        output->stream = stdout;
    } else if (!open_file(output, path, err)) {
        return false;
    }
    setvbuf(output->stream, buffer, _IOFBF, sizeof(buffer));
    const int fd = fileno(output->stream);
    struct stat st;
    bool is_patchable =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(fcntl(fd, F_GETFL) & O_APPEND);
    output->start = is_patchable ? (long)lseek(fd, 0, SEEK_CUR) : -1;
    return true;
}

bool output_write(struct output *output, const void *data, size_t bytes, struct err *err)
{
    if (output->save.stream) {
        const bool is_written = save_write(&output->save, data, bytes, err);
        if (!is_written) output->stream = NULL; /* it is closed and removed */
        return is_written;
    }
    return fwrite(data, 1, bytes, output->stream) == bytes || fail(output, err);
}

bool output_flush(struct output *output, struct err *err)
{
    if (fflush(output->stream) == 0) return true;
    if (!output->save.stream) return fail(output, err);
    err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", output->save.path, strerror(errno));
    save_abort(&output->save);
    output->stream = NULL; /* it is closed and removed */
    return false;
}

bool output_can_patch(const struct output *output)
{
    return output->start >= 0;
}

bool output_patch(struct output *output, const void *data, size_t bytes, struct err *err)
{
    if (fseek(output->stream, output->start, SEEK_SET) != 0) return fail(output, err);
    return output_write(output, data, bytes, err) &&
           (fseek(output->stream, 0, SEEK_END) == 0 || fail(output, err));
}

bool output_close(struct output *output, struct err *err)
{
    bool is_ok;
    if (output->save.stream) {
        is_ok = save_close(&output->save, err);
    } else {
        is_ok = (fflush(output->stream) == 0 && !ferror(output->stream)) || fail(output, err);
        if (output->stream != stdout && fclose(output->stream) != 0 && is_ok)
            is_ok = fail(output, err);
    }
    output->stream = NULL;
    unfinished[TEMP][0] = 0;
    return is_ok;
}

void output_abort(struct output *output)
{
    if (output->save.stream)
        save_abort(&output->save);
    else if (output->stream && output->stream != stdout)
        fclose(output->stream);
    output->stream = NULL;
    unfinished[TEMP][0] = 0;
}

/* Of files that are not there: the same name in the same folder. */
static bool is_same_place(const char *path, const char *other)
{
    const char *const both[] = {path, other}, *names[2];
    struct stat folders[2];
    for (size_t i = 0; i < 2; i++) {
        const char *slash = strrchr(both[i], '/');
        char folder[1024] = ".";
        names[i] = slash ? slash + 1 : both[i];
        if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(names[i] - both[i]), both[i]);
        if (stat(folder, &folders[i]) != 0) return false;
    }
    return strcmp(names[0], names[1]) == 0 && folders[0].st_dev == folders[1].st_dev &&
           folders[0].st_ino == folders[1].st_ino;
}

bool output_replaces(const char *path, const char *other)
{
    struct stat one, two;
    if (strcmp(path, "-") == 0) return false;
    const bool is_there = stat(path, &one) == 0;
    const bool is_other_there =
        (strcmp(other, "-") == 0 ? fstat(STDIN_FILENO, &two) : stat(other, &two)) == 0;
    if (!is_there && !is_other_there) return is_same_place(path, other);
    return is_there && is_other_there && S_ISREG(one.st_mode) && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

bool output_save(const char *path, const void *data, size_t bytes, struct err *err)
{
    struct output output;
    const bool is_ok = output_open(&output, path, err) && output_write(&output, data, bytes, err) &&
                       output_close(&output, err);
    if (!is_ok) output_abort(&output);
    return is_ok;
}

bool output_ends_in(const char *path, const char *ending)
{
    const size_t bytes = strlen(path), ending_bytes = strlen(ending);
    return bytes > ending_bytes && strcmp(path + bytes - ending_bytes, ending) == 0;
}
