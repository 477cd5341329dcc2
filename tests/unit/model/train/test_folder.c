/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that a training writes: whole or not at all, and never in the place of others' files.
 */
#include "base/file.h"
#include "base/json.h"
#include "model/bundle/new_folder.h"
#include "model/train/folder.h"
#include "tests/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODEL "tests/data/golden/f32"

static char place[64], output[100];
static struct model *model;
static struct err err;

/* What stands for a head and a table. */
static char head[] = "a head", table[] = "a table", other_head[] = "another head";
static const struct learned_files head_alone = {.head = head, .head_bytes = sizeof head - 1};
static const struct learned_files both = {.head = other_head,
                                          .head_bytes = sizeof other_head - 1,
                                          .table = table,
                                          .table_bytes = sizeof table - 1};

static int make_place(void **state)
{
    (void)state;
    json_init();
    strcpy(place, "/tmp/embedd-test-folder-XXXXXX");
    if (!mkdtemp(place) || !model_open(&model, MODEL, &err)) return -1;
    snprintf(output, sizeof output, "%s/own", place);
    return 0;
}

static int remove_place(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", place);
    model_close(model);
    return system(command);
}

/* All that the model's folder said without a config.json. */
static const char own_config[] = "{\n  \"pooling\": \"mean\",\n  \"normalize\": true,\n"
                                 "  \"compat\": \"embedd\",\n  \"name\": \"own\",\n"
                                 "  \"version\": \"7\"\n}";
static const struct folder_naming naming = {.version = "7"};

static size_t count_names(const char *path)
{
    DIR *list = opendir(path);
    size_t n = 0;
    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(list);
    return n;
}

static char *content_of(const char *folder, const char *name)
{
    char path[300], *data;
    size_t bytes;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!file_read(path, 1 << 20, &data, &bytes, &err)) fail_msg("%s", err.message);
    return data;
}

static void check_content(const char *name, const char *wanted)
{
    char *found = content_of(output, name);
    assert_string_equal(found, wanted);
    free(found);
}

static void check_copy(const char *name)
{
    char *wanted = content_of(MODEL, name);
    check_content(name, wanted);
    free(wanted);
}

static void write_into(const char *folder, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs("mine", file);
    assert_int_equal(fclose(file), 0);
}

static void write_folder(const char *path, bool replaces, const struct learned_files *files)
{
    if (!new_folder_check(path, replaces, &err)) fail_msg("%s", err.message);
    if (!folder_write(path, replaces, model, files, &naming, &err)) fail_msg("%s", err.message);
}

static void check_refused(enum err_code code, const char *why)
{
    assert_int_equal(err.code, code);
    if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
}

static void a_head_stands_beside_a_copy_of_its_model(void **state)
{
    (void)state;
    write_folder(output, false, &head_alone);
    check_content("head.safetensors", head);
    check_copy("vocab.txt");
    check_copy("model.safetensors");
    check_content("config.json", "{\n  \"name\": \"own\",\n  \"version\": \"7\"\n}");
    assert_int_equal(count_names(output), 4);
    assert_int_equal(count_names(place), 1);
}

static void a_table_of_its_own_has_the_folders_name(void **state)
{
    (void)state;
    write_folder(output, false, &both);
    check_content("head.safetensors", other_head);
    check_content("model.safetensors", table);
    check_content("config.json", own_config);
    assert_int_equal(count_names(output), 4);
}

static void slashes_at_the_end_change_nothing(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s//", output);
    write_folder(path, false, &both);
    check_content("config.json", own_config);
    write_folder(path, true, &head_alone);
    check_content("head.safetensors", head);
    assert_int_equal(count_names(place), 1);
}

static void an_older_folder_is_replaced_when_that_is_asked_for(void **state)
{
    (void)state;
    write_folder(output, false, &both);
    assert_false(new_folder_check(output, false, &err));
    check_refused(ERR_USAGE, "exists; give another one, or `force` to replace it");
    assert_false(folder_write(output, false, model, &head_alone, &naming, &err));
    check_content("head.safetensors", other_head);
    write_folder(output, true, &head_alone);
    check_content("head.safetensors", head);
    check_content("config.json", "{\n  \"name\": \"own\",\n  \"version\": \"7\"\n}");
    assert_int_equal(count_names(output), 4);
    assert_int_equal(count_names(place), 1);
}

static void files_of_others_are_never_taken_away(void **state)
{
    (void)state;
    write_folder(output, false, &both);
    write_into(output, "notes.txt");
    assert_false(new_folder_check(output, true, &err));
    check_refused(ERR_USAGE, "holds 'notes.txt', which is not a file of a model");
    /* Not even where they came during the training. */
    assert_false(folder_write(output, true, model, &head_alone, &naming, &err));
    check_refused(ERR_USAGE, "notes.txt");
    check_content("notes.txt", "mine");
    check_content("head.safetensors", other_head);
    assert_int_equal(count_names(place), 1);
}

static void what_cannot_be_a_folder_is_refused(void **state)
{
    (void)state;
    char path[200];
    write_into(place, "own");
    assert_false(new_folder_check(output, true, &err));
    check_refused(ERR_USAGE, "exists and is not a folder");
    assert_false(folder_write(output, true, model, &head_alone, &naming, &err));
    assert_int_equal(err.code, ERR_IO);
    snprintf(path, sizeof path, "%s/none/own", place);
    assert_false(new_folder_check(path, false, &err));
    check_refused(ERR_IO, "/none': No such file");
    assert_false(folder_write(path, false, model, &head_alone, &naming, &err));
    check_refused(ERR_IO, "No such file");
    assert_false(new_folder_check("", false, &err));
    check_refused(ERR_USAGE, "`output` must name a folder");
    assert_int_equal(count_names(place), 1);
}

static void a_full_disk_leaves_the_older_folder(void **state)
{
    (void)state;
    struct rlimit before;
    write_folder(output, false, &both);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit limit = {30, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bool ok = folder_write(output, true, model, &head_alone, &naming, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    check_refused(ERR_IO, "cannot write");
    check_content("head.safetensors", other_head);
    assert_int_equal(count_names(place), 1);
}

/* A process of our number was killed while it wrote: in a container numbers come again. */
static void leavings_of_a_killed_one_are_no_hindrance(void **state)
{
    (void)state;
    char temp[200];
    snprintf(temp, sizeof temp, "%s.%ld.tmp", output, (long)getpid());
    assert_int_equal(mkdir(temp, 0777), 0);
    write_into(temp, "model.safetensors.1.tmp");
    write_folder(output, false, &head_alone);
    check_content("head.safetensors", head);
}

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_head_stands_beside_a_copy_of_its_model),
        PLACE_TEST(a_table_of_its_own_has_the_folders_name),
        PLACE_TEST(slashes_at_the_end_change_nothing),
        PLACE_TEST(an_older_folder_is_replaced_when_that_is_asked_for),
        PLACE_TEST(files_of_others_are_never_taken_away),
        PLACE_TEST(what_cannot_be_a_folder_is_refused),
        PLACE_TEST(a_full_disk_leaves_the_older_folder),
        PLACE_TEST(leavings_of_a_killed_one_are_no_hindrance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
