/* SPDX-License-Identifier: MIT
 *
 * One device as the parent sees it. A worker that ends, crashes or hangs is started again with a
 * growing pause; meanwhile clients wait in the socket's backlog, and other devices go on.
 */
#include "supervisor.h"

#include "control.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ACCEPTS_AT_ONCE = 32,
    FIRST_PAUSE_US = 50000,
    LONGEST_PAUSE_US = 30000000,
    HEALTHY_AFTER_US = 10000000, /* a worker that lived so long starts anew without a pause */
    WATCH_EVERY_US = 500000,
    SEND_PATIENCE_S = 5, /* for a worker that does not read */
};

struct supervised {
    struct supervisor_options options;
    struct device_settings device;
    size_t rule_count;
    struct policy_rule *rules;
    int listener;
    int control; /* -1: no worker */
    int pending; /* an accepted connection that the worker had no room for yet; -1: none */
    struct identity pending_identity;
    pid_t pid; /* 0: no worker */
    struct pulse *pulse;
    int pulse_fd;
    bool ready;
    uint64_t started_at;
    uint64_t start_again_at; /* 0: running */
    uint64_t pause_us;
};

/* ---- socket ---- */

/* Bound under another name and renamed, so that programs always find one whole. */
static int listen_at(const char *runtime_dir, const char *device)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[sizeof address.sun_path];
    int path_len = snprintf(path, sizeof path, "%s/%s.sock", runtime_dir, device);
    int len =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/.%s.sock.new", runtime_dir, device);
    if (path_len < 0 || (size_t)path_len >= sizeof path || len < 0 ||
        (size_t)len >= sizeof address.sun_path) {
        log_error("%s/%s.sock: the path of a socket has at most %zu bytes", runtime_dir, device,
            sizeof address.sun_path - 7);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlink(address.sun_path);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        chmod(address.sun_path, 0666) == 0 && listen(fd, SOMAXCONN) == 0 &&
        rename(address.sun_path, path) == 0)
        return fd;
    log_error("%s: cannot listen there: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* ---- starting a worker ---- */

/* Opened, never read, by this process. Others than its owner must not be able to read it. */
static int open_pin_file(const struct device_settings *device, const char *key, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0) {
        log_error("[device %s]: %s = %s: %s", device->name, key, path,
            errno == ELOOP ? "is a symbolic link" : strerror(errno));
    } else if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        log_error("[device %s]: %s = %s: must be a file that only its owner can read (chmod 600)",
            device->name, key, path);
    } else {
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static const struct passwd *worker_user(const struct device_settings *device)
{
    return device->user[0] != '\0' && geteuid() == 0 ? getpwnam(device->user) : NULL;
}

/* STATE/DEVICE, writable by the worker alone. */
static int open_state_directory(const struct supervised *supervised)
{
    char path[SETTINGS_TEXT_MAX + SETTINGS_NAME_MAX + 1];
    const struct passwd *user = worker_user(&supervised->device);
    (void)mkdir(supervised->device.state_dir, 0755);
    (void)snprintf(
        path, sizeof path, "%s/%s", supervised->device.state_dir, supervised->device.name);
    if (mkdir(path, 0700) == 0 && user != NULL && chown(path, user->pw_uid, user->pw_gid) != 0)
        log_error("%s: cannot be given to %s: %s", path, user->pw_name, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        log_error("state-dir: %s: %s", path, strerror(errno));
    return fd;
}

/* In the child: becomes the device's user, with as much locked memory as it may have, and with no
 * capability, not even those that an exec would give to root. */
static bool become_worker_user(const struct device_settings *device)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    const struct passwd *user = worker_user(device);
    (void)setrlimit(RLIMIT_MEMLOCK, &all);
    if (geteuid() != 0)
        return true;
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
         capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            return false;
    return user != NULL && initgroups(user->pw_name, user->pw_gid) == 0 &&
           setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;
}

/* In the child. The environment is the configuration's and nothing else: what the daemon's own says
 * about OpenSSL, say, would reach the vendor's library. */
static void exec_worker(const struct supervised *supervised, int control)
{
    char *environment[SETTINGS_ENVIRONMENT_MAX + 1] = {NULL};
    char *arguments[] = {(char *)"signerd-worker", (char *)supervised->device.name, NULL};
    sigset_t none;
    for (size_t i = 0; i < supervised->device.environment_count; i++)
        environment[i] = (char *)supervised->device.environment[i];
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int control_copy = fcntl(control, F_DUPFD_CLOEXEC, CONTROL_PULSE_FD + 1);
    int pulse_copy = fcntl(supervised->pulse_fd, F_DUPFD_CLOEXEC, CONTROL_PULSE_FD + 1);
    if (control_copy < 0 || pulse_copy < 0 || dup2(control_copy, CONTROL_FD) < 0 ||
        dup2(pulse_copy, CONTROL_PULSE_FD) < 0 || !become_worker_user(&supervised->device)) {
        log_error(
            "worker of %s: cannot become its user: %s", supervised->device.name, strerror(errno));
        _exit(71);
    }
    (void)execve(supervised->options.worker_program, arguments, environment);
    log_error("%s: %s", supervised->options.worker_program, strerror(errno));
    _exit(71);
}

static err_t send_settings(const struct supervised *supervised)
{
    const struct device_settings *device = &supervised->device;
    int descriptors[CONTROL_DESCRIPTORS_MAX];
    size_t count = 0;
    const struct control_settings message = {
        .device = span_of_text(device->name),
        .driver = span_of_text(device->driver),
        .module = span_of_text(device->module),
        .token = span_of_text(device->token),
        .has_pin = device->pin_file[0] != '\0',
        .has_client_pin = device->client_pin[0] != '\0',
        .spin = (uint32_t)device->spin,
        .lock_memory_required = device->lock_memory_required,
        .max_connections = device->max_connections,
        .max_session_objects = device->max_session_objects,
        .audit_file_mib = device->audit_file_mib,
        .audit_files = device->audit_files,
    };
    descriptors[count++] = open_state_directory(supervised);
    if (message.has_pin)
        descriptors[count++] = open_pin_file(device, "pin-file", device->pin_file);
    if (message.has_client_pin)
        descriptors[count++] = open_pin_file(device, "client-pin", device->client_pin);

    err_t err = ERR_OK;
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] < 0)
            err = ERR_CONFIG;
    if (err == ERR_OK)
        err = control_send(supervised->control, CONTROL_SETTINGS, &message, descriptors, count);
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
    return err;
}

static err_t send_policy(const struct supervised *supervised)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < supervised->rule_count && err == ERR_OK; i++)
        err = control_send_rule(supervised->control, &supervised->rules[i]);
    const struct control_policy policy = {(uint32_t)supervised->rule_count};
    return err == ERR_OK ? control_send(supervised->control, CONTROL_POLICY, &policy, NULL, 0)
                         : err;
}

static void plan_restart(struct supervised *supervised)
{
    uint64_t now = clock_us();
    if (now - supervised->started_at > HEALTHY_AFTER_US)
        supervised->pause_us = 0;
    supervised->start_again_at = now + supervised->pause_us + 1;
    supervised->pause_us = supervised->pause_us ? 2 * supervised->pause_us : FIRST_PAUSE_US;
    if (supervised->pause_us > LONGEST_PAUSE_US)
        supervised->pause_us = LONGEST_PAUSE_US;
}

static void start_worker(struct supervised *supervised)
{
    const struct timeval patience = {SEND_PATIENCE_S, 0};
    int pair[2] = {-1, -1};
    supervised->start_again_at = 0;
    supervised->started_at = clock_us();
    supervised->ready = false;
    atomic_store(&supervised->pulse->busy_since, 0);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        log_error("worker of %s: %s", supervised->device.name, strerror(errno));
        plan_restart(supervised);
        return;
    }
    supervised->pid = fork();
    if (supervised->pid == 0)
        exec_worker(supervised, pair[1]);
    (void)close(pair[1]);
    supervised->control = pair[0];
    (void)setsockopt(supervised->control, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (supervised->pid < 0) {
        log_error("worker of %s: %s", supervised->device.name, strerror(errno));
        supervised->pid = 0;
        (void)close(supervised->control);
        supervised->control = -1;
        plan_restart(supervised);
        return;
    }
    /* Sent while the socket blocks; from here on it does not. */
    if (send_settings(supervised) != ERR_OK || send_policy(supervised) != ERR_OK) {
        (void)kill(supervised->pid, SIGKILL); /* reaped and planned anew like any other end */
        return;
    }
    (void)fcntl(supervised->control, F_SETFL, O_NONBLOCK);
}

/* ---- life ---- */

static err_t copy_rules(struct supervised *supervised, const struct settings *settings)
{
    struct policy_rule *rules = calloc(settings->rule_count + 1, sizeof *rules);
    size_t count = 0;
    if (rules == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < settings->rule_count; i++) {
        const char *device = settings->rules[i].device;
        if (device[0] == '\0' || strcmp(device, supervised->device.name) == 0)
            rules[count++] = settings->rules[i].rule;
    }
    free(supervised->rules);
    supervised->rules = rules;
    supervised->rule_count = count;
    return ERR_OK;
}

err_t supervised_new(const struct supervisor_options *options, const struct settings *settings,
    const struct device_settings *device, struct supervised **ret_supervised)
{
    struct supervised *supervised = calloc(1, sizeof *supervised);
    err_t err = ERR_SYSTEM;
    if (supervised == NULL)
        return ERR_MEMORY;
    supervised->options = *options;
    supervised->device = *device;
    supervised->control = -1;
    supervised->pending = -1;
    supervised->listener = -1;
    supervised->pulse_fd = -1;
    supervised->pulse = MAP_FAILED;
    if (geteuid() == 0 && worker_user(device) == NULL) {
        log_error("[device %s] lacks 'user': a daemon that is started as root needs to know whom "
                  "the device's "
                  "worker shall become",
            device->name);
        err = ERR_CONFIG;
        goto fail;
    }
    supervised->listener = listen_at(options->runtime_dir, device->name);
    supervised->pulse_fd = memfd_create("signerd-pulse", MFD_CLOEXEC);
    if (supervised->listener < 0 || supervised->pulse_fd < 0 ||
        ftruncate(supervised->pulse_fd, sizeof(struct pulse)) != 0)
        goto fail;
    supervised->pulse = mmap(
        NULL, sizeof(struct pulse), PROT_READ | PROT_WRITE, MAP_SHARED, supervised->pulse_fd, 0);
    if (supervised->pulse == MAP_FAILED)
        goto fail;
    err = copy_rules(supervised, settings);
    if (err != ERR_OK)
        goto fail;
    start_worker(supervised);
    *ret_supervised = supervised;
    return ERR_OK;
fail:
    supervised_free(supervised);
    return err;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void supervised_free(struct supervised *supervised)
{
    close_if_open(supervised->control); /* the worker ends when it sees this */
    close_if_open(supervised->pending);
    close_if_open(supervised->listener);
    close_if_open(supervised->pulse_fd);
    if (supervised->pid > 0) {
        uint64_t deadline = clock_us() + 2000000;
        while (waitpid(supervised->pid, NULL, WNOHANG) == 0) {
            if (clock_us() > deadline)
                (void)kill(supervised->pid, SIGKILL);
            (void)usleep(1000);
        }
    }
    if (supervised->pulse != MAP_FAILED)
        (void)munmap(supervised->pulse, sizeof(struct pulse));
    free(supervised->rules);
    free(supervised);
}

const struct device_settings *supervised_device(const struct supervised *supervised)
{
    return &supervised->device;
}

bool supervised_ready(const struct supervised *supervised)
{
    return supervised->ready;
}

err_t supervised_set_policy(struct supervised *supervised, const struct settings *settings)
{
    err_t err = copy_rules(supervised, settings);
    if (err != ERR_OK || supervised->control < 0)
        return err;
    (void)fcntl(supervised->control, F_SETFL, 0);
    err = send_policy(supervised);
    (void)fcntl(supervised->control, F_SETFL, O_NONBLOCK);
    if (err != ERR_OK) {
        log_warning("worker of %s does not take new rules now; it is started anew",
            supervised->device.name);
        (void)kill(supervised->pid, SIGKILL);
    }
    return ERR_OK;
}

/* ---- connections ---- */

/* Hands the pending connection over; false when the worker has no room for it now. */
static bool hand_over(struct supervised *supervised)
{
    err_t err = control_send_connection(
        supervised->control, &supervised->pending_identity, supervised->pending);
    if (err == ERR_TIMED_OUT)
        return false;
    (void)close(supervised->pending);
    supervised->pending = -1;
    return true;
}

static void accept_connections(struct supervised *supervised)
{
    for (int i = 0; i < ACCEPTS_AT_ONCE && supervised->pending < 0; i++) {
        int fd = accept4(supervised->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (identity_of_peer(fd, &supervised->pending_identity) != ERR_OK) {
            (void)close(fd); /* it has ended already */
            continue;
        }
        supervised->pending = fd;
        if (!hand_over(supervised))
            return;
    }
}

static void hear_worker(struct supervised *supervised)
{
    static struct control_packet packet;
    err_t err = control_receive(supervised->control, &packet);
    if (err == ERR_OK && packet.number == CONTROL_READY) {
        supervised->ready = true;
        return;
    }
    if (err != ERR_TIMED_OUT) {
        (void)close(supervised->control); /* its end is reaped by and by */
        supervised->control = -1;
    }
}

void supervised_polls(const struct supervised *supervised, struct pollfd polls[SUPERVISED_POLLS])
{
    bool takes = supervised->ready && supervised->control >= 0;
    polls[0] = (struct pollfd){
        .fd = takes && supervised->pending < 0 ? supervised->listener : -1, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = supervised->control,
        .events = (short)(POLLIN | (supervised->pending >= 0 ? POLLOUT : 0))};
}

void supervised_polled(struct supervised *supervised, const struct pollfd polls[SUPERVISED_POLLS])
{
    if (supervised->control >= 0 && (polls[1].revents & (POLLIN | POLLHUP | POLLERR)))
        hear_worker(supervised);
    if (supervised->control >= 0 && supervised->ready && supervised->pending >= 0)
        (void)hand_over(supervised);
    if (supervised->control >= 0 && supervised->ready && (polls[0].revents & POLLIN))
        accept_connections(supervised);
}

/* ---- ends ---- */

bool supervised_reaped(struct supervised *supervised, pid_t pid, int status)
{
    if (pid != supervised->pid)
        return false;
    if (WIFSIGNALED(status))
        log_error("worker of %s was ended by signal %d (%s)", supervised->device.name,
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        log_error(
            "worker of %s ended with status %d", supervised->device.name, WEXITSTATUS(status));
    close_if_open(supervised->control);
    supervised->control = -1;
    supervised->pid = 0;
    supervised->ready = false;
    plan_restart(supervised);
    return true;
}

uint64_t supervised_tick(struct supervised *supervised, uint64_t now_us)
{
    if (supervised->pid == 0) {
        if (now_us >= supervised->start_again_at)
            start_worker(supervised);
        return supervised->pid == 0 ? supervised->start_again_at : now_us + WATCH_EVERY_US;
    }
    if (pulse_is_overdue(supervised->pulse, supervised->device.call_timeout_s, now_us)) {
        log_error("worker of %s: a call of the device takes longer than call-timeout (%u s); ended",
            supervised->device.name, supervised->device.call_timeout_s);
        atomic_store(&supervised->pulse->busy_since, 0);
        (void)kill(supervised->pid, SIGKILL);
    }
    return now_us + WATCH_EVERY_US;
}
