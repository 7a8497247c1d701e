/* SPDX-License-Identifier: MIT
 *
 * The token, the templates and the keys of the tests of the driver pkcs11.
 */
#include "driver_stand.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct driver *const driver = &driver_pkcs11;
static char directory[] = "/tmp/signerd-driver-XXXXXX";

/* ------------------------------------------------------------------ the token */

void run(const char *const *arguments)
{
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        (void)dup2(nothing, STDOUT_FILENO);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_int_equal(status, 0);
}

int make_token(void **state)
{
    (void)state;
    char path[64];
    log_setup("driver_pkcs11_test", LOG_LEVEL_ERROR);
    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/softhsm2.conf", directory);
    FILE *config = fopen(path, "w");
    if (config == NULL)
        return 1;
    (void)fprintf(config,
        "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", directory);
    (void)fclose(config);
    (void)setenv("SOFTHSM2_CONF", path, 1);
    (void)unsetenv("OPENSSL_CONF");
    const char *init[] = {"softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin",
        "1234", "--pin", PIN, NULL};
    run(init);
    return 0;
}

int remove_token(void **state)
{
    (void)state;
    const char *remove[] = {"rm", "-rf", directory, NULL};
    run(remove);
    return 0;
}

static struct secret *secret_of(const char *text)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    (void)close(ends[1]);
    struct secret *secret = NULL;
    assert_int_equal(secret_read(ends[0], 64, &secret), ERR_OK);
    (void)close(ends[0]);
    return secret;
}

err_t open_with(const char *module, const char *label, const char *pin, struct device **ret_device)
{
    struct secret *secret = pin != NULL ? secret_of(pin) : NULL;
    const struct driver_settings settings = {module, label, secret};
    err_t err = driver->open(&settings, ret_device);
    secret_free(secret);
    return err;
}

int open_device(void **state)
{
    struct device *device = NULL;
    if (open_with(MODULE, LABEL, PIN, &device) != ERR_OK)
        return 1;
    *state = device;
    return 0;
}

int close_device(void **state)
{
    driver->close(*state);
    return 0;
}

/* ------------------------------------------------------------------ keys */

static void public_template(struct writer *w, bool token, struct span curve, const char *label)
{
    attribute_put_ulong(w, ATTR_CLASS, CLASS_PUBLIC_KEY);
    attribute_put_ulong(w, ATTR_KEY_TYPE, KEY_TYPE_EC);
    attribute_put_bool(w, ATTR_TOKEN, token);
    attribute_put_bool(w, ATTR_PRIVATE, false);
    attribute_put_bool(w, ATTR_VERIFY, true);
    attribute_put(w, ATTR_EC_PARAMS, curve);
    attribute_put(w, ATTR_LABEL, span_of_text(label));
    attribute_put(w, ATTR_ID, span_of_text(label));
}

static void private_template(struct writer *w, bool token, const char *label)
{
    attribute_put_ulong(w, ATTR_CLASS, CLASS_PRIVATE_KEY);
    attribute_put_ulong(w, ATTR_KEY_TYPE, KEY_TYPE_EC);
    attribute_put_bool(w, ATTR_TOKEN, token);
    attribute_put_bool(w, ATTR_PRIVATE, true);
    attribute_put_bool(w, ATTR_SENSITIVE, true);
    attribute_put_bool(w, ATTR_EXTRACTABLE, false);
    attribute_put_bool(w, ATTR_SIGN, true);
    attribute_put_bool(w, ATTR_DERIVE, true);
    attribute_put(w, ATTR_LABEL, span_of_text(label));
    attribute_put(w, ATTR_ID, span_of_text(label));
}

err_t generate(
    struct device *device, bool token, struct span curve, const char *label, struct pair *ret_pair)
{
    uint8_t public_bytes[1024];
    uint8_t private_bytes[1024];
    struct writer public_list = writer_of(public_bytes, sizeof public_bytes);
    struct writer private_list = writer_of(private_bytes, sizeof private_bytes);
    public_template(&public_list, token, curve, label);
    private_template(&private_list, token, label);
    return driver->generate_pair(device, CKM_EC_KEY_PAIR_GEN_, writer_bytes(&public_list),
        writer_bytes(&private_list), &ret_pair->public_key, &ret_pair->private_key);
}

struct pair new_pair(struct device *device, const char *label)
{
    struct pair pair = {0, 0};
    assert_int_equal(generate(device, true, span_of(P256, sizeof P256), label, &pair), ERR_OK);
    assert_int_not_equal(pair.public_key, 0);
    assert_int_not_equal(pair.private_key, 0);
    return pair;
}

void destroy_pair(struct device *device, struct pair pair)
{
    assert_int_equal(driver->destroy(device, pair.public_key), ERR_OK);
    assert_int_equal(driver->destroy(device, pair.private_key), ERR_OK);
}

struct span attributes_of(struct device *device, driver_ref object)
{
    static uint8_t bytes[WIRE_TEMPLATE_MAX];
    struct writer list = writer_of(bytes, sizeof bytes);
    assert_int_equal(driver->attributes(device, object, &list), ERR_OK);
    assert_int_equal(attribute_list_check(writer_bytes(&list)), ERR_OK);
    return writer_bytes(&list);
}

err_t sign(
    struct device *device, driver_ref key, size_t data_len, uint8_t *ret_signature, size_t *ret_len)
{
    static const uint8_t data[32] = {1, 2, 3};
    struct writer w = writer_of(ret_signature, 1024);
    const struct driver_use use = {DRIVER_SIGN, key, CKM_ECDSA_, span_of(NULL, 0)};
    err_t err = driver->use(device, &use, span_of(data, data_len), span_of(NULL, 0), &w);
    *ret_len = w.used;
    return err;
}
