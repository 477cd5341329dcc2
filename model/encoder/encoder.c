/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encoder/encoder.h"

size_t encoder_batch(const struct encoder *encoder, struct arena *arena,
                     const struct passage *passages, size_t n, const struct pool_options *options,
                     float *out, struct err *err)
{
    if (encoder->kind->batch)
        return encoder->kind->batch(encoder, arena, passages, n, options, out, err);
    for (size_t i = 0; i < n; i++, out += options->dims)
        if (!encoder->kind->vector(encoder, arena, &passages[i], options, out, err)) return i;
    return n;
}

void encoder_close(struct encoder *encoder)
{
    if (encoder) encoder->kind->close(encoder);
}
