/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keyfile.h
 * The file of keys that clients send: a line each, of words between blanks, and comments.
 *
 *     # name   sha256 of the key                      scopes            expires, limits
 *     web      sha256:9f86d081884c7d659a2feaa0c55...  embed,classify
 *     ci       sha256:60303ae22b998861bce3b28f33e...  embed             2027-01-31
 *     ops      sha256:fd61a03af4f77d870fc21e05e7e...  metrics,admin     2027-01-31T18:00:00Z
 *     guest    sha256:2d711642b726b04401627ca9fba...  embed             requests=60 tokens=10000
 *
 * It holds no key, only what a key hashes to. One round of SHA-256 without salt is enough: a key is
 * 256 random bits, and nobody guesses those, whatever they are hashed with; slow hashes are for
 * words that people choose. Keys of people's own must be long for that reason. The last line must
 * end: a file that somebody is still writing could otherwise lack just the day a key expires.
 *
 * Pure functions but for those that read a file or ask the kernel for random bytes.
 */
#pragma once

#include "base/err.h"
#include "base/sha256.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a key is good for: bits. */
enum key_scope {
    KEY_EMBED = 1,
    KEY_CLASSIFY = 2,
    KEY_METRICS = 4,
    KEY_ADMIN = 8,
};
#define KEY_SCOPES 4
/** The words for them, in the order of the bits. */
extern const char *const key_scope_names[KEY_SCOPES];

/** Of a name, in ASCII without blanks. */
#define KEY_NAME_BYTES_MAX 64
/** Of a key: what is shorter can be guessed, what is longer no header brings in (framing.c). */
#define KEY_BYTES_MIN 16
#define KEY_BYTES_MAX 240
/** Of a key that key_make makes, with its NUL: "embedd_" and 43 letters or digits. */
#define KEY_TEXT_BYTES 51
/** Of a digest as the file has it, with its NUL. */
#define KEY_DIGEST_TEXT_BYTES (7 + SHA256_TEXT_BYTES)
/** With their NUL: scopes as key_write_scopes writes them, a moment as key_write_time does, limits
 * as key_write_limits does. */
#define KEY_SCOPES_BYTES 64
#define KEY_TIME_BYTES 32
#define KEY_LIMITS_BYTES 64

#define KEYFILE_BYTES_MAX ((size_t)32 << 20)
#define KEYFILE_KEYS_MAX ((size_t)100000)

/** No end. */
#define KEY_NEVER INT64_MAX

/** Most that a key's own limits can be: as rate-limit and rate-limit-tokens. */
#define KEY_REQUESTS_MAX UINT64_C(1000000000)
#define KEY_TOKENS_MAX UINT64_C(1000000000000)

/** How much a minute a key is good for, where its line says it. */
struct key_limit {
    bool is_own;
    uint64_t per_minute; /* 0: no limit */
};

struct keyfile_key {
    char name[KEY_NAME_BYTES_MAX + 1];
    uint8_t digest[SHA256_DIGEST_SIZE];
    unsigned scopes;   /* of enum key_scope, one at least */
    int64_t expires_s; /* Unix time from which on it is good for nothing, or KEY_NEVER */
    struct key_limit requests, tokens;
    size_t line; /* from 1 */
};

struct keyfile {
    struct keyfile_key *keys; /* malloc'ed */
    size_t n;
};

/**
 * keyfile_parse reads the text of a file. `file` is for keyfile_clear, on success.
 * @param where what the file is called, for messages
 * @return false with ERR_FORMAT naming file and line, or ERR_MEMORY: a malformed line, a name or
 *         a key that comes twice, a last line without a newline, no line at all
 */
bool keyfile_parse(const char *where, struct span text, struct keyfile *file, struct err *err);

/**
 * keyfile_read reads the file at `path`. Whoever may write to it may let anybody in: it is refused
 * where others than its owner can.
 * @param is_public set where everybody can read it
 * @return as keyfile_parse; false with ERR_IO, too
 */
bool keyfile_read(const char *path, struct keyfile *file, bool *is_public, struct err *err);

/** keyfile_clear frees it; a zeroed one is fine. */
void keyfile_clear(struct keyfile *file);

/** key_check_name: false with ERR_USAGE where that can be no key's name. */
bool key_check_name(const char *name, struct err *err);

/** key_read_scopes: "embed,classify" to bits; false with ERR_USAGE. */
bool key_read_scopes(struct span text, unsigned *scopes, struct err *err);

/** key_read_time: the end of a day in UTC, "2027-01-31", or a moment, "2027-01-31T18:00:00+01:00"
 * (RFC 3339), to Unix time; false where it is neither. */
bool key_read_time(struct span text, int64_t *unix_s);

/** key_write_time: in UTC, as RFC 3339 has it. */
void key_write_time(int64_t unix_s, char out[static KEY_TIME_BYTES]);

/** key_write_scopes: bits to "embed,classify". */
void key_write_scopes(unsigned scopes, char out[static KEY_SCOPES_BYTES]);

/** key_write_limits: " requests=600 tokens=0" as far as the key has such limits, with a blank
 * before each. */
void key_write_limits(const struct keyfile_key *key, char out[static KEY_LIMITS_BYTES]);

/** key_write_line: the line of a key without its end, cut where `bytes` are too few; its length. */
size_t key_write_line(const struct keyfile_key *key, char *out, size_t bytes);
#define KEY_LINE_BYTES 256

/** key_digest: what a key hashes to. */
void key_digest(const char *key, size_t bytes, uint8_t digest[static SHA256_DIGEST_SIZE]);

/** key_make makes a new key of 256 random bits; false with ERR_IO: the kernel has none. */
bool key_make(char out[static KEY_TEXT_BYTES], struct err *err);
