# SPDX-License-Identifier: Apache-2.0
"""Which characters are Chinese ones."""

import re

CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def is_chinese(text):
    return all(map(CHINESE.match, text))


def has_chinese(text):
    return CHINESE.search(text) is not None
