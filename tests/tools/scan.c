/* SPDX-License-Identifier: MIT
 *
 * Searches files, directories and the memory of processes for a private key, its 32-byte scalar, or
 * for another value: as it is, reversed (as big numbers lie in memory), in hexadecimal and in base64,
 * whatever spaces, line ends and colons stand between. What cannot be read is named: it is never
 * counted as "nothing found".
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_BYTES = 32,
    VALUE_LEAST = 6, /* shorter ones are found by chance */
    VALUE_MOST = 64,
    HEX_MOST = 2 * VALUE_MOST,
    CHUNK = 1 << 18,
    PAGE = 4096,
};

/* A process may reserve more address space than anybody can read; sanitizers do. */
static const uint64_t region_max = UINT64_C(1) << 32;

enum { EXIT_CLEAN, EXIT_FOUND, EXIT_UNREAD, EXIT_BAD_USAGE = 64 };

enum form { FORM_RAW, FORM_HEX, FORM_BASE64, FORMS };
static const char *const form_names[FORMS] = {"raw", "hex", "base64"};
static size_t form_length[FORMS];

/* What is searched for: patterns of one form have one length, so that a hit is counted once. */
static struct pattern {
    enum form form;
    uint8_t bytes[HEX_MOST];
} patterns[6];
static size_t pattern_count;

/* The text of one form, as far as it was seen: the end is kept for hits across chunks. */
static struct stream {
    uint8_t bytes[HEX_MOST + CHUNK];
    size_t length;
} streams[FORMS];

static uint64_t place_hits[FORMS];
static uint64_t total_hits[FORMS];
static uint64_t places_read, places_unread;

/* ---- patterns ---- */

static struct pattern *pattern_new(enum form form)
{
    struct pattern *pattern = &patterns[pattern_count++];
    pattern->form = form;
    return pattern;
}

/* The first of the base64 characters that depend on nothing before the value. */
static unsigned base64_first(unsigned shift)
{
    return (8 * shift + 5) / 6;
}

/* How many depend on the value alone, at whatever place of three it begins. */
static size_t base64_length(size_t count)
{
    size_t least = SIZE_MAX;
    for (unsigned shift = 0; shift < 3; shift++) {
        size_t length = 8 * (shift + count) / 6 - base64_first(shift);
        least = length < least ? length : least;
    }
    return least;
}

static void make_base64(const uint8_t *value, size_t count, unsigned shift)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t text[VALUE_MOST + 4] = {0};
    memcpy(text + shift, value, count);
    struct pattern *pattern = pattern_new(FORM_BASE64);
    for (unsigned i = 0; i < form_length[FORM_BASE64]; i++) {
        unsigned bit = 6 * (base64_first(shift) + i);
        unsigned pair = (unsigned)text[bit / 8] << 8 | text[bit / 8 + 1];
        pattern->bytes[i] = (uint8_t)digits[pair >> (10 - bit % 8) & 63];
    }
}

static void make_patterns(const uint8_t *value, size_t count)
{
    form_length[FORM_RAW] = count;
    form_length[FORM_HEX] = 2 * count;
    form_length[FORM_BASE64] = base64_length(count);
    memcpy(pattern_new(FORM_RAW)->bytes, value, count);

    struct pattern *reversed = pattern_new(FORM_RAW);
    for (size_t i = 0; i < count; i++)
        reversed->bytes[i] = value[count - 1 - i];

    struct pattern *hex = pattern_new(FORM_HEX);
    for (size_t i = 0; i < 2 * count; i++)
        hex->bytes[i] = (uint8_t) "0123456789abcdef"[value[i / 2] >> (i % 2 ? 0 : 4) & 15];

    for (unsigned shift = 0; shift < 3; shift++)
        make_base64(value, count, shift);
}

/* ---- one place ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A byte as this form sees it; false where the form leaves it out. */
static bool normalise(enum form form, uint8_t *c)
{
    if (form == FORM_RAW)
        return true;
    if (is_space(*c))
        return false;
    if (form == FORM_HEX) {
        if (*c >= 'A' && *c <= 'F')
            *c = (uint8_t)(*c - 'A' + 'a');
        return *c != ':';
    }
    if (*c == '-')
        *c = '+';
    else if (*c == '_')
        *c = '/';
    return true;
}

static void streams_reset(void)
{
    for (unsigned form = 0; form < FORMS; form++)
        streams[form].length = 0;
}

static void stream_search(enum form form)
{
    struct stream *stream = &streams[form];
    size_t length = form_length[form];
    for (size_t i = 0; i < pattern_count; i++) {
        if (patterns[i].form != form)
            continue;
        const uint8_t *at = stream->bytes;
        const uint8_t *end = stream->bytes + stream->length;
        while ((at = memmem(at, (size_t)(end - at), patterns[i].bytes, length)) != NULL) {
            place_hits[form]++;
            at++;
        }
    }
    size_t keep = stream->length < length - 1 ? stream->length : length - 1;
    memmove(stream->bytes, stream->bytes + stream->length - keep, keep);
    stream->length = keep;
}

/* At most CHUNK bytes. */
static void feed(const uint8_t *bytes, size_t count)
{
    for (unsigned form = 0; form < FORMS; form++) {
        struct stream *stream = &streams[form];
        for (size_t i = 0; i < count; i++) {
            uint8_t c = bytes[i];
            if (normalise((enum form)form, &c))
                stream->bytes[stream->length++] = c;
        }
        stream_search((enum form)form);
    }
}

static void place_begin(void)
{
    memset(place_hits, 0, sizeof place_hits);
    streams_reset();
}

static void place_end(const char *name)
{
    uint64_t hits = 0;
    for (unsigned form = 0; form < FORMS; form++) {
        hits += place_hits[form];
        total_hits[form] += place_hits[form];
    }
    places_read++;
    if (hits == 0)
        return;
    printf("%s:", name);
    for (unsigned form = 0; form < FORMS; form++)
        printf(
            " %" PRIu64 " %s%s", place_hits[form], form_names[form], form + 1 < FORMS ? "," : "\n");
}

static void unread(const char *name, const char *why)
{
    printf("%s: not readable: %s\n", name, why);
    places_unread++;
}

/* ---- files ---- */

static void scan_file(const char *path)
{
    static uint8_t chunk[CHUNK];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    ssize_t got = -1;
    place_begin();
    if (fd >= 0)
        while ((got = read(fd, chunk, sizeof chunk)) > 0)
            feed(chunk, (size_t)got);
    if (got < 0)
        unread(path, strerror(errno));
    place_end(path); /* with what was found before it failed */
    if (got < 0)
        places_read--;
    if (fd >= 0)
        (void)close(fd);
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)where;
    if (type == FTW_DNR || type == FTW_NS)
        unread(path, strerror(EACCES));
    else if (type == FTW_F && S_ISREG(status->st_mode))
        scan_file(path);
    return 0;
}

static void scan_path(const char *path)
{
    if (nftw(path, visit, 16, FTW_PHYS) != 0)
        unread(path, strerror(errno));
}

/* ---- memory ---- */

/* The kernel's own pages in every process, which cannot be read as a file. */
static bool is_kernel_page(const char *name)
{
    return strncmp(name, "[vvar", 5) == 0 || strcmp(name, "[vsyscall]") == 0;
}

/* Returns the count of bytes that could not be read. */
static uint64_t scan_region(int memory, uint64_t from, uint64_t to)
{
    static uint8_t chunk[CHUNK];
    uint64_t lost = 0;
    while (from < to) {
        size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t got = pread(memory, chunk, want, (off_t)from);
        if (got > 0) {
            feed(chunk, (size_t)got);
            from += (uint64_t)got;
            continue;
        }
        /* Past the end of a mapped file there is nothing; what follows is tried page by page. */
        streams_reset();
        lost += PAGE;
        from += PAGE;
    }
    return lost;
}

/* Scans all that maps lists. Returns the bytes read; *lost those that could not be. */
static uint64_t scan_regions(FILE *maps, int memory, uint64_t *lost)
{
    char line[8192];
    uint64_t seen = 0, end_before = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        uint64_t from, to;
        int name_at = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &from, &to, &name_at) < 2)
            continue;
        line[strcspn(line, "\n")] = '\0';
        if (name_at > 0 && is_kernel_page(line + name_at))
            continue;
        if (from != end_before)
            streams_reset();
        end_before = to;
        uint64_t missed = to - from > region_max ? to - from : scan_region(memory, from, to);
        *lost += missed;
        seen += to - from - missed;
    }
    return seen;
}

static void scan_process(const char *pid)
{
    char name[64], path[64];
    (void)snprintf(name, sizeof name, "memory of process %s", pid);
    (void)snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "re");
    (void)snprintf(path, sizeof path, "/proc/%s/mem", pid);
    int memory = maps == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (memory < 0) {
        unread(name, strerror(errno));
        goto out;
    }
    place_begin();
    uint64_t lost = 0;
    uint64_t seen = scan_regions(maps, memory, &lost);
    if (seen == 0) {
        unread(name, "no page of it could be read");
        goto out;
    }
    place_end(name);
    printf("%s: %" PRIu64 " KiB read\n", name, seen / 1024);
    if (lost > 0) {
        char why[64];
        (void)snprintf(why, sizeof why, "%" PRIu64 " KiB of it", lost / 1024);
        unread(name, why);
    }
out:
    if (memory >= 0)
        (void)close(memory);
    if (maps != NULL)
        (void)fclose(maps);
}

/* ---- the command ---- */

/* Between least and most bytes; 0: it cannot be, and that was said. */
static size_t read_value(const char *path, size_t least, size_t most, uint8_t *ret_value)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "scan: %s: %s\n", path, strerror(errno));
        return 0;
    }
    uint8_t bytes[VALUE_MOST + 1];
    size_t count = fread(bytes, 1, sizeof bytes, file);
    if (file != stdin)
        (void)fclose(file);
    if (count < least || count > most) {
        (void)fprintf(stderr, "scan: %s: a %s of %zu", path, least == most ? "key" : "value", least);
        if (least != most)
            (void)fprintf(stderr, " to %zu", most);
        (void)fprintf(stderr, " bytes is wanted\n");
        return 0;
    }
    memcpy(ret_value, bytes, count);
    return count;
}

static void print_totals(void)
{
    printf("total: ");
    for (unsigned form = 0; form < FORMS; form++)
        printf("%" PRIu64 " %s, ", total_hits[form], form_names[form]);
    printf("%" PRIu64 " places read, %" PRIu64 " not readable\n", places_read, places_unread);
}

static int usage(void)
{
    (void)fputs(
        "usage: scan KEYFILE [--pid PID]... [PATH]...\n"
        "       scan --value FILE [--pid PID]... [PATH]...\n"
        "  KEYFILE: the 32 bytes of a private scalar; FILE: 6 to 64 bytes; - is the standard input\n"
        "  ends with 0: not found; 1: found; 2: not found, but something could not be read\n",
        stderr);
    return EXIT_BAD_USAGE;
}

int main(int argc, char **argv)
{
    uint8_t value[VALUE_MOST];
    bool any = argc > 1 && strcmp(argv[1], "--value") == 0;
    int first = any ? 3 : 2;
    if (argc <= first)
        return usage();
    size_t count = read_value(
        argv[first - 1], any ? VALUE_LEAST : KEY_BYTES, any ? VALUE_MOST : KEY_BYTES, value);
    if (count == 0)
        return EXIT_BAD_USAGE;
    make_patterns(value, count);

    for (int i = first; i < argc; i++) {
        if (strcmp(argv[i], "--pid") != 0)
            scan_path(argv[i]);
        else if (i + 1 < argc)
            scan_process(argv[++i]);
        else
            return usage();
    }
    print_totals();
    if (total_hits[FORM_RAW] + total_hits[FORM_HEX] + total_hits[FORM_BASE64] > 0)
        return EXIT_FOUND;
    return places_unread > 0 ? EXIT_UNREAD : EXIT_CLEAN;
}
