/* SPDX-License-Identifier: MIT
 *
 * The readers of values: numbers, paths, users, PKCS#11 URIs (by libp11-kit).
 */
#include "settings_value.h"

#include "wire/spin.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

bool settings_complain(
    struct reading *reading, const struct config_setting *setting, const char *what)
{
    config_complain(&reading->complaints, setting->file, setting->line, "%s = %s: %s",
        setting->name, setting->value, what);
    return false;
}

static bool read_number(struct reading *reading, const struct config_setting *setting,
    uint32_t least, uint32_t most, uint32_t *ret)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(setting->value, &end, 10);
    if (!isdigit((unsigned char)setting->value[0]) || *end != '\0' || errno != 0 || value < least ||
        value > most) {
        char what[80];
        (void)snprintf(what, sizeof what, "must be a number from %u to %u", least, most);
        return settings_complain(reading, setting, what);
    }
    *ret = (uint32_t)value;
    return true;
}

static bool copy_text(
    struct reading *reading, const struct config_setting *setting, char *text, size_t size)
{
    if (setting->value[0] == '\0')
        return settings_complain(reading, setting, "is empty");
    if (strlen(setting->value) >= size)
        return settings_complain(reading, setting, "is too long");
    memcpy(text, setting->value, strlen(setting->value) + 1);
    return true;
}

bool value_text(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    return copy_text(reading, setting, target, row->most);
}

bool value_path(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    if (setting->value[0] != '/')
        return settings_complain(reading, setting, "must be an absolute path");
    return value_text(reading, setting, row, target);
}

bool value_path_or_none(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    if (strcmp(setting->value, "none") == 0)
        return true;
    return value_path(reading, setting, row, target);
}

bool value_number(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    return read_number(reading, setting, row->least, row->most, target);
}

bool value_spin(struct reading *reading, const struct config_setting *setting,
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

bool value_lock_memory(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    if (strcmp(setting->value, "required") != 0 && strcmp(setting->value, "try") != 0)
        return settings_complain(reading, setting, "must be 'required' or 'try'");
    *(bool *)target = setting->value[0] == 'r';
    return true;
}

bool value_environment(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    struct device_settings *device = target;
    const char *equals = strchr(setting->value, '=');
    if (equals == NULL || equals == setting->value)
        return settings_complain(reading, setting, "must be NAME=VALUE");
    if (strncmp(setting->value, "LD_", 3) == 0)
        return settings_complain(reading, setting, "the loader's variables are not allowed");
    if (device->environment_count == SETTINGS_ENVIRONMENT_MAX)
        return settings_complain(reading, setting, "too many");
    return copy_text(
        reading, setting, device->environment[device->environment_count++], SETTINGS_TEXT_MAX);
}

/* Splits a list at blanks and commas and hands each word to one(); false at the first that is
 * refused. */
static bool each_word(struct reading *reading, const struct config_setting *setting, void *target,
    bool (*one)(struct reading *, const struct config_setting *, const char *word, void *target))
{
    char words[SETTINGS_TEXT_MAX];
    if (!copy_text(reading, setting, words, sizeof words))
        return false;
    char *rest = NULL;
    if (words[strspn(words, " ,\t")] == '\0') /* no user named must not mean any user */
        return settings_complain(reading, setting, "is empty");
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

static bool complain_of_word(struct reading *reading, const struct config_setting *setting,
    const char *word, const char *what)
{
    config_complain(&reading->complaints, setting->file, setting->line, "%s = %s: '%s': %s",
        setting->name, setting->value, word, what);
    return false;
}

static bool one_user(
    struct reading *reading, const struct config_setting *setting, const char *word, void *target)
{
    struct policy_rule *rule = target;
    uint32_t uid;
    const struct passwd *user = is_number(word, &uid) ? NULL : getpwnam(word);
    if (!is_number(word, &uid) && user == NULL)
        return complain_of_word(reading, setting, word, "there is no such user");
    if (rule->user_count == POLICY_LIST_MAX)
        return settings_complain(reading, setting, "too many users in one rule");
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
        return complain_of_word(reading, setting, word, "there is no such group");
    if (rule->group_count == POLICY_LIST_MAX)
        return settings_complain(reading, setting, "too many groups in one rule");
    rule->groups[rule->group_count++] = group ? group->gr_gid : gid;
    rule->any_user = false;
    return true;
}

static bool one_operation(
    struct reading *reading, const struct config_setting *setting, const char *word, void *target)
{
    struct policy_rule *rule = target;
    if (strcmp(word, "all") == 0) {
        rule->verbs |= VERB_ALL;
        return true;
    }
    for (size_t i = 0; i < policy_verbs_count; i++) {
        if (strcmp(word, policy_verbs[i].name) == 0) {
            rule->verbs |= (uint32_t)policy_verbs[i].verb;
            return true;
        }
    }
    char known[256] = "knows only ";
    for (size_t i = 0; i < policy_verbs_count; i++)
        (void)snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s",
            policy_verbs[i].name, i + 1 < policy_verbs_count ? ", " : " and all");
    return complain_of_word(reading, setting, word, known);
}

bool value_users(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    return each_word(reading, setting, target, one_user);
}

bool value_groups(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    return each_word(reading, setting, target, one_group);
}

bool value_operations(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    return each_word(reading, setting, target, one_operation);
}

static bool copy_uri_bytes(
    P11KitUri *uri, CK_ATTRIBUTE_TYPE type, uint8_t *bytes, bool *ret_has, size_t *ret_len)
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

/* Without the value: a URI may hold a PIN (pin-value). */
static bool complain_of_uri(
    struct reading *reading, const struct config_setting *setting, const char *what)
{
    config_complain(
        &reading->complaints, setting->file, setting->line, "%s: %s", setting->name, what);
    return false;
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

/* RFC 7512: object, id and type; anything else in the URI would be ignored silently, and so is
 * refused. */
bool value_key(struct reading *reading, const struct config_setting *setting,
    const struct key_row *row, void *target)
{
    (void)row;
    struct policy_rule *rule = target;
    P11KitUri *uri = p11_kit_uri_new();
    bool ok = false;
    if (uri == NULL ||
        p11_kit_uri_parse(setting->value, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK) {
        complain_of_uri(reading, setting, "is not a pkcs11: URI (RFC 7512)");
        goto out;
    }
    if (!has_object_only(uri)) {
        complain_of_uri(reading, setting,
            "only object, id and type belong here; the token is named by 'device'");
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
        complain_of_uri(reading, setting, "object or id is too long");
out:
    p11_kit_uri_free(uri);
    return ok;
}
