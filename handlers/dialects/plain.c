/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/dialects/plain.h"

#include "handlers/write.h"

void plain_write_error(struct exchange *x, struct failure *failure, struct buf *out)
{
    (void)x;
    buf_add_str(out, "{\"error\":");
    write_string(out, failure->err->message);
    buf_add_char(out, '}');
}
