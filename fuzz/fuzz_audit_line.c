/* SPDX-License-Identifier: MIT
 *
 * signerctl's reading of audit logs: a line that is taken as whole says what stands in it, and a
 * log gives the same findings in whatever parts it comes.
 */
#include "fuzz.h"

#include "signerctl/audit_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void count(void *context, const struct audit_finding *finding)
{
    uint64_t *sum = context;
    must(finding->line > 0 && finding->what != NULL);
    *sum = *sum * 31 + finding->line * 16 + (uint64_t)finding->kind;
}

static uint64_t check(const uint8_t *data, size_t size, size_t part)
{
    struct audit_check *check = NULL;
    struct audit_summary summary;
    uint64_t sum = 0;
    must(audit_check_new(count, &sum, NULL, &check) == ERR_OK);
    audit_check_file(check, "audit");
    for (size_t at = 0; at < size; at += part)
        audit_check_bytes(check, span_of(data + at, size - at < part ? size - at : part));
    audit_check_file_end(check);
    must(audit_check_end(check, &summary) == ERR_OK);
    must(summary.breaks > 0 || summary.lines == 0 || summary.last.number >= summary.first.number);
    audit_check_free(check);
    return sum;
}

static void check_line(struct span text)
{
    struct audit_line line;
    char number[24];
    if (audit_line_parse(text, &line) != AUDIT_SHAPE_WHOLE)
        return;
    must(line.hashed.ptr == text.ptr && line.hashed.len + 7 + 64 == text.len);
    const int len = snprintf(number, sizeof number, "%" PRIu64 " ", line.number);
    must(len > 0 && memcmp(number, text.ptr, (size_t)len) == 0);
    must(line.time.ptr == text.ptr + len && line.time.len == AUDIT_TIME_LEN);
    must(line.rest.len > 0 && line.rest.ptr + line.rest.len == line.hashed.ptr + line.hashed.len);
    for (size_t i = 0; i < AUDIT_CHAIN_BYTES; i++) {
        char digits[3];
        (void)snprintf(digits, sizeof digits, "%02x", line.chain[i]);
        must(memcmp(digits, text.ptr + text.len - 64 + 2 * i, 2) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const uint8_t *newline = memchr(data, '\n', size);
    check_line(span_of(data, newline != NULL ? (size_t)(newline - data) : size));
    must(check(data, size, size) == check(data, size, 1 + size % 61));
    return 0;
}
