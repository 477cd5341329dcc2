/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/form.h"
#include "tests/test.h"

#include <string.h>

#define TYPE "multipart/form-data; boundary=XX"
#define MAX 4

static struct form_part parts[MAX];

static size_t read_form(const char *type, const char *body)
{
    size_t n;
    struct err err = {0};
    if (!form_read(type, body, strlen(body), parts, MAX, &n, &err)) fail_msg("%s", err.message);
    return n;
}

static void assert_text(struct text text, const char *want)
{
    assert_non_null(text.data);
    assert_int_equal(text.bytes, strlen(want));
    assert_memory_equal(text.data, want, text.bytes);
}

static void parts_have_names_files_and_bytes(void **state)
{
    (void)state;
    assert_int_equal(read_form(TYPE, "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n"
                                     "\r\nfine-tune\r\n--XX\r\nContent-Type: text/csv\r\n"
                                     "content-disposition: form-data; name=\"file\"; "
                                     "filename=\"a \\\"b\\\";name=c.csv\"\r\n\r\n"
                                     "x\r\n--X\r\n\r\n--XX--\r\n"),
                     2);
    assert_text(parts[0].name, "purpose");
    assert_null(parts[0].filename.data);
    assert_text(parts[0].data, "fine-tune");
    assert_text(parts[1].name, "file");
    assert_text(parts[1].filename, "a \\\"b\\\";name=c.csv");
    assert_text(parts[1].data, "x\r\n--X\r\n");
}

static void forms_may_begin_with_a_line_be_quoted_and_hold_nothing(void **state)
{
    (void)state;
    assert_int_equal(read_form("Multipart/Form-Data; charset=x; boundary=\"X X\"",
                               "preamble\r\n--X X\r\nContent-Disposition: form-data; "
                               "filename=b; name=a\r\n\r\n\r\n--X X--"),
                     1);
    assert_text(parts[0].name, "a");
    assert_text(parts[0].filename, "b");
    assert_text(parts[0].data, "");
    assert_int_equal(read_form(TYPE, "--XX--"), 0);
}

static void what_is_no_form_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *words;
    } cases[] = {
        {"multipart/form-data", "--XX--", "no boundary"},
        {"multipart/form-data; boundary=", "--XX--", "no boundary"},
        {TYPE, "", "not in it"},
        {TYPE, "--YY--", "not in it"},
        {TYPE, "--XX", "end is missing"},
        {TYPE, "--XX\r\n", "headers"},
        {TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "end is missing"},
        {TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--XX", "end is missing"},
        {TYPE, "--XX\r\n\r\nx\r\n--XX--", "no name"},
        {TYPE, "--XX\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--XX--", "no name"},
        {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--XX\r\n\r\n--XX\r\n",
         "no name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n;
        struct err err = {0};
        assert_false(
            form_read(cases[i].type, cases[i].body, strlen(cases[i].body), parts, MAX, &n, &err));
        assert_int_equal(err.code, ERR_INVALID);
        if (!strstr(err.message, cases[i].words)) fail_msg("%zu: %s", i, err.message);
    }
}

static void types_are_told_apart(void **state)
{
    (void)state;
    assert_true(form_is_type(" multipart/form-data;boundary=a"));
    assert_true(form_is_type("MULTIPART/FORM-DATA"));
    assert_false(form_is_type("multipart/form-database"));
    assert_false(form_is_type("application/json"));
    assert_false(form_is_type(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_names_files_and_bytes),
        cmocka_unit_test(forms_may_begin_with_a_line_be_quoted_and_hold_nothing),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(types_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
