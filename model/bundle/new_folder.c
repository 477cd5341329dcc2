/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/new_folder.h"

#include "base/file.h"
#include "base/leftovers.h"
#include "base/save.h"
#include "model/bundle/prompts.h"
#include "model/text/json/json_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const own_files[] = {
    "model.safetensors", "head.safetensors", "config.json", "tokenizer.json", "vocab.txt",
    "modules.json",      "head.json",        "head.csv",    "pipeline.skops", PROMPTS_FILE};
#define N_OWN_FILES (sizeof own_files / sizeof own_files[0])

static bool fail(const char *what, const char *path, struct err *err)
{
    return err_set(err, ERR_IO, NULL, "%s '%.400s': %s", what, path, strerror(errno));
}

static bool is_own(const char *name)
{
    for (size_t i = 0; i < N_OWN_FILES; i++)
        if (strcmp(own_files[i], name) == 0) return true;
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A folder with files of others is not ours to take away. */
static bool holds_only_own(const char *path, struct err *err)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool ok = true;
    if (!folder) return fail("cannot read the folder", path, err);
    while (ok && (entry = file_next_entry(folder)))
        if (!is_own(entry->d_name))
            ok = err_set(err, ERR_USAGE, "output",
                         "%.300s holds '%.100s', which is not a file of a model, so the folder is "
                         "not replaced; give another `output`",
                         path, entry->d_name);
    if (ok && errno != 0) ok = fail("cannot read the folder", path, err);
    closedir(folder);
    return ok;
}

bool new_folder_check(const char *path, bool replaces, struct err *err)
{
    struct stat info;
    if (!path[0]) return err_set(err, ERR_USAGE, "output", "`output` must name a folder to write");
    if (lstat(path, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            return err_set(err, ERR_USAGE, "output",
                           "`output`: %.400s exists and is not a folder; give another one", path);
        if (!replaces)
            return err_set(
                err, ERR_USAGE, "output",
                "`output`: the folder %.400s exists; give another one, or `force` to replace it",
                path);
        return holds_only_own(path, err);
    }
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    parent[file_path_bytes(parent)] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    else
        strcpy(parent, ".");
    return access(parent, W_OK | X_OK) == 0 || fail("`output`: cannot write into", parent, err);
}

static void remove_folder(const char *path)
{
    char file[PATH_MAX + NAME_MAX + 2];
    for (size_t i = 0; i < N_OWN_FILES; i++) {
        snprintf(file, sizeof file, "%s/%s", path, own_files[i]);
        unlink(file);
    }
    rmdir(path);
}

static void remove_file(const char *temp)
{
    unlink(temp);
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* One step where the file system can exchange two names; else the older folder is away for a
   moment, but never lost. */
static bool put_in_place(const char *temp, const char *path, bool replaces, struct err *err)
{
    char old[PATH_MAX];
    if (rename(temp, path) == 0) return true;
    if (!replaces || (errno != ENOTEMPTY && errno != EEXIST))
        return fail("cannot rename the new folder to", path, err);
    if (!holds_only_own(path, err)) return false;
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
        remove_folder(temp);
        return true;
    }
    snprintf(old, sizeof old, "%.4000s.%ld.old", path, (long)getpid());
    if (rename(path, old) != 0) return fail("cannot move aside", path, err);
    if (rename(temp, path) != 0) {
        fail("cannot rename the new folder to", path, err);
        rename(old, path);
        return false;
    }
    remove_folder(old);
    return true;
}

/* A file of it may have been half written, too. */
static void remove_leftover(const char *temp)
{
    char file[PATH_MAX + NAME_MAX + 2];
    for (size_t i = 0; i < N_OWN_FILES; i++) {
        snprintf(file, sizeof file, "%s/%s", temp, own_files[i]);
        leftovers_remove(file, remove_file);
    }
    remove_folder(temp);
}

/* A number that a killed process left behind is passed over: in a container they come again. */
static bool make_temp(char *temp, size_t bytes, const char *path, struct err *err)
{
    for (long number = getpid();; number++) {
        snprintf(temp, bytes, "%s.%ld.tmp", path, number);
        if (mkdir(temp, 0777) == 0) return true;
        if (errno != EEXIST) return fail("cannot create the folder", temp, err);
    }
}

bool new_folder_open(struct new_folder *folder, const char *path, struct err *err)
{
    *folder = (struct new_folder){.hold = -1};
    if (snprintf(folder->path, sizeof folder->path, "%s", path) >= (int)sizeof folder->path)
        return err_set(err, ERR_USAGE, "output", "`output`: the path is too long");
    folder->path[file_path_bytes(folder->path)] = '\0';
    const char *slash = strrchr(folder->path, '/');
    folder->name = slash ? slash + 1 : folder->path;
    leftovers_remove(folder->path, remove_leftover);
    while (make_temp(folder->temp, sizeof folder->temp, folder->path, err)) {
        folder->hold = leftovers_hold(folder->temp);
        if (folder->hold >= 0 || access(folder->temp, F_OK) == 0) return true;
    }
    return false;
}

void new_folder_file(const struct new_folder *folder, const char *name,
                     char path[static NEW_FOLDER_FILE_BYTES])
{
    snprintf(path, NEW_FOLDER_FILE_BYTES, "%s/%s", folder->temp, name);
}

bool new_folder_write(const struct new_folder *folder, const char *name, const char *data,
                      size_t bytes, struct err *err)
{
    char path[NEW_FOLDER_FILE_BYTES];
    struct save save;
    new_folder_file(folder, name, path);
    return save_open(&save, path, err) && save_write(&save, data, bytes, err) &&
           save_close(&save, err);
}

static bool end_file(struct save *save, bool is_written, struct err *err)
{
    if (is_written) return save_close(save, err);
    save_abort(save);
    return false;
}

bool new_folder_write_tokenizer(const struct new_folder *folder, const struct tokenizer *tokenizer,
                                const struct limits *limits, struct err *err)
{
    char path[NEW_FOLDER_FILE_BYTES];
    struct save save;
    const bool has_lines = tokenizer_fits_vocab(tokenizer);
    new_folder_file(folder, has_lines ? "vocab.txt" : "tokenizer.json", path);
    if (!save_open(&save, path, err)) return false;
    if (has_lines) tokenizer_write_vocab(tokenizer, save.stream);
    return end_file(
        &save, has_lines || tokenizer_write_json(tokenizer, NULL, limits, save.stream, err), err);
}

bool new_folder_write_word_level(const struct new_folder *folder, const struct tokenizer *tokenizer,
                                 uint32_t unknown_id, struct err *err)
{
    char path[NEW_FOLDER_FILE_BYTES];
    struct save save;
    new_folder_file(folder, "tokenizer.json", path);
    if (!save_open(&save, path, err)) return false;
    return end_file(&save, tokenizer_write_word_level(tokenizer, unknown_id, save.stream, err),
                    err);
}

static void let_go(struct new_folder *folder)
{
    if (folder->hold >= 0) close(folder->hold);
    folder->hold = -1;
}

bool new_folder_close(struct new_folder *folder, bool replaces, struct err *err)
{
    bool done = sync_folder(folder->temp) || fail("cannot write", folder->temp, err);
    done = done && put_in_place(folder->temp, folder->path, replaces, err);
    if (!done) remove_folder(folder->temp);
    let_go(folder);
    return done;
}

void new_folder_abort(struct new_folder *folder)
{
    remove_folder(folder->temp);
    let_go(folder);
}
