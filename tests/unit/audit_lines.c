/* SPDX-License-Identifier: MIT
 *
 * Audit logs, read back.
 */
#include "audit_lines.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct audit_lines audit_lines_of(char *text)
{
    struct audit_lines lines = {.text = text, .lines = calloc(AUDIT_LINES_MAX, sizeof(char *))};
    size_t len = strlen(text);
    if (lines.lines == NULL)
        abort();
    lines.whole = len > 0 && text[len - 1] == '\n';
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (lines.count == AUDIT_LINES_MAX)
            abort();
        lines.lines[lines.count++] = line;
    }
    return lines;
}

void audit_lines_free(struct audit_lines *lines)
{
    free(lines->lines);
    free(lines->text);
}

/* The chain value behind this line, as it should be; false where the line has not this one. */
static bool chain_on(const char *line, uint8_t chain[AUDIT_CHAIN_SIZE])
{
    const char *mark = strstr(line, " chain=");
    if (mark == NULL)
        return false;
    size_t len = (size_t)(mark - line);
    uint8_t *joined = malloc(AUDIT_CHAIN_SIZE + len);
    char hex[2 * AUDIT_CHAIN_SIZE + 1];
    size_t size = 0;
    if (joined == NULL)
        abort();
    memcpy(joined, chain, AUDIT_CHAIN_SIZE);
    memcpy(joined + AUDIT_CHAIN_SIZE, line, len);
    bool done =
        EVP_Q_digest(NULL, "SHA256", NULL, joined, AUDIT_CHAIN_SIZE + len, chain, &size) == 1;
    free(joined);
    for (size_t i = 0; i < AUDIT_CHAIN_SIZE; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", chain[i]);
    return done && strcmp(mark + strlen(" chain="), hex) == 0;
}

bool audit_chain_holds(const struct audit_lines *lines)
{
    uint8_t chain[AUDIT_CHAIN_SIZE] = {0};
    for (size_t i = 0; i < lines->count; i++)
        if (!chain_on(lines->lines[i], chain) || strtoul(lines->lines[i], NULL, 10) != i + 1)
            return false;
    return lines->whole;
}

size_t audit_lines_with(const struct audit_lines *lines, const char *text)
{
    size_t count = 0;
    for (size_t i = 0; i < lines->count; i++)
        count += strstr(lines->lines[i], text) != NULL;
    return count;
}
