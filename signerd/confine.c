/* SPDX-License-Identifier: MIT
 *
 * Confinement of a worker. The list of system calls is one of what must not be, not of what may be:
 * the vendor's library behind the driver pkcs11 can be any.
 */
#include "confine.h"

#include "base/log.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const int forbidden_calls[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(personality),
    SCMP_SYS(acct),
};

err_t confine_process(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR_SYSTEM;
    if (SANITIZED) {
        log_warning("built with sanitizers: this worker is not confined");
        return ERR_OK;
    }
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? ERR_OK : ERR_SYSTEM;
}

err_t confine_memory(bool required)
{
    if (SANITIZED || mlockall(MCL_CURRENT | MCL_FUTURE) == 0)
        return ERR_OK;
    if (required) {
        log_error("memory cannot be locked (%s), so keys could reach swap: raise RLIMIT_MEMLOCK "
                  "(LimitMEMLOCK= in a systemd unit), or set lock-memory = try",
            strerror(errno));
        return ERR_SYSTEM;
    }
    (void)munlockall(); /* a limit that is reached later would fail allocations */
    log_warning("memory is not locked (lock-memory = try): keys could reach swap");
    return ERR_OK;
}

err_t confine_system_calls(void)
{
    if (SANITIZED)
        return ERR_OK;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < sizeof forbidden_calls / sizeof forbidden_calls[0] && rc == 0; i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, forbidden_calls[i], 0);
        if (rc == -EDOM) /* not on this architecture */
            rc = 0;
    }
    if (rc == 0)
        rc = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    if (rc == 0)
        return ERR_OK;
    log_error("the system call filter cannot be loaded: %s", strerror(-rc));
    return ERR_SYSTEM;
}
