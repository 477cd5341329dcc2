# SPDX-License-Identifier: Apache-2.0
"""What learning lessens, by the sums of a batch's texts, at several widths at once (so that a cut is a good model too).

widths: (columns, how much they count).
"""

import numpy as np

from measures import unit

COSENT_SHARPNESS = 20


def likeness_gradient(sums, targets, widths, likeness):
    """Of 1 - cosine to the targets, and `likeness` times the squared difference between the cosines of all pairs and
    the targets'."""
    n = len(sums)
    gradient = np.zeros_like(sums)
    for width, weight in widths:
        norms = np.linalg.norm(sums[:, :width], axis=1, keepdims=True) + 1e-9
        found, wanted = sums[:, :width] / norms, unit(targets[:, :width])
        error = found @ found.T
        error -= wanted @ wanted.T
        np.fill_diagonal(error, 0)
        g = (likeness * 4 / (n * n)) * (error @ found) - wanted / n
        gradient[:, :width] += weight * (g - found * (found * g).sum(1, keepdims=True)) / norms
    return gradient


def near_gradient(a_sums, b_sums, cosines, widths):
    """Of the squared difference between the cosines of pairs and what they shall be, but for what all differ by: of a
    table, pairs one word apart are nearer than teachers say. Of the first texts of the pairs, then of the second."""
    gradients = np.zeros_like(a_sums), np.zeros_like(b_sums)
    for (width, weight), wanted in zip(widths, cosines.T):
        a_norms = np.linalg.norm(a_sums[:, :width], axis=1, keepdims=True) + 1e-9
        b_norms = np.linalg.norm(b_sums[:, :width], axis=1, keepdims=True) + 1e-9
        a, b = a_sums[:, :width] / a_norms, b_sums[:, :width] / b_norms
        cosine = (a * b).sum(axis=1)
        error = cosine - wanted
        g = (2 * weight / len(error)) * (error - error.mean())[:, None]
        gradients[0][:, :width] += g * (b - a * cosine[:, None]) / a_norms
        gradients[1][:, :width] += g * (a - b * cosine[:, None]) / b_norms
    return np.concatenate(gradients)


def cosent_gradient(a_sums, b_sums, scores, widths):
    """Of CoSENT, on pairs that people have scored: one with a higher score shall have the higher cosine. Of the first
    texts of the pairs, then of the second."""
    gradients = np.zeros_like(a_sums), np.zeros_like(b_sums)
    for width, weight in widths:
        a_norms = np.linalg.norm(a_sums[:, :width], axis=1, keepdims=True) + 1e-9
        b_norms = np.linalg.norm(b_sums[:, :width], axis=1, keepdims=True) + 1e-9
        a, b = a_sums[:, :width] / a_norms, b_sums[:, :width] / b_norms
        cosine = (a * b).sum(axis=1)
        # Cell (i, j): pair j's cosine too high beside pair i's, where i's score is the higher.
        excess = np.where(scores[:, None] > scores[None, :],
                          COSENT_SHARPNESS * (cosine[None, :] - cosine[:, None]), -np.inf)
        top = max(excess.max(), 0)
        share = np.exp(excess - top)
        share /= share.sum() + np.exp(-top)
        g = weight * COSENT_SHARPNESS * (share.sum(axis=0) - share.sum(axis=1))[:, None]
        gradients[0][:, :width] += g * (b - a * cosine[:, None]) / a_norms
        gradients[1][:, :width] += g * (a - b * cosine[:, None]) / b_norms
    return np.concatenate(gradients)
