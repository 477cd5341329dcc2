/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"
#include "tests/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES ((size_t)16 << 12)

/* A mapped file, and how far it was read. */
struct mapped {
    int fd;
    const volatile char *data;
    volatile size_t n_read;
};

static void map(struct mapped *mapped)
{
    char path[] = "/tmp/test_guard.XXXXXX";
    mapped->fd = mkstemp(path);
    assert_true(mapped->fd >= 0);
    unlink(path);
    assert_int_equal(ftruncate(mapped->fd, BYTES), 0);
    mapped->data = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, mapped->fd, 0);
    assert_true(mapped->data != MAP_FAILED);
    mapped->n_read = 0;
}

static void unmap(struct mapped *mapped)
{
    munmap((void *)(uintptr_t)mapped->data, BYTES);
    close(mapped->fd);
}

static void read_all(void *user)
{
    struct mapped *mapped = user;
    char sum = 0;
    for (mapped->n_read = 0; mapped->n_read < BYTES; mapped->n_read += 4096)
        sum = (char)(sum + mapped->data[mapped->n_read]);
    (void)sum;
}

static void test_work_on_a_sound_file_is_done(void **state)
{
    (void)state;
    guard_install(); /* cmocka has its own for each test */
    struct mapped mapped;
    map(&mapped);
    assert_true(guard_run(read_all, &mapped));
    assert_int_equal(mapped.n_read, BYTES);
    unmap(&mapped);
}

static void test_work_ends_where_the_file_was_cut(void **state)
{
    (void)state;
    guard_install(); /* cmocka has its own for each test */
    struct mapped mapped;
    map(&mapped);
    assert_int_equal(ftruncate(mapped.fd, 4096 * 3), 0);
    for (int i = 0; i < 3; i++) { /* the signal is heard again */
        assert_false(guard_run(read_all, &mapped));
        assert_int_equal(mapped.n_read, 4096 * 3);
    }
    assert_int_equal(ftruncate(mapped.fd, BYTES), 0);
    assert_true(guard_run(read_all, &mapped));
    unmap(&mapped);
}

static void read_inside(void *user)
{
    assert_false(guard_run(read_all, user));
    read_all(user);
    fail();
}

static void test_guards_lie_in_one_another(void **state)
{
    (void)state;
    guard_install(); /* cmocka has its own for each test */
    struct mapped mapped;
    map(&mapped);
    assert_int_equal(ftruncate(mapped.fd, 0), 0);
    assert_false(guard_run(read_inside, &mapped));
    unmap(&mapped);
}

static void *read_often(void *user)
{
    size_t n_failed = 0;
    for (int i = 0; i < 1000; i++)
        n_failed += !guard_run(read_all, user);
    return (void *)n_failed;
}

static void test_each_thread_has_its_own(void **state)
{
    (void)state;
    guard_install();
    pthread_t threads[4];
    struct mapped mapped[4];
    for (int i = 0; i < 4; i++) {
        map(&mapped[i]);
        if (i % 2) assert_int_equal(ftruncate(mapped[i].fd, 4096), 0);
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, &mapped[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *n_failed;
        pthread_join(threads[i], &n_failed);
        assert_int_equal((size_t)n_failed, i % 2 ? 1000 : 0);
        unmap(&mapped[i]);
    }
}

/* What a child says on standard error, and the signal that ended it. */
static int end_of(void (*act)(void), char *said, size_t room)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], said, room - 1);
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void read_unguarded(void)
{
    struct mapped mapped;
    map(&mapped);
    if (ftruncate(mapped.fd, 0) == 0) read_all(&mapped);
}

static void send_it(void)
{
    raise(SIGBUS);
}

static void test_without_a_guard_it_says_why_it_ends(void **state)
{
    (void)state;
    guard_install();
    char said[400];
    assert_int_equal(end_of(read_unguarded, said, sizeof said), SIGBUS);
    assert_non_null(strstr(said, "cut short"));
    assert_int_equal(end_of(send_it, said, sizeof said), SIGBUS);
    assert_null(strstr(said, "cut short"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_on_a_sound_file_is_done),
        cmocka_unit_test(test_work_ends_where_the_file_was_cut),
        cmocka_unit_test(test_guards_lie_in_one_another),
        cmocka_unit_test(test_each_thread_has_its_own),
        cmocka_unit_test(test_without_a_guard_it_says_why_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
