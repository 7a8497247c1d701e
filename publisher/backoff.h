/* SPDX-License-Identifier: MIT
 *
 * How long to wait before the next try: random, growing with each failure, so that a thousand
 * devices do not come back in the same second.
 */
#ifndef PUBLISHER_BACKOFF_H
#define PUBLISHER_BACKOFF_H

enum { BACKOFF_LEAST_MS = 100, BACKOFF_FIRST_MS = 500, BACKOFF_MOST_MS = 60000 };

struct backoff {
    unsigned failures;
};

/* One more failure: milliseconds, drawn evenly from BACKOFF_LEAST_MS to a bound that doubles from
 * BACKOFF_FIRST_MS to BACKOFF_MOST_MS. */
int backoff_next_ms(struct backoff *backoff);
void backoff_reset(struct backoff *backoff); /* after a success */

#endif
