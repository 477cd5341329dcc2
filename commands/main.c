/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"
#include "base/nearest.h"
#include "commands/commands.h"
#include "commands/version.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *about;
} commands[] = {
    {"serve", serve_main, "answer over HTTP"},
    {"embed", embed_main, "texts to vectors"},
    {"tokenize", tokenize_main, "texts to tokens and token ids"},
    {"classify", classify_main, "texts to labels, by a classifier head"},
    {"train", train_main, "labelled rows to a classifier head, or to a table of your own"},
    {"tune", tune_main, "thresholds of a head, by labelled rows and what is wished for"},
    {"eval", eval_main, "how good a head is on labelled rows: text, JSON or an HTML page"},
    {"convert", convert_main, "a model in another form: one packed file, or a folder"},
    {"inspect", inspect_main, "what a model file holds"},
    {"vocab", vocab_main, "the tokens of a model: a list, a search, nearest neighbours"},
    {"bench", bench_main, "time a model on a file, and its parts"},
    {"health", health_main, "ask a running service whether it is well"},
    {"key", key_main, "the keys of clients: make, list and revoke them"},
    {"config", config_main, "the settings in force and where each comes from"},
    {"help", help_main, "this text, or that of one command"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fprintf(out, "usage: embedd COMMAND [OPTION]...\n\n"
                 "Turns text into vectors from one read-only table, over HTTP or for files.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
    fprintf(out, "\nembedd help COMMAND  tells more; embedd --version  what this program is.\n");
}

static int run_command(int argc, char **argv)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, argv[0]) == 0) return commands[i].fn(argc, argv);
        names[i] = commands[i].name;
    }
    struct err err;
    const char *nearest = nearest_name(argv[0], names, N_COMMANDS);
    err_set(&err, ERR_USAGE, NULL, "unknown command '%.*s', %s%s%s", ERR_VALUE_BYTES, argv[0],
            nearest ? "did you mean " : "embedd help lists them", nearest ? nearest : "",
            nearest ? "?" : "");
    return commands_fail("", &err);
}

static int finish_stdout(void)
{
    struct err err;
    return commands_close_stdout(&err) ? 0 : commands_fail("", &err);
}

int help_main(int argc, char **argv)
{
    if (argc > 1 && argv[1][0] != '-' && strcmp(argv[1], "help") != 0) {
        char *args[] = {argv[1], (char[]){"--help"}, NULL};
        return run_command(2, args);
    }
    print_usage(stdout);
    return finish_stdout();
}

/* Nothing that is opened later may get the number of a standard stream that was closed: what is
   written to that stream would go there. What stands in its place fails, as a closed one does. */
static bool hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1) continue;
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!hold_standard_streams()) return 1; /* there is nowhere to say why */
    /* A file that may grow no further is an error of write(), with a sentence, not a silent death;
       a reader of our output that left is one, as for other commands (serve lives on). */
    signal(SIGXFSZ, SIG_IGN);
    guard_install();
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return help_main(1, argv);
    if (strcmp(argv[1], "--version") == 0) {
        version_print(stdout);
        return finish_stdout();
    }
    return run_command(argc - 1, argv + 1);
}
