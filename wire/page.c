/* SPDX-License-Identifier: MIT
 *
 * The page is a sealed memfd: of fixed size, and after the worker's own mapping nobody can make
 * another that is writable.
 */
#include "page.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1 */
#endif

enum { FIXED_SIZE = F_SEAL_SHRINK | F_SEAL_GROW, SEALS = FIXED_SIZE | F_SEAL_FUTURE_WRITE };

struct page {
    _Atomic uint64_t generation;
};

static void *map(int fd, int protection)
{
    void *memory = mmap(NULL, sizeof(struct page), protection, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

err_t page_make(struct page **ret_page, int *ret_fd)
{
    struct page *page = NULL;
    const int fd = memfd_create("signerd-generation", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, sizeof *page) == 0)
        page = map(fd, PROT_READ | PROT_WRITE);
    if (page != NULL && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0) {
        *ret_page = page;
        *ret_fd = fd;
        return ERR_OK;
    }
    page_unmap(page);
    if (fd >= 0)
        (void)close(fd);
    return ERR_SYSTEM;
}

void page_tell(struct page *page, uint64_t generation)
{
    if (page != NULL)
        atomic_store(&page->generation, generation);
}

err_t page_map(int fd, const struct page **ret_page)
{
    const int seals = fcntl(fd, F_GET_SEALS);
    const bool fixed = seals >= 0 && (seals & FIXED_SIZE) == FIXED_SIZE &&
                       lseek(fd, 0, SEEK_END) == (off_t)sizeof(struct page);
    const struct page *page = fixed ? map(fd, PROT_READ) : NULL;
    (void)close(fd);
    if (page == NULL)
        return ERR_BAD_MESSAGE;
    *ret_page = page;
    return ERR_OK;
}

uint64_t page_generation(const struct page *page)
{
    return atomic_load(&page->generation);
}

void page_unmap(const struct page *page)
{
    if (page != NULL)
        (void)munmap((void *)(uintptr_t)page, sizeof *page);
}
