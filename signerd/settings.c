/* SPDX-License-Identifier: MIT
 *
 * signerd.conf as tables: sections, their keys, and how each value is read. Run by the parent (and
 * by `signerd --check`), which holds no key and no PIN.
 */
#include "settings_value.h"

#include "wire/spin.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* ---- sections ---- */

#define IN(type, member) offsetof(struct type, member)

static const struct key_row daemon_keys[] = {
    {"state-dir", value_path, IN(settings, state_dir), 0, SETTINGS_TEXT_MAX, false},
};
static const struct key_row device_keys[] = {
    {"driver", value_text, IN(device_settings, driver), 0, SETTINGS_NAME_MAX, false},
    {"module", value_path, IN(device_settings, module), 0, SETTINGS_TEXT_MAX, false},
    {"token", value_text, IN(device_settings, token), 0, SETTINGS_TOKEN_MAX, false},
    {"pin-file", value_path, IN(device_settings, pin_file), 0, SETTINGS_TEXT_MAX, false},
    {"client-pin", value_path_or_none, IN(device_settings, client_pin), 0, SETTINGS_TEXT_MAX,
        false},
    {"user", value_text, IN(device_settings, user), 0, SETTINGS_NAME_MAX, false},
    {"environment", value_environment, 0, 0, 0, true},
    {"spin", value_spin, IN(device_settings, spin), 0, 0, false},
    {"lock-memory", value_lock_memory, IN(device_settings, lock_memory_required), 0, 0, false},
    {"call-timeout", value_number, IN(device_settings, call_timeout_s), 1, 3600, false},
    {"max-connections", value_number, IN(device_settings, max_connections), 1, 100000, false},
    {"max-session-objects", value_number, IN(device_settings, max_session_objects), 0, 100000,
        false},
    {"audit-file-size", value_number, IN(device_settings, audit_file_mib), 1, 4096, false},
    {"audit-files", value_number, IN(device_settings, audit_files), 1, 10000, false},
};
static const struct key_row rule_keys[] = {
    {"device", value_text, IN(rule_settings, device), 0, SETTINGS_NAME_MAX, false},
    {"user", value_users, IN(rule_settings, rule), 0, 0, false},
    {"group", value_groups, IN(rule_settings, rule), 0, 0, false},
    {"key", value_key, IN(rule_settings, rule), 0, 0, false},
    {"operations", value_operations, IN(rule_settings, rule), 0, 0, false},
};

static void *new_device(
    struct reading *reading, const struct config_setting *setting, const char *name);
static void *new_rule(
    struct reading *reading, const struct config_setting *setting, const char *name);
static void *the_daemon(
    struct reading *reading, const struct config_setting *setting, const char *name);

static const struct section_row {
    const char *kind;
    bool named;
    void *(*begin)(struct reading *reading, const struct config_setting *setting, const char *name);
    const struct key_row *keys;
    size_t count;
} sections[] = {
    {"daemon", false, the_daemon, daemon_keys, sizeof daemon_keys / sizeof daemon_keys[0]},
    {"device", true, new_device, device_keys, sizeof device_keys / sizeof device_keys[0]},
    {"allow", true, new_rule, rule_keys, sizeof rule_keys / sizeof rule_keys[0]},
    {"deny", true, new_rule, rule_keys, sizeof rule_keys / sizeof rule_keys[0]},
};

/* The row of a section header's text, "kind" or "kind name"; NULL where there is none such. */
static const struct section_row *section_find(const char *section, const char **ret_name)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        size_t len = strlen(sections[i].kind);
        if (strncmp(section, sections[i].kind, len) != 0)
            continue;
        const char *name = section + len + strspn(section + len, " \t");
        bool named = name != section + len && *name != '\0';
        if (named == sections[i].named && (named || *name == '\0')) {
            *ret_name = name;
            return &sections[i];
        }
    }
    return NULL;
}

static const struct key_row *row_find(
    const struct section_row *section, const struct config_setting *setting)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->keys[i].name, setting->name) == 0)
            return &section->keys[i];
    return NULL;
}

static void *the_daemon(
    struct reading *reading, const struct config_setting *setting, const char *name)
{
    (void)setting;
    (void)name;
    return reading->settings;
}

/* Names become file names: letters, digits, '-', '_' and '.', not first. */
static bool name_is_fit(const char *name)
{
    static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return name[0] != '.' && strlen(name) < SETTINGS_NAME_MAX && name[strspn(name, fit)] == '\0';
}

static void *new_device(
    struct reading *reading, const struct config_setting *setting, const char *name)
{
    struct settings *settings = reading->settings;
    if (!name_is_fit(name) || settings->device_count == SETTINGS_DEVICES_MAX) {
        config_complain(&reading->complaints, setting->file, setting->section_line,
            "[%s]: a device's name begins with no '.' and has at most %d of letters, digits, '-', "
            "'_', '.' (at most %d "
            "devices)",
            setting->section, SETTINGS_NAME_MAX - 1, SETTINGS_DEVICES_MAX);
        return NULL;
    }
    for (size_t i = 0; i < settings->device_count; i++) {
        if (strcmp(settings->devices[i].name, name) == 0) {
            config_complain(&reading->complaints, setting->file, setting->section_line,
                "[%s] stands at %s:%d already", setting->section, settings->devices[i].file,
                settings->devices[i].line);
            return NULL;
        }
    }
    struct device_settings *device = &settings->devices[settings->device_count++];
    *device = (struct device_settings){.spin = SPIN_AUTO,
        .lock_memory_required = true,
        .call_timeout_s = 60,
        .max_connections = 512,
        .max_session_objects = 256,
        .audit_file_mib = 64,
        .audit_files = 16,
        .line = setting->section_line};
    (void)snprintf(device->name, sizeof device->name, "%s", name);
    (void)snprintf(device->file, sizeof device->file, "%s", setting->file);
    return device;
}

static void *new_rule(
    struct reading *reading, const struct config_setting *setting, const char *name)
{
    struct settings *settings = reading->settings;
    if (settings->rule_count == SETTINGS_RULES_MAX) {
        config_complain(&reading->complaints, setting->file, setting->section_line,
            "more than %d rules", SETTINGS_RULES_MAX);
        return NULL;
    }
    struct rule_settings *rule = &settings->rules[settings->rule_count++];
    *rule = (struct rule_settings){.rule = {.allow = setting->section[0] == 'a', .any_user = true},
        .line = setting->section_line};
    (void)snprintf(rule->name, sizeof rule->name, "%s", name);
    (void)snprintf(rule->file, sizeof rule->file, "%s", setting->file);
    (void)snprintf(
        rule->rule.where, sizeof rule->rule.where, "%s:%d", setting->file, setting->section_line);
    return rule;
}

/* ---- files ---- */

static bool enter_section(struct reading *reading, const struct config_setting *setting,
    const struct section_row *section, const char *name)
{
    if (reading->section_line == setting->section_line)
        return reading->section != NULL;
    reading->section_line = setting->section_line;
    reading->seen_keys = 0;
    reading->section = section->begin(reading, setting, name);
    return reading->section != NULL;
}

static bool one_setting(void *context, const struct config_setting *setting)
{
    struct reading *reading = context;
    const char *name;
    const struct section_row *section = section_find(setting->section, &name);
    if (setting->section[0] == '\0') {
        config_complain(&reading->complaints, setting->file, setting->line,
            "%s = %s stands above the first [section]", setting->name, setting->value);
        return false;
    }
    if (section == NULL) {
        config_complain(&reading->complaints, setting->file, setting->line,
            "[%s]: the sections are [daemon], [device NAME], [allow NAME] and [deny NAME]",
            setting->section);
        return false;
    }
    if (!enter_section(reading, setting, section, name))
        return false;
    const struct key_row *row = row_find(section, setting);
    if (row == NULL) {
        config_complain(&reading->complaints, setting->file, setting->line,
            "'%s' is no key of [%s]; signerd.conf(5) lists them", setting->name, section->kind);
        return false;
    }
    uint64_t bit = UINT64_C(1) << (row - section->keys);
    if ((reading->seen_keys & bit) && !row->repeats)
        return settings_complain(reading, setting, "is given twice in this section");
    reading->seen_keys |= bit;
    return row->read(reading, setting, row, (char *)reading->section + row->offset);
}

static void check_device(struct reading *reading, const struct device_settings *device)
{
    const struct {
        const char *name;
        const char *value;
    } needed[] = {{"driver", device->driver}, {"module", device->module}, {"token", device->token}};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (needed[i].value[0] == '\0')
            config_complain(&reading->complaints, device->file, device->line,
                "[device %s] lacks '%s'", device->name, needed[i].name);
    if (device->driver[0] != '\0' && strcmp(device->driver, "pkcs11") != 0)
        config_complain(&reading->complaints, device->file, device->line,
            "[device %s]: driver = %s: this build has only 'pkcs11'", device->name, device->driver);
    if (device->user[0] != '\0' && getpwnam(device->user) == NULL)
        config_complain(&reading->complaints, device->file, device->line,
            "[device %s]: user = %s: there is no such user", device->name, device->user);
}

static void check_rule(struct reading *reading, const struct rule_settings *rule)
{
    const struct settings *settings = reading->settings;
    bool known = rule->device[0] == '\0';
    for (size_t i = 0; i < settings->device_count; i++)
        known = known || strcmp(settings->devices[i].name, rule->device) == 0;
    if (!known)
        config_complain(&reading->complaints, rule->file, rule->line,
            "[%s %s]: device = %s: there is no [device %s]", rule->rule.allow ? "allow" : "deny",
            rule->name, rule->device, rule->device);
    if (rule->rule.verbs == 0)
        config_complain(&reading->complaints, rule->file, rule->line, "[%s %s] lacks 'operations'",
            rule->rule.allow ? "allow" : "deny", rule->name);
}

static void read_file(struct reading *reading, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    FILE *stream = fopen(path, "re");
    if (stream == NULL) {
        config_complain(&reading->complaints, path, 0, "cannot be opened: %s", strerror(errno));
        return;
    }
    reading->section_line = -1;
    (void)config_read(stream, file, one_setting, reading, &reading->complaints);
    (void)fclose(stream);
}

static int is_conf(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".conf") == 0;
}

static void read_drop_ins(struct reading *reading, const char *path)
{
    char directory[PATH_MAX];
    char file[PATH_MAX + NAME_MAX + 2];
    struct dirent **entries = NULL;
    (void)snprintf(directory, sizeof directory, "%s.d", path);
    int count = scandir(directory, &entries, is_conf, alphasort);
    if (count < 0 && errno != ENOENT) /* a rule in there must not be lost */
        config_complain(&reading->complaints, directory, 0, "cannot be read: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        (void)snprintf(file, sizeof file, "%s/%s", directory, entries[i]->d_name);
        read_file(reading, file);
        free(entries[i]);
    }
    free(entries);
}

err_t settings_read(const char *path, struct settings **ret_settings)
{
    struct settings *settings = calloc(1, sizeof *settings);
    if (settings == NULL)
        return ERR_MEMORY;
    (void)snprintf(settings->state_dir, sizeof settings->state_dir, "%s", SIGNERD_STATE_DIR);

    struct reading reading = {.settings = settings};
    read_file(&reading, path);
    read_drop_ins(&reading, path);
    for (size_t i = 0; i < settings->device_count; i++) {
        memcpy(settings->devices[i].state_dir, settings->state_dir, sizeof settings->state_dir);
        check_device(&reading, &settings->devices[i]);
    }
    for (size_t i = 0; i < settings->rule_count; i++)
        check_rule(&reading, &settings->rules[i]);
    if (reading.complaints.count == 0 && settings->device_count == 0)
        config_complain(&reading.complaints, path, 0, "has no [device NAME]");
    if (reading.complaints.count > 0) {
        settings_free(settings);
        return ERR_CONFIG;
    }
    *ret_settings = settings;
    return ERR_OK;
}

void settings_free(struct settings *settings)
{
    free(settings);
}

bool settings_same_device(const struct device_settings *a, const struct device_settings *b)
{
    bool same =
        strcmp(a->name, b->name) == 0 && strcmp(a->driver, b->driver) == 0 &&
        strcmp(a->module, b->module) == 0 && strcmp(a->token, b->token) == 0 &&
        strcmp(a->pin_file, b->pin_file) == 0 && strcmp(a->client_pin, b->client_pin) == 0 &&
        strcmp(a->user, b->user) == 0 && strcmp(a->state_dir, b->state_dir) == 0 &&
        a->spin == b->spin && a->lock_memory_required == b->lock_memory_required &&
        a->call_timeout_s == b->call_timeout_s && a->max_connections == b->max_connections &&
        a->max_session_objects == b->max_session_objects &&
        a->audit_file_mib == b->audit_file_mib && a->audit_files == b->audit_files &&
        a->environment_count == b->environment_count;
    for (size_t i = 0; same && i < a->environment_count; i++)
        same = strcmp(a->environment[i], b->environment[i]) == 0;
    return same;
}
