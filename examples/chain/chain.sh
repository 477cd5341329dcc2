#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The way from text to vector, one question at a time. Needs sh, curl and awk.
# usage: chain.sh [URL_OF_W6X2 URL_OF_W6X8]
# Without URLs it starts the program itself, once with each model folder beside this file, on ports
# that the kernel picks. EMBEDD names the program (default: build/embedd of this project).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
program=${EMBEDD:-$here/../../build/embedd}
folder=$(mktemp -d)
servers=

clean_up() {
    # shellcheck disable=SC2086 # a list of numbers, on purpose
    [ -z "$servers" ] || kill $servers 2>/dev/null || :
    wait
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start MODEL [OPTION]...: serves the model folder; its address is then in $url.
start() {
    name=$1
    shift
    "$program" serve --log-level warn --listen 127.0.0.1:0 --model "$here/$name" "$@" >"$folder/$name" &
    server=$!
    servers="$servers $server"
    until url=$(sed -n 's/^listening on //p' "$folder/$name" | grep .); do
        kill -0 "$server" 2>/dev/null || exit 1
        sleep 0.05 2>/dev/null || sleep 1
    done
}

# explain TEXT...: a paragraph, a line an argument.
explain() { printf '%s\n' "$@" ''; }

# ask SERVER PATH BODY: shows the command and the reply, which is then in $folder/reply as well.
# SERVER is W2 or W8. Matrices are shown with a line a row; nothing else is changed.
ask() {
    printf "\$ curl -sS \$%s%s -d '%s'\n" "$1" "$2" "$3"
    if [ "$1" = W2 ]; then url=$W2; else url=$W8; fi
    status=$(curl -sS -o "$folder/reply" -w '%{http_code}' "$url$2" -d "$3")
    awk '{ gsub(/:\[\[/, ":\n[["); gsub(/\],\[/, "],\n ["); gsub(/\},\{/, "},\n {"); print }' "$folder/reply"
    echo
    [ "$status" = 200 ] || { echo "expected status 200, got $status" >&2; exit 1; }
}

# numbers KEY: the arrays of numbers under KEY in the reply, a row a line.
numbers() {
    awk -v key="\"$1\":" '{
        while ((at = index($0, key)) > 0) {
            $0 = substr($0, at + length(key))
            rows = substr($0, 1, index($0, substr($0, 1, 2) == "[[" ? "]]" : "]"))
            gsub(/\],\[/, "\n", rows)
            gsub(/[][]/, "", rows)
            gsub(/,/, " ", rows)
            print rows
        }
    }' "$folder/reply"
}

# compare FILE: the three vectors in FILE against each other.
compare() {
    awk '
    { for (j = 1; j <= NF; j++) v[NR, j] = $j }
    function show(name, a, b,    j, d, ab, aa, bb) {
        for (j = 1; j <= NF; j++) {
            d += (v[a, j] - v[b, j]) ^ 2
            ab += v[a, j] * v[b, j]; aa += v[a, j] ^ 2; bb += v[b, j] ^ 2
        }
        printf "%s   distance %.4f   cosine %.4f\n", name, sqrt(d), ab / sqrt(aa * bb)
    }
    END { show("我爱吃饭 - 他爱吃饭", 1, 2); show("我爱吃饭 - 你爱吃饭", 1, 3); show("他爱吃饭 - 你爱吃饭", 2, 3) }
    ' "$1"
    echo
}

# multiply X W Y: shows the matrix product of the files X and W; fails where it is not the file Y.
multiply() {
    echo "X·W ="
    awk -v W="$2" -v Y="$3" '
    BEGIN { while ((getline line < W) > 0) { n++; D = split(line, w); for (j = 1; j <= D; j++) table[n, j] = w[j] } }
    {
        getline line < Y; split(line, y)
        if (NF != n) different = 1
        for (j = 1; j <= D; j++) {
            sum = 0
            for (i = 1; i <= n; i++) sum += $i * table[i, j]
            if (sum != y[j]) different = 1
            printf "%s%s", sum, j < D ? " " : "\n"
        }
    }
    END { print different ? "not the rows of the look-up" : "equal to the rows of the look-up, number by number"; exit different }
    ' "$1"
    echo
}

case $# in
0)
    start w6x2
    W2=$url
    start w6x8 --heads "$here/heads"
    W8=$url
    ;;
2)
    W2=${1%/} W8=${2%/}
    ;;
*)
    echo "usage: chain.sh [URL_OF_W6X2 URL_OF_W6X8]" >&2
    exit 2
    ;;
esac
echo "W2=$W2 W8=$W8" >&2

three='"我爱吃饭", "他爱吃饭", "你爱吃饭"'

explain '== 1. Which tokens is the text made of?' \
    '      文本由哪些词元组成？'
ask W8 /tokenize '{"inputs": "我爱吃饭"}'

explain '== 2. Told apart within this one sentence only: what is each token? The 4x4 identity.' \
    '      只看这一句话，怎样区分每个词元？4×4 单位矩阵。'
ask W8 /v1/onehot '{"text": "我爱吃饭", "vocabulary": "input"}'

explain '== 3. And among all 6 tokens of the dictionary? 4x6, and most of it zeros.' \
    '      放到整本 6 个词的字典里呢？4×6 的独热矩阵，大部分是零。'
ask W8 /v1/onehot '{"text": "我爱吃饭"}'
numbers rows >"$folder/X"

explain '== 4. So only the place of the 1 matters: one number a token, its id. And back.' \
    '      有用的只是 1 所在的列：每个词元一个编号。编号也能变回文字。'
ask W8 /v1/ids "{\"text\": [$three]}"
numbers ids >"$folder/ids"
ask W8 /decode '{"ids": [[1,2,3,5], [0,2,3,5], [4,2,3,5]]}'

explain '== 5. How alike are the three sentences as lists of ids?' \
    '      把编号当作普通数字，三句话有多相似？'
compare "$folder/ids"

explain '== 6. And as one-hot vectors, the four of a sentence added up?' \
    '      换成独热向量，一句话的四个相加呢？'
ask W8 /v1/onehot "{\"text\": [$three], \"format\": \"sparse\"}"
numbers columns | awk '{ split("", sum); for (i = 1; i <= NF; i++) sum[$i]++
    for (j = 0; j < 6; j++) printf "%d%s", sum[j], j < 5 ? " " : "\n" }' >"$folder/counts"
compare "$folder/counts"

explain '== 7. What is W? A row a token; 6x2 makes less of the one-hot row, 6x8 makes more of the id.' \
    '      W 是什么？每个词元一行；6×2 压缩独热向量，6×8 把一个编号展开成 8 个数。'
ask W2 /v1/lookup '{"ids": [0,1,2,3,4,5]}'
numbers rows >"$folder/W2"
ask W8 /v1/lookup '{"ids": [0,1,2,3,4,5]}'
numbers rows >"$folder/W8"

explain '== 8. Reduction: Y = X·W with W 6x2. Looked up by the program, then multiplied out here.' \
    '      降维：W 为 6×2，Y = X·W。程序直接查表，这里再用矩阵乘法验算。'
ask W2 /v1/lookup '{"text": "我爱吃饭"}'
numbers rows >"$folder/Y2"
multiply "$folder/X" "$folder/W2" "$folder/Y2"

explain '== 9. Expansion: the same with W 6x8.' \
    '      升维：W 换成 6×8，同样计算。'
ask W8 /v1/lookup '{"text": "我爱吃饭"}'
numbers rows >"$folder/Y8"
multiply "$folder/X" "$folder/W8" "$folder/Y8"

explain '== 10. One vector a sentence: the mean of its four rows, 1x8.' \
    '       一句话一个向量：四行取平均，1×8。'
ask W8 /v1/embeddings "{\"input\": [$three], \"encoding_format\": \"float\"}"
numbers embedding >"$folder/pooled"

explain '== 11. How alike are the three sentences now?' \
    '       现在三句话有多相似？'
compare "$folder/pooled"

# weigh NAME COLUMN:WEIGHT BIAS: y = w·x + b of each sentence, where w has this one number only.
weigh() {
    awk -v name="$1" -v column="${2%:*}" -v weight="${2#*:}" -v bias="$3" '
    BEGIN { split("我爱吃饭 他爱吃饭 你爱吃饭", text, " ") }
    { printf "%s   %s: %s · %s + %s = %.4g\n", text[NR], name, weight, $column, bias, weight * $column + bias }
    ' "$folder/pooled"
}

explain '== 12. Two classes: y = w·x + b, and a threshold. Is the sentence about the one who speaks?' \
    '       两类：y = w·x + b，再加一个阈值。这句话说的是说话人自己吗？'
weigh y 2:4 0.4
echo
ask W8 /v1/classify "{\"text\": [$three], \"head\": \"about-me\"}"

explain '== 13. Three classes: three y, and the largest wins (argmax). Who eats?' \
    '       三类：算三个 y，取最大的一个（argmax）。谁在吃？'
weigh you 3:6.4 0.1
weigh he 3:-8 0.4
weigh I 2:4 0.4
echo
ask W8 /v1/classify "{\"text\": [$three], \"head\": \"who\"}"
