/* SPDX-License-Identifier: MIT
 *
 * A PKCS#11 client that signs, in as many processes and threads as asked for, and checks each
 * signature with OpenSSL. It can go on after failures, counting them by code, to show what a client
 * sees of faults.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DIGEST = 32, SIGNATURE = 64, CODES = 16, PIN_MAX = 256 };

static struct {
    const char *module;
    const char *token;
    const char *pin_file;
    const char *key;
    unsigned long processes;
    unsigned long threads;
    unsigned long count; /* signatures of each thread; 0: see below */
    unsigned long seconds;
    const char *until; /* signs until this file exists */
    bool keep_going;
    bool no_verify;
    bool make_key; /* generate the key first, a token object */
} options = {.key = "device", .processes = 1, .threads = 1, .count = 1};

/* What one process saw; sent to the first process through a pipe. */
struct tally {
    unsigned long signatures;
    unsigned long bad; /* signatures that do not verify */
    unsigned long failures[CODES];
    CK_RV codes[CODES];
    CK_RV setup; /* first failure before the signing began */
    char where[24];
};

struct thread {
    CK_FUNCTION_LIST *module;
    CK_SLOT_ID slot;
    struct tally tally;
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count_failure(struct tally *tally, CK_RV rv)
{
    for (size_t i = 0; i < CODES; i++) {
        if (tally->failures[i] == 0 || tally->codes[i] == rv) {
            tally->codes[i] = rv;
            tally->failures[i]++;
            return;
        }
    }
}

static bool setup_failed(struct tally *tally, const char *where, CK_RV rv)
{
    if (rv == CKR_OK)
        return false;
    tally->setup = rv;
    (void)snprintf(tally->where, sizeof tally->where, "%s", where);
    return true;
}

/* ---- checking with OpenSSL ---- */

static EVP_PKEY *public_key(const unsigned char *point, size_t len)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, len);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    if (EVP_PKEY_fromdata_init(context) == 1)
        (void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool verifies(EVP_PKEY *key, const unsigned char *digest, const unsigned char *signature)
{
    unsigned char *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool ok = false;
    if (ECDSA_SIG_set0(pair, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL))) {
        int len = i2d_ECDSA_SIG(pair, &der);
        ok = len > 0 && EVP_PKEY_verify_init(context) == 1 &&
             EVP_PKEY_verify(context, der, (size_t)len, digest, DIGEST) == 1;
    }
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    EVP_PKEY_CTX_free(context);
    return ok;
}

/* ---- PKCS#11 ---- */

static CK_RV find_slot(CK_FUNCTION_LIST *module, CK_SLOT_ID *ret_slot)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    CK_RV rv = module->C_GetSlotList(CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
        CK_TOKEN_INFO info;
        char label[33];
        if (module->C_GetTokenInfo(slots[i], &info) != CKR_OK)
            continue;
        (void)snprintf(label, sizeof label, "%-32s", options.token);
        if (memcmp(label, info.label, 32) == 0) {
            *ret_slot = slots[i];
            return CKR_OK;
        }
    }
    return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV log_in(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session)
{
    unsigned char pin[PIN_MAX];
    int fd = open(options.pin_file, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, pin, sizeof pin) : -1;
    if (fd >= 0)
        (void)close(fd);
    if (len <= 0)
        return CKR_PIN_INVALID;
    if (pin[len - 1] == '\n')
        len--;
    CK_RV rv = module->C_Login(session, CKU_USER, pin, (CK_ULONG)len);
    explicit_bzero(pin, sizeof pin);
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

static CK_RV find_key(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)options.key, strlen(options.key)}};
    CK_ULONG found = 0;
    CK_RV rv = module->C_FindObjectsInit(session, template, 2);
    if (rv == CKR_OK)
        rv = module->C_FindObjects(session, ret_key, 1, &found);
    CK_RV end = module->C_FindObjectsFinal(session);
    if (rv == CKR_OK)
        rv = end;
    return rv == CKR_OK && found == 0 ? CKR_OBJECT_HANDLE_INVALID : rv;
}

static CK_RV make_key(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (void *)options.key, strlen(options.key)},
        {CKA_ID, (void *)options.key, strlen(options.key)}, {CKA_EC_PARAMS, p256, sizeof p256}};
    CK_OBJECT_HANDLE pair[2];
    return module->C_GenerateKeyPair(
        session, &mechanism, template, 4, template, 3, &pair[0], &pair[1]);
}

static CK_RV read_point(
    CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, EVP_PKEY **ret_key)
{
    unsigned char point[128];
    CK_ATTRIBUTE attribute = {CKA_EC_POINT, point, sizeof point};
    CK_RV rv = module->C_GetAttributeValue(session, key, &attribute, 1);
    if (rv != CKR_OK)
        return rv;
    if (attribute.ulValueLen != 67)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *ret_key = public_key(point + 2, 65); /* without the OCTET STRING's header */
    return *ret_key ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV sign_once(struct thread *thread, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    EVP_PKEY *check, unsigned long number)
{
    unsigned char digest[DIGEST] = {0};
    unsigned char signature[SIGNATURE];
    CK_ULONG len = sizeof signature;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    memcpy(digest, &number, sizeof number);
    CK_RV rv = thread->module->C_SignInit(session, &mechanism, key);
    if (rv == CKR_OK)
        rv = thread->module->C_Sign(session, digest, sizeof digest, signature, &len);
    if (rv != CKR_OK)
        return rv;
    thread->tally.signatures++;
    if (!options.no_verify && (len != SIGNATURE || !verifies(check, digest, signature)))
        thread->tally.bad++;
    return CKR_OK;
}

static bool is_time_left(unsigned long signature, double end)
{
    if (options.until != NULL)
        return access(options.until, F_OK) != 0;
    return options.count ? signature < options.count : now() < end;
}

static void sign_many(
    struct thread *thread, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, EVP_PKEY *check)
{
    double end = now() + (double)options.seconds;
    for (unsigned long i = 0; is_time_left(i, end); i++) {
        CK_RV rv = sign_once(thread, session, key, check, i);
        if (rv == CKR_OK)
            continue;
        count_failure(&thread->tally, rv);
        if (!options.keep_going)
            return;
    }
}

static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    struct tally *tally = &thread->tally;
    CK_FUNCTION_LIST *module = thread->module;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key = 0;
    CK_OBJECT_HANDLE public = 0;
    EVP_PKEY *check = NULL;
    if (setup_failed(tally, "C_OpenSession",
            module->C_OpenSession(
                thread->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session)))
        return NULL;
    if (!(options.pin_file && setup_failed(tally, "C_Login", log_in(module, session))) &&
        !(options.make_key &&
            setup_failed(tally, "C_GenerateKeyPair", make_key(module, session))) &&
        !setup_failed(tally, "find", find_key(module, session, CKO_PRIVATE_KEY, &key)) &&
        !setup_failed(tally, "public key", find_key(module, session, CKO_PUBLIC_KEY, &public)) &&
        !setup_failed(tally, "CKA_EC_POINT", read_point(module, session, public, &check)))
        sign_many(thread, session, key, check);
    EVP_PKEY_free(check);
    (void)module->C_CloseSession(session);
    return NULL;
}

static void add_tally(struct tally *sum, const struct tally *part)
{
    sum->signatures += part->signatures;
    sum->bad += part->bad;
    for (size_t i = 0; i < CODES; i++)
        for (unsigned long n = 0; n < part->failures[i]; n++)
            count_failure(sum, part->codes[i]);
    if (part->setup != CKR_OK)
        (void)setup_failed(sum, part->where, part->setup);
}

/* One process's life with the module, from dlopen to C_Finalize. */
static void run_process(struct tally *tally)
{
    CK_FUNCTION_LIST *module = NULL;
    CK_C_GetFunctionList get_list;
    CK_SLOT_ID slot = 0;
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    pthread_t ids[256];
    struct thread threads[256];
    void *library = dlopen(options.module, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        (void)setup_failed(tally, "dlopen", CKR_GENERAL_ERROR);
        return;
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    if (setup_failed(
            tally, "C_GetFunctionList", get_list ? get_list(&module) : CKR_GENERAL_ERROR) ||
        setup_failed(tally, "C_Initialize", module->C_Initialize(&arguments)))
        return;
    if (!setup_failed(tally, "token", find_slot(module, &slot))) {
        memset(threads, 0, sizeof threads);
        for (unsigned long i = 0; i < options.threads; i++) {
            threads[i].module = module;
            threads[i].slot = slot;
            if (pthread_create(&ids[i], NULL, run_thread, &threads[i]) != 0)
                abort();
        }
        for (unsigned long i = 0; i < options.threads; i++) {
            (void)pthread_join(ids[i], NULL);
            add_tally(tally, &threads[i].tally);
        }
    }
    (void)setup_failed(tally, "C_Finalize", module->C_Finalize(NULL));
}

/* ---- processes ---- */

/* Children wait until the gate's other end is closed, so that all start at one moment. */
static void start_child(int gate, int results)
{
    char byte;
    struct tally tally = {0};
    (void)!read(gate, &byte, 1);
    run_process(&tally);
    (void)!write(results, &tally, sizeof tally);
    _exit(0);
}

static int run_all(struct tally *sum)
{
    int gate[2];
    int results[2];
    int died = 0;
    if (pipe(gate) != 0 || pipe(results) != 0)
        return -1;
    for (unsigned long i = 0; i < options.processes; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(gate[1]);
            start_child(gate[0], results[1]);
        }
        if (pid < 0)
            return -1;
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    (void)close(results[1]);
    struct tally part;
    unsigned long reported = 0;
    while (read(results[0], &part, sizeof part) == (ssize_t)sizeof part) {
        add_tally(sum, &part);
        reported++;
    }
    for (unsigned long i = 0; i < options.processes; i++) {
        int status;
        if (wait(&status) > 0 && status != 0)
            died++;
    }
    return reported == options.processes ? died : died + (int)(options.processes - reported);
}

static void read_options(int argc, char **argv)
{
    static const struct option names[] = {{"module", 1, NULL, 'm'}, {"token", 1, NULL, 't'},
        {"pin-file", 1, NULL, 'P'}, {"key", 1, NULL, 'k'}, {"processes", 1, NULL, 'p'},
        {"threads", 1, NULL, 'T'}, {"count", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
        {"until", 1, NULL, 'u'}, {"keep-going", 0, NULL, 'g'}, {"no-verify", 0, NULL, 'n'},
        {"make-key", 0, NULL, 'M'}, {NULL, 0, NULL, 0}};
    const char **texts[] = {['m'] = &options.module,
        ['t'] = &options.token,
        ['P'] = &options.pin_file,
        ['k'] = &options.key,
        ['u'] = &options.until};
    unsigned long *numbers[] = {['p'] = &options.processes,
        ['T'] = &options.threads,
        ['c'] = &options.count,
        ['s'] = &options.seconds};
    int option;
    options.module = getenv("SIGNERD_MODULE");
    options.token = getenv("SIGNERD_TOKEN");
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'g')
            options.keep_going = true;
        else if (option == 'n')
            options.no_verify = true;
        else if (option == 'M')
            options.make_key = true;
        else if (option == 's' || option == 'c' || option == 'p' || option == 'T')
            *numbers[option] = strtoul(optarg, NULL, 10);
        else if (option == '?')
            exit(64);
        else
            *texts[option] = optarg;
    }
    if (options.seconds > 0)
        options.count = 0;
    if (!options.module || !options.token || options.threads < 1 || options.threads > 256) {
        fprintf(stderr,
            "usage: p11-client [--module SO] [--token LABEL] [--pin-file FILE] [--key LABEL]\n"
            "         [--processes N] [--threads N] [--count N | --seconds N | --until FILE]\n"
            "         [--make-key] [--keep-going] [--no-verify]\n");
        exit(64);
    }
}

int main(int argc, char **argv)
{
    struct tally sum = {0};
    read_options(argc, argv);
    double start = now();
    int died = run_all(&sum);
    double took = now() - start;

    printf("signatures %lu bad %lu died %d rate %.0f\n", sum.signatures, sum.bad, died,
        (double)sum.signatures / took);
    bool failed = sum.bad > 0 || died != 0;
    for (size_t i = 0; i < CODES && sum.failures[i] > 0; i++) {
        printf("failed 0x%08lx %lu times\n", sum.codes[i], sum.failures[i]);
        failed = failed || !options.keep_going;
    }
    if (sum.setup != CKR_OK) {
        printf("setup failed at %s: 0x%08lx\n", sum.where, sum.setup);
        failed = true;
    }
    return failed ? 1 : 0;
}
