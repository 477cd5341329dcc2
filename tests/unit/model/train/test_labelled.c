/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/labelled.h"
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file of these bytes, and its name; ended by unmake. */
struct made {
    int fd;
    char path[64];
};

static struct made make(const char *data, size_t bytes)
{
    struct made made = {.fd = memfd_create("labelled", MFD_CLOEXEC)};
    assert_true(made.fd > 0);
    while (bytes > 0) {
        ssize_t n = write(made.fd, data, bytes);
        assert_true(n > 0);
        data += n;
        bytes -= (size_t)n;
    }
    snprintf(made.path, sizeof made.path, "/proc/self/fd/%d", made.fd);
    return made;
}

static void unmake(struct made made)
{
    close(made.fd);
}

/* What a file gives as text: its rows as "line [label|label] text", then the error, if there is
   one, as "! " and the sentence with F for the file's name. */
struct read {
    char *text;
    size_t bytes;
    struct err err;
    char about[320];
    enum labelled_format format;
};

static void add_error(FILE *out, const char *path, const char *message)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (strncmp(message, name, strlen(name)) != 0) fail_msg("'%s' names no file", message);
    fprintf(out, "! F%s\n", message + strlen(name));
}

/* What was left out, if anything: how often for which reason, and the sentences. */
static void add_left_out(FILE *out, const char *path, const struct left_out *left_out)
{
    uint64_t n = 0;
    for (int kind = 0; kind < BAD_ROWS; kind++) {
        n += left_out->counts[kind];
        if (left_out->counts[kind] > 0)
            fprintf(out, "- %llu with %s\n", (unsigned long long)left_out->counts[kind],
                    bad_row_names[kind]);
    }
    assert_int_equal(left_out->n, n);
    assert_int_equal(left_out->n_listed, n < LEFT_OUT_LISTED_MAX ? n : LEFT_OUT_LISTED_MAX);
    for (size_t i = 0; i < left_out->n_listed; i++)
        add_error(out, path, left_out->listed[i]);
}

static struct read read_all(const char *path, const struct labelled_options *options)
{
    struct read all = {0};
    FILE *out = open_memstream(&all.text, &all.bytes);
    assert_non_null(out);
    struct labelled *labelled;
    struct labelled_row row;
    if (labelled_open(&labelled, path, options, &all.err)) {
        int found;
        snprintf(all.about, sizeof all.about, "%s", labelled_about(labelled));
        all.format = labelled_format(labelled);
        while ((found = labelled_next(labelled, &row, &all.err)) == 1) {
            fprintf(out, "%llu [", (unsigned long long)row.line);
            for (size_t i = 0; i < row.n_labels; i++) {
                if (i > 0) fputc('|', out);
                fwrite(row.labels[i].data, 1, row.labels[i].bytes, out);
            }
            fputs("] ", out);
            fwrite(row.text, 1, row.text_bytes, out);
            fputc('\n', out);
        }
        struct labelled_doubt doubt;
        const struct labelled_row *first = labelled_doubtful(labelled, &doubt);
        if (first)
            fprintf(out, "%llu%s [%.*s%s] %.*s\n", (unsigned long long)first->line,
                    doubt.has_names ? "?" : "", (int)first->labels[0].bytes, first->labels[0].data,
                    doubt.recurs ? " again" : "", (int)first->text_bytes, first->text);
        add_left_out(out, path, labelled_left_out(labelled));
        if (found < 0) add_error(out, path, all.err.message);
        if (found == 0) assert_int_equal(labelled_next(labelled, &row, &all.err), 0);
    } else {
        assert_null(labelled);
        add_error(out, path, all.err.message);
    }
    labelled_close(labelled);
    fclose(out);
    return all;
}

/* Puts the reading end of a pipe or socket in the place of standard input; returns the old one. */
static int replace_stdin(int fd)
{
    int old = dup(STDIN_FILENO);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    return old;
}

static void restore_stdin(int old)
{
    if (old < 0) {
        close(STDIN_FILENO);
        return;
    }
    assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
    close(old);
}

/* A child that writes `head` once, then `again` as often as anybody reads it, `piece` bytes a time.
 */
static pid_t start_writer(const char *head, size_t head_bytes, const char *again, size_t piece,
                          int *old_stdin)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]); /* so that it learns when nobody reads any more */
        signal(SIGPIPE, SIG_DFL);
        for (size_t at = 0; at < head_bytes; at += piece) {
            size_t n = head_bytes - at < piece ? head_bytes - at : piece;
            if (write(ends[1], head + at, n) != (ssize_t)n) _exit(1);
        }
        while (again && write(ends[1], again, strlen(again)) > 0)
            ;
        _exit(0);
    }
    close(ends[1]);
    *old_stdin = replace_stdin(ends[0]);
    return pid;
}

static void end_writer(pid_t pid, int old_stdin)
{
    restore_stdin(old_stdin); /* the pipe has no reader now */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct read read_pipe(const char *data, size_t bytes, const struct labelled_options *options)
{
    int old_stdin;
    pid_t pid = start_writer(data, bytes, NULL, 5, &old_stdin);
    struct read all = read_all("-", options);
    end_writer(pid, old_stdin);
    return all;
}

static void compare(const struct read *all, const char *expected, const char *how)
{
    if (all->bytes == strlen(expected) && strcmp(all->text, expected) == 0) return;
    fail_msg("%s:\n%s\nwhere expected:\n%s", how, all->text, expected);
}

/* Reads the same in pieces of any size and from a pipe; NUL in the text is shown as it is, so that
   `expected` cannot hold one. Returns the first reading for more questions; the caller frees its
   text. */
static struct read expect_bytes(const char *data, size_t bytes, struct labelled_options options,
                                const char *expected)
{
    struct made made = make(data, bytes);
    struct read first = read_all(made.path, &options);
    compare(&first, expected, "in one piece");
    for (options.read_bytes = 1; options.read_bytes < 12; options.read_bytes++) {
        char how[32];
        snprintf(how, sizeof how, "in pieces of %zu", options.read_bytes);
        struct read again = read_all(made.path, &options);
        compare(&again, expected, how);
        assert_string_equal(again.about, first.about);
        free(again.text);
    }
    unmake(made);
    options.read_bytes = 0;
    struct read piped = read_pipe(data, bytes, &options);
    compare(&piped, expected, "from a pipe");
    assert_string_equal(piped.about, first.about);
    free(piped.text);
    return first;
}

#define NONE ((struct labelled_options){0})
#define OPTIONS(...) ((struct labelled_options){__VA_ARGS__})

static void expect(const char *data, struct labelled_options options, const char *about,
                   const char *expected)
{
    struct read all = expect_bytes(data, strlen(data), options, expected);
    assert_string_equal(all.about, about);
    free(all.text);
}

/* The whole reading is one sentence, said by labelled_open. */
static void refuse(const char *data, struct labelled_options options, enum err_code code,
                   const char *expected)
{
    char line[600];
    snprintf(line, sizeof line, "! F%s\n", expected);
    struct read all = expect_bytes(data, strlen(data), options, line);
    assert_string_equal(all.about, "");
    assert_int_equal(all.err.code, code);
    free(all.text);
}

/* Rows, then a sentence about one, which names the remedy. */
static void refuse_row(const char *data, struct labelled_options options, const char *expected)
{
    char lines[600];
    snprintf(lines, sizeof lines, "%.*s (`skip-bad` leaves such rows out)\n",
             (int)strlen(expected) - 1, expected);
    struct read all = expect_bytes(data, strlen(data), options, lines);
    assert_int_equal(all.err.code, ERR_FORMAT);
    free(all.text);
}

/* ---- real shapes ---- */

static void banking_is_csv_with_text_and_category(void **state)
{
    (void)state;
    expect("text,category\n"
           "How do I locate my card?,card_arrival\n"
           "\"I still have not received my new card, I ordered over a week ago.\",card_arrival\n"
           "\"What is \"\"SEPA\"\"?\n\nTell me.\",sepa\n"
           "last,atm\n",
           NONE, "CSV: text = column 'text', label = column 'category'",
           "2 [card_arrival] How do I locate my card?\n"
           "3 [card_arrival] I still have not received my new card, I ordered over a week ago.\n"
           "4 [sepa] What is \"SEPA\"?\n\nTell me.\n"
           "7 [atm] last\n");
}

static void reviews_are_tsv_with_or_without_header(void **state)
{
    (void)state;
    expect("label\ttext\n1\t很快，好吃，味道足，量大\n0\t\"太慢\n", NONE,
           "TSV: text = column 'text', label = column 'label'",
           "2 [1] 很快，好吃，味道足，量大\n3 [0] \"太慢\n");
    expect("1\t很快\n0\t\"太慢\n", OPTIONS(.text = "2", .label = "1"),
           "TSV: text = column 2, label = column 1", "2 [0] \"太慢\n1 [1] 很快\n");
    /* Of two columns one says it all. */
    expect("1\t很快\n0\t太慢\n", OPTIONS(.label = "1"), "TSV: text = column 2, label = column 1",
           "2 [0] 太慢\n1 [1] 很快\n");
    refuse("1\t很快\n0\t太慢\n", NONE, ERR_USAGE,
           ": cannot tell which is the text and which the label; give `text` and `label`, a name "
           "or a number from 1; its first line has the columns: '1', '很快'");
}

static void shopping_has_two_columns_that_may_be_the_label(void **state)
{
    (void)state;
    static const char data[] = "cat,label,review\n书籍,1,好书\n平板,0,\"坏,了\"\n";
    refuse(data, NONE, ERR_USAGE,
           ": cannot tell which is the label; give `label`, a name or a number from 1; its first "
           "line has the columns: 'cat', 'label', 'review'");
    expect(data, OPTIONS(.label = "cat"), "CSV: text = column 'review', label = column 'cat'",
           "2 [书籍] 好书\n3 [平板] 坏,了\n");
    expect(data, OPTIONS(.label = "label"), "CSV: text = column 'review', label = column 'label'",
           "2 [1] 好书\n3 [0] 坏,了\n");
    expect(data, OPTIONS(.label = "1"), "CSV: text = column 'review', label = column 'cat'",
           "2 [书籍] 好书\n3 [平板] 坏,了\n");
}

static void fasttext_lines_have_labels_anywhere(void **state)
{
    (void)state;
    expect("__label__a  first text \n"
           "__label__b __label__c two\tlabels\n"
           "one in __label__mid the middle\n"
           "at the end __label__end\n"
           "__label__only\n"
           "  __label__x not__label__this __label \n",
           NONE, "fastText: labels = words with __label__",
           "1 [a] first text\n"
           "2 [b|c] two\tlabels\n"
           "3 [mid] one in the middle\n"
           "4 [end] at the end\n"
           "5 [only] \n"
           "6 [x] not__label__this __label\n");
    expect("a, b\t__label__x\n", NONE, "fastText: labels = words with __label__", "1 [x] a, b\n");
    refuse_row("__label__a text\n\nno label\n", NONE,
               "1 [a] text\n! F, line 3: no word in it starts with __label__; give it a label, or "
               "leave it out\n");
    refuse_row("__label__a text\n__label__ text\n", NONE,
               "1 [a] text\n! F, line 2: its label is empty; give it one, or leave the row out\n");
    refuse("__label__a text\n", OPTIONS(.label = "1"), ERR_USAGE,
           ": a file in fastText's form has no columns; leave `text` and `label` out");
}

static void json_lines_have_strings_numbers_booleans_and_lists(void **state)
{
    (void)state;
    expect("{\"text\": \"a\\n\\u6211\", \"label\": \"x y\"}\n"
           "{\"label\": 12, \"text\": \"\", \"more\": [null]}\n"
           "\n"
           " {\"text\": \"c\", \"label\": true}\r\n"
           "{\"text\": \"d\", \"label\": [\"p\", -3, false]}\n"
           "{\"text\": \"e\", \"label\": []}",
           NONE, "JSONL: text = 'text', label = 'label'",
           "1 [x y] a\n我\n2 [12] \n4 [true] c\n5 [p|-3|false] d\n6 [] e\n");
    expect("{\"sentence\": \"a\", \"labels\": [\"x\"], \"id\": 7}\n", NONE,
           "JSONL: text = 'sentence', label = 'labels'", "1 [x] a\n");
    expect("{\"1\": \"a\", \"q\": \"b\", \"label\": \"x\"}\n", OPTIONS(.text = "1", .label = "q"),
           "JSONL: text = '1', label = 'q'", "1 [b] a\n");
}

static void json_lines_may_be_openais_chats(void **state)
{
    (void)state;
    static const char about[] = "JSONL: text = 'messages: the last of role user', label = "
                                "'messages: the last of role assistant'";
    expect(
        "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", "
        "\"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"x\"}]}\n"
        "{\"messages\": [{\"role\": \"user\", \"content\": \"old\"}, {\"role\": \"assistant\", "
        "\"content\": \"old\"}, {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": "
        "\"b\"}]}, {\"role\": \"assistant\", \"content\": \"y\"}], \"weight\": 1}\n",
        NONE, about, "1 [x] a\n2 [y] b\n");
    /* A key that is given goes before. */
    expect("{\"messages\": [], \"t\": \"a\", \"l\": \"x\"}\n", OPTIONS(.text = "t", .label = "l"),
           "JSONL: text = 't', label = 'l'", "1 [x] a\n");
    refuse_row("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n", NONE,
               "! F, line 1: 'messages: the last of role assistant' is missing; give one, or leave "
               "the line out\n");
    refuse_row("{\"messages\": [{\"role\": \"user\", \"content\": 3}, 7, {\"role\": 7}, {\"role\": "
               "\"assistant\", \"content\": \"x\"}]}\n",
               NONE, "! F, line 1: 'messages: the last of role user' is missing or not a string\n");
}

static void json_lines_have_paths(void **state)
{
    (void)state;
    expect("{\"data\": {\"text\": \"a\"}, \"annotations\": [{\"label\": \"x\"}, {}]}\n"
           "{\"data\": {\"text\": \"b\"}, \"annotations\": [{\"label\": [\"y\", 1]}]}\n",
           OPTIONS(.text = "data.text", .label = "annotations.0.label"),
           "JSONL: text = 'data.text', label = 'annotations.0.label'", "1 [x] a\n2 [y|1] b\n");
    /* One is a path, the other has a usual name. */
    expect("{\"data\": {\"t\": \"a\"}, \"intent\": \"x\"}\n", OPTIONS(.text = "data.t"),
           "JSONL: text = 'data.t', label = 'intent'", "1 [x] a\n");
    /* A key that holds a dot wins, however deep it is. */
    expect("{\"a.b\": \"key\", \"a\": {\"b\": \"path\", \"c.d\": \"x\", \"c\": {\"d\": \"y\"}}}\n",
           OPTIONS(.text = "a.b", .label = "a.c.d"), "JSONL: text = 'a.b', label = 'a.c.d'",
           "1 [x] key\n");
    refuse("{\"a\": {\"b\": \"c\"}, \"l\": [\"x\"]}\n", OPTIONS(.text = "a.c", .label = "l"),
           ERR_USAGE,
           ": `text` is 'a.c', but nothing in it has that name; its first line has the keys: 'a', "
           "'l'");
    static const char *const none[] = {"l.1",   "l.x",           "l.",  "l.-1",
                                       "l.0.0", "l.00000000000", "l.0x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct made made = make("{\"a\": \"b\", \"l\": [\"x\"]}\n", 24);
        struct read all =
            read_all(made.path, &(struct labelled_options){.text = "a", .label = none[i]});
        assert_int_equal(all.err.code, ERR_USAGE);
        free(all.text);
        unmake(made);
    }
}

static void a_path_that_is_missing_makes_a_bad_row(void **state)
{
    (void)state;
    static const char rows[] = "{\"d\": {\"t\": \"a\"}, \"l\": [{\"x\": 1}]}\n"
                               "{\"d\": {}, \"l\": [{\"x\": 2}]}\n"
                               "{\"d\": {\"t\": \"c\"}, \"l\": []}\n"
                               "{\"d\": {\"t\": \"d\"}, \"l\": [{\"x\": 2}]}\n";
    refuse_row(rows, OPTIONS(.text = "d.t", .label = "l.0.x"),
               "1 [1] a\n! F, line 2: 'd.t' is missing or not a string\n");
    expect(rows, OPTIONS(.text = "d.t", .label = "l.0.x", .skips_bad = true),
           "JSONL: text = 'd.t', label = 'l.0.x'",
           "1 [1] a\n4 [2] d\n- 2 with no usable text or label\n"
           "! F, line 2: 'd.t' is missing or not a string\n"
           "! F, line 3: 'l.0.x' is missing; give one, or leave the line out\n");
    /* So it does in the first line. */
    expect("{\"l\": []}\n{\"d\": {\"t\": \"d\"}, \"l\": [{\"x\": 2}]}\n",
           OPTIONS(.text = "d.t", .label = "l.0.x", .skips_bad = true),
           "JSONL: text = 'd.t', label = 'l.0.x'",
           "2 [2] d\n- 1 with no usable text or label\n! F, line 1: 'd.t' is missing\n");
}

/* ---- which format, separator, header and columns ---- */

static void the_format_given_goes_before_the_format_found(void **state)
{
    (void)state;
    struct made made = make("{,\tb\n", 5);
    struct labelled_options options = {.text = "1", .label = "2"};
    options.format = LABELLED_CSV;
    struct read all = read_all(made.path, &options);
    assert_string_equal(all.text, "1 [b] {\n");
    assert_int_equal(all.format, LABELLED_CSV);
    free(all.text);
    options.format = LABELLED_TSV;
    all = read_all(made.path, &options);
    assert_string_equal(all.text, "1 [b] {,\n");
    assert_int_equal(all.format, LABELLED_TSV);
    free(all.text);
    options = (struct labelled_options){.format = LABELLED_FASTTEXT};
    all = read_all(made.path, &options);
    assert_non_null(strstr(all.text, "no word in it starts with __label__"));
    free(all.text);
    options.format = LABELLED_AUTO;
    all = read_all(made.path, &options);
    assert_non_null(strstr(all.text, "line 1: invalid JSON at column "));
    free(all.text);
    unmake(made);
}

static void a_format_that_cannot_be_told_is_an_error(void **state)
{
    (void)state;
    refuse("just words\nand more, here\n", NONE, ERR_USAGE,
           ": its first line, 'just words', has no tab, comma, semicolon, __label__ or { to tell "
           "the format by; give `input-format`");
    refuse("just words\n", OPTIONS(.format = LABELLED_CSV), ERR_USAGE,
           ": cannot tell which is the text and which the label; give `text` and `label`, a name "
           "or a number from 1; its first line has the columns: 'just words'");
    assert_string_equal(labelled_format_names[LABELLED_FASTTEXT], "fastText");
}

static void a_list_of_objects_is_told_from_json_lines(void **state)
{
    (void)state;
    refuse("[{\"text\": \"a\", \"label\": \"b\"}]\n", NONE, ERR_FORMAT,
           ", line 1: not an object; each line must hold one, like {\"text\": \"...\", \"label\": "
           "\"...\"} (`skip-bad` leaves such rows out)");
    refuse("[\n{\"text\": \"a\", \"label\": \"b\"}]\n", NONE, ERR_FORMAT,
           ", line 1: invalid JSON at column 1: the text ends too early; an object in each line is "
           "expected (`skip-bad` leaves such rows out)");
    refuse("{\n  \"text\": \"a\"\n}\n", NONE, ERR_FORMAT,
           ", line 1: invalid JSON at column 1: the text ends too early; an object in each line is "
           "expected (`skip-bad` leaves such rows out)");
    /* Nothing but white space is no JSON. */
    refuse_row("\t\na\tb\n", OPTIONS(.text = "1", .label = "2"),
               "! F, line 1: its label is empty; give it one, or leave the row out\n");
}

static void semicolons_separate_where_the_first_line_says_so(void **state)
{
    (void)state;
    expect("text;label\na, b;x\n\"c;d\";y\n", NONE,
           "CSV with semicolons: text = column 'text', label = column 'label'",
           "2 [x] a, b\n3 [y] c;d\n");
    expect("text;more,label\na,x\n", NONE, "CSV: text = column 'text;more', label = column 'label'",
           "2 [x] a\n");
    expect("\"te,xt\";label\na;x\n", OPTIONS(.text = "te,xt"),
           "CSV with semicolons: text = column 'te,xt', label = column 'label'", "2 [x] a\n");
}

static void usual_names_are_found_in_any_case_and_order(void **state)
{
    (void)state;
    static const char *const texts[] = {"text",    "sentence",  "content",  "review",
                                        "query",   "utterance", "question", "body",
                                        "comment", "TEXT",      " Query "};
    static const char *const labels[] = {"label",     "category", "class",  "intent", "target",
                                         "sentiment", "cat",      "labels", "Label",  " INTENT"};
    char data[128], about[128];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t j = 0; j < sizeof labels / sizeof *labels; j++) {
            snprintf(data, sizeof data, "id\t%s\tx\t%s\n1\ta\tb\tc\n", labels[j], texts[i]);
            snprintf(about, sizeof about, "TSV: text = column '%s', label = column '%s'", texts[i],
                     labels[j]);
            struct made made = make(data, strlen(data));
            struct read all = read_all(made.path, NULL);
            compare(&all, "2 [a] c\n", data);
            assert_string_equal(all.about, about);
            free(all.text);
            unmake(made);
        }
    }
}

static void of_two_columns_one_tells_the_other(void **state)
{
    (void)state;
    expect("Query,stars\na,5\n", NONE, "CSV: text = column 'Query', label = column 'stars'",
           "2 [5] a\n");
    expect("class,words\n5,a\n", NONE, "CSV: text = column 'words', label = column 'class'",
           "2 [5] a\n");
    expect("stars\twords\n5\ta\n", OPTIONS(.label = "stars"),
           "TSV: text = column 'words', label = column 'stars'", "2 [5] a\n");
    /* What is given for one is no doubt about the other. */
    expect("text,review,x\na,5,b\n", OPTIONS(.label = "review"),
           "CSV: text = column 'text', label = column 'review'", "2 [5] a\n");
    refuse("class,words,x\n5,a,b\n", NONE, ERR_USAGE,
           ": cannot tell which is the text; give `text`, a name or a number from 1; its first "
           "line has the columns: 'class', 'words', 'x'");
    refuse("stars\twords\n5\ta\n", NONE, ERR_USAGE,
           ": cannot tell which is the text and which the label; give `text` and `label`, a name "
           "or a number from 1; its first line has the columns: 'stars', 'words'");
    refuse("text,review\n5,a\n", NONE, ERR_USAGE,
           ": cannot tell which is the text and which the label; give `text` and `label`, a name "
           "or a number from 1; its first line has the columns: 'text', 'review'");
}

static void better_names_go_before_others_and_two_of_a_kind_are_not_told(void **state)
{
    (void)state;
    expect("title,text,rating,label\nt,a,5,x\n", NONE,
           "CSV: text = column 'text', label = column 'label'", "2 [x] a\n");
    expect("编号\t评论内容\t类别\n1\t好吃\t正面\n", NONE,
           "TSV: text = column '评论内容', label = column '类别'", "2 [正面] 好吃\n");
    expect("\"Message\"\tID\t\"Rating\"\nhello\t1\t5\n", NONE,
           "TSV: text = column '\"Message\"', label = column '\"Rating\"'", "2 [5] hello\n");
    expect("{\"标题\": \"a\", \"编号\": 1, \"标签\": \"x\"}\n", NONE,
           "JSONL: text = '标题', label = '标签'", "1 [x] a\n");
    refuse("title,message,label\na,b,x\n", NONE, ERR_USAGE,
           ": cannot tell which is the text; give `text`, a name or a number from 1; its first "
           "line has the columns: 'title', 'message', 'label'");
    refuse("评论,内容,类别\na,b,x\n", NONE, ERR_USAGE,
           ": cannot tell which is the text; give `text`, a name or a number from 1; its first "
           "line has the columns: '评论', '内容', '类别'");
    /* Nor is one of two labels the text. */
    refuse("class,rating\na,b\n", NONE, ERR_USAGE,
           ": cannot tell which is the text; give `text`, a name or a number from 1; its first "
           "line has the columns: 'class', 'rating'");
}

static void two_columns_without_names_are_told_by_what_stands_in_them(void **state)
{
    (void)state;
    expect("1\t很快，好吃\n0\t太慢\n1\t味道足\n0\t\"冷\n1\t好\n", NONE,
           "TSV: text = column 2, label = column 1, which has 2 different values in 4 rows",
           "2 [0] 太慢\n3 [1] 味道足\n4 [0] \"冷\n5 [1] 好\n1 [1 again] 很快，好吃\n");
    expect("\"a, \"\"b\"\"\nc\",good\nd,bad\n\"e,f\",good\ng,bad\nh,good\n", NONE,
           "CSV: text = column 1, label = column 2, which has 2 different values in 4 rows",
           "3 [bad] d\n4 [good] e,f\n5 [bad] g\n6 [good] h\n1 [good again] a, \"b\"\nc\n");
    /* The first line may be a header all the same. */
    expect("v1,v2\nx,a\ny,b\nx,c\ny,d\n", NONE,
           "CSV: text = column 2, label = column 1, which has 2 different values in 4 rows",
           "2 [x] a\n3 [y] b\n4 [x] c\n5 [y] d\n1? [v1] v2\n");
    expect("v1,v2\nx,a\ny,b\nx,c\ny,d\n", OPTIONS(.header = LABELLED_HEADER_YES),
           "CSV: text = column 'v2', label = column 'v1', which has 2 different values in 4 rows",
           "2 [x] a\n3 [y] b\n4 [x] c\n5 [y] d\n");
    expect("x,e\nx,a\ny,b\nx,c\ny,d\n", OPTIONS(.header = LABELLED_HEADER_NO),
           "CSV: text = column 2, label = column 1, which has 2 different values in 4 rows",
           "1 [x] e\n2 [x] a\n3 [y] b\n4 [x] c\n5 [y] d\n");
    /* What is wrong with a row is said where it stands. */
    refuse_row("1\ta\n0\tb\n1\tc\n0\td\n1\te\n0\n", NONE,
               "2 [0] b\n3 [1] c\n4 [0] d\n5 [1] e\n1 [1 again] a\n! F, line 6: 1 column where the "
               "first row has 2; a cell must not hold a tab\n");
}

static void two_columns_that_may_be_either_are_not_told(void **state)
{
    (void)state;
    static const char sentence[] = ": cannot tell which is the text and which the label; give "
                                   "`text` and `label`, a name or a number from 1; its first line "
                                   "has the columns: 'x', 'y'";
    refuse("x\ty\na\tb\na\tb\na\tb\na\tb\n", NONE, ERR_USAGE, sentence);
    refuse("x,y\na,b\nc,d\ne,f\ng,h\n", NONE, ERR_USAGE, sentence);
    refuse("x,y\n1,b\n2,d\n3,b\n4,d\n", NONE, ERR_USAGE, sentence);
    /* A name says one thing, the rows another: "question" may be a label. */
    refuse("question,how are you\nanswer,fine\nquestion,and you\nanswer,so so\nanswer,ok\n", NONE,
           ERR_USAGE,
           ": a name in its first line says which is the text, but the rows look otherwise; give "
           "`text` and `label`; its first line has the columns: 'question', 'how are you'");
}

static void a_header_is_told_from_data_by_the_rule(void **state)
{
    (void)state;
    /* Numbers: a header only with usual names for both. */
    expect("a,b\nc,d\n", OPTIONS(.text = "1", .label = "2"),
           "CSV: text = column 1, label = column 2", "2 [d] c\n1? [b] a\n");
    expect("text,category\nc,d\n", OPTIONS(.text = "1", .label = "2"),
           "CSV: text = column 'text', label = column 'category'", "2 [d] c\n");
    expect("text,kind\nc,d\n", OPTIONS(.text = "1", .label = "2"),
           "CSV: text = column 1, label = column 2", "2 [d] c\n1? [kind] text\n");
    expect("words,label\nc,d\n", OPTIONS(.text = "1", .label = "2"),
           "CSV: text = column 1, label = column 2", "2 [d] c\n1? [label] words\n");
    /* A number and nothing: a header if the other has a usual name. */
    expect("review,kind,x\nc,d,e\n", OPTIONS(.label = "2"),
           "CSV: text = column 'review', label = column 'kind'", "2 [d] c\n");
    refuse("a,kind,x\nc,d,e\n", OPTIONS(.label = "2"), ERR_USAGE,
           ": cannot tell which is the text; give `text`, a name or a number from 1; its first "
           "line has the columns: 'a', 'kind', 'x'");
    /* A name and a number. */
    expect("a\tb\tc\n1\t2\t3\n", OPTIONS(.text = "3", .label = "a"),
           "TSV: text = column 'c', label = column 'a'", "2 [1] 3\n");
    /* A quoted record without header, written to while it is looked at. */
    expect("\"a \"\"b\"\",\nc\",d\n", OPTIONS(.text = "1", .label = "2"),
           "CSV: text = column 1, label = column 2", "1 [d] a \"b\",\nc\n");
    /* A header over two lines. */
    expect("text,\"the\nclass\"\na,b\n", NONE,
           "CSV: text = column 'text', label = column 'the class'", "3 [b] a\n");
}

static void a_header_may_be_asked_for_or_ruled_out(void **state)
{
    (void)state;
#define HEADER(is) OPTIONS(.text = "1", .label = "2", .header = LABELLED_HEADER_##is)
    expect("v1,v2\nc,d\n", HEADER(YES), "CSV: text = column 'v1', label = column 'v2'",
           "2 [d] c\n");
    expect("v1\tv2\nc\td\n", HEADER(YES), "TSV: text = column 'v1', label = column 'v2'",
           "2 [d] c\n");
    expect("text,label\nc,d\n", HEADER(NO), "CSV: text = column 1, label = column 2",
           "1 [label] text\n2 [d] c\n");
    refuse("text,label\nc,d\n", OPTIONS(.header = LABELLED_HEADER_NO), ERR_USAGE,
           ": cannot tell which is the text and which the label; give `text` and `label`, a name "
           "or a number from 1; its first line has the columns: 'text', 'label'");
    refuse("text,label\nc,d\n", OPTIONS(.text = "text", .header = LABELLED_HEADER_NO), ERR_USAGE,
           ": a column is given by name, but `header` no says that there are no names; give `text` "
           "and `label` as numbers from 1; its first line has the columns: 'text', 'label'");
    expect("{\"text\":\"a\",\"label\":\"b\"}\n", OPTIONS(.header = LABELLED_HEADER_NO),
           "JSONL: text = 'text', label = 'label'", "1 [b] a\n");
#undef HEADER
}

/* As a row of a CSV with columns by number, before one more row. */
static void expect_doubt(const char *first, bool has_names, char separator)
{
    char data[200], want[300];
    const char *comma = strchr(first, ',');
    const int bytes = (int)(comma - first);
    snprintf(data, sizeof data, "%s\nc,d,\n", first);
    const int label_bytes = (int)strcspn(comma + 1, ",");
    snprintf(want, sizeof want,
             has_names ? "2 [d] c\n1? [%.*s] %.*s\n" : "2 [d] c\n1 [%.*s] %.*s\n", label_bytes,
             comma + 1, bytes, first);
    free(expect_bytes(data, strlen(data),
                      OPTIONS(.text = "1", .label = "2", .label_separator = separator), want)
             .text);
}

static void a_first_row_of_names_is_doubtful(void **state)
{
    (void)state;
    expect_doubt("v2,v1,", true, 0);
    expect_doubt("Review Text,Rating_1,id", true, 0);
    expect_doubt("看法,好坏,编号", true, 0);
    expect_doubt("ok,ham,", true, 0); /* so may data be: the other rows tell */
    expect_doubt("see you at lunch,ham,", false, 0);
    expect_doubt("great!,ham,", false, 0);
    expect_doubt("很好吃。,好,", false, 0);
    expect_doubt("ok,1,", false, 0);
    expect_doubt("5 stars,good,", false, 0);
    expect_doubt("ok,ham,17", false, 0);
    expect_doubt("ok,ham,2024-05-01 10:30", false, 0);
    expect_doubt("v2,v1,Unnamed: 2", true, 0);
    expect_doubt("Unnamed: 0,label,", true, 0);
    expect_doubt("Unnamed: it,label,", false, 0);
    expect_doubt("v2,v1,Is it spam?", true, 0); /* nobody asked for that column */
    expect_doubt("opinion,kind,2nd opinion", true, 0);
    expect_doubt("SMS,Spam?,", false, 0);
    expect_doubt("0,1,", false, 0);
    expect_doubt("ok,ok,", false, 0);
    expect_doubt(",ham,", false, 0);
    expect_doubt("text,kind,", true, '|');
    expect("a,xay,\nb,y,\n", OPTIONS(.text = "1", .label = "2", .label_separator = 'a'),
           "CSV: text = column 1, label = column 2", "1 [x|y] a\n2 [y] b\n");
    expect("ok,ham\nc,d\ne,ham\n", OPTIONS(.text = "1", .label = "2"),
           "CSV: text = column 1, label = column 2", "2 [d] c\n3 [ham] e\n1? [ham again] ok\n");
}

static void columns_that_are_not_there_are_listed(void **state)
{
    (void)state;
    refuse("text,category\na,b\n", OPTIONS(.label = "kind"), ERR_USAGE,
           ": `label` is 'kind', but nothing in it has that name; its first line has the columns: "
           "'text', 'category'");
    refuse("text,category\na,b\n", OPTIONS(.text = "Text"), ERR_USAGE,
           ": `text` is 'Text', but nothing in it has that name; its first line has the columns: "
           "'text', 'category'");
    refuse(
        "text,category\na,b\n", OPTIONS(.text = "3"), ERR_USAGE,
        ": `text` must be a number from 1 to 2 or a name, not 3; its first line has the columns: "
        "'text', 'category'");
    refuse(
        "a\tb\n", OPTIONS(.text = "1", .label = "0"), ERR_USAGE,
        ": `label` must be a number from 1 to 2 or a name, not 0; its first line has the columns: "
        "'a', 'b'");
    refuse("a\tb\n", OPTIONS(.text = "1", .label = "99999999999999999999999999"), ERR_USAGE,
           ": `label` must be a number from 1 to 2 or a name, not 99999999999999999999; its first "
           "line has the columns: 'a', 'b'");
    refuse("a\tb\n", OPTIONS(.text = "1", .label = "1"), ERR_USAGE,
           ": `text` and `label` are the same column; give two; its first line has the columns: "
           "'a', 'b'");
    refuse("a,b,b\n", OPTIONS(.text = "a", .label = "b"), ERR_USAGE,
           ": 2 columns are named 'b'; give `label` as a number; its first line has the columns: "
           "'a', 'b', 'b'");
    refuse("{\"a\": 1, \"text\": \"x\", \"b\": 2}\n", NONE, ERR_USAGE,
           ": cannot tell which is the label; give `label`, a key of it; its first line has the "
           "keys: 'a', 'text', 'b'");
    refuse("{}\n", NONE, ERR_USAGE,
           ": cannot tell which is the text and which the label; give `text` and `label`, a key of "
           "it; its first line has the keys: none");
}

static void a_long_list_of_columns_is_cut(void **state)
{
    (void)state;
    char data[40000] = "";
    size_t n = 0;
    for (int i = 0; i < 3000; i++)
        n += (size_t)snprintf(data + n, sizeof data - n, "%s柱%d", i ? "," : "", i);
    struct made made = make(data, n);
    struct read all = read_all(made.path, NULL);
    assert_int_equal(all.err.code, ERR_USAGE);
    assert_non_null(strstr(all.text, "'柱0', '柱1', "));
    assert_non_null(strstr(all.text, "' and 29"));
    assert_non_null(strstr(all.text, " more\n"));
    free(all.text);
    unmake(made);
    /* One long name, with what a terminal must not see. */
    memset(data, 'a', 2000);
    memcpy(data, "\x1B[1m我我我", 13);
    memcpy(data + 2000, "\tb\n", 3);
    made = make(data, 2003);
    all = read_all(made.path, NULL);
    assert_non_null(strstr(all.text, "' [1m我我我aaa"));
    assert_non_null(strstr(all.text, "aaa…', 'b'\n"));
    assert_true(all.bytes < 400);
    free(all.text);
    unmake(made);
}

static void too_many_columns_are_an_error(void **state)
{
    (void)state;
    static char data[2 * LABELLED_COLUMNS_MAX + 64];
    size_t n = (size_t)snprintf(data, sizeof data, "text,label");
    memset(data + n, ',', LABELLED_COLUMNS_MAX - 2);
    n += LABELLED_COLUMNS_MAX - 2;
    struct made made = make(data, n);
    struct read all = read_all(made.path, NULL);
    assert_string_equal(all.text, "");
    free(all.text);
    unmake(made);
    data[n++] = ',';
    made = make(data, n);
    all = read_all(made.path, NULL);
    assert_string_equal(all.text,
                        "! F, line 1: 4097 columns where at most 4096 may be; leave some out\n");
    free(all.text);
    unmake(made);
}

/* ---- bytes ---- */

static void byte_order_mark_and_crlf_are_no_text(void **state)
{
    (void)state;
    expect("\xEF\xBB\xBFtext,label\r\n\"a\r\nb\",\"x\"\r\n\r\nc,y\r\nd,z", NONE,
           "CSV: text = column 'text', label = column 'label'", "2 [x] a\r\nb\n5 [y] c\n6 [z] d\n");
    expect("\xEF\xBB\xBF\"text\",\"label\"\r\n\"a\",\"x\"\r", NONE,
           "CSV: text = column 'text', label = column 'label'", "2 [x] a\n");
    expect("\r\n\ntext,label\na,x\n", NONE, "CSV: text = column 'text', label = column 'label'",
           "4 [x] a\n");
    expect("\xEF\xBB\xBF\r\n\r\nlabel\ttext\r\nx\ta\r\n", NONE,
           "TSV: text = column 'text', label = column 'label'", "4 [x] a\n");
    expect("\xEF\xBB\xBF__label__x a\r\n__label__y\r\n", NONE,
           "fastText: labels = words with __label__", "1 [x] a\n2 [y] \n");
    expect("\xEF\xBB\xBF{\"text\":\"a\",\"label\":\"x\"}\r\n", NONE,
           "JSONL: text = 'text', label = 'label'", "1 [x] a\n");
}

static void empty_texts_are_rows_and_empty_labels_are_not(void **state)
{
    (void)state;
    expect("text,label\n,x\n\"\",y\n", NONE, "CSV: text = column 'text', label = column 'label'",
           "2 [x] \n3 [y] \n");
    refuse_row("text,label\na, x \nb,\" \"\n", NONE,
               "2 [x] a\n! F, line 3: its label is empty; give it one, or leave the row out\n");
    refuse_row("text\tlabel\n\na\t\n", NONE,
               "! F, line 3: its label is empty; give it one, or leave the row out\n");
    refuse_row("{\"text\":\"a\",\"label\":\"\"}\n", NONE,
               "! F, line 1: its label is empty; give it one, or leave the row out\n");
    refuse_row("{\"text\":\"a\",\"label\":[\"x\",\" \"]}\n", NONE,
               "! F, line 1: its label is empty; give it one, or leave the row out\n");
}

static void a_separator_makes_labels_many_or_none(void **state)
{
    (void)state;
    expect("text,label\na,x| y z ||x\nb,\nc, | \n", OPTIONS(.label_separator = '|'),
           "CSV: text = column 'text', label = column 'label'", "2 [x|y z|x] a\n3 [] b\n4 [] c\n");
    expect("text\tlabel\na\tx y\nb\t\n", OPTIONS(.label_separator = ' '),
           "TSV: text = column 'text', label = column 'label'", "2 [x|y] a\n3 [] b\n");
    expect("{\"text\":\"a\",\"label\":\"x, y\"}\n{\"text\":\"b\",\"label\":\"\"}\n",
           OPTIONS(.label_separator = ','), "JSONL: text = 'text', label = 'label'",
           "1 [x|y] a\n2 [] b\n");
    expect("__label__x,y a\n", OPTIONS(.label_separator = ','),
           "fastText: labels = words with __label__", "1 [x,y] a\n");
}

static void too_many_labels_are_an_error(void **state)
{
    (void)state;
    size_t n = 2 * (size_t)LABELLED_LABELS_MAX;
    char *data = malloc(n + 32);
    assert_non_null(data);
    memcpy(data, "text\tlabel\na\t", 13);
    for (size_t i = 0; i < n; i += 2)
        memcpy(data + 13 + i, "x ", 2);
    struct labelled_options options = {.label_separator = ' '};
    struct made made = make(data, 13 + n);
    struct read all = read_all(made.path, &options);
    assert_memory_equal(all.text, "2 [x|x|x", 8);
    free(all.text);
    unmake(made);
    memcpy(data + 13 + n, "x\n", 2);
    made = make(data, 13 + n + 2);
    all = read_all(made.path, &options);
    assert_string_equal(all.text, "! F, line 2: more than 65536 labels; give each once (`skip-bad` "
                                  "leaves such rows out)\n");
    free(all.text);
    unmake(made);
    free(data);
}

static void nul_is_text_and_no_label(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "text,label\na\0b,x\nc,y\0z\n", "text\tlabel\na\0b\tx\nc\ty\0z\n",
        "__label__x a\0b   \n__label__y\0z c\n",
        "{\"text\":\"a\\u0000b\",\"label\":\"x\"}\n{\"text\":\"c\",\"label\":\"y\\u0000z\"}\n"};
    static const size_t bytes[] = {24, 24, 34, 0};
    for (int i = 0; i < 4; i++) {
        struct made made = make(rows[i], bytes[i] ? bytes[i] : strlen(rows[i]));
        struct labelled *labelled;
        struct labelled_row row;
        struct err err;
        if (!labelled_open(&labelled, made.path, NULL, &err)) fail_msg("%s", err.message);
        if (labelled_next(labelled, &row, &err) != 1) fail_msg("%s", err.message);
        assert_int_equal(row.text_bytes, 3);
        assert_memory_equal(row.text, "a\0b", 3);
        assert_int_equal(row.n_labels, 1);
        assert_int_equal(row.labels[0].bytes, 1);
        assert_memory_equal(row.labels[0].data, "x", 1);
        assert_int_equal(labelled_next(labelled, &row, &err), -1);
        assert_non_null(strstr(err.message, ": a label holds the character NUL; leave it out "));
        labelled_close(labelled);
        unmake(made);
    }
}

static void what_is_not_utf8_is_named_by_line_and_byte(void **state)
{
    (void)state;
#define NOT_UTF8(line, byte, value)                                                                \
    "! F, line " line ": not UTF-8 at byte " byte " (" value "); if it is GB18030, give "          \
    "`encoding` gb18030\n"
    refuse_row("text,label\r\na,x\r\n\xC4\xE3,x\n", NONE, "2 [x] a\n" NOT_UTF8("3", "1", "0xC4"));
    refuse_row("text,label\na,x\n\"b\n\nc\xFF\xFF\",x\n", NONE,
               "2 [x] a\n" NOT_UTF8("5", "2", "0xFF"));
    refuse_row("label\ttext\n1\t\xE6\x88\x91\xE6\x88\n", NONE, NOT_UTF8("2", "6", "0xE6"));
    refuse_row("__label__x a\xC0\x80\n", NONE, NOT_UTF8("1", "13", "0xC0"));
    refuse_row("{\"text\":\"\xED\xA0\x80\",\"label\":1}\n", NONE, NOT_UTF8("1", "10", "0xED"));
}

static void a_file_in_utf_16_without_a_mark_is_named_as_such(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t bytes;
        const char *name, *flag;
    } files[] = {
#define FILE_OF(bytes, name, flag) {bytes, sizeof bytes - 1, name, flag}
        FILE_OF("t\0e\0x\0t\0,\0l\0\r\0\n\0a\0,\0x\0\n\0", "UTF-16LE", "utf-16le"),
        FILE_OF("\0t\0e\0x\0t\0,\0l\0\n\0a\0,\0x\0\n", "UTF-16BE", "utf-16be"),
        FILE_OF("{\0\"\0t\0\"\0:\0\"\0x\0\"\0}\0\n\0", "UTF-16LE", "utf-16le"),
        FILE_OF("\x11\x62\x31\x72\x03\x54\x6D\x99,\0\x7D\x59\n\0", "UTF-16LE", "utf-16le"),
#undef FILE_OF
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char line[200];
        snprintf(line, sizeof line, "! F, line 1: this is %s, not UTF-8; give `encoding` %s\n",
                 files[i].name, files[i].flag);
        free(expect_bytes(files[i].data, files[i].bytes, NONE, line).text);
    }
}

#define UTF_16LE "t\0e\0x\0t\0,\0l\0a\0b\0e\0l\0\r\0\n\0\x11\x62\x31\x72,\0x\0\r\0\n\0a\0,\0y\0"
#define UTF_16BE "\0t\0e\0x\0t\0,\0l\0a\0b\0e\0l\0\n\x62\x11\x72\x31\0,\0x\0\n\0a\0,\0y"
#define GB18030 "text,label\n\xCE\xD2\xB0\xAE,x\na,y"

static void a_file_may_be_in_another_encoding(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t bytes;
        enum text_encoding given;
        const char *name;
    } files[] = {
#define FILE_OF(bytes, given, name) {bytes, sizeof bytes - 1, given, name}
        FILE_OF("\xFF\xFE" UTF_16LE, TEXT_AUTO, "UTF-16LE"),
        FILE_OF("\xFF\xFE" UTF_16LE, TEXT_UTF_16, "UTF-16LE"),
        FILE_OF("\xFF\xFE" UTF_16LE, TEXT_UTF_16LE, "UTF-16LE"),
        FILE_OF(UTF_16LE, TEXT_UTF_16LE, "UTF-16LE"),
        FILE_OF("\xFE\xFF" UTF_16BE, TEXT_AUTO, "UTF-16BE"),
        FILE_OF("\xFE\xFF" UTF_16BE, TEXT_UTF_16, "UTF-16BE"),
        FILE_OF(UTF_16BE, TEXT_UTF_16BE, "UTF-16BE"),
        FILE_OF(GB18030, TEXT_GB18030, "GB18030"),
#undef FILE_OF
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char about[100];
        struct read all =
            expect_bytes(files[i].data, files[i].bytes, OPTIONS(.encoding = files[i].given),
                         "2 [x] 我爱\n3 [y] a\n");
        snprintf(about, sizeof about, "CSV in %s: text = column 'text', label = column 'label'",
                 files[i].name);
        assert_string_equal(all.about, about);
        free(all.text);
    }
}

static void refuse_bytes(const char *data, size_t bytes, struct labelled_options options,
                         const char *expected)
{
    free(expect_bytes(data, bytes, options, expected).text);
}

static void an_encoding_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    refuse_bytes(
        UTF_16LE, sizeof UTF_16LE - 1, OPTIONS(.encoding = TEXT_UTF_16),
        "! F has no byte order mark, which UTF-16 begins with; give `encoding` utf-16le or "
        "utf-16be\n");
    refuse_bytes("\xFF\xFE" UTF_16LE, sizeof UTF_16LE + 1, OPTIONS(.encoding = TEXT_UTF_16BE),
                 "! F begins with the byte order mark of UTF-16LE, so it is not UTF-16BE; leave "
                 "`encoding` out\n");
    refuse_bytes("\xFE\xFF" UTF_16BE, sizeof UTF_16BE + 1, OPTIONS(.encoding = TEXT_UTF_8),
                 "! F begins with the byte order mark of UTF-16BE, so it is not UTF-8; leave "
                 "`encoding` out\n");
    refuse("\xEF\xBB\xBFtext,label\na,x\n", OPTIONS(.encoding = TEXT_GB18030), ERR_FORMAT,
           " begins with the byte order mark of UTF-8, so it is not GB18030; leave `encoding` out");
    refuse_row("text,label\na,x\nb\xFF,x\n", OPTIONS(.encoding = TEXT_GB18030),
               "2 [x] a\n! F, line 3: it holds bytes that are not GB18030; put it right, or give "
               "another `encoding`\n");
    expect(
        "text,label\na,x\nb\xFF,x\n\xCE\xD2,y\n",
        OPTIONS(.encoding = TEXT_GB18030, .skips_bad = true),
        "CSV in GB18030: text = column 'text', label = column 'label'",
        "2 [x] a\n4 [y] 我\n- 1 with bytes that are no text\n! F, line 3: it holds bytes that are "
        "not GB18030; put it right, or give another `encoding`\n");
}

/* text,label\na,x\nb,y\n; the same in UTF-16LE with its mark. */
static const char packed[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x49\xad\x28\xd1\xc9"
                             "\x49\x4c\x4a\xcd\xe1\x4a\xd4\xa9\xe0\x4a\xd2\xa9\xe4\x02\x00\x3a"
                             "\x51\xc3\xc5\x13\x00\x00\x00";
static const char packed_wide[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xfb\xff\xaf\x84\x21\x95"
                                  "\xa1\x82\xa1\x84\x41\x87\x21\x87\x21\x91\x21\x09\xc8\xcb\x61\xe0"
                                  "\x02\xb2\x74\x80\xa2\x5c\x40\xbe\x0e\x43\x25\x90\x06\x00\x83\x32"
                                  "\xc3\x86\x28\x00\x00\x00";

static void a_file_may_be_packed(void **state)
{
    (void)state;
    static const char rows[] = "2 [x] a\n3 [y] b\n";
    struct read all = expect_bytes(packed, sizeof packed - 1, NONE, rows);
    assert_string_equal(all.about, "CSV (gzip): text = column 'text', label = column 'label'");
    free(all.text);
    all = expect_bytes(packed_wide, sizeof packed_wide - 1, NONE, rows);
    assert_string_equal(all.about,
                        "CSV in UTF-16LE (gzip): text = column 'text', label = column 'label'");
    free(all.text);
    free(expect_bytes(packed, sizeof packed - 9, OPTIONS(.skips_bad = true),
                      "2 [x] a\n3 [y] b\n! F: the gzip data is cut off; fetch the whole file\n")
             .text);
    free(expect_bytes(packed, 2, NONE, "! F: the gzip data is cut off; fetch the whole file\n")
             .text);
}

static void files_that_are_no_text_are_named(void **state)
{
    (void)state;
    refuse("PK\3\4\x14", NONE, ERR_FORMAT,
           " is a zip archive, as Excel's .xlsx is; save the sheet as CSV, or unpack it first");
    refuse("\x28\xB5\x2F\xFD\x04", NONE, ERR_FORMAT,
           ": the zstd data is cut off; fetch the whole file");
    refuse("\xFD\x37zXZ", NONE, ERR_FORMAT,
           " is packed with xz; unpack it first, or pack it with zstd or gzip");
    refuse("PAR1\x15\4", NONE, ERR_FORMAT,
           " is a Parquet file; write it as CSV or JSON lines first");
    expect("PK,PAR1\na,x\n", OPTIONS(.text = "PK"),
           "CSV: text = column 'PK', label = column 'PAR1'", "2 [x] a\n");
    expect("PAR1,PK\na,x\n", OPTIONS(.text = "PK"),
           "CSV: text = column 'PK', label = column 'PAR1'", "2 [a] x\n");
}

/* ---- rows that are not right ---- */

static void bad_rows_are_left_out_where_that_is_wanted(void **state)
{
    (void)state;
    const struct labelled_options skips = {.skips_bad = true};
    expect("text,label\na,x\nb\n,y\nc, \nd,e,y\n \t,y\nf,y\nh\xFF,y\ni,y\n", skips,
           "CSV: text = column 'text', label = column 'label'",
           "2 [x] a\n8 [y] f\n10 [y] i\n"
           "- 2 with another number of columns\n"
           "- 1 with bytes that are no text\n"
           "- 1 with an empty label\n"
           "- 2 with an empty text\n"
           "! F, line 3: 1 column where the first row has 2; a cell that holds the separator must "
           "be in quotes\n"
           "! F, line 4: its text is empty\n"
           "! F, line 5: its label is empty; give it one, or leave the row out\n"
           "! F, line 6: 3 columns where the first row has 2; a cell that holds the separator must "
           "be in quotes\n"
           "! F, line 7: its text is empty\n");
    expect(
        "{\"text\": \"\"\n{\"text\": \"b\", \"label\": 1}\n{\"label\": 1}\n7\n"
        "{\"text\": \"c\", \"label\": 1.5}\n{\"text\": \"d\", \"label\": 2}\n",
        skips, "JSONL: text = 'text', label = 'label'",
        "2 [1] b\n6 [2] d\n"
        "- 2 with invalid JSON\n"
        "- 2 with no usable text or label\n"
        "! F, line 1: invalid JSON at column 11: the text ends too early; an object in each line "
        "is expected\n"
        "! F, line 3: 'text' is missing or not a string\n"
        "! F, line 4: not an object; each line must hold one, like {\"text\": \"...\", "
        "\"label\": \"...\"}\n"
        "! F, line 5: 'label' must be a string, an integer, true or false, or a list of these\n");
    expect("__label__x a\nb\n__label__ c\n__label__y\n__label__y d\n", skips,
           "fastText: labels = words with __label__",
           "1 [x] a\n5 [y] d\n- 2 with an empty label\n- 1 with an empty text\n"
           "! F, line 2: no word in it starts with __label__; give it a label, or leave it out\n"
           "! F, line 3: its label is empty; give it one, or leave the row out\n"
           "! F, line 4: its text is empty\n");
}

static void quotes_that_do_not_fit_spoil_the_lines_up_to_where_it_shows(void **state)
{
    (void)state;
    const struct labelled_options skips = {.skips_bad = true};
    expect("text,label\na,x\n\"b \"c\" d\",x\ne,y\n", skips,
           "CSV: text = column 'text', label = column 'label'",
           "2 [x] a\n4 [y] e\n- 1 with quotes that do not fit\n"
           "! F, line 3: something follows the closing quote of a cell; double the quotes that are "
           "part of a quoted cell\n");
    expect("text,label\na,x\n\"b\nc\" d,x\ne,y\n", skips,
           "CSV: text = column 'text', label = column 'label'",
           "2 [x] a\n5 [y] e\n- 1 with quotes that do not fit\n"
           "! F, line 4: something follows the closing quote of a cell; double the quotes that are "
           "part of a quoted cell (lines 3 to 4 are passed over)\n");
    expect("text,label\na,x\n\"b\nc\",\"d,x\ne,x\nf,x", skips,
           "CSV: text = column 'text', label = column 'label'",
           "2 [x] a\n5 [x] e\n6 [x] f\n- 1 with quotes that do not fit\n"
           "! F, line 4: the quoted cell that begins here is not closed; close it, or double the "
           "quotes that are part of it (lines 3 to 4 are passed over)\n");
}

static void the_first_row_may_be_left_out_too(void **state)
{
    (void)state;
    expect("a\tx\ty\nb\t1\t0\n", OPTIONS(.text = "1", .label = "2", .skips_bad = true),
           "TSV: text = column 1, label = column 2", "2 [1] b\n1? [x] a\n");
    expect("\tx\nb\t1\n", OPTIONS(.text = "1", .label = "2", .skips_bad = true),
           "TSV: text = column 1, label = column 2",
           "2 [1] b\n- 1 with an empty text\n! F, line 1: its text is empty\n");
    expect("b\t \na\t1\n", OPTIONS(.text = "1", .label = "2", .skips_bad = true),
           "TSV: text = column 1, label = column 2",
           "2 [1] a\n- 1 with an empty label\n! F, line 1: its label is empty; give it one, or "
           "leave the row out\n");
    struct made made = make("{\n{\"text\":\n", 11);
    struct read all = read_all(made.path, &(struct labelled_options){.skips_bad = true});
    assert_int_equal(all.err.code, ERR_FORMAT);
    assert_non_null(strstr(all.text, " holds no row that can be read, of 2; /proc"));
    free(all.text);
    unmake(made);
}

static void a_wrong_number_of_columns_is_an_error(void **state)
{
    (void)state;
    refuse_row("text,label\na,x\nb, c,x\n", NONE,
               "2 [x] a\n! F, line 3: 3 columns where the first row has 2; a cell that holds the "
               "separator must be in quotes\n");
    refuse_row("text\tlabel\na\tx\n\nb\n", NONE,
               "2 [x] a\n! F, line 4: 1 column where the first row has 2; a cell must not hold a "
               "tab\n");
    refuse_row("text,label\n\"a\nb\",x\n\"c\nd\"\n", NONE,
               "2 [x] a\nb\n! F, line 4: 1 column where the first row has 2; a cell that holds the "
               "separator must be in quotes\n");
}

static void quotes_matter_only_where_they_begin_a_cell(void **state)
{
    (void)state;
    expect("text,label\n5\" pipe, \"x\"\n\"\"\"a\"\"\",x\n\"\"\"\",x\n", NONE,
           "CSV: text = column 'text', label = column 'label'",
           "2 [\"x\"] 5\" pipe\n3 [x] \"a\"\n4 [x] \"\n");
    refuse_row("text,label\na,x\n\"b\nc\" d,x\n", NONE,
               "2 [x] a\n! F, line 4: something follows the closing quote of a cell; double the "
               "quotes that are part of a quoted cell\n");
    refuse_row("text,label\n\"b\"\rd,x\n", NONE,
               "! F, line 2: something follows the closing quote of a cell; double the "
               "quotes that are part of a quoted cell\n");
}

static void a_quote_that_never_closes_is_named(void **state)
{
    (void)state;
    refuse_row("text,label\na,x\n\"b\nc\",\"d,x\ne,x\nf,x\n", NONE,
               "2 [x] a\n! F, line 4: the quoted cell that begins here is not closed; close it, or "
               "double the quotes that are part of it\n");
}

static void a_quote_that_never_closes_in_an_endless_file_is_named(void **state)
{
    (void)state;
    static const char head[] = "text,label\na,x\n\"b\n c\",x\n\"d\n";
    int old_stdin;
    pid_t pid =
        start_writer(head, sizeof head - 1, "all, of \n this is quoted\n", 1024, &old_stdin);
    struct read all = read_all("-", NULL);
    end_writer(pid, old_stdin);
    compare(&all,
            "2 [x] a\n3 [x] b\n c\n! F, line 5: the quoted cell that begins here is not closed "
            "within 64 MiB; close it, or double the quotes that are part of it (`skip-bad` leaves "
            "such rows out)\n",
            "endless");
    free(all.text);
}

static void json_that_is_not_right_is_named_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *sentence;
    } cases[] = {
        {"{\"text\": \"b\"", "invalid JSON at column 12: the text ends too early; an object in "
                             "each line is expected"},
        {"{\"text\": \"b\", \"text\": \"c\"}", NULL},
        {"7",
         "not an object; each line must hold one, like {\"text\": \"...\", \"label\": \"...\"}"},
        {"{\"text\": \"b\"}", "'label' is missing; give one, or leave the line out"},
        {"{\"label\": \"b\"}", "'text' is missing or not a string"},
        {"{\"text\": 1, \"label\": \"b\"}", "'text' is missing or not a string"},
        {"{\"text\": null, \"label\": \"b\"}", "'text' is missing or not a string"},
        {"{\"text\": \"b\", \"label\": 1.5}",
         "'label' must be a string, an integer, true or false, or a list of these"},
        {"{\"text\": \"b\", \"label\": null}",
         "'label' must be a string, an integer, true or false, or a list of these"},
        {"{\"text\": \"b\", \"label\": [\"x\", [\"y\"]]}",
         "'label' must be a string, an integer, true or false, or a list of these"},
        {"{\"text\": \"b\", \"label\": {}}",
         "'label' must be a string, an integer, true or false, or a list of these"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char data[256], expected[512];
        snprintf(data, sizeof data, "{\"text\": \"a\", \"label\": \"x\"}\n\n%s\n", cases[i].line);
        snprintf(expected, sizeof expected, "1 [x] a\n! F, line 3: %s\n",
                 cases[i].sentence ? cases[i].sentence : "");
        if (cases[i].sentence) {
            refuse_row(data, NONE, expected);
            continue;
        }
        struct made made = make(data, strlen(data));
        struct read all = read_all(made.path, NULL);
        assert_memory_equal(all.text, "1 [x] a\n! F, line 3: invalid JSON at column ", 44);
        free(all.text);
        unmake(made);
    }
}

/* ---- files ---- */

static void an_empty_file_is_an_error_and_a_header_alone_is_not(void **state)
{
    (void)state;
    static const char empty[] = " is empty; rows of a text and its labels are expected";
    refuse("", NONE, ERR_FORMAT, empty);
    refuse("\xEF\xBB\xBF", NONE, ERR_FORMAT, empty);
    refuse("\n\r\n\n", OPTIONS(.format = LABELLED_CSV), ERR_FORMAT, empty);
    expect("text,label\n", NONE, "CSV: text = column 'text', label = column 'label'", "");
    expect("text\tlabel", NONE, "TSV: text = column 'text', label = column 'label'", "");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct labelled *labelled;
    struct err err;
    labelled_close(NULL);
    assert_false(labelled_open(&labelled, "/nowhere/x.csv", NULL, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "/nowhere/x.csv cannot be opened: No such file or directory");
    assert_null(labelled);
    assert_false(labelled_open(&labelled, "/proc/self", NULL, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "/proc/self cannot be read: Is a directory");
}

static void a_read_that_fails_midway_is_named(void **state)
{
    (void)state;
    int ends[2];
    static const char data[] = "text,label\na,x\nb,";
    /* The other side closes without having read what it was sent: a connection reset. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[1], data, sizeof data - 1), sizeof data - 1);
    assert_int_equal(write(ends[0], "?", 1), 1);
    close(ends[1]);
    int old_stdin = replace_stdin(ends[0]);
    struct read all = read_all("-", NULL);
    restore_stdin(old_stdin);
    compare(&all, "2 [x] a\n! F cannot be read: Connection reset by peer\n", "reset");
    assert_int_equal(all.err.code, ERR_IO);
    free(all.text);
}

static void the_share_grows_to_one(void **state)
{
    (void)state;
    struct made made = make("text,label\naaaa,x\nbbbb,y\n", 25);
    struct labelled *labelled;
    struct labelled_row row;
    struct err err;
    assert_true(labelled_open(&labelled, made.path, NULL, &err));
    assert_true(labelled_share(labelled) == 11.0 / 25);
    assert_int_equal(labelled_next(labelled, &row, &err), 1);
    assert_true(labelled_share(labelled) == 18.0 / 25);
    assert_int_equal(labelled_next(labelled, &row, &err), 1);
    assert_true(labelled_share(labelled) == 1);
    labelled_close(labelled);
    unmake(made);

    int old_stdin;
    pid_t pid = start_writer("__label__x a\n", 13, NULL, 13, &old_stdin);
    assert_true(labelled_open(&labelled, "-", NULL, &err));
    assert_int_equal(labelled_next(labelled, &row, &err), 1);
    assert_true(labelled_share(labelled) == 0);
    labelled_close(labelled);
    assert_int_equal(read(STDIN_FILENO, &(char){0}, 1), 0); /* still open */
    end_writer(pid, old_stdin);
}

/* ---- sizes ---- */

static const char *const forms[] = {"\"%s\",x%d\n", "%s\tx%d\n", "__label__x%2$d %1$s\n",
                                    "{\"text\":\"%s\",\"label\":\"x%d\"}\n"};
static const char *const heads[] = {"text,label\n", "text\tlabel\n", "", ""};

/* Rows of 0 to 200,000 bytes, so that they begin and end anywhere in what is read at once. */
static void rows_of_any_size_come_whole(void **state)
{
    (void)state;
    enum { N_ROWS = 300, TEXT_MAX = 200000 };
    char *text = malloc(TEXT_MAX + 1);
    assert_non_null(text);
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        struct made made = make(heads[f], strlen(heads[f]));
        unsigned seed = 1;
        size_t sizes[N_ROWS];
        for (int i = 0; i < N_ROWS; i++) {
            seed = seed * 1103515245 + 12345;
            sizes[i] = (seed >> 8) % (i % 10 == 0 ? TEXT_MAX : 3000);
            memset(text, 'a' + i % 26, sizes[i]);
            text[sizes[i]] = '\0';
            dprintf(made.fd, forms[f], text, i);
        }
        struct labelled *labelled;
        struct labelled_row row;
        struct err err;
        if (!labelled_open(&labelled, made.path, NULL, &err)) fail_msg("%s", err.message);
        for (int i = 0; i < N_ROWS; i++) {
            char label[16];
            int n = snprintf(label, sizeof label, "x%d", i);
            if (labelled_next(labelled, &row, &err) != 1) fail_msg("%s", err.message);
            assert_int_equal(row.line, i + 1 + (heads[f][0] != '\0'));
            assert_int_equal(row.n_labels, 1);
            assert_int_equal(row.labels[0].bytes, n);
            assert_memory_equal(row.labels[0].data, label, (size_t)n);
            assert_int_equal(row.text_bytes, sizes[i]);
            memset(text, 'a' + i % 26, sizes[i]);
            assert_memory_equal(row.text, text, sizes[i]);
        }
        assert_int_equal(labelled_next(labelled, &row, &err), 0);
        labelled_close(labelled);
        unmake(made);
    }
    free(text);
}

/* A row of `bytes` bytes of text between two small ones. */
static struct read read_large(size_t form, size_t bytes)
{
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    memset(text, 'a', bytes);
    text[bytes] = '\0';
    struct made made = make(heads[form], strlen(heads[form]));
    dprintf(made.fd, forms[form], "before", 1);
    dprintf(made.fd, forms[form], text, 2);
    dprintf(made.fd, forms[form], "after", 3);
    free(text);
    struct read all = read_all(made.path, NULL);
    unmake(made);
    return all;
}

static void a_line_of_ten_megabytes_is_a_row(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        struct read all = read_large(f, 10000000);
        if (all.err.code != ERR_NONE) fail_msg("%s", all.err.message);
        assert_true(all.bytes > 10000000);
        assert_non_null(strstr(all.text, "[x1] before\n"));
        assert_non_null(strstr(all.text, "aaa\n"));
        assert_non_null(strstr(all.text, "[x3] after\n"));
        free(all.text);
    }
}

static void a_longer_record_than_the_limit_is_named(void **state)
{
    (void)state;
    /* `"`, `",x2`: the longest record there may be, and one byte more. */
    struct read all = read_large(0, LABELLED_RECORD_BYTES_MAX - 5);
    assert_int_equal(all.err.code, ERR_NONE);
    assert_non_null(strstr(all.text, "[x3] after\n"));
    free(all.text);
    for (size_t f = 0; f < 2; f++) {
        all = read_large(f, LABELLED_RECORD_BYTES_MAX - 4 + 2 * (f == 1));
        compare(&all,
                "2 [x1] before\n! F, line 3: longer than 64 MiB; one text and its labels are "
                "expected in a row\n",
                "too long");
        assert_int_equal(all.err.code, ERR_FORMAT);
        free(all.text);
    }
    all = read_all("/dev/zero", NULL);
    assert_string_equal(all.text, "! F, line 1: longer than 64 MiB; one text and its labels are "
                                  "expected in a row\n");
    free(all.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(banking_is_csv_with_text_and_category),
        cmocka_unit_test(reviews_are_tsv_with_or_without_header),
        cmocka_unit_test(shopping_has_two_columns_that_may_be_the_label),
        cmocka_unit_test(fasttext_lines_have_labels_anywhere),
        cmocka_unit_test(json_lines_have_strings_numbers_booleans_and_lists),
        cmocka_unit_test(json_lines_may_be_openais_chats),
        cmocka_unit_test(json_lines_have_paths),
        cmocka_unit_test(a_path_that_is_missing_makes_a_bad_row),
        cmocka_unit_test(the_format_given_goes_before_the_format_found),
        cmocka_unit_test(a_format_that_cannot_be_told_is_an_error),
        cmocka_unit_test(a_list_of_objects_is_told_from_json_lines),
        cmocka_unit_test(semicolons_separate_where_the_first_line_says_so),
        cmocka_unit_test(usual_names_are_found_in_any_case_and_order),
        cmocka_unit_test(of_two_columns_one_tells_the_other),
        cmocka_unit_test(better_names_go_before_others_and_two_of_a_kind_are_not_told),
        cmocka_unit_test(two_columns_without_names_are_told_by_what_stands_in_them),
        cmocka_unit_test(two_columns_that_may_be_either_are_not_told),
        cmocka_unit_test(a_header_is_told_from_data_by_the_rule),
        cmocka_unit_test(a_header_may_be_asked_for_or_ruled_out),
        cmocka_unit_test(a_first_row_of_names_is_doubtful),
        cmocka_unit_test(columns_that_are_not_there_are_listed),
        cmocka_unit_test(a_long_list_of_columns_is_cut),
        cmocka_unit_test(too_many_columns_are_an_error),
        cmocka_unit_test(byte_order_mark_and_crlf_are_no_text),
        cmocka_unit_test(empty_texts_are_rows_and_empty_labels_are_not),
        cmocka_unit_test(a_separator_makes_labels_many_or_none),
        cmocka_unit_test(too_many_labels_are_an_error),
        cmocka_unit_test(nul_is_text_and_no_label),
        cmocka_unit_test(what_is_not_utf8_is_named_by_line_and_byte),
        cmocka_unit_test(a_file_in_utf_16_without_a_mark_is_named_as_such),
        cmocka_unit_test(a_file_may_be_in_another_encoding),
        cmocka_unit_test(an_encoding_that_does_not_fit_is_an_error),
        cmocka_unit_test(a_file_may_be_packed),
        cmocka_unit_test(files_that_are_no_text_are_named),
        cmocka_unit_test(bad_rows_are_left_out_where_that_is_wanted),
        cmocka_unit_test(quotes_that_do_not_fit_spoil_the_lines_up_to_where_it_shows),
        cmocka_unit_test(the_first_row_may_be_left_out_too),
        cmocka_unit_test(a_wrong_number_of_columns_is_an_error),
        cmocka_unit_test(quotes_matter_only_where_they_begin_a_cell),
        cmocka_unit_test(a_quote_that_never_closes_is_named),
        cmocka_unit_test(a_quote_that_never_closes_in_an_endless_file_is_named),
        cmocka_unit_test(json_that_is_not_right_is_named_by_line),
        cmocka_unit_test(an_empty_file_is_an_error_and_a_header_alone_is_not),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(a_read_that_fails_midway_is_named),
        cmocka_unit_test(the_share_grows_to_one),
        cmocka_unit_test(rows_of_any_size_come_whole),
        cmocka_unit_test(a_line_of_ten_megabytes_is_a_row),
        cmocka_unit_test(a_longer_record_than_the_limit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
