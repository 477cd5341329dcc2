/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"
#include "tests/unit/handlers/ask.h"

#define EMBED "/v1beta/models/gemini-embedding-001:embedContent"
#define BATCH "/v1beta/models/gemini-embedding-001:batchEmbedContents"
#define TEXT_OF(text) "{\"content\":{\"parts\":[{\"text\":\"" text "\"}],\"role\":\"user\"}"

static void one_text_gives_one_vector(void **state)
{
    static const char want[] =
        "{\"embedding\":{\"values\":[<1>,<2>]},\"usageMetadata\":{\"promptTokenCount\":1}}";
    assert_reply(ask_post(*state, EMBED, TEXT_OF("我") "}"), 200, want);
    assert_reply(ask_post(*state, "/v1/models/any:embedContent",
                          TEXT_OF("我") ",\"taskType\":\"RETRIEVAL_DOCUMENT\",\"title\":\"a\","
                                        "\"model\":\"models/any\"}"),
                 200, want);
    assert_reply(
        ask_post(*state, EMBED, "{\"content\":{\"parts\":[{\"text\":\"我\"},{\"text\":\"爱\"}]}}"),
        200, "{\"embedding\":{\"values\":[<2>,<3>]},\"usageMetadata\":{\"promptTokenCount\":2}}");
}

static void dimensions_may_be_spelt_and_placed_in_any_way(void **state)
{
    static const char *const more[] = {
        "\"outputDimensionality\":1",
        "\"output_dimensionality\":1",
        "\"embedContentConfig\":{\"outputDimensionality\":1}",
        "\"embedContentConfig\":{\"output_dimensionality\":1}",
        "\"embed_content_config\":{\"outputDimensionality\":1}",
        "\"embed_content_config\":{\"output_dimensionality\":1}",
        "\"embed_content_config\":{\"output_dimensionality\":2},\"outputDimensionality\":1",
    };
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        char body[256];
        snprintf(body, sizeof body, TEXT_OF("我") ",%s}", more[i]);
        assert_reply(
            ask_post(*state, EMBED, body), 200,
            "{\"embedding\":{\"values\":[<1>]},\"usageMetadata\":{\"promptTokenCount\":1}}");
    }
}

static void a_batch_gives_a_vector_a_request(void **state)
{
    assert_reply(ask_post(*state, BATCH,
                          "{\"requests\":[" TEXT_OF("我") ",\"model\":\"models/gemini-embedding-"
                                                          "001\"}," TEXT_OF("") "}]}"),
                 200,
                 "{\"embeddings\":[{\"values\":[<1>,<2>]},{\"values\":[<0>,<0>]}],"
                 "\"usageMetadata\":{\"promptTokenCount\":1}}");
}

static void requests_of_a_batch_may_have_dimensions_of_their_own(void **state)
{
    assert_reply(
        ask_post(
            *state, "/v1/models/gemini-embedding-001:batchEmbedContents",
            "{\"requests\":[" TEXT_OF("我") "}," TEXT_OF(
                "爱") ",\"outputDimensionality\":1}," TEXT_OF("饭") ",\"output_dimensionality\":1}"
                                                                    "," TEXT_OF("饭") "}]}"),
        200,
        "{\"embeddings\":[{\"values\":[<1>,<2>]},{\"values\":[<3>]},{\"values\":[<0>]},"
        "{\"values\":[<0>,<1>]}],\"usageMetadata\":{\"promptTokenCount\":4}}");
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        const char *path, *body, *message;
    } cases[] = {
        {EMBED, "{}",
         "content.parts must be a list of parts, each an object with a text; it is missing"},
        {EMBED, "{\"content\":\"a\"}",
         "content.parts must be a list of parts, each an object with a text; it is missing"},
        {EMBED, "{\"content\":{\"parts\":[1]}}",
         "content.parts must be a list of parts, each an object with a text; it is a list of whole "
         "numbers"},
        {EMBED, "{\"content\":{\"parts\":[]}}",
         "content.parts must be a list of parts, each an object with a text; it is an empty list"},
        {EMBED, "{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\"}}]}}",
         "content.parts[0] has no text; send texts alone, nothing else is embedded here"},
        {EMBED, TEXT_OF("a") ",\"taskType\":7}", "taskType must be a string, not 7"},
        {EMBED, TEXT_OF("a") ",\"task_type\":7}", "task_type must be a string, not 7"},
        {EMBED, TEXT_OF("a") ",\"title\":7}", "title must be a string, not 7"},
        {EMBED, TEXT_OF("a") ",\"embedContentConfig\":7}",
         "embedContentConfig must be an object, not a number"},
        {EMBED, TEXT_OF("a") ",\"embed_content_config\":[1]}",
         "embed_content_config must be an object, not a list of whole numbers"},
        {EMBED, TEXT_OF("a") ",\"outputDimensionality\":3}",
         "outputDimensionality must be a whole number from 1 to 2, not 3"},
        {BATCH, "{}", "requests must be a list of objects with content; it is missing"},
        {BATCH, "{\"requests\":[]}",
         "requests must be a list of objects with content; it is empty"},
        {BATCH, "{\"requests\":{}}",
         "requests must be a list of objects with content; it is an object"},
        {BATCH, "{\"requests\":[" TEXT_OF("a") "},\"b\"]}",
         "requests[1].content.parts must be a list of parts, each an object with a text; it is "
         "missing"},
        {BATCH, "{\"requests\":[" TEXT_OF("a") "}," TEXT_OF("b") ",\"outputDimensionality\":0}]}",
         "requests[1].outputDimensionality must be a whole number from 1 to 2, not 0"},
        {BATCH, "{\"requests\":[" TEXT_OF("a") "}," TEXT_OF("b") ",\"title\":[]}]}",
         "title must be a string, not a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf want;
        const struct exchange *x = ask_post(*state, cases[i].path, cases[i].body);
        buf_init(&want, x->arena);
        buf_add_str(&want, "{\"error\":{\"code\":400,\"message\":");
        json_write_string(&want, cases[i].message, strlen(cases[i].message));
        buf_add_str(&want, ",\"status\":\"INVALID_ARGUMENT\"}}");
        buf_add_char(&want, '\0');
        assert_reply(x, 400, want.data);
    }
}

static void errors_have_the_names_of_their_statuses(void **state)
{
    struct ask *ask = *state;
    const struct exchange *x = ask_post(ask, BATCH,
                                        "{\"requests\":[" TEXT_OF("") "}," TEXT_OF("") "}," TEXT_OF(
                                            "") "}," TEXT_OF("") "}," TEXT_OF("") "}]}");
    assert_reply(
        x, 413,
        "{\"error\":{\"code\":413,\"message\":\"requests holds 5 inputs, but max-inputs is "
        "4; send them in several requests, or raise max-inputs\",\"status\":"
        "\"RESOURCE_EXHAUSTED\"}}");
    ask->service.strict_model = true;
    assert_reply(
        ask_post(ask, "/v1beta/models/none:embedContent", TEXT_OF("我") "}"), 404,
        "{\"error\":{\"code\":404,\"message\":\"model \\\"none\\\" is not served here; "
        "send \\\"example\\\", or start without strict-model\",\"status\":\"NOT_FOUND\"}}");
    assert_int_equal(ask_get(ask, "/v1beta/models/none")->status, 404);
    ask->service.strict_model = false;
    assert_reply(ask_post(ask, "/v1beta/models", "{}"), 405,
                 "{\"error\":{\"code\":405,\"message\":\"/v1beta/models does not take this method; "
                 "send one of GET, HEAD, OPTIONS\",\"status\":\"UNIMPLEMENTED\"}}");
}

static void models_are_listed_by_their_full_names(void **state)
{
    static const char model[] =
        "{\"name\":\"models/example\",\"version\":\"1\",\"displayName\":\"example\","
        "\"supportedGenerationMethods\":[\"embedContent\"]}";
    char list[256];
    snprintf(list, sizeof list, "{\"models\":[%s]}", model);
    assert_reply(ask_get(*state, "/v1beta/models"), 200, list);
    assert_reply(ask_get(*state, "/v1beta/models/example"), 200, model);
    assert_reply(ask_get(*state, "/v1beta/models/gemini-embedding-001"), 200, model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text_gives_one_vector),
        cmocka_unit_test(dimensions_may_be_spelt_and_placed_in_any_way),
        cmocka_unit_test(a_batch_gives_a_vector_a_request),
        cmocka_unit_test(requests_of_a_batch_may_have_dimensions_of_their_own),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(errors_have_the_names_of_their_statuses),
        cmocka_unit_test(models_are_listed_by_their_full_names),
    };
    return cmocka_run_group_tests(tests, ask_open, ask_close);
}
