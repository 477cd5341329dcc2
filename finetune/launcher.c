/* SPDX-License-Identifier: Apache-2.0 */
#include "finetune/launcher.h"

#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizers' own maps are beyond any limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS_MEMORY false
#else
#define LIMITS_MEMORY true
#endif

/* Of the processor the least that there is; a priority counts only among the processes of one
   session (autogroup), which is why nothing here begins a session. */
#define NICE 19
/* linux/ioprio.h: the disk when nobody else wants it. */
#define IO_OF_PROCESS 1
#define IO_IDLE (3 << 13)
/* Of embedd train (--learning-rate), which a job multiplies. */
#define LEARNING_RATE 0.1
#define SOCKET (STDERR_FILENO + 1)
#define ARGS_MAX 16
#define ARG_BYTES (PATH_MAX + 64)

struct launcher {
    const struct launcher_settings *settings;
    int socket, signals; /* of children that end */
    int program;         /* this very program, whatever lies under its name by now */
    pid_t parent;
    pid_t child;   /* 0: none */
    bool is_ended; /* it was told to end the child */
    enum launcher_step step;
    struct finetune_order order;
};

/* ---- command lines ---- */

struct args {
    char text[ARGS_MAX][ARG_BYTES];
    char *list[ARGS_MAX + 1];
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct args *args, const char *format, ...)
{
    va_list values;
    if (args->n == ARGS_MAX) return;
    va_start(values, format);
    vsnprintf(args->text[args->n], ARG_BYTES, format, values);
    va_end(values);
    args->list[args->n] = args->text[args->n];
    args->list[++args->n] = NULL;
}

static void add_training(struct args *args, const struct launcher *launcher)
{
    const struct finetune_order *order = &launcher->order;
    const struct launcher_settings *settings = launcher->settings;
    add(args, "train");
    add(args, "--input=files/%s", order->training_file);
    if (order->validation_file[0]) add(args, "--validation=files/%s", order->validation_file);
    add(args, "--output=jobs/%s/%s", order->job, order->name);
    add(args, "--force");
    add(args, "--name=%s", order->name);
    add(args, "--from=%s", order->from);
    add(args, "--seed=%" PRIu64, order->seed);
    add(args, "--threads=%" PRIu64, settings->threads);
    if (order->epochs > 0) add(args, "--epochs=%" PRIu64, order->epochs);
    if (order->rate_multiplier > 0)
        add(args, "--learning-rate=%.9g", LEARNING_RATE * order->rate_multiplier);
    if (order->is_from_trained) return; /* it says the rest itself */
    if (settings->tensor) add(args, "--tensor=%s", settings->tensor);
    if (settings->compat) add(args, "--compat=%s", settings->compat);
    if (settings->limit > 0) add(args, "--limit=%" PRIu64, settings->limit);
}

static void add_report(struct args *args, const struct launcher *launcher)
{
    const struct finetune_order *order = &launcher->order;
    const char *form = launcher->step == LAUNCHER_REPORT_HTML ? "html" : "json";
    add(args, "eval");
    add(args, "--model=jobs/%s/%s", order->job, order->name);
    add(args, "--input=files/%s", order->validation_file);
    add(args, "--format=%s", form);
    add(args, "--output=jobs/%s/report.%s", order->job, form);
}

/* ---- the child ---- */

static void redirect_to_log(const struct launcher *launcher)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "jobs/%s/train.log", launcher->order.job);
    const int how =
        O_WRONLY | O_CREAT | O_APPEND | (launcher->step == LAUNCHER_TRAIN ? O_TRUNC : 0);
    const int log = open(path, how, 0666);
    if (log < 0) return;
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(log);
}

/* What serves goes first: a batch that wakes up takes no processor from it, and one that runs has
   the smallest share of one. SCHED_IDLE has a fifth of that share: beside a service that is busy
   all day a job would hardly end. */
static void step_back(void)
{
    static const struct sched_param none;
    if (sched_setscheduler(0, SCHED_BATCH, &none) != 0)
        fprintf(stderr, "SCHED_BATCH: %s\n", strerror(errno));
    if (setpriority(PRIO_PROCESS, 0, NICE) != 0) fprintf(stderr, "nice: %s\n", strerror(errno));
    if (syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, IO_IDLE) != 0)
        fprintf(stderr, "ioprio: %s\n", strerror(errno));
}

/* Signals that end the service's group would have a training end with the best so far: they stay
   blocked, and it is killed instead. */
static _Noreturn void run_child(const struct launcher *launcher, struct args *args)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launcher->parent) _exit(1);
    const struct rlimit memory = {launcher->settings->memory_bytes,
                                  launcher->settings->memory_bytes};
    if (LIMITS_MEMORY) setrlimit(RLIMIT_DATA, &memory);
    step_back();
    redirect_to_log(launcher);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    fexecve(launcher->program, args->list, environ);
    fprintf(stderr, "embedd train: cannot start the program: %s\n", strerror(errno));
    _exit(127);
}

static void tell(struct launcher *launcher, int status, int failure)
{
    const struct launcher_result result = {launcher->step, status, failure};
    launcher->child = 0;
    if (send(launcher->socket, &result, sizeof result, MSG_NOSIGNAL) < 0) _exit(0);
}

static void start_step(struct launcher *launcher)
{
    struct args args = {.n = 0};
    add(&args, "embedd");
    (launcher->step == LAUNCHER_TRAIN ? add_training : add_report)(&args, launcher);
    launcher->child = fork();
    if (launcher->child == 0) run_child(launcher, &args);
    if (launcher->child < 0) tell(launcher, -1, errno);
}

/* ---- the loop ---- */

static void after_step(struct launcher *launcher, int status)
{
    const bool is_last = launcher->is_ended || status != 0 || !launcher->order.validation_file[0] ||
                         launcher->step + 1 == LAUNCHER_STEPS;
    launcher->child = 0;
    if (is_last) {
        tell(launcher, status, 0);
        return;
    }
    launcher->step++;
    start_step(launcher);
}

static void take_ended(struct launcher *launcher)
{
    struct signalfd_siginfo info;
    int status;
    if (read(launcher->signals, &info, sizeof info) < 0) return;
    if (launcher->child > 0 && waitpid(launcher->child, &status, WNOHANG) == launcher->child)
        after_step(launcher, status);
}

static _Noreturn void leave(const struct launcher *launcher)
{
    if (launcher->child > 0) kill(launcher->child, SIGKILL);
    _exit(0);
}

/* Whoever has got into the service may say anything. */
static bool is_plain(const char *text, size_t bytes)
{
    return memchr(text, '\0', bytes) && !strchr(text, '/') && text[0] != '.';
}

static bool is_sound(const struct finetune_order *order)
{
    return is_plain(order->job, sizeof order->job) && is_plain(order->name, sizeof order->name) &&
           is_plain(order->training_file, sizeof order->training_file) &&
           is_plain(order->validation_file, sizeof order->validation_file) && order->job[0] &&
           order->name[0] && order->training_file[0] &&
           memchr(order->from, '\0', sizeof order->from);
}

static void take_message(struct launcher *launcher)
{
    struct launcher_message message;
    const ssize_t n = recv(launcher->socket, &message, sizeof message, 0);
    if (n < 0 && errno == EINTR) return;
    if (n != (ssize_t)sizeof message) leave(launcher); /* the service has ended */
    if (message.ends) {
        launcher->is_ended = true;
        if (launcher->child > 0) kill(launcher->child, SIGKILL);
    } else if (!launcher->child) {
        launcher->is_ended = false;
        launcher->order = message.order;
        launcher->step = LAUNCHER_TRAIN;
        if (is_sound(&message.order))
            start_step(launcher);
        else
            tell(launcher, -1, EINVAL);
    }
}

static _Noreturn void run(struct launcher *launcher)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = launcher->socket, .events = POLLIN},
                               {.fd = launcher->signals, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) leave(launcher);
        if (fds[1].revents) take_ended(launcher);
        if (fds[0].revents) take_message(launcher);
    }
}

/* ---- the start ---- */

/* It holds nothing of the service's but the socket; what it says goes where the service's log does.
 */
static bool prepare(struct launcher *launcher, struct err *err)
{
    static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD};
    sigset_t set, children;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        sigaddset(&set, ending[i]);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_NAME, "embedd-trainer");
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    if (dup2(launcher->socket, SOCKET) == SOCKET) close_range(SOCKET + 1, ~0u, 0);
    launcher->socket = SOCKET;
    fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
    launcher->program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    launcher->signals = signalfd(-1, &children, SFD_CLOEXEC);
    launcher->parent = getpid();
    if (launcher->program < 0 || launcher->signals < 0 || chdir(launcher->settings->folder) != 0)
        return err_set(err, ERR_IO, "data-dir", "cannot prepare trainings in %.300s: %s",
                       launcher->settings->folder, strerror(errno));
    return !launcher->settings->is_confined || confine_launcher(".", err);
}

static _Noreturn void launcher_main(const struct launcher_settings *settings, int socket)
{
    struct err err;
    static struct launcher launcher;
    launcher.settings = settings;
    launcher.socket = socket;
    if (!prepare(&launcher, &err)) {
        fprintf(stderr, "embedd serve: %s\n", err.message);
        _exit(1);
    }
    run(&launcher);
}

int launcher_start(const struct launcher_settings *settings, struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
        const pid_t pid = fork();
        if (pid == 0) launcher_main(settings, ends[1]);
        close(ends[1]);
        if (pid > 0) return ends[0];
        close(ends[0]);
    }
    err_set(err, ERR_IO, "data-dir", "cannot start the process that trains: %s", strerror(errno));
    return -1;
}
