// SPDX-License-Identifier: Apache-2.0
export const ZH = {
  "language": "English", "language name": "English：切换到英文", "theme": "配色：{theme}", "theme ": "跟随系统", "theme light": "浅色", "theme dark": "深色", "skip": "跳到正文",
  "chain": "原理", "similarity": "相似度", "classify": "分类", "live": "监控", "use": "接入", "views": "页面", "model": "模型", "key": "API 密钥", "key set": "API 密钥 ✓",
  "key said": "只保存在当前标签页的内存里。", "key save": "使用", "key asked": "该服务需要 API 密钥。", "key wrong": "服务不接受这个密钥：{message}",
  "gone": "服务没有响应，正在重试……", "back": "服务已恢复。", "replaced": "模型已更换，页面内容已更新。", "busy": "服务繁忙，{s} 秒后重试。", "refused": "服务返回：{message}", "column": "第 {i} 列", "link": "复制当前页面链接", "link copied": "链接已复制", "loading": "正在请求服务……",

  "chain title": "从文本到语义，一步一步看懂",
  "chain lead": "计算机只认数字。下面演示一句话怎样变成有意义的数字。可以改成你自己的句子，所有数字都由本服务实时计算。",
  "your text": "输入文本", "token": "第 {i} 个词元", "unknown": "未登录词", "no tokens": "这段文本里没有词元。", "more tokens": "……另有 {n} 个词元",
  "tokens title": "词元（token）", "tokens lead": "先把文本切成模型词表里有的片段。", "tokens said": "字符数：{characters} · 词元数：{n}。", "unknown said": "词表之外：{n} 个。",
  "onehot title": "独热编码：一个词元占一个位置", "onehot lead": "每个词元变成一行数字：全是 0，只有它在词表中的位置是 1。",
  "own dictionary": "假如词表里只有这句话：{n} × {m}", "whole dictionary": "模型的词表：{V} 个位置", "whole dictionary, large": "模型的词表：每个方块有 {V} 个点，只有一个是 1", "one in column": "第 {column} 列",
  "V said": "词表大小", "nV said": "X 中的数字个数，占 {bytes}", "zeros": "零的占比", "explodes": "维度爆炸：X 几乎全是没有信息的 0", "zeros said": "没有信息",
  "ids title": "编号：只留下位置", "ids lead": "一行独热向量只说明 1 在第几列，那就只保留这个数。", "ids said": "只需 {n} 个整数（{bytes}），而不是 {cells} 个数。信息没有丢失，但编号只是词表里的位置，还没有含义。",
  "table title": "W：每个编号对应一行", "table lead": "模型就是一张表 W，词表里每个词元都有一行学出来的数字。用编号取出对应的行。", "table said": "左边是整张表，{V} 行、每行 {D} 个数；右边是取出的行和它们的邻居。",
  "product title": "Y = X·W：矩阵乘法其实是查表", "product lead": "独热向量乘以 W，结果就是 W 的某一行。所以服务从不做乘法，直接查表。", "columns of W": "W 的列数", "all columns": "全部 {D}", "small models": "小模型",
  "reduction": "独热向量的 {V} 个数变成 {d} 个：降维", "expansion of one-hot": "独热向量的 {V} 个数变成 {d} 个：升维", "expansion": "一个编号（1 个数）展开成 {d} 个：升维", "product label": "X（{n} × {V}）乘以 W（{V} × {D}）等于 Y（{n} × {D}）", "product said": "就是上面取出的那些行，按它们在文本中的顺序排列。",
  "vector title": "整句话变成一个向量", "vector lead": "句子有长有短，但各行取平均后长度都一样，任意两句话就能比较了。", "vector label": "句向量：{D} 个数，用柱状图表示", "numbers": "D", "numbers said": "个数代表整句话", "pooling": "池化", "pooling mean": "平均", "pooling weighted": "加权平均", "pooling sum": "求和", "pooling max": "取最大", "pooling unit": "单位行的平均", "pooling said": "对 n = {n} 行", "unknown left out": "未登录词不参与计算", "length": "‖v‖", "length said": "已归一化", "length as is": "不做归一化",
  "sentences title": "三句话：向量懂得什么", "sentences lead": "吃饭的人不同，其他都一样。哪一种数字能看出来？", "sentence n": "第 {n} 句", "as ids": "看编号", "as vectors": "看向量", "cosines of ids": "编号列表的余弦", "cosines of vectors": "向量的余弦",
  "ids mean nothing": "这些值取决于词表的排列顺序，换一种顺序就全变了，与含义无关。长度不同的列表根本无法比较。", "vectors mean": "这些值反映含义：用法相近的词元，向量也相近，所以意思差不多的句子余弦接近 1。",
  "labels title": "得到标签：y = w·x + b", "labels lead": "有了向量 x 就能用起来：每个数乘以权重 w，加起来，再加上 b，得到 y。两类时用阈值判断是或否；多类时取最大的 y。", "two labels": "两类：阈值", "more labels": "多类：取最大的 y", "threshold": "阈值", "threshold said": "拖动阈值：高于它为 1，低于它为 0。", "sentence": "句子",
  "weights of the page": "这个模型没有这样的分类头，w 和 b 是页面根据上面三个向量现算的。用 embedd train 可以从带标签的数据中学出来。", "weights of a head": "来自服务上的分类头“{head}”。", "argmax said": "({y}) 中最大的就是标签：{label}。", "no line": "这几句话的向量无法区分。",

  "similarity title": "哪些文本意思相近？", "similarity lead": "一行一条文本，也可以把文本或 CSV 文件拖到这里。向量由服务计算，比较在页面内完成。", "lines": "文本，一行一条", "lines said": "行数：{n}，最多 {max}。", "lines cut": "另有 {n} 行未处理。", "two lines": "至少需要两行。", "open file": "打开文件……", "search": "搜索", "query": "在这些行里查找", "query hint": "输入查询：美食、出行、animals ……", "map": "分布图", "map label": "{n} 行文本的二维分布图，意思相近的靠在一起", "map said": "向量的前两个主成分，保留了 {share} % 的方差。可拖动，用 + 和 − 缩放。", "zoom in": "放大", "zoom out": "缩小", "pairs": "最相近的句对", "matrix": "全部余弦", "matrix label": "{n} 行文本两两之间的余弦，用颜色表示", "matrix said": "{n} × {n} 个余弦：颜色越深越相近，指向某一格可查看数值。", "cosines of lines": "各行之间的余弦",
  "tokens near": "与某个词元最相近的词元", "tokens near lead": "也就是 W 中方向最接近的行。页面先取回全部 {V} 行的前几列（约 {bytes}，只取一次），再在页面内比较。", "a token": "词元", "look": "查找", "looking": "正在查找：{share} %", "near token": "与“{token}”最相近：",

  "classify title": "打标签，并说明理由", "classify lead": "分类头是加在向量上的小分类器：y = W·v + b。输入文本，看看是什么决定了它的标签。", "head": "分类头", "kind binary": "二分类", "kind multi-class": "多分类（单标签）", "kind multi-label": "多标签", "n labels": "标签数：{n}", "probabilities": "概率", "why": "理由", "no label": "没有标签超过阈值。", "more labels n": "……另有 {n} 个标签", "no shares": "这种分类头无法给出每个词元的贡献。", "shares said": "每个词元对“{label}”的 y 的贡献；加上 b = {bias}，合计 y = {y}。", "own threshold": "分类头自带", "many": "批量分类", "texts said": "文本数：{n}。", "text": "文本", "label": "标签", "probability": "概率", "first rows": "只显示前 {n} 行，下载的文件里是全部。", "download": "下载 CSV", "no heads": "模型“{model}”没有分类头，只输出向量，不输出标签。用带标签的数据几秒钟就能训练一个：", "no heads more": "详见 docs/CLASSIFY.md。“原理”页的最后一步演示了分类头怎样工作。",

  "live title": "服务运行状况", "live lead": "最近五分钟，每两秒读取一次 /metrics。耗时统计不含这些读取请求。", "requests per second": "每秒请求数", "time per request": "请求耗时", "tokens per second": "每秒词元数", "connections": "打开的连接", "memory": "内存", "processor": "CPU（100 % = 一个核）", "models": "模型", "model version": "{model}，版本 {version}", "requests in all": "启动以来的请求数", "failed": "失败（5xx）", "running since": "启动时间", "by route": "按路由", "by stage": "按处理阶段", "route": "路由", "stage": "阶段", "count": "次数", "metrics elsewhere": "这里的 /metrics 在另一个地址上（选项 admin-listen），请在那个地址打开本页面。",

  "use title": "接入", "use lead": "OpenAI 以及许多其他 API 的客户端可以直接使用，只需填写这个地址：", "copy": "复制", "copied": "已复制", "not copied": "复制失败", "reference": "全部接口", "reference lead": "来自本服务自己的接口描述：", "required": "必填", "no fields": "没有字段。",
};
