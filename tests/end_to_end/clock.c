// A wall clock that jumps, put before the C library's: the steady clocks stay as they are.
//
// MIGR_CLOCK names a file with a list of words: `+N` and `-N` set the clock so many seconds off, `=N` to so many seconds after 1970, and `xN` says for how many
// looks at the clock each of them holds; then the list begins anew. The file is read at every look, so that it can be changed under a running program.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long looks;

static void jump(struct timespec *now) {
    const char *path = getenv("MIGR_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    char text[256];
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return;
    text[length] = 0;
    char signs[32];
    long long numbers[32], holds = 1;
    int count = 0;
    for (char *at = text; *at && count < 32;) {
        char sign = *at++;
        if (sign != '+' && sign != '-' && sign != '=' && sign != 'x') continue;
        long long number = strtoll(at, &at, 10);
        if (sign == 'x') {
            holds = number > 0 ? number : 1;
        } else {
            signs[count] = sign;
            numbers[count++] = number;
        }
    }
    if (count == 0) return;
    long turn = __sync_fetch_and_add(&looks, 1) / holds % count;
    switch (signs[turn]) {
    case '+': now->tv_sec += numbers[turn]; break;
    case '-': now->tv_sec -= numbers[turn]; break;
    default: now->tv_sec = numbers[turn];
    }
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) jump(now);
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec precise;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *also) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (also) *also = now.tv_sec;
    return now.tv_sec;
}
