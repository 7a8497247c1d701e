/* SPDX-License-Identifier: MIT
 *
 * signerctl policy explain: asks the worker, which decides by the very function that decides
 * requests.
 */
#include "explain.h"

#include "commands.h"
#include "keys.h"
#include "output.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { GROUPS_MAX = 1024 };

/* A unit test compares them with the worker's. */
const struct explain_operation explain_operations[] = {
    {"find", true},
    {"sign", true},
    {"verify", true},
    {"encrypt", true},
    {"decrypt", true},
    {"wrap", true},
    {"unwrap", true},
    {"derive", true},
    {"derive-export", true},
    {"generate", true},
    {"import", true},
    {"store", true},
    {"change", true},
    {"destroy", true},
    {"random", false},
    {"admin", false},
};
const size_t explain_operations_count = sizeof explain_operations / sizeof explain_operations[0];

static const struct output_column columns[] = {
    {"OPERATION", "operation", 0},
    {"ALLOWED", "allow", 0},
    {"RULE", "rule", 0},
    {"WHY", "why", 0},
};

/* Who is asked about, and which key. */
struct question {
    uid_t uid;
    const char *user; /* NULL: it has no name */
    size_t group_count;
    gid_t groups[GROUPS_MAX];
    bool has_key;
    bool key_found; /* the key is there, and this user may see it */
    uint32_t class;
    struct span label;
    struct span id;
};

/* ---- who ---- */

static bool number_of(const char *text, unsigned long *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
           *ret_number < UINT32_MAX;
}

static err_t read_user(const char *text, struct question *question)
{
    unsigned long number = getuid();
    const bool is_number = text == NULL || number_of(text, &number);
    const struct passwd *user = is_number ? getpwuid((uid_t)number) : getpwnam(text);
    if (user == NULL && !is_number) {
        log_error("--user %s: there is no such user", text);
        return ERR_ARGUMENTS;
    }
    question->uid = user != NULL ? user->pw_uid : (uid_t)number;
    question->user = user != NULL ? user->pw_name : NULL;
    int count = GROUPS_MAX;
    if (user != NULL && getgrouplist(user->pw_name, user->pw_gid, question->groups, &count) < 0) {
        log_error("user %s is in more than %d groups", user->pw_name, GROUPS_MAX);
        return ERR_TOO_LARGE;
    }
    question->group_count = user != NULL ? (size_t)count : 0;
    return ERR_OK;
}

/* Instead of those that the user has here. */
static err_t read_groups(const char *text, struct question *question)
{
    char words[1024];
    char *rest = NULL;
    if (text == NULL)
        return ERR_OK;
    if (question->uid == getuid()) {
        log_error(
            "--group goes with another user's --user: your own groups are as the kernel says");
        return ERR_ARGUMENTS;
    }
    if (strlen(text) >= sizeof words)
        return ERR_TOO_LARGE;
    memcpy(words, text, strlen(text) + 1);
    question->group_count = 0;
    for (char *word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        unsigned long number;
        const bool is_number = number_of(word, &number);
        const struct group *group = is_number ? NULL : getgrnam(word);
        if ((!is_number && group == NULL) || question->group_count == GROUPS_MAX) {
            log_error("--group %s: there is no such group", word);
            return ERR_ARGUMENTS;
        }
        question->groups[question->group_count++] = group != NULL ? group->gr_gid : (gid_t)number;
    }
    return ERR_OK;
}

/* ---- which key ---- */

/* The key itself where it can be seen; else what the URI says. */
static err_t read_key(const struct keys *keys, struct question *question)
{
    const struct key *key = NULL;
    size_t fitting = 0;
    question->has_key = keys->uri != NULL;
    if (!question->has_key)
        return ERR_OK;
    for (size_t i = 0; i < keys->count; i++)
        fitting += key_uri_names_object(keys->uri, keys->rows[i].attributes);
    question->key_found = fitting > 0;
    if (fitting > 0) {
        err_t err = keys_one(keys, &key);
        if (err != ERR_OK)
            return err;
        question->class = key->class;
        (void)attribute_get(key->attributes, ATTR_LABEL, &question->label);
        (void)attribute_get(key->attributes, ATTR_ID, &question->id);
        return ERR_OK;
    }
    question->class = CLASS_PRIVATE_KEY;
    (void)key_uri_class(keys->uri, &question->class);
    (void)key_uri_label(keys->uri, &question->label);
    (void)key_uri_id(keys->uri, &question->id);
    log_info("you see no such key: the answer is for one of just this type, label and id");
    return ERR_OK;
}

/* ---- asking ---- */

static const struct explain_operation *find_operation(const char *name)
{
    for (size_t i = 0; i < explain_operations_count; i++)
        if (strcmp(explain_operations[i].name, name) == 0)
            return &explain_operations[i];
    return NULL;
}

static const char *why_of(bool allow, bool has_rule)
{
    if (allow)
        return "the rule allows it";
    return has_rule ? "the rule denies it, or names user and key but not this operation, and no "
                      "other does"
                    : "no rule names this user and key";
}

/* Adds the answer to the list. */
static err_t ask(struct device *device, const struct question *question,
    const struct explain_operation *operation, struct json_object *answers, bool *ret_allow)
{
    uint8_t groups[4 * GROUPS_MAX];
    struct writer w = writer_of(groups, sizeof groups);
    for (size_t i = 0; i < question->group_count; i++)
        write_uint(&w, 4, question->groups[i]);
    const struct wire_explain_request request = {question->uid, writer_bytes(&w),
        span_of_text(operation->name), operation->has_key, question->class, question->label,
        question->id};
    struct wire_explain_reply reply;
    err_t err = device_call(device, WIRE_EXPLAIN, &request, &reply);
    if (err != ERR_OK)
        return err;
    struct json_object *answer = json_object_new_object();
    *ret_allow = reply.allow == 1;
    output_add_text(answer, "operation", operation->name);
    output_add_bool(answer, "allow", *ret_allow);
    output_add(answer, "rule", reply.where.len > 0 ? output_text(reply.where) : NULL);
    output_add_text(answer, "why", why_of(*ret_allow, reply.where.len > 0));
    (void)json_object_array_add(answers, answer);
    return ERR_OK;
}

static err_t ask_all(struct device *device, const struct question *question,
    const struct explain_operation *only, struct json_object *answers, bool *ret_allow)
{
    err_t err = ERR_OK;
    if (only != NULL)
        return ask(device, question, only, answers, ret_allow);
    for (size_t i = 0; i < explain_operations_count && err == ERR_OK; i++)
        if (question->has_key || !explain_operations[i].has_key)
            err = ask(device, question, &explain_operations[i], answers, ret_allow);
    *ret_allow = true; /* a table is no answer */
    return err;
}

/* ---- what is said ---- */

static void tell_one(const struct question *question, struct json_object *answer)
{
    const bool allow = json_object_get_boolean(json_object_object_get(answer, "allow"));
    struct json_object *rule = json_object_object_get(answer, "rule");
    output_line("%s: %s (%u) may %s%s", allow ? "allowed" : "denied",
        question->user != NULL ? question->user : "user", question->uid, allow ? "" : "not ",
        json_object_get_string(json_object_object_get(answer, "operation")));
    output_line("  %s%s%s", rule != NULL ? json_object_get_string(rule) : "",
        rule != NULL ? ": " : "", json_object_get_string(json_object_object_get(answer, "why")));
}

static struct json_object *describe(const struct device *device, const struct question *question)
{
    struct json_object *object = json_object_new_object();
    struct json_object *groups = json_object_new_array();
    for (size_t i = 0; i < question->group_count; i++)
        (void)json_object_array_add(groups, json_object_new_uint64(question->groups[i]));
    output_add_text(object, "device", device->name);
    output_add_number(object, "uid", question->uid);
    output_add_text(object, "user", question->user);
    output_add(object, "groups", groups);
    output_add(object, "label", question->has_key ? output_text(question->label) : NULL);
    output_add(object, "id", question->has_key ? output_hex(question->id) : NULL);
    output_add(object, "class", question->has_key ? json_object_new_uint64(question->class) : NULL);
    output_add_bool(object, "key_found", question->key_found);
    return object;
}

static void complain(const struct device *device, const struct question *question, err_t err)
{
    if (err == ERR_DENIED)
        log_error("device %s: asking about user %u, who is not you, needs the right admin",
            device->name, question->uid);
    else
        log_error("device %s: the rules cannot be asked: %s", device->name, device_why(err));
}

/* Nothing is answered where any question fails. */
static int answer(const struct options *options, struct device *device,
    const struct question *question, const struct explain_operation *only)
{
    struct json_object *answers = json_object_new_array();
    bool allow = false;
    err_t err = ask_all(device, question, only, answers, &allow);
    if (err != ERR_OK) {
        complain(device, question, err);
        (void)json_object_put(answers);
        return EX_UNAVAILABLE;
    }
    if (options->json) {
        struct json_object *object = describe(device, question);
        output_add(object, "answers", json_object_get(answers));
        output_json(object);
        (void)json_object_put(object);
    } else if (only != NULL) {
        tell_one(question, json_object_array_get_idx(answers, 0));
    } else {
        output_table(answers, columns, sizeof columns / sizeof columns[0]);
    }
    (void)json_object_put(answers);
    return allow ? EX_OK : EX_NOPERM;
}

static err_t read_operation(
    const struct options *options, const struct explain_operation **ret_operation)
{
    *ret_operation = NULL;
    if (options->key != NULL && !key_uri_is(options->key)) {
        log_error("--key wants a pkcs11: URI");
        return ERR_ARGUMENTS;
    }
    if (options->operation == NULL)
        return ERR_OK;
    *ret_operation = find_operation(options->operation);
    if (*ret_operation == NULL) {
        log_error("--operation %s: not an operation of signerd.conf(5)", options->operation);
        return ERR_ARGUMENTS;
    }
    if ((*ret_operation)->has_key && options->key == NULL) {
        log_error("--operation %s is about a key: give --key", options->operation);
        return ERR_ARGUMENTS;
    }
    return ERR_OK;
}

int explain_run(const struct options *options)
{
    static struct question question;
    const struct explain_operation *only;
    struct keys keys = {0};
    err_t err = read_operation(options, &only);
    if (err == ERR_OK)
        err = read_user(options->user, &question);
    if (err == ERR_OK)
        err = read_groups(options->group, &question);
    if (err == ERR_OK)
        err = keys_open(options, options->key,
            KEYS_ONE_DEVICE | KEYS_NO_PROMPT | (options->key != NULL ? KEYS_LIST : 0), &keys);
    if (err == ERR_OK)
        err = read_key(&keys, &question);
    int exit_code =
        err == ERR_OK ? answer(options, keys.named[0], &question, only) : err_exit_code(err);
    keys_clear(&keys);
    return exit_code;
}
