/* SPDX-License-Identifier: Apache-2.0 */
/* The file of keys: what its lines say, and what is wrong with those that say nothing. */
#include "base/keyfile.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of "0123456789abcdef" and "fedcba9876543210", by sha256sum. */
#define ONE "sha256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"
#define TWO "sha256:e9b4bc5164afcc76b3ac4f3ce9ac23ad5f6c7c5d3b8a21d0d5f33ff0ff77a8a3"

static bool parse(const char *text, struct keyfile *file, struct err *err)
{
    return keyfile_parse("keys.txt", (struct span){text, strlen(text)}, file, err);
}

static void assert_wrong(const char *text, const char *why)
{
    struct keyfile file;
    struct err err = {0};
    if (parse(text, &file, &err)) fail_msg("%s is read", text);
    assert_int_equal(err.code, ERR_FORMAT);
    assert_null(file.keys);
    if (!strstr(err.message, why)) fail_msg("%s: %s", text, err.message);
    assert_non_null(strstr(err.message, "keys.txt"));
}

static void a_line_is_a_name_a_digest_scopes_and_perhaps_the_day_it_expires(void **state)
{
    (void)state;
    struct keyfile file;
    struct err err;
    assert_true(parse("\xEF\xBB\xBF# who\n"
                      "\n"
                      "  web \t" ONE "  embed,classify\r\n"
                      "ops@x.org/1:2+3=4 " TWO " metrics,admin 2027-01-31 # until then\n",
                      &file, &err));
    assert_int_equal(file.n, 2);
    assert_string_equal(file.keys[0].name, "web");
    assert_int_equal(file.keys[0].scopes, KEY_EMBED | KEY_CLASSIFY);
    assert_true(file.keys[0].expires_s == KEY_NEVER);
    assert_int_equal(file.keys[0].line, 3);
    uint8_t digest[SHA256_DIGEST_SIZE];
    key_digest("0123456789abcdef", 16, digest);
    assert_memory_equal(file.keys[0].digest, digest, sizeof digest);
    assert_string_equal(file.keys[1].name, "ops@x.org/1:2+3=4");
    assert_int_equal(file.keys[1].scopes, KEY_METRICS | KEY_ADMIN);
    assert_int_equal(file.keys[1].expires_s, 1801440000); /* 2027-02-01T00:00:00Z */
    keyfile_clear(&file);
    assert_true(parse("a " ONE " embed # always\n", &file, &err));
    assert_int_equal(file.n, 1);
    keyfile_clear(&file);
    assert_true(parse("# nobody\n", &file, &err));
    assert_int_equal(file.n, 0);
    keyfile_clear(&file);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    char name[100] = "";
    memset(name, 'n', KEY_NAME_BYTES_MAX + 1);
    char text[300];
    snprintf(text, sizeof text, "%s " ONE " embed\n", name);
    assert_wrong(text, "line 1: a key's name");
    assert_wrong("", "empty");
    assert_wrong(" \n\t\r\n", "empty");
    assert_wrong("w\xC3\xA9"
                 "b " ONE " embed\n",
                 "line 1: a key's name");
    assert_wrong("web\n", "line 1: the name must be followed by sha256:");
    assert_wrong("# a\nweb 9f9f\n", "line 2: the name must be followed by sha256:");
    assert_wrong("web " ONE "0 embed\n", "line 1: the name must be followed by sha256:");
    assert_wrong("web SHA256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f x\n",
                 "line 1: the name must be followed by sha256:");
    assert_wrong("web sha256:9g9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f e\n",
                 "line 1: the name must be followed by sha256:");
    assert_wrong("web " ONE "\n", "line 1: the scopes");
    assert_wrong("web " ONE " embed,\n", "line 1: the scopes");
    assert_wrong("web " ONE " ,embed\n", "line 1: the scopes");
    assert_wrong("web " ONE " embed,cla\n", "not 'embed,cla'");
    assert_wrong("web " ONE " Embed\n", "line 1: the scopes");
    assert_wrong("web " ONE " embed soon\n", "not 'soon'");
    assert_wrong("web " ONE " embed 2027-02-29\n", "not '2027-02-29'");
    assert_wrong("web " ONE " embed 2027-01-31 x\n", "not 'x'");
    assert_wrong("web " ONE " embed 2027-01-31 2027-01-31\n", "not '2027-01-31'");
    assert_wrong("web " ONE " embed\n\nweb " TWO " embed\n", "lines 1 and 3 have the same name");
    assert_wrong("b " ONE " embed\na " ONE " admin\n", "lines 1 and 2 have the same key");
    assert_wrong("web " ONE " embed\nops " TWO " admin", "the last line has no newline");
    assert_wrong("web " ONE " embed\nops " TWO " admin 2027", "the last line has no newline");
}

static void a_line_may_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        struct key_limit requests, tokens;
        bool has_end;
    } lines[] = {
        {"", {false, 0}, {false, 0}, false},
        {"# requests=1", {false, 0}, {false, 0}, false},
        {"requests=600", {true, 600}, {false, 0}, false},
        {"2027-01-31 requests=600 tokens=100000", {true, 600}, {true, 100000}, true},
        {"\ttokens=00100\trequests=0\t2027-01-31 # a day", {true, 0}, {true, 100}, true},
        {"requests=1000000000 tokens=1000000000000",
         {true, KEY_REQUESTS_MAX},
         {true, KEY_TOKENS_MAX},
         false},
    };
    struct keyfile file;
    struct err err;
    char text[300];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(text, sizeof text, "web " ONE " embed %s\n", lines[i].rest);
        if (!parse(text, &file, &err)) fail_msg("%s: %s", text, err.message);
        const struct keyfile_key *key = &file.keys[0];
        assert_int_equal(key->requests.is_own, lines[i].requests.is_own);
        assert_true(key->requests.per_minute == lines[i].requests.per_minute);
        assert_int_equal(key->tokens.is_own, lines[i].tokens.is_own);
        assert_true(key->tokens.per_minute == lines[i].tokens.per_minute);
        assert_int_equal(key->expires_s != KEY_NEVER, lines[i].has_end);
        keyfile_clear(&file);
    }
}

static void limits_that_are_none_are_named(void **state)
{
    (void)state;
    static const char *const values[] = {"",
                                         "-1",
                                         "+1",
                                         "1.5",
                                         "1e3",
                                         "1k",
                                         "0x10",
                                         "many",
                                         "600/m",
                                         "'1'",
                                         "1,000",
                                         "1000000000001",
                                         "18446744073709551617",
                                         "99999999999999999999999999999"};
    char text[300], shown[80];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(shown, sizeof shown, "not '%s'", values[i]);
        snprintf(text, sizeof text, "# a\nweb " ONE " embed tokens=%s\n", values[i]);
        assert_wrong(text, shown);
        snprintf(text, sizeof text, "# a\nweb " ONE " embed requests=%s 2027-01-31\n", values[i]);
        assert_wrong(text, shown);
        assert_wrong(text, "line 2: requests=");
    }
    assert_wrong("web " ONE " embed requests=1000000001\n", "from 0 to 1000000000,");
    assert_wrong("web " ONE " embed requests=1 requests=1\n",
                 "line 1: requests= stands there twice");
    assert_wrong("web " ONE " embed tokens=1 2027-01-31 tokens=2\n", "tokens= stands there twice");
    assert_wrong("web " ONE " embed Requests=1\n", "not 'Requests=1'");
    assert_wrong("web " ONE " embed inputs=1\n", "not 'inputs=1'");
    assert_wrong("web " ONE " embed requests\n", "not 'requests'");
    assert_wrong("web " ONE " embed 2027-01-31 token=1\n", "not 'token=1'");
    assert_wrong("web " ONE " embed requests = 1\n", "not 'requests'");
    assert_wrong("web " ONE " requests=1\n", "line 1: the scopes");
}

/* A file that was cut anywhere has fewer keys, or is none: never one that lives longer or may more.
 */
static void no_beginning_of_a_file_lets_in_whom_the_whole_does_not(void **state)
{
    (void)state;
    const char *whole = "web " ONE " embed,classify 2027-01-31T10:00:00Z requests=60\n"
                        "ops " TWO " admin 2028-01-01 tokens=1000\n";
    struct keyfile all, part;
    struct err err;
    assert_true(parse(whole, &all, &err));
    for (size_t n = 0; n < strlen(whole); n++) {
        if (!keyfile_parse("x", (struct span){whole, n}, &part, &err)) continue;
        for (size_t i = 0; i < part.n; i++) {
            assert_int_equal(part.keys[i].scopes, all.keys[i].scopes);
            assert_true(part.keys[i].expires_s == all.keys[i].expires_s);
            assert_true(part.keys[i].requests.per_minute == all.keys[i].requests.per_minute);
            assert_true(part.keys[i].tokens.per_minute == all.keys[i].tokens.per_minute);
        }
        keyfile_clear(&part);
    }
    keyfile_clear(&all);
}

static void moments_are_those_of_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_s;
    } right[] = {
        {"1970-01-01", 86400},
        {"2027-01-31T18:00:00Z", 1801418400},
        {"2027-01-31t18:00:00z", 1801418400},
        {"2027-01-31T19:00:00+01:00", 1801418400},
        {"2027-01-31T12:30:00.25-05:30", 1801418400},
        {"2028-02-29T00:00:00Z", 1835395200},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"9999-12-31", 253402300799},
    };
    static const char *const wrong[] = {"",
                                        "2027",
                                        "2027-1-31",
                                        "2027-13-01",
                                        "2027-00-10",
                                        "2027-04-31",
                                        "2027-01-31T",
                                        "2027-01-31 18:00Z",
                                        "2027-01-31T18:00:00",
                                        "1969-12-31",
                                        "2027-01-31Z",
                                        "27-01-31",
                                        "2027-01-31T24:00:00Z",
                                        "2027-01-31T18:60:00Z",
                                        "2027-01-31T18:00:61Z",
                                        "2027-01-31T18:00:00.Z",
                                        "2027-01-31T18:00:00+1:00",
                                        "2027-01-31T18:00:00+24:00",
                                        "2027-01-31T18:00:00ZZ",
                                        "+027-01-31"};
    int64_t unix_s;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        if (!key_read_time((struct span){right[i].text, strlen(right[i].text)}, &unix_s))
            fail_msg("%s", right[i].text);
        assert_true(unix_s == right[i].unix_s);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (key_read_time((struct span){wrong[i], strlen(wrong[i])}, &unix_s))
            fail_msg("%s is %lld", wrong[i], (long long)unix_s);
    char text[KEY_TIME_BYTES];
    key_write_time(1801418400, text);
    assert_string_equal(text, "2027-01-31T18:00:00Z");
}

static void a_line_that_is_written_reads_back(void **state)
{
    (void)state;
    struct keyfile_key key = {.name = "web",
                              .scopes = KEY_EMBED | KEY_ADMIN,
                              .expires_s = 1801418400,
                              .requests = {true, KEY_REQUESTS_MAX},
                              .tokens = {true, 0}};
    struct keyfile file;
    struct err err;
    char line[KEY_LINE_BYTES + 1], made[KEY_TEXT_BYTES], other[KEY_TEXT_BYTES];
    assert_true(key_make(made, &err) && key_make(other, &err));
    assert_int_equal(strlen(made), KEY_TEXT_BYTES - 1);
    assert_memory_equal(made, "embedd_", 7);
    assert_string_not_equal(made, other);
    key_digest(made, strlen(made), key.digest);
    size_t n = key_write_line(&key, line, KEY_LINE_BYTES);
    assert_int_equal(n, strlen(line));
    memcpy(line + n, "\n", 2);
    assert_true(parse(line, &file, &err));
    assert_int_equal(file.n, 1);
    assert_memory_equal(file.keys[0].digest, key.digest, sizeof key.digest);
    assert_int_equal(file.keys[0].scopes, key.scopes);
    assert_true(file.keys[0].expires_s == key.expires_s);
    assert_true(file.keys[0].requests.is_own && file.keys[0].tokens.is_own);
    assert_true(file.keys[0].requests.per_minute == KEY_REQUESTS_MAX);
    assert_true(file.keys[0].tokens.per_minute == 0);
    keyfile_clear(&file);
}

static void the_longest_line_fits(void **state)
{
    (void)state;
    struct keyfile_key key = {.scopes = (1u << KEY_SCOPES) - 1,
                              .expires_s = INT64_C(253402300799),
                              .requests = {true, KEY_REQUESTS_MAX},
                              .tokens = {true, KEY_TOKENS_MAX}};
    char line[KEY_LINE_BYTES];
    memset(key.name, 'n', KEY_NAME_BYTES_MAX);
    assert_in_range(key_write_line(&key, line, sizeof line), 1, sizeof line - 2);
}

static void a_file_that_others_can_write_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/embedd-test-keys-XXXXXX";
    const int fd = mkstemp(path);
    struct keyfile file;
    struct err err = {0};
    bool is_public;
    assert_true(write(fd, "# nobody\n", 9) == 9);
    static const struct {
        mode_t mode;
        bool is_read, is_public;
    } modes[] = {{0600, true, false}, {0440, true, false},  {0444, true, true},
                 {0644, true, true},  {0660, false, false}, {0602, false, false}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        fchmod(fd, modes[i].mode);
        assert_int_equal(keyfile_read(path, &file, &is_public, &err), modes[i].is_read);
        if (modes[i].is_read)
            assert_int_equal(is_public, modes[i].is_public);
        else
            assert_non_null(strstr(err.message, "chmod 600"));
        keyfile_clear(&file);
    }
    close(fd);
    unlink(path);
    assert_false(keyfile_read(path, &file, &is_public, &err));
    assert_int_equal(err.code, ERR_IO);
}

static void as_many_keys_as_there_are_are_read(void **state)
{
    (void)state;
    const size_t n = 10000, room = n * 120;
    char *text = malloc(room);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += (size_t)snprintf(text + bytes, room - bytes, "k%zu sha256:%064zx embed\n", i, i);
    struct keyfile file;
    struct err err;
    assert_true(keyfile_parse("x", (struct span){text, bytes}, &file, &err));
    assert_int_equal(file.n, n);
    assert_string_equal(file.keys[n - 1].name, "k9999");
    keyfile_clear(&file);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_name_a_digest_scopes_and_perhaps_the_day_it_expires),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(a_line_may_have_limits),
        cmocka_unit_test(limits_that_are_none_are_named),
        cmocka_unit_test(no_beginning_of_a_file_lets_in_whom_the_whole_does_not),
        cmocka_unit_test(moments_are_those_of_rfc_3339),
        cmocka_unit_test(a_line_that_is_written_reads_back),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(a_file_that_others_can_write_is_refused),
        cmocka_unit_test(as_many_keys_as_there_are_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
