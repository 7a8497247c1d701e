/* SPDX-License-Identifier: MIT
 *
 * Uses token/ as our programs do, one function a command, for the end-to-end tests: it prints what
 * came out, or the name of the error.
 */
#include "token/token.h"

#include "base/log.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { LINE_SIZE = 1024, ARGUMENTS_MAX = 5 };

static int failed(err_t err)
{
    printf("%s\n", err_name(err));
    (void)fflush(stdout);
    return err_exit_code(err);
}

/* ---- sign URI PUBLIC-KEY: each line of standard input, and OpenSSL's own code verifies ---- */

static bool verifies(EVP_PKEY *key, struct span data, const uint8_t raw[TOKEN_SIGNATURE_SIZE])
{
    const int half = TOKEN_SIGNATURE_SIZE / 2;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    uint8_t *der = NULL;
    if (pair == NULL ||
        ECDSA_SIG_set0(pair, BN_bin2bn(raw, half, NULL), BN_bin2bn(raw + half, half, NULL)) != 1)
        return false;
    int len = i2d_ECDSA_SIG(pair, &der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = len > 0 && context != NULL &&
                EVP_DigestVerifyInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
                EVP_DigestVerify(context, der, (size_t)len, data.ptr, data.len) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return good;
}

static EVP_PKEY *read_public_key(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *key = file != NULL ? PEM_read_PUBKEY(file, NULL, NULL, NULL) : NULL;
    if (file != NULL)
        (void)fclose(file);
    return key;
}

static int sign(const struct token_options *options, char **arguments)
{
    struct token *token = NULL;
    err_t err = token_open(options, &token);
    if (err != ERR_OK)
        return failed(err);
    EVP_PKEY *public_key = read_public_key(arguments[0]);
    char line[LINE_SIZE];
    int status = public_key != NULL ? EX_OK : EX_NOINPUT;
    while (public_key != NULL && fgets(line, sizeof line, stdin) != NULL) {
        struct span data = span_of(line, strcspn(line, "\n"));
        uint8_t signature[TOKEN_SIGNATURE_SIZE];
        err = token_sign(token, data, signature);
        if (err != ERR_OK)
            status = failed(err);
        else
            printf("%s\n", verifies(public_key, data, signature) ? "verified" : "wrong signature");
        (void)fflush(stdout);
    }
    EVP_PKEY_free(public_key);
    token_close(token);
    return status;
}

/* ---- certificate URI: PEM ---- */

static int certificate(const struct token_options *options, char **arguments)
{
    (void)arguments;
    struct token *token = NULL;
    X509 *found = NULL;
    err_t err = token_open(options, &token);
    if (err == ERR_OK)
        err = token_certificate(token, &found);
    if (err == ERR_OK)
        (void)PEM_write_X509(stdout, found);
    X509_free(found);
    token_close(token);
    return err == ERR_OK ? EX_OK : failed(err);
}

/* ---- tls URI PORT CA-FILE [CERTIFICATE-FILE]: asks https://localhost:PORT/, twice, as a program
 * that runs for long would ---- */

static int ask_server(SSL_CTX *ctx, const char *port)
{
    static const char request[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    char where[64];
    char reply[4096];
    int len = 0;
    (void)snprintf(where, sizeof where, "127.0.0.1:%s", port);
    BIO *bio = BIO_new_ssl_connect(ctx);
    SSL *ssl = NULL;
    (void)BIO_get_ssl(bio, &ssl);
    (void)SSL_set1_host(ssl, "localhost");
    (void)BIO_set_conn_hostname(bio, where);
    if (BIO_write(bio, request, sizeof request - 1) > 0)
        while ((len = BIO_read(bio, reply, sizeof reply)) > 0)
            (void)fwrite(reply, 1, (size_t)len, stdout);
    else
        printf("no connection: %s\n", X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    BIO_free_all(bio);
    return EX_OK;
}

static int tls(const struct token_options *options, char **arguments)
{
    struct token *token = NULL;
    SSL_CTX *ctx = NULL;
    err_t err = token_open(options, &token);
    if (err == ERR_OK)
        err = token_ssl_ctx(token, arguments[1], arguments[2], &ctx);
    int status = err == ERR_OK ? ask_server(ctx, arguments[0]) : failed(err);
    if (err == ERR_OK)
        status = ask_server(ctx, arguments[0]);
    SSL_CTX_free(ctx);
    token_close(token);
    return status;
}

/* ---- gcm URI IV AAD PLAIN: all hexadecimal; prints the encrypted bytes and the tag ---- */

static int gcm(const struct token_options *options, char **arguments)
{
    struct token_secret_key *key = NULL;
    long len[3] = {0};
    uint8_t *input[3] = {NULL};
    for (int i = 0; i < 3; i++)
        input[i] = OPENSSL_hexstr2buf(arguments[i] != NULL ? arguments[i] : "", &len[i]);
    uint8_t encrypted[TOKEN_GCM_PLAIN_MAX];
    uint8_t tag[TOKEN_GCM_TAG_SIZE];
    err_t err = len[0] == TOKEN_GCM_IV_SIZE ? token_secret_key_open(options, &key) : ERR_ARGUMENTS;
    if (err == ERR_OK)
        err = token_encrypt_gcm(key, input[0], span_of(input[1], (size_t)len[1]),
            span_of(input[2], (size_t)len[2]), encrypted, tag);
    for (long i = 0; err == ERR_OK && i < len[2]; i++)
        printf("%02x", encrypted[i]);
    for (size_t i = 0; err == ERR_OK && i < sizeof tag; i++)
        printf("%02x", tag[i]);
    for (int i = 0; i < 3; i++)
        OPENSSL_free(input[i]);
    token_secret_key_close(key);
    printf("\n");
    return err == ERR_OK ? EX_OK : failed(err);
}

/* ---- wrap URI: for each line of standard input, 16 zero bytes under an IV of zeros (each time the
 * same, which only a test may do) ---- */

static int wrap(const struct token_options *options, char **arguments)
{
    static const uint8_t zeros[16];
    struct token_secret_key *key = NULL;
    char line[LINE_SIZE];
    int status = EX_OK;
    (void)arguments;
    err_t err = token_secret_key_open(options, &key);
    if (err != ERR_OK)
        return failed(err);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint8_t encrypted[sizeof zeros];
        uint8_t tag[TOKEN_GCM_TAG_SIZE];
        err = token_encrypt_gcm(
            key, zeros, span_of(NULL, 0), span_of(zeros, sizeof zeros), encrypted, tag);
        if (err != ERR_OK) {
            status = failed(err);
            continue;
        }
        for (size_t i = 0; i < sizeof encrypted; i++)
            printf("%02x", encrypted[i]);
        printf("\n");
        (void)fflush(stdout);
    }
    token_secret_key_close(key);
    return status;
}

/* ---- the command line ---- */

static const struct {
    const char *name;
    int arguments; /* at least so many behind the URI */
    int (*run)(const struct token_options *options, char **arguments);
} commands[] = {
    {"sign", 1, sign},
    {"certificate", 0, certificate},
    {"tls", 2, tls},
    {"gcm", 3, gcm},
    {"wrap", 0, wrap},
};

static const char *const ways[] = {
    [TOKEN_WAY_ANY] = "any", [TOKEN_WAY_LIBP11] = "libp11", [TOKEN_WAY_STORE] = "store"};

int main(int argc, char **argv)
{
    struct token_options options = {.way = TOKEN_WAY_ANY};
    int at = 1;
    log_setup("token_client", LOG_LEVEL_DEBUG);
    if (argc > 2 && strcmp(argv[1], "--way") == 0) {
        for (int i = 0; i < 3; i++)
            if (strcmp(argv[2], ways[i]) == 0)
                options.way = (enum token_way)i;
        at = 3;
    }
    if (argc > at && strcmp(argv[at], "--ask") == 0) {
        options.ask_pin = token_ask_terminal;
        at++;
    }
    for (size_t i = 0; argc > at + 1 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[at], commands[i].name) != 0 || argc - at - 2 < commands[i].arguments ||
            argc - at - 2 > ARGUMENTS_MAX - 1)
            continue;
        char *arguments[ARGUMENTS_MAX] = {NULL};
        memcpy(arguments, argv + at + 2, (size_t)(argc - at - 2) * sizeof *arguments);
        options.uri = argv[at + 1];
        return commands[i].run(&options, arguments);
    }
    (void)fputs(
        "usage: token_client [--way any|libp11|store] [--ask] COMMAND URI ARGUMENT...\n", stderr);
    return EX_USAGE;
}
