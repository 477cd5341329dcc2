/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the built-in models, byte for byte, each on pages of its own; for each a
   `const struct span` (model/source.h) that builtin.c lists. Paths are from the top folder, where
   make runs. */

        .macro linked_file name, path
        .section .rodata.builtin, "a", %progbits
        .balign 4096
.Lbegin_\name:
        .incbin "\path"
.Lend_\name:
        .section .data.rel.ro, "aw", %progbits
        .balign 8
        .globl \name
        .type \name, %object
        .size \name, 16
\name:
        .quad .Lbegin_\name, .Lend_\name - .Lbegin_\name
        .endm

        linked_file builtin_base_1_weights, "model/builtin/embedd-base-1/model.safetensors"
        linked_file builtin_base_1_config, "model/builtin/embedd-base-1/config.json"
        linked_file builtin_base_1_tokenizer, "model/builtin/embedd-base-1/tokenizer.json"

        .section .note.GNU-stack, "", %progbits
