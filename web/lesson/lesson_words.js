// SPDX-License-Identifier: Apache-2.0
// What a lesson says otherwise than the page of a server, and besides.
export const LESSON = {
  en: {
    "chain lead": "A computer knows only numbers. Here a sentence becomes numbers that mean something. Type your own: every number below is worked out in this file, without a network.",
    "loading": "Opening the table in this file…", "gone": "The table in this file cannot be opened. A browser of 2023 or later is needed.",
    "product lead": "One-hot times W copies a row of W. So nobody multiplies: the row is looked up.",
    "weights of a head": "By the head “{head}” of this model.",
    "file title": "What is in this file",
    "file holds": "The whole dictionary of the model embedd-base-2 (105,857 tokens) and the first 128 columns of its table, of 4 bits each; two models of six characters, 6 × 2 and 6 × 8, with their heads; and the tokenizer. Tokens, ids and vectors are those that the server gives, asked for 128 dimensions.",
    "file lacks": "The other 128 columns are not in it: the 256 that a server gives tell meanings apart a little better. Nor are the server's other views: similarity, classifying, measuring.",
    "file rights": "Code: Apache-2.0. The table embedd-base-2: CC BY-SA 4.0, © the contributors of embedd; made from many sources, which the project names.",
  },
  zh: {
    "chain lead": "计算机只认数字。下面演示一句话怎样变成有意义的数字。可以改成你自己的句子，所有数字都在这个文件里算出来，不需要联网。",
    "loading": "正在打开文件里的表……", "gone": "无法打开文件里的表，请使用 2023 年以后的浏览器。",
    "product lead": "独热向量乘以 W，结果就是 W 的某一行。所以不必做乘法，直接查表。",
    "weights of a head": "来自这个模型的分类头“{head}”。",
    "file title": "这个文件里有什么",
    "file holds": "模型 embedd-base-2 的完整词表（105,857 个词元）和它的表的前 128 列，每个数 4 位；两个只有六个字的小模型（6 × 2 和 6 × 8）及其分类头；还有分词器。词元、编号和向量与服务在 128 维时给出的相同。",
    "file lacks": "没有另外 128 列：服务给出的 256 列区分含义的能力略强。也没有服务的其他页面：相似度、分类、监控。",
    "file rights": "代码：Apache-2.0。表 embedd-base-2：CC BY-SA 4.0，© embedd 的贡献者；由多种来源制成，项目文档中有说明。",
  },
};
