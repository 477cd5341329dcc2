/* SPDX-License-Identifier: Apache-2.0 */
#include "model/train/usual_names.h"

#include "base/utf8.h"

#include <string.h>

/* Longer names are no usual ones. */
#define NAME_BYTES_MAX 40

/* As fold_name leaves them, a list to a role and rank. */
static const char *const names[2][3][64] = {
    [COLUMN_TEXT] =
        {
            [USUAL_FIRST] = {"text",       "sentence",      "content",     "review",
                             "query",      "utterance",     "question",    "body",
                             "comment",    "texts",         "sentences",   "reviewtext",
                             "reviewbody", "reviewcontent", "commenttext", "文本",
                             "文本内容",   "内容",          "正文",        "句子",
                             "语句",       "评论",          "评论内容",    "评论文本",
                             "評論",       "評論內容",      "內容"},
            [USUAL_SECOND] = {"title",   "headline", "subject",   "message", "messagetext",
                              "msg",     "sms",      "email",     "tweet",   "tweettext",
                              "post",    "article",  "document",  "passage", "paragraph",
                              "summary", "feedback", "statement", "input",   "inputtext",
                              "prompt",  "标题",     "题目",      "问题",    "问句",
                              "消息",    "短信",     "留言",      "微博",    "弹幕",
                              "新闻",    "描述",     "摘要",      "原文",    "语料",
                              "评价",    "评价内容", "输入",      "標題",    "問題",
                              "訊息"},
        },
    [COLUMN_LABEL] =
        {
            [USUAL_FIRST] = {"label",  "labels",    "category", "class",    "intent",
                             "target", "sentiment", "cat",      "标签",     "类别",
                             "分类",   "情感",      "意图",     "標籤",     "類別",
                             "分類",   "情感标签",  "情感类别", "意图标签", "类别标签"},
            [USUAL_SECOND] = {"topic",     "rating",    "tag",          "tags",       "type",
                              "polarity",  "stars",     "star",         "emotion",    "labeltext",
                              "labelname", "classname", "categoryname", "categories", "classes",
                              "intents",   "类型",      "类目",         "主题",       "话题",
                              "评分",      "星级",      "情绪",         "极性",       "标注",
                              "情感倾向",  "情感极性",  "類型",         "主題",       "評分"},
        },
};

/* What may stand in a name without being part of it. */
static bool is_passed_over(uint32_t code)
{
    static const uint32_t others[] = {0xA0, 0xFEFF, 0x200B, 0x3000, 0x2018, 0x2019, 0x201C, 0x201D,
                                      0xAB, 0xBB,   0x300A, 0x300B, 0x300C, 0x300D, 0x300E, 0x300F};
    if (code < 0x80) return code <= ' ' || strchr("\"'`_-", (int)code);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (code == others[i]) return true;
    return false;
}

/* Writes the name as the lists have it, NUL-terminated; "" where it is longer than any of them. */
static void fold_name(struct span name, char out[NAME_BYTES_MAX + 4])
{
    const char *at = name.data, *end = at + name.bytes;
    size_t n = 0;
    while (at < end && n < NAME_BYTES_MAX) {
        uint32_t code = utf8_next(&at);
        if (code >= 0xFF01 && code <= 0xFF5E) code -= 0xFEE0; /* full width */
        if (is_passed_over(code)) continue;
        if (code >= 'A' && code <= 'Z') code += 'a' - 'A';
        n += utf8_write(out + n, code);
    }
    out[at < end ? 0 : n] = '\0';
}

enum usual_rank usual_name_rank(struct span name, enum column_role role)
{
    char folded[NAME_BYTES_MAX + 4];
    fold_name(name, folded);
    for (enum usual_rank rank = USUAL_FIRST; rank > USUAL_NOT && folded[0]; rank--)
        for (const char *const *one = names[role][rank]; *one; one++)
            if (strcmp(folded, *one) == 0) return rank;
    return USUAL_NOT;
}
