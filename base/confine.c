/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include "base/file.h"
#include "base/grow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The sanitizers look at the process from outside when it ends, and read its maps. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

void confine_read(struct confine *confine, const char *path)
{
    if (grow_to(&confine->reads, confine->n_reads + 1, sizeof *confine->reads))
        confine->reads[confine->n_reads++] = path;
    else
        confine->lacks_memory = true;
}

void confine_socket(struct confine *confine, const char *path)
{
    if (grow_to(&confine->sockets, confine->n_sockets + 1, sizeof *confine->sockets))
        confine->sockets[confine->n_sockets++] = path;
    else
        confine->lacks_memory = true;
}

void confine_clear(struct confine *confine)
{
    free(confine->reads);
    free(confine->sockets);
}

static bool fail(struct err *err, const char *what)
{
    return err_set(err, ERR_IO, "confine",
                   "cannot %s: %s; where the system forbids that, `confine` can be off", what,
                   strerror(errno));
}

/* ---- capabilities ---- */

static bool drop_capabilities(struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    for (int i = 0; i <= CAP_LAST_CAP; i++)
        prctl(PR_CAPBSET_DROP, i, 0, 0, 0); /* only who has CAP_SETPCAP may, and needs to */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &header, none) != 0) return fail(err, "drop capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(err, "renounce new privileges");
    return true;
}

/* A core handler that is a program gets a dump whatever the limit, unless that is 1 (Linux,
   fs/coredump.c); no file is that short either. */
static void forbid_dumps(void)
{
    const struct rlimit least = {1, 1};
    setrlimit(RLIMIT_CORE, &least);
    if (!IS_SANITIZED) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* ---- files ---- */

/* Later than Debian's header. */
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_BIND_TCP 1ull
#define NET_CONNECT_TCP 2ull
#define SCOPE_ABSTRACT_UNIX 1ull
#define SCOPE_SIGNAL 2ull

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_SOCKET (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* All that ABI 1 knows, but for devices, pipes and links. */
#define FS_WRITE                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)

struct ruleset {
    uint64_t fs, net, scoped;
};

/* What the ABI lets one forbid, and the bytes of its structure. */
static struct ruleset all_of(int abi, size_t *bytes)
{
    struct ruleset all = {.fs = (1ull << 13) - 1}; /* of ABI 1 */
    if (abi >= 2) all.fs |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3) all.fs |= FS_TRUNCATE;
    if (abi >= 4) all.net = NET_BIND_TCP | NET_CONNECT_TCP;
    if (abi >= 5) all.fs |= FS_IOCTL_DEV;
    if (abi >= 6) all.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    *bytes = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    return all;
}

/* A path that is not there allows nothing. */
static void allow(int rules, const char *path, uint64_t access)
{
    struct stat st;
    struct landlock_path_beneath_attr rule = {.allowed_access = access};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return;
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
}

/* The folder a path lies in: what is replaced by renaming is another file afterwards. Of what lies
   in the root: itself, which is a mount point more often than not. */
static void allow_folder_of(int rules, const char *path, uint64_t access)
{
    char folder[PATH_MAX];
    size_t bytes = strlen(path);
    if (bytes >= sizeof folder) return;
    memcpy(folder, path, bytes + 1);
    while (bytes > 1 && folder[bytes - 1] == '/')
        folder[--bytes] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash == folder) {
        allow(rules, folder, access);
        return;
    }
    if (slash) *slash = '\0';
    allow(rules, slash ? folder : ".", access);
}

static void allow_path(int rules, const char *path, uint64_t access)
{
    char target[PATH_MAX];
    if (!realpath(path, target)) return; /* the name of a built-in model */
    allow_folder_of(rules, path, access);
    allow_folder_of(rules, target, access);
}

/* What the process reads of itself: for its metrics, and what the C library asks for. */
static const char *const own_files[] = {
    "/proc/self",  "/proc/stat",    "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
    "/etc/gnutls", "/etc/localtime"};

/* For the lines of a stack trace. */
static const char *const files_of_sanitizers[] = {"/proc/self/maps", "/proc/self/exe", "/usr/lib"};

/* A kernel refuses a rule with rights that it does not know. */
static void allow_writes(int rules, const char *folder, int abi)
{
    allow(rules, folder, FS_READ | FS_WRITE | (abi >= 3 ? FS_TRUNCATE : 0));
}

static bool restrict_files(const struct confine *confine, int *abi, struct err *err)
{
    size_t bytes;
    *abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (*abi <= 0) {
        *abi = 0;
        return true;
    }
    const struct ruleset all = all_of(*abi, &bytes);
    int rules = (int)syscall(SYS_landlock_create_ruleset, &all, bytes, 0);
    if (rules < 0) return fail(err, "make rules for files");
    for (size_t i = 0; i < LENGTH(own_files); i++)
        allow(rules, own_files[i], FS_READ);
    for (size_t i = 0; i < LENGTH(files_of_sanitizers) && IS_SANITIZED; i++)
        allow(rules, files_of_sanitizers[i], FS_READ);
    for (size_t i = 0; i < confine->n_reads; i++)
        allow_path(rules, confine->reads[i], FS_READ);
    for (size_t i = 0; i < confine->n_sockets; i++)
        allow_folder_of(rules, confine->sockets[i], FS_READ | FS_SOCKET);
    if (confine->writes) allow_writes(rules, confine->writes, *abi);
    bool is_done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (is_done) file_say_confined();
    if (!is_done) fail(err, "restrict the files it may open");
    close(rules);
    return is_done;
}

/* ---- system calls ---- */

static const char allowed[] =
    /* sockets, but for connect; socket below */
    "accept accept4 bind listen recvfrom recvmsg sendto sendmsg shutdown getsockopt setsockopt "
    "getsockname getpeername "
    /* descriptors; ioctl below */
    "read readv pread64 write writev close lseek fcntl dup dup2 dup3 pipe pipe2 eventfd2 poll "
    "ppoll "
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 timerfd_create timerfd_settime "
    /* files: which of them is Landlock's matter */
    "open openat stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 "
    "getdents64 readlink readlinkat getcwd fadvise64 readahead "
    /* sockets in the file system */
    "unlink unlinkat rename renameat renameat2 "
    /* memory; mmap and mprotect below */
    "munmap mremap madvise mincore brk membarrier "
    /* threads and signals; clone and prctl below */
    "futex set_robust_list rseq sched_yield sched_getaffinity gettid getpid getppid tgkill exit "
    "exit_group rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall "
    /* clocks, and what there is to know */
    "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage "
    "getrlimit prlimit64 getuid geteuid getgid getegid uname sysinfo getrandom capget";

/* What the sanitizers do besides, when the process ends or has been caught. */
static const char of_sanitizers[] = "ptrace wait4 clone prctl kill mmap mprotect process_vm_readv "
                                    "setrlimit sched_getparam sched_getscheduler getdents";

/* Where there is a folder to write in. */
static const char of_writers[] =
    "mkdir mkdirat rmdir fsync fdatasync ftruncate fallocate flock umask";

/* By their second argument. */
static const unsigned long ioctls[] = {FIONBIO, FIONREAD, TIOCOUTQ, FIOCLEX, TCGETS, TIOCGWINSZ};

/* pthread_setname_np, and how malloc names its memory. */
static const int prctls[] = {PR_SET_NAME, PR_GET_NAME, 0x53564d41};

#define THREAD_FLAGS (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)

static bool allow_calls(scmp_filter_ctx filter, const char *names)
{
    char name[32];
    for (size_t bytes; *names; names += bytes) {
        bytes = strcspn(names, " ");
        if (bytes >= sizeof name) return false;
        memcpy(name, names, bytes);
        name[bytes] = '\0';
        int call = seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR) return false;
        /* Any other negative number: this machine does not have the call. */
        if (call >= 0 && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) != 0) return false;
        bytes += strspn(names + bytes, " ");
    }
    return true;
}

static bool allow_some(scmp_filter_ctx filter)
{
    bool is_done =
        /* There will be no more code than there is. */
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
        /* The file of a socket that another process is to find, for this user alone. */
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fchmod), 1,
                         SCMP_A1(SCMP_CMP_EQ, S_IRUSR | S_IWUSR)) == 0 &&
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                         SCMP_A0(SCMP_CMP_EQ, AF_UNIX)) == 0 &&
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, THREAD_FLAGS, THREAD_FLAGS)) == 0 &&
        /* A filter cannot see its flags. The C library then calls clone. */
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
    for (size_t i = 0; i < LENGTH(ioctls); i++)
        is_done &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                    SCMP_A1(SCMP_CMP_EQ, ioctls[i])) == 0;
    for (size_t i = 0; i < LENGTH(prctls); i++)
        is_done &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                    SCMP_A0(SCMP_CMP_EQ, (unsigned)prctls[i])) == 0;
    return is_done;
}

/* 0, or the errno of why not. */
static int load_filter(bool writes)
{
    /* In tests a call that is missing here is to be noticed. */
    scmp_filter_ctx filter =
        seccomp_init(IS_SANITIZED ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
    if (!filter) return ENOMEM;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    int failure = EINVAL;
    if (allow_calls(filter, allowed) && allow_some(filter) &&
        (!writes || allow_calls(filter, of_writers)) &&
        (!IS_SANITIZED || allow_calls(filter, of_sanitizers)))
        failure = -seccomp_load(filter);
    seccomp_release(filter);
    return failure;
}

static bool restrict_calls(bool writes, bool *is_done, struct err *err)
{
    *is_done = false;
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) return true; /* the kernel has none */
    errno = load_filter(writes);
    *is_done = errno == 0;
    return *is_done || fail(err, "restrict its system calls");
}

bool confine_process(const struct confine *confine, struct confined *done, struct err *err)
{
    *done = (struct confined){0};
    if (confine->lacks_memory)
        return err_set(err, ERR_MEMORY, "confine", "no memory for the list of what may be read");
    if (confine->has_secrets) forbid_dumps();
    return drop_capabilities(err) && restrict_files(confine, &done->landlock_abi, err) &&
           restrict_calls(confine->writes, &done->has_seccomp, err);
}

/* ---- a process that starts programs ---- */

/* What reaches out of it, or into others. A program that it starts needs too much to list. */
static const char refused[] = "connect bind listen ptrace process_vm_readv process_vm_writev mount "
                              "umount2 bpf perf_event_open keyctl add_key request_key "
                              "userfaultfd init_module finit_module kexec_load";

static int load_refusals(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter) return ENOMEM;
    bool is_done = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                    SCMP_A0(SCMP_CMP_NE, AF_UNIX)) == 0;
    char names[sizeof refused], *rest = names;
    memcpy(names, refused, sizeof refused);
    for (char *name; is_done && (name = strsep(&rest, " "));) {
        const int call = seccomp_syscall_resolve_name(name);
        /* The sanitizers look at their process when it ends. */
        if (call < 0 || (IS_SANITIZED && strcmp(name, "ptrace") == 0)) continue;
        is_done = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) == 0;
    }
    const int failure = is_done ? -seccomp_load(filter) : EINVAL;
    seccomp_release(filter);
    return failure;
}

static bool restrict_writes(const char *folder, struct err *err)
{
    size_t bytes;
    const int abi =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi <= 0) return true;
    const struct ruleset all = all_of(abi, &bytes);
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &all, bytes, 0);
    if (rules < 0) return fail(err, "make rules for files");
    allow(rules, "/", FS_READ | LANDLOCK_ACCESS_FS_EXECUTE);
    allow_writes(rules, folder, abi);
    const bool is_done = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    if (!is_done) fail(err, "restrict the files that trainings may write");
    close(rules);
    return is_done;
}

bool confine_launcher(const char *folder, struct err *err)
{
    if (!drop_capabilities(err) || !restrict_writes(folder, err)) return false;
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) return true;
    errno = load_refusals();
    return errno == 0 || fail(err, "restrict the system calls of trainings");
}
