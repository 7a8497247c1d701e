/* SPDX-License-Identifier: MIT
 *
 * The parser of audit lines: NUMBER TIME WHAT [FIELD…] chain=VALUE, one blank between two.
 */
#include "audit_line.h"

#include <string.h>

static const char chain_mark[] = " chain=";
static const char time_pattern[] = "0000-00-00T00:00:00.000000Z";

enum { CHAIN_DIGITS = 2 * AUDIT_CHAIN_BYTES, TAIL = sizeof chain_mark - 1 + CHAIN_DIGITS };

static const struct {
    const char *word;
    enum audit_what what;
} words[] = {
    {"note", AUDIT_NOTE},
    {"intent", AUDIT_INTENT},
    {"result", AUDIT_RESULT},
    {"refused", AUDIT_REFUSED},
    {"refused-more", AUDIT_REFUSED_MORE},
};

static bool digit_of(uint8_t character, unsigned *ret_digit)
{
    if (character >= '0' && character <= '9')
        *ret_digit = character - '0';
    else if (character >= 'a' && character <= 'f')
        *ret_digit = character - 'a' + 10U;
    else
        return false;
    return true;
}

bool audit_chain_parse(struct span text, uint8_t ret_chain[static AUDIT_CHAIN_BYTES])
{
    if (text.len != CHAIN_DIGITS)
        return false;
    struct reader r = reader_of(text);
    uint8_t chain[AUDIT_CHAIN_BYTES];
    for (size_t i = 0; i < AUDIT_CHAIN_BYTES; i++) {
        unsigned high;
        unsigned low;
        if (!digit_of((uint8_t)read_uint(&r, 1), &high) ||
            !digit_of((uint8_t)read_uint(&r, 1), &low))
            return false;
        chain[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_chain, chain, sizeof chain);
    return true;
}

/* Up to the next blank, which is taken too, or to the end. */
static struct span take_word(struct reader *r)
{
    const uint8_t *blank = r->left > 0 ? memchr(r->at, ' ', r->left) : NULL;
    struct span word = read_span(r, blank != NULL ? (size_t)(blank - r->at) : r->left);
    if (blank != NULL)
        (void)read_span(r, 1);
    return word;
}

/* Decimal, as the writer writes it: without sign or leading zero. */
static bool number_of(struct span word, uint64_t *ret_number)
{
    struct reader r = reader_of(word);
    uint64_t number = 0;
    if (word.len == 0 || word.ptr[0] == '0')
        return false;
    while (reader_more(&r)) {
        unsigned digit;
        if (!digit_of((uint8_t)read_uint(&r, 1), &digit) || digit > 9 ||
            number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

static bool is_time(struct span word)
{
    if (word.len != AUDIT_TIME_LEN)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        const bool is_digit = word.ptr[i] >= '0' && word.ptr[i] <= '9';
        if (time_pattern[i] == '0' ? !is_digit : word.ptr[i] != (uint8_t)time_pattern[i])
            return false;
    }
    return true;
}

static bool is_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
            return false;
    return true;
}

static bool what_of(struct span word, enum audit_what *ret_what)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_equal(word, span_of_text(words[i].word))) {
            *ret_what = words[i].what;
            return true;
        }
    }
    return false;
}

/* "of=3 OK" */
static bool intent_of(struct span rest, uint64_t *ret_number)
{
    struct reader r = reader_of(rest);
    struct reader word = reader_of(take_word(&r));
    return span_equal(read_span(&word, 3), span_of_text("of=")) &&
           number_of(read_span(&word, word.left), ret_number) && reader_more(&r);
}

enum audit_shape audit_line_parse(struct span text, struct audit_line *ret_line)
{
    struct audit_line line = {0};
    struct reader whole = reader_of(text);
    if (!is_text(text) || text.len > AUDIT_LINE_MOST)
        return AUDIT_SHAPE_BAD;
    if (text.len < TAIL)
        return AUDIT_SHAPE_CUT;
    line.hashed = read_span(&whole, text.len - TAIL);
    if (!span_equal(read_span(&whole, sizeof chain_mark - 1), span_of_text(chain_mark)) ||
        !audit_chain_parse(read_span(&whole, CHAIN_DIGITS), line.chain))
        return AUDIT_SHAPE_CUT;

    struct reader r = reader_of(line.hashed);
    if (!number_of(take_word(&r), &line.number))
        return AUDIT_SHAPE_BAD;
    line.time = take_word(&r);
    if (!is_time(line.time) || !what_of(take_word(&r), &line.what))
        return AUDIT_SHAPE_BAD;
    line.rest = read_span(&r, r.left);
    if (line.rest.len == 0 || (line.what == AUDIT_RESULT && !intent_of(line.rest, &line.of)))
        return AUDIT_SHAPE_BAD;
    *ret_line = line;
    return AUDIT_SHAPE_WHOLE;
}
