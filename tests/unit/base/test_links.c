/* SPDX-License-Identifier: Apache-2.0 */
#include "base/links.h"

#include "tests/folder.h"

static void a_number_changes_with_a_link_and_with_nothing_else(void **state)
{
    (void)state;
    char *paths[] = {make_link("a", "v1"), make_link("b", "v1")};
    const uint64_t first = links_hash(paths, 2);
    assert_true(first == links_hash(paths, 2));
    make_link("other", "v9");
    write_text("v1", "what it leads to");
    make_link("a", "v1"); /* another link, to the same place */
    assert_true(first == links_hash(paths, 2));
    make_link("b", "v2");
    const uint64_t second = links_hash(paths, 2);
    assert_true(second != first);
    make_link("a", "v2");
    make_link("b", "v1"); /* each its own */
    assert_true(links_hash(paths, 2) != second);
    make_link("a", "v1");
    assert_true(links_hash(paths, 2) == first);
}

static void what_comes_goes_or_is_no_link_counts(void **state)
{
    (void)state;
    char *path = in_folder("a");
    const uint64_t none = links_hash(&path, 1);
    make_link("a", "nowhere");
    const uint64_t there = links_hash(&path, 1);
    assert_true(there != none);
    assert_int_equal(unlink(path), 0);
    assert_true(links_hash(&path, 1) == none);
    write_text("a", "a file");
    assert_true(links_hash(&path, 1) == none);
}

static void one_after_the_other_is_all_of_them(void **state)
{
    (void)state;
    char *paths[] = {make_link("a", "v1"), make_link("b", "v2")};
    const uint64_t one = links_add(LINKS_START, paths[0]);
    assert_true(links_add(one, paths[1]) == links_hash(paths, 2));
    assert_true(links_hash(paths, 1) == one);
    assert_true(links_hash(NULL, 0) == LINKS_START);
}

static void where_one_ends_and_the_next_begins_counts(void **state)
{
    (void)state;
    char *one[] = {make_link("a", "bc")}, *other[] = {make_link("ab", "c")};
    assert_true(links_hash(one, 1) != links_hash(other, 1));
}

static void a_star_is_every_name_of_the_folder(void **state)
{
    (void)state;
    char *path = in_folder("m/*/current");
    const uint64_t nothing = links_hash(&path, 1); /* the folder is not there */
    make_folder("m");
    make_folder("m/one");
    make_folder("m/.hidden");
    make_link("m/.hidden/current", "v1");
    write_text("m/file", "no folder");
    make_folder("m/two");
    make_folder("m/two/current"); /* no link */
    assert_true(links_hash(&path, 1) == nothing);
    make_link("m/one/current", "v1");
    const uint64_t one = links_hash(&path, 1);
    assert_true(one != nothing);
    make_folder("m/three");
    assert_true(links_hash(&path, 1) == one);
    make_link("m/three/current", "v1");
    const uint64_t two = links_hash(&path, 1);
    assert_true(two != one && two != nothing);
    make_link("m/one/current", "v2");
    assert_true(links_hash(&path, 1) != two);
    make_link("m/one/current", "v1");
    assert_true(links_hash(&path, 1) == two);
    assert_int_equal(rename(in_folder("m/one"), in_folder("m/four")), 0);
    assert_true(links_hash(&path, 1) != two);
    folder_remove(in_folder("m"));
    assert_true(links_hash(&path, 1) == nothing);
}

static void the_last_star_is_the_one(void **state)
{
    (void)state;
    make_folder("*");
    make_folder("*/m");
    make_folder("*/m/one");
    char *path = in_folder("*/m/*/current");
    const uint64_t before = links_hash(&path, 1);
    make_link("*/m/one/current", "v1");
    assert_true(links_hash(&path, 1) != before);
}

static void a_path_that_is_too_long_is_no_link(void **state)
{
    (void)state;
    char *path = malloc(2 * PATH_MAX);
    assert_non_null(path);
    memset(path, 'x', 2 * PATH_MAX);
    strcpy(path + 2 * PATH_MAX - 20, "/*/current");
    assert_true(links_hash(&path, 1) == links_hash(&path, 1));
    path[2 * PATH_MAX - 22] = '\0';
    assert_true(links_hash(&path, 1) == links_hash(&path, 1));
    free(path);
}

#define LINKS_MAX 100

struct found {
    char paths[LINKS_MAX][PATH_MAX];
    size_t n, stops_at;
};

static bool keep(void *user, const char *link)
{
    struct found *found = user;
    assert_true(found->n < LINKS_MAX);
    strcpy(found->paths[found->n++], link);
    return found->n != found->stops_at;
}

/* Behind the folder's own links, where its path has some. */
static void expect_links(const char *name, const char *const *links)
{
    static struct found all, own;
    all.n = own.n = all.stops_at = 0;
    assert_true(links_on_path(in_folder(""), keep, &own));
    assert_true(links_on_path(in_folder(name), keep, &all));
    for (size_t i = own.n; i < all.n; i++, links++) {
        assert_non_null(*links);
        assert_string_equal(all.paths[i], in_folder(*links));
    }
    assert_null(*links);
}

static void each_link_on_the_way_is_told(void **state)
{
    (void)state;
    make_folder("..v1");
    write_text("..v1/keys", "");
    make_link("..data", "..v1"); /* as Kubernetes mounts a file */
    make_link("keys", "..data/keys");
    expect_links("keys", (const char *[]){"keys", "..data", NULL});
    expect_links("..v1/keys", (const char *[]){NULL});
    expect_links("nowhere/keys", (const char *[]){NULL});
    make_folder("far");
    make_link("far/far", in_folder("keys")); /* from its beginning again */
    make_link("near", "far/../far//far");
    make_link("folder", ".");
    expect_links("folder/near",
                 (const char *[]){"folder", "./near", "./far/../far//far", "keys", "..data", NULL});
    make_link("dangling", "nowhere/else");
    expect_links("dangling", (const char *[]){"dangling", NULL});
}

static void links_in_a_circle_end_and_so_does_who_takes_no_more(void **state)
{
    (void)state;
    static struct found found;
    make_link("a", "b");
    make_link("b", "a");
    assert_true(links_on_path(in_folder("a"), keep, &found));
    assert_true(found.n >= 40 && found.n < LINKS_MAX);
    found = (struct found){.stops_at = 1};
    assert_false(links_on_path(in_folder("a"), keep, &found));
    assert_int_equal(found.n, 1);
}

static void a_way_that_is_too_long_is_followed_as_far_as_it_goes(void **state)
{
    (void)state;
    static struct found found;
    static char path[PATH_MAX + 10];
    make_link("a", "../x/../x/../x/../x/../x/../x/../x/../x");
    snprintf(path, sizeof path, "%s", in_folder("a"));
    const size_t bytes = strlen(path);
    memset(path + bytes, '/', PATH_MAX - 1 - bytes);
    path[PATH_MAX - 2] = 'b';
    found.n = found.stops_at = 0;
    assert_true(links_on_path(path, keep, &found));
    assert_true(found.n >= 1);
    memset(path + PATH_MAX - 1, 'b', 5);
    found.n = 0;
    assert_true(links_on_path(path, keep, &found));
    assert_int_equal(found.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_number_changes_with_a_link_and_with_nothing_else),
        IN_FOLDER(what_comes_goes_or_is_no_link_counts),
        IN_FOLDER(one_after_the_other_is_all_of_them),
        IN_FOLDER(where_one_ends_and_the_next_begins_counts),
        IN_FOLDER(a_star_is_every_name_of_the_folder),
        IN_FOLDER(the_last_star_is_the_one),
        IN_FOLDER(a_path_that_is_too_long_is_no_link),
        IN_FOLDER(each_link_on_the_way_is_told),
        IN_FOLDER(links_in_a_circle_end_and_so_does_who_takes_no_more),
        IN_FOLDER(a_way_that_is_too_long_is_followed_as_far_as_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
