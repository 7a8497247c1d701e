/* SPDX-License-Identifier: MIT
 *
 * Prints the tables of docs/PROTOCOL.md from the tables that the code itself is made of, and one
 * exchange as it goes over the socket. The test protocol-doc compares what this prints with what
 * the document says.
 */
#include "base/err.h"
#include "wire/attribute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {[FIELD_U8] = "U8",
    [FIELD_U16] = "U16",
    [FIELD_U32] = "U32",
    [FIELD_U64] = "U64",
    [FIELD_BYTES] = "BYTES"};
static const unsigned sizes[] = {[FIELD_U8] = 1,
    [FIELD_U16] = 2,
    [FIELD_U32] = 4,
    [FIELD_U64] = 8,
    [FIELD_BYTES] = 4 /* the length */};

/* ------------------------------------------------------------------ tables */

static void print_sizes(void)
{
    static const struct {
        const char *name;
        unsigned value;
        const char *meaning;
    } rows[] = {
        {"WIRE_VERSION_MIN", WIRE_VERSION_MIN, "lowest version that this source speaks"},
        {"WIRE_VERSION_MAX", WIRE_VERSION_MAX, "highest version that this source speaks"},
        {"WIRE_MESSAGE_MAX", WIRE_MESSAGE_MAX, "bytes of a packet, header and body"},
        {"WIRE_DATA_MAX", WIRE_DATA_MAX, "bytes of data of one request, and of a list of objects"},
        {"WIRE_OUTPUT_MAX", WIRE_OUTPUT_MAX, "bytes that come out of one request"},
        {"WIRE_PARAMETER_MAX", WIRE_PARAMETER_MAX, "bytes of a mechanism parameter"},
        {"WIRE_AAD_MAX", WIRE_AAD_MAX, "bytes of additional data in a gcm_parameter"},
        {"WIRE_WRAPPED_MAX", WIRE_WRAPPED_MAX, "bytes of a wrapped key"},
        {"WIRE_TEMPLATE_MAX", WIRE_TEMPLATE_MAX, "bytes of a list of attributes, and of one value"},
        {"WIRE_RANDOM_MAX", WIRE_RANDOM_MAX, "random bytes of one call"},
        {"WIRE_LIST_MAX", WIRE_LIST_MAX, "bytes of the objects of one list_reply, expanded"},
    };
    puts("### Numbers\n\n| name | value | meaning |\n|---|---|---|");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf("| `%s` | %u | %s |\n", rows[i].name, rows[i].value, rows[i].meaning);
}

/* Offsets as far as they are the same in every message. */
static void print_fields(const struct schema *schema)
{
    size_t offset = 0;
    bool fixed = true;
    puts("\n| offset | field | kind | limit | meaning |\n|---|---|---|---|---|");
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        char place[24] = "";
        char limit[24] = "";
        if (fixed)
            (void)snprintf(place, sizeof place, "%zu", offset);
        if (field->kind == FIELD_BYTES)
            (void)snprintf(limit, sizeof limit, "%zu", field->limit);
        printf("| %s | `%s` | %s | %s | %s |\n", place, field->name, kinds[field->kind], limit,
            field->meaning);
        offset += sizes[field->kind];
        fixed = fixed && field->kind != FIELD_BYTES;
    }
}

static void print_operations(void)
{
    puts("\n### Operations\n\n| number | name | request body | reply body | meaning "
         "|\n|---|---|---|---|---|");
    for (size_t i = 0; i < wire_operations_count; i++) {
        const struct wire_operation_row *row = &wire_operations[i];
        printf("| %d | %s | `%s` | `%s` | %s |\n", (int)row->operation, row->name,
            row->request->name, row->reply->name, row->meaning);
    }
}

static const struct schema *const schemas[] = {
#define ROW(name, fields) &wire_##name##_schema,
    WIRE_MESSAGES(ROW)
#undef ROW
};

static void print_messages(void)
{
    puts("\n### Messages\n\n`nothing` is a body of no bytes.");
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        printf("\n#### `%s`\n", schemas[i]->name);
        print_fields(schemas[i]);
    }
}

static void print_errors(void)
{
    static const struct {
        unsigned number;
        const char *name;
        const char *ckr;
        const char *text;
    } rows[] = {
#define ERR(name, number, ckr, http, exit_code, text) {(number), #name, #ckr, (text)},
#include "base/err.def"
#undef ERR
    };
    puts("\n### Errors\n\n| number | name | `CK_RV` in a PKCS#11 program | text "
         "|\n|---|---|---|---|");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf(
            "| %u | %s | `%s` | %s |\n", rows[i].number, rows[i].name, rows[i].ckr, rows[i].text);
}

static void print_attributes(void)
{
    static const char *const values[] = {[ATTRIBUTE_BOOL] = "CK_BBOOL, 1 byte, 0 or 1",
        [ATTRIBUTE_ULONG] = "CK_ULONG, 8 bytes",
        [ATTRIBUTE_ULONG_LIST] = "list of CK_ULONG, 8 bytes each",
        [ATTRIBUTE_BYTES] = "bytes"};
    puts("\n### Attributes\n\n| type | name | value | |\n|---|---|---|---|");
    for (size_t i = 0; i < attribute_rows_count; i++) {
        const struct attribute_row *row = &attribute_rows[i];
        printf("| 0x%08x | `%s` | %s | %s |\n", row->type, row->name, values[row->kind],
            row->flags & ATTRIBUTE_SECRET ? "secret" : "");
    }
}

/* ------------------------------------------------------------------ the example */

/* RFC 6979, A.2.5: key P-256, message "sample", SHA-256. */
static const uint8_t digest[32] = {0xaf, 0x2b, 0xdb, 0xe1, 0xaa, 0x9b, 0x6e, 0xc1, 0xe2, 0xad, 0xe1,
    0xd6, 0x94, 0xf4, 0x1f, 0xc7, 0x1a, 0x83, 0x1d, 0x02, 0x68, 0xe9, 0x89, 0x15, 0x62, 0x11, 0x3d,
    0x8a, 0x62, 0xad, 0xd1, 0xbf};
static const uint8_t signature[64] = {0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40,
    0xdd, 0x9c, 0xd4, 0x5e, 0x81, 0xd6, 0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa, 0xf9, 0x91, 0xc3, 0x4d,
    0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16, 0xf7, 0xcb, 0x1c, 0x94, 0x2d, 0x65, 0x7c, 0x41, 0xd4, 0x36,
    0xc7, 0xa1, 0xb6, 0xe2, 0x9f, 0x65, 0xf3, 0xe9, 0x00, 0xdb, 0xb9, 0xaf, 0xf4, 0x06, 0x4d, 0xc4,
    0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8};

enum { HEX_WIDTH = 8 };

/* One row of up to HEX_WIDTH bytes; the text beside it may be empty. */
static void print_hex(struct span bytes, const char *text)
{
    char line[3 * HEX_WIDTH + 1] = "";
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(line + 3 * i, 4, "%02x ", bytes.ptr[i]);
    if (text[0] != '\0')
        printf("%-*s%s\n", 3 * HEX_WIDTH, line, text);
    else
        printf("%.*s\n", (int)(3 * bytes.len - 1), line);
}

static void print_bytes(struct reader *r, const char *name)
{
    char text[80];
    struct span prefix = read_span(r, 4);
    struct reader of_prefix = reader_of(prefix);
    size_t left = (size_t)read_uint(&of_prefix, 4);
    (void)snprintf(text, sizeof text, "%s: %zu bytes", name, left);
    print_hex(prefix, text);
    while (left > 0 && !r->failed) {
        size_t len = left < HEX_WIDTH ? left : HEX_WIDTH;
        print_hex(read_span(r, len), "");
        left -= len;
    }
}

/* The bytes of one encoded message, field by field. */
static void print_message(const struct schema *schema, struct reader *r)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        if (field->kind == FIELD_BYTES) {
            print_bytes(r, field->name);
            continue;
        }
        char text[80];
        struct span bytes = read_span(r, sizes[field->kind]);
        struct reader of_number = reader_of(bytes);
        unsigned long long value = read_uint(&of_number, sizes[field->kind]);
        (void)snprintf(
            text, sizeof text, value < 1000 ? "%s = %llu" : "%s = 0x%llx", field->name, value);
        print_hex(bytes, text);
    }
}

static void print_packet(const char *title, const struct schema *header_schema, const void *header,
    const struct schema *body_schema, const void *body)
{
    static uint8_t packet[WIRE_MESSAGE_MAX];
    struct writer w = writer_of(packet, sizeof packet);
    schema_encode(header_schema, header, &w);
    schema_encode(body_schema, body, &w);
    printf("\n%s, %zu bytes:\n\n```\n", title, w.used);
    struct reader r = reader_of(writer_bytes(&w));
    print_message(header_schema, &r);
    print_message(body_schema, &r);
    puts("```");
    if (writer_failed(&w) || !reader_finished(&r))
        exit(1);
}

static void print_example(void)
{
    const struct wire_request_header request_header = {7, WIRE_SIGN};
    const struct wire_sign_request request = {
        0x5eed000000000011, 0x1041, span_of(NULL, 0), span_of(digest, sizeof digest)};
    const struct wire_reply_header reply_header = {7, WIRE_SIGN, ERR_OK, 42};
    const struct wire_sign_reply reply = {span_of(signature, sizeof signature)};
    const struct wire_reply_header refusal_header = {8, WIRE_SIGN, ERR_DENIED, 42};
    puts("\n### Example\n\nThe seventh call on a connection: CKM_ECDSA (0x1041) over the SHA-256 "
         "digest of \"sample\" "
         "(RFC 6979, A.2.5).");
    print_packet("The request", &wire_request_header_schema, &request_header,
        &wire_sign_request_schema, &request);
    print_packet(
        "The reply", &wire_reply_header_schema, &reply_header, &wire_sign_reply_schema, &reply);
    print_packet("What the eighth call would get that policy refuses", &wire_reply_header_schema,
        &refusal_header, &wire_nothing_schema, NULL);
}

int main(void)
{
    print_sizes();
    print_operations();
    print_messages();
    print_errors();
    print_attributes();
    print_example();
    return ferror(stdout) ? 1 : 0;
}
