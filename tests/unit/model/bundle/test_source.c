/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bundle/source.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test, under the working directory's file system. */
struct folder {
    char path[64];
};

static int make_folder(void **state)
{
    static struct folder folder;
    strcpy(folder.path, "/tmp/embedd-test-XXXXXX");
    *state = &folder;
    return mkdtemp(folder.path) ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    char command[200];
    snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -r %s", folder->path, folder->path);
    return system(command);
}

static void path_in(char path[static 200], const struct folder *folder, const char *name)
{
    snprintf(path, 200, "%s/%s", folder->path, name);
}

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    char path[200];
    path_in(path, folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static bool open_all(struct source *source, const char *path, struct err *err)
{
    return source_open(source, path, NULL, err) && source_read_beside(source, err);
}

static void refuse(const char *path, enum err_code code, const char *what)
{
    struct source source;
    struct err err = {0};
    assert_false(open_all(&source, path, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.message, what)) fail_msg("'%s' does not say '%s'", err.message, what);
    source_close(&source);
    assert_null(source.weights.data);
}

static void a_folder_gives_its_files_and_its_name(void **state)
{
    struct source source;
    struct err err;
    write_file(*state, "model.safetensors", "weights");
    write_file(*state, "vocab.txt", "a\nb\n");
    if (!open_all(&source, ((struct folder *)*state)->path, &err)) fail_msg("%s", err.message);
    assert_int_equal(source.weights.bytes, 7);
    assert_memory_equal(source.weights.data, "weights", 7);
    assert_memory_equal(source.vocab.data, "a\nb\n", 4);
    assert_null(source.config.data);
    assert_null(source.tokenizer.data);
    assert_string_equal(source.path, ((struct folder *)*state)->path);
    assert_string_equal(source.name, strrchr(((struct folder *)*state)->path, '/') + 1);
    assert_true(source.is_mapped);
    source_close(&source);
}

static void the_weights_file_stands_for_its_folder(void **state)
{
    struct source source;
    struct err err;
    char path[200];
    write_file(*state, "other.safetensors", "other");
    write_file(*state, "model.safetensors", "weights");
    write_file(*state, "config.json", "{}");
    path_in(path, *state, "other.safetensors");
    if (!open_all(&source, path, &err)) fail_msg("%s", err.message);
    assert_string_equal(source.path, ((struct folder *)*state)->path);
    assert_string_equal(source.weights_name, "other.safetensors");
    assert_int_equal(source.weights.bytes, 5);
    assert_int_equal(source.config.bytes, 2);
    source_close(&source);
}

static void relative_paths_and_a_slash_at_the_end_are_fine(void **state)
{
    static const char *const paths[] = {".", "./", "model.safetensors", "./model.safetensors"};
    struct source source;
    struct err err;
    write_file(*state, "model.safetensors", "weights");
    int here = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(here >= 0);
    assert_int_equal(chdir(((struct folder *)*state)->path), 0);
    bool ok = true;
    for (size_t i = 0; i < 4 && ok; i++) {
        ok = open_all(&source, paths[i], &err) &&
             strcmp(source.path, ((struct folder *)*state)->path) == 0;
        source_close(&source);
    }
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_true(ok);
}

static void symbolic_links_lead_to_the_folder(void **state)
{
    struct source source;
    struct err err;
    char link[200], file[200];
    write_file(*state, "real", "weights");
    path_in(file, *state, "model.safetensors");
    assert_int_equal(symlink("real", file), 0);
    path_in(link, *state, "link");
    assert_int_equal(symlink(".", link), 0);
    if (!open_all(&source, link, &err)) fail_msg("%s", err.message);
    assert_int_equal(source.weights.bytes, 7);
    assert_string_equal(source.path, ((struct folder *)*state)->path);
    source_close(&source);
}

static void expect_names(const struct folder *folder, const char *file, const char *name,
                         const char *own)
{
    struct source source;
    struct err err;
    char path[200];
    path_in(path, folder, file);
    if (!open_all(&source, path, &err)) fail_msg("%s", err.message);
    assert_string_equal(source.name, name);
    assert_string_equal(source.own_name, own);
    source_close(&source);
}

static void what_is_reached_by_a_link_is_called_as_the_link(void **state)
{
    const struct folder *folder = *state;
    const char *own = strrchr(folder->path, '/') + 1;
    char link[200];
    write_file(folder, "model.safetensors", "weights");
    write_file(folder, "v2.safetensors", "weights");
    path_in(link, folder, "taste");
    assert_int_equal(symlink(".", link), 0);
    path_in(link, folder, "one.safetensors");
    assert_int_equal(symlink("v2.safetensors", link), 0);
    path_in(link, folder, "current");
    assert_int_equal(symlink(".", link), 0);
    expect_names(folder, "taste", "taste", own);
    expect_names(folder, "taste//", "taste", own);
    expect_names(folder, "taste/model.safetensors", "taste", own);
    expect_names(folder, "taste/.", own, own);
    expect_names(folder, "one.safetensors", "one", "v2");
    expect_names(folder, "taste/v2.safetensors", "v2", "v2");
    /* That one says which version is meant. */
    expect_names(folder, "current", own, own);
    expect_names(folder, ".", own, own);
}

static void a_name_never_breaks_a_line(void **state)
{
    struct source source;
    struct err err;
    char path[200];
    path_in(path, *state, "a\r\nb: c");
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(*state, "a\r\nb: c/model.safetensors", "weights");
    if (!open_all(&source, path, &err)) fail_msg("%s", err.message);
    assert_string_equal(source.name, "a__b: c");
    source_close(&source);
}

static void what_is_not_there_is_said(void **state)
{
    char path[200];
    path_in(path, *state, "none");
    refuse(path, ERR_IO, "give a folder that holds model.safetensors, or 'builtin'");
    refuse("", ERR_IO, "cannot open model ''");
    refuse(((struct folder *)*state)->path, ERR_FORMAT, "holds no model.safetensors");
    write_file(*state, "vocab.txt", "a\n");
    refuse(((struct folder *)*state)->path, ERR_FORMAT, "holds no model.safetensors");
}

static void an_empty_file_is_said(void **state)
{
    write_file(*state, "model.safetensors", "");
    refuse(((struct folder *)*state)->path, ERR_FORMAT, "model.safetensors is empty");
    write_file(*state, "model.safetensors", "x");
    write_file(*state, "config.json", "");
    refuse(((struct folder *)*state)->path, ERR_FORMAT, "config.json is empty");
}

static void a_path_that_is_too_long_is_said(void **state)
{
    (void)state;
    char path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    refuse(path, ERR_IO, "at most 1023 bytes, not 4999");
}

static void a_pipe_or_folder_in_a_files_place_is_refused_at_once(void **state)
{
    char path[200];
    path_in(path, *state, "model.safetensors");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse(((struct folder *)*state)->path, ERR_IO, "must be regular files");
    refuse(path, ERR_IO, "must be regular files");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    refuse(((struct folder *)*state)->path, ERR_IO, "must be regular files");
}

static void a_file_without_permission_is_said(void **state)
{
    char path[200];
    uid_t user = geteuid();
    write_file(*state, "model.safetensors", "x");
    path_in(path, *state, "model.safetensors");
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(((struct folder *)*state)->path, 0755), 0);
    if (user == 0) assert_int_equal(seteuid(65534), 0); /* root may read everything */
    refuse(((struct folder *)*state)->path, ERR_IO,
           "Permission denied; a model's files must be regular files that this user may read");
    assert_int_equal(seteuid(user), 0);
}

static void the_builtin_model_is_found_by_both_names_and_lies_aligned(void **state)
{
    (void)state;
    struct source first, second;
    struct err err;
    assert_true(source_open(&first, "builtin", NULL, &err));
    assert_true(source_open(&second, "embedd-base-2", NULL, &err));
    assert_ptr_equal(first.weights.data, second.weights.data);
    assert_false(first.is_mapped);
    assert_true(first.weights.bytes > 10000000);
    assert_int_equal((uintptr_t)first.weights.data % 4096, 0);
    source_close(&first);
    source_close(&second);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_folder_gives_its_files_and_its_name),
        IN_FOLDER(the_weights_file_stands_for_its_folder),
        IN_FOLDER(relative_paths_and_a_slash_at_the_end_are_fine),
        IN_FOLDER(symbolic_links_lead_to_the_folder),
        IN_FOLDER(what_is_reached_by_a_link_is_called_as_the_link),
        IN_FOLDER(a_name_never_breaks_a_line),
        IN_FOLDER(what_is_not_there_is_said),
        IN_FOLDER(an_empty_file_is_said),
        cmocka_unit_test(a_path_that_is_too_long_is_said),
        IN_FOLDER(a_pipe_or_folder_in_a_files_place_is_refused_at_once),
        IN_FOLDER(a_file_without_permission_is_said),
        cmocka_unit_test(the_builtin_model_is_found_by_both_names_and_lies_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
