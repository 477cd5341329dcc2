/* SPDX-License-Identifier: Apache-2.0 */
#include "handlers/turns.h"

#include "base/clock.h"

#include <sched.h>

/* Some times as long as a small request takes. */
#define TURN_NS 80000u
/* Where others have all to do that they can, a turn of theirs takes milliseconds, and who lends the
   core each time is left with 15 % of it (measured on Linux 6.18): so it is lent up to a bound. */
#define LENT_NS_MAX 3000000u

/* Of the worker whose thread this is. */
static _Thread_local uint64_t turn_start_ns, lent_ns;

void turn_end(uint64_t now_ns)
{
    const uint64_t ran_ns = now_ns - turn_start_ns;
    if (ran_ns < TURN_NS) return;
    turn_start_ns = now_ns;
    lent_ns = lent_ns > ran_ns ? lent_ns - ran_ns : 0;
    if (lent_ns > LENT_NS_MAX) return;
    sched_yield();
    turn_start_ns = clock_now_ns();
    lent_ns += turn_start_ns - now_ns;
}
