/* SPDX-License-Identifier: MIT
 *
 * Configuration files. Each setting must be a text on a line of the file; a file with a complaint
 * must be refused.
 */
#include "fuzz.h"

#include "base/config.h"
#include "base/log.h"

#include <string.h>

struct seen {
    size_t bytes;
    int line;
};

static bool see(void *context, const struct config_setting *setting)
{
    struct seen *seen = context;
    must(strcmp(setting->file, "fuzz.conf") == 0);
    must(setting->line > seen->line); /* one setting a line, in order */
    must(setting->section_line <= setting->line);
    seen->line = setting->line;
    seen->bytes += strlen(setting->section) + strlen(setting->name) + strlen(setting->value);
    return strcmp(setting->name, "refuse") != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_setup("fuzz_config", (enum log_level) - 1);
    if (size == 0)
        return 0;
    FILE *stream = fmemopen((void *)(uintptr_t)data, size, "r");
    must(stream != NULL);
    struct seen seen = {0, 0};
    struct config_complaints complaints = {.count = 0};
    err_t err = config_read(stream, "fuzz.conf", see, &seen, &complaints);
    (void)fclose(stream);
    must((err == ERR_OK) == (complaints.count == 0));
    must((complaints.count == 0) == (complaints.first[0] == '\0'));
    must(seen.bytes <= 3 * 200 * (size + 1));
    return 0;
}
