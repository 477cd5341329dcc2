/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "commands/commands.h"
#include "commands/model_flags.h"
#include "commands/output.h"
#include "model/bundle/bundle.h"
#include "model/math/neighbours.h"
#include "model/model.h"
#include "model/text/unicode/fold_case.h"

#include <string.h>

#define ARENA_BYTES ((size_t)4 << 30)

/* How many neighbours are written where nobody says. */
#define NEAREST_DEFAULT 10

/* --from was not given. */
#define FROM_START UINT64_MAX

enum format { FORMAT_TEXT, FORMAT_JSON };

struct listing {
    const char *model_path, *sought, *nearest;
    int format, is_prefix, ignores_case, is_text, with_special;
    uint64_t limit, from; /* limit 0: not given */
    struct model_options model_options;

    struct model *model;
    struct arena arena; /* what is asked for, and what was found */
    struct arena line;  /* reset at each token */
    struct output output;
    uint32_t itself; /* the token whose neighbours are asked for, or TOKEN_ID_NONE */
};

/* ---- what is written ---- */

/* A token stays on its line, and is the only one that is written so. */
static void add_escaped(struct buf *out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\\')
            buf_add_str(out, "\\\\");
        else if (c == '\n')
            buf_add_str(out, "\\n");
        else if (c == '\t')
            buf_add_str(out, "\\t");
        else if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\u%04x", c);
        else
            buf_add_char(out, text[i]);
    }
}

static void add_as_text(struct buf *out, const struct model *model, uint32_t id,
                        const float *similarity)
{
    size_t bytes;
    const char *text = model_token_text(model, id, &bytes);
    buf_add_u64(out, id);
    buf_add_char(out, '\t');
    add_escaped(out, text, bytes);
    if (similarity) {
        buf_add_char(out, '\t');
        buf_add_float(out, *similarity);
    }
    buf_add_str(out, model_is_special(model, id) ? "\t(special)\n" : "\n");
}

static void add_as_json(struct buf *out, const struct model *model, uint32_t id,
                        const float *similarity)
{
    size_t bytes;
    const char *text = model_token_text(model, id, &bytes);
    buf_add_str(out, "{\"id\":");
    buf_add_u64(out, id);
    buf_add_str(out, ",\"token\":");
    json_write_string(out, text, bytes);
    buf_add_str(out, model_is_special(model, id) ? ",\"special\":true" : ",\"special\":false");
    if (similarity) {
        buf_add_str(out, ",\"similarity\":");
        buf_add_float(out, *similarity);
    }
    buf_add_str(out, "}\n");
}

static bool write_token(struct listing *listing, uint32_t id, const float *similarity,
                        struct err *err)
{
    struct buf out;
    arena_reset(&listing->line);
    buf_init(&out, &listing->line);
    if (listing->format == FORMAT_JSON)
        add_as_json(&out, listing->model, id, similarity);
    else
        add_as_text(&out, listing->model, id, similarity);
    if (out.failed) return err_out_of_memory(err);
    return output_write(&listing->output, out.data, out.bytes, err);
}

/* ---- the tokens, and those that hold a text ---- */

/* What is compared: the text as it is, or with its case folded, in `arena`. */
static bool comparable(const struct listing *listing, struct span *text, struct arena *arena,
                       struct err *err)
{
    struct buf folded;
    if (!listing->ignores_case) return true;
    buf_init(&folded, arena);
    fold_case(text->data, text->bytes, &folded);
    if (folded.failed) return err_out_of_memory(err);
    *text = (struct span){folded.bytes > 0 ? folded.data : "", folded.bytes};
    return true;
}

static bool holds(struct span text, struct span sought, bool is_prefix)
{
    if (text.bytes < sought.bytes) return false;
    if (is_prefix) return memcmp(text.data, sought.data, sought.bytes) == 0;
    return memmem(text.data, text.bytes, sought.data, sought.bytes);
}

static bool write_tokens(struct listing *listing, struct err *err)
{
    const uint32_t n = model_info(listing->model)->vocab_size;
    const uint64_t first = listing->from == FROM_START ? 0 : listing->from;
    const uint64_t most = listing->limit > 0 ? listing->limit : UINT64_MAX;
    struct span sought = {"", 0}; /* every token holds it */
    if (listing->sought) sought = (struct span){listing->sought, strlen(listing->sought)};
    if (first >= n)
        return err_set(
            err, ERR_USAGE, NULL,
            "--from must be a whole number from 0 to %u, the model's last id, not '%llu'", n - 1,
            (unsigned long long)first);
    if (!comparable(listing, &sought, &listing->arena, err)) return false;
    uint64_t n_written = 0;
    for (uint32_t id = (uint32_t)first; id < n && n_written < most; id++) {
        struct span token;
        token.data = model_token_text(listing->model, id, &token.bytes);
        arena_reset(&listing->line);
        if (!comparable(listing, &token, &listing->line, err)) return false;
        if (!holds(token, sought, listing->is_prefix)) continue;
        if (!write_token(listing, id, NULL, err)) return false;
        n_written++;
    }
    return true;
}

/* ---- neighbours ---- */

#define NAME_BYTES_MAX 63

/* The token as a name for a message; false where it would make none. */
static bool name_token(const struct model *model, uint32_t id, char name[NAME_BYTES_MAX + 1])
{
    size_t bytes;
    const char *text = model_token_text(model, id, &bytes);
    if (bytes == 0 || bytes > NAME_BYTES_MAX || utf8_valid_bytes(text, bytes) != bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] < 0x20) return false;
    memcpy(name, text, bytes);
    name[bytes] = 0;
    return true;
}

static bool unknown_token(const struct listing *listing, struct err *err)
{
    const int quoted = (int)utf8_cut(listing->nearest, strlen(listing->nearest), ERR_VALUE_BYTES);
    char best[NAME_BYTES_MAX + 1], name[NAME_BYTES_MAX + 1];
    bool has_best = false;
    for (uint32_t id = 0; id < model_info(listing->model)->vocab_size; id++) {
        if (!name_token(listing->model, id, name)) continue;
        const char *const names[] = {has_best ? best : name, name};
        if (nearest_name(listing->nearest, names, has_best ? 2 : 1) != name) continue;
        memcpy(best, name, sizeof best);
        has_best = true;
    }
    if (!has_best)
        return err_set(err, ERR_NOT_FOUND, NULL,
                       "the vocabulary has no token '%.*s'; --text takes any text, --search lists "
                       "the tokens that hold one",
                       quoted, listing->nearest);
    return err_set(err, ERR_NOT_FOUND, NULL,
                   "the vocabulary has no token '%.*s', did you mean '%s'? --text takes any text",
                   quoted, listing->nearest, best);
}

static bool pool_text(struct listing *listing, float *vector, struct err *err)
{
    const size_t bytes = strlen(listing->nearest);
    const size_t valid = utf8_valid_bytes(listing->nearest, bytes);
    const struct pool_options options = model_pool_options(listing->model);
    struct tokens tokens;
    if (valid < bytes)
        return err_set(err, ERR_USAGE, NULL, "--nearest is not UTF-8 at byte %zu (0x%02X)",
                       valid + 1, (unsigned char)listing->nearest[valid]);
    if (!model_tokenize(listing->model, &listing->arena, listing->nearest, bytes, TOKENIZE_LIMITS,
                        &tokens, err))
        return false;
    const struct passage passage = {tokens.ids, tokens.n, listing->nearest, bytes};
    return model_vector(listing->model, &listing->arena, &passage, &options, vector, err);
}

static bool take_vector(struct listing *listing, float *vector, struct err *err)
{
    const uint32_t dim = model_info(listing->model)->dim;
    if (listing->is_text) {
        if (!pool_text(listing, vector, err)) return false;
    } else {
        listing->itself =
            model_token_id(listing->model, listing->nearest, strlen(listing->nearest));
        if (listing->itself == TOKEN_ID_NONE) return unknown_token(listing, err);
        model_row(listing->model, listing->itself, dim, vector);
    }
    return neighbours_has_direction(vector, dim) ||
           err_set(err, ERR_UNPROCESSABLE, NULL,
                   "the vector of '%.*s' is zero or not finite: nothing is near it",
                   (int)utf8_cut(listing->nearest, strlen(listing->nearest), ERR_VALUE_BYTES),
                   listing->nearest);
}

static bool is_left_out(const void *user, uint32_t id)
{
    const struct listing *listing = user;
    if (id == listing->itself) return true;
    return !listing->with_special && (model_is_special(listing->model, id) ||
                                      model_is_unknown(model_info(listing->model), id));
}

static void read_row(const void *model, uint32_t id, float *out)
{
    model_row(model, id, model_info(model)->dim, out);
}

static bool write_nearest(struct listing *listing, struct err *err)
{
    const struct model_info *info = model_info(listing->model);
    float *vector = arena_array(&listing->arena, info->dim, sizeof *vector);
    struct neighbours found;
    if (!vector) return err_out_of_memory(err);
    if (!take_vector(listing, vector, err)) return false;
    const struct neighbours_wish wish = {
        .row = read_row,
        .rows = listing->model,
        .dim = info->dim,
        .vector = vector,
        .n_rows = info->vocab_size,
        .most = listing->limit > 0 ? (uint32_t)listing->limit : NEAREST_DEFAULT,
        .leaves_out = is_left_out,
        .user = listing,
    };
    if (!neighbours_find(&wish, &listing->arena, &found, err)) return false;
    for (uint32_t i = 0; i < found.n; i++)
        if (!write_token(listing, found.items[i].id, &found.items[i].similarity, err)) return false;
    return true;
}

/* ---- the command ---- */

static bool needs(const char *flag, const char *other, struct err *err)
{
    return err_set(err, ERR_USAGE, NULL, "--%s goes with --%s", flag, other);
}

static bool check_flags(const struct listing *listing, struct err *err)
{
    if (listing->is_prefix && !listing->sought) return needs("prefix", "search TEXT", err);
    if (listing->ignores_case && !listing->sought) return needs("ignore-case", "search TEXT", err);
    if (listing->is_text && !listing->nearest) return needs("text", "nearest TOKEN", err);
    if (listing->with_special && !listing->nearest) return needs("special", "nearest TOKEN", err);
    if (!listing->nearest || (!listing->sought && listing->from == FROM_START)) return true;
    return err_set(err, ERR_USAGE, NULL,
                   "--nearest does not go with --%s: neighbours are searched among all tokens",
                   listing->sought ? "search" : "from");
}

static bool run(struct listing *listing, struct err *err)
{
    bool is_ok = false;
    if (!check_flags(listing, err)) return false;
    arena_init(&listing->arena, ARENA_BYTES);
    arena_init(&listing->line, ARENA_BYTES);
    if (model_open_as(&listing->model, listing->model_path, &listing->model_options, err) &&
        output_open(&listing->output, NULL, err)) {
        is_ok = listing->nearest ? write_nearest(listing, err) : write_tokens(listing, err);
        is_ok = is_ok && output_close(&listing->output, err);
    }
    model_close(listing->model);
    arena_clear(&listing->line);
    arena_clear(&listing->arena);
    return is_ok;
}

int vocab_main(int argc, char **argv)
{
    static const char *const formats[] = {"text", "json", NULL};
    struct listing listing = {.model_path = "builtin",
                              .from = FROM_START,
                              .model_options = COMMAND_MODEL_OPTIONS,
                              .itself = TOKEN_ID_NONE};
    const struct flag list[] = {
        MODEL_PATH_FLAG(listing.model_path),
        {"search", FLAG_STRING, .out.string = &listing.sought, .value = "TEXT",
         .help = "only the tokens that hold TEXT"},
        {"prefix", FLAG_SWITCH, .out.is_on = &listing.is_prefix, .help = "only at their beginning"},
        {"ignore-case", FLAG_SWITCH, .out.is_on = &listing.ignores_case,
         .help = "upper or lower, as Unicode folds them"},
        {"nearest", FLAG_STRING, .out.string = &listing.nearest, .value = "TOKEN",
         .help = "the tokens whose rows are nearest to TOKEN's, by cosine"},
        {"text", FLAG_SWITCH, .out.is_on = &listing.is_text,
         .help = "what --nearest names is a text: its vector is taken"},
        {"special", FLAG_SWITCH, .out.is_on = &listing.with_special,
         .help = "neighbours may be special or unknown tokens (default: no)"},
        {"limit", FLAG_NUMBER, .out.number = &listing.limit, .value = "N", .min = 1,
         .max = UINT32_MAX, .help = "at most N tokens (default: all, of neighbours 10)"},
        {"from", FLAG_NUMBER, .out.number = &listing.from, .value = "ID", .max = UINT32_MAX - 1,
         .help = "begin with this id (default: 0)"},
        {"format", FLAG_CHOICE, .out.choice = &listing.format, .choices = formats,
         .help = "fields separated by tabs (default), or one JSON object per line"},
        MODEL_FLAGS_LIMITED(listing.model_options, "words"),
    };
    const struct flags flags = {
        .usage = "embedd vocab [--search TEXT | --nearest TOKEN] [OPTION]...",
        .about = "Lists the tokens of a model, those that hold a text, or those that are nearest "
                 "to one:\nid, token, similarity (of neighbours), and (special), a token a line.",
        .list = list,
        .n = sizeof list / sizeof list[0],
    };
    struct err err;
    int n_files, exit_code;
    if (!commands_take_flags(&flags, argc, argv, &n_files, &exit_code)) return exit_code;
    return run(&listing, &err) ? 0 : commands_fail(argv[0], &err);
}
