/* SPDX-License-Identifier: Apache-2.0 */
/* Each attempt is made by a child that was confined. In this build (sanitizers) a call that is not
   allowed ends the process; in others it fails with EPERM. */
#include "base/confine.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/test_confine.XXXXXX";
static char inside[100], socket_path[108];

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("text", file);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    char allowed[64], sockets[64];
    if (!mkdtemp(folder)) return -1;
    snprintf(allowed, sizeof allowed, "%s/allowed", folder);
    snprintf(inside, sizeof inside, "%s/model", allowed);
    snprintf(socket_path, sizeof socket_path, "%s/sockets/one", folder);
    mkdir(allowed, 0700);
    snprintf(sockets, sizeof sockets, "%s/sockets", folder);
    mkdir(sockets, 0700);
    write_file(inside);
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* What `act` returned in a confined child, or minus the signal that ended it. */
static int confined(int (*act)(void), bool has_secrets)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct confine confine = {.has_secrets = has_secrets};
        struct confined done;
        struct err err;
        confine_read(&confine, inside);
        confine_read(&confine, "a built-in model");
        confine_socket(&confine, socket_path);
        _exit(confine_process(&confine, &done, &err) && done.has_seccomp ? act() : 99);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static int connect_out(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    return connect(0, (struct sockaddr *)&to, sizeof to) == 0 ? 0 : errno;
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : errno;
}

static int run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return errno;
}

static int leave_namespaces(void)
{
    return unshare(0) == 0 ? 0 : errno;
}

static int load_bpf(void)
{
    return (int)syscall(SYS_bpf, 0, NULL, 0) >= 0 ? 0 : errno;
}

static int give_to_all(void)
{
    return chmod(inside, 0644) == 0 ? 0 : errno;
}

static int give_its_rights(void)
{
    return fchmod(STDIN_FILENO, 04755) == 0 ? 0 : errno;
}

static void test_what_is_not_needed_cannot_be_called(void **state)
{
    (void)state;
    assert_int_equal(confined(connect_out, false), -SIGSYS);
    assert_int_equal(confined(make_socket, false), -SIGSYS);
    assert_int_equal(confined(run_program, false), -SIGSYS);
    assert_int_equal(confined(leave_namespaces, false), -SIGSYS);
    assert_int_equal(confined(load_bpf, false), -SIGSYS);
    assert_int_equal(confined(give_to_all, false), -SIGSYS);
    assert_int_equal(confined(give_its_rights, false), -SIGSYS);
}

static int open_with(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    return fd >= 0 ? 0 : errno;
}

static int read_inside(void)
{
    return open_with(inside, O_RDONLY);
}

static int write_inside(void)
{
    return open_with(inside, O_WRONLY);
}

static int truncate_inside(void)
{
    return open_with(inside, O_RDWR | O_TRUNC);
}

static int create_inside(void)
{
    char path[220];
    snprintf(path, sizeof path, "%s.new", inside);
    return open_with(path, O_WRONLY | O_CREAT);
}

static void test_files_are_only_read_and_only_those_that_were_named(void **state)
{
    (void)state;
    assert_int_equal(confined(read_inside, false), 0);
    if (!has_landlock()) skip();
    assert_int_equal(confined(write_inside, false), EACCES);
    assert_int_equal(confined(truncate_inside, false), EACCES);
    assert_int_equal(confined(create_inside, false), EACCES);
}

static int make_and_remove_a_socket(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, socket_path, sizeof socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1) != 0)
        return errno;
    return unlink(socket_path) == 0 ? 0 : errno;
}

static void test_sockets_in_the_file_system_can_be_made_and_taken_away(void **state)
{
    (void)state;
    assert_int_equal(confined(make_and_remove_a_socket, false), 0);
}

static void *do_nothing(void *arg)
{
    return arg;
}

static int work_on(void)
{
    pthread_t thread;
    char name[16];
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || pthread_create(&thread, NULL, do_nothing, NULL) != 0) return 1;
    pthread_setname_np(thread, "worker");
    if (pthread_join(thread, NULL) != 0 || munmap(memory, 1 << 20) != 0) return 2;
    int fd = open("/proc/self/stat", O_RDONLY);
    return fd >= 0 && read(fd, name, sizeof name) > 0 ? 0 : 3;
}

static void test_threads_memory_and_metrics_go_on(void **state)
{
    (void)state;
    assert_int_equal(confined(work_on, false), 0);
}

static int core_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_cur == 1 && limit.rlim_max == 1;
}

static void test_with_secrets_no_memory_is_dumped(void **state)
{
    (void)state;
    assert_int_equal(confined(core_limit, true), 1);
    assert_int_equal(confined(core_limit, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_needed_cannot_be_called),
        cmocka_unit_test(test_files_are_only_read_and_only_those_that_were_named),
        cmocka_unit_test(test_sockets_in_the_file_system_can_be_made_and_taken_away),
        cmocka_unit_test(test_threads_memory_and_metrics_go_on),
        cmocka_unit_test(test_with_secrets_no_memory_is_dumped),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
