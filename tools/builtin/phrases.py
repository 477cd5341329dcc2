# SPDX-License-Identifier: Apache-2.0
"""Short questions and remarks, written for this: each word of the vocabulary is put into a few.

People ask in few words ("X多少钱", "how to X"), and the texts at hand tell stories. What a phrase with
an odd word in it means, the teacher says.
"""

import random

CHINESE = """
什么是{}|{}是什么意思|{}是什么|{}怎么样|{}怎么办|{}多少钱|{}在哪里|哪里有{}|哪里可以买到{}|{}哪个好
{}哪个牌子好|怎么{}|怎样{}|如何{}|怎么才能{}|为什么{}|为什么不{}|为什么会{}|怎么学{}|怎么看{}|谁知道{}
谁有{}|有没有{}|有{}吗|是{}吗|{}好吗|{}好不好|{}有什么用|{}有什么好处|{}有哪些|{}怎么做|{}怎么用|{}怎么读
{}怎么写|{}用英语怎么说|{}的意思|{}是谁|{}是哪里的|{}是什么时候的|{}和{}有什么区别|{}和{}哪个更好
{}可以{}吗|{}会{}吗|{}能{}吗|{}跟{}有关系吗|先{}还是先{}|从{}到{}怎么走|{}的{}是什么|{}的{}怎么样
我想{}|我要{}|我喜欢{}|我不喜欢{}|我在{}|我没有{}|他很{}|她的{}|我们一起{}|请给我{}|别{}|不要{}|不能{}
可以{}吗|想不想{}|{}很好|{}太差了|{}不错|{}一般|没有{}|这个{}怎么样|这是{}|那不是{}|关于{}|{}的图片|{}的歌
{}的电影|{}的价格|{}网站|{}下载|求{}|推荐{}|孩子{}怎么办|女人{}|男人{}|手机{}|电脑{}|今天{}|昨天{}了|明天{}吗
最好的{}|最新的{}|免费的{}|附近的{}|中国的{}|{}和{}|{}、{}|{}{}
"""
ENGLISH = """
what is {}|what does {} mean|who is {}|where is {}|where can i find {}|how to {}|how do i {}
how much is {}|why {}|why is it {}|when is {}|is it {}|how does {} work|what are the best {}
what is the difference between {} and {}|is {} better than {}|can you {}|can i {}|do you have {}
do you like {}|is there {}|i want {}|i need {}|i like {}|i do not like {}|i am {}|he is {}|she was {}
they {}|we {}|the {}|a {}|my {}|your {} is {}|this {} is good|that {} is bad|no {}|not {}|please {}
do not {}|let us {}|a picture of {}|a song about {}|the price of {}|{} and {}|{} or {}|{} {}|{} of {}
{} in {}|{} for {}|{} with {}|the best {}|the new {}|a man is {}|a woman is {}|people are {}
there is a {}|there was no {}|{} is {}|free {}|{} near me
"""
# The same in both.
BOTH = """
what is {}|什么是{}
what is {}?|{}是什么？
what does {} mean|{}是什么意思
where can i find {}|哪里可以找到{}
how to {}|怎么{}
why {}|为什么{}
is it {}|是{}吗
do you like {}|你喜欢{}吗
do you have {}|有{}吗
i want {}|我想要{}
i like {}|我喜欢{}
i do not like {}|我不喜欢{}
there is no {}|没有{}
not {}|不{}
very {}|很{}
the best {}|最好的{}
a new {}|新的{}
my {}|我的{}
this {}|这个{}
a picture of {}|{}的图片
the price of {}|{}的价格
about {}|关于{}
he is {}|他{}
they {}|他们{}
a man is {}|一个男人{}
"""


def chance(seed, word):
    """A word's own: what it gets does not change with the other words."""
    return random.Random(f"{seed} {word}")


def make(words, phrases, per_word, seed):
    """`per_word` phrases with each word; other gaps of a phrase are filled by chance."""
    phrases = phrases.strip().replace("\n", "|").split("|")
    lines = []
    for word in words:
        rng = chance(seed, word)
        for phrase in rng.sample(phrases, per_word):
            fillings = [word] + [rng.choice(words) for _ in range(phrase.count("{}") - 1)]
            rng.shuffle(fillings)
            lines.append(phrase.format(*fillings))
    return lines
