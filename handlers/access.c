/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/access.h"

#include "handlers/errors.h"
#include "handlers/keys.h"
#include "handlers/service.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- what a request sends ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_word(const char *at, size_t bytes, const char *word)
{
    return strlen(word) == bytes && strncasecmp(at, word, bytes) == 0;
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* Without the scheme before it, which sets *fault unless it is Bearer. One word is a bare key. */
static const char *skip_scheme(const char *value, enum credential_fault *fault)
{
    const size_t word = strcspn(value, " \t");
    if (is_word(value, word, "bearer")) return skip_blanks(value + word);
    if (is_word(value, word, "basic"))
        *fault = CREDENTIAL_BASIC;
    else if (value[word])
        *fault = CREDENTIAL_SCHEME;
    return value;
}

void access_note(struct exchange *x, bool is_authorization, const char *value)
{
    struct credential *credential = &x->credential;
    enum credential_fault fault = CREDENTIAL_SOUND;
    const char *text = skip_blanks(value);
    if (is_authorization) text = skip_scheme(text, &fault);
    const size_t bytes = strlen(text);
    if (bytes == 0) return; /* clients without a key send such headers */
    if (fault == CREDENTIAL_SOUND && bytes > KEY_BYTES_MAX) fault = CREDENTIAL_LONG;
    if (fault == CREDENTIAL_SOUND && text[strcspn(text, " \t")]) fault = CREDENTIAL_BLANKS;
    const bool is_first = !credential->text;
    const bool is_same =
        !is_first && credential->bytes == bytes && memcmp(credential->text, text, bytes) == 0;
    if (!is_first && !is_same && fault == CREDENTIAL_SOUND) fault = CREDENTIAL_SEVERAL;
    if (is_first) *credential = (struct credential){.text = text, .bytes = bytes};
    if (fault != CREDENTIAL_SOUND) credential->fault = fault;
}

/* ---- refusals ---- */

#define REALM "Bearer realm=\"embedd\""
#define INVALID_TOKEN REALM ", error=\"invalid_token\""
#define HOW "authorization: Bearer KEY, api-key, x-api-key or x-goog-api-key"

/* Not a word of whose the key was, or what is in the file. `challenge`: RFC 6750, 3. */
struct refusal {
    const char *message, *challenge;
};

static const struct refusal missing = {"this server requires an API key; send it as " HOW, REALM};
static const struct refusal unknown = {
    "unknown API key; send one that the server's operator has given out", INVALID_TOKEN};
static const struct refusal expired = {
    "the API key has expired; ask the server's operator for a new one", INVALID_TOKEN};

static const struct refusal faults[] = {
    [CREDENTIAL_BASIC] = {"authorization: Basic is not supported; send the API key as " HOW, REALM},
    [CREDENTIAL_SCHEME] = {"authorization must be Bearer and an API key; send it as " HOW, REALM},
    [CREDENTIAL_LONG] = {"the API key is longer than any that this server knows, 240 bytes",
                         INVALID_TOKEN},
    [CREDENTIAL_BLANKS] = {"the API key has blanks in it; send the key alone", INVALID_TOKEN},
    [CREDENTIAL_SEVERAL] = {"the request sends different API keys; send one", INVALID_TOKEN},
};

/* By enum scope: what a key must be good for. */
static const struct {
    unsigned scope;
    struct refusal refusal;
} scopes[] = {
#define LACKS(name)                                                                                \
    {                                                                                              \
        "the API key is not good for this: it lacks the scope " name,                              \
            REALM ", error=\"insufficient_scope\", scope=\"" name "\""                             \
    }
    [SCOPE_EMBED] = {KEY_EMBED, LACKS("embed")},
    [SCOPE_CLASSIFY] = {KEY_CLASSIFY, LACKS("classify")},
    [SCOPE_METRICS] = {KEY_METRICS, LACKS("metrics")},
    [SCOPE_ADMIN] = {KEY_ADMIN, LACKS("admin")},
};

static bool refuse(struct exchange *x, enum err_code code, const struct refusal *refusal)
{
    struct err err;
    err_set(&err, code, NULL, "%s", refusal->message);
    x->sample.served = NULL; /* no model was asked */
    reply_add_header(x, "www-authenticate", refusal->challenge);
    handlers_fail(x, &err);
    return false;
}

/* ---- the decision ---- */

bool access_admit_also(struct exchange *x, enum scope scope)
{
    if (scope == SCOPE_UNSTATED || (x->scopes & scopes[scope].scope)) return true;
    return refuse(x, ERR_FORBIDDEN, &scopes[scope].refusal);
}

bool access_admit(struct exchange *x, enum scope scope)
{
    const struct keys *keys = x->service->keys;
    const struct credential *sent = &x->credential;
    struct key key;
    x->scopes = ~0u;
    x->limits = x->service->rate_limits;
    if (!keys || scope == SCOPE_OPEN) return true;
    x->scopes = 0;
    if (sent->fault) return refuse(x, ERR_UNAUTHORIZED, &faults[sent->fault]);
    if (!sent->text) return refuse(x, ERR_UNAUTHORIZED, &missing);
    if (!keys_find(keys, x->keys_reader, sent->text, sent->bytes, &key))
        return refuse(x, ERR_UNAUTHORIZED, &unknown);
    x->sample.key = key.usage;
    if (key.expires_s <= (int64_t)time(NULL)) return refuse(x, ERR_UNAUTHORIZED, &expired);
    x->scopes = key.scopes;
    if (key.requests.is_own) x->limits.requests = key.requests.per_minute;
    if (key.tokens.is_own) x->limits.tokens = key.tokens.per_minute;
    return access_admit_also(x, scope);
}

/* Whoever has a key that is good for it, or came where operators alone can; where the service does
   not ask for keys, whoever is on the machine. */
bool access_is_of_operator(const struct exchange *x, struct err *err)
{
    return x->service->keys || x->is_admin || x->service->is_loopback_only ||
           err_set(
               err, ERR_FORBIDDEN, NULL,
               "this route is for operators, and the service cannot tell who asks: ask for keys "
               "(api-keys), or have an admin-listen");
}
