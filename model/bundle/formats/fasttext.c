/* SPDX-License-Identifier: Apache-2.0 */
/* fastText's .bin and .ftz: words, vectors, n-grams, and maybe labels. */
#include "model/encoder/fasttext/fasttext.h"
#include "model/bundle/formats.h"
#include "model/bundle/opening.h"
#include "model/encoder/fasttext/fasttext_encoder.h"
#include "model/encoder/fasttext/words.h"

#include <string.h>

static bool open(struct bundle *bundle, const struct model_options *options, struct err *err)
{
    struct fasttext *ft;
    if (!opening_own_config(bundle, options, err) ||
        !fasttext_open(&ft, bundle->source.weights, bundle->where, err))
        return false;
    bundle->encoder = fasttext_encoder_new(ft, err);
    if (!bundle->encoder) {
        fasttext_close(ft);
        return false;
    }
    const bool is_supervised = fasttext_info(ft)->model == FASTTEXT_SUPERVISED;
    if (fasttext_info(ft)->n_words == 0)
        return err_set(err, ERR_FORMAT, NULL, "%.300s: it holds no words", bundle->where);
    settings_default_pooling(&bundle->settings, is_supervised ? POOLING_MEAN : POOLING_UNIT);
    settings_default_normalize(&bundle->settings, false);
    return fasttext_words_open(&bundle->tokenizer, ft, err);
}

static enum recognized recognize(struct span file, const char *name, char *advice)
{
    (void)name;
    (void)advice;
    return file.bytes >= 4 && memcmp(file.data, "\xBA\x16\x4F\x2F", 4) == 0 ? RECOGNIZED_YES
                                                                            : RECOGNIZED_NO;
}

const struct format format_fasttext = {.name = "fasttext",
                                       .is_alone = true,
                                       .is_read_whole = true,
                                       .recognize = recognize,
                                       .open = open};
