/* SPDX-License-Identifier: MIT
 *
 * Random sequences of calls of all functions through the real module and, in the same process, the
 * real worker. The input: the circumstances (enum world_circumstance), how it begins, then calls,
 * each its number and the bytes of its arguments (call_arguments.c); a number above all functions
 * is a fault (call_world.h). Whatever is called: the code is one that the standard names for that
 * function, nothing is written but where and as long as it was said, sizes that were told are kept,
 * no answer is CKR_OK with a length of -1, and after the end nothing is left.
 */
#include "fuzz.h"

#include "call_arguments.h"
#include "call_table.h"
#include "call_world.h"

#include <stdio.h>
#include <string.h>

enum { CALLS_MAX = 100, OUTPUT_MAX = 140000, SLOTS = 2 };
enum { NEWEST = 128 }; /* a circumstance: with the functions of 3.0 */
enum { BEGIN_BARE, BEGIN_INITIALIZED, BEGIN_SESSION, BEGIN_LOGGED_IN, BEGINNINGS };

/* A function, by what it takes. */
union entry {
    CK_RV (*pointer)(void *);
    CK_RV (*slot_list)(CK_BBOOL, CK_SLOT_ID *, CK_ULONG *);
    CK_RV (*slot)(CK_SLOT_ID);
    CK_RV (*slot_numbers)(CK_SLOT_ID, CK_ULONG *, CK_ULONG *);
    CK_RV (*session)(CK_SESSION_HANDLE);
    CK_RV (*in)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG);
    CK_RV (*in_in)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG);
    CK_RV (*in_out)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);
    CK_RV (*out)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG *);
    CK_RV (*begin)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
    CK_RV (*object)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE);
    CK_RV (*attributes)(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE *, CK_ULONG);
    CK_C_EncryptMessage message;
    CK_C_EncryptMessageBegin message_begin;
    CK_C_EncryptMessageNext message_next;
    CK_C_SignMessage message_sign;
    CK_C_SignMessageBegin message_sign_begin;
    CK_C_VerifyMessage message_verify;
};

static CK_FUNCTION_LIST *functions; /* the first part of functions_3_0 is laid out alike */
static CK_FUNCTION_LIST_3_0 *functions_3_0;
static struct handles sessions;
static struct handles objects;
static bool initialized;
static uint8_t last_output[OUTPUT_MAX];
static size_t last_output_len;
static struct arguments arguments;
static const struct call_row *row; /* the call under way, and what it has */
static union entry entry;
static CK_SESSION_HANDLE session;

static unsigned draw(void)
{
    return arguments.bytes->left > 0 ? (unsigned)read_uint(arguments.bytes, 1) : 0;
}

/* ---- what is known ---- */

static void learn(struct handles *handles, CK_ULONG handle)
{
    if (handles->count == ARGUMENT_HANDLES_MAX) {
        memmove(&handles->known[0], &handles->known[1],
            (ARGUMENT_HANDLES_MAX - 1) * sizeof handles->known[0]);
        handles->count--;
    }
    handles->known[handles->count++] = handle;
}

static void forget(struct handles *handles, CK_ULONG handle)
{
    size_t kept = 0;
    for (size_t i = 0; i < handles->count; i++)
        if (handles->known[i] != handle)
            handles->known[kept++] = handles->known[i];
    handles->count = kept;
}

static bool is_session(CK_SESSION_HANDLE handle)
{
    for (size_t i = 0; i < sessions.count; i++)
        if (sessions.known[i] == handle)
            return true;
    return false;
}

/* ---- what every answer must be ---- */

static void fail(const char *rule, CK_RV rv)
{
    (void)fprintf(stderr, "%s: %s (0x%lx)\n", row->name, rule, rv);
    abort();
}

static void check_code(CK_RV rv)
{
    const bool without = row->shape == SHAPE_INITIALIZE || row->shape == SHAPE_FUNCTION_LIST ||
                         row->shape == SHAPE_INTERFACE_LIST || row->shape == SHAPE_INTERFACE;
    if (!initialized && !without) {
        if (rv != CKR_CRYPTOKI_NOT_INITIALIZED)
            fail("works without C_Initialize", rv);
        return;
    }
    if (row->has_session && !is_session(session) && rv != CKR_SESSION_HANDLE_INVALID)
        fail("takes a handle that is none", rv);
    if (row->has_session && is_session(session) && rv == CKR_SESSION_HANDLE_INVALID)
        fail("does not know a session", rv);
    if (!call_may_return(row, rv))
        fail("returns what the standard does not name", rv);
}

static void keep_output(const uint8_t *bytes, size_t len)
{
    if (len > OUTPUT_MAX)
        return;
    memcpy(last_output, bytes, len);
    last_output_len = len;
}

/* 2.40, 5.2: conventions for output of variable length. */
static void check_output(const struct output *output, CK_RV rv)
{
    if (output->len_ptr == NULL)
        return;
    const CK_ULONG len = *output->len_ptr;
    if (rv == CKR_OK && len == (CK_ULONG)-1)
        fail("CKR_OK with a length of -1", rv);
    if (rv == CKR_OK && output->ptr != NULL && len > output->given)
        fail("gives more than there is room for", len);
    if (rv == CKR_BUFFER_TOO_SMALL && (output->ptr == NULL || len <= output->given))
        fail("needs no more than there is room for", len);
    if (rv == CKR_OK && output->ptr != NULL)
        keep_output(output->ptr, len);
}

/* ---- calls without a session ---- */

static CK_RV create_mutex(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static CK_RV use_mutex(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV call_initialize(void)
{
    const unsigned how = draw();
    CK_C_INITIALIZE_ARGS args = {.flags = how & 2 ? CKF_OS_LOCKING_OK : 0};
    if (how & 4)
        args =
            (CK_C_INITIALIZE_ARGS){create_mutex, use_mutex, use_mutex, use_mutex, args.flags, NULL};
    if ((how & 56) == 56)
        args.LockMutex = how & 4 ? NULL : use_mutex;
    if ((how & 192) == 192)
        args.pReserved = &args;
    const CK_RV rv = entry.pointer(how & 1 ? NULL : &args);
    if (rv == CKR_OK && initialized)
        fail("initialises twice", rv);
    initialized = initialized || rv == CKR_OK;
    return rv;
}

static CK_RV call_finalize(void)
{
    int reserved;
    const CK_RV rv = entry.pointer(draw() % 8 == 7 ? &reserved : NULL);
    if (rv == CKR_OK && initialized) {
        initialized = false;
        sessions.count = 0;
        objects.count = 0;
        return rv;
    }
    return rv;
}

static CK_RV call_info(void)
{
    return entry.pointer(
        draw() % 8 == 7 ? NULL : argument_block(&arguments, NULL, row->info_size, false));
}

static CK_RV call_function_list(void)
{
    CK_FUNCTION_LIST *list = NULL;
    const CK_RV rv = functions->C_GetFunctionList(draw() % 8 == 7 ? NULL : &list);
    if (rv == CKR_OK && (list == NULL || list->version.major != 2))
        fail("gives another list", rv);
    return rv;
}

static CK_SLOT_ID draw_slot(void)
{
    const unsigned which = draw();
    return which == 255 ? (CK_SLOT_ID)-1 : which % 16 == 15 ? SLOTS : which % 16 == 14;
}

/* Numbers and how many there are: bytes as in argument_output. */
static struct output draw_numbers(void)
{
    struct output output = argument_output(&arguments, NULL);
    if (output.given != (CK_ULONG)-1 && output.ptr != NULL) {
        output.given /= sizeof(CK_ULONG);
        if (output.len_ptr != NULL)
            *output.len_ptr = output.given;
    }
    return output;
}

static CK_RV call_slot_list(void)
{
    const CK_BBOOL present = draw() % 2 != 0;
    const struct output list = draw_numbers();
    const CK_RV rv = entry.slot_list(present, (CK_SLOT_ID *)(void *)list.ptr, list.len_ptr);
    struct output told = list; /* it is no byte string to go on with */
    if (rv == CKR_OK)
        told.ptr = NULL;
    if (rv == CKR_OK && list.len_ptr != NULL && *list.len_ptr > SLOTS)
        fail("knows of more slots", rv);
    check_output(&told, rv);
    return rv;
}

static CK_RV call_slot_info(void)
{
    const CK_SLOT_ID slot = draw_slot();
    void *info = draw() % 8 == 7 ? NULL : argument_block(&arguments, NULL, row->info_size, false);
    if (row == &call_rows[CALL_C_GetSlotInfo])
        return functions->C_GetSlotInfo(slot, info);
    return functions->C_GetTokenInfo(slot, info);
}

static CK_RV call_mechanism_list(void)
{
    const CK_SLOT_ID slot = draw_slot();
    struct output list = draw_numbers();
    const CK_RV rv = entry.slot_numbers(slot, (CK_ULONG *)(void *)list.ptr, list.len_ptr);
    if (rv == CKR_OK)
        list.ptr = NULL;
    check_output(&list, rv);
    return rv;
}

static CK_RV call_mechanism_info(void)
{
    const CK_SLOT_ID slot = draw_slot();
    const CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    void *info = draw() % 8 == 7 ? NULL : argument_block(&arguments, NULL, row->info_size, false);
    return functions->C_GetMechanismInfo(slot, mechanism == NULL ? 0 : mechanism->mechanism, info);
}

static CK_RV call_init_token(void)
{
    const CK_SLOT_ID slot = draw_slot();
    const struct input pin = argument_pin(&arguments);
    uint8_t *label = draw() % 8 == 7
                         ? NULL
                         : argument_block(&arguments, "demo                            ", 32, true);
    return functions->C_InitToken(slot, pin.ptr, pin.len, label);
}

static CK_RV call_open(void)
{
    const CK_SLOT_ID slot = draw_slot();
    const unsigned how = draw();
    CK_FLAGS flags = CKF_SERIAL_SESSION | (how & 1 ? CKF_RW_SESSION : 0);
    if (how >= 250)
        flags ^= how & 4 ? CKF_SERIAL_SESSION : 0x4711;
    if (sessions.count == ARGUMENT_HANDLES_MAX)
        return CKR_SESSION_COUNT; /* all of them must be known here */
    CK_SESSION_HANDLE *handle = how == 249 ? NULL : argument_number(&arguments, 0);
    const CK_RV rv = functions->C_OpenSession(slot, flags, NULL, NULL, handle);
    if (rv == CKR_OK) {
        if (is_session(*handle) || *handle == CK_INVALID_HANDLE)
            fail("gives a handle that is used", *handle);
        learn(&sessions, *handle);
    }
    return rv;
}

static CK_RV call_close(void)
{
    const CK_RV rv = entry.session(session);
    if (rv != CKR_OK && is_session(session))
        fail("does not close", rv);
    return rv;
}

static CK_RV call_close_all(void)
{
    const CK_SLOT_ID slot = draw_slot();
    const CK_RV rv = entry.slot(slot);
    if (rv == CKR_OK && slot == 0)
        sessions.count = 0;
    return rv;
}

/* One that waits for ever is not for this fuzzer. */
static CK_RV call_wait(void)
{
    const unsigned how = draw();
    CK_SLOT_ID *slot = how % 8 == 7 ? NULL : argument_number(&arguments, 0);
    return functions->C_WaitForSlotEvent(CKF_DONT_BLOCK, slot, how % 16 == 8 ? slot : NULL);
}

/* ---- calls with one ---- */

static CK_RV call_session_info(void)
{
    return functions->C_GetSessionInfo(session,
        draw() % 8 == 7
            ? NULL
            : (CK_SESSION_INFO *)(void *)argument_block(&arguments, NULL, row->info_size, false));
}

static CK_RV call_login(void)
{
    static const CK_USER_TYPE users[] = {
        CKU_USER, CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 3};
    const CK_USER_TYPE user = users[draw() % (sizeof users / sizeof users[0])];
    const struct input pin = argument_pin(&arguments);
    return functions->C_Login(session, user, pin.ptr, pin.len);
}

static CK_RV call_pin(void)
{
    const struct input pin = argument_pin(&arguments);
    return entry.in(session, pin.ptr, pin.len);
}

static CK_RV call_two_pins(void)
{
    const struct input old = argument_pin(&arguments);
    const struct input new = argument_pin(&arguments);
    return entry.in_in(session, old.ptr, old.len, new.ptr, new.len);
}

static CK_RV call_state(void)
{
    const struct input state = argument_input(&arguments);
    const CK_OBJECT_HANDLE first = argument_handle(&arguments, &objects);
    const CK_OBJECT_HANDLE second = argument_handle(&arguments, &objects);
    return functions->C_SetOperationState(session, state.ptr, state.len, first, second);
}

static CK_OBJECT_HANDLE *draw_place(void)
{
    return draw() == 255 ? NULL : argument_number(&arguments, 0);
}

static CK_RV learn_made(const CK_OBJECT_HANDLE *handle, CK_RV rv)
{
    if (rv != CKR_OK)
        return rv;
    if (*handle == CK_INVALID_HANDLE)
        fail("makes an object without a handle", rv);
    learn(&objects, *handle);
    return rv;
}

static CK_RV call_create(void)
{
    const struct template template = argument_template(&arguments);
    CK_OBJECT_HANDLE *made = draw_place();
    return learn_made(
        made, functions->C_CreateObject(session, template.list, template.count, made));
}

static CK_RV call_copy(void)
{
    const CK_OBJECT_HANDLE object = argument_handle(&arguments, &objects);
    const struct template template = argument_template(&arguments);
    CK_OBJECT_HANDLE *made = draw_place();
    return learn_made(
        made, functions->C_CopyObject(session, object, template.list, template.count, made));
}

static CK_RV call_object(void)
{
    return entry.object(session, argument_handle(&arguments, &objects));
}

static CK_RV call_object_size(void)
{
    const CK_OBJECT_HANDLE object = argument_handle(&arguments, &objects);
    CK_ULONG *size = draw_place();
    const CK_RV rv = functions->C_GetObjectSize(session, object, size);
    if (rv == CKR_OK && *size == (CK_ULONG)-1)
        fail("CKR_OK with a length of -1", rv);
    return rv;
}

static CK_RV call_get(void)
{
    const CK_OBJECT_HANDLE object = argument_handle(&arguments, &objects);
    const struct template query = argument_query(&arguments);
    const CK_RV rv = entry.attributes(session, object, query.list, query.count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < query.count; i++)
        if (query.list[i].ulValueLen == (CK_ULONG)-1)
            fail("CKR_OK with a length of -1", rv);
    return rv;
}

static CK_RV call_set(void)
{
    const CK_OBJECT_HANDLE object = argument_handle(&arguments, &objects);
    const struct template template = argument_template(&arguments);
    return entry.attributes(session, object, template.list, template.count);
}

static CK_RV call_find(void)
{
    const struct template template = argument_template(&arguments);
    return functions->C_FindObjectsInit(session, template.list, template.count);
}

static CK_RV call_found(void)
{
    const unsigned how = draw();
    const CK_ULONG room = how == 255 ? 4096 : how % 16;
    CK_ULONG *found = how == 254 ? NULL : argument_number(&arguments, (CK_ULONG)-1);
    CK_OBJECT_HANDLE *list = how == 253 ? NULL
                                        : (CK_OBJECT_HANDLE *)(void *)argument_block(
                                              &arguments, NULL, room * sizeof *list, false);
    /* 255: as many as there are */
    const CK_RV rv =
        functions->C_FindObjects(session, list, how == 255 ? (CK_ULONG)-1 : room, found);
    if (rv != CKR_OK)
        return rv;
    if (*found > room)
        fail("finds more than there is room for", *found);
    for (CK_ULONG i = 0; i < *found; i++)
        learn(&objects, list[i]);
    return rv;
}

static CK_RV call_begin(void)
{
    CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    return entry.begin(session, mechanism, argument_handle(&arguments, &objects));
}

static CK_RV call_begin_digest(void)
{
    return functions->C_DigestInit(session, argument_mechanism(&arguments));
}

/* Every other one asks for the size first: what it says must be enough then. */
static bool draw_asks_first(const struct output *output)
{
    return draw() % 2 == 1 && output->ptr != NULL && output->len_ptr != NULL;
}

static void check_promise(const struct output *output, CK_ULONG promised, CK_RV rv)
{
    if (rv == CKR_BUFFER_TOO_SMALL && output->given >= promised)
        fail("needs more than it said", promised);
    if (rv == CKR_OK && *output->len_ptr > promised)
        fail("gives more than it said", *output->len_ptr);
}

static CK_RV call_in_out(void)
{
    const struct input in = argument_input(&arguments);
    const struct output out = argument_output(&arguments, &in);
    CK_ULONG promised = (CK_ULONG)-1;
    const bool asks = draw_asks_first(&out);
    if (asks) {
        CK_ULONG *size = argument_number(&arguments, 0);
        const CK_RV rv = entry.in_out(session, in.ptr, in.len, NULL, size);
        check_code(rv);
        if (rv != CKR_OK)
            return rv;
        promised = *size;
    }
    const CK_RV rv = entry.in_out(session, in.ptr, in.len, out.ptr, out.len_ptr);
    check_output(&out, rv);
    if (asks)
        check_promise(&out, promised, rv);
    return rv;
}

static CK_RV call_in(void)
{
    const struct input in = argument_input(&arguments);
    return entry.in(session, in.ptr, in.len);
}

static CK_RV call_in_in(void)
{
    const struct input first = argument_input(&arguments);
    const struct input second = argument_input(&arguments);
    return entry.in_in(session, first.ptr, first.len, second.ptr, second.len);
}

static CK_RV call_out(void)
{
    const struct output out = argument_output(&arguments, NULL);
    CK_ULONG promised = (CK_ULONG)-1;
    const bool asks = draw_asks_first(&out);
    if (asks) {
        CK_ULONG *size = argument_number(&arguments, 0);
        const CK_RV rv = entry.out(session, NULL, size);
        check_code(rv);
        if (rv != CKR_OK)
            return rv;
        promised = *size;
    }
    const CK_RV rv = entry.out(session, out.ptr, out.len_ptr);
    check_output(&out, rv);
    if (asks)
        check_promise(&out, promised, rv);
    return rv;
}

static CK_RV call_generate(void)
{
    CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    const struct template template = argument_template(&arguments);
    CK_OBJECT_HANDLE *made = draw_place();
    return learn_made(
        made, functions->C_GenerateKey(session, mechanism, template.list, template.count, made));
}

static CK_RV call_generate_pair(void)
{
    CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    const struct template public_template = argument_template(&arguments);
    const struct template private_template = argument_template(&arguments);
    CK_OBJECT_HANDLE *public_key = draw_place();
    CK_OBJECT_HANDLE *private_key = draw_place();
    const CK_RV rv = learn_made(
        public_key, functions->C_GenerateKeyPair(session, mechanism, public_template.list,
                        public_template.count, private_template.list, private_template.count,
                        public_key, private_key));
    return learn_made(private_key, rv);
}

static CK_RV call_wrap(void)
{
    CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    const CK_OBJECT_HANDLE wrapping = argument_handle(&arguments, &objects);
    const CK_OBJECT_HANDLE key = argument_handle(&arguments, &objects);
    const struct output out = argument_output(&arguments, NULL);
    const CK_RV rv = functions->C_WrapKey(session, mechanism, wrapping, key, out.ptr, out.len_ptr);
    check_output(&out, rv);
    return rv;
}

static CK_RV call_unwrap(void)
{
    CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    const CK_OBJECT_HANDLE key = argument_handle(&arguments, &objects);
    const struct input wrapped = argument_input(&arguments);
    const struct template template = argument_template(&arguments);
    CK_OBJECT_HANDLE *made = draw_place();
    return learn_made(made, functions->C_UnwrapKey(session, mechanism, key, wrapped.ptr,
                                wrapped.len, template.list, template.count, made));
}

static CK_RV call_derive(void)
{
    CK_MECHANISM *mechanism = argument_mechanism(&arguments);
    const CK_OBJECT_HANDLE key = argument_handle(&arguments, &objects);
    const struct template template = argument_template(&arguments);
    CK_OBJECT_HANDLE *made = draw_place();
    return learn_made(
        made, functions->C_DeriveKey(session, mechanism, key, template.list, template.count, made));
}

static CK_RV call_random(void)
{
    const unsigned how = draw();
    const CK_ULONG len = how == 255 ? 70000 : how;
    uint8_t *room = how == 254 ? NULL : argument_block(&arguments, NULL, len, false);
    return functions->C_GenerateRandom(session, room, len);
}

/* ---- 3.0 ---- */

static CK_RV call_interface_list(void)
{
    CK_ULONG count = draw() % 4;
    CK_INTERFACE *list = draw() % 4 == 0 ? NULL
                                         : (CK_INTERFACE *)(void *)argument_block(
                                               &arguments, NULL, count * sizeof *list, false);
    return functions_3_0->C_GetInterfaceList(list, draw() % 8 == 7 ? NULL : &count);
}

static CK_RV call_interface(void)
{
    static CK_UTF8CHAR names[][8] = {"PKCS 11", "PKCS 12", ""};
    const unsigned how = draw();
    CK_VERSION version = {(CK_BYTE)(how % 4), how & 64 ? 40 : 0};
    CK_INTERFACE *interface = NULL;
    const CK_RV rv = functions_3_0->C_GetInterface(how & 4 ? NULL : names[how / 8 % 3],
        how & 32 ? NULL : &version, how == 255 ? NULL : &interface, how & 128 ? how : 0);
    if (rv == CKR_OK && (interface == NULL || interface->pFunctionList == NULL))
        fail("gives no list", rv);
    return rv;
}

static CK_RV call_login_user(void)
{
    const CK_USER_TYPE user = draw() % 4;
    const struct input pin = argument_pin(&arguments);
    const struct input name = argument_input(&arguments);
    return functions_3_0->C_LoginUser(session, user, pin.ptr, pin.len, name.ptr, name.len);
}

static CK_RV call_cancel(void)
{
    const CK_FLAGS flags = (CK_FLAGS)draw() << 8 | draw();
    return functions_3_0->C_SessionCancel(session, draw() % 4 == 0 ? ~(CK_FLAGS)0 : flags);
}

static CK_RV call_message(void)
{
    const struct input parameter = argument_message_parameter(&arguments);
    const struct input aad = argument_input(&arguments);
    const struct input in = argument_input(&arguments);
    const struct output out = argument_output(&arguments, &in);
    const CK_RV rv = entry.message(session, parameter.ptr, parameter.len, aad.ptr, aad.len, in.ptr,
        in.len, out.ptr, out.len_ptr);
    check_output(&out, rv);
    return rv;
}

static CK_RV call_message_begin(void)
{
    const struct input parameter = argument_message_parameter(&arguments);
    const struct input aad = argument_input(&arguments);
    return entry.message_begin(session, parameter.ptr, parameter.len, aad.ptr, aad.len);
}

static CK_RV call_message_next(void)
{
    const struct input parameter = argument_message_parameter(&arguments);
    const struct input in = argument_input(&arguments);
    const struct output out = argument_output(&arguments, &in);
    const CK_RV rv = entry.message_next(
        session, parameter.ptr, parameter.len, in.ptr, in.len, out.ptr, out.len_ptr, draw() % 4);
    check_output(&out, rv);
    return rv;
}

static CK_RV call_message_sign(void)
{
    const struct input parameter = argument_message_parameter(&arguments);
    const struct input in = argument_input(&arguments);
    const struct output out = argument_output(&arguments, &in);
    const CK_RV rv = entry.message_sign(
        session, parameter.ptr, parameter.len, in.ptr, in.len, out.ptr, out.len_ptr);
    if (out.ptr != NULL || out.given != 0) /* else it is not the last part */
        check_output(&out, rv);
    return rv;
}

static CK_RV call_message_sign_begin(void)
{
    const struct input parameter = argument_message_parameter(&arguments);
    return entry.message_sign_begin(session, parameter.ptr, parameter.len);
}

static CK_RV call_message_verify(void)
{
    const struct input parameter = argument_message_parameter(&arguments);
    const struct input in = argument_input(&arguments);
    const struct input signature = argument_input(&arguments);
    return entry.message_verify(
        session, parameter.ptr, parameter.len, in.ptr, in.len, signature.ptr, signature.len);
}

static CK_RV call_session(void)
{
    return entry.session(session);
}

static CK_RV (*const shapes[])(void) = {
    [SHAPE_INITIALIZE] = call_initialize,
    [SHAPE_FINALIZE] = call_finalize,
    [SHAPE_INFO] = call_info,
    [SHAPE_FUNCTION_LIST] = call_function_list,
    [SHAPE_SLOT_LIST] = call_slot_list,
    [SHAPE_SLOT_INFO] = call_slot_info,
    [SHAPE_MECHANISM_LIST] = call_mechanism_list,
    [SHAPE_MECHANISM_INFO] = call_mechanism_info,
    [SHAPE_INIT_TOKEN] = call_init_token,
    [SHAPE_OPEN] = call_open,
    [SHAPE_CLOSE] = call_close,
    [SHAPE_CLOSE_ALL] = call_close_all,
    [SHAPE_WAIT] = call_wait,
    [SHAPE_SESSION] = call_session,
    [SHAPE_SESSION_INFO] = call_session_info,
    [SHAPE_LOGIN] = call_login,
    [SHAPE_PIN] = call_pin,
    [SHAPE_TWO_PINS] = call_two_pins,
    [SHAPE_STATE] = call_state,
    [SHAPE_CREATE] = call_create,
    [SHAPE_COPY] = call_copy,
    [SHAPE_OBJECT] = call_object,
    [SHAPE_OBJECT_SIZE] = call_object_size,
    [SHAPE_GET] = call_get,
    [SHAPE_SET] = call_set,
    [SHAPE_FIND] = call_find,
    [SHAPE_FOUND] = call_found,
    [SHAPE_BEGIN] = call_begin,
    [SHAPE_BEGIN_DIGEST] = call_begin_digest,
    [SHAPE_IN_OUT] = call_in_out,
    [SHAPE_IN] = call_in,
    [SHAPE_IN_IN] = call_in_in,
    [SHAPE_OUT] = call_out,
    [SHAPE_GENERATE] = call_generate,
    [SHAPE_GENERATE_PAIR] = call_generate_pair,
    [SHAPE_WRAP] = call_wrap,
    [SHAPE_UNWRAP] = call_unwrap,
    [SHAPE_DERIVE] = call_derive,
    [SHAPE_RANDOM] = call_random,
    [SHAPE_INTERFACE_LIST] = call_interface_list,
    [SHAPE_INTERFACE] = call_interface,
    [SHAPE_LOGIN_USER] = call_login_user,
    [SHAPE_CANCEL] = call_cancel,
    [SHAPE_MESSAGE] = call_message,
    [SHAPE_MESSAGE_BEGIN] = call_message_begin,
    [SHAPE_MESSAGE_NEXT] = call_message_next,
    [SHAPE_MESSAGE_SIGN] = call_message_sign,
    [SHAPE_MESSAGE_SIGN_BEGIN] = call_message_sign_begin,
    [SHAPE_MESSAGE_VERIFY] = call_message_verify,
};

/* ---- a sequence ---- */

static CK_RV call(enum call_number number)
{
    const bool was_initialized = initialized;
    row = &call_rows[number];
    must(row->shape != SHAPE_MISSING);
    const void *list = number < CALL_C_GetInterfaceList ? (void *)functions : functions_3_0;
    memcpy(&entry, (const uint8_t *)list + row->offset, sizeof entry);
    session = row->has_session ? argument_handle(&arguments, &sessions) : 0;
    const CK_RV rv = shapes[row->shape]();
    if (row->shape == SHAPE_FINALIZE && was_initialized && !initialized)
        must(rv == CKR_OK);
    else
        check_code(rv);
    if (row->shape == SHAPE_CLOSE && rv == CKR_OK)
        forget(&sessions, session);
    arguments_end(&arguments);
    return rv;
}

/* As most programs begin; what fails by the circumstances is left out. */
static void begin(unsigned how)
{
    struct reader nothing = reader_of(span_of(NULL, 0));
    arguments_begin(&arguments, &nothing);
    if (how == BEGIN_BARE || functions->C_Initialize(NULL) != CKR_OK)
        return;
    initialized = true;
    CK_SESSION_HANDLE handle;
    if (how == BEGIN_INITIALIZED || functions->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                        NULL, NULL, &handle) != CKR_OK)
        return;
    learn(&sessions, handle);
    if (how == BEGIN_LOGGED_IN)
        (void)functions->C_Login(
            handle, CKU_USER, (CK_BYTE *)(uintptr_t)world_pin, (CK_ULONG)strlen(world_pin));
    CK_OBJECT_HANDLE found[ARGUMENT_HANDLES_MAX];
    CK_ULONG count = 0;
    if (functions->C_FindObjectsInit(handle, NULL, 0) != CKR_OK)
        return;
    (void)functions->C_FindObjects(handle, found, ARGUMENT_HANDLES_MAX, &count);
    (void)functions->C_FindObjectsFinal(handle);
    for (CK_ULONG i = 0; i < count; i++)
        learn(&objects, found[i]);
}

/* Sessions end one by one or with the module, and nothing is left. */
static void end(unsigned how)
{
    CK_TOKEN_INFO info;
    while (initialized && how % 2 == 1 && sessions.count > 0) {
        must(functions->C_CloseSession(sessions.known[0]) == CKR_OK);
        forget(&sessions, sessions.known[0]);
    }
    if (initialized && sessions.count == 0 && functions->C_GetTokenInfo(0, &info) == CKR_OK)
        must(info.ulSessionCount == 0 && info.ulRwSessionCount == 0);
    if (initialized)
        must(functions->C_Finalize(NULL) == CKR_OK);
    initialized = false;
    sessions.count = 0;
    objects.count = 0;
    world_end();
}

/* The functions of one interface or the other; those that 3.0 added are there in any case. */
static void get_functions(bool newest)
{
    CK_INTERFACE *interface;
    must(C_GetInterface(NULL, NULL, &interface, 0) == CKR_OK);
    functions_3_0 = interface->pFunctionList;
    must(functions_3_0->version.major == 3 && C_GetFunctionList(&functions) == CKR_OK);
    if (newest)
        functions = interface->pFunctionList;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader bytes = reader_of(span_of(data, size));
    world_open();
    arguments =
        (struct arguments){.last_output = last_output, .pin = world_pin, .objects = &objects};
    last_output_len = 0;
    arguments_begin(&arguments, &bytes);
    const unsigned circumstances = draw();
    get_functions((circumstances & NEWEST) != 0);
    world_begin(circumstances);
    const unsigned how = draw();
    begin(how % BEGINNINGS);
    arguments_begin(&arguments, &bytes);
    for (unsigned i = 0; i < CALLS_MAX && reader_more(&bytes); i++) {
        const unsigned number = draw();
        arguments.last_output_len = last_output_len;
        if (number < 2 * CALLS)
            (void)call((enum call_number)(number % CALLS));
        else
            world_fault((enum world_fault)(number % WORLD_FAULTS), (unsigned)read_uint(&bytes, 2));
    }
    end(how / BEGINNINGS);
    return 0;
}
