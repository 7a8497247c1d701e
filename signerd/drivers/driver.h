/* SPDX-License-Identifier: MIT
 *
 * What a kind of device can do, as a table of functions. A driver runs in the worker of its device
 * and nowhere else; it knows nothing of sockets, clients or policy. Attributes travel as the lists
 * of wire/attribute.h, mechanisms and classes as the numbers of PKCS#11.
 *
 * All calls come from one thread, one at a time, and may block as long as the device needs (the
 * parent ends a worker whose call takes longer than call-timeout). Errors besides those named:
 * ERR_DEVICE for a failure that may pass, ERR_TOKEN_ABSENT when the device is gone (the worker then
 * closes the driver and opens it again later), ERR_UNSUPPORTED for what the device cannot do at
 * all. The driver logs the device's own code.
 */
#ifndef SIGNERD_DRIVERS_DRIVER_H
#define SIGNERD_DRIVERS_DRIVER_H

#include "base/secret.h"
#include "wire/attribute.h"

struct device; /* each driver's own */

/* The driver's number of an object: good until close, never 0, never seen by a client. */
typedef uint64_t driver_ref;

struct driver_settings {
    const char *module;       /* path of the vendor's library */
    const char *token;        /* label of the token to use */
    const struct secret *pin; /* the device's PIN; NULL: none. open may copy it to secret memory. */
};

enum {
    DRIVER_MECHANISMS_MAX = 128,
    DRIVER_OBJECTS_MAX = 65536, /* a token that claims more is broken */
};

/* The texts have no padding and are NUL-terminated. */
struct driver_token {
    char label[33];
    char manufacturer[33];
    char model[17];
    char serial[17];
    uint16_t hardware_version; /* major in the high byte */
    uint16_t firmware_version;
    size_t mechanism_count;
    struct wire_mechanism
        mechanisms[DRIVER_MECHANISMS_MAX]; /* only those that this driver really serves */
};

/* What a key does; the numbers are those of BEGIN (wire/messages.def). */
enum driver_function { DRIVER_SIGN = 1, DRIVER_VERIFY, DRIVER_ENCRYPT, DRIVER_DECRYPT };

/* A key at work. The parameter is as in wire/messages.def: for CKM_AES_GCM a gcm_parameter. */
struct driver_use {
    enum driver_function function;
    driver_ref key;
    uint32_t mechanism;
    struct span parameter;
};

struct driver_begun; /* a use whose data comes in parts; each driver's own */

/* Returns false to stop the listing. */
typedef bool driver_visit(void *context, driver_ref object);

struct driver {
    const char *name; /* "driver = NAME" in signerd.conf */

    /* ERR_TOKEN_ABSENT, ERR_DEVICE_PIN (never tried twice by the worker: a token may lock),
     * ERR_CONFIG for a module that cannot be loaded. */
    err_t (*open)(const struct driver_settings *settings, struct device **ret_device);
    void (*close)(struct device *device);

    err_t (*token)(struct device *device, struct driver_token *ret_token);

    /* Visits every token object (not the session objects made through this driver). */
    err_t (*list)(struct device *device, driver_visit *visit, void *context);

    /* Appends all attributes that the device has of the object and that are in the table of
     * wire/attribute.h; ATTRIBUTE_SECRET ones only of classes that are no private or secret key. */
    err_t (*attributes)(struct device *device, driver_ref object, struct writer *list);

    /* All at once. What comes out is appended to output: the raw signature, or the encrypted or
     * decrypted data; nothing for DRIVER_VERIFY, which alone looks at signature (a MAC).
     * ERR_MECHANISM, ERR_MECHANISM_PARAMETER, ERR_DATA_LENGTH, ERR_KEY_TYPE, ERR_KEY_SIZE,
     * ERR_KEY_FUNCTION, ERR_SIGNATURE…, ERR_ENCRYPTED…, ERR_TOO_LARGE where output has no room. */
    err_t (*use)(struct device *device, const struct driver_use *use, struct span data,
        struct span signature, struct writer *output);

    /* The same in parts. A begun use is ended by finish, whatever that returns, or by abandon, which
     * is also for one whose feed has failed. Any number may be begun, besides all other calls. For
     * a decryption that verifies (CKM_AES_GCM) output must have room for all that was fed so far. */
    err_t (*begin)(
        struct device *device, const struct driver_use *use, struct driver_begun **ret_begun);
    err_t (*feed)(struct device *device, struct driver_begun *begun, struct span data,
        struct writer *output);
    err_t (*finish)(struct device *device, struct driver_begun *begun, struct span signature,
        struct writer *output);
    void (*abandon)(struct device *device, struct driver_begun *begun);

    /* Of key and target, key wraps. ERR_KEY_UNEXTRACTABLE, ERR_KEY_SIZE, as in use. */
    err_t (*wrap)(struct device *device, driver_ref key, uint32_t mechanism, struct span parameter,
        driver_ref target, struct writer *wrapped);

    /* ERR_WRAPPED_KEY, ERR_TEMPLATE_…, ERR_ATTRIBUTE_…, as in use. */
    err_t (*unwrap)(struct device *device, driver_ref key, uint32_t mechanism,
        struct span parameter, struct span wrapped, struct span template, driver_ref *ret_key);

    /* Templates are complete and hold CKA_TOKEN. ERR_MECHANISM, ERR_CURVE, ERR_TEMPLATE_…,
     * ERR_ATTRIBUTE_…. */
    err_t (*generate_pair)(struct device *device, uint32_t mechanism, struct span public_template,
        struct span private_template, driver_ref *ret_public, driver_ref *ret_private);

    /* A secret key. */
    err_t (*generate)(
        struct device *device, uint32_t mechanism, struct span template, driver_ref *ret_key);

    err_t (*create)(struct device *device, struct span template, driver_ref *ret_object);
    err_t (*set)(struct device *device, driver_ref object, struct span template);
    err_t (*destroy)(struct device *device, driver_ref object);

    /* Of key, the base key. The template is complete and says CKA_CLASS, CKA_KEY_TYPE and
     * CKA_VALUE_LEN (0 or absent: as much as there is). ERR_MECHANISM…, ERR_KEY_SIZE for more than
     * there is, ERR_TEMPLATE_…, ERR_ATTRIBUTE_…. */
    err_t (*derive)(struct device *device, driver_ref key, uint32_t mechanism,
        struct span parameter, struct span template, driver_ref *ret_key);

    /* Appends CKA_VALUE of a secret that derive made with CKA_SENSITIVE false: secret memory is the
     * caller's business. */
    err_t (*value)(struct device *device, driver_ref key, struct writer *value);

    /* Destroys all objects of the token settings->token, or of the only one without a label where
     * none has that one; labels it so, and sets its user PIN to settings->pin, so that open works
     * afterwards. No device is open. ERR_PIN_INCORRECT, ERR_PIN_LENGTH, ERR_PIN_LOCKED are about the
     * SO PIN, ERR_DEVICE_PIN about settings->pin. NULL where the driver cannot. */
    err_t (*init)(const struct driver_settings *settings, struct span so_pin);

    /* Fills all of random[0..len). */
    err_t (*random)(struct device *device, uint8_t *random, size_t len);
};

extern const struct driver driver_pkcs11;

#endif
