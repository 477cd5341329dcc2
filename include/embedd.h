/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file embedd.h
 * libembedd: texts to vectors, labels and tokens, in the caller's process and memory.
 *
 *     embedd_model *model;
 *     embedd_error error = EMBEDD_INIT(embedd_error);
 *     if (embedd_open("builtin", NULL, &model, &error)) puts(error.message);
 *
 * Threads. A model is immutable once it is open: every function that takes a `const embedd_model *`
 * may be called from any thread at any time. A pool does one batch at a time: calls that share one
 * wait for each other. Nothing else is shared; any number of models and pools may be there.
 *
 * Bits. A vector depends on the model, the text and the options alone: not on the batch that it is
 * in, nor on the pool, the CPU or the type of the offsets. They are those of the program `embedd`.
 *
 * Errors. What can fail returns an `enum embedd_code`, and says in an embedd_error, if one is
 * given, what is wrong and what to do. Arguments are checked: no text and no number ends the
 * process.
 *
 * Structs begin with their size, so that programs that were built with an older header go on
 * working: set all of a struct to zero (that is the default of every member), then `struct_size` to
 * sizeof of it. EMBEDD_INIT does both. What is `reserved` stays zero.
 *
 * Signals, exit, output. The library installs no signal handlers, ends no process, prints nothing.
 * A model's file is mapped, not copied. Whoever cuts it short or writes into it while it is open
 * takes its pages away, and the process gets SIGBUS, as with any mapping: replace a model's files
 * by renaming others over them, never by writing into them.
 *
 * Fork. A model may be used in a child after fork(2). A pool, too: the child's first batch starts
 * threads of its own. fork() must not run during embedd_open, embedd_pool_new or the first batch of
 * a child in another thread.
 *
 * Texts are UTF-8 and may hold NUL bytes. Sizes are in bytes unless it is said otherwise.
 */
#ifndef EMBEDD_H
#define EMBEDD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EMBEDD_API
#define EMBEDD_API __attribute__((visibility("default")))
#endif

/** The number of this interface: it is that of the soname, and grows when a program has to be
 * built again. */
#define EMBEDD_ABI 0

/** A struct of that type, all zero but for its size: `embedd_error error =
 * EMBEDD_INIT(embedd_error);` */
#ifdef __cplusplus
#define EMBEDD_INIT(type)                                                                          \
    ([] {                                                                                          \
        type made{};                                                                               \
        made.struct_size = sizeof made;                                                            \
        return made;                                                                               \
    }())
#else
#define EMBEDD_INIT(type) ((type){.struct_size = sizeof(type)})
#endif

/** A text of a batch that has more bytes is refused. */
#define EMBEDD_TEXT_BYTES_MAX 67108864

/** The id of a token that is not in the vocabulary. */
#define EMBEDD_NO_ID 4294967295u

/** What a call returns. */
enum embedd_code {
    EMBEDD_OK = 0,
    EMBEDD_ERROR_ARGUMENT = 1,      /* a wrong value, a NULL where there must be none */
    EMBEDD_ERROR_ROOM = 2,          /* the caller's memory is too small for the result */
    EMBEDD_ERROR_TEXT = 3,          /* a text that is not UTF-8, or too long */
    EMBEDD_ERROR_NOT_FOUND = 4,     /* no such head, token, prompt */
    EMBEDD_ERROR_IO = 5,            /* a file could not be opened or read */
    EMBEDD_ERROR_FORMAT = 6,        /* a file that is not what it should be */
    EMBEDD_ERROR_MEMORY = 7,        /* the system has no more */
    EMBEDD_ERROR_UNPROCESSABLE = 8, /* well formed, but there is no answer */
    EMBEDD_ERROR_INTERNAL = 9       /* the library's own fault, or a vector that is not finite */
};

/** What was wrong. Left alone where a call succeeds. */
typedef struct embedd_error {
    size_t struct_size;
    int32_t code; /* enum embedd_code */
    int32_t reserved;
    int64_t row;       /* of the batch, from 0, that is at fault; -1: none is */
    char argument[64]; /* the argument or member that is at fault; "": none is */
    char message[640]; /* one sentence, UTF-8 */
} embedd_error;

/** A model: tokenizer, table of vectors, heads. Opaque. */
typedef struct embedd_model embedd_model;

/** Threads that share batches. Opaque. */
typedef struct embedd_pool embedd_pool;

/** embedd_version: "0.1.0", that of the library which runs. Any thread. */
EMBEDD_API const char *embedd_version(void);

/** embedd_abi: EMBEDD_ABI of the library which runs. Any thread. */
EMBEDD_API int32_t embedd_abi(void);

/* ---- models ---- */

/** How to read a model's files. */
typedef struct embedd_open_options {
    size_t struct_size;
    const char *heads;  /* a head's file, or a folder of heads, beside the model's own; or NULL */
    const char *tensor; /* the tensor that is the table; NULL: found by its name */
    const char *compat; /* which library's results: "embedd", "model2vec", "model2vec-0.8",
                           "model2vec-rs", "sentence-transformers"; NULL: as the files say */
    uint64_t limit;     /* words of a file of word vectors that are read; 0: all */
    int32_t strict;     /* not 0: refuse files that would be read with a warning */
    int32_t reserved;
    /* Called during embedd_open, on its thread, with one sentence about what was left out or
       repaired; NULL: nobody is told. */
    void (*warn)(void *user, const char *sentence);
    void *user; /* for warn */
} embedd_open_options;

/**
 * embedd_open opens a model. Any thread.
 * @param path    "builtin", a model's folder, or a weights file
 * @param options NULL: the defaults
 * @param model   owned by the caller (embedd_close); NULL on failure
 * @return EMBEDD_OK, or _ARGUMENT, _IO, _FORMAT (naming file and place), _MEMORY
 */
EMBEDD_API int embedd_open(const char *path, const embedd_open_options *options,
                           embedd_model **model, embedd_error *error);

/** embedd_close closes the model, which nobody may use any more, nor what was borrowed from it;
 * NULL is fine. */
EMBEDD_API void embedd_close(embedd_model *model);

/** What a model is. Strings live as long as the model. */
typedef struct embedd_info {
    size_t struct_size;
    const char *name;
    const char *version;   /* "": not said */
    const char *license;   /* an SPDX expression; "": not said */
    const char *format;    /* of its weights: "safetensors", ... */
    const char *tokenizer; /* "wordpiece", "bpe", "unigram", "wordlevel", "dictionary", ... */
    const char *dtype;     /* of the table's numbers: "F32", "F16", "BF16", "I8", "I4", ... */
    const char *pooling;   /* its default: "mean", "weighted", "sum", "max", "unit" */
    uint32_t dimensions;   /* of a vector */
    uint32_t vocab_size;   /* tokens that have a row of the table: ids from 0 to vocab_size - 1 */
    uint32_t more_tokens;  /* tokens without a row: the ids that follow */
    uint32_t unknown_id;   /* of the unknown token, or EMBEDD_NO_ID */
    uint32_t tokens_max;   /* of a text, behind which it is cut; 0: no limit */
    uint32_t n_heads;      /* classifiers */
    int32_t normalize;     /* its default: 1: vectors have length 1 */
    int32_t has_weights;   /* 1: EMBEDD_POOLING_WEIGHTED is possible */
    uint64_t table_bytes;  /* size of the weights' file */
} embedd_info;

/** embedd_get_info fills `info`. EMBEDD_OK, or _ARGUMENT. */
EMBEDD_API int embedd_get_info(const embedd_model *model, embedd_info *info, embedd_error *error);

/* ---- threads ---- */

/**
 * embedd_pool_new starts threads for batches, which take none of the process's signals. Any thread.
 * @param threads how many do a batch, the caller among them: 1 to 1024; 0: one a core
 * @param pool    owned by the caller (embedd_pool_free); NULL on failure
 * @return EMBEDD_OK, or _ARGUMENT, _MEMORY (no memory, or no more threads)
 */
EMBEDD_API int embedd_pool_new(uint32_t threads, embedd_pool **pool, embedd_error *error);

/** embedd_pool_size: how many threads do a batch; of NULL, 1. */
EMBEDD_API uint32_t embedd_pool_size(const embedd_pool *pool);

/** embedd_pool_free ends the threads; nobody may use the pool any more. NULL is fine. In a child
 * after fork, memory of the parent's pool stays as it was. */
EMBEDD_API void embedd_pool_free(embedd_pool *pool);

/* ---- batches ---- */

/** The texts of a batch, in Arrow's layout (Utf8, LargeUtf8, Binary): text i is the bytes from
 * offsets[first + i] to offsets[first + i + 1] of `data`. Borrowed for the length of a call. */
typedef struct embedd_texts {
    size_t struct_size;
    const void *data;        /* NULL only where no text has bytes */
    const void *offsets;     /* (first + n + 1) int32_t or int64_t, none below the one before it;
                                aligned as such a number; NULL only where n is 0 */
    const uint8_t *validity; /* bit first + i (of byte (first + i) / 8, the lowest bit first) is 0:
                                text i is null; NULL: none is */
    uint64_t n;              /* texts */
    uint64_t first;          /* of a slice: what stands before it */
    uint64_t data_bytes;     /* at `data`; 0: as many as the last offset says */
    int32_t offset_bits;     /* 32 or 64 */
    int32_t reserved;
} embedd_texts;

/** The numbers of a vector. Little-endian. */
enum embedd_type {
    EMBEDD_FLOAT32 = 0,
    EMBEDD_FLOAT16 = 1, /* the nearest, ties to even; so are the next three */
    EMBEDD_BFLOAT16 = 2,
    EMBEDD_FP8_E4M3 = 3,
    EMBEDD_FP8_E5M2 = 4,
    EMBEDD_INT8 = 5,   /* round(x * s), cut to -128 ... 127, s = 127 * max(1, sqrt(dims) / 8), of
                          vectors of length 1 */
    EMBEDD_UINT8 = 6,  /* INT8 + 128 */
    EMBEDD_BINARY = 7, /* UBINARY - 128, as a signed byte */
    EMBEDD_UBINARY = 8 /* a bit a dimension, 1 where x > 0; eight a byte, the first the highest */
};

/** embedd_row_bytes: how many bytes a vector of so many dimensions takes; 0: no such type. Any
 * thread. */
EMBEDD_API size_t embedd_row_bytes(int32_t type, uint32_t dimensions);

/** Where the vectors go: row i of the batch to `data` + i * stride. Only bytes of rows are
 * written. */
typedef struct embedd_rows {
    size_t struct_size;
    void *data;        /* any alignment */
    uint64_t bytes;    /* room at `data` */
    uint64_t stride;   /* bytes from one row to the next, at least those of a row; 0: just those */
    uint8_t *validity; /* ((n + 7) / 8): bit i (the lowest first) becomes 1 where row i has a
                          vector; NULL: not wanted */
    int32_t type;      /* enum embedd_type */
    int32_t reserved;
} embedd_rows;

/** How the rows of tokens become one vector. */
enum embedd_pooling {
    EMBEDD_POOLING_DEFAULT = 0, /* the model's */
    EMBEDD_POOLING_MEAN = 1,
    EMBEDD_POOLING_WEIGHTED = 2, /* by the table's own weights, which must be there */
    EMBEDD_POOLING_SUM = 3,
    EMBEDD_POOLING_MAX = 4,
    EMBEDD_POOLING_UNIT = 5 /* the mean of rows of length 1 */
};

/** An answer that need not be given. */
enum embedd_choice { EMBEDD_DEFAULT = 0, EMBEDD_NO = 1, EMBEDD_YES = 2 };

/** What becomes of a text that is not UTF-8. */
enum embedd_invalid {
    EMBEDD_INVALID_STOP = 0,   /* EMBEDD_ERROR_TEXT, which names the first such row */
    EMBEDD_INVALID_NULL = 1,   /* it is taken for null, and counted */
    EMBEDD_INVALID_REPLACE = 2 /* U+FFFD stands for what is wrong in it; counted */
};

typedef struct embedd_encode_options {
    size_t struct_size;
    const char *prompt;  /* name of the model's prompt that stands before every text; NULL: its
                            default; "": none */
    uint32_t dimensions; /* the first so many, before length 1 is made; 0: all */
    int32_t pooling;     /* enum embedd_pooling */
    int32_t normalize;   /* enum embedd_choice: length 1? INT8 and UINT8: always */
    int32_t invalid;     /* enum embedd_invalid */
} embedd_encode_options;

/** What was in a batch. */
typedef struct embedd_counts {
    size_t struct_size;
    uint64_t nulls;     /* rows without an answer, those of EMBEDD_INVALID_NULL among them */
    uint64_t invalid;   /* texts that were not UTF-8 */
    uint64_t tokens;    /* those that count */
    uint64_t unknown;   /* of them, that the model does not know */
    uint64_t truncated; /* texts that were cut at the model's limit */
} embedd_counts;

/**
 * embedd_encode makes a vector of every text. An empty text has the zero vector; a null has no
 * vector: its row is zero bytes, its bit in rows->validity 0, and it is counted.
 * @param pool    NULL: the calling thread does it alone
 * @param options NULL: the defaults
 * @param counts  NULL: not wanted
 * @return EMBEDD_OK, or _ARGUMENT, _ROOM, _NOT_FOUND (the prompt), _TEXT, _UNPROCESSABLE (an
 *         expression of the tokenizer takes too long on a text), _INTERNAL, _MEMORY; the last four
 *         name the first row at fault, and leave rows written in part
 */
EMBEDD_API int embedd_encode(const embedd_model *model, embedd_pool *pool,
                             const embedd_texts *texts, const embedd_encode_options *options,
                             const embedd_rows *rows, embedd_counts *counts, embedd_error *error);

/* ---- classifiers ---- */

/** embedd_head_name: the name of head i (< n_heads), the default first; NULL: there is none. It
 * lives as long as the model. */
EMBEDD_API const char *embedd_head_name(const embedd_model *model, uint32_t i);

/** What a head is. Strings and arrays live as long as the model. */
typedef struct embedd_head {
    size_t struct_size;
    const char *name;
    const char *kind;          /* "binary", "multi-class", "multi-label" */
    const char *const *labels; /* (n_labels) */
    const float *thresholds;   /* (1) of a binary, (n_labels) of a multi-label head; else NULL */
    uint32_t n_labels;
    int32_t knows_unsure; /* 1: it tells how unsure it is */
} embedd_head;

/** embedd_get_head fills `head` with what the head of that name is; NULL: the default one.
 * EMBEDD_OK, or _ARGUMENT, _NOT_FOUND, _UNPROCESSABLE (a head without labels). */
EMBEDD_API int embedd_get_head(const embedd_model *model, const char *name, embedd_head *head,
                               embedd_error *error);

typedef struct embedd_classify_options {
    size_t struct_size;
    const char *head;      /* NULL: the default one */
    uint32_t top_k;        /* labels of a text, 1 to n_labels; 0: all */
    int32_t invalid;       /* enum embedd_invalid */
    int32_t has_threshold; /* not 0: `threshold` instead of the head's own; not of multi-class */
    int32_t has_reject;    /* not 0: no label passes above the unsure score `reject` */
    float threshold;       /* 0 to 1 */
    float reject;          /* 0 to 1; 0.95 keeps 95 of 100 texts like those of the training */
} embedd_classify_options;

/** Where the answers go, each NULL where it is not wanted. K is top_k. */
typedef struct embedd_answers {
    size_t struct_size;
    uint64_t room;        /* rows that the arrays have room for */
    int32_t *labels;      /* (room, K) numbers of labels, the likeliest first; -1 of a null */
    float *probabilities; /* (room, K) of these labels; NaN of a null */
    uint8_t *passes;      /* (room, K) 1: the label is meant. Of a multi-class head the first, of a
                             multi-label one each whose probability reaches its threshold */
    float *unsure;        /* (room) 0 to 1: how unlike the texts of the training; NaN: the head does
                             not know */
    uint8_t *validity;    /* ((room + 7) / 8) as in embedd_rows */
} embedd_answers;

/**
 * embedd_classify asks a head about every text.
 * @return as embedd_encode; _NOT_FOUND: the head
 */
EMBEDD_API int embedd_classify(const embedd_model *model, embedd_pool *pool,
                               const embedd_texts *texts, const embedd_classify_options *options,
                               const embedd_answers *answers, embedd_counts *counts,
                               embedd_error *error);

/* ---- tokens ---- */

/** For embedd_tokenize; added together. */
enum embedd_tokenize_flags {
    EMBEDD_TOKENIZE_SPECIAL = 1, /* with the special tokens, such as [CLS] and [SEP] */
    EMBEDD_TOKENIZE_LIMITED = 2  /* cut as for a vector */
};

/** The tokens of a text. */
typedef struct embedd_tokens {
    size_t struct_size;
    uint32_t *ids;     /* (room); EMBEDD_NO_ID: not in the vocabulary. NULL: not wanted */
    uint32_t *spans;   /* (room, 2) code points of the text: first, and behind the last. NULL: not
                          wanted */
    uint64_t room;     /* tokens */
    uint64_t n;        /* out: how many tokens there are, EMBEDD_ERROR_ROOM or not */
    int32_t truncated; /* out: 1: EMBEDD_TOKENIZE_LIMITED has cut */
    int32_t reserved;
} embedd_tokens;

/**
 * embedd_tokenize splits a text. Without `ids` and `spans` it counts.
 * @param text (bytes) NULL only where `bytes` is 0
 * @return EMBEDD_OK, or _ARGUMENT, _ROOM (then only tokens->n is set), _TEXT, _UNPROCESSABLE,
 *         _MEMORY
 */
EMBEDD_API int embedd_tokenize(const embedd_model *model, const char *text, size_t bytes,
                               uint32_t flags, embedd_tokens *tokens, embedd_error *error);

/**
 * embedd_decode makes a text of ids (n), as the tokenizer's decoder writes it.
 * @param ids   each below vocab_size
 * @param text  (room), not NUL-terminated; NULL: only `bytes` is wanted
 * @param bytes out: of the text, EMBEDD_ERROR_ROOM or not
 * @return EMBEDD_OK, or _ARGUMENT, _ROOM, _MEMORY
 */
EMBEDD_API int embedd_decode(const embedd_model *model, const uint32_t *ids, size_t n,
                             int32_t skip_special, char *text, size_t room, size_t *bytes,
                             embedd_error *error);

/** embedd_token_text: the entry of the vocabulary, not NUL-terminated, as long as the model lives;
 * NULL: no such id (below vocab_size + more_tokens). */
EMBEDD_API const char *embedd_token_text(const embedd_model *model, uint32_t id, size_t *bytes);

/** embedd_token_id: the id of the entry `token` that has a row, or EMBEDD_NO_ID. */
EMBEDD_API uint32_t embedd_token_id(const embedd_model *model, const char *token, size_t bytes);

/** embedd_token_row: row (room >= the model's dimensions) = the table's row of `id` (< vocab_size),
 * neither weighted nor of length 1. EMBEDD_OK, or _ARGUMENT, _ROOM. */
EMBEDD_API int embedd_token_row(const embedd_model *model, uint32_t id, float *row, size_t room,
                                embedd_error *error);

/** A token that is near. Never grows. */
typedef struct embedd_neighbour {
    uint32_t id;
    float similarity; /* the cosine, -1 to 1 */
} embedd_neighbour;

/** Whose neighbours are asked for. */
typedef struct embedd_query {
    size_t struct_size;
    const float *vector;  /* (the model's dimensions) finite, not zero; NULL: the row of `token`,
                             which  then is none of its neighbours */
    uint32_t token;       /* an id below vocab_size */
    int32_t with_special; /* not 0: special and unknown tokens may be neighbours */
} embedd_query;

/**
 * embedd_nearest finds the tokens whose rows point most nearly where the vector points: the nearest
 * first, of equal ones the lower id. Every row is looked at. It starts as many threads as the pool
 * has, beside the pool's own.
 * @param neighbours (most) the caller's
 * @param most       at least 1
 * @param n          out: how many there are, at most `most`
 * @return EMBEDD_OK, or _ARGUMENT, _UNPROCESSABLE (a vector without a direction), _MEMORY
 */
EMBEDD_API int embedd_nearest(const embedd_model *model, const embedd_pool *pool,
                              const embedd_query *query, embedd_neighbour *neighbours,
                              uint32_t most, uint32_t *n, embedd_error *error);

#ifdef __cplusplus
}
#endif

#endif
