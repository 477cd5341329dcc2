/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file corpus_flags.h
 * The flags of the commands that read whole corpora, and a run with them. One thread.
 */
#pragma once

#include "base/flags.h"
#include "commands/corpus.h"

struct corpus_flags {
    struct feed_options feed;
    const char *output;
    uint64_t threads, shard_rows;
    int errors, progress, is_forced, resumes;
};

/** What they are where none is given. */
#define CORPUS_FLAGS_NONE                                                                          \
    {                                                                                              \
        .feed.has_header = 1, .progress = -1                                                       \
    }

/** Entries of a command's list of flags; `flags` begins as CORPUS_FLAGS_NONE. */
#define CORPUS_FLAGS(flags)                                                                        \
    {"input-format", FLAG_CHOICE, .out.choice = &(flags).feed.format, .choices = feed_formats,     \
     .help = "default: by the file's ending (.jsonl, .ndjson, .csv, .tsv, also .gz and .zst), "    \
             "others a text a line"},                                                              \
        {"text", FLAG_STRING, .out.string = &(flags).feed.text, .value = "NAME",                   \
         .help = "the column of the text, or its number; of JSON lines its key or path, a.b.0 "    \
                 "(default: text)"},                                                               \
        {"header", FLAG_SWITCH, .out.is_on = &(flags).feed.has_header,                             \
         .help = "the first row of CSV and TSV names the columns (default: on)"},                  \
        {"on-error", FLAG_CHOICE, .out.choice = &(flags).errors, .choices = corpus_errors,         \
         .help = "what becomes of rows that are broken or not UTF-8 (default: stop)"},             \
        {"threads",                                                                                \
         FLAG_NUMBER,                                                                              \
         .out.number = &(flags).threads,                                                           \
         .value = "N",                                                                             \
         .max = 256,                                                                               \
         .help = "(default: 0, one a core); what is written does not depend on it"},               \
        {"output", FLAG_STRING, .out.string = &(flags).output, .value = "FILE",                    \
         .help = "written here when all is done (default: standard output)"},                      \
        {"force", FLAG_SWITCH, .out.is_on = &(flags).is_forced,                                    \
         .help = "replace the output if it exists"},                                               \
        {"shard-rows",                                                                             \
         FLAG_NUMBER,                                                                              \
         .out.number = &(flags).shard_rows,                                                        \
         .value = "N",                                                                             \
         .min = 1,                                                                                 \
         .max = (uint64_t)1 << 48,                                                                 \
         .help = "files of N rows: FILE with -00000, -00001 ... before its ending"},               \
        {"resume", FLAG_SWITCH, .out.is_on = &(flags).resumes,                                     \
         .help = "go on behind the last shard that a run which was killed has finished"},          \
    {                                                                                              \
        "progress", FLAG_SWITCH, .out.is_on = &(flags).progress,                                   \
                                 .help = "texts a second and the time left (default: on a "        \
                                         "terminal)"                                               \
    }

/**
 * corpus_run_flags reads the files, answers their rows and writes the answers, as corpus_run.
 * @param feed     made here, and closed; `options` may look at it as it runs
 * @param options  what no flag says
 * @param sink     head, needs_file, user
 * @param settings all flags of the command itself that change what is written, as a text
 */
bool corpus_run_flags(const struct corpus_flags *flags, struct feed *feed,
                      const struct corpus_options *options, const struct sink_options *sink,
                      const char *settings, char **files, int n_files, struct err *err);
