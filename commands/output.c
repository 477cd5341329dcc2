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
static char unfinished[1060];

static void remove_unfinished(int signal_number)
{
    if (unfinished[0]) unlink(unfinished);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void guard_file(const char *temp)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    snprintf(unfinished, sizeof(unfinished), "%s", temp);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (signal(endings[i], remove_unfinished) == SIG_IGN) signal(endings[i], SIG_IGN);
    }
}

static bool fail(struct output *output, const char *what, struct err *err)
{
    return err_set(err, ERR_IO, NULL, "%s cannot be %s: %s", output->name, what, strerror(errno));
}

/* Opens the file to be renamed later, or the thing itself where that is no regular file. */
static int open_file(struct output *output, const char *path)
{
    char *real = realpath(path, NULL); /* a link stays a link */
    size_t bytes = (size_t)snprintf(output->name, sizeof(output->name), "%s", real ? real : path);
    free(real);
    if (bytes >= sizeof(output->name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    struct stat st;
    bool is_there = stat(output->name, &st) == 0;
    if (is_there && !S_ISREG(st.st_mode)) return open(output->name, O_WRONLY | O_CLOEXEC);
    snprintf(output->temp, sizeof(output->temp), "%s.%ld.tmp", output->name, (long)getpid());
    /* Before it is there: a signal may come right behind open(). */
    guard_file(output->temp);
    int fd = open(output->temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        output->temp[0] = unfinished[0] = 0;
    } else if (is_there && fchmod(fd, st.st_mode & 07777) != 0) {
        /* Another owner's file system may not let us; the file is then as a new one would be. */
        errno = 0;
    }
    return fd;
}

bool output_open(struct output *output, const char *path, struct err *err)
{
    memset(output, 0, sizeof(*output));
    int fd = STDOUT_FILENO;
    if (!path || strcmp(path, "-") == 0) {
        snprintf(output->name, sizeof(output->name), "standard output");
        output->stream = stdout;
    } else {
        fd = open_file(output, path);
        if (fd < 0) return fail(output, "opened", err);
        output->stream = fdopen(fd, "wb");
        if (!output->stream) {
            close(fd);
            output_abort(output);
            return fail(output, "opened", err);
        }
    }
    setvbuf(output->stream, buffer, _IOFBF, sizeof(buffer));
    struct stat st;
    bool is_patchable =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(fcntl(fd, F_GETFL) & O_APPEND);
    output->start = is_patchable ? (long)lseek(fd, 0, SEEK_CUR) : -1;
    return true;
}

bool output_write(struct output *output, const void *data, size_t bytes, struct err *err)
{
    if (fwrite(data, 1, bytes, output->stream) == bytes) return true;
    return fail(output, "written", err);
}

bool output_can_patch(const struct output *output)
{
    return output->start >= 0;
}

bool output_patch(struct output *output, const void *data, size_t bytes, struct err *err)
{
    FILE *stream = output->stream;
    if (fseek(stream, output->start, SEEK_SET) == 0 && fwrite(data, 1, bytes, stream) == bytes &&
        fseek(stream, 0, SEEK_END) == 0) {
        return true;
    }
    return fail(output, "written", err);
}

bool output_close(struct output *output, struct err *err)
{
    bool is_ok = fflush(output->stream) == 0 && !ferror(output->stream);
    if (!is_ok) fail(output, "written", err);
    if (output->stream != stdout && fclose(output->stream) != 0 && is_ok)
        is_ok = fail(output, "written", err);
    output->stream = NULL;
    if (is_ok && output->temp[0] && rename(output->temp, output->name) != 0)
        is_ok = fail(output, "put in its place", err);
    if (is_ok) output->temp[0] = unfinished[0] = 0;
    if (!is_ok) output_abort(output);
    return is_ok;
}

void output_abort(struct output *output)
{
    if (output->stream && output->stream != stdout) fclose(output->stream);
    output->stream = NULL;
    if (output->temp[0]) unlink(output->temp);
    output->temp[0] = unfinished[0] = 0;
}
