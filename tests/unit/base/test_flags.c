/* SPDX-License-Identifier: Apache-2.0 */
#include "base/flags.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static const char *const formats[] = {"json", "text", "npy", NULL};

/* Where the flags of the tests end up. */
static struct {
    const char *output;
    int format, normalize;
    uint64_t dimensions;
    double rate;
} got;

static const struct flag list[] = {
    {.name = "output",
     .type = FLAG_STRING,
     .out.string = &got.output,
     .value = "FILE",
     .help = "a"},
    {.name = "format",
     .type = FLAG_CHOICE,
     .out.choice = &got.format,
     .choices = formats,
     .help = "b"},
    {.name = "normalize", .type = FLAG_SWITCH, .out.is_on = &got.normalize, .help = "c"},
    {.name = "dimensions",
     .type = FLAG_NUMBER,
     .out.number = &got.dimensions,
     .value = "N",
     .min = 1,
     .max = 4096,
     .help = "d"},
    {.name = "rate",
     .type = FLAG_REAL,
     .out.real = &got.rate,
     .value = "RATE",
     .least = 1e-6,
     .most = 10,
     .help = "e"},
    {.name = "model", .type = FLAG_STRING, .out.string = &got.output, .value = "PATH", .help = "f"},
};

static const struct flags flags = {
    .usage = "embedd try [OPTION]... [FILE]...",
    .about = "Tries.",
    .list = list,
    .n = 6,
    .files_max = 2,
};

static struct err err;
static char *argv[16];
static int n_files;

/* Parses a command line whose words are parted by spaces. */
static enum flags_outcome parse(const char *line)
{
    static char words[512];
    snprintf(words, sizeof(words), "try %s", line);
    int argc = 0;
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    got.output = NULL;
    got.format = got.normalize = -1;
    got.dimensions = 0;
    got.rate = -1;
    memset(&err, 0, sizeof(err));
    return flags_parse(&flags, argc, argv, &n_files, &err);
}

static void expect_wrong(const char *line, const char *sentence)
{
    assert_int_equal(parse(line), FLAGS_WRONG);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.message, sentence);
}

static void every_type_is_read_in_both_spellings(void **state)
{
    (void)state;
    assert_int_equal(parse("--output a --format npy --normalize --dimensions 64"), FLAGS_RUN);
    assert_string_equal(got.output, "a");
    assert_int_equal(got.format, 2);
    assert_int_equal(got.normalize, 1);
    assert_int_equal(got.dimensions, 64);
    assert_int_equal(parse("--output=--b --format=json --no-normalize --dimensions=4096"),
                     FLAGS_RUN);
    assert_string_equal(got.output, "--b");
    assert_int_equal(got.format, 0);
    assert_int_equal(got.normalize, 0);
    assert_int_equal(got.dimensions, 4096);
}

static void a_number_may_have_a_point_and_an_exponent(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double value;
    } cases[] = {{"--rate 0.1", 0.1},     {"--rate=10", 10},      {"--rate 1e-6", 1e-6},
                 {"--rate .5", 0.5},      {"--rate 5.", 5},       {"--rate +2", 2},
                 {"--rate 2.5E-1", 0.25}, {"--rate 0000.1e+1", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (parse(cases[i].line) != FLAGS_RUN) fail_msg("%s: %s", cases[i].line, err.message);
        if (!(got.rate == cases[i].value)) fail_msg("%s: %g", cases[i].line, got.rate);
    }
}

static void what_is_not_given_keeps_its_default(void **state)
{
    (void)state;
    assert_int_equal(parse(""), FLAGS_RUN);
    assert_null(got.output);
    assert_int_equal(got.format, -1);
    assert_int_equal(got.normalize, -1);
    assert_int_equal(n_files, 0);
}

static void files_may_stand_between_flags(void **state)
{
    (void)state;
    assert_int_equal(parse("one --format text -"), FLAGS_RUN);
    assert_int_equal(n_files, 2);
    assert_string_equal(argv[1], "one");
    assert_string_equal(argv[2], "-");
    assert_int_equal(parse("-- --format"), FLAGS_RUN);
    assert_int_equal(n_files, 1);
    assert_string_equal(argv[1], "--format");
}

static void a_flag_given_twice_is_refused(void **state)
{
    (void)state;
    expect_wrong("--format text --format npy", "--format is given twice; give it once");
    expect_wrong("--output a one --output=a", "--output is given twice; give it once");
    expect_wrong("--dimensions=3 --dimensions 3", "--dimensions is given twice; give it once");
    expect_wrong("--rate 1 --rate 1", "--rate is given twice; give it once");
    expect_wrong("--normalize --no-normalize", "--normalize is given twice; give it once");
    expect_wrong("--no-normalize --no-normalize", "--normalize is given twice; give it once");
    expect_wrong("--model a --model b", "--model is given twice; give it once");
    assert_int_equal(parse("--format text -- --format"), FLAGS_RUN);
}

static void an_unknown_flag_names_the_nearest(void **state)
{
    (void)state;
    expect_wrong("--fromat json", "unknown flag --fromat, did you mean --format?");
    expect_wrong("--dimension=3", "unknown flag --dimension, did you mean --dimensions?");
    expect_wrong("--colour", "unknown flag --colour; --help lists them");
    expect_wrong("--help=1", "--help takes no value");
    expect_wrong("--no-output", "unknown flag --no-output, did you mean --output?");
    expect_wrong("--no-normalize=true", "unknown flag --no-normalize, did you mean --normalize?");
    expect_wrong("-f", "unknown flag -f; flags begin with two dashes, --help lists them");
    expect_wrong("-output=a", "unknown flag -output, did you mean --output?");
    expect_wrong("-3", "unknown flag -3; flags begin with two dashes, --help lists them");
}

static void a_missing_value_is_named_with_what_it_may_be(void **state)
{
    (void)state;
    expect_wrong("--format", "--format needs a value: json, text or npy");
    expect_wrong("--output --format json", "--output needs a value: FILE");
    expect_wrong("--dimensions", "--dimensions needs a value: a whole number from 1 to 4096");
    expect_wrong("--rate", "--rate needs a value: a number from 1e-06 to 10");
}

static void a_wrong_value_is_named_with_the_range(void **state)
{
    (void)state;
    expect_wrong("--format xml", "--format must be json, text or npy, not 'xml'");
    expect_wrong("--format=", "--format must be json, text or npy, not ''");
    expect_wrong("--dimensions 0", "--dimensions must be a whole number from 1 to 4096, not '0'");
    expect_wrong("--dimensions 4097",
                 "--dimensions must be a whole number from 1 to 4096, not '4097'");
    expect_wrong("--dimensions -3", "--dimensions must be a whole number from 1 to 4096, not '-3'");
    expect_wrong("--dimensions 3.0",
                 "--dimensions must be a whole number from 1 to 4096, not '3.0'");
    expect_wrong("--dimensions 18446744073709551617",
                 "--dimensions must be a whole number from 1 to 4096, not '18446744073709551617'");
    expect_wrong("--normalize=yes", "--normalize must be true or false, not 'yes'");
    expect_wrong("--normalize=", "--normalize must be true or false, not ''");
}

static void a_switch_has_four_forms(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int is_on;
    } cases[] = {{"--normalize", 1},
                 {"--no-normalize", 0},
                 {"--normalize=true", 1},
                 {"--normalize=false", 0},
                 {"a --normalize b", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (parse(cases[i].line) != FLAGS_RUN) fail_msg("%s: %s", cases[i].line, err.message);
        assert_int_equal(got.normalize, cases[i].is_on);
    }
}

/* A setting's reader: keeps the text, and refuses "bad". */
static bool read_setting(void *setting, const char *name, const char *value, struct err *to)
{
    if (!value || strcmp(value, "bad") == 0)
        return err_set(to, ERR_USAGE, NULL, "%s: %s", name, value ? value : "nothing");
    snprintf(setting, 16, "%s", value);
    return true;
}

static void settings_are_read_by_their_owner(void **state)
{
    (void)state;
    static const char *const aliases[][2] = {{"house", "place"}, {NULL, NULL}};
    char place[16] = "", is_there[16] = "";
    const struct flag settings[] = {
        {"place", FLAG_SETTING, .out.setting = place, .read = read_setting},
        {"there", FLAG_SETTING_SWITCH, .out.setting = is_there, .read = read_setting}};
    const struct flags of_settings = {
        .usage = "embedd try", .list = settings, .n = 2, .aliases = aliases};
    char *right[] = {(char[]){"try"}, (char[]){"--place"}, (char[]){"-1"}, (char[]){"--no-there"}};
    assert_int_equal(flags_parse(&of_settings, 4, right, &n_files, &err), FLAGS_RUN);
    assert_string_equal(place, "-1");
    assert_string_equal(is_there, "false");
    static const char *const wrong[][2] = {
        {"--place=bad", "place: bad"},
        {"--place", "place: nothing"},
        {"--there=bad", "there: bad"},
        {"--house=a", "unknown flag --house, did you mean --place?"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *args[] = {(char[]){"try"}, (char *)(uintptr_t)wrong[i][0]};
        assert_int_equal(flags_parse(&of_settings, 2, args, &n_files, &err), FLAGS_WRONG);
        assert_string_equal(err.message, wrong[i][1]);
    }
}

static void what_is_no_such_number_is_refused(void **state)
{
    (void)state;
    static const char *const rates[] = {
        "nan", "inf", "-inf", "0x1",   "",    "1e999", "10.000001", "0",  "1e-7",    "-1",
        "1,5", "1e",  "e1",   "1.5.2", "--1", "1f",    ".",         "1 ", "infinity"};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char sentence[100], arg[50];
        snprintf(arg, sizeof arg, "--rate=%s", rates[i]);
        snprintf(sentence, sizeof sentence, "--rate must be a number from 1e-06 to 10, not '%s'",
                 rates[i]);
        parse("");
        argv[1] = arg;
        assert_int_equal(flags_parse(&flags, 2, argv, &n_files, &err), FLAGS_WRONG);
        assert_string_equal(err.message, sentence);
        assert_true(got.rate == -1);
    }
    expect_wrong("--rate -1", "--rate must be a number from 1e-06 to 10, not '-1'");
}

static void too_many_and_too_few_files_are_refused(void **state)
{
    (void)state;
    expect_wrong("a b c", "unexpected argument 'c'; usage: embedd try [OPTION]... [FILE]...");
    struct flags strict = flags;
    strict.files_min = 1;
    char *none[] = {(char[]){"try"}, NULL};
    assert_int_equal(flags_parse(&strict, 1, none, &n_files, &err), FLAGS_WRONG);
    assert_string_equal(err.message,
                        "an argument is missing; usage: embedd try [OPTION]... [FILE]...");
}

static void help_is_asked_for_before_anything_is_refused_after_it(void **state)
{
    (void)state;
    assert_int_equal(parse("--format json --help --nonsense"), FLAGS_HELP);
    assert_int_equal(parse("-h"), FLAGS_HELP);
}

static void help_names_every_flag_and_its_values(void **state)
{
    (void)state;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    flags_print_help(&flags, out);
    fclose(out);
    assert_non_null(strstr(text, "usage: embedd try"));
    assert_non_null(strstr(text, "--output FILE "));
    assert_non_null(strstr(text, "--format json|text|npy "));
    assert_non_null(strstr(text, "--[no-]normalize "));
    assert_non_null(strstr(text, "--dimensions N "));
    assert_non_null(strstr(text, "--rate RATE "));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read_in_both_spellings),
        cmocka_unit_test(a_number_may_have_a_point_and_an_exponent),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(files_may_stand_between_flags),
        cmocka_unit_test(a_flag_given_twice_is_refused),
        cmocka_unit_test(an_unknown_flag_names_the_nearest),
        cmocka_unit_test(a_missing_value_is_named_with_what_it_may_be),
        cmocka_unit_test(a_wrong_value_is_named_with_the_range),
        cmocka_unit_test(a_switch_has_four_forms),
        cmocka_unit_test(settings_are_read_by_their_owner),
        cmocka_unit_test(what_is_no_such_number_is_refused),
        cmocka_unit_test(too_many_and_too_few_files_are_refused),
        cmocka_unit_test(help_is_asked_for_before_anything_is_refused_after_it),
        cmocka_unit_test(help_names_every_flag_and_its_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
