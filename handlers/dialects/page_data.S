/* SPDX-License-Identifier: Apache-2.0 */
/* Written by web/build.py: the page that page.c sends. Paths are from the top folder, where make
   runs. */

        .section .rodata
        .globl page_policy, page_tag, page_data, page_data_end
        .hidden page_policy, page_tag, page_data, page_data_end
        .type page_policy, %object
page_policy:
        .asciz "default-src 'self'; img-src 'self' data:; script-src 'sha256-IatHGrMzvzS/ImOQr9rIIJn+2EcnCBVndhCc24pKup4='; style-src 'sha256-T/fyoV1AAjA6QX/vqLZfjLxlgsiIfPaSoJR2sG6YO3U='; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        .size page_policy, . - page_policy
        .type page_tag, %object
page_tag:
        .asciz "W/\"3be094cc38747380\""
        .size page_tag, . - page_tag
        .type page_data, %object
page_data:
        .incbin "handlers/dialects/page.gz"
page_data_end:
        .size page_data, . - page_data

        .section .note.GNU-stack, "", %progbits
#ifdef __CET__ /* it has no code, so none that indirect jumps could misuse */
#include <cet.h>
#endif
