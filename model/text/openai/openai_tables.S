/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of openai_ids.c as their script wrote them (make openai-ids), each on pages of its own; for
   each a `const struct span` (base/span.h). Paths are from the top folder, where make runs. */

        .macro linked_table name, path
        .section .rodata.openai, "a", %progbits
        .balign 4096
.Lbegin_\name:
        .incbin "\path"
.Lend_\name:
        .section .data.rel.ro, "aw", %progbits
        .balign 8
        .globl \name
        .hidden \name
        .type \name, %object
        .size \name, 16
\name:
        .quad .Lbegin_\name, .Lend_\name - .Lbegin_\name
        .endm

        linked_table openai_cl100k_table, "model/text/openai/cl100k_base.pairs"
        linked_table openai_o200k_table, "model/text/openai/o200k_base.pairs"

        .section .note.GNU-stack, "", %progbits
#ifdef __CET__ /* it has no code, so none that indirect jumps could misuse */
#include <cet.h>
#endif
