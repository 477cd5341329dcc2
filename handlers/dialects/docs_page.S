/* SPDX-License-Identifier: Apache-2.0 */
/* handlers/dialects/docs.html, from docs_page to docs_page_end (openapi.c). Paths are from the top
   folder, where make runs. */

        .section .rodata
        .globl docs_page
        .hidden docs_page
        .globl docs_page_end
        .hidden docs_page_end
        .type docs_page, %object
docs_page:
        .incbin "handlers/dialects/docs.html"
docs_page_end:
        .size docs_page, . - docs_page

        .section .note.GNU-stack, "", %progbits
#ifdef __CET__ /* it has no code, so none that indirect jumps could misuse */
#include <cet.h>
#endif
