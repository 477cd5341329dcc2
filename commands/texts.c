/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/texts.h"

#include "commands/progress.h"

static char standard_input[] = "-";
static char *only_standard_input[] = {standard_input};

void texts_init(struct texts *texts, char **files, int n)
{
    *texts = (struct texts){.files = n > 0 ? files : only_standard_input, .n_files = n > 0 ? n : 1};
}

void texts_close(struct texts *texts)
{
    if (texts->is_open) lines_close(&texts->line);
    texts->is_open = false;
}

static bool open_next(struct texts *texts, struct err *err)
{
    texts->is_open = true;
    if (!lines_open(&texts->line, texts->files[texts->next_file++], 0, err)) return false;
    texts->line.expected = "one text per line is expected";
    return true;
}

int texts_next(struct texts *texts, struct err *err)
{
    for (;;) {
        if (!texts->is_open) {
            if (texts->next_file == texts->n_files) return 0;
            if (!open_next(texts, err)) return -1;
        }
        const int step = lines_next(&texts->line, err);
        if (step != 0) {
            texts->total += step > 0;
            texts->share = (texts->next_file - 1 + lines_share(&texts->line)) / texts->n_files;
            return step;
        }
        texts_close(texts);
    }
}

bool texts_each(struct texts *texts, bool (*take)(void *user, struct err *err), void *user,
                bool shows_progress, struct err *err)
{
    struct progress progress;
    progress_start(&progress, shows_progress);
    int step;
    while ((step = texts_next(texts, err)) > 0) {
        if (!take(user, err)) {
            step = -1;
            break;
        }
        progress_show(&progress, texts->total, texts->share);
    }
    progress_end(&progress);
    return step == 0;
}
