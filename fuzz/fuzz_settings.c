/* SPDX-License-Identifier: MIT
 *
 * signerd.conf, whole. Either the file is fine, and then what it says is within all limits, or
 * there is a complaint with file and line. Complaints are counted in place of the log (linked with
 * --wrap=log_line).
 */
#include "fuzz.h"

#include "base/log.h"
#include "signerd/settings.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void __wrap_log_line(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static unsigned complaints;

void __wrap_log_line(enum log_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    must(level == LOG_LEVEL_ERROR && strchr(text, ':') != NULL);
    complaints++;
}

static void check_device(const struct device_settings *device)
{
    must(device->name[0] != '\0' && device->name[0] != '.' && strchr(device->name, '/') == NULL);
    must(device->module[0] == '/' && device->token[0] != '\0');
    must(device->environment_count <= SETTINGS_ENVIRONMENT_MAX);
    must(device->call_timeout_s >= 1 && device->max_connections >= 1);
    must(device->audit_file_mib >= 1 && device->audit_files >= 1);
    for (size_t i = 0; i < device->environment_count; i++)
        must(strncmp(device->environment[i], "LD_", 3) != 0);
}

static void check_rule(const struct policy_rule *rule)
{
    must(rule->verbs != 0 && (rule->verbs & ~(uint32_t)VERB_ALL) == 0);
    must(rule->user_count <= POLICY_LIST_MAX && rule->group_count <= POLICY_LIST_MAX);
    must(rule->any_user == (rule->user_count + rule->group_count == 0));
    must(rule->label_len <= POLICY_TEXT_MAX && rule->id_len <= POLICY_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct settings *settings;
    int fd = memfd_create("fuzz.conf", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    complaints = 0;
    err_t err = settings_read(path, &settings);
    (void)close(fd);
    must((err == ERR_OK) == (complaints == 0));
    if (err != ERR_OK)
        return 0;
    for (size_t i = 0; i < settings->device_count; i++)
        check_device(&settings->devices[i]);
    for (size_t i = 0; i < settings->rule_count; i++)
        check_rule(&settings->rules[i].rule);
    settings_free(settings);
    return 0;
}
