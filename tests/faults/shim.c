/* Stands between the program and the C library: counts every call that changes a file below some folders, and lets the one
 * of a given number fail, or kills the program just before or just after it.
 *
 *   FAULT_UNDER   folders, separated by colons
 *   FAULT_LOG     a file that takes a line for every call counted: number, name, path
 *   FAULT_AT      the call to strike, from 1; 0 for none
 *   FAULT_HOW     eio | enospc | short (half a write, then no space) | before | after (kill)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { NONE, FAIL_EIO, FAIL_ENOSPC, FAIL_SHORT, KILL_BEFORE, KILL_AFTER };

static const char *under;
static int log_file = -1;
static long strike_at;
static enum how how;
static long counted;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("FAULT_LOG"), *at = getenv("FAULT_AT"), *kind = getenv("FAULT_HOW");
    under = getenv("FAULT_UNDER");
    if (log) log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    strike_at = at ? atol(at) : 0;
    if (!kind) how = NONE;
    else if (!strcmp(kind, "eio")) how = FAIL_EIO;
    else if (!strcmp(kind, "enospc")) how = FAIL_ENOSPC;
    else if (!strcmp(kind, "short")) how = FAIL_SHORT;
    else if (!strcmp(kind, "before")) how = KILL_BEFORE;
    else if (!strcmp(kind, "after")) how = KILL_AFTER;
}

static int is_under(const char *path) {
    for (const char *at = under; at && *at;) {
        const char *end = strchrnul(at, ':');
        size_t length = (size_t)(end - at);
        if (!strncmp(path, at, length) && (path[length] == '/' || path[length] == 0)) return 1;
        at = *end ? end + 1 : end;
    }
    return 0;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a call on a path, and says what is to become of it. */
static enum how count(const char *name, const char *path) {
    if (!under || !is_under(path)) return NONE;
    char line[PATH_MAX + 64];
    pthread_mutex_lock(&one_at_a_time);
    long number = ++counted;
    int length = snprintf(line, sizeof line, "%ld %s %s\n", number, name, path);
    if (log_file >= 0) syscall(SYS_write, log_file, line, (size_t)length);
    enum how fate = number == strike_at ? how : NONE;
    if (fate == KILL_BEFORE) die();
    pthread_mutex_unlock(&one_at_a_time);
    return fate;
}

static void absolute(int folder, const char *path, char *into) {
    char base[PATH_MAX] = "";
    if (path[0] == '/') {
        snprintf(into, PATH_MAX, "%s", path);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) base[0] = 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        base[length > 0 ? length : 0] = 0;
    }
    if (snprintf(into, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) into[PATH_MAX - 1] = 0;
}

static enum how of_path(const char *name, int folder, const char *path) {
    char whole[PATH_MAX];
    absolute(folder, path, whole);
    return count(name, whole);
}

static enum how of_file(const char *name, int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return NONE;
    path[length] = 0;
    return count(name, path);
}

static int fails(enum how fate) {
    if (fate == FAIL_EIO) errno = EIO;
    else if (fate == FAIL_ENOSPC || fate == FAIL_SHORT) errno = ENOSPC;
    else return 0;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define GUARDED(type, fate, call)                  \
    do {                                           \
        enum how fate_ = (fate);                   \
        if (fails(fate_)) return -1;               \
        type done_ = (call);                       \
        int kept_ = errno;                         \
        if (fate_ == KILL_AFTER) die();            \
        errno = kept_;                             \
        return done_;                              \
    } while (0)

#define MAKES(flags) ((flags) & (O_CREAT | O_TRUNC))
#define MODE(flags, mode)                          \
    mode_t mode = 0;                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {         \
        va_list rest_;                             \
        va_start(rest_, flags);                    \
        mode = va_arg(rest_, mode_t);              \
        va_end(rest_);                             \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, mode)
    GUARDED(int, MAKES(flags) ? of_path("open", AT_FDCWD, path) : NONE, REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
    MODE(flags, mode)
    GUARDED(int, MAKES(flags) ? of_path("open", AT_FDCWD, path) : NONE, REAL(open64)(path, flags, mode));
}
int openat(int folder, const char *path, int flags, ...) {
    MODE(flags, mode)
    GUARDED(int, MAKES(flags) ? of_path("open", folder, path) : NONE, REAL(openat)(folder, path, flags, mode));
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags, mode)
    GUARDED(int, MAKES(flags) ? of_path("open", folder, path) : NONE, REAL(openat64)(folder, path, flags, mode));
}
int creat(const char *path, mode_t mode) { GUARDED(int, of_path("open", AT_FDCWD, path), REAL(creat)(path, mode)); }

/* A disk that fills up takes the first half of a write. */
static ssize_t written(enum how fate, int file, const void *from, size_t size, off64_t at) {
    if (fate == FAIL_SHORT) {
        if (size > 1) {
            if (at < 0) syscall(SYS_write, file, from, size / 2);
            else syscall(SYS_pwrite64, file, from, size / 2, at);
        }
        errno = ENOSPC;
        return -1;
    }
    if (fails(fate)) return -1;
    ssize_t done = at < 0 ? syscall(SYS_write, file, from, size) : syscall(SYS_pwrite64, file, from, size, at);
    int kept = errno;
    if (fate == KILL_AFTER) die();
    errno = kept;
    return done;
}
ssize_t write(int file, const void *from, size_t size) { return written(of_file("write", file), file, from, size, -1); }
ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    return written(of_file("write", file), file, from, size, at);
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    return written(of_file("write", file), file, from, size, at);
}
ssize_t writev(int file, const struct iovec *parts, int number) {
    GUARDED(ssize_t, of_file("write", file), REAL(writev)(file, parts, number));
}
ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *at, size_t size, unsigned flags) {
    GUARDED(ssize_t, of_file("write", to), REAL(copy_file_range)(from, start, to, at, size, flags));
}
ssize_t sendfile64(int to, int from, off64_t *start, size_t size) {
    GUARDED(ssize_t, of_file("write", to), (ssize_t)syscall(SYS_sendfile, to, from, start, size));
}

int fsync(int file) { GUARDED(int, of_file("fsync", file), REAL(fsync)(file)); }
int fdatasync(int file) { GUARDED(int, of_file("fsync", file), REAL(fdatasync)(file)); }
int ftruncate(int file, off_t size) { GUARDED(int, of_file("truncate", file), REAL(ftruncate)(file, size)); }
int ftruncate64(int file, off64_t size) { GUARDED(int, of_file("truncate", file), REAL(ftruncate64)(file, size)); }

int rename(const char *from, const char *to) { GUARDED(int, of_path("rename", AT_FDCWD, to), REAL(rename)(from, to)); }
int renameat(int a, const char *from, int b, const char *to) {
    GUARDED(int, of_path("rename", b, to), REAL(renameat)(a, from, b, to));
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    GUARDED(int, of_path("rename", b, to), REAL(renameat2)(a, from, b, to, flags));
}
int link(const char *from, const char *to) { GUARDED(int, of_path("link", AT_FDCWD, to), REAL(link)(from, to)); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    GUARDED(int, of_path("link", b, to), REAL(linkat)(a, from, b, to, flags));
}
int unlink(const char *path) { GUARDED(int, of_path("unlink", AT_FDCWD, path), REAL(unlink)(path)); }
int unlinkat(int folder, const char *path, int flags) {
    GUARDED(int, of_path("unlink", folder, path), REAL(unlinkat)(folder, path, flags));
}
int rmdir(const char *path) { GUARDED(int, of_path("unlink", AT_FDCWD, path), REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { GUARDED(int, of_path("mkdir", AT_FDCWD, path), REAL(mkdir)(path, mode)); }
int mkdirat(int folder, const char *path, mode_t mode) {
    GUARDED(int, of_path("mkdir", folder, path), REAL(mkdirat)(folder, path, mode));
}
