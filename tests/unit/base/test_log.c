/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/log.h"
#include "tests/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Standard error is replaced by `fd`, and put back by restore. */
static int kept;

static void replace_without_init(int fd)
{
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    assert_true(kept >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static void replace(int fd, enum log_level level, bool access)
{
    replace_without_init(fd);
    log_init(level, access);
}

static void restore(void)
{
    dup2(kept, STDERR_FILENO);
    close(kept);
    log_init(LOG_LEVEL_INFO, false);
}

static size_t read_available(int fd, char *out, size_t cap)
{
    size_t bytes = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (ssize_t got; bytes < cap - 1 && (got = read(fd, out + bytes, cap - 1 - bytes)) > 0;)
        bytes += (size_t)got;
    out[bytes] = '\0';
    return bytes;
}

/* Parses the line at *at and moves on; NULL when there is none. */
static json_t *next_line(char **at)
{
    char *end = strchr(*at, '\n');
    if (!end) return NULL;
    struct err err;
    json_t *line = json_read(*at, (size_t)(end - *at), &err);
    if (!line) fail_msg("%s: %.*s", err.message, (int)(end - *at), *at);
    *at = end + 1;
    return line;
}

static const char *text_of(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static void each_level_includes_those_before_it(void **state)
{
    (void)state;
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        int ends[2];
        char text[4096], *at = text;
        assert_int_equal(pipe(ends), 0);
        replace(ends[1], (enum log_level)level, false);
        log_error("one");
        log_warn("two");
        log_info("three %d", 3);
        log_debug("four");
        log_access(&(struct log_request){.route = "/x"});
        restore();
        read_available(ends[0], text, sizeof text);
        close(ends[0]);
        static const char *const levels[] = {"error", "warn", "info", "debug"};
        static const char *const messages[] = {"one", "two", "three 3", "four"};
        for (int i = 0; i <= level; i++) {
            json_t *line = next_line(&at);
            assert_non_null(line);
            assert_string_equal(text_of(line, "level"), levels[i]);
            assert_string_equal(text_of(line, "message"), messages[i]);
            assert_int_equal(strlen(text_of(line, "time")), strlen("2026-01-31T09:30:00.123456Z"));
            json_decref(line);
        }
        assert_string_equal(at, "");
    }
}

static void an_access_line_holds_the_plain_values(void **state)
{
    (void)state;
    int ends[2];
    char text[8192], *at = text;
    assert_int_equal(pipe(ends), 0);
    replace(ends[1], LOG_LEVEL_ERROR, true);
    assert_true(log_access_enabled());
    log_access(&(struct log_request){.request_id = "a\"b\n",
                                     .client = "192.0.2.1",
                                     .route = "/v1/embeddings",
                                     .method = "POST",
                                     .model = "m\"1",
                                     .reason = "auth",
                                     .trace_id = "0af7651916cd43dd8448eb211c80319c-",
                                     .span = "b7ad6b7169203331-",
                                     .status = 200,
                                     .inputs = 3,
                                     .tokens = 40,
                                     .duration_us = UINT64_MAX,
                                     .bytes = 12345});
    log_access(&(struct log_request){.status = 404});
    restore();
    assert_false(log_access_enabled());
    read_available(ends[0], text, sizeof text);
    close(ends[0]);
    assert_non_null(strstr(text, ",\"model\":\"m\\\"1\",\"status\":200,\"reason\":\"auth\","));
    /* jansson has no number above 2^63: look at the text. */
    assert_non_null(strstr(text,
                           ",\"duration_us\":18446744073709551615,\"bytes\":12345,\"trace_id\":"
                           "\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":"
                           "\"b7ad6b7169203331\"}\n"));
    char *huge = strstr(text, "18446744073709551615");
    memset(huge + 1, ' ', 19);
    json_t *line = next_line(&at);
    assert_string_equal(text_of(line, "request_id"), "a\"b\n");
    assert_string_equal(text_of(line, "route"), "/v1/embeddings");
    assert_string_equal(text_of(line, "method"), "POST");
    assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(line, "inputs")), 3);
    assert_int_equal(json_integer_value(json_object_get(line, "tokens")), 40);
    json_decref(line);
    line = next_line(&at);
    assert_string_equal(text_of(line, "request_id"), "");
    json_decref(line);
    assert_string_equal(at, "");
}

static void a_long_message_is_cut_and_still_a_line(void **state)
{
    (void)state;
    int ends[2];
    static char message[100000], text[20000];
    char *at = text;
    for (int kind = 0; kind < 3; kind++) {
        memset(message, kind == 0 ? 'x' : kind == 1 ? '\x01' : '\xFF', sizeof message - 1);
        assert_int_equal(pipe(ends), 0);
        replace(ends[1], LOG_LEVEL_INFO, true);
        log_info("%s", message);
        log_access(
            &(struct log_request){.request_id = message, .route = message, .method = message});
        restore();
        size_t bytes = read_available(ends[0], text, sizeof text);
        close(ends[0]);
        assert_in_range(bytes, 1000, 2 * 4096);
        at = text;
        for (int i = 0; i < 2; i++)
            json_decref(next_line(&at));
        assert_string_equal(at, "");
    }
}

/* What is full is found out by filling it: then nothing may wait, and what is lost is counted. */
static void check_stalled_reader(int read_end)
{
    uint64_t before = log_dropped_count();
    size_t n = 40000;
    for (size_t i = 0; i < n; i++)
        log_info("line %zu of many that nobody reads", i);
    uint64_t dropped = log_dropped_count() - before;
    assert_in_range(dropped, 1, n - 1);

    size_t cap = 8 << 20, bytes;
    char *text = malloc(cap), *at = text;
    bytes = read_available(read_end, text, cap);
    log_info("after");
    bytes += read_available(read_end, text + bytes, cap - bytes);
    restore();
    close(read_end);
    size_t lines = 0, reported = 0;
    bool has_after = false;
    for (json_t *line; (line = next_line(&at)); json_decref(line), lines++) {
        const char *message = text_of(line, "message");
        if (strstr(message, "were dropped")) reported += strtoul(message, NULL, 10);
        has_after = strcmp(message, "after") == 0;
    }
    assert_string_equal(at, "");
    assert_true(has_after);
    assert_int_equal(reported, dropped);
    assert_int_equal(lines, n - dropped + 2);
    free(text);
}

static void a_full_pipe_does_not_stop_the_writer(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    replace(ends[1], LOG_LEVEL_INFO, false);
    check_stalled_reader(ends[0]);
}

/* The way that is left where standard error cannot be opened again. First of all tests: later
   log_init has been called. */
static void before_log_init_a_full_pipe_does_not_stop_the_writer_either(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    replace_without_init(ends[1]);
    check_stalled_reader(ends[0]);
}

static void a_full_socket_does_not_stop_the_writer(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    replace(ends[1], LOG_LEVEL_INFO, false);
    check_stalled_reader(ends[0]);
}

static void the_shared_end_of_a_pipe_stays_as_it_is(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    replace(ends[1], LOG_LEVEL_INFO, false);
    log_info("x");
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    restore();
    close(ends[0]);
    assert_int_equal(flags & O_NONBLOCK, 0);
}

static void a_file_gets_every_line(void **state)
{
    (void)state;
    char path[] = "/tmp/embedd-test-log-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    replace(dup(fd), LOG_LEVEL_INFO, false);
    for (int i = 0; i < 1000; i++)
        log_info("%d", i);
    restore();
    char *text = malloc(1 << 20), *at = text;
    lseek(fd, 0, SEEK_SET);
    read_available(fd, text, 1 << 20);
    size_t lines = 0;
    for (json_t *line; (line = next_line(&at)); json_decref(line))
        lines++;
    assert_int_equal(lines, 1000);
    free(text);
    close(fd);
    unlink(path);
}

static void *write_lines(void *user)
{
    for (int i = 0; i < 2000; i++) {
        log_info("a message of a thread");
        log_access(user);
    }
    return NULL;
}

static void *read_lines(void *user)
{
    static char text[4 << 20];
    size_t bytes = 0;
    int fd = *(int *)user;
    for (ssize_t got; (got = read(fd, text + bytes, sizeof text - 1 - bytes)) > 0;)
        bytes += (size_t)got;
    return text;
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    int ends[2];
    uint64_t before = log_dropped_count();
    pthread_t threads[4], reader;
    struct log_request request = {.request_id = "0123456789", .route = "/v1/ids"};
    assert_int_equal(pipe(ends), 0);
    replace(ends[1], LOG_LEVEL_INFO, true);
    pthread_create(&reader, NULL, read_lines, &ends[0]);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_lines, &request);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    restore();
    void *text;
    pthread_join(reader, &text);
    close(ends[0]);
    size_t lines = 0;
    char *at = text;
    for (json_t *line; (line = next_line(&at)); json_decref(line)) {
        const char *message = text_of(line, "message");
        if (strstr(message, "were dropped")) continue;
        lines++;
        assert_true(strcmp(message, "request") == 0 ||
                    strcmp(message, "a message of a thread") == 0);
    }
    assert_string_equal(at, "");
    assert_int_equal(lines, 16000 - (log_dropped_count() - before));
}

static void what_happens_often_is_said_rarely(void **state)
{
    (void)state;
    static struct log_gate gate;
    int ends[2];
    char text[8192];
    assert_int_equal(pipe(ends), 0);
    replace(ends[1], LOG_LEVEL_INFO, false);
    for (int i = 0; i < 5; i++)
        log_rarely(&gate, LOG_LEVEL_WARN, "it happened: %d", i);
    assert_int_equal(gate.n_missed, 4);
    gate.quiet_until_ns = 0; /* a minute later */
    log_rarely(&gate, LOG_LEVEL_WARN, "it happened: %d", 5);
    log_set(LOG_LEVEL_DEBUG, false);
    log_rarely(&gate, LOG_LEVEL_WARN, "it happened: %d", 6);
    restore();
    read_available(ends[0], text, sizeof text);
    close(ends[0]);
    assert_non_null(strstr(text, "\"warn\",\"message\":\"it happened: 0\"}"));
    assert_null(strstr(text, "happened: 1"));
    assert_null(strstr(text, "happened: 4"));
    assert_non_null(strstr(text, "\"it happened: 5; and 4 times more since this was last said\"}"));
    assert_non_null(strstr(text, "\"debug\",\"message\":\"it happened: 6\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_log_init_a_full_pipe_does_not_stop_the_writer_either),
        cmocka_unit_test(each_level_includes_those_before_it),
        cmocka_unit_test(an_access_line_holds_the_plain_values),
        cmocka_unit_test(a_long_message_is_cut_and_still_a_line),
        cmocka_unit_test(a_full_pipe_does_not_stop_the_writer),
        cmocka_unit_test(a_full_socket_does_not_stop_the_writer),
        cmocka_unit_test(the_shared_end_of_a_pipe_stays_as_it_is),
        cmocka_unit_test(a_file_gets_every_line),
        cmocka_unit_test(what_happens_often_is_said_rarely),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
