/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file commands.h
 * One function a subcommand, `int x_main(int argc, char **argv)` with argv[0] = the subcommand's
 * name; the table in main.c lists them. Returns the exit code: 0 done, 1 failed while working, 2
 * wrong use or configuration (one sentence on standard error that names the flag, its value and the
 * range). A reader of standard output that leaves (`| head`) ends all but serve by SIGPIPE, without
 * a word: the shell sees 141. A command runs on the main thread; it starts others itself.
 */
#pragma once

#include "base/err.h"
#include "base/flags.h"

#include <stdio.h>

int serve_main(int argc, char **argv);
int embed_main(int argc, char **argv);
int tokenize_main(int argc, char **argv);
int classify_main(int argc, char **argv);
int eval_main(int argc, char **argv);
int train_main(int argc, char **argv);
int tune_main(int argc, char **argv);
int convert_main(int argc, char **argv);
int inspect_main(int argc, char **argv);
int vocab_main(int argc, char **argv);
int bench_main(int argc, char **argv);
int health_main(int argc, char **argv);
int key_main(int argc, char **argv);
int config_main(int argc, char **argv);
int help_main(int argc, char **argv);

/** Room for any sentence of the model's. */
#define COMMANDS_SENTENCE_BYTES 1024

/**
 * commands_name_flags turns the arguments that a sentence of the model names into flags, in place:
 * `compat` becomes --compat. Other words in backticks stay as they are. What writes a sentence of
 * the model's calls it; commands_fail and commands_warn do.
 */
void commands_name_flags(char *sentence);

/**
 * commands_fail writes `embedd COMMAND: sentence` to standard error.
 * @param command the subcommand's name, "" for the program itself
 * @return the exit code of err->code: 2 for ERR_USAGE, otherwise 1
 */
int commands_fail(const char *command, const struct err *err);

/**
 * commands_take_flags is flags_parse for a command's main: prints help or error itself.
 * @return true to go on; false to leave with `*exit_code`
 */
bool commands_take_flags(const struct flags *flags, int argc, char **argv, int *n_files,
                         int *exit_code);

/** commands_warn writes `embedd: warning: sentence` to standard error; model_options.warn. */
void commands_warn(void *nobody, const char *sentence);

/**
 * commands_close_stdout flushes standard output, so that what could not be written (a full disk)
 * becomes an error instead of silence.
 * @return false with ERR_IO
 */
bool commands_close_stdout(struct err *err);

/** serve_print_libraries writes the line of `--version` on the libraries that run. */
void serve_print_libraries(FILE *out);
