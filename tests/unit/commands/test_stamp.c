/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/stamp.h"

#include "tests/folder.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>

static struct stamp stamp_of(const char *path)
{
    struct stamp stamp = {0};
    assert_true(stamp_add(&stamp, path));
    assert_true(stamp.sum || stamp.more);
    return stamp;
}

static bool is_as(const struct stamp *before, const char *path)
{
    const struct stamp now = stamp_of(path);
    return stamp_is_same(before, &now);
}

/* A model folder m with a file, and a folder with another. */
static char *make_model(void)
{
    char *path = make_folder("m");
    write_text("m/model.safetensors", "weights");
    make_folder("m/heads");
    write_text("m/heads/good.json", "{}");
    return path;
}

static void the_same_files_have_the_same_stamp(void **state)
{
    (void)state;
    const char *path = make_model();
    const struct stamp first = stamp_of(path);
    assert_true(is_as(&first, path));
    write_text("beside", "what lies beside a folder is not its own");
    assert_true(is_as(&first, path));
    write_text("m/.hidden", "what is hidden is not, but the folder has a new time");
    const struct stamp second = stamp_of(path);
    write_text("m/.hidden", "another text");
    assert_true(is_as(&second, path));
}

/* Each changes something of the model. */
static void append(void)
{
    FILE *file = fopen(in_folder("m/heads/good.json"), "a");
    assert_non_null(file);
    fputs(" ", file);
    fclose(file);
}

static void touch(void)
{
    const struct timespec times[] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder("m/model.safetensors"), times, 0), 0);
}

static void replace(void)
{
    const char *next = write_text("next", "weights");
    assert_int_equal(rename(next, in_folder("m/model.safetensors")), 0);
}

static void add(void)
{
    write_text("m/config.json", "{}");
}

static void take_away(void)
{
    assert_int_equal(unlink(in_folder("m/heads/good.json")), 0);
}

static void rename_one(void)
{
    assert_int_equal(rename(in_folder("m/heads/good.json"), in_folder("m/heads/bad.json")), 0);
}

static void make_empty_folder(void)
{
    make_folder("m/empty");
}

static void replace_folder(void)
{
    assert_int_equal(rename(in_folder("m"), in_folder("old")), 0);
    make_model();
}

static void move_there_and_back(void)
{
    poll(NULL, 0, 20); /* times of files have the kernel's ticks */
    assert_int_equal(rename(in_folder("m"), in_folder("away")), 0);
    assert_int_equal(rename(in_folder("away"), in_folder("m")), 0);
}

static void every_change_of_a_file_is_seen(void **state)
{
    (void)state;
    static void (*const changes[])(void) = {append,
                                            touch,
                                            replace,
                                            add,
                                            take_away,
                                            rename_one,
                                            make_empty_folder,
                                            replace_folder,
                                            move_there_and_back};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *path = make_model();
        const struct stamp before = stamp_of(path);
        changes[i]();
        if (is_as(&before, in_folder("m"))) fail_msg("change %zu is not seen", i);
        folder_end(NULL);
        folder_begin(NULL);
    }
}

static void of_a_file_what_is_its_own_counts(void **state)
{
    (void)state;
    const char *path = write_text("one.npy", "numbers");
    write_text("vocab.txt", "a");
    write_text("two.npy", "another model");
    make_folder("others");
    make_folder("heads");
    const struct stamp first = stamp_of(path);
    write_text("two.npy", "another one now");
    write_text("three.vec", "one more");
    write_text("others/file", "of no model");
    assert_true(is_as(&first, path));
    write_text("heads/good.json", "{}");
    assert_false(is_as(&first, path));
    const struct stamp second = stamp_of(path);
    write_text("vocab.txt", "a, b");
    assert_false(is_as(&second, path));
}

static void a_link_is_what_it_leads_to(void **state)
{
    (void)state;
    make_model();
    const char *path = make_link("current", "m");
    const struct stamp before = stamp_of(path);
    make_link("current", "m");
    assert_true(is_as(&before, path));
    make_folder("m2");
    make_link("current", "m2");
    assert_false(is_as(&before, path));
}

static void several_paths_are_one_stamp(void **state)
{
    (void)state;
    const char *path = make_model(), *heads = make_folder("more");
    struct stamp both = stamp_of(path), again = stamp_of(path);
    assert_true(stamp_add(&both, heads));
    assert_false(stamp_is_same(&both, &again));
    assert_true(stamp_add(&again, heads));
    assert_true(stamp_is_same(&both, &again));
}

static void what_cannot_be_looked_at_has_no_stamp(void **state)
{
    (void)state;
    struct stamp stamp = {0};
    const struct stamp none = {0};
    assert_false(stamp_add(&stamp, in_folder("nothing")));
    assert_false(stamp_is_same(&stamp, &none)); /* of nothing */
    make_model();
    make_link("m/config.json", "nowhere");
    assert_false(stamp_add(&stamp, in_folder("m")));
    make_folder("deep");
    char name[64] = "deep";
    for (int i = 0; i < 7; i++)
        make_folder(strcat(name, "/d"));
    assert_false(stamp_add(&stamp, in_folder("deep")));
    make_folder("ring");
    make_link("ring/ring", ".");
    assert_false(stamp_add(&stamp, in_folder("ring")));
    assert_true(stamp_add(&(struct stamp){0}, "builtin"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_same_files_have_the_same_stamp),
        IN_FOLDER(every_change_of_a_file_is_seen),
        IN_FOLDER(of_a_file_what_is_its_own_counts),
        IN_FOLDER(a_link_is_what_it_leads_to),
        IN_FOLDER(several_paths_are_one_stamp),
        IN_FOLDER(what_cannot_be_looked_at_has_no_stamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
