# SPDX-License-Identifier: Apache-2.0
"""Texts made to see what a model does with characters: rare ones, full width, traditional."""

# Ideographs of Unicode's extensions A, B, C, E, G and H, a compatibility ideograph, a private
# character, Cyrillic that only old manuscripts have.
RARE = "㵘𠮷𩸽𪜀𫠝𬺈𰻞𱁬﨑\ue123ꙮ"
AROUND_RARE = [
    "今天和朋友去吃{}面味道很好", "请问{}字怎么读", "昨天晚上{}先生给我打了电话", "这个软件不能显示{}，怎么办？",
    "We had {} noodles with friends today and liked them", "How is {} written?",
    "My new phone cannot show {} in messages",
]

# The same word in both scripts.
SCRIPTS = [
    ("電腦", "电脑"), ("頭髮", "头发"), ("圖書館", "图书馆"), ("飛機場", "飞机场"), ("醫院", "医院"), ("銀行賬戶", "银行账户"),
    ("學習漢語", "学习汉语"), ("麵包", "面包"), ("裡面", "里面"), ("發展", "发展"), ("歲月", "岁月"), ("體育", "体育"),
    ("電影票", "电影票"), ("貓咪", "猫咪"), ("雞蛋", "鸡蛋"), ("藥店", "药店"), ("鐘錶", "钟表"), ("龍捲風", "龙卷风"),
]
# What Taiwan calls a thing, and what the mainland calls it.
TAIWAN = [
    ("電腦軟體", "电脑软件"), ("網路", "网络"), ("計程車", "出租车"), ("滑鼠", "鼠标"), ("資訊", "信息"), ("印表機", "打印机"),
    ("捷運", "地铁"), ("硬碟", "硬盘"), ("程式設計", "程序设计"), ("品質", "质量"), ("螢幕", "屏幕"), ("鳳梨", "菠萝"),
    ("公車", "公交车"), ("簡訊", "短信"), ("部落格", "博客"), ("馬鈴薯", "土豆"), ("影片", "视频"), ("原子筆", "圆珠笔"),
]


def full_width(text):
    """ASCII as Chinese and Japanese typefaces have it, each sign as wide as an ideograph."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" if c == " " else c
                   for c in text)


def rare():
    """(text with a rare character, the text without it)."""
    return [(text.format(character), text.format("")) for text in AROUND_RARE for character in RARE]


def traditional(texts):
    """By OpenCC's s2t: characters and phrases, not Taiwan's words."""
    import opencc  # nothing else here needs it
    convert = opencc.OpenCC("s2t").convert
    return [convert(text) for text in texts]


def traditional_pairs(pairs):
    """Pairs (text, text, score) in traditional characters."""
    sides = (traditional([pair[i] for pair in pairs]) for i in (0, 1))
    return [(a, b, pair[2]) for a, b, pair in zip(*sides, pairs)]
