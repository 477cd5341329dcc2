# SPDX-License-Identifier: Apache-2.0
"""Rows of 4 bits, read by docs/FORMAT.md alone."""

import numpy


def values(packed, scales):
    """packed (n, D / 2) of uint8, scales (n, D / 32) -> (n, D) float64: of each 32 columns the first half is in the low bits."""
    groups = packed.reshape(*scales.shape, 16)
    numbers = numpy.concatenate([groups & 15, groups >> 4], axis=2).astype(int)
    return (((numbers ^ 8) - 8) * scales.astype("f8")[..., None]).reshape(len(packed), -1)
