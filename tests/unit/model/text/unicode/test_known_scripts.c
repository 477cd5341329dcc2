/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text/unicode/known_scripts.h"

#include "base/utf8.h"
#include "model/text/unicode/unicode.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

/* Up to four names. */
static struct known_scripts knowing(const char *const names[4])
{
    struct known_scripts known = {0};
    for (size_t i = 0; i < 4 && names[i]; i++)
        assert_true(known_scripts_add(&known, names[i]));
    known_scripts_complete(&known);
    return known;
}

static const char *const english_chinese[4] = {"Latn", "Hani"};

static const char *foreign_in(const char *const names[4], const char *text)
{
    const struct known_scripts known = knowing(names);
    return script_names[known_scripts_foreign(&known, text, strlen(text))];
}

static void check_foreign(const char *text, const char *want)
{
    assert_string_equal(foreign_in(english_chinese, text), want);
}

/* ---- whole texts ---- */

static void a_text_is_named_by_the_script_of_its_letters(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"Привет, мир! 42", "Cyrl"},
        {"Καλημέρα κόσμε", "Grek"},
        {"مرحبا بالعالم", "Arab"},
        {"שלום עולם", "Hebr"},
        {"नमस्ते दुनिया", "Deva"},
        {"ওহে বিশ্ব", "Beng"},
        {"வணக்கம் உலகம்", "Taml"},
        {"สวัสดีชาวโลก", "Thai"},
        {"გამარჯობა მსოფლიო", "Geor"},
        {"Բարեւ աշխարհ", "Armn"},
        {"ሰላም ልዑል", "Ethi"},
        {"안녕하세요 세계", "Hang"},
        {"こんにちは世界", "Hira"},
        {"コンピューター", "Kana"},
        {"ﾊﾝｶｸｶﾅ", "Kana"},
        {"ㄅㄆㄇ", "Bopo"},
        {"\U00010330\U00010331", "Goth"},
        {"\U00013000", "Egyp"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_foreign(texts[i][0], texts[i][1]);
}

static void english_chinese_and_their_mixtures_are_not_foreign(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "I love to eat.",
        "今天天气很好，我们去公园吧！“好的。”",
        "我 love 北京 food",
        "ＡＢＣ全角",
        "naïve café, Ångström, Đà Nẵng", /* other languages of that script are not told apart */
        "々〆㐀\U00020000",
        "繁體字和简体字",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_foreign(texts[i], "");
}

static void what_has_no_letter_of_a_script_is_not_foreign(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " \t\n",
        "0123456789 ٠١٢ १२३ Ⅳ",
        "…—‘’“”、。《》！？～",
        "😀👍🏽❤️👨‍👩‍👧🇨🇳",
        "\u0301\u0308",
        "∑∫≈€₽→■",
        "ーーー", /* shared by Hiragana and Katakana */
        "𝐱𝛂",     /* mathematical */
        "\uE000\U000F0000",
        "\U000E0041",
        "\uFEFF\u200B\u200D",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check_foreign(texts[i], "");
}

static void half_of_the_letters_is_not_most(void **state)
{
    (void)state;
    check_foreign("абabc", "");
    check_foreign("абвabc", "");
    check_foreign("абвгabc", "Cyrl");
    check_foreign("абв中文字", "");
    check_foreign("абв中文", "Cyrl");
    /* What is no letter counts on neither side. */
    check_foreign("а 12345 😀😀😀 ...", "Cyrl");
    check_foreign("а a 12345", "");
}

static void foreign_scripts_count_together_and_the_most_frequent_gives_the_name(void **state)
{
    (void)state;
    check_foreign("абв αβ abcd", "Cyrl");
    check_foreign("аб αβγ abcd", "Grek");
    check_foreign("αβ аб abc", "Cyrl"); /* as many: the first name */
    check_foreign("αβ аб abcd", "");
    check_foreign("東京タワービルへ行く", "Kana"); /* 3 ideographs, タワビル, へく */
    check_foreign("東京都へ行く", "");
}

static void each_model_has_scripts_of_its_own(void **state)
{
    (void)state;
    static const char *const japanese[4] = {"Hira", "Kana", "Hani", "Latn"};
    static const char *const russian[4] = {"Cyrl"}, *const english[4] = {"Latn"};
    static const char *const chinese[4] = {"Hani"};
    assert_string_equal(foreign_in(japanese, "東京タワーへ行く"), "");
    assert_string_equal(foreign_in(japanese, "Привет"), "Cyrl");
    assert_string_equal(foreign_in(russian, "Привет"), "");
    assert_string_equal(foreign_in(russian, "hello"), "Latn");
    assert_string_equal(foreign_in(russian, "中文"), "Hani");
    assert_string_equal(foreign_in(english, "hello"), "");
    assert_string_equal(foreign_in(english, "hello 今天天气很好"), "Hani");
    assert_string_equal(foreign_in(english, "今天天气很好"), "Hani");
    assert_string_equal(foreign_in(english, "今天 hello"), "");
    assert_string_equal(foreign_in(chinese, "hello"), "Latn");
    assert_string_equal(foreign_in(chinese, "今天天气很好"), "");
}

/* ---- every text, against the definition ---- */

static unsigned script_of(uint32_t code)
{
    if (!(unicode_record_of(code)->flags & UNICODE_LETTER)) return SCRIPT_NONE;
    for (size_t i = 0; i < SCRIPT_RANGES; i++)
        if (code >= script_ranges[i].first && code <= script_ranges[i].last)
            return script_ranges[i].script;
    return SCRIPT_NONE;
}

static unsigned foreign_by_definition(const struct known_scripts *known, const uint32_t *codes,
                                      size_t n)
{
    size_t counts[SCRIPTS] = {0}, foreign = 0, all = 0;
    unsigned most = SCRIPT_NONE;
    for (size_t i = 0; i < n; i++) {
        const unsigned script = script_of(codes[i]);
        if (script == SCRIPT_NONE) continue;
        counts[script]++;
        all++;
        foreign += !known->is_known[script];
    }
    for (unsigned script = 1; script < SCRIPTS; script++)
        if (!known->is_known[script] && (most == SCRIPT_NONE || counts[script] > counts[most]))
            most = script;
    return 2 * foreign > all ? most : SCRIPT_NONE;
}

static void check_codes(const struct known_scripts *known, const uint32_t *codes, size_t n)
{
    char *text = malloc(4 * n + 1); /* of the very size: one byte too far is seen */
    size_t bytes = 0;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        bytes += utf8_write(text + bytes, codes[i]);
    char *exact = malloc(bytes ? bytes : 1);
    assert_non_null(exact);
    memcpy(exact, text, bytes);
    assert_int_equal(known_scripts_foreign(known, exact, bytes),
                     foreign_by_definition(known, codes, n));
    free(exact);
    free(text);
}

static const char *const models[][4] = {
    {"Latn", "Hani"}, {"Latn"}, {"Hani"}, {"Cyrl", "Grek"}, {"Hira", "Kana", "Hani", "Latn"}};
#define MODELS (sizeof models / sizeof *models)

static void every_character_alone_is_told_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        const struct known_scripts known = knowing(models[i]);
        for (uint32_t code = 0; code < 0x110000; code += code < 0x20000 ? 1 : 61) {
            if (code >= 0xD800 && code < 0xE000) continue;
            char text[4];
            const size_t bytes = utf8_write(text, code);
            const unsigned script = script_of(code);
            assert_int_equal(known_scripts_foreign(&known, text, bytes),
                             known.is_known[script] ? SCRIPT_NONE : script);
        }
    }
}

static void one_foreign_letter_is_found_at_every_place(void **state)
{
    (void)state;
    static const uint32_t beside[] = {'1', 0x3002, 0x1F600}, letters[] = {0x430, 0x3042, 0x10330};
    const struct known_scripts known = knowing(english_chinese);
    uint32_t codes[80];
    for (size_t n = 1; n <= 80; n++) {
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < n; i++)
                codes[i] = i == at ? letters[n % 3] : beside[at % 3];
            check_codes(&known, codes, n);
        }
    }
}

static void random_mixtures_are_told_by_the_definition(void **state)
{
    (void)state;
    static const uint32_t kinds[][2] = {
        {'a', 26},      {'A', 26},      {' ', 16},     {0xC0, 300},      {0x370, 400},
        {0x600, 256},   {0x900, 3000},  {0x2000, 800}, {0x3000, 0x200},  {0x3400, 0x6C00},
        {0xA000, 2000}, {0xAC00, 9000}, {0xFE00, 511}, {0x10300, 0x900}, {0x1F300, 900},
        {0x20000, 999}, {0x4E00, 3000}, {0x430, 32},
    };
    uint32_t codes[200];
    srand(1);
    for (int round = 0; round < 20000; round++) {
        const struct known_scripts known = knowing(models[(unsigned)round % MODELS]);
        const size_t n = (unsigned)rand() % 200, n_kinds = 1 + (unsigned)rand() % 4;
        size_t chosen[4];
        for (size_t i = 0; i < n_kinds; i++)
            chosen[i] = (unsigned)rand() % (sizeof kinds / sizeof *kinds);
        for (size_t i = 0; i < n; i++) {
            const uint32_t *kind = kinds[chosen[(unsigned)rand() % n_kinds]];
            codes[i] = kind[0] + (unsigned)rand() % kind[1];
        }
        check_codes(&known, codes, n);
    }
}

static void a_million_times_one_character_is_that_character(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        const char *want;
    } cases[] = {{'a', ""},       {0x7684, ""},     {0x1F600, ""}, {0x301, ""},
                 {0x430, "Cyrl"}, {0xAC00, "Hang"}, {'1', ""},     {0, ""}};
    char *text = malloc(4000000);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct known_scripts known = knowing(english_chinese);
        size_t bytes = 0;
        for (size_t n = 0; n < 1000000; n++)
            bytes += utf8_write(text + bytes, cases[i].code);
        const unsigned found = known_scripts_foreign(&known, text, bytes);
        assert_string_equal(script_names[found], cases[i].want);
    }
    free(text);
}

/* ---- names ---- */

static void tables_are_in_order(void **state)
{
    (void)state;
    assert_string_equal(script_names[SCRIPT_NONE], "");
    for (unsigned script = 1; script < SCRIPTS; script++)
        assert_true(strcmp(script_names[script - 1], script_names[script]) < 0);
    for (size_t i = 0; i < SCRIPT_RANGES; i++) {
        assert_true(script_ranges[i].first <= script_ranges[i].last);
        assert_true(i == 0 || script_ranges[i - 1].last < script_ranges[i].first);
        assert_in_range(script_ranges[i].script, 1, SCRIPTS - 1);
    }
}

static void other_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "latn", "Latin", "Hans", "Jpan", "Zyyy", "Zinh", "en"};
    struct known_scripts known = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(known_scripts_add(&known, names[i]));
    assert_memory_equal(&known, &(struct known_scripts){0}, sizeof known);
}

static void a_list_has_each_script_once_and_the_first_eight(void **state)
{
    (void)state;
    static const char *const texts[] = {"а",  "ا",  "α",  "а", "ก", "ა",
                                        "한", "か", "ア", "क", "க", "α"};
    const struct known_scripts known = knowing(english_chinese);
    struct script_list list = {0};
    char out[SCRIPT_LIST_BYTES];
    script_list_write(&list, out);
    assert_string_equal(out, "");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        script_list_add(&list, known_scripts_foreign(&known, texts[i], strlen(texts[i])));
    script_list_write(&list, out);
    assert_string_equal(out, "Cyrl, Arab, Grek, Thai, Geor, Hang, Hira, Kana");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_named_by_the_script_of_its_letters),
        cmocka_unit_test(english_chinese_and_their_mixtures_are_not_foreign),
        cmocka_unit_test(what_has_no_letter_of_a_script_is_not_foreign),
        cmocka_unit_test(half_of_the_letters_is_not_most),
        cmocka_unit_test(foreign_scripts_count_together_and_the_most_frequent_gives_the_name),
        cmocka_unit_test(each_model_has_scripts_of_its_own),
        cmocka_unit_test(every_character_alone_is_told_as_the_table_says),
        cmocka_unit_test(one_foreign_letter_is_found_at_every_place),
        cmocka_unit_test(random_mixtures_are_told_by_the_definition),
        cmocka_unit_test(a_million_times_one_character_is_that_character),
        cmocka_unit_test(tables_are_in_order),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(a_list_has_each_script_once_and_the_first_eight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
