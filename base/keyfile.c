/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keyfile.h"

#include "base/file.h"
#include "base/grow.h"
#include "base/lines.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define DIGEST_PREFIX "sha256:"
#define DIGEST_PREFIX_BYTES (sizeof DIGEST_PREFIX - 1)
#define NAME_SHOWN_BYTES 200

const char *const key_scope_names[KEY_SCOPES] = {"embed", "classify", "metrics", "admin"};

/* ---- the words of a line ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of a line; none has no bytes. */
static struct span cut_word(struct span *line)
{
    while (line->bytes > 0 && is_blank(*line->data)) {
        line->data++;
        line->bytes--;
    }
    struct span word = {line->data, 0};
    while (word.bytes < line->bytes && !is_blank(word.data[word.bytes]))
        word.bytes++;
    line->data += word.bytes;
    line->bytes -= word.bytes;
    return word;
}

static bool is_control(char c)
{
    return (c >= 0 && c < 0x20) || c == 0x7F;
}

/* How many bytes of `text` a message shows, whole characters, `max` at most. */
static int shown_of(struct span text, size_t max)
{
    size_t n = 0;
    while (n < text.bytes && n < max && !is_control(text.data[n]))
        n++;
    return (int)utf8_valid_bytes(text.data, n);
}

static int shown(struct span word)
{
    return shown_of(word, ERR_VALUE_BYTES);
}

static bool is_name(struct span name)
{
    if (name.bytes == 0 || name.bytes > KEY_NAME_BYTES_MAX || *name.data == '#') return false;
    for (size_t i = 0; i < name.bytes; i++)
        if (name.data[i] <= 0x20 || name.data[i] >= 0x7F) return false;
    return true;
}

bool key_check_name(const char *name, struct err *err)
{
    const struct span text = {name, strlen(name)};
    const int n = shown_of(text, NAME_SHOWN_BYTES);
    if (is_name(text)) return true;
    if (text.bytes > KEY_NAME_BYTES_MAX)
        return err_set(err, ERR_USAGE, NULL,
                       "a key's name must have at most %d bytes, not %zu: '%.*s'",
                       KEY_NAME_BYTES_MAX, text.bytes, n, name);
    return err_set(
        err, ERR_USAGE, NULL,
        "a key's name must be 1 to %d ASCII letters, digits or signs without blanks, the "
        "first of them not #: '%.*s' is not",
        KEY_NAME_BYTES_MAX, n, name);
}

static bool find_scope(struct span word, unsigned *scopes)
{
    for (unsigned i = 0; i < KEY_SCOPES; i++) {
        if (strlen(key_scope_names[i]) != word.bytes) continue;
        if (memcmp(key_scope_names[i], word.data, word.bytes) != 0) continue;
        *scopes |= 1u << i;
        return true;
    }
    return false;
}

bool key_read_scopes(struct span text, unsigned *scopes, struct err *err)
{
    *scopes = 0;
    for (size_t at = 0; at <= text.bytes;) {
        const char *start = text.data + at;
        const char *comma = at < text.bytes ? memchr(start, ',', text.bytes - at) : NULL;
        const struct span word = {start, comma ? (size_t)(comma - start) : text.bytes - at};
        if (!find_scope(word, scopes))
            return err_set(
                err, ERR_USAGE, NULL,
                "the scopes of a key are embed, classify, metrics and admin, with commas "
                "between, not '%.*s'",
                shown(text), text.data);
        at += word.bytes + 1;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_digest(struct span word, uint8_t digest[static SHA256_DIGEST_SIZE])
{
    if (word.bytes != DIGEST_PREFIX_BYTES + 2 * SHA256_DIGEST_SIZE ||
        memcmp(word.data, DIGEST_PREFIX, DIGEST_PREFIX_BYTES) != 0)
        return false;
    const char *at = word.data + DIGEST_PREFIX_BYTES;
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
        const int high = hex_digit(at[2 * i]), low = hex_digit(at[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- moments ---- */

/* Reads `form`, in which 0 stands for a digit and other characters for themselves, in either case;
   the digits as numbers, one a run. */
static bool read_form(struct span *text, const char *form, int *numbers)
{
    const size_t bytes = strlen(form);
    if (text->bytes < bytes) return false;
    for (size_t i = 0, run = 0; i < bytes; i++) {
        const char c = text->data[i];
        if (form[i] != '0') {
            if (form[i] != c && form[i] != (c & ~0x20)) return false;
            run++;
            continue;
        }
        if (c < '0' || c > '9') return false;
        numbers[run] = (i > 0 && form[i - 1] == '0' ? numbers[run] * 10 : 0) + (c - '0');
    }
    text->data += bytes;
    text->bytes -= bytes;
    return true;
}

static void skip_fraction(struct span *text)
{
    size_t n = 1;
    if (text->bytes < 2 || *text->data != '.') return;
    while (n < text->bytes && text->data[n] >= '0' && text->data[n] <= '9')
        n++;
    if (n == 1) return;
    text->data += n;
    text->bytes -= n;
}

/* "Z", "+01:00": seconds to be taken away. */
static bool read_offset(struct span text, int64_t *offset_s)
{
    int numbers[3] = {0};
    *offset_s = 0;
    if (text.bytes == 1) return (*text.data | 0x20) == 'z';
    if (text.bytes != 6 || (*text.data != '+' && *text.data != '-')) return false;
    const int64_t sign = *text.data == '-' ? -1 : 1;
    text.data++;
    text.bytes--;
    if (!read_form(&text, "00:00", numbers) || numbers[0] > 23 || numbers[1] > 59) return false;
    *offset_s = sign * (numbers[0] * 3600 + numbers[1] * 60);
    return true;
}

/* A day that there is, to Unix time at its start. */
static bool read_day(const int numbers[static 3], int64_t *unix_s)
{
    struct tm tm = {.tm_year = numbers[0] - 1900, .tm_mon = numbers[1] - 1, .tm_mday = numbers[2]};
    const struct tm asked = tm;
    if (numbers[0] < 1970) return false;
    *unix_s = timegm(&tm);
    return tm.tm_mon == asked.tm_mon && tm.tm_mday == asked.tm_mday;
}

/* What has five digits of a year could not be written. */
#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static bool read_time(struct span text, int64_t *unix_s)
{
    int day[3] = {0}, clock[4] = {0};
    int64_t offset_s;
    if (!read_form(&text, "0000-00-00", day) || !read_day(day, unix_s)) return false;
    if (text.bytes == 0) {
        *unix_s += 86400;
        return true;
    }
    if (!read_form(&text, "T00:00:00", clock)) return false;
    skip_fraction(&text);
    if (clock[1] > 23 || clock[2] > 59 || clock[3] > 60 || !read_offset(text, &offset_s))
        return false;
    *unix_s += clock[1] * 3600 + clock[2] * 60 + clock[3] - offset_s;
    return true;
}

bool key_read_time(struct span text, int64_t *unix_s)
{
    if (!read_time(text, unix_s)) return false;
    if (*unix_s > LAST_S) *unix_s = LAST_S;
    return true;
}

void key_write_time(int64_t unix_s, char out[static KEY_TIME_BYTES])
{
    struct tm tm;
    const time_t time = (time_t)unix_s;
    if (!gmtime_r(&time, &tm) || strftime(out, KEY_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        strcpy(out, "never");
}

/* ---- limits ---- */

#define REQUESTS_WORD "requests="
#define TOKENS_WORD "tokens="

static bool begins_with(struct span word, const char *prefix)
{
    return word.bytes >= strlen(prefix) && memcmp(word.data, prefix, strlen(prefix)) == 0;
}

/* Digits alone, no more than `max`. */
static bool read_number(struct span text, uint64_t max, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
        if (*number > max) return false;
    }
    return text.bytes > 0;
}

/* A word that begins with `prefix`. */
static bool read_limit(const struct err_file *file, size_t number, struct span word,
                       const char *prefix, uint64_t max, struct key_limit *limit)
{
    const struct span value = {word.data + strlen(prefix), word.bytes - strlen(prefix)};
    if (limit->is_own)
        return err_in_file(file, "line %zu: %s stands there twice; remove one of them", number,
                           prefix);
    limit->is_own = true;
    return read_number(value, max, &limit->per_minute) ||
           err_in_file(file,
                       "line %zu: %s must be followed by a whole number from 0 to %" PRIu64
                       ", how many a minute (0: no limit), not '%.*s'",
                       number, prefix, max, shown(value), value.data);
}

/* ---- lines ---- */

static bool read_expiry(const struct err_file *file, size_t number, struct span word,
                        struct keyfile_key *key)
{
    if (key->expires_s != KEY_NEVER)
        return err_in_file(
            file,
            "line %zu: behind the day a key expires stand requests=N and tokens=N, not '%.*s'",
            number, shown(word), word.data);
    return key_read_time(word, &key->expires_s) ||
           err_in_file(file,
                       "line %zu: a key expires on a day such as 2027-01-31 or at a moment such "
                       "as 2027-01-31T18:00:00Z, and may have requests=N and tokens=N, not '%.*s'",
                       number, shown(word), word.data);
}

/* When it expires, and limits: each once, in any order. */
static bool read_rest(const struct err_file *file, size_t number, struct span rest,
                      struct keyfile_key *key)
{
    for (;;) {
        const struct span word = cut_word(&rest);
        if (word.bytes == 0 || *word.data == '#') return true;
        const bool is_read =
            begins_with(word, REQUESTS_WORD)
                ? read_limit(file, number, word, REQUESTS_WORD, KEY_REQUESTS_MAX, &key->requests)
            : begins_with(word, TOKENS_WORD)
                ? read_limit(file, number, word, TOKENS_WORD, KEY_TOKENS_MAX, &key->tokens)
                : read_expiry(file, number, word, key);
        if (!is_read) return false;
    }
}

static bool read_line(const struct err_file *file, size_t number, struct span line,
                      struct keyfile_key *key)
{
    struct err why;
    const struct span name = cut_word(&line), digest = cut_word(&line), scopes = cut_word(&line);
    *key = (struct keyfile_key){.expires_s = KEY_NEVER, .line = number};
    if (!is_name(name))
        return err_in_file(file,
                           "line %zu: a key's name must be 1 to %d ASCII letters, digits or signs",
                           number, KEY_NAME_BYTES_MAX);
    memcpy(key->name, name.data, name.bytes);
    if (!read_digest(digest, key->digest))
        return err_in_file(file,
                           "line %zu: the name must be followed by " DIGEST_PREFIX
                           " and 64 hexadecimal digits; embedd key new and embedd key hash write "
                           "such lines",
                           number);
    if (!key_read_scopes(scopes, &key->scopes, &why))
        return err_in_file(file, "line %zu: %s", number, why.message);
    return read_rest(file, number, line, key);
}

static int compare_names(const void *a, const void *b)
{
    const struct keyfile_key *const *one = a, *const *two = b;
    return strcmp((*one)->name, (*two)->name);
}

static int compare_digests(const void *a, const void *b)
{
    const struct keyfile_key *const *one = a, *const *two = b;
    return memcmp((*one)->digest, (*two)->digest, SHA256_DIGEST_SIZE);
}

/* Puts `list` in order, in which two that are alike are neighbours. */
static bool has_twice(const struct err_file *file, const struct keyfile_key **list, size_t n,
                      int (*compare)(const void *, const void *), const char *what)
{
    qsort(list, n, sizeof *list, compare);
    for (size_t i = 1; i < n; i++) {
        if (compare(&list[i - 1], &list[i]) != 0) continue;
        err_in_file(file, "lines %zu and %zu have the same %s; remove one of them",
                    list[i - 1]->line < list[i]->line ? list[i - 1]->line : list[i]->line,
                    list[i - 1]->line < list[i]->line ? list[i]->line : list[i - 1]->line, what);
        return true;
    }
    return false;
}

static bool check_twice(const struct err_file *file, const struct keyfile *keys)
{
    const struct keyfile_key **list = malloc((keys->n + 1) * sizeof *list);
    if (!list) return err_out_of_memory(file->err);
    for (size_t i = 0; i < keys->n; i++)
        list[i] = &keys->keys[i];
    const bool is_sound = !has_twice(file, list, keys->n, compare_names, "name") &&
                          !has_twice(file, list, keys->n, compare_digests, "key");
    free(list);
    return is_sound;
}

static bool add_key(const struct err_file *file, struct keyfile *keys, size_t *room,
                    const struct keyfile_key *key)
{
    if (keys->n == KEYFILE_KEYS_MAX)
        return err_in_file(file, "more than %zu keys; give groups of clients a key together",
                           KEYFILE_KEYS_MAX);
    if (!grow_list(&keys->keys, room, keys->n + 1, sizeof *key))
        return err_out_of_memory(file->err);
    keys->keys[keys->n++] = *key;
    return true;
}

static bool read_lines(const struct err_file *file, struct span text, struct keyfile *keys)
{
    struct span line;
    struct keyfile_key key;
    size_t room = 0, number = 0, n_words = 0;
    if (text.bytes >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        text = (struct span){text.data + 3, text.bytes - 3};
    if (text.bytes > 0 && text.data[text.bytes - 1] != '\n')
        return err_in_file(file,
                           "the last line has no newline, so the file may be cut short; if it is "
                           "complete, end the line");
    while (lines_cut(&text, &line)) {
        struct span copy = line;
        const struct span first = cut_word(&copy);
        number++;
        if (first.bytes == 0) continue;
        n_words++;
        if (*first.data == '#') continue;
        if (!read_line(file, number, line, &key) || !add_key(file, keys, &room, &key)) return false;
    }
    return n_words > 0 || err_in_file(file, "the file is empty; embedd key new writes one, "
                                            "and a comment alone means that nobody is let in");
}

bool keyfile_parse(const char *where, struct span text, struct keyfile *file, struct err *err)
{
    const struct err_file of = {where, err};
    *file = (struct keyfile){0};
    if (read_lines(&of, text, file) && check_twice(&of, file)) return true;
    keyfile_clear(file);
    return false;
}

static bool check_mode(const char *path, bool *is_public, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return err_set(err, ERR_IO, NULL, "cannot read '%.400s': %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_IO, NULL,
                       "'%.200s' is not a regular file; give a file that embedd key new wrote",
                       path);
    *is_public = status.st_mode & S_IROTH;
    if (!(status.st_mode & (S_IWGRP | S_IWOTH))) return true;
    return err_set(err, ERR_IO, NULL,
                   "'%.200s' can be written by others than its owner, who could let anybody in; "
                   "chmod 600 it",
                   path);
}

bool keyfile_read(const char *path, struct keyfile *file, bool *is_public, struct err *err)
{
    struct span text;
    char *data = NULL;
    *file = (struct keyfile){0};
    if (!check_mode(path, is_public, err) ||
        !file_read(path, KEYFILE_BYTES_MAX, &data, &text.bytes, err))
        return false;
    text.data = data;
    const bool is_read = keyfile_parse(path, text, file, err);
    free(data);
    return is_read;
}

void keyfile_clear(struct keyfile *file)
{
    free(file->keys);
    *file = (struct keyfile){0};
}

void key_write_scopes(unsigned scopes, char out[static KEY_SCOPES_BYTES])
{
    *out = '\0';
    for (unsigned i = 0; i < KEY_SCOPES; i++) {
        if (!(scopes & 1u << i)) continue;
        if (*out) strcat(out, ",");
        strcat(out, key_scope_names[i]);
    }
}

void key_write_limits(const struct keyfile_key *key, char out[static KEY_LIMITS_BYTES])
{
    int n = 0;
    *out = '\0';
    if (key->requests.is_own)
        n = snprintf(out, KEY_LIMITS_BYTES, " " REQUESTS_WORD "%" PRIu64, key->requests.per_minute);
    if (key->tokens.is_own)
        snprintf(out + n, KEY_LIMITS_BYTES - (size_t)n, " " TOKENS_WORD "%" PRIu64,
                 key->tokens.per_minute);
}

size_t key_write_line(const struct keyfile_key *key, char *out, size_t bytes)
{
    char digest[2 * SHA256_DIGEST_SIZE + 1], expires[KEY_TIME_BYTES] = "";
    char scopes[KEY_SCOPES_BYTES], limits[KEY_LIMITS_BYTES];
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
        snprintf(digest + 2 * i, 3, "%02x", key->digest[i]);
    if (key->expires_s != KEY_NEVER) key_write_time(key->expires_s, expires);
    key_write_scopes(key->scopes, scopes);
    key_write_limits(key, limits);
    const int n = snprintf(out, bytes, "%s " DIGEST_PREFIX "%s %s%s%s%s", key->name, digest, scopes,
                           *expires ? " " : "", expires, limits);
    return (size_t)n;
}

/* ---- keys ---- */

void key_digest(const char *key, size_t bytes, uint8_t digest[static SHA256_DIGEST_SIZE])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, bytes, (const uint8_t *)key);
    sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
}

/* One of 62 as likely as another: what is left over of 256 is thrown away. */
bool key_make(char out[static KEY_TEXT_BYTES], struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char prefix[] = "embedd_";
    size_t n = sizeof prefix - 1;
    memcpy(out, prefix, n);
    while (n < KEY_TEXT_BYTES - 1) {
        uint8_t random[64];
        const ssize_t got = getrandom(random, sizeof random, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return err_set(err, ERR_IO, NULL, "the kernel gives no random bytes: %s",
                           strerror(errno));
        for (ssize_t i = 0; i < got && n < KEY_TEXT_BYTES - 1; i++)
            if (random[i] < 4 * 62) out[n++] = letters[random[i] % 62];
    }
    out[n] = '\0';
    return true;
}
