/* SPDX-License-Identifier: MIT
 *
 * make-seeds DIRECTORY: writes the seeds of the fuzzers there, from messages as programs send them.
 * To be run by hand when messages change; the seeds stand in the tree.
 */
#include "seed.h"
#include "wire/attribute.h"
#include "wire/compact.h"

#include <string.h>

/* A value for each kind of attribute. */
static void put_attribute(struct writer *w, const struct attribute_row *row)
{
    switch (row->kind) {
    case ATTRIBUTE_BOOL:
        attribute_put_bool(w, row->type, true);
        break;
    case ATTRIBUTE_ULONG:
        attribute_put_ulong(w, row->type, 3);
        break;
    case ATTRIBUTE_ULONG_LIST:
        attribute_put(w, row->type, span_of("\0\0\0\0\0\0\x10\x41\0\0\0\0\0\0\x10\x42", 16));
        break;
    default:
        attribute_put(w, row->type, span_of_text("value"));
        break;
    }
}

static struct span key_attributes(void)
{
    static uint8_t room[512];
    struct writer w = writer_of(room, sizeof room);
    attribute_put_ulong(&w, ATTR_CLASS, CLASS_PRIVATE_KEY);
    attribute_put_ulong(&w, ATTR_KEY_TYPE, KEY_TYPE_EC);
    attribute_put_bool(&w, ATTR_TOKEN, true);
    attribute_put_bool(&w, ATTR_SIGN, true);
    attribute_put(&w, ATTR_LABEL, span_of_text("demo"));
    attribute_put(&w, ATTR_ID, span_of("\x01", 1));
    attribute_put(&w, ATTR_EC_PARAMS, seed_ec_params);
    return writer_bytes(&w);
}

static struct span object(void)
{
    static uint8_t room[1024];
    struct writer w = writer_of(room, sizeof room);
    const struct wire_object message = {0x100000001, 0, key_attributes()};
    schema_encode(&wire_object_schema, &message, &w);
    return writer_bytes(&w);
}

static struct span mechanism(void)
{
    static uint8_t room[64];
    struct writer w = writer_of(room, sizeof room);
    const struct wire_mechanism message = {0x1041, 256, 521, 0x800};
    schema_encode(&wire_mechanism_schema, &message, &w);
    return writer_bytes(&w);
}

/* What BYTES fields hold, by their name; others hold a text. */
static const struct {
    const char *name;
    struct span (*content)(void);
} contents[] = {
    {"attributes", key_attributes},
    {"template", key_attributes},
    {"public_template", key_attributes},
    {"private_template", key_attributes},
    {"objects", object},
    {"mechanisms", mechanism},
};

static struct span content_of(const char *name)
{
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++)
        if (strcmp(contents[i].name, name) == 0)
            return contents[i].content();
    return span_of_text("0123456789abcdef");
}

/* Any message; numbers count up. */
static void fill(const struct schema *schema, union wire_body *message)
{
    for (size_t i = 0; i < schema->count; i++) {
        char *member = (char *)message + schema->fields[i].offset;
        if (schema->fields[i].kind == FIELD_BYTES)
            *(struct span *)(void *)member = content_of(schema->fields[i].name);
        else
            *(uint8_t *)member = (uint8_t)(i + 1);
    }
}

static const struct schema *const schemas[] = {
#define ROW(name, fields) &wire_##name##_schema,
    WIRE_MESSAGES(ROW)
#undef ROW
};

static void save_messages(void)
{
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        uint8_t room[4096];
        union wire_body message = {0};
        struct writer w = writer_of(room, sizeof room);
        fill(schemas[i], &message);
        write_uint(&w, 1, i);
        schema_encode(schemas[i], &message, &w);
        seed_save("fuzz_message", schemas[i]->name, writer_bytes(&w));
    }
}

static void save_attributes(void)
{
    static uint8_t room[8192];
    struct writer all = writer_of(room, sizeof room);
    for (size_t i = 0; i < attribute_rows_count; i++)
        put_attribute(&all, &attribute_rows[i]);
    seed_save("fuzz_attribute", "all", writer_bytes(&all));
    seed_save("fuzz_attribute", "key", key_attributes());
    struct writer twice = writer_of(room, sizeof room);
    put_attribute(&twice, &attribute_rows[0]);
    put_attribute(&twice, &attribute_rows[0]);
    seed_save("fuzz_attribute", "twice", writer_bytes(&twice));
}

static void save_replies(void)
{
    static const err_t errors[] = {ERR_OK, ERR_DENIED};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        uint8_t room[256];
        struct writer w = writer_of(room, sizeof room);
        const struct wire_reply_header header = {1, WIRE_SIGN, (uint16_t)errors[i], 42};
        const struct wire_sign_reply reply = {span_of_text("0123456789abcdef0123456789abcdef")};
        schema_encode(&wire_reply_header_schema, &header, &w);
        if (errors[i] == ERR_OK)
            schema_encode(&wire_sign_reply_schema, &reply, &w);
        seed_save("fuzz_link_reply", err_name(errors[i]), writer_bytes(&w));
    }
}

/* The first byte says whether the rest is to be expanded, or to be packed and expanded. */
static void save_compact(void)
{
    static struct compact compact;
    static uint8_t plain[4096];
    uint8_t packed[1024];
    uint8_t room[1024];
    struct writer message = writer_of(packed, sizeof packed);
    struct writer to_expand = writer_of(room, sizeof room);
    compact_begin(&compact, plain, sizeof plain);
    for (size_t i = 0; i < 4; i++)
        (void)compact_put(&compact, object(), &message);
    write_uint(&to_expand, 1, 0);
    write_uint(&to_expand, 2, sizeof plain);
    write_span(&to_expand, writer_bytes(&message));
    seed_save("fuzz_compact", "expand", writer_bytes(&to_expand));

    struct writer to_pack = writer_of(room, sizeof room);
    write_uint(&to_pack, 1, 1);
    write_uint(&to_pack, 1, 100);
    write_uint(&to_pack, 2, sizeof plain);
    write_uint(&to_pack, 2, sizeof plain);
    write_span(&to_pack, object());
    write_span(&to_pack, object());
    seed_save("fuzz_compact", "pack", writer_bytes(&to_pack));
}

static void save_configurations(void)
{
    seed_save("fuzz_config", "device",
        span_of_text(
            "# a device\n[device demo]\ndriver = pkcs11\nmodule = /usr/lib/softhsm/libsofthsm2.so\n"
            "token = demo\n\n[allow signers]\nuser = www-data\nkey = "
            "pkcs11:object=web;type=private\n"
            "operations = sign, list ; all\n"));
    seed_save("fuzz_config", "faults",
        span_of_text("[a\nno setting\n  indented = 1\nrefuse = x\n= empty\n[]\nk:v\n"));
    seed_save("fuzz_config", "control", span_of_text("[a]\nk = \x01\r\n\x7f\n\xef\xbb\xbf\n"));
}

int main(int argc, char **argv)
{
    seed_begin("make-seeds", argc, argv);
    save_messages();
    save_attributes();
    save_replies();
    save_compact();
    save_configurations();
    return 0;
}
