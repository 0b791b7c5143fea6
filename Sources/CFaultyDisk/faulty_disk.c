#if defined(__linux__)
#define _GNU_SOURCE
#include "faulty_disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { descriptors_max = 4096, sector_bytes = 512 };

/// A change that no fsync has covered yet: what was there before, and what was written.
struct change {
    dev_t device;
    ino_t inode;
    int descriptor;
    off_t offset;
    off_t size_before;
    size_t old_count;
    size_t new_count;
    unsigned char *old_bytes;
    unsigned char *new_bytes;
    struct change *previous;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watched[descriptors_max];
static struct change *newest;
static long writes, fsyncs;
static uint64_t state;

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 10) : otherwise;
}

static uint64_t draw(void) {
    if (!state) state = (uint64_t)setting("HEXLOOP_FAULT_SEED", 1) * 0x9E3779B97F4A7C15u + 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_watched(int descriptor) {
    return descriptor >= 0 && descriptor < descriptors_max && watched[descriptor];
}

static int opened(int descriptor, const char *path) {
    const char *part = getenv("HEXLOOP_FAULT_FILES");
    if (descriptor >= 0 && descriptor < descriptors_max) {
        size_t count = strlen(path);
        int is_shared = count > 4 && strcmp(path + count - 4, "-shm") == 0;
        watched[descriptor] = part && *part && strstr(path, part) && !is_shared;
    }
    return descriptor;
}

static int is_full(void) {
    const char *path = getenv("HEXLOOP_FAULT_FULL");
    return path && *path && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

/// Remembers what a change of `[offset, offset + count)` or of everything behind `offset` will destroy.
static void remember(int descriptor, const void *bytes, size_t count, off_t offset, int truncates) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return;
    struct change *change = calloc(1, sizeof *change);
    if (!change) abort();
    change->device = status.st_dev;
    change->inode = status.st_ino;
    change->descriptor = descriptor;
    change->offset = offset;
    change->size_before = status.st_size;
    off_t end = truncates ? status.st_size : offset + (off_t)count;
    if (end > status.st_size) end = status.st_size;
    if (end > offset) {
        change->old_bytes = malloc((size_t)(end - offset));
        if (!change->old_bytes) abort();
        ssize_t got = syscall(SYS_pread64, descriptor, change->old_bytes, (size_t)(end - offset), offset);
        change->old_count = got > 0 ? (size_t)got : 0;
    }
    if (!truncates) {
        change->new_bytes = malloc(count);
        if (!change->new_bytes) abort();
        memcpy(change->new_bytes, bytes, count);
        change->new_count = count;
    }
    change->previous = newest;
    newest = change;
}

/// The disk as it is when the power comes back: what was forced, and any of what was not.
static void cut_power(void) {
    struct change *oldest = NULL;
    for (struct change *change = newest; change;) {
        syscall(SYS_pwrite64, change->descriptor, change->old_bytes, change->old_count, change->offset);
        syscall(SYS_ftruncate, change->descriptor, change->size_before);
        struct change *previous = change->previous;
        change->previous = oldest;
        oldest = change;
        change = previous;
    }
    for (struct change *change = oldest; change; change = change->previous) {
        if (!change->new_bytes || draw() % 2) continue;
        size_t count = change->new_count;
        if (draw() % 4 == 0 && count > sector_bytes) count = sector_bytes * (1 + draw() % (count / sector_bytes));
        syscall(SYS_pwrite64, change->descriptor, change->new_bytes, count, change->offset);
    }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void forced(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return;
    struct change **link = &newest;
    while (*link) {
        struct change *change = *link;
        if (change->device == status.st_dev && change->inode == status.st_ino) {
            *link = change->previous;
            free(change->old_bytes);
            free(change->new_bytes);
            free(change);
        } else {
            link = &change->previous;
        }
    }
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
}

#define OPEN(name)                                                  \
    int name(const char *path, int flags, ...) {                    \
        va_list arguments;                                          \
        va_start(arguments, flags);                                 \
        mode_t mode = mode_of(flags, arguments);                    \
        va_end(arguments);                                          \
        int (*real)(const char *, int, ...) = next(#name);          \
        return opened(real(path, flags, mode), path);               \
    }

OPEN(open)
OPEN(open64)

int close(int descriptor) {
    if (is_watched(descriptor)) watched[descriptor] = 0;
    return (int)syscall(SYS_close, descriptor);
}

static ssize_t write_at(int descriptor, const void *bytes, size_t count, off_t offset) {
    if (!is_watched(descriptor)) return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    if (is_full()) {
        errno = ENOSPC;
        return -1;
    }
    long power_at = setting("HEXLOOP_FAULT_POWER_AT", 0);
    if (!power_at) return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    pthread_mutex_lock(&lock);
    remember(descriptor, bytes, count, offset, 0);
    if (++writes == power_at) cut_power();
    ssize_t result = syscall(SYS_pwrite64, descriptor, bytes, count, offset);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return write_at(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return write_at(descriptor, bytes, count, offset);
}

static int truncate_to(int descriptor, off_t size) {
    if (is_watched(descriptor) && setting("HEXLOOP_FAULT_POWER_AT", 0)) {
        pthread_mutex_lock(&lock);
        remember(descriptor, NULL, 0, size, 1);
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_ftruncate, descriptor, size);
}

int ftruncate(int descriptor, off_t size) { return truncate_to(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) { return truncate_to(descriptor, size); }

static int force(int descriptor, long call) {
    if (!is_watched(descriptor)) return (int)syscall(call, descriptor);
    long delay = setting("HEXLOOP_FAULT_FSYNC_MS", 0);
    if (delay > 0) {
        struct timespec time = {delay / 1000, delay % 1000 * 1000000};
        syscall(SYS_nanosleep, &time, NULL);
    }
    pthread_mutex_lock(&lock);
    int fails = ++fsyncs == setting("HEXLOOP_FAULT_EIO_AT", 0);
    int lies = setting("HEXLOOP_FAULT_LIES", 0) == 1;
    if (!fails && !lies) forced(descriptor);
    pthread_mutex_unlock(&lock);
    if (fails) {
        errno = EIO;
        return -1;
    }
    return lies ? 0 : (int)syscall(call, descriptor);
}

int fsync(int descriptor) { return force(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return force(descriptor, SYS_fdatasync); }

/// Half of each 400 ms the wall clock is elsewhere.
static int64_t clock_shift(void) {
    long seconds = setting("HEXLOOP_FAULT_CLOCK_S", 0);
    if (!seconds) return 0;
    struct timespec steady;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
    long phase = (steady.tv_sec * 10 + steady.tv_nsec / 100000000) % 8 / 2;
    return phase == 0 ? seconds : phase == 2 ? -seconds : 0;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += clock_shift();
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
#endif
