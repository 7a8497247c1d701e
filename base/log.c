/* SPDX-License-Identifier: MIT
 *
 * The log of the daemon and the tools. The module has none: it must not write to a client's stderr.
 */
#include "log.h"

#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024 };

static const char *log_who = "signerd";
static enum log_level log_most_verbose = LOG_LEVEL_INFO;

static const char *const level_names[] = {"error: ", "warning: ", "", "debug: "};

void log_setup(const char *who, enum log_level most_verbose)
{
    log_who = who;
    log_most_verbose = most_verbose;
}

/* Control characters and DEL become \xNN; UTF-8 passes. */
static void write_escaped(struct writer *w, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte >= 0x20 && byte != 0x7f) {
            write_uint(w, 1, byte);
        } else {
            write_span(w, span_of_text("\\x"));
            write_uint(w, 1, (uint8_t)hex[byte >> 4]);
            write_uint(w, 1, (uint8_t)hex[byte & 15]);
        }
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    if ((int)level > (int)log_most_verbose)
        return;

    char text[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    uint8_t line[4 * LINE_MAX_BYTES + 256];
    struct writer w = writer_of(line, sizeof line);
    write_span(&w, span_of_text(log_who));
    write_span(&w, span_of_text(": "));
    write_span(&w, span_of_text(level_names[level]));
    write_escaped(&w, text);
    write_span(&w, span_of_text("\n"));

    struct span bytes = writer_bytes(&w);
    ssize_t ignored = write(STDERR_FILENO, bytes.ptr, bytes.len); /* one line, one write */
    (void)ignored;
}
