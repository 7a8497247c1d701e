/* SPDX-License-Identifier: MIT
 *
 * The worker's reading of a client PIN that was set: what is taken is written and read the same,
 * and no record keeps the worker hashing for long.
 */
#include "fuzz.h"

#include "scratch.h"
#include "signerd/pin_record.h"

#include <string.h>

enum { ROUNDS_MOST = 10000000, SIZE = 4 + 4 + 4 + PIN_RECORD_SALT + 2 * PIN_RECORD_HASH };

static struct scratch scratch;

static void end_scratch(void)
{
    scratch_remove(&scratch);
}

static void set_up(void)
{
    static int done;
    if (done)
        return;
    done = 1;
    scratch_make(&scratch);
    must(atexit(end_scratch) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pin_record record;
    struct pin_record again;
    set_up();
    if (pin_record_parse(span_of(data, size), &record) != ERR_OK)
        return 0;
    must(size == SIZE && record.rounds > 0 && record.rounds <= ROUNDS_MOST);
    must(pin_record_write(scratch.fd, &record) == ERR_OK);
    must(pin_record_read(scratch.fd, &again) == ERR_OK);
    must(memcmp(&record, &again, sizeof record) == 0);
    return 0;
}
