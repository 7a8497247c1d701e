/* SPDX-License-Identifier: MIT
 *
 * HTTPS by libcurl: POST /topics/TOPIC?qos=1 on one connection that stays open. Only a status of
 * 2xx means that the envelope has arrived.
 */
#include "tls.h"

#include "base/log.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URL_MAX = 2048, ERROR_TYPE = 80 };

struct http {
    const struct transport_options *options;
    CURL *curl;
    struct curl_slist *headers;
    struct tls_verdict verdict;
    char error[CURL_ERROR_SIZE];
    char error_type[ERROR_TYPE]; /* x-amzn-ErrorType of the answer */
};

/* ---- statuses ---- */

static const struct status_row {
    long from, to;
    enum transport_result result;
    err_t err;
    const char *why;
} statuses[] = {
    {200, 299, TRANSPORT_DELIVERED, ERR_OK, "accepted"},
    {300, 399, TRANSPORT_LATER, ERR_PEER_REFUSES,
        "it wants to send us elsewhere, which is not followed: is --https the right endpoint?"},
    {408, 408, TRANSPORT_LATER, ERR_TIMED_OUT, "it says that we were too slow"},
    {429, 429, TRANSPORT_LATER, ERR_RATE, "it says that there are too many requests"},
    {401, 403, TRANSPORT_REFUSED, ERR_PEER_REFUSES,
        "it does not allow this: may this device's certificate publish to that topic?"},
    {413, 413, TRANSPORT_REFUSED, ERR_TOO_LARGE, "the envelope is too large for it"},
    {400, 499, TRANSPORT_REFUSED, ERR_PEER_REFUSES, "it does not take this envelope"},
    {500, 599, TRANSPORT_LATER, ERR_PEER_UNREACHABLE, "it has a fault of its own"},
};

static void explain_status(struct http *http, long status, struct transport_outcome *ret)
{
    const struct status_row *row = NULL;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0] && row == NULL; i++)
        if (status >= statuses[i].from && status <= statuses[i].to)
            row = &statuses[i];
    *ret = (struct transport_outcome){
        .result = row != NULL ? row->result : TRANSPORT_LATER,
        .err = row != NULL ? row->err : ERR_PEER_REFUSES,
    };
    (void)snprintf(ret->why, sizeof ret->why, "HTTP status %ld%s%s: %s", status,
        http->error_type[0] != '\0' ? " " : "", http->error_type,
        row != NULL ? row->why : "which HTTP does not know");
}

/* ---- libcurl's callbacks ---- */

static CURLcode on_ctx(CURL *curl, void *ctx, void *context)
{
    struct http *http = context;
    (void)curl;
    if (tls_prepare(ctx, http->options, false, &http->verdict) != ERR_OK)
        return CURLE_SSL_CERTPROBLEM;
    return CURLE_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count; /* the status says it all */
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char name[] = "x-amzn-errortype:";
    /* Of its value only the error's name is kept: it is shown on terminals. */
    static const char name_letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
    struct http *http = context;
    size_t len = size * count;
    if (len > sizeof name && strncasecmp(bytes, name, sizeof name - 1) == 0) {
        struct reader r = reader_of(span_of(bytes, len));
        (void)read_span(&r, sizeof name - 1);
        while (r.left > 0 && (*r.at == ' ' || *r.at == '\t'))
            (void)read_uint(&r, 1);
        struct span value = read_span(&r, r.left);
        (void)snprintf(http->error_type, sizeof http->error_type, "%.*s", (int)value.len,
            (const char *)value.ptr);
        http->error_type[strspn(http->error_type, name_letters)] = '\0';
    }
    return len;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct http *http = context;
    struct pollfd stop = {.fd = http->options->stop_fd, .events = POLLIN};
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return poll(&stop, 1, 0) > 0; /* not 0: give up */
}

/* ---- the transport ---- */

static bool set_options(struct http *http)
{
    CURL *curl = http->curl;
    const struct transport_options *options = http->options;
    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TRANSPORT_ANSWER_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, options->alpn == NULL ? 1L : 0L) ==
               CURLE_OK &&
           (options->ca_file == NULL ||
               (curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file) == CURLE_OK &&
                   curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_ctx) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, http->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK;
}

static err_t http_open(const struct transport_options *options, void **ret_state)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return ERR_MEMORY;
    http->options = options;
    err_t err = ERR_OK;
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
        log_error("--ca %s: cannot be read", options->ca_file);
        err = ERR_CONFIG;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    http->curl = curl_easy_init();
    http->headers = curl_slist_append(NULL, "Content-Type: application/jose");
    if (err == ERR_OK && (http->curl == NULL || http->headers == NULL || !set_options(http))) {
        log_error("libcurl cannot be set up for HTTPS: is it built with OpenSSL?");
        err = ERR_INTERNAL;
    }
    if (err != ERR_OK) {
        transport_http.close(http);
        return err;
    }
    *ret_state = http;
    return ERR_OK;
}

static bool set_request(struct http *http, const char *topic, struct span envelope)
{
    char url[URL_MAX];
    bool ipv6 = strchr(http->options->host, ':') != NULL;
    char *encoded = curl_easy_escape(http->curl, topic, 0);
    int len = encoded == NULL
                  ? -1
                  : snprintf(url, sizeof url, "https://%s%s%s:%u/topics/%s?qos=1", ipv6 ? "[" : "",
                        http->options->host, ipv6 ? "]" : "", http->options->port, encoded);
    curl_free(encoded);
    return len > 0 && len < URL_MAX && curl_easy_setopt(http->curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(http->curl, CURLOPT_POSTFIELDSIZE, (long)envelope.len) == CURLE_OK &&
           curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, (const char *)envelope.ptr) == CURLE_OK;
}

static void explain_failure(struct http *http, CURLcode code, struct transport_outcome *ret)
{
    *ret = (struct transport_outcome){.result = TRANSPORT_LATER, .err = ERR_PEER_UNREACHABLE};
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        ret->result = TRANSPORT_STOPPED;
        ret->err = ERR_OK;
    } else if (http->verdict.error != X509_V_OK || code == CURLE_PEER_FAILED_VERIFICATION) {
        tls_explain(&http->verdict, http->options, ret);
        return;
    } else if (code == CURLE_SSL_CERTPROBLEM) {
        ret->err = ERR_DEVICE; /* tls_prepare has logged it */
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        ret->err = ERR_TIMED_OUT;
    }
    (void)snprintf(ret->why, sizeof ret->why, "%s",
        http->error[0] != '\0' ? http->error : curl_easy_strerror(code));
}

static void http_send(
    void *state, const char *topic, struct span envelope, struct transport_outcome *ret_outcome)
{
    struct http *http = state;
    long status = 0;
    http->error[0] = '\0';
    http->error_type[0] = '\0';
    http->verdict.error = X509_V_OK;
    if (!set_request(http, topic, envelope)) {
        *ret_outcome =
            (struct transport_outcome){TRANSPORT_REFUSED, ERR_ARGUMENTS, "its topic makes no URL"};
        return;
    }
    CURLcode code = curl_easy_perform(http->curl);
    if (code != CURLE_OK) {
        explain_failure(http, code, ret_outcome);
        return;
    }
    (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    explain_status(http, status, ret_outcome);
}

static void http_wait(void *state, int wake_fd, int ms)
{
    const struct http *http = state;
    struct pollfd polls[] = {
        {.fd = http->options->stop_fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    (void)poll(polls, 2, ms);
}

static void http_close(void *state)
{
    struct http *http = state;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    free(http);
    curl_global_cleanup();
}

const struct transport_kind transport_http = {
    "HTTPS", "x-amzn-http-ca", http_open, http_send, http_wait, http_close};
