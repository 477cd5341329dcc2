# SPDX-License-Identifier: Apache-2.0
"""Text to train small tokenizers on: files of the tree, and sentences in many scripts (written for
this purpose)."""

from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

SENTENCES = """\
The unaffable tokenizer doesn't embed words; it's the words' embedding that they'll need, won't they?
I've 3 apples, 1,234.50 euros and 100% of the naïve café's résumé: 12:30–14:45 (10°C).
Où est-ce qu'on a mis l'œuvre? Élève, façade, garçon, Noël; «à bientôt» !
Größere Straßen führen über die Öffentlichkeit; ß und ẞ sind Buchstaben.
¿Dónde está el niño? ¡Mañana será otro día! Señor, pingüino, corazón.
Não há ninguém na estação às três horas; a ação começa amanhã.
Perché non è così? Città, però, già, università.
Zażółć gęślą jaźń; łódź płynie po Wiśle.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Árvíztűrő tükörfúrógép; őszi esőzés.
İstanbul'da ışık ılık; çağrı, şöyle, gün, IĞDIR.
Съешь же ещё этих мягких французских булок, да выпей чаю. Йод и ёж.
Їжак і ґанок у Києві; об'єднання людей.
Η γρήγορη καφέ αλεπού πηδάει πάνω από τον σκύλο. Άνθρωπος, ΣΊΣΥΦΟΣ, ΰ.
שלום עולם, זה טקסט קצר בעברית. שָׁלוֹם וּבְרָכָה!
مرحبا بالعالم، هذا نص قصير باللغة العربية. مُحَمَّدٌ رَسُولٌ؟ ١٢٣٤٥
این یک متن فارسی است؛ می‌خواهم کتاب بخوانم. ۱۲۳
یہ اردو کا ایک جملہ ہے۔
यह हिन्दी में एक वाक्य है। क़लम, ज़मीन, पढ़ाई; १२३४।
এটি বাংলায় একটি বাক্য। ড়, ঢ়, য়; ১২৩।
இது தமிழில் ஒரு வாக்கியம். கொ கோ கௌ.
ఇది తెలుగులో ఒక వాక్యం. ಇದು ಕನ್ನಡದಲ್ಲಿ ಒಂದು ವಾಕ್ಯ. ഇത് മലയാളത്തിൽ ഒരു വാക്യം.
ਇਹ ਪੰਜਾਬੀ ਵਿੱਚ ਇੱਕ ਵਾਕ ਹੈ। આ ગુજરાતીમાં એક વાક્ય છે.
นี่คือประโยคภาษาไทยที่ไม่มีช่องว่างระหว่างคำ ๑๒๓ น้ำใจ ผู้ใหญ่
ນີ້ແມ່ນປະໂຫຍກພາສາລາວ. នេះជាប្រយោគភាសាខ្មែរ។ ဤသည်မှာ မြန်မာစာကြောင်းဖြစ်သည်။
འདི་བོད་ཡིག་གི་ཚིག་གྲུབ་ཅིག་རེད།
ይህ በአማርኛ የተጻፈ ዓረፍተ ነገር ነው። ეს ქართული წინადადებაა. Սա հայերեն նախադասություն է։
这是一句用简体中文写的话,里面有标点符号。我们喜欢吃饭,也喜欢看书!一二三四五,2024年12月31日。
這是繁體中文的句子,「引號」與標點;圖書館裡有許多書籍。
これは日本語の文章です。カタカナとひらがな、漢字が混ざっています。コンピュータは速い。ガギグゲゴ、ﾊﾝｶｸ
이것은 한국어 문장입니다. 안녕하세요, 만나서 반갑습니다. 값어치 없는 것.
Tiếng Việt có nhiều dấu: người, được, những, tưởng tượng, ữ ở ạ.
😀 😃 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷🇨🇳 ❤️ ☺️ 1️⃣ 🧑🏿‍🚀
x² + y³ ≈ ½·∑∞ ≠ ∫ f(x)dx; α→β, ①②③ Ⅷ ㎏ ﬁne ﬂow ＡＢＣ１２３ ㍿
ａｂｃ　ＡＢＣ　１２３ \u2003 em space\u00a0nbsp \u3000 ideographic
def f(x): return {"a": [1, 2, 3], 'b': x**2 if x != 0 else None}  # comment
#include <stdio.h> int main(void) { for (int i = 0; i < 10; i++) printf("%d\\n", i); return 0; }
SELECT * FROM table_name WHERE id >= 42 AND name LIKE '%foo_bar%' ORDER BY created_at DESC;
https://example.org/path/to?query=1&other=two#frag user.name+tag@example.com C:\\Users\\me\\file.txt
``quoted'' text -- with dashes --- and... ellipses… “curly” ‘quotes’ and \u0060backticks\u0060
""".splitlines()


def lines_of(*patterns):
    """The lines of the tree's files that match, in one order everywhere."""
    for pattern in patterns:
        for path in sorted(TOP.glob(pattern)):
            yield from path.read_text(encoding="utf-8").split("\n")


def training_lines():
    few = list(lines_of("tests/data/banking77/sample.csv", "README.md", "README.zh.md", "docs/*.md"))
    return few + list(lines_of("model/*.c")) + SENTENCES * 20
