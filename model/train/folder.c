/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/folder.h"

#include "base/save.h"
#include "model/inside.h"
#include "model/text/json_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const own_files[] = {"model.safetensors", "head.safetensors", "config.json",
                                        "tokenizer.json", "vocab.txt"};
#define N_OWN_FILES (sizeof own_files / sizeof own_files[0])

static bool fail(const char *what, const char *path, struct err *err)
{
    return err_set(err, ERR_IO, NULL, "%s %.400s: %s", what, path, strerror(errno));
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
    while (ok && (entry = readdir(folder)))
        if (!is_own(entry->d_name))
            ok = err_set(err, ERR_USAGE, NULL,
                         "%.300s holds '%.100s', which is no file of a model, so it is not "
                         "replaced; give another --output",
                         path, entry->d_name);
    closedir(folder);
    return ok;
}

bool folder_check(const char *path, bool replaces, struct err *err)
{
    struct stat info;
    if (!path[0]) return err_set(err, ERR_USAGE, NULL, "--output must name a folder to write");
    if (lstat(path, &info) == 0) {
        if (!S_ISDIR(info.st_mode))
            return err_set(err, ERR_USAGE, NULL,
                           "--output: %.400s is there and no folder; give another one", path);
        if (!replaces)
            return err_set(err, ERR_USAGE, NULL,
                           "--output: the folder %.400s is there; give another one, or --force to "
                           "replace it",
                           path);
        return holds_only_own(path, err);
    }
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    size_t bytes = strlen(parent);
    while (bytes > 1 && parent[bytes - 1] == '/')
        parent[--bytes] = '\0';
    char *slash = strrchr(parent, '/');
    if (slash)
        slash[slash == parent] = '\0';
    else
        strcpy(parent, ".");
    return access(parent, W_OK | X_OK) == 0 || fail("--output: cannot write into", parent, err);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The model's own, with the name of the folder. */
static char *config_of(const struct model *model, const char *name, bool is_new)
{
    json_t *config = json_deep_copy(model_content(model)->settings.json);
    if (!config) config = json_object();
    json_object_set_new(config, "name", json_string(name));
    if (is_new) {
        json_object_del(config, "version");
        json_object_del(config, "license");
    }
    char *text = json_dumps(config, JSON_INDENT(2));
    json_decref(config);
    return text;
}

static bool write_file(const char *folder, const char *name, const char *data, size_t bytes,
                       struct err *err)
{
    char path[PATH_MAX + NAME_MAX + 2];
    struct save save;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return save_open(&save, path, err) && save_write(&save, data, bytes, err) &&
           save_close(&save, err);
}

static bool write_span(const char *folder, const char *name, const struct span *span,
                       struct err *err)
{
    return !span->data || write_file(folder, name, span->data, span->bytes, err);
}

/* The files it was read from as they are; what lay in a packed file as the file it once was. */
static bool write_tokenizer(const char *folder, const struct content *content, struct err *err)
{
    char path[PATH_MAX + NAME_MAX + 2];
    struct save save;
    const struct source *source = &content->source;
    const bool is_dictionary = strcmp(tokenizer_kind(content->tokenizer), "dictionary") == 0;
    if (source->tokenizer.data || source->vocab.data)
        return write_span(folder, "tokenizer.json", &source->tokenizer, err) &&
               write_span(folder, "vocab.txt", &source->vocab, err);
    snprintf(path, sizeof path, "%s/%s", folder, is_dictionary ? "vocab.txt" : "tokenizer.json");
    if (!save_open(&save, path, err)) return false;
    if (is_dictionary)
        tokenizer_write_vocab(content->tokenizer, save.stream);
    else if (!tokenizer_write_json(content->tokenizer, NULL, save.stream, err)) {
        save_abort(&save);
        return false;
    }
    return save_close(&save, err);
}

/* With the table as it was, the files as they were. */
static bool copy_files(const char *folder, const struct source *source, struct err *err)
{
    return write_span(folder, "model.safetensors", &source->weights, err) &&
           write_span(folder, "tokenizer.json", &source->tokenizer, err) &&
           write_span(folder, "vocab.txt", &source->vocab, err) &&
           write_span(folder, "config.json", &source->config, err);
}

static bool write_files(const char *folder, const char *name, const struct model *model,
                        const struct snapshot *snapshot, bool is_new, struct err *err)
{
    const struct content *content = model_content(model);
    if (!write_file(folder, "head.safetensors", snapshot->head, snapshot->head_bytes, err))
        return false;
    if (!snapshot->table) return copy_files(folder, &content->source, err);
    char *config = config_of(model, name, is_new);
    bool ok = config ? write_file(folder, "config.json", config, strlen(config), err)
                     : err_set(err, ERR_MEMORY, NULL, "no memory for config.json");
    free(config);
    return ok &&
           write_file(folder, "model.safetensors", snapshot->table, snapshot->table_bytes, err) &&
           write_tokenizer(folder, content, err);
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
        return fail("cannot give its name to", path, err);
    if (!holds_only_own(path, err)) return false;
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
        remove_folder(temp);
        return true;
    }
    snprintf(old, sizeof old, "%.4000s.%ld.old", path, (long)getpid());
    if (rename(path, old) != 0) return fail("cannot put aside", path, err);
    if (rename(temp, path) != 0) {
        fail("cannot give its name to", path, err);
        rename(old, path);
        return false;
    }
    remove_folder(old);
    return true;
}

/* A number that a killed process left behind is passed over: in a container they come again. */
static bool make_temp(char *temp, size_t bytes, const char *path, struct err *err)
{
    for (long number = getpid();; number++) {
        snprintf(temp, bytes, "%s.%ld.tmp", path, number);
        if (mkdir(temp, 0777) == 0) return true;
        if (errno != EEXIST) return fail("cannot make the folder", temp, err);
    }
}

bool folder_write(const char *path, bool replaces, const struct model *model,
                  const struct snapshot *snapshot, bool is_new, struct err *err)
{
    char clean[PATH_MAX - 64], temp[PATH_MAX];
    if (snprintf(clean, sizeof clean, "%s", path) >= (int)sizeof clean)
        return err_set(err, ERR_USAGE, NULL, "--output: the path is too long");
    for (size_t bytes = strlen(clean); bytes > 1 && clean[bytes - 1] == '/';)
        clean[--bytes] = '\0';
    if (!make_temp(temp, sizeof temp, clean, err)) return false;
    bool ok = write_files(temp, last_part(clean), model, snapshot, is_new, err);
    if (ok && !sync_folder(temp)) ok = fail("cannot write", temp, err);
    ok = ok && put_in_place(temp, clean, replaces, err);
    if (!ok) remove_folder(temp);
    return ok;
}
