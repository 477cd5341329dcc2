# SPDX-License-Identifier: Apache-2.0
"""The encoder in 8 bits beside the same arithmetic in numpy, on weights made up."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import encoder8

WIDTH, INNER, HEADS, LAYERS, EPS = 128, 256, 4, 3, 1e-12
ANY_MACHINE = ("-O2", "-Wall", "-Wextra", "-Werror")


@pytest.fixture(scope="module", params=[encoder8.FLAGS, ANY_MACHINE], ids=["this machine", "any machine"])
def loaded(request):
    return encoder8.library(request.param)


def random(*shape, scale=1.0, seed=0):
    return (np.random.default_rng([seed, *shape]).standard_normal(shape) * scale).astype(np.float32)


def layer(seed):
    def pair(outputs, inputs):
        return random(outputs, inputs, scale=0.1, seed=seed), random(outputs, scale=0.1, seed=seed)

    def norm(k):
        return 1 + random(WIDTH, scale=0.1, seed=seed + k), random(WIDTH, scale=0.1, seed=seed + k + 1)
    return {"qkv": pair(3 * WIDTH, WIDTH), "ao": pair(WIDTH, WIDTH), "ao_norm": norm(2),
            "fi": pair(INNER, WIDTH), "fo": pair(WIDTH, INNER), "fo_norm": norm(4)}


def made_up(first_token):
    table = random(50, WIDTH)
    return SimpleNamespace(heads=HEADS, eps=EPS, words=lambda ids: table[ids], position=random(64, WIDTH, scale=0.3),
                           kind=random(WIDTH, scale=0.1), norm=(np.ones(WIDTH), np.zeros(WIDTH)),
                           layers=[layer(10 * i) for i in range(LAYERS)], first_token=first_token,
                           tokens=lambda text: [ord(c) % 50 for c in text])


def normed(x, norm):
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPS) * norm[0] + norm[1]


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def attention(qkv):
    """Of one text: (length, 3 width) -> (length, width)."""
    q, k, v = (part.reshape(len(qkv), HEADS, -1).transpose(1, 0, 2) for part in np.split(qkv, 3, axis=1))
    share = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS))
    share /= share.sum(axis=2, keepdims=True)
    return (share @ v).transpose(1, 0, 2).reshape(len(qkv), WIDTH)


def in_numpy(encoder, text):
    ids = encoder.tokens(text)
    x = normed(encoder.words(ids) + encoder.position[:len(ids)] + encoder.kind, encoder.norm)
    for layer in encoder.layers:
        def linear(x, name, layer=layer):
            return x @ layer[name][0].T + layer[name][1]
        x = normed(x + linear(attention(linear(x, "qkv")), "ao"), layer["ao_norm"])
        x = normed(x + linear(gelu(linear(x, "fi")), "fo"), layer["fo_norm"])
    x = x[0] if encoder.first_token else x.mean(axis=0)
    return x / np.linalg.norm(x)


@pytest.mark.parametrize("first_token", [True, False])
def test_vectors_are_those_of_32_bits_to_a_cosine_of_0_999(loaded, first_token):
    encoder = made_up(first_token)
    texts = ["a", "some words", "of different lengths, more than one chunk", "words some"] * 9
    found = encoder8.Encoder8(encoder, cores=2, loaded=loaded)(texts)
    wanted = np.array([in_numpy(encoder, text) for text in texts])
    assert (found * wanted).sum(axis=1).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 4, 7])
def test_a_product_is_right_to_what_8_bits_allow(loaded, rows):
    weight, bias, x = random(192, 384), random(192), random(rows, 384, seed=1)
    found, wanted = encoder8.Linear(loaded, weight, bias)(x), x @ weight.T + bias
    assert np.abs(found - wanted).max() < 0.015 * np.abs(wanted).max()


def test_a_number_that_stands_out_costs_its_own_group_alone(loaded):
    weight, bias, x = random(64, 384), random(64), random(4, 384, seed=1)
    weight[:, :128] = 0
    x[0, 5] = 1000
    found, wanted = encoder8.Linear(loaded, weight, bias)(x), x @ weight.T + bias
    assert np.abs(found - wanted).max() < 0.015 * np.abs(wanted).max()


def test_zeros_are_products_too(loaded):
    linear = encoder8.Linear(loaded, np.zeros((64, 128)), np.arange(64))
    np.testing.assert_array_equal(linear(np.zeros((3, 128), np.float32)), np.tile(np.arange(64.0), (3, 1)))


def test_both_builds_agree():
    x = random(5, 256)
    here, anywhere = (encoder8.Linear(encoder8.library(flags), random(128, 256), random(128))(x)
                      for flags in (encoder8.FLAGS, ANY_MACHINE))
    np.testing.assert_allclose(here, anywhere, rtol=0, atol=0.002 * np.abs(here).max())


def test_attention_gelu_and_norm(loaded):
    lengths, address = [1, 16, 21], encoder8.at
    start = np.cumsum([0, *lengths], dtype=np.int32)
    qkv, out = random(38, 3 * WIDTH), np.zeros((38, WIDTH), np.float32)
    loaded.encoder8_attention(address(qkv), address(out), address(start), 3, WIDTH, HEADS, 0)
    wanted = np.concatenate([attention(qkv[a:b]) for a, b in zip(start, start[1:])])
    np.testing.assert_allclose(out, wanted, atol=1e-5)
    first = np.zeros_like(out)
    loaded.encoder8_attention(address(qkv), address(first), address(start), 3, WIDTH, HEADS, 1)
    np.testing.assert_allclose(first[start[:-1]], wanted[start[:-1]], atol=1e-5)

    x = random(1000, scale=3)
    wanted = gelu(x)
    loaded.encoder8_gelu(address(x), x.size)
    np.testing.assert_allclose(x, wanted, atol=2e-6)

    x, y, norm = random(7, WIDTH), random(7, WIDTH, seed=1), (random(WIDTH), random(WIDTH, seed=2))
    wanted = normed(x + y, norm)
    loaded.encoder8_add_norm(address(x), address(y), address(norm[0]), address(norm[1]), 7, WIDTH, EPS)
    np.testing.assert_allclose(x, wanted, atol=1e-5)


def test_a_weight_that_does_not_fit_is_refused(loaded):
    with pytest.raises(ValueError, match="64 x 100"):
        encoder8.Linear(loaded, np.zeros((64, 100)), np.zeros(64))


def test_chunks_hold_every_text_once_and_like_lengths():
    lengths = np.random.default_rng(0).integers(1, 400, 200)
    found = list(encoder8.chunks(lengths, 300))
    assert sorted(np.concatenate(found)) == list(range(200))
    assert all(lengths[chunk].sum() <= 300 or len(chunk) == 1 for chunk in found)
    assert (np.diff(lengths[np.concatenate(found)]) <= 0).all()
