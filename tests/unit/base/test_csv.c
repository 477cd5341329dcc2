/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"
#include "tests/test.h"

#include <string.h>

#define CELLS_MAX 8

static struct csv_records records_of(const char *text)
{
    return (struct csv_records){.left = {text, strlen(text)}, .separator = ','};
}

/* Reads all records and checks them, each with its cells between '|', against `expected`. */
static void check(const char *text, const char *expected)
{
    struct csv_records records = records_of(text);
    struct span record, cells[CELLS_MAX];
    const char *problem;
    char copy[200], found[400] = "";
    int step;
    while ((step = csv_next(&records, &record, &problem)) == 1) {
        memcpy(copy, record.data, record.bytes);
        const size_t n = csv_split(copy, record.bytes, ',', true, cells, CELLS_MAX);
        for (size_t i = 0; i < n; i++) {
            strncat(found, cells[i].data, cells[i].bytes);
            strcat(found, "|");
        }
        strcat(found, "/");
    }
    assert_int_equal(step, 0);
    assert_string_equal(found, expected);
}

static void a_doubled_quote_in_a_quoted_cell_is_one(void **state)
{
    (void)state;
    check("\"a\"\"b\",c\n", "a\"b|c|/");
    check("\"\"\"\",\"\"\"a\"\"\"\n", "\"|\"a\"|/");
    check("\"\"", "|/");
}

static void a_quoted_cell_may_hold_separators_and_line_breaks(void **state)
{
    (void)state;
    check("\"a,b\",\"c\nd\"\ne,f\n", "a,b|c\nd|/e|f|/");
    check("\"a\r\nb\"\r\n", "a\r\nb|/");
}

static void a_quote_elsewhere_is_a_character(void **state)
{
    (void)state;
    check("a\"b, \"c\"\n", "a\"b| \"c\"|/");
}

static void lines_end_in_lf_or_crlf_or_with_the_text(void **state)
{
    (void)state;
    check("a,b\r\nc,d\ne,f", "a|b|/c|d|/e|f|/");
    check("a,\"b\"\r\n", "a|b|/");
    check("\"a\"\r", "a|/");
}

static void empty_cells_count_and_empty_lines_do_not(void **state)
{
    (void)state;
    check(",a,\n\n\r\n,\n", "|a||/||/");
    check("", "");
    check("\n\n", "");
}

static void check_problem(const char *text, uint64_t line, const char *expected)
{
    struct csv_records records = records_of(text);
    struct span record;
    const char *problem = NULL;
    int step;
    while ((step = csv_next(&records, &record, &problem)) == 1) {
    }
    assert_int_equal(step, -1);
    assert_int_equal(records.line, line);
    assert_non_null(strstr(problem, expected));
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    check_problem("a,b\nc,\"d\ne\n", 2, "the quoted cell that begins here is not closed");
    check_problem("\"a\nb\",\"c\nd", 2, "the quoted cell that begins here is not closed");
    check_problem("\"", 1, "the quoted cell that begins here is not closed");
    check_problem("a,b\n\n\"c\nd\" ,e\n", 4, "something follows the closing quote of a cell");
    check_problem("\"a\"\rb\n", 1, "something follows the closing quote of a cell");
}

static void each_record_tells_the_line_on_which_it_begins(void **state)
{
    (void)state;
    struct csv_records records = records_of("\na,\"b\nc\"\n\nd");
    struct span record;
    const char *problem;
    assert_int_equal(csv_next(&records, &record, &problem), 1);
    assert_int_equal(records.line, 2);
    assert_int_equal(csv_next(&records, &record, &problem), 1);
    assert_int_equal(records.line, 5);
    assert_int_equal(csv_next(&records, &record, &problem), 0);
}

static void a_scan_goes_on_where_it_stopped(void **state)
{
    (void)state;
    const char text[] = "\"a\"\"\n\",b\r\nc";
    struct csv_scan scan = {0};
    size_t bytes = 0;
    while (!csv_scan(&scan, text, bytes, ','))
        assert_true(++bytes < sizeof text);
    assert_int_equal(scan.state, CSV_END);
    assert_int_equal(scan.at, strlen("\"a\"\"\n\",b\r"));
}

static void the_separator_is_the_semicolon_where_there_is_no_comma(void **state)
{
    (void)state;
    assert_int_equal(csv_find_separator("a;b", 3), ';');
    assert_int_equal(csv_find_separator("a;b,c", 5), ',');
    assert_int_equal(csv_find_separator("\"a,b\";c", 7), ';');
    assert_int_equal(csv_find_separator("\"a;b\"", 5), ',');
    assert_int_equal(csv_find_separator("", 0), ',');
}

static void cells_without_quoting_end_at_the_separator_alone(void **state)
{
    (void)state;
    char record[] = "\"a\tb\"\t";
    struct span cells[2];
    assert_int_equal(csv_split(record, strlen(record), '\t', false, cells, 2), 3);
    assert_int_equal(cells[0].bytes, 2);
    assert_memory_equal(cells[0].data, "\"a", 2);
    assert_int_equal(cells[1].bytes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_doubled_quote_in_a_quoted_cell_is_one),
        cmocka_unit_test(a_quoted_cell_may_hold_separators_and_line_breaks),
        cmocka_unit_test(a_quote_elsewhere_is_a_character),
        cmocka_unit_test(lines_end_in_lf_or_crlf_or_with_the_text),
        cmocka_unit_test(empty_cells_count_and_empty_lines_do_not),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(each_record_tells_the_line_on_which_it_begins),
        cmocka_unit_test(a_scan_goes_on_where_it_stopped),
        cmocka_unit_test(the_separator_is_the_semicolon_where_there_is_no_comma),
        cmocka_unit_test(cells_without_quoting_end_at_the_separator_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
