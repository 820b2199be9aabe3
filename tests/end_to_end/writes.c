// The end of a program at one of its writes to some files, put before the C library's functions.
//
// MIGR_WRITES is a part of the files' paths, MIGR_WRITES_END the number of the write that the program does not survive, from 1. It ends before the write; with
// MIGR_WRITES_TORN half of the bytes are written. What cuts, removes or flushes a file counts too. A program that goes on to its end leaves in the file
// MIGR_WRITES_COUNT how many there were.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long writes;

static int concerns(const char *path) {
    const char *part = getenv("MIGR_WRITES");
    return part && strstr(path, part) != NULL;
}

static int open_concerns(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return concerns(path);
}

// Whether this is the last one.
static int ends(void) {
    const char *end = getenv("MIGR_WRITES_END");
    return __sync_add_and_fetch(&writes, 1) == (end ? atol(end) : -1);
}

static int is_torn(void) { return getenv("MIGR_WRITES_TORN") != NULL; }

static void end(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *bytes, size_t length) {
    if (open_concerns(file) && ends()) {
        if (is_torn() && REAL(write)(file, bytes, length / 2) < 0) _exit(99);
        end();
    }
    return REAL(write)(file, bytes, length);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
    if (open_concerns(file) && ends()) {
        if (is_torn() && REAL(pwrite)(file, bytes, length / 2, at) < 0) _exit(99);
        end();
    }
    return REAL(pwrite)(file, bytes, length, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    if (open_concerns(file) && ends()) {
        if (is_torn() && REAL(pwrite64)(file, bytes, length / 2, at) < 0) _exit(99);
        end();
    }
    return REAL(pwrite64)(file, bytes, length, at);
}

int fsync(int file) {
    if (open_concerns(file) && ends()) end();
    return REAL(fsync)(file);
}

int fdatasync(int file) {
    if (open_concerns(file) && ends()) end();
    return REAL(fdatasync)(file);
}

int ftruncate(int file, off_t length) {
    if (open_concerns(file) && ends()) end();
    return REAL(ftruncate)(file, length);
}

int ftruncate64(int file, off64_t length) {
    if (open_concerns(file) && ends()) end();
    return REAL(ftruncate64)(file, length);
}

int unlink(const char *path) {
    if (concerns(path) && ends()) end();
    return REAL(unlink)(path);
}

int rename(const char *from, const char *to) {
    if ((concerns(from) || concerns(to)) && ends()) end();
    return REAL(rename)(from, to);
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("MIGR_WRITES_COUNT");
    FILE *told = path ? fopen(path, "w") : NULL;
    if (!told) return;
    fprintf(told, "%ld", writes);
    fclose(told);
}
