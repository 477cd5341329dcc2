/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file notify.h
 * Tells systemd how far the service is (sd_notify(3)), where NOTIFY_SOCKET says that it wants to
 * know. Any thread, while none changes the environment.
 */
#pragma once

/** notify_ready: it answers; also after notify_reloading. Says as well that this process is the one
 * to watch: after a handover it is another. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
