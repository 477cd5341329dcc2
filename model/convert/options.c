/* SPDX-License-Identifier: Apache-2.0 */
#include "model/convert/options.h"

#include <stddef.h>

bool convert_goes_on(const struct convert_options *options, uint64_t done, uint64_t all,
                     const char *what, struct err *err)
{
    return !options->tell || options->tell(options->user, done, all, what) ||
           err_set(err, ERR_IO, NULL, "interrupted; nothing was written");
}
