/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/packed.h"

#include "base/sha256.h"
#include "model/text/compiled.h"

#include <stdlib.h>
#include <string.h>

static bool is_version(const struct tensors *file, const char *wanted)
{
    const char *version = tensors_metadata(file, PACKED_FORMAT_KEY);
    return version && strcmp(version, wanted) == 0;
}

bool packed_check(const struct tensors *file)
{
    const char *version = tensors_metadata(file, PACKED_FORMAT_KEY);
    if (is_version(file, PACKED_VERSION) || is_version(file, PACKED_VERSION_I4) ||
        is_version(file, PACKED_VERSION_NEWEST))
        return true;
    return tensors_fail(file,
                        "it is a packed model of version '%.*s', and this program reads versions "
                        "%s to %s; convert the model again with this program's convert",
                        ERR_VALUE_BYTES, version ? version : "", PACKED_VERSION,
                        PACKED_VERSION_NEWEST);
}

bool packed_has_shared(const struct tensors *file)
{
    return is_version(file, PACKED_VERSION_NEWEST) &&
           (tensors_find(file, "shared") || !tensors_find(file, COMPILED_IDEOGRAPHS));
}

struct span packed_config(const struct tensors *file)
{
    const char *text = tensors_metadata(file, PACKED_CONFIG_KEY);
    return (struct span){text, text ? strlen(text) : 0};
}

uint64_t packed_vocabulary(const struct tensors *file)
{
    const char *text = tensors_metadata(file, PACKED_VOCABULARY_KEY);
    return text ? strtoull(text, NULL, 16) : 0;
}

bool packed_is_checked(const struct tensors *file)
{
    const char *checked = tensors_metadata(file, PACKED_CHECKED_KEY);
    return checked && strstr(checked, PACKED_CHECKED);
}

/* Where the digits of the sum stand in the header. */
static const char *find_digits(struct span bytes, const char *end, const char *digits)
{
    const char *key = memmem(bytes.data, (size_t)(end - bytes.data), "\"" PACKED_SHA256_KEY "\"",
                             sizeof PACKED_SHA256_KEY + 1);
    return key ? memmem(key, (size_t)(end - key), digits, PACKED_SHA256_CHARS) : NULL;
}

static void sum_without_digits(struct span bytes, const char *digits,
                               char sum[static SHA256_TEXT_BYTES])
{
    struct sha256_ctx context;
    uint8_t zeros[PACKED_SHA256_CHARS];
    const uint8_t *data = (const uint8_t *)bytes.data;
    const size_t before = (size_t)(digits - bytes.data), behind = before + PACKED_SHA256_CHARS;
    memset(zeros, '0', sizeof zeros);
    sha256_init(&context);
    sha256_update(&context, before, data);
    sha256_update(&context, sizeof zeros, zeros);
    sha256_update(&context, bytes.bytes - behind, data + behind);
    sha256_end(&context, sum);
}

bool packed_verify(const struct tensors *file, struct span bytes)
{
    char sum[SHA256_TEXT_BYTES];
    const char *wanted = tensors_metadata(file, PACKED_SHA256_KEY);
    const char *digits = wanted && strlen(wanted) == PACKED_SHA256_CHARS
                             ? find_digits(bytes, file->data, wanted)
                             : NULL;
    if (!digits)
        return tensors_fail(file, "it holds no checksum (%s); convert the model again",
                            PACKED_SHA256_KEY);
    sum_without_digits(bytes, digits, sum);
    return strcmp(sum, wanted) == 0 ||
           tensors_fail(file,
                        "its bytes are not those that were written: their SHA-256 is %s, and the "
                        "header says %s; copy or convert the model again",
                        sum, wanted);
}
