/* SPDX-License-Identifier: MIT
 *
 * The terminal, by termios and read(): stdio would keep what was typed in a buffer of its own.
 */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void say(int terminal, const char *text)
{
    ssize_t ignored = write(terminal, text, strlen(text));
    (void)ignored;
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

/* Up to a newline. More than room holds is read and dropped. */
static err_t read_line(int terminal, struct secret *line, size_t *ret_len)
{
    const size_t room = secret_bytes(line).len;
    size_t len = 0;
    for (;;) {
        uint8_t byte;
        ssize_t n = read(terminal, &byte, 1);
        if (n < 0 && errno == EINTR && caught == 0)
            continue;
        if (n < 0)
            return ERR_INTERRUPTED;
        if (n == 0 || byte == '\n')
            break;
        if (len < room)
            secret_writable(line)[len] = byte;
        len++;
        secret_wipe(&byte, sizeof byte);
    }
    *ret_len = len;
    return len > 0 && len <= room ? ERR_OK : ERR_CONFIG;
}

/* Without echo. A signal that would end the program does so when the terminal is as it was. */
static err_t read_hidden(int terminal, struct secret *line, size_t *ret_len)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    enum { SIGNALS = sizeof signals / sizeof signals[0] };
    const struct sigaction ours = {.sa_handler = on_signal};
    struct sigaction theirs[SIGNALS];
    struct termios before;
    if (tcgetattr(terminal, &before) != 0)
        return ERR_UNREACHABLE;
    struct termios hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &ours, &theirs[i]);
    (void)tcsetattr(terminal, TCSAFLUSH, &hidden);
    err_t err = read_line(terminal, line, ret_len);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &theirs[i], NULL);
    if (caught != 0)
        (void)raise(caught);
    return err;
}

err_t prompt_secret(const char *question, size_t max, struct secret **ret_secret)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return ERR_UNREACHABLE;
    struct secret *line = NULL;
    struct secret *answer = NULL;
    size_t len = 0;
    err_t err = secret_new(max, &line);
    if (err == ERR_OK) {
        say(terminal, question);
        err = read_hidden(terminal, line, &len);
        say(terminal, "\n");
    }
    if (err == ERR_OK)
        err = secret_new(len, &answer);
    if (err == ERR_OK) {
        memcpy(secret_writable(answer), secret_bytes(line).ptr, len);
        *ret_secret = answer;
    }
    secret_free(line);
    (void)close(terminal);
    return err;
}

bool prompt_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool prompt_yes(const char *question)
{
    char line[16];
    (void)fputs(question, stderr);
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}
