/* SPDX-License-Identifier: MIT
 *
 * Operations that make and destroy objects. Each is allowed for the label and id that result, not
 * for those that the client happens to have.
 */
#include "serve.h"

#include "template.h"

#include "base/log.h"

#include <p11-kit/pkcs11.h>

/* So many may be on the token: with more than a driver lists, the device could not be opened again,
 * for anybody. */
enum { TOKEN_OBJECTS_MAX = DRIVER_OBJECTS_MAX - 4096 };

struct policy_key key_in(struct span template, uint32_t class)
{
    struct policy_key key = {.class = class};
    (void)attribute_get(template, ATTR_LABEL, &key.label);
    (void)attribute_get(template, ATTR_ID, &key.id);
    return key;
}

err_t object_room(
    struct request *request, uint64_t session, uint32_t wanted, const struct audit_event *event)
{
    const struct account *account = request->connection->place.account;
    const bool has_room =
        session != 0 ? account->session_objects + wanted <= request->worker->max_session_objects
                     : request->worker->objects.count + wanted <= TOKEN_OBJECTS_MAX;
    if (has_room)
        return ERR_OK;
    return refuse(request, event, session != 0 ? ERR_TOO_MANY_OBJECTS : ERR_DEVICE_MEMORY);
}

err_t take_object(
    struct request *request, driver_ref ref, uint64_t session, struct object **ret_object)
{
    struct client *client = request->connection->client;
    err_t err =
        objects_take(&request->worker->objects, ref, session ? client : NULL, session, ret_object);
    if (err == ERR_OK && session != 0) {
        client->session_objects++;
        request->connection->place.account->session_objects++;
    }
    return err;
}

err_t follow_device(struct worker *worker, err_t err)
{
    if (err != ERR_OK) {
        log_error("what the device has made or changed cannot be read back: %s", err_text(err));
        worker->device_lost = true;
    }
    return err;
}

static void drop_object(struct worker *worker, struct object *object)
{
    struct account *account;
    struct client *client = (struct client *)object->owner;
    if (client != NULL) {
        client->session_objects--;
        if (account_of(&worker->accounts, client->uid, &account) == ERR_OK)
            account->session_objects--;
    }
    objects_drop(&worker->objects, object);
}

err_t unmake_object(struct worker *worker, struct object *object)
{
    const err_t err = worker->driver->destroy(worker->device, object->ref);
    if (err == ERR_OK)
        drop_object(worker, object);
    else
        log_warning("an object without its dates could not be destroyed: %s", err_text(err));
    return ERR_ATTRIBUTE_VALUE;
}

static err_t unmake_pair(
    struct worker *worker, struct object *public_key, struct object *private_key)
{
    (void)unmake_object(worker, private_key);
    return unmake_object(worker, public_key);
}

static err_t make_pair(struct request *request, struct span public_template,
    struct span private_template, const struct audit_event *event)
{
    struct worker *worker = request->worker;
    const struct wire_generate_pair_request *in = &request->in->generate_pair_request;
    driver_ref public_ref;
    driver_ref private_ref;
    struct object *public_key;
    struct object *private_key;
    uint64_t intent;
    err_t taken = ERR_OK;
    err_t err = account_for_begin(request, event, &intent);
    if (err != ERR_OK)
        return err;
    pulse_is_long(worker->pulse);
    err = worker->driver->generate_pair(worker->device, in->mechanism, public_template,
        private_template, &public_ref, &private_ref);
    if (err == ERR_OK)
        taken = take_object(request, public_ref, in->session, &public_key);
    if (err == ERR_OK && taken == ERR_OK)
        taken = take_object(request, private_ref, in->session, &private_key);
    if (err == ERR_OK && taken == ERR_OK &&
        (!template_dates_kept(public_template, public_key->attributes) ||
            !template_dates_kept(private_template, private_key->attributes)))
        err = unmake_pair(worker, public_key, private_key);
    err = account_for_end(request, intent, err);
    if (err != ERR_OK)
        return err;
    err = taken;
    if (err == ERR_OK)
        err = objects_complete(&worker->objects, private_key, public_key);
    if (follow_device(worker, err) != ERR_OK)
        return err;
    if (!put_object(&request->scratch, public_key) || !put_object(&request->scratch, private_key))
        return ERR_TOO_LARGE;
    request->out->objects_reply.objects = writer_bytes(&request->scratch);
    return ERR_OK;
}

/* Of CKM_…_KEY_PAIR_GEN: the type of both halves. */
static bool type_of_pair(uint32_t mechanism, uint64_t *ret_key_type)
{
    static const struct {
        uint32_t mechanism;
        uint64_t key_type;
    } rows[] = {{CKM_EC_KEY_PAIR_GEN, KEY_TYPE_EC},
        {CKM_EC_EDWARDS_KEY_PAIR_GEN, KEY_TYPE_EC_EDWARDS},
        {CKM_RSA_PKCS_KEY_PAIR_GEN, KEY_TYPE_RSA}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].mechanism == mechanism) {
            *ret_key_type = rows[i].key_type;
            return true;
        }
    }
    return false;
}

err_t serve_generate_pair(struct request *request)
{
    const struct wire_generate_pair_request *in = &request->in->generate_pair_request;
    uint64_t key_type;
    static uint8_t public_room[WIRE_TEMPLATE_MAX];
    static uint8_t private_room[WIRE_TEMPLATE_MAX];
    struct writer public_list = writer_of(public_room, sizeof public_room);
    struct writer private_list = writer_of(private_room, sizeof private_room);
    if (!mechanism_offers(&request->worker->token, in->mechanism, CKF_GENERATE_KEY_PAIR) ||
        !type_of_pair(in->mechanism, &key_type))
        return ERR_MECHANISM;
    err_t err = template_complete(template_find(CLASS_PUBLIC_KEY, key_type, TEMPLATE_GENERATE),
        in->public_template, in->session == 0, &public_list);
    if (err == ERR_OK)
        err = template_complete(template_find(CLASS_PRIVATE_KEY, key_type, TEMPLATE_GENERATE),
            in->private_template, in->session == 0, &private_list);
    if (err != ERR_OK)
        return err;

    struct policy_key public_key = key_in(in->public_template, CLASS_PUBLIC_KEY);
    struct policy_key private_key = key_in(in->private_template, CLASS_PRIVATE_KEY);
    struct audit_event public_event = event_of(request, &public_key);
    struct audit_event private_event = event_of(request, &private_key);
    private_event.has_mechanism = true;
    private_event.mechanism = in->mechanism;
    err = permit(request, VERB_GENERATE, &private_event);
    if (err == ERR_OK)
        err = permit(request, VERB_GENERATE, &public_event);
    if (err == ERR_OK)
        err = need_login(request, &private_event);
    if (err == ERR_OK)
        err = object_room(request, in->session, 2, &private_event);
    if (err != ERR_OK)
        return err;
    return make_pair(
        request, writer_bytes(&public_list), writer_bytes(&private_list), &private_event);
}

err_t answer_object(struct request *request, const struct object *object)
{
    if (!put_object(&request->scratch, object))
        return ERR_TOO_LARGE;
    request->out->objects_reply.objects = writer_bytes(&request->scratch);
    return ERR_OK;
}

err_t end_making(struct request *request, uint64_t intent, err_t answer, driver_ref ref,
    uint64_t session, struct span template)
{
    struct object *object;
    const err_t taken = answer == ERR_OK ? take_object(request, ref, session, &object) : answer;
    if (taken == ERR_OK && !template_dates_kept(template, object->attributes))
        answer = unmake_object(request->worker, object);
    err_t err = account_for_end(request, intent, answer);
    if (err != ERR_OK)
        return err;
    err = taken;
    if (err == ERR_OK)
        err = objects_join(&request->worker->objects, object);
    err = follow_device(request->worker, err);
    return err == ERR_OK ? answer_object(request, object) : err;
}

/* Of CKM_…_KEY_GEN. */
static const struct template_kind *kind_made_by(uint32_t mechanism)
{
    static const struct {
        uint32_t mechanism;
        uint64_t key_type;
    } rows[] = {{CKM_AES_KEY_GEN, CKK_AES}, {CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].mechanism == mechanism)
            return template_secret(rows[i].key_type, TEMPLATE_GENERATE);
    return NULL;
}

err_t serve_generate(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_generate_request *in = &request->in->generate_request;
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    const struct template_kind *kind = kind_made_by(in->mechanism);
    uint64_t intent;
    driver_ref ref = 0;
    if (kind == NULL || !mechanism_offers(&worker->token, in->mechanism, CKF_GENERATE))
        return ERR_MECHANISM;
    err_t err = template_complete(kind, in->template, in->session == 0, &list);
    if (err != ERR_OK)
        return err;

    const struct policy_key key = key_in(in->template, CLASS_SECRET_KEY);
    struct audit_event event = event_of(request, &key);
    event.has_mechanism = true;
    event.mechanism = in->mechanism;
    err = permit(request, VERB_GENERATE, &event);
    if (err == ERR_OK)
        err = need_login(request, &event);
    if (err == ERR_OK)
        err = object_room(request, in->session, 1, &event);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->generate(worker->device, in->mechanism, writer_bytes(&list), &ref);
    return end_making(request, intent, err, ref, in->session, writer_bytes(&list));
}

static bool holds_secret(uint32_t class)
{
    return class == CLASS_PRIVATE_KEY || class == CLASS_SECRET_KEY;
}

/* What a client brings in, by class and, for keys, type. */
static err_t kind_of_import(struct span template, enum template_origin origin,
    const struct template_kind **ret_kind, uint32_t *ret_class)
{
    uint64_t class;
    uint64_t key_type = 0;
    if (!attribute_get_ulong(template, ATTR_CLASS, &class))
        return ERR_TEMPLATE_INCOMPLETE;
    if (class != CLASS_DATA && class != CLASS_CERTIFICATE &&
        !attribute_get_ulong(template, ATTR_KEY_TYPE, &key_type))
        return class <= CLASS_SECRET_KEY ? ERR_TEMPLATE_INCOMPLETE : ERR_ATTRIBUTE_VALUE;
    *ret_class = (uint32_t) class;
    *ret_kind = template_find(class, key_type, origin);
    return *ret_kind != NULL ? ERR_OK : ERR_ATTRIBUTE_VALUE;
}

/* list holds the value of a key: the caller wipes it. */
static err_t create(struct request *request, struct writer *list)
{
    struct worker *worker = request->worker;
    const struct wire_create_request *in = &request->in->create_request;
    const struct template_kind *kind;
    uint32_t class;
    uint64_t intent;
    driver_ref ref = 0;
    err_t err = kind_of_import(in->template, TEMPLATE_IMPORT, &kind, &class);
    if (err == ERR_OK)
        err = template_complete(kind, in->template, in->session == 0, list);
    if (err != ERR_OK)
        return err;

    const bool is_private = attribute_get_bool(writer_bytes(list), ATTR_PRIVATE, false);
    const struct policy_key key = key_in(in->template, class);
    struct audit_event event = event_of(request, &key);
    err = permit(request, holds_secret(class) ? VERB_IMPORT : VERB_STORE, &event);
    if (err == ERR_OK && is_private)
        err = need_login(request, &event);
    if (err == ERR_OK)
        err = object_room(request, in->session, 1, &event);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->create(worker->device, writer_bytes(list), &ref);
    return end_making(request, intent, err, ref, in->session, writer_bytes(list));
}

err_t serve_create(struct request *request)
{
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    err_t err = create(request, &list);
    secret_wipe_span(writer_bytes(&list));
    return err;
}

/* The length of the wrapped key is known before, more or less: some devices take any. */
static err_t check_wrapped(const struct mechanism_use *use, const struct template_kind *kind,
    const struct wire_unwrap_request *in)
{
    uint64_t length;
    size_t least;
    size_t most;
    err_t err = mechanism_unwrapped_size(use, in->wrapped.len, &least, &most);
    if (err != ERR_OK)
        return err;
    if (attribute_get_ulong(in->template, ATTR_VALUE_LEN, &length))
        return length >= least && length <= most ? ERR_OK : ERR_TEMPLATE_INCONSISTENT;
    while (least <= most && !template_length_fits(kind, least))
        least++;
    return least <= most ? ERR_OK : ERR_WRAPPED_KEY;
}

/* Allowed for both keys: the one that unwraps, and the one that results. */
static err_t permit_unwrap(struct request *request, const struct object *key,
    const struct template_kind *kind, const struct audit_event *event)
{
    const struct wire_unwrap_request *in = &request->in->unwrap_request;
    struct audit_event import = *event;
    import.key = event->target;
    import.target = NULL;
    err_t err = permit(request, VERB_UNWRAP, event);
    if (err == ERR_OK)
        err = permit(request, VERB_IMPORT, &import);
    if (err == ERR_OK)
        err = need_login(request, event);
    if (err != ERR_OK)
        return err;
    const struct mechanism_use use = use_of(request, key, in->mechanism, CKF_UNWRAP, in->parameter);
    err = mechanism_check(&use);
    if (err == ERR_OK)
        err = check_wrapped(&use, kind, in);
    return err == ERR_OK ? ERR_OK : refuse(request, event, err);
}

err_t serve_unwrap(struct request *request)
{
    struct worker *worker = request->worker;
    const struct wire_unwrap_request *in = &request->in->unwrap_request;
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    const struct template_kind *kind;
    struct object *key;
    uint32_t class;
    uint64_t intent;
    driver_ref ref = 0;
    err_t err = find_object(request, in->object, &key);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &key->key);
    event.has_mechanism = true;
    event.mechanism = in->mechanism;
    event.data = in->wrapped;
    err = kind_of_import(in->template, TEMPLATE_UNWRAP, &kind, &class);
    if (err == ERR_OK)
        err = template_complete(kind, in->template, in->session == 0, &list);
    if (err != ERR_OK)
        return refuse(request, &event, err);

    const struct policy_key result = key_in(in->template, class);
    event.target = &result;
    err = permit_unwrap(request, key, kind, &event);
    if (err == ERR_OK)
        err = object_room(request, in->session, 1, &event);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->unwrap(worker->device, key->ref, in->mechanism, in->parameter,
        in->wrapped, writer_bytes(&list), &ref);
    return end_making(request, intent, err, ref, in->session, writer_bytes(&list));
}

err_t serve_destroy(struct request *request)
{
    struct worker *worker = request->worker;
    struct object *object;
    uint64_t intent;
    err_t err = find_object(request, request->in->destroy_request.object, &object);
    if (err != ERR_OK)
        return err;
    struct audit_event event = event_of(request, &object->key);
    /* Who derives a secret without a name may end it, too. */
    err = permit(request, object->key.is_derived ? VERB_DERIVE : VERB_DESTROY, &event);
    if (err == ERR_OK && !attribute_get_bool(object->attributes, ATTR_DESTROYABLE, true))
        err = refuse(request, &event, ERR_ACTION_PROHIBITED);
    if (err == ERR_OK)
        err = account_for_begin(request, &event, &intent);
    if (err != ERR_OK)
        return err;
    err = worker->driver->destroy(worker->device, object->ref);
    if (err == ERR_OK)
        drop_object(worker, object);
    return account_for_end(request, intent, err);
}

static void end_object(struct worker *worker, struct object *object)
{
    pulse_busy(worker->pulse, true);
    err_t err = worker->driver->destroy(worker->device, object->ref);
    pulse_busy(worker->pulse, false);
    if (device_answer(worker, err) != ERR_OK)
        log_warning("a session object could not be destroyed: %s", err_text(err));
    drop_object(worker, object);
}

void end_session_objects(struct worker *worker, const struct client *client, uint64_t session)
{
    for (size_t i = worker->objects.count; i > 0; i--) {
        struct object *object = worker->objects.rows[i - 1];
        if (object->owner == client && object->session == session)
            end_object(worker, object);
    }
}

void end_client_objects(struct worker *worker, const struct client *client, bool only_private)
{
    for (size_t i = worker->objects.count; i > 0; i--) {
        struct object *object = worker->objects.rows[i - 1];
        if (object->owner == client && (object->is_private || !only_private))
            end_object(worker, object);
    }
}
