# SPDX-License-Identifier: Apache-2.0
"""Traditional forms of Chinese tokens, by OpenCC's tables (Apache-2.0): tokens that share a row."""

import opencc

# As the standards of OpenCC, Taiwan and Hong Kong write it, and as Taiwan says it (軟體 for 软件).
TO_TRADITIONAL = ("s2t", "s2tw", "s2hk", "s2twp")
TO_SIMPLIFIED = ("t2s", "tw2s", "hk2s")


class Converter:
    def __init__(self):
        self.to_traditional = [opencc.OpenCC(name).convert for name in TO_TRADITIONAL]
        self.to_simplified = [opencc.OpenCC(name).convert for name in TO_SIMPLIFIED]

        # What simplifying alone leaves: 带著 is 带着, 著名 stays.
        self.from_taiwan = opencc.OpenCC("tw2s").convert

    def traditional(self, word):
        return [form for form in dict.fromkeys(f(word) for f in self.to_traditional) if form != word]

    def simplified(self, word):
        return [form for form in dict.fromkeys(f(word) for f in self.to_simplified) if form != word]


def shared(tokens, characters):
    """{token: the token whose row it has}.

    tokens: with rows of their own, the most used first; characters: others that may be a form of
    one of them.
    """
    convert, own, found = Converter(), set(tokens), {}
    for token in tokens:
        for form in convert.traditional(token):
            if form not in own:
                found.setdefault(form, token)
    for character in characters:
        for form in convert.simplified(character):
            if character not in own and character not in found and form in own:
                found[character] = form
    return found
