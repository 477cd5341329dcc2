/* SPDX-License-Identifier: Apache-2.0 */
#include "model/packed.h"

#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

bool packed_check(const struct tensors *file)
{
    const char *version = tensors_metadata(file, PACKED_FORMAT_KEY);
    if (version && strcmp(version, PACKED_VERSION) == 0) return true;
    return tensors_fail(file,
                        "it is a packed model of version '%.*s', and this program reads version "
                        "%s; convert the model again with this program's convert",
                        ERR_VALUE_BYTES, version ? version : "", PACKED_VERSION);
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

bool packed_verify(const struct tensors *file)
{
    char sum[SHA256_TEXT_BYTES];
    const char *wanted = tensors_metadata(file, PACKED_SHA256_KEY);
    if (!wanted)
        return tensors_fail(file, "it holds no checksum (%s); convert the model again",
                            PACKED_SHA256_KEY);
    sha256_text(sum, file->data, (size_t)file->data_bytes);
    return strcmp(sum, wanted) == 0 ||
           tensors_fail(file,
                        "its bytes are not those that were written: their SHA-256 is %s, and the "
                        "header says %.*s; copy or convert the model again",
                        sum, PACKED_SHA256_CHARS, wanted);
}
