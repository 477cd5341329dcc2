/* SPDX-License-Identifier: Apache-2.0 */
/* `embedd key`: the file of keys that `api-keys` names. A key itself is written once, to standard
   output, and is never read from the command line, where every user of the machine could see it. */
#include "base/file.h"
#include "base/keyfile.h"
#include "base/lines.h"
#include "base/save.h"
#include "commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEADER                                                                                     \
    "# Who may ask embedd: a line a key. Name, what the key hashes to, scopes, the day it\n"       \
    "# expires, if it does, and limits of its own. Made by embedd key new; embedd key revoke\n"    \
    "# takes one out.\n"

struct key_flags {
    const char *scopes, *expires, *file;
    uint64_t requests, tokens; /* NOT_SAID, or a minute */
};
#define NOT_SAID UINT64_MAX

/* ---- the file, changed as a whole ---- */

struct edit {
    char *path;    /* of the file itself, where the name is that of a link */
    int folder_fd; /* locked: two at a time would lose what one of them wrote */
    char *text;    /* NUL-terminated; "" where there is no file yet */
    size_t bytes;
    struct keyfile keys;
    struct stat status;
    bool is_there;
    struct save save;
};

static void lock_folder(struct edit *edit)
{
    char *folder = strdup(edit->path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) slash[slash == folder] = '\0';
    edit->folder_fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Where a file system has no locks, there is one administrator, we hope. */
    if (edit->folder_fd >= 0) flock(edit->folder_fd, LOCK_EX);
    free(folder);
}

static void edit_close(struct edit *edit)
{
    save_abort(&edit->save);
    keyfile_clear(&edit->keys);
    if (edit->folder_fd >= 0) close(edit->folder_fd);
    free(edit->text);
    free(edit->path);
}

/* edit_close is due, also on failure. A file that is not there yet, or has not a word, is begun. */
static bool edit_open(struct edit *edit, const char *path, struct err *err)
{
    bool is_public;
    *edit = (struct edit){.folder_fd = -1, .path = realpath(path, NULL)};
    if (!edit->path) edit->path = strdup(path);
    if (!edit->path) return err_out_of_memory(err);
    lock_folder(edit);
    edit->is_there = stat(edit->path, &edit->status) == 0;
    if (edit->is_there && !S_ISREG(edit->status.st_mode))
        return err_set(err, ERR_IO, NULL, "'%.200s' is not a regular file; give another --file",
                       path);
    if (edit->is_there && !file_read(edit->path, KEYFILE_BYTES_MAX, &edit->text, &edit->bytes, err))
        return false;
    if (edit->text && edit->text[strspn(edit->text, " \t\r\n")])
        return keyfile_read(edit->path, &edit->keys, &is_public, err);
    free(edit->text);
    edit->text = strdup(HEADER);
    edit->bytes = strlen(HEADER);
    return edit->text || err_out_of_memory(err);
}

/* Readable for whom the file was, and by its owner alone where it is new. */
static bool edit_start(struct edit *edit, struct err *err)
{
    const mode_t mode = edit->is_there ? edit->status.st_mode & 0755 : 0600;
    const mode_t mask = umask(0177);
    const bool is_open = save_open(&edit->save, edit->path, err);
    umask(mask);
    if (!is_open) return false;
    const int fd = fileno(edit->save.stream);
    if (edit->is_there && (edit->status.st_uid != geteuid() || edit->status.st_gid != getegid()) &&
        fchown(fd, edit->status.st_uid, edit->status.st_gid) != 0)
        return err_set(err, ERR_IO, NULL,
                       "%.400s belongs to others, and so would what takes its place: %s; run this "
                       "as its owner",
                       edit->path, strerror(errno));
    if (fchmod(fd, mode) == 0) return true;
    return err_set(err, ERR_IO, NULL, "cannot write %.400s: %s", edit->path, strerror(errno));
}

static const struct keyfile_key *find_name(const struct keyfile *keys, const char *name)
{
    for (size_t i = 0; i < keys->n; i++)
        if (strcmp(keys->keys[i].name, name) == 0) return &keys->keys[i];
    return NULL;
}

static bool append(struct edit *edit, const struct keyfile_key *key, struct err *err)
{
    char line[KEY_LINE_BYTES];
    const size_t bytes = key_write_line(key, line, sizeof line - 1);
    line[bytes] = '\n';
    if (find_name(&edit->keys, key->name))
        return err_set(err, ERR_USAGE, NULL,
                       "%.200s has a key named %s already; choose another name, or revoke that one "
                       "first",
                       edit->path, key->name);
    for (size_t i = 0; i < edit->keys.n; i++)
        if (memcmp(edit->keys.keys[i].digest, key->digest, sizeof key->digest) == 0)
            return err_set(err, ERR_USAGE, NULL, "%.200s has that very key already, named %s",
                           edit->path, edit->keys.keys[i].name);
    return edit_start(edit, err) && save_write(&edit->save, edit->text, edit->bytes, err) &&
           save_write(&edit->save, line, bytes + 1, err) && save_close(&edit->save, err);
}

static bool add_to_file(const char *path, const struct keyfile_key *key, struct err *err)
{
    struct edit edit;
    const bool is_done = edit_open(&edit, path, err) && append(&edit, key, err);
    edit_close(&edit);
    return is_done;
}

/* ---- what a key is to be ---- */

/* "90d", "12h". */
static bool read_span(const char *text, int64_t *unix_s)
{
    char *end;
    errno = 0;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || n == 0 || n > 100000) return false;
    if (strcmp(end, "d") != 0 && strcmp(end, "h") != 0) return false;
    *unix_s = (int64_t)time(NULL) + (int64_t)n * (*end == 'd' ? 86400 : 3600);
    return true;
}

static bool read_expiry(const char *text, int64_t *unix_s, struct err *err)
{
    if (read_span(text, unix_s)) return true;
    if (!key_read_time((struct span){text, strlen(text)}, unix_s))
        return err_set(err, ERR_USAGE, NULL,
                       "--expires must be days or hours from now such as 90d or 12h, a day such as "
                       "2027-01-31 or a moment such as 2027-01-31T18:00:00Z, not '%.*s'",
                       ERR_VALUE_BYTES, text);
    return *unix_s > (int64_t)time(NULL) ||
           err_set(err, ERR_USAGE, NULL, "--expires %.*s has passed already; give a later time",
                   ERR_VALUE_BYTES, text);
}

static bool read_flags(const struct key_flags *flags, const char *name, struct keyfile_key *key,
                       struct err *err)
{
    *key = (struct keyfile_key){
        .expires_s = KEY_NEVER,
        .requests = {flags->requests != NOT_SAID, flags->requests},
        .tokens = {flags->tokens != NOT_SAID, flags->tokens},
    };
    if (!key_check_name(name, err)) return false;
    strcpy(key->name, name);
    return key_read_scopes((struct span){flags->scopes, strlen(flags->scopes)}, &key->scopes,
                           err) &&
           (!flags->expires || read_expiry(flags->expires, &key->expires_s, err));
}

static bool take_flags(struct key_flags *key_flags, const char *usage, const char *about, int argc,
                       char **argv, int *exit_code)
{
    int n_files;
    *key_flags =
        (struct key_flags){.scopes = "embed,classify", .requests = NOT_SAID, .tokens = NOT_SAID};
    const struct flag list[] = {
        {"scopes", FLAG_STRING, .out.string = &key_flags->scopes, .value = "SCOPE,...",
         .help = "what it is good for: embed, classify, metrics, admin (default: "
                 "embed,classify)"},
        {"expires", FLAG_STRING, .out.string = &key_flags->expires, .value = "WHEN",
         .help = "90d, 12h, 2027-01-31 (its end in UTC) or 2027-01-31T18:00:00Z (default: never)"},
        {"requests", FLAG_NUMBER, .out.number = &key_flags->requests, .value = "N",
         .max = KEY_REQUESTS_MAX,
         .help = "most requests a minute, 0 = no limit (default: what rate-limit says)"},
        {"tokens", FLAG_NUMBER, .out.number = &key_flags->tokens, .value = "N",
         .max = KEY_TOKENS_MAX,
         .help = "most tokens a minute, 0 = no limit (default: what rate-limit-tokens says)"},
        {"file", FLAG_STRING, .out.string = &key_flags->file, .value = "FILE",
         .help = "the file to write it to, made if need be (default: its line is shown)"},
    };
    const struct flags flags = {.usage = usage,
                                .about = about,
                                .list = list,
                                .n = sizeof list / sizeof list[0],
                                .files_min = 1,
                                .files_max = 1};
    return commands_take_flags(&flags, argc, argv, &n_files, exit_code);
}

#define FOLLOWS "a running service takes it up at its next reload (SIGHUP or POST /admin/reload)"

/* ---- embedd key new ---- */

static bool make(const struct key_flags *flags, const char *name, struct err *err)
{
    struct keyfile_key key;
    char text[KEY_TEXT_BYTES], line[KEY_LINE_BYTES];
    if (!read_flags(flags, name, &key, err) || !key_make(text, err)) return false;
    key_digest(text, strlen(text), key.digest);
    if (flags->file && !add_to_file(flags->file, &key, err)) return false;
    key_write_line(&key, line, sizeof line);
    if (flags->file)
        fprintf(stderr, "embedd key new: %s is in %s; " FOLLOWS "\n", key.name, flags->file);
    else
        fprintf(stderr, "embedd key new: the line for the file that api-keys names:\n%s\n", line);
    puts(text);
    return commands_close_stdout(err);
}

static int new_main(int argc, char **argv)
{
    struct key_flags flags;
    struct err err;
    int exit_code;
    if (!take_flags(
            &flags, "embedd key new NAME [OPTION]...",
            "Makes a key of 256 random bits and writes it to standard output, once: the file "
            "holds only\nwhat it hashes to.",
            argc, argv, &exit_code))
        return exit_code;
    return make(&flags, argv[1], &err) ? 0 : commands_fail(argv[0], &err);
}

/* ---- embedd key hash ---- */

/* The key on standard input, without the end of its line. */
static bool read_key(char *key, size_t room, size_t *bytes, struct err *err)
{
    *bytes = fread(key, 1, room, stdin);
    if (*bytes > 0 && *bytes < room && key[*bytes - 1] == '\n') --*bytes;
    if (*bytes > 0 && key[*bytes - 1] == '\r') --*bytes;
    if (*bytes < KEY_BYTES_MIN || *bytes > KEY_BYTES_MAX)
        return err_set(
            err, ERR_USAGE, NULL,
            "a key must have %d to %d bytes on one line of standard input, not %zu%s; the "
            "best is one of embedd key new",
            KEY_BYTES_MIN, KEY_BYTES_MAX, *bytes, *bytes == room ? " or more" : "");
    for (size_t i = 0; i < *bytes; i++)
        if (key[i] <= 0x20 || key[i] >= 0x7F)
            return err_set(err, ERR_USAGE, NULL,
                           "a key must be letters, digits and signs of ASCII without blanks: byte "
                           "%zu of standard input is none",
                           i + 1);
    return true;
}

static bool take(const struct key_flags *flags, const char *name, struct err *err)
{
    struct keyfile_key key;
    char text[KEY_BYTES_MAX + 3], line[KEY_LINE_BYTES];
    size_t bytes;
    if (!read_flags(flags, name, &key, err) || !read_key(text, sizeof text, &bytes, err))
        return false;
    key_digest(text, bytes, key.digest);
    if (flags->file && !add_to_file(flags->file, &key, err)) return false;
    key_write_line(&key, line, sizeof line);
    if (flags->file)
        fprintf(stderr, "embedd key hash: %s is in %s; " FOLLOWS "\n", key.name, flags->file);
    else
        puts(line);
    return commands_close_stdout(err);
}

static int hash_main(int argc, char **argv)
{
    struct key_flags flags;
    struct err err;
    int exit_code;
    if (!take_flags(&flags, "embedd key hash NAME [OPTION]... < KEY",
                    "Takes a key of your own from standard input, as long and as random as can be, "
                    "and writes its\nline to standard output or a file.",
                    argc, argv, &exit_code))
        return exit_code;
    return take(&flags, argv[1], &err) ? 0 : commands_fail(argv[0], &err);
}

/* ---- embedd key list ---- */

static void print_key(const struct keyfile_key *key, int64_t now_s)
{
    char scopes[KEY_SCOPES_BYTES], expires[KEY_TIME_BYTES] = "never", limits[KEY_LIMITS_BYTES];
    key_write_scopes(key->scopes, scopes);
    if (key->expires_s != KEY_NEVER) key_write_time(key->expires_s, expires);
    key_write_limits(key, limits);
    for (char *blank = limits; (blank = strchr(blank, ' '));)
        *blank = '\t';
    printf("%s\t%s\t%s%s%s\n", key->name, scopes, expires,
           key->expires_s <= now_s ? "\texpired" : "", limits);
}

static int list_main(int argc, char **argv)
{
    const struct flags flags = {
        .usage = "embedd key list FILE",
        .about =
            "The keys in a file: name, scopes, when it expires, whether it has, and limits of its "
            "own, with\ntabs between.",
        .files_min = 1,
        .files_max = 1,
    };
    struct keyfile keys;
    struct err err;
    int n_files, exit_code;
    bool is_public;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    if (!keyfile_read(argv[1], &keys, &is_public, &err)) return commands_fail(argv[0], &err);
    for (size_t i = 0; i < keys.n; i++)
        print_key(&keys.keys[i], (int64_t)time(NULL));
    keyfile_clear(&keys);
    return commands_close_stdout(&err) ? 0 : commands_fail(argv[0], &err);
}

/* ---- embedd key revoke ---- */

static bool write_without(struct edit *edit, size_t number, struct err *err)
{
    struct span left = {edit->text, edit->bytes}, line;
    bool is_empty = true;
    if (!edit_start(edit, err)) return false;
    for (size_t i = 1; left.bytes > 0; i++) {
        const char *start = left.data;
        lines_cut(&left, &line);
        if (i == number) continue;
        is_empty &= line.bytes == 0;
        if (!save_write(&edit->save, start, (size_t)(left.data - start), err)) return false;
    }
    /* A file without a word is taken for one that was lost. */
    return (!is_empty || save_write(&edit->save, HEADER, strlen(HEADER), err)) &&
           save_close(&edit->save, err);
}

static bool take_out(const char *path, const char *name, struct err *err)
{
    struct edit edit;
    bool is_done = edit_open(&edit, path, err);
    const struct keyfile_key *key = is_done ? find_name(&edit.keys, name) : NULL;
    if (is_done && !key)
        is_done = err_set(err, ERR_NOT_FOUND, NULL,
                          "%.200s has no key named '%.*s'; embedd key list shows them", path,
                          ERR_VALUE_BYTES, name);
    is_done = is_done && write_without(&edit, key->line, err);
    edit_close(&edit);
    if (is_done) fprintf(stderr, "embedd key revoke: %s is out of %s; " FOLLOWS "\n", name, path);
    return is_done;
}

static int revoke_main(int argc, char **argv)
{
    const char *file = NULL;
    const struct flag list[] = {{"file", FLAG_STRING, .out.string = &file, .value = "FILE",
                                 .help = "the file that api-keys names"}};
    const struct flags flags = {
        .usage = "embedd key revoke NAME --file FILE",
        .about = "Takes a key out of the file.",
        .list = list,
        .n = 1,
        .files_min = 1,
        .files_max = 1,
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    if (!file) {
        err_set(&err, ERR_USAGE, NULL, "--file must name the file that holds the key");
        return commands_fail(argv[0], &err);
    }
    return take_out(file, argv[1], &err) ? 0 : commands_fail(argv[0], &err);
}

/* ---- the command ---- */

static const struct {
    const char *name, *full_name;
    int (*fn)(int argc, char **argv);
    const char *usage;
} verbs[] = {
    {"new", "key new", new_main, "new NAME [OPTION]..."},
    {"hash", "key hash", hash_main, "hash NAME [OPTION]... < KEY"},
    {"list", "key list", list_main, "list FILE"},
    {"revoke", "key revoke", revoke_main, "revoke NAME --file FILE"},
};
#define N_VERBS (sizeof verbs / sizeof verbs[0])

static int print_usage(void)
{
    struct err err;
    for (size_t i = 0; i < N_VERBS; i++)
        printf("%s embedd key %s\n", i == 0 ? "usage:" : "      ", verbs[i].usage);
    printf("\nMakes, takes in, lists and revokes the keys that let clients in: the file that the "
           "service's\noption api-keys names. embedd key new --help tells more.\n");
    return commands_close_stdout(&err) ? 0 : commands_fail("key", &err);
}

int key_main(int argc, char **argv)
{
    struct err err;
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) return print_usage();
    for (size_t i = 0; argc > 1 && i < N_VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0) continue;
        argv[1] = (char *)(uintptr_t)verbs[i].full_name;
        return verbs[i].fn(argc - 1, argv + 1);
    }
    if (argc > 1)
        err_set(&err, ERR_USAGE, NULL,
                "there is no subcommand '%.*s'; use new, hash, list or revoke", ERR_VALUE_BYTES,
                argv[1]);
    else
        err_set(&err, ERR_USAGE, NULL, "a subcommand is required: new, hash, list or revoke");
    return commands_fail("key", &err);
}
