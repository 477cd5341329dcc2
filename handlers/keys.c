/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/keys.h"

#include "base/hash.h"
#include "base/log.h"
#include "handlers/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct entry {
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct key key;
};

struct key_set {
    size_t n_holders; /* under the lock of the keys */
    uint64_t seed;
    size_t n, mask;
    struct entry *entries; /* (n) */
    uint32_t *slots;       /* (mask + 1) 1 + an entry; 0: free */
};

struct keys {
    const char *path;
    struct metrics *metrics;
    pthread_mutex_t mutex; /* over `set` and the holders of all sets */
    struct key_set *set;
    _Atomic uint64_t generation; /* of `set` */
};

/* ---- a set ---- */

static void free_set(struct key_set *set)
{
    if (!set) return;
    free(set->entries);
    free(set->slots);
    free(set);
}

/* Where to begin to look. A digest that a stranger has made does not tell where: what he could
   measure says nothing of the digests that lie there. */
static size_t first_slot(const struct key_set *set, const uint8_t *digest)
{
    uint64_t word;
    memcpy(&word, digest, sizeof word);
    const uint64_t hash = hash_step(set->seed, word);
    return (size_t)(hash ^ hash >> 32) & set->mask;
}

static void put(struct key_set *set, size_t i)
{
    size_t slot = first_slot(set, set->entries[i].digest);
    while (set->slots[slot])
        slot = (slot + 1) & set->mask;
    set->slots[slot] = (uint32_t)(1 + i);
}

static struct key_set *new_set(size_t n)
{
    struct key_set *set = calloc(1, sizeof *set);
    if (!set) return NULL;
    size_t n_slots = 16;
    while (n_slots < 4 * n)
        n_slots *= 2;
    *set = (struct key_set){.n_holders = 1, .n = n, .mask = n_slots - 1};
    set->entries = calloc(n + 1, sizeof *set->entries);
    set->slots = calloc(n_slots, sizeof *set->slots);
    if (getrandom(&set->seed, sizeof set->seed, 0) != sizeof set->seed) set->seed = HASH_START;
    if (set->entries && set->slots) return set;
    free_set(set);
    return NULL;
}

static bool take_usages(struct keys *keys, const struct keyfile *file, struct key_set *set)
{
    const char **names = malloc((file->n + 1) * sizeof *names);
    const struct key_usage **usages = malloc((file->n + 1) * sizeof *usages);
    bool is_done = names && usages;
    for (size_t i = 0; is_done && i < file->n; i++)
        names[i] = file->keys[i].name;
    is_done = is_done && metrics_serve_keys(keys->metrics, names, file->n, usages);
    for (size_t i = 0; is_done && i < file->n; i++)
        set->entries[i].key.usage = usages[i];
    free(names);
    free(usages);
    return is_done;
}

static struct key_set *make_set(struct keys *keys, const struct keyfile *file, struct err *err)
{
    struct key_set *set = new_set(file->n);
    if (!set || !take_usages(keys, file, set)) {
        free_set(set);
        err_set(err, ERR_MEMORY, NULL, "no memory for the %zu keys of %.200s", file->n, keys->path);
        return NULL;
    }
    for (size_t i = 0; i < file->n; i++) {
        struct entry *entry = &set->entries[i];
        memcpy(entry->digest, file->keys[i].digest, sizeof entry->digest);
        entry->key.scopes = file->keys[i].scopes;
        entry->key.expires_s = file->keys[i].expires_s;
        entry->key.requests = file->keys[i].requests;
        entry->key.tokens = file->keys[i].tokens;
        put(set, i);
    }
    return set;
}

/* What is no error, though hardly meant. */
static void warn(const struct keys *keys, const struct keyfile *file, bool is_public)
{
    const int64_t now_s = time(NULL);
    size_t n_expired = 0;
    const char *first = NULL;
    for (size_t i = 0; i < file->n; i++) {
        if (file->keys[i].expires_s > now_s) continue;
        if (n_expired++ == 0) first = file->keys[i].name;
    }
    if (is_public)
        log_warn("every user of this machine can read '%.200s': it holds no keys, only what they "
                 "hash to, but chmod 600 (or 440) is better",
                 keys->path);
    if (n_expired > 0)
        log_warn("%zu of the %zu keys in '%.200s' %s expired, the first of them '%s'", n_expired,
                 file->n, keys->path, n_expired == 1 ? "has" : "have", first);
    if (file->n == n_expired) log_warn("no key in '%.200s' lets anybody in", keys->path);
}

static struct key_set *read_set(struct keys *keys, struct err *err)
{
    struct keyfile file;
    bool is_public = false;
    if (!keyfile_read(keys->path, &file, &is_public, err)) return NULL;
    struct key_set *set = make_set(keys, &file, err);
    if (set) warn(keys, &file, is_public);
    keyfile_clear(&file);
    return set;
}

/* ---- all of them ---- */

struct keys *keys_open(const char *path, struct metrics *metrics, struct err *err)
{
    struct keys *keys = calloc(1, sizeof *keys);
    if (!keys) {
        err_set(err, ERR_MEMORY, NULL, "no memory for keys");
        return NULL;
    }
    keys->path = path;
    keys->metrics = metrics;
    pthread_mutex_init(&keys->mutex, NULL);
    atomic_init(&keys->generation, 1);
    struct err cause;
    keys->set = read_set(keys, &cause);
    if (keys->set) return keys;
    err_set(err, cause.code, "api-keys", "api-keys: %s", cause.message);
    keys_close(keys);
    return NULL;
}

void keys_close(struct keys *keys)
{
    if (!keys) return;
    assert(!keys->set || keys->set->n_holders == 1);
    free_set(keys->set);
    pthread_mutex_destroy(&keys->mutex);
    free(keys);
}

/* The lock is held. Returns what is to be freed without it, or NULL. */
static struct key_set *let_go(struct key_set *set)
{
    return set && --set->n_holders == 0 ? set : NULL;
}

bool keys_reload(struct keys *keys, struct err *err)
{
    struct key_set *set = read_set(keys, err);
    if (!set) return false;
    pthread_mutex_lock(&keys->mutex);
    struct key_set *old = let_go(keys->set);
    keys->set = set;
    atomic_fetch_add_explicit(&keys->generation, 1, memory_order_release);
    pthread_mutex_unlock(&keys->mutex);
    free_set(old);
    log_info("reloaded the keys: %zu in force", keys_count(keys));
    return true;
}

size_t keys_count(struct keys *keys)
{
    const int64_t now_s = time(NULL);
    size_t n = 0;
    pthread_mutex_lock(&keys->mutex);
    for (size_t i = 0; i < keys->set->n; i++)
        n += keys->set->entries[i].key.expires_s > now_s;
    pthread_mutex_unlock(&keys->mutex);
    return n;
}

static void follow(struct keys *keys, struct keys_reader *reader)
{
    pthread_mutex_lock(&keys->mutex);
    struct key_set *old = let_go(reader->set);
    reader->set = keys->set;
    reader->set->n_holders++;
    reader->generation = atomic_load_explicit(&keys->generation, memory_order_relaxed);
    pthread_mutex_unlock(&keys->mutex);
    free_set(old);
}

/* Only the lock and the numbers under it change. */
static struct keys *writable(const struct keys *keys)
{
    return (struct keys *)(uintptr_t)keys;
}

/* In the same time wherever they differ: all words are looked at, by no branch. */
static bool is_same(const uint8_t *a, const uint8_t *b)
{
    uint64_t words[2][SHA256_DIGEST_SIZE / sizeof(uint64_t)], differences = 0;
    memcpy(words[0], a, SHA256_DIGEST_SIZE);
    memcpy(words[1], b, SHA256_DIGEST_SIZE);
    for (size_t i = 0; i < sizeof words[0] / sizeof words[0][0]; i++)
        differences |= words[0][i] ^ words[1][i];
    return differences == 0;
}

bool keys_find(const struct keys *keys, struct keys_reader *reader, const char *text, size_t bytes,
               struct key *found)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    if (reader->generation != atomic_load_explicit(&keys->generation, memory_order_acquire))
        follow(writable(keys), reader);
    const struct key_set *set = reader->set;
    key_digest(text, bytes, digest);
    for (size_t slot = first_slot(set, digest); set->slots[slot]; slot = (slot + 1) & set->mask) {
        const struct entry *entry = &set->entries[set->slots[slot] - 1];
        if (!is_same(entry->digest, digest)) continue;
        *found = entry->key;
        return true;
    }
    return false;
}

void keys_reader_clear(const struct keys *keys, struct keys_reader *reader)
{
    if (!reader->set) return;
    pthread_mutex_lock(&writable(keys)->mutex);
    struct key_set *old = let_go(reader->set);
    pthread_mutex_unlock(&writable(keys)->mutex);
    free_set(old);
    *reader = (struct keys_reader){0};
}
