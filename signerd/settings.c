/* SPDX-License-Identifier: MIT
 *
 * signerd.conf as tables: sections, their keys, and how each value is read. Run by the parent (and by
 * `signerd --check`), which holds no key and no PIN.
 */
#include "settings.h"

#include "wire/attribute.h"
#include "wire/spin.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* What is being read: one for all files of one settings_read. */
struct reading {
    struct settings *settings;
    struct config_complaints complaints;
    int section_line;   /* of the section that the last setting of this file stood in; -1: none yet */
    void *section;      /* the device or rule it describes; NULL for [daemon] */
    uint64_t seen_keys; /* rows of the section's table that were given already */
};

struct key_row;
typedef bool key_reader(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target);

struct key_row {
    const char *name;
    key_reader *read;
    size_t offset;  /* of the target in the section's struct */
    uint32_t least; /* of a number */
    uint32_t most;  /* of a number, or the size of a text */
    bool repeats;
};

static bool complain(struct reading *reading, const struct config_setting *setting, const char *what)
{
    config_complain(&reading->complaints, setting->file, setting->line, "%s = %s: %s", setting->name,
        setting->value, what);
    return false;
}

/* ---- values ---- */

static bool read_number(
    struct reading *reading, const struct config_setting *setting, uint32_t least, uint32_t most, uint32_t *ret)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(setting->value, &end, 10);
    if (!isdigit((unsigned char)setting->value[0]) || *end != '\0' || errno != 0 || value < least ||
        value > most) {
        char what[80];
        (void)snprintf(what, sizeof what, "must be a number from %u to %u", least, most);
        return complain(reading, setting, what);
    }
    *ret = (uint32_t)value;
    return true;
}

static bool copy_text(
    struct reading *reading, const struct config_setting *setting, char *text, size_t size)
{
    if (setting->value[0] == '\0')
        return complain(reading, setting, "is empty");
    if (strlen(setting->value) >= size)
        return complain(reading, setting, "is too long");
    memcpy(text, setting->value, strlen(setting->value) + 1);
    return true;
}

static bool read_text(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    return copy_text(reading, setting, target, row->most);
}

static bool read_path(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    if (setting->value[0] != '/')
        return complain(reading, setting, "must be an absolute path");
    return read_text(reading, setting, row, target);
}

static bool read_path_or_none(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    if (strcmp(setting->value, "none") == 0)
        return true;
    return read_path(reading, setting, row, target);
}

static bool read_u32(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    return read_number(reading, setting, row->least, row->most, target);
}

static bool read_spin(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    int *spin = target;
    uint32_t us;
    if (strcmp(setting->value, "auto") == 0 || strcmp(setting->value, "off") == 0) {
        *spin = setting->value[0] == 'a' ? SPIN_AUTO : SPIN_OFF;
        return true;
    }
    if (!read_number(reading, setting, 1, 1000, &us))
        return false;
    *spin = (int)us;
    return true;
}

static bool read_lock_memory(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    if (strcmp(setting->value, "required") != 0 && strcmp(setting->value, "try") != 0)
        return complain(reading, setting, "must be 'required' or 'try'");
    *(bool *)target = setting->value[0] == 'r';
    return true;
}

static bool read_environment(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    struct device_settings *device = target;
    const char *equals = strchr(setting->value, '=');
    if (equals == NULL || equals == setting->value)
        return complain(reading, setting, "must be NAME=VALUE");
    if (strncmp(setting->value, "LD_", 3) == 0)
        return complain(reading, setting, "the loader's variables are not allowed");
    if (device->environment_count == SETTINGS_ENVIRONMENT_MAX)
        return complain(reading, setting, "too many");
    return copy_text(
        reading, setting, device->environment[device->environment_count++], SETTINGS_TEXT_MAX);
}

/* Splits a list at blanks and commas and hands each word to one(); false at the first that is refused. */
static bool each_word(struct reading *reading, const struct config_setting *setting, void *target,
    bool (*one)(struct reading *, const struct config_setting *, const char *word, void *target))
{
    char words[SETTINGS_TEXT_MAX];
    if (!copy_text(reading, setting, words, sizeof words))
        return false;
    char *rest = NULL;
    if (words[strspn(words, " ,\t")] == '\0') /* no user named must not mean any user */
        return complain(reading, setting, "is empty");
    for (char *word = strtok_r(words, " ,\t", &rest); word; word = strtok_r(NULL, " ,\t", &rest))
        if (!one(reading, setting, word, target))
            return false;
    return true;
}

static bool is_number(const char *word, uint32_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(word, &end, 10);
    if (!isdigit((unsigned char)word[0]) || *end != '\0' || errno != 0 || value >= UINT32_MAX)
        return false;
    *ret_number = (uint32_t)value;
    return true;
}

static bool one_user(
    struct reading *reading, const struct config_setting *setting, const char *word, void *target)
{
    struct policy_rule *rule = target;
    uint32_t uid;
    const struct passwd *user = is_number(word, &uid) ? NULL : getpwnam(word);
    if (!is_number(word, &uid) && user == NULL)
        return complain(reading, setting, "there is no such user");
    if (rule->user_count == POLICY_LIST_MAX)
        return complain(reading, setting, "too many users in one rule");
    rule->users[rule->user_count++] = user ? user->pw_uid : uid;
    rule->any_user = false;
    return true;
}

static bool one_group(
    struct reading *reading, const struct config_setting *setting, const char *word, void *target)
{
    struct policy_rule *rule = target;
    uint32_t gid;
    const struct group *group = is_number(word, &gid) ? NULL : getgrnam(word);
    if (!is_number(word, &gid) && group == NULL)
        return complain(reading, setting, "there is no such group");
    if (rule->group_count == POLICY_LIST_MAX)
        return complain(reading, setting, "too many groups in one rule");
    rule->groups[rule->group_count++] = group ? group->gr_gid : gid;
    rule->any_user = false;
    return true;
}

static bool one_operation(
    struct reading *reading, const struct config_setting *setting, const char *word, void *target)
{
    struct policy_rule *rule = target;
    if (strcmp(word, "all") == 0) {
        rule->verbs = VERB_ALL;
        return true;
    }
    for (size_t i = 0; i < policy_verbs_count; i++) {
        if (strcmp(word, policy_verbs[i].name) == 0) {
            rule->verbs |= (uint32_t)policy_verbs[i].verb;
            return true;
        }
    }
    return complain(reading, setting,
        "knows only find, sign, generate, store, change, destroy, random and all");
}

static bool read_users(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    return each_word(reading, setting, target, one_user);
}

static bool read_groups(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    return each_word(reading, setting, target, one_group);
}

static bool read_operations(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    return each_word(reading, setting, target, one_operation);
}

static bool copy_uri_bytes(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, uint8_t *bytes, bool *ret_has, size_t *ret_len)
{
    CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri, type);
    if (attribute == NULL)
        return true;
    if (attribute->ulValueLen > POLICY_TEXT_MAX)
        return false;
    memcpy(bytes, attribute->pValue, attribute->ulValueLen);
    *ret_has = true;
    *ret_len = attribute->ulValueLen;
    return true;
}

/* True when the URI, written anew from its object, id and type alone, is the same. */
static bool has_object_only(P11KitUri *uri)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_LABEL, CKA_ID};
    char *whole = NULL;
    char *object = NULL;
    P11KitUri *copy = p11_kit_uri_new();
    bool same = copy != NULL && !p11_kit_uri_any_unrecognized(uri);
    for (size_t i = 0; i < sizeof types / sizeof types[0] && same; i++) {
        CK_ATTRIBUTE *attribute = p11_kit_uri_get_attribute(uri, types[i]);
        same = attribute == NULL || p11_kit_uri_set_attribute(copy, attribute) == P11_KIT_URI_OK;
    }
    same = same && p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &whole) == P11_KIT_URI_OK &&
           p11_kit_uri_format(copy, P11_KIT_URI_FOR_ANY, &object) == P11_KIT_URI_OK &&
           strcmp(whole, object) == 0;
    free(whole);
    free(object);
    p11_kit_uri_free(copy);
    return same;
}

/* RFC 7512: object, id and type; anything else in the URI would be ignored silently, and so is refused. */
static bool read_key(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    struct policy_rule *rule = target;
    P11KitUri *uri = p11_kit_uri_new();
    bool ok = false;
    if (uri == NULL ||
        p11_kit_uri_parse(setting->value, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK) {
        complain(reading, setting, "is not a pkcs11: URI (RFC 7512)");
        goto out;
    }
    if (!has_object_only(uri)) {
        complain(reading, setting, "only object, id and type belong here; the token is named by 'device'");
        goto out;
    }
    CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
    if (class != NULL) {
        rule->has_class = true;
        rule->class = (uint32_t) * (CK_OBJECT_CLASS *)class->pValue;
    }
    ok = copy_uri_bytes(uri, CKA_LABEL, rule->label, &rule->has_label, &rule->label_len) &&
         copy_uri_bytes(uri, CKA_ID, rule->id, &rule->has_id, &rule->id_len);
    if (!ok)
        complain(reading, setting, "object or id is too long");
out:
    p11_kit_uri_free(uri);
    return ok;
}

/* ---- sections ---- */

#define IN(type, member) offsetof(struct type, member)

static const struct key_row daemon_keys[] = {
    {"state-dir", read_path, IN(settings, state_dir), 0, SETTINGS_TEXT_MAX, false},
};
static const struct key_row device_keys[] = {
    {"driver", read_text, IN(device_settings, driver), 0, SETTINGS_NAME_MAX, false},
    {"module", read_path, IN(device_settings, module), 0, SETTINGS_TEXT_MAX, false},
    {"token", read_text, IN(device_settings, token), 0, SETTINGS_TEXT_MAX, false},
    {"pin-file", read_path, IN(device_settings, pin_file), 0, SETTINGS_TEXT_MAX, false},
    {"client-pin", read_path_or_none, IN(device_settings, client_pin), 0, SETTINGS_TEXT_MAX, false},
    {"user", read_text, IN(device_settings, user), 0, SETTINGS_NAME_MAX, false},
    {"environment", read_environment, 0, 0, 0, true},
    {"spin", read_spin, IN(device_settings, spin), 0, 0, false},
    {"lock-memory", read_lock_memory, IN(device_settings, lock_memory_required), 0, 0, false},
    {"call-timeout", read_u32, IN(device_settings, call_timeout_s), 1, 3600, false},
    {"max-connections", read_u32, IN(device_settings, max_connections), 1, 100000, false},
    {"max-session-objects", read_u32, IN(device_settings, max_session_objects), 0, 100000, false},
    {"audit-file-size", read_u32, IN(device_settings, audit_file_mib), 1, 4096, false},
    {"audit-files", read_u32, IN(device_settings, audit_files), 1, 10000, false},
};
static const struct key_row rule_keys[] = {
    {"device", read_text, IN(rule_settings, device), 0, SETTINGS_NAME_MAX, false},
    {"user", read_users, IN(rule_settings, rule), 0, 0, false},
    {"group", read_groups, IN(rule_settings, rule), 0, 0, false},
    {"key", read_key, IN(rule_settings, rule), 0, 0, false},
    {"operations", read_operations, IN(rule_settings, rule), 0, 0, false},
};

static void *new_device(struct reading *reading, const struct config_setting *setting, const char *name);
static void *new_rule(struct reading *reading, const struct config_setting *setting, const char *name);
static void *the_daemon(struct reading *reading, const struct config_setting *setting, const char *name);

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

static const struct key_row *row_find(const struct section_row *section, const struct config_setting *setting)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->keys[i].name, setting->name) == 0)
            return &section->keys[i];
    return NULL;
}

static void *the_daemon(struct reading *reading, const struct config_setting *setting, const char *name)
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

static void *new_device(struct reading *reading, const struct config_setting *setting, const char *name)
{
    struct settings *settings = reading->settings;
    if (!name_is_fit(name) || settings->device_count == SETTINGS_DEVICES_MAX) {
        config_complain(&reading->complaints, setting->file, setting->section_line,
            "[%s]: a device's name has at most %d of letters, digits, '-', '_', '.' (at most %d devices)",
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

static void *new_rule(struct reading *reading, const struct config_setting *setting, const char *name)
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

static bool enter_section(
    struct reading *reading, const struct config_setting *setting, const struct section_row *section, const char *name)
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
            "'%s' is no key of [%s]", setting->name, section->kind);
        return false;
    }
    uint64_t bit = UINT64_C(1) << (row - section->keys);
    if ((reading->seen_keys & bit) && !row->repeats)
        return complain(reading, setting, "is given twice in this section");
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
            config_complain(&reading->complaints, device->file, device->line, "[device %s] lacks '%s'",
                device->name, needed[i].name);
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
            "[… %s]: device = %s: there is no [device %s]", rule->name, rule->device, rule->device);
    if (rule->rule.verbs == 0)
        config_complain(&reading->complaints, rule->file, rule->line,
            "[… %s] lacks 'operations'", rule->name);
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
    for (size_t i = 0; i < settings->device_count; i++)
        check_device(&reading, &settings->devices[i]);
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
    bool same = strcmp(a->name, b->name) == 0 && strcmp(a->driver, b->driver) == 0 &&
                strcmp(a->module, b->module) == 0 && strcmp(a->token, b->token) == 0 &&
                strcmp(a->pin_file, b->pin_file) == 0 && strcmp(a->client_pin, b->client_pin) == 0 &&
                strcmp(a->user, b->user) == 0 && a->spin == b->spin &&
                a->lock_memory_required == b->lock_memory_required &&
                a->call_timeout_s == b->call_timeout_s && a->max_connections == b->max_connections &&
                a->max_session_objects == b->max_session_objects &&
                a->audit_file_mib == b->audit_file_mib && a->audit_files == b->audit_files &&
                a->environment_count == b->environment_count;
    for (size_t i = 0; same && i < a->environment_count; i++)
        same = strcmp(a->environment[i], b->environment[i]) == 0;
    return same;
}
