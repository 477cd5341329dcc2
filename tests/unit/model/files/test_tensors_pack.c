/* SPDX-License-Identifier: Apache-2.0 */
/* What is written is what tensors.h reads. */
#include "base/file.h"
#include "model/files/tensors.h"
#include "model/files/tensors_pack.h"
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const float weight[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
static const int8_t rows[3] = {-128, 0, 127};
static const double numbers[2] = {0.1, -1e300};

static const struct tensor_given given[] = {
    {"numbers", "F64", 1, {2, 0}, numbers, sizeof numbers},
    {"weight", "F32", 2, {2, 3}, weight, sizeof weight},
    {"none", "F32", 2, {0, 3}, NULL, 0},
    {"rows \"q\" 饭", "I8", 2, {1, 3}, rows, sizeof rows},
};
#define N_GIVEN (sizeof given / sizeof given[0])

static json_t *metadata;

static int start(void **state)
{
    (void)state;
    json_init();
    metadata = json_pack("{s:s, s:s}", "kind", "multi-label", "labels", "[\"a\\\"b\", \"饭\"]");
    return metadata ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    json_decref(metadata);
    return 0;
}

static void check_tensor(const struct tensors *file, const struct tensor_given *wanted)
{
    const struct tensor *found = tensors_find(file, wanted->name);
    assert_non_null(found);
    assert_string_equal(found->dtype, wanted->dtype);
    assert_int_equal(found->rank, wanted->rank);
    for (size_t i = 0; i < wanted->rank; i++)
        assert_int_equal(found->shape[i], wanted->shape[i]);
    assert_int_equal(found->end - found->begin, wanted->bytes);
    if (wanted->bytes > 0) assert_memory_equal(found->data, wanted->data, wanted->bytes);
}

static void check_file(struct span bytes)
{
    struct tensors file;
    struct err err;
    if (!tensors_open(&file, bytes, "a file", &err)) fail_msg("%s", err.message);
    assert_int_equal(file.n, N_GIVEN);
    for (size_t i = 0; i < N_GIVEN; i++)
        check_tensor(&file, &given[i]);
    assert_int_equal((file.data - bytes.data) % 64, 0);
    assert_string_equal(tensors_metadata(&file, "kind"), "multi-label");
    assert_string_equal(tensors_metadata(&file, "labels"), "[\"a\\\"b\", \"饭\"]");
    assert_null(tensors_metadata(&file, "temperature"));
    tensors_close(&file);
}

static void what_is_packed_is_read_again(void **state)
{
    (void)state;
    size_t bytes;
    struct err err;
    char *packed = tensors_pack(given, N_GIVEN, metadata, &bytes, &err);
    assert_non_null(packed);
    check_file((struct span){packed, bytes});
    free(packed);
}

/* Whatever the length of the header. */
static void the_data_begins_at_a_cache_line(void **state)
{
    (void)state;
    char name[130] = "";
    for (size_t length = 1; length < sizeof name; length++) {
        struct tensor_given one = given[0];
        struct tensors file;
        struct err err;
        size_t bytes;
        name[length - 1] = 'n';
        one.name = name;
        char *packed = tensors_pack(&one, 1, NULL, &bytes, &err);
        assert_non_null(packed);
        assert_true(tensors_open(&file, (struct span){packed, bytes}, "a file", &err));
        assert_int_equal((file.data - packed) % 64, 0);
        assert_true(file.data - packed < 64 * 4);
        assert_null(tensors_metadata(&file, "kind"));
        check_tensor(&file, &one);
        tensors_close(&file);
        free(packed);
    }
}

static void no_tensors_are_a_file_too(void **state)
{
    (void)state;
    struct tensors file;
    struct err err;
    size_t bytes;
    char *packed = tensors_pack(NULL, 0, NULL, &bytes, &err);
    assert_non_null(packed);
    assert_int_equal(bytes, 64);
    assert_true(tensors_open(&file, (struct span){packed, bytes}, "a file", &err));
    assert_int_equal(file.n, 0);
    tensors_close(&file);
    free(packed);
}

static void a_file_holds_the_same_bytes(void **state)
{
    (void)state;
    char folder[] = "/tmp/embedd-test-pack-XXXXXX", path[100];
    const char *mapped;
    size_t bytes, mapped_bytes;
    struct err err;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    char *packed = tensors_pack(given, N_GIVEN, metadata, &bytes, &err);
    if (!tensors_save(path, given, N_GIVEN, metadata, &err)) fail_msg("%s", err.message);
    assert_true(file_map(path, &mapped, &mapped_bytes, NULL, &err));
    assert_int_equal(mapped_bytes, bytes);
    assert_memory_equal(mapped, packed, bytes);
    file_unmap(mapped, mapped_bytes);
    free(packed);
    unlink(path);
    /* Nothing else is left. */
    assert_int_equal(rmdir(folder), 0);
}

static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    static const char zeros[50000];
    const struct tensor_given large = {"zeros", "U8", 1, {sizeof zeros, 0}, zeros, sizeof zeros};
    char folder[] = "/tmp/embedd-test-pack-XXXXXX", path[100];
    struct rlimit before;
    struct err err = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit limit = {4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    bool ok = tensors_save(path, &large, 1, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(rmdir(folder), 0);
    assert_false(tensors_save(path, &large, 1, NULL, &err));
    assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_read_again),
        cmocka_unit_test(the_data_begins_at_a_cache_line),
        cmocka_unit_test(no_tensors_are_a_file_too),
        cmocka_unit_test(a_file_holds_the_same_bytes),
        cmocka_unit_test(a_full_disk_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
