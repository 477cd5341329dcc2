/* SPDX-License-Identifier: Apache-2.0 */
/* commands/report.html as a C string, `report_page` (report_html.c). Paths are from the top folder,
   where make runs. */

        .section .rodata
        .globl report_page
        .hidden report_page
        .type report_page, %object
report_page:
        .incbin "commands/report.html"
        .byte 0
        .size report_page, . - report_page

        .section .note.GNU-stack, "", %progbits
#ifdef __CET__ /* it has no code, so none that indirect jumps could misuse */
#include <cet.h>
#endif
