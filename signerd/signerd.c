/* SPDX-License-Identifier: MIT
 *
 * signerd, the parent: reads the configuration, holds the sockets, asks the kernel who is there,
 * and keeps a worker for each device. It holds no key and no PIN.
 */
#include "settings.h"
#include "supervisor.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { LOCK_PATIENCE_US = 10000000, LOCK_PAUSE_US = 20000 };

struct daemon {
    const char *config;
    const char *runtime_dir;
    const char *pid_file;
    bool check_only;
    char worker_program[PATH_MAX];
    int signals;
    bool pid_file_written;
    size_t count;
    struct supervised *devices[SETTINGS_DEVICES_MAX];
};

static void print_help(void)
{
    printf("Usage: signerd [OPTION]...\n"
           "Owns the devices of signerd.conf and signs for the programs that its rules allow.\n"
           "Runs in the foreground and logs to standard error.\n"
           "\n"
           "  --config FILE       configuration (default " SIGNERD_CONF_DIR "/signerd.conf)\n"
           "  --runtime-dir DIR   where the sockets are (default $SIGNERD_RUNTIME_DIR or\n"
           "                      " SIGNERD_RUNTIME_DIR ")\n"
           "  --pid-file FILE     written once every device's worker has started\n"
           "  --check             read the configuration, say what is wrong with it, and end\n"
           "  --version, --help\n"
           "\n"
           "Files FILE.d/*.conf are read behind FILE. --check opens no PIN file and no device.\n"
           "SIGHUP reads the configuration again; a broken one changes nothing. SIGTERM ends.\n"
           "See signerd(8) and signerd.conf(5).\n");
}

/* True: go on; false: *ret_exit is the exit code. */
static bool read_options(int argc, char **argv, struct daemon *daemon, int *ret_exit)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"runtime-dir", required_argument, NULL, 'r'},
        {"pid-file", required_argument, NULL, 'p'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            daemon->config = optarg;
            break;
        case 'r':
            daemon->runtime_dir = optarg;
            break;
        case 'p':
            daemon->pid_file = optarg;
            break;
        case 'k':
            daemon->check_only = true;
            break;
        case 'v':
            printf("signerd " SIGNERD_VERSION "\n");
            *ret_exit = EX_OK;
            return false;
        case 'h':
            print_help();
            *ret_exit = EX_OK;
            return false;
        default:
            fprintf(stderr, "Try 'signerd --help'.\n");
            *ret_exit = EX_USAGE;
            return false;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "signerd: '%s' is no option. Try 'signerd --help'.\n", argv[optind]);
        *ret_exit = EX_USAGE;
        return false;
    }
    return true;
}

/* Beside this program (build tree), or in ../libexec/signerd (installed). */
static err_t find_worker_program(struct daemon *daemon)
{
    static const char *const places[] = {"", "../libexec/signerd/"};
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return ERR_SYSTEM;
    self[len] = '\0';
    *(strrchr(self, '/') + 1) = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int n = snprintf(daemon->worker_program, sizeof daemon->worker_program,
            "%s%ssignerd-worker", self, places[i]);
        if (n > 0 && (size_t)n < sizeof daemon->worker_program &&
            access(daemon->worker_program, X_OK) == 0)
            return ERR_OK;
    }
    log_error("signerd-worker is neither beside signerd nor in ../libexec/signerd: install both");
    return ERR_CONFIG;
}

/* One daemon a runtime directory. The descriptor stays open, here and in the workers: the lock is
 * free only when the last worker of a daemon that died has ended, so a device never has two owners.
 */
static err_t take_lock(const char *runtime_dir)
{
    char path[PATH_MAX];
    uint64_t deadline = clock_us() + LOCK_PATIENCE_US;
    if (mkdir(runtime_dir, 0755) != 0 && errno != EEXIST) {
        log_error("runtime directory %s cannot be made: %s", runtime_dir, strerror(errno));
        return ERR_SYSTEM;
    }
    (void)snprintf(path, sizeof path, "%s/.lock", runtime_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0) {
        log_error("%s: %s", path, strerror(errno));
        return ERR_SYSTEM;
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_us() > deadline) {
            log_error(
                "another signerd owns %s: end it first, or use another --runtime-dir", runtime_dir);
            (void)close(fd);
            return ERR_TIMED_OUT;
        }
        (void)usleep(LOCK_PAUSE_US);
    }
    return ERR_OK;
}

static err_t write_pid_file(const char *path)
{
    char text[32];
    char temporary[PATH_MAX];
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;
    if (fd >= 0)
        (void)close(fd);
    if (ok && rename(temporary, path) == 0)
        return ERR_OK;
    log_error("--pid-file %s: %s", path, strerror(errno));
    return ERR_SYSTEM;
}

/* ---- devices ---- */

static err_t add_device(
    struct daemon *daemon, const struct settings *settings, const struct device_settings *device)
{
    const struct supervisor_options options = {daemon->runtime_dir, daemon->worker_program};
    err_t err = supervised_new(&options, settings, device, &daemon->devices[daemon->count]);
    if (err == ERR_OK)
        daemon->count++;
    return err;
}

static void remove_device(struct daemon *daemon, size_t i)
{
    supervised_free(daemon->devices[i]);
    daemon->devices[i] = daemon->devices[--daemon->count];
}

static const struct device_settings *device_named(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->device_count; i++)
        if (strcmp(settings->devices[i].name, name) == 0)
            return &settings->devices[i];
    return NULL;
}

/* Devices that stayed as they were get the new rules and go on; others are ended or started. */
static void apply_settings(struct daemon *daemon, const struct settings *settings)
{
    for (size_t i = daemon->count; i > 0; i--) {
        struct supervised *supervised = daemon->devices[i - 1];
        const struct device_settings *device =
            device_named(settings, supervised_device(supervised)->name);
        if (device == NULL || !settings_same_device(supervised_device(supervised), device))
            remove_device(daemon, i - 1);
        else if (supervised_set_policy(supervised, settings) != ERR_OK)
            remove_device(daemon, i - 1); /* never with rules that are no longer true */
    }
    for (size_t i = 0; i < settings->device_count; i++) {
        bool runs = false;
        for (size_t j = 0; j < daemon->count; j++)
            runs = runs || strcmp(supervised_device(daemon->devices[j])->name,
                               settings->devices[i].name) == 0;
        if (!runs)
            (void)add_device(daemon, settings, &settings->devices[i]);
    }
}

static void reload(struct daemon *daemon)
{
    struct settings *settings;
    if (settings_read(daemon->config, &settings) != ERR_OK) {
        log_error("%s is broken: nothing was changed", daemon->config);
        return;
    }
    apply_settings(daemon, settings);
    settings_free(settings);
    log_info("%s read again", daemon->config);
}

/* ---- the loop ---- */

static void reap(struct daemon *daemon)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < daemon->count; i++)
            if (supervised_reaped(daemon->devices[i], pid, status))
                break;
}

/* False when it is time to end. */
static bool handle_signal(struct daemon *daemon)
{
    struct signalfd_siginfo info;
    if (read(daemon->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return true;
    switch (info.ssi_signo) {
    case SIGCHLD:
        reap(daemon);
        return true;
    case SIGHUP:
        reload(daemon);
        return true;
    default:
        return false;
    }
}

static bool all_ready(const struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->count; i++)
        if (!supervised_ready(daemon->devices[i]))
            return false;
    return true;
}

static err_t run(struct daemon *daemon)
{
    static struct pollfd polls[1 + SUPERVISED_POLLS * SETTINGS_DEVICES_MAX];
    for (;;) {
        uint64_t now = clock_us();
        uint64_t next = UINT64_MAX;
        for (size_t i = 0; i < daemon->count; i++) {
            uint64_t due = supervised_tick(daemon->devices[i], now);
            next = due < next ? due : next;
            supervised_polls(daemon->devices[i], &polls[1 + SUPERVISED_POLLS * i]);
        }
        if (daemon->pid_file != NULL && !daemon->pid_file_written && all_ready(daemon)) {
            daemon->pid_file_written = true;
            if (write_pid_file(daemon->pid_file) != ERR_OK)
                return ERR_SYSTEM;
        }
        polls[0] = (struct pollfd){.fd = daemon->signals, .events = POLLIN};
        nfds_t count = (nfds_t)(1 + SUPERVISED_POLLS * daemon->count);
        if (poll(polls, count, next == UINT64_MAX ? -1 : clock_ms_until(next)) < 0 &&
            errno != EINTR)
            return ERR_SYSTEM;
        for (size_t i = 0; i < daemon->count; i++)
            supervised_polled(daemon->devices[i], &polls[1 + SUPERVISED_POLLS * i]);
        if ((polls[0].revents & POLLIN) && !handle_signal(daemon))
            return ERR_OK;
    }
}

static err_t take_signals(struct daemon *daemon)
{
    static const int taken[] = {SIGCHLD, SIGHUP, SIGTERM, SIGINT};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        (void)sigaddset(&set, taken[i]);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return daemon->signals >= 0 ? ERR_OK : ERR_SYSTEM;
}

static err_t start(struct daemon *daemon)
{
    struct settings *settings = NULL;
    err_t err = settings_read(daemon->config, &settings);
    if (err != ERR_OK || daemon->check_only)
        goto out;
    err = find_worker_program(daemon);
    if (err == ERR_OK)
        err = take_lock(daemon->runtime_dir);
    if (err == ERR_OK)
        err = take_signals(daemon);
    for (size_t i = 0; i < settings->device_count && err == ERR_OK; i++)
        err = add_device(daemon, settings, &settings->devices[i]);
out:
    settings_free(settings);
    return err;
}

int main(int argc, char **argv)
{
    static struct daemon daemon = {.config = SIGNERD_CONF_DIR "/signerd.conf"};
    const char *runtime_dir = secure_getenv("SIGNERD_RUNTIME_DIR");
    int exit_code = EX_OK;
    daemon.runtime_dir = runtime_dir ? runtime_dir : SIGNERD_RUNTIME_DIR;
    log_setup("signerd", LOG_LEVEL_INFO);
    if (!read_options(argc, argv, &daemon, &exit_code))
        return exit_code;

    err_t err = start(&daemon);
    if (err == ERR_OK && daemon.check_only)
        printf("%s: ok\n", daemon.config);
    else if (err == ERR_OK)
        err = run(&daemon);
    while (daemon.count > 0)
        remove_device(&daemon, daemon.count - 1);
    if (daemon.pid_file_written)
        (void)unlink(daemon.pid_file);
    if (err != ERR_OK)
        log_error("ends: %s", err_text(err));
    return err_exit_code(err);
}
