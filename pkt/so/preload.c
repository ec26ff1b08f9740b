/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: packetdrill asks the real getsockopt() about the socket under test before it runs
 * code (%{ }%). This one asks the stack about descriptors that are the stack's. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "pkt/so/preload.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static so_preload_ask *asked;
static void *asked_context;

__attribute__((visibility("default"))) void hawser_packetdrill_ask(so_preload_ask *ask,
                                                                   void *context)
{
    pthread_mutex_lock(&mutex);
    asked = ask;
    asked_context = context;
    pthread_mutex_unlock(&mutex);
}

__attribute__((visibility("default"))) int getsockopt(int fd, int level, int option, void *value,
                                                      socklen_t *length)
{
    typedef int real_getsockopt(int, int, int, void *, socklen_t *);
    int result = 0;
    pthread_mutex_lock(&mutex);
    bool ours = asked != NULL && asked(asked_context, fd, level, option, value, length, &result);
    pthread_mutex_unlock(&mutex);
    if (ours)
        return result;
    real_getsockopt *real = (real_getsockopt *)dlsym(RTLD_NEXT, "getsockopt");
    if (real != NULL)
        return real(fd, level, option, value, length);
    errno = ENOSYS;
    return -1;
}
