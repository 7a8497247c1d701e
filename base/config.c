/* SPDX-License-Identifier: MIT
 *
 * The configuration reader. inih does the parsing; here it gets its lines, so that each setting
 * knows the line it stands on, and so that no line is cut silently at inih's limit.
 */
#include "config.h"

#include "log.h"

#include <ini.h>
#include <stdarg.h>
#include <string.h>

enum {
    LINE_LIMIT = 190,   /* Debian builds inih with INI_MAX_LINE 200 */
    SECTION_LIMIT = 49, /* and inih cuts a section's name at its MAX_SECTION, 50 */
};

struct source {
    FILE *stream;
    const char *file;
    int line;
    bool section_has_setting;
    int section_line;
    int refused_line; /* the first that the handler refused; 0: none */
    config_handler *handler;
    void *context;
    struct config_complaints *complaints;
};

void config_complain(
    struct config_complaints *complaints, const char *file, int line, const char *format, ...)
{
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);

    log_error("%s:%d: %s", file, line, what);
    if (complaints->count++ == 0)
        (void)snprintf(complaints->first, sizeof complaints->first, "%s:%d: %s", file, line, what);
}

/* Takes one line of at most LINE_LIMIT bytes; the rest of a longer one is skipped. */
static size_t take_line(struct source *source, char *line, bool *ret_too_long, bool *ret_no_text)
{
    size_t len = 0;
    int c;
    while ((c = getc(source->stream)) != EOF && c != '\n') {
        if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
            *ret_no_text = true;
        if (len < LINE_LIMIT)
            line[len++] = (char)c;
        else
            *ret_too_long = true;
    }
    line[len] = '\0';
    return len + (c == '\n');
}

/* inih says nothing of a section without settings; a [deny x] must not be one that silently denies
 * nothing. */
static void end_section(struct source *source)
{
    if (source->section_line > 0 && !source->section_has_setting)
        config_complain(
            source->complaints, source->file, source->section_line, "this section is empty");
}

/* inih would cut the value at a ';' behind a blank, and a rule's URI would then say less than is
 * written there. */
static void check_setting(struct source *source, const char *line, bool *ret_refused)
{
    if (line[0] == '\0' || line[0] == ';' || line[0] == '#')
        return;
    source->section_has_setting = true;
    if (strstr(line, " ;") != NULL || strstr(line, "\t;") != NULL) {
        config_complain(source->complaints, source->file, source->line,
            "a ';' behind a blank: comments stand on lines of their own");
        *ret_refused = true;
    }
}

static void check_line(struct source *source, const char *line, bool *ret_refused)
{
    if (line[0] != '[') {
        check_setting(source, line, ret_refused);
        return;
    }
    end_section(source);
    source->section_line = source->line;
    source->section_has_setting = false;
    if (strcspn(line + 1, "]") > SECTION_LIMIT) {
        config_complain(source->complaints, source->file, source->line,
            "section name is longer than %d bytes", SECTION_LIMIT);
        *ret_refused = true;
    }
    const char *end = strchr(line, ']');
    if (end != NULL && end[1 + strspn(end + 1, " \t\r")] != '\0') {
        config_complain(source->complaints, source->file, source->line,
            "something stands behind the section's ']'");
        *ret_refused = true;
    }
}

/* inih's reader, called once a line, like fgets. A line that is refused is given to inih as an
 * empty one. Leading blanks are dropped: inih would take an indented line as one more value of the
 * setting before it. */
static char *next_line(char *str, int num, void *stream)
{
    struct source *source = stream;
    char line[LINE_LIMIT + 1];
    bool too_long = false;
    bool no_text = false;
    bool refused = false;
    if (take_line(source, line, &too_long, &no_text) == 0)
        return NULL;
    source->line++;
    const char *text = line + strspn(line, " \t\r");
    if (too_long)
        config_complain(source->complaints, source->file, source->line,
            "line is longer than %d bytes", LINE_LIMIT);
    if (no_text)
        config_complain(
            source->complaints, source->file, source->line, "line holds a control character");
    check_line(source, too_long || no_text ? "?" : text, &refused);
    (void)snprintf(str, (size_t)num, "%s\n", too_long || no_text || refused ? "" : text);
    return str;
}

static int one_setting(void *user, const char *section, const char *name, const char *value)
{
    struct source *source = user;
    const struct config_setting setting = {
        source->file, source->line, source->section_line, section, name, value};
    if (source->handler(source->context, &setting))
        return 1;
    if (source->refused_line == 0)
        source->refused_line = source->line;
    return 0;
}

err_t config_read(FILE *stream, const char *file, config_handler *handler, void *context,
    struct config_complaints *complaints)
{
    struct source source = {.stream = stream,
        .file = file,
        .handler = handler,
        .context = context,
        .complaints = complaints};
    unsigned before = complaints->count;
    int bad_line = ini_parse_stream(next_line, &source, one_setting, &source);
    if (bad_line != 0 && bad_line != source.refused_line)
        config_complain(complaints, file, bad_line > 0 ? bad_line : source.line,
            "not a section, a comment or 'name = value'");
    end_section(&source);
    if (ferror(stream))
        config_complain(complaints, file, source.line, "cannot be read");
    return complaints->count == before ? ERR_OK : ERR_CONFIG;
}
