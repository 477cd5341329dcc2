/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in models, packed (make does it), each on pages of its own; for each a `const struct
   span` (model/bundle/source.h) that builtin.c lists. Paths are from the top folder, where make runs. */

        .macro linked_file name, path
        .section .rodata.builtin, "a", %progbits
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

        linked_file builtin_base_2, "build/builtin/embedd-base-2.safetensors"

        .section .note.GNU-stack, "", %progbits
#ifdef __CET__ /* it has no code, so none that indirect jumps could misuse */
#include <cet.h>
#endif
