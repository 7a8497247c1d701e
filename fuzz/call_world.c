/* SPDX-License-Identifier: MIT
 *
 * The worker behind the module. Linked with --wrap for the functions of wire/link.c, the pool's
 * pause and the clock: a descriptor is a real socket that is connected to nothing.
 */
#include "call_world.h"

#include "fuzz.h"

#include "base/clock.h"
#include "base/log.h"
#include "fixture.h"
#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    UID = 1001,
    PID = 11,
    FDS_MAX = 1024,
    LONG_LABEL = 15000,
    AWAY_CONNECTS = 3,
    CONNECTIONS = 40,
    SESSION_OBJECTS = 16,
};

const char world_pin[] = "1234";

/* The client's end of a connection. */
struct end {
    bool open;
    struct connection *connection; /* the worker's end; NULL: that is closed */
    bool parked;
    bool answered; /* the fixture has an answer for it */
};

static struct fixture fixture;
static struct scratch runtime;
static struct identity who;
static struct login *login;
static driver_ref forbidden[2];
static struct end ends[FDS_MAX];
static uint64_t now_us;
static uint64_t life;
static bool device_there;
static unsigned away;          /* connects that find nobody */
static enum world_fault armed; /* what meets the next request; WORLD_FAULTS: nothing */
static unsigned rights;

/* ---- the device: the one in memory, with all mechanisms that there are ---- */

#define USES    (CKF_ENCRYPT | CKF_DECRYPT)
#define WRAPS   (CKF_WRAP | CKF_UNWRAP)
#define CHECKED (CKF_SIGN | CKF_VERIFY)

static const struct wire_mechanism mechanisms[] = {
    {CKM_ECDSA, 256, 521, CKF_SIGN},
    {CKM_EC_KEY_PAIR_GEN, 256, 521, CKF_GENERATE_KEY_PAIR},
    {CKM_ECDH1_DERIVE, 256, 521, CKF_DERIVE},
    {CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, 4096, CKF_GENERATE_KEY_PAIR},
    {CKM_RSA_PKCS, 2048, 4096, CKF_SIGN | USES | WRAPS},
    {CKM_RSA_PKCS_PSS, 2048, 4096, CKF_SIGN},
    {CKM_RSA_PKCS_OAEP, 2048, 4096, USES | WRAPS},
    {CKM_AES_KEY_GEN, 16, 32, CKF_GENERATE},
    {CKM_GENERIC_SECRET_KEY_GEN, 1, 4096, CKF_GENERATE},
    {CKM_SHA256_HMAC, 1, 512, CHECKED},
    {CKM_SHA384_HMAC, 1, 512, CHECKED},
    {CKM_SHA512_HMAC, 1, 512, CHECKED},
    {CKM_AES_CMAC, 16, 32, CHECKED},
    {CKM_AES_ECB, 16, 32, USES},
    {CKM_AES_CBC, 16, 32, USES},
    {CKM_AES_CBC_PAD, 16, 32, USES},
    {CKM_AES_CTR, 16, 32, USES},
    {CKM_AES_GCM, 16, 32, USES},
    {CKM_AES_KEY_WRAP, 16, 32, WRAPS},
    {CKM_AES_KEY_WRAP_PAD, 16, 32, WRAPS},
};

static err_t tell_token(struct device *ours, struct driver_token *ret_token)
{
    const err_t err = fake_driver.token(ours, ret_token);
    ret_token->mechanism_count = sizeof mechanisms / sizeof mechanisms[0];
    memcpy(ret_token->mechanisms, mechanisms, sizeof mechanisms);
    return err;
}

static err_t derive(struct device *ours, driver_ref key, uint32_t mechanism, struct span parameter,
    struct span template, driver_ref *ret_key)
{
    (void)mechanism;
    (void)parameter;
    ours->last_used = key;
    return fake_driver.create(ours, template, ret_key);
}

static err_t tell_value(struct device *ours, driver_ref key, struct writer *value)
{
    const struct fake_object *row = fake_find(ours, key);
    if (row == NULL)
        return ERR_OBJECT_GONE;
    write_span(value, span_of("a secret that two have in common", 32));
    return ERR_OK;
}

static struct driver driver;

static void make_driver(void)
{
    driver = fake_driver;
    driver.token = tell_token;
    driver.derive = derive;
    driver.value = tell_value;
    fixture.worker.driver = &driver;
    must(driver.token(&fixture.device, &fixture.worker.token) == ERR_OK);
}

/* ---- the worker ---- */

static void put_stubborn(void)
{
    uint8_t room[256];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put_bool(&list, ATTR_TOKEN, true);
    attribute_put(&list, ATTR_LABEL, span_of_text("web"));
    attribute_put_bool(&list, ATTR_MODIFIABLE, false);
    attribute_put_bool(&list, ATTR_DESTROYABLE, false);
    (void)fake_put(&fixture.device, writer_bytes(&list));
}

/* A few of them fill a message. */
static void put_long(void)
{
    static const uint8_t label[LONG_LABEL];
    static uint8_t room[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(room, sizeof room);
    attribute_put_ulong(&list, ATTR_CLASS, CLASS_CERTIFICATE);
    attribute_put_bool(&list, ATTR_TOKEN, true);
    attribute_put(&list, ATTR_LABEL, span_of(label, sizeof label));
    (void)fake_put(&fixture.device, writer_bytes(&list));
}

static void put_objects(unsigned circumstances)
{
    struct device *device = &fixture.device;
    fake_reset(device);
    (void)fake_put_private(device, "web", "1");
    (void)fake_put_public(device, "web", "1");
    forbidden[0] = fake_put_private(device, "bank", "2");
    (void)fake_put_certificate(device, "web", "1");
    (void)fake_put_secret(device, "web", CKK_AES, true);
    (void)fake_put_secret(device, "web", CKK_GENERIC_SECRET, true);
    forbidden[1] = fake_put_secret(device, "bank", CKK_AES, true);
    if (circumstances & WORLD_STUBBORN_OBJECTS)
        put_stubborn();
    for (size_t i = 0; i < 5 && (circumstances & WORLD_LONG_LIST); i++)
        put_long();
}

/* A token forgets session objects with the life of the worker whose session it was. */
static void forget_session_objects(void)
{
    for (size_t i = 0; i < FAKE_OBJECTS_MAX; i++) {
        const struct fake_object *row = &fixture.device.objects[i];
        if (row->ref != 0 && !attribute_get_bool(span_of(row->list, row->len), ATTR_TOKEN, true))
            must(fake_driver.destroy(&fixture.device, row->ref) == ERR_OK);
    }
}

/* Another life of the worker, with what the device has now. */
static void live(void)
{
    struct worker *worker = &fixture.worker;
    struct objects *objects = &worker->objects;
    accounts_free(&worker->accounts);
    worker->device_lost = false;
    worker->begun_ever = 0;
    objects_free(objects);
    worker->device = device_there ? &fixture.device : NULL;
    worker->instance = 0;
    fake_fail(&fixture.device, FAKE_LIST, 0, ERR_OK);
    forget_session_objects();
    if (!device_there)
        return;
    worker->instance = ++life << 32 | 1;
    must(objects_init(objects, &driver, &fixture.device, worker->login != NULL) == ERR_OK);
    objects->next_number = objects->generation = worker->instance;
    must(objects_load(objects) == ERR_OK);
}

/* Ends this life: the clients' connections are closed at their far end. */
static void die(void)
{
    for (size_t fd = 0; fd < FDS_MAX; fd++) {
        if (ends[fd].connection == NULL)
            continue;
        fixture_disconnect(&fixture, ends[fd].connection);
        ends[fd].connection = NULL;
        ends[fd].parked = false;
        ends[fd].answered = false;
    }
    live();
}

static void check_keys(void)
{
    if (rights & WORLD_ALL_ALLOWED)
        return;
    for (size_t i = 0; i < 2; i++)
        must(fixture.device.last_used != forbidden[i] &&
             fixture.device.last_wrapped != forbidden[i] &&
             fake_find(&fixture.device, forbidden[i]) != NULL);
}

/* A packet of the module; what it sends has always a header. */
static void serve(struct end *end, struct span packet)
{
    fixture_packet(&fixture, end->connection, packet);
    must(fixture.end != REQUEST_HOPELESS);
    end->parked = fixture.end == REQUEST_PARKED;
    end->answered = !end->parked;
    check_keys();
    must(atomic_load(&fixture.pulse.busy_since) == 0);
}

/* ---- what wire/link.c and the pool call ---- */

int __real_close(int fd);
int __real_poll(struct pollfd *pollers, nfds_t count, int timeout);
ssize_t __real_recv(int fd, void *buffer, size_t len, int flags);
ssize_t __real_send(int fd, const void *buffer, size_t len, int flags);
int __wrap_close(int fd);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_nanosleep(const struct timespec *time, struct timespec *rest);
int __wrap_poll(struct pollfd *pollers, nfds_t count, int timeout);
ssize_t __wrap_recv(int fd, void *buffer, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *buffer, size_t len, int flags);
uint64_t __wrap_clock_us(void);
void __wrap_log_line(enum log_level level, const char *format, ...);
int __wrap_PKCS5_PBKDF2_HMAC(const char *text, int len, const unsigned char *salt, int salt_len,
    int rounds, const EVP_MD *digest, int out_len, unsigned char *out);

void __wrap_log_line(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

/* The slow hash of a PIN would take all the time. */
int __wrap_PKCS5_PBKDF2_HMAC(const char *text, int len, const unsigned char *salt, int salt_len,
    int rounds, const EVP_MD *digest, int out_len, unsigned char *out)
{
    (void)rounds;
    (void)digest;
    for (int i = 0; i < out_len; i++)
        out[i] = (uint8_t)((len > 0 ? text[i % len] : 0) ^ salt[i % salt_len] ^ len);
    return 1;
}

static struct end *end_of(int fd)
{
    return fd >= 0 && fd < FDS_MAX && ends[fd].open ? &ends[fd] : NULL;
}

static int fails_with(int number)
{
    errno = number;
    return -1;
}

uint64_t __wrap_clock_us(void)
{
    return ++now_us;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
    (void)rest;
    now_us += (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_nsec / 1000;
    return 0;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    (void)len;
    const char *path = ((const struct sockaddr_un *)address)->sun_path;
    const char *name = strrchr(path, '/');
    must(fd >= 0 && fd < FDS_MAX && !ends[fd].open && name != NULL);
    if (strcmp(name, "/demo.sock") != 0)
        return fails_with(ECONNREFUSED);
    if (away > 0) {
        away--;
        return fails_with(ECONNREFUSED);
    }
    if (fixture.worker.device_lost)
        die();
    ends[fd] = (struct end){.open = true, .connection = fixture_connect(&fixture, &who)};
    return 0;
}

ssize_t __wrap_send(int fd, const void *buffer, size_t len, int flags)
{
    struct end *end = end_of(fd);
    if (end == NULL)
        return __real_send(fd, buffer, len, flags);
    const enum world_fault fault = armed;
    armed = WORLD_FAULTS;
    must(len > 0 && len <= WIRE_MESSAGE_MAX && !end->answered && !end->parked);
    if (fault == WORLD_DIE_BEFORE || fixture.worker.device_lost)
        die();
    if (end->connection == NULL)
        return fails_with(EPIPE);
    serve(end, span_of(buffer, len));
    if (fault == WORLD_DIE_AFTER)
        die();
    if (fault == WORLD_DEAF)
        end->answered = end->parked = false;
    return (ssize_t)len;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t len, int flags)
{
    struct end *end = end_of(fd);
    if (end == NULL)
        return __real_recv(fd, buffer, len, flags);
    if (end->answered) {
        const struct span answer = fixture.answer;
        must(answer.len > 0 && answer.len <= len);
        memcpy(buffer, answer.ptr, answer.len);
        end->answered = false;
        return (ssize_t)answer.len;
    }
    return end->connection == NULL ? 0 : fails_with(EAGAIN);
}

/* What is parked comes now; for what does not come, the time passes. */
int __wrap_poll(struct pollfd *pollers, nfds_t count, int timeout)
{
    struct end *end = count == 1 ? end_of(pollers[0].fd) : NULL;
    if (end == NULL)
        return __real_poll(pollers, count, timeout);
    if (!end->parked) {
        now_us += (uint64_t)(timeout > 0 ? timeout : 0) * 1000;
        return 0;
    }
    struct writer reply = writer_of(fixture.reply, sizeof fixture.reply);
    do
        now_us = now_us > end->connection->parked_until ? now_us : end->connection->parked_until;
    while (request_unpark(&fixture.worker, end->connection, &reply) == REQUEST_PARKED);
    fixture.answer = writer_bytes(&reply);
    end->parked = false;
    end->answered = true;
    return 1;
}

int __wrap_close(int fd)
{
    struct end *end = end_of(fd);
    if (end != NULL) {
        if (end->connection != NULL)
            fixture_disconnect(&fixture, end->connection);
        *end = (struct end){0};
    }
    return __real_close(fd);
}

/* ---- faults ---- */

/* Errors that driver.h names: of any call, of a key at work, and of what makes an object. */
static const err_t any_error[] = {ERR_DEVICE, ERR_TOKEN_ABSENT, ERR_DEVICE_MEMORY, ERR_MEMORY};
static const err_t use_error[] = {ERR_KEY_SIZE, ERR_DATA_LENGTH, ERR_MECHANISM_PARAMETER};
static const err_t make_error[] = {ERR_TEMPLATE_INCONSISTENT, ERR_ATTRIBUTE_VALUE, ERR_READ_ONLY};
enum { ANY_ERRORS = 4, OWN_ERRORS = 3 };

static const err_t *own_errors(enum fake_call call)
{
    switch (call) {
    case FAKE_USE:
    case FAKE_BEGIN:
        return use_error;
    case FAKE_GENERATE:
    case FAKE_GENERATE_SECRET:
    case FAKE_CREATE:
    case FAKE_UNWRAP:
        return make_error;
    default:
        return NULL;
    }
}

static void device_fails(unsigned more)
{
    const enum fake_call call = (enum fake_call)(more % FAKE_CALLS);
    const unsigned which = more / FAKE_CALLS % (ANY_ERRORS + OWN_ERRORS);
    const err_t *own = own_errors(call);
    if (device_there && which < ANY_ERRORS)
        fake_fail(&fixture.device, call, 1, any_error[which]);
    else if (device_there && own != NULL)
        fake_fail(&fixture.device, call, 1, own[which - ANY_ERRORS]);
}

static void other_destroys(unsigned more)
{
    const struct identity other = person(UID, PID + 1);
    struct objects *objects = &fixture.worker.objects;
    if (!device_there || fixture.worker.device_lost || objects->count == 0)
        return;
    const uint32_t most = fixture.worker.max_connections;
    fixture.worker.max_connections = UINT32_MAX;
    struct connection *connection = fixture_greet(&fixture, &other, 7);
    const struct object *object = objects->rows[more % objects->count];
    const struct wire_destroy_request request = {object->number};
    union wire_body reply;
    (void)fixture_call(&fixture, connection, WIRE_DESTROY, &request, &reply);
    fixture_disconnect(&fixture, connection);
    fixture.worker.max_connections = most;
    check_keys();
}

void world_fault(enum world_fault fault, unsigned more)
{
    switch (fault) {
    case WORLD_RESTART:
        die();
        break;
    case WORLD_DIE_BEFORE:
    case WORLD_DIE_AFTER:
    case WORLD_DEAF:
        armed = fault;
        break;
    case WORLD_AWAY:
        away = more % 2 ? AWAY_CONNECTS : UINT32_MAX;
        die();
        break;
    case WORLD_UNPLUG:
        device_there = !device_there;
        die();
        break;
    case WORLD_DEVICE_FAILS:
        device_fails(more);
        break;
    case WORLD_OTHER_DESTROYS:
        other_destroys(more);
        break;
    case WORLD_FAULTS:
        break;
    }
}

/* ---- begin and end ---- */

/* Where an input has set another PIN. */
static void renew_login(void)
{
    struct secret *pin;
    if (unlinkat(fixture.scratch.fd, "client-pin", 0) != 0)
        return;
    login_free(login);
    must(secret_new(strlen(world_pin), &pin) == ERR_OK);
    memcpy(secret_writable(pin), world_pin, strlen(world_pin));
    must(login_new(fixture.scratch.fd, "demo", pin, &login) == ERR_OK);
}

static void close_world(void)
{
    fixture.worker.login = login;
    fixture_close(&fixture);
    scratch_remove(&runtime);
}

void world_open(void)
{
    if (fixture.worker.driver != NULL)
        return;
    fixture_open(&fixture, world_pin);
    make_driver();
    login = fixture.worker.login;
    (void)snprintf(fixture.worker.token_label, sizeof fixture.worker.token_label, "demo");
    who = person(UID, PID);
    fixture_rule(&fixture, for_user(on_label(rule(true, VERB_ALL, "t.conf:1"), "web"), UID));
    fixture_rule(&fixture, on_class(rule(true, VERB_FIND, "t.conf:2"), CLASS_CERTIFICATE));
    fixture_rule(&fixture, rule(true, VERB_RANDOM, "t.conf:3"));
    fixture_rule(&fixture, rule(true, VERB_ALL | VERB_ADMIN | VERB_DERIVE_EXPORT, "t.conf:4"));
    fixture.worker.max_session_objects = SESSION_OBJECTS;
    scratch_make(&runtime);
    scratch_write(&runtime, "demo.sock", "", 0);
    scratch_write(&runtime, "gone.sock", "", 0);
    must(setenv("SIGNERD_RUNTIME_DIR", runtime.path, 1) == 0);
    must(atexit(close_world) == 0);
}

void world_begin(unsigned circumstances)
{
    struct worker *worker = &fixture.worker;
    rights = circumstances;
    armed = WORLD_FAULTS;
    away = 0;
    life = 0;
    now_us = 1000000000;
    device_there = (circumstances & WORLD_DEVICE_ABSENT) == 0;
    renew_login();
    worker->login = circumstances & WORLD_NO_CLIENT_PIN ? NULL : login;
    worker->rule_count = circumstances & WORLD_ALL_ALLOWED ? 4 : 3;
    worker->max_connections = circumstances & WORLD_FEW_CONNECTIONS ? 1 : CONNECTIONS;
    put_objects(circumstances);
    live();
}

void world_end(void)
{
    for (size_t fd = 0; fd < FDS_MAX; fd++)
        must(!ends[fd].open);
    must(fixture.worker.clients.first == NULL && fixture.device.begun == 0);
    for (size_t i = 0; i < fixture.worker.objects.count; i++)
        must(fixture.worker.objects.rows[i]->owner == NULL);
}
