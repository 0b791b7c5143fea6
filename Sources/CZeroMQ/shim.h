#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sys/eventfd.h>
#include <zmq.h>

// Two Linux calls that Swift's Glibc module does not carry.

// zmq.h of 4.3 declares this option with its drafts only; the library has it since 4.3.0.
enum { HEXLOOP_ZAP_ENFORCE_DOMAIN = 93 };

/// A non-blocking eventfd that child processes do not inherit, or -1.
static inline int hexloop_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

extern int pthread_setname_np(pthread_t thread, const char *name);

/// Names the calling thread; at most 15 characters.
static inline void hexloop_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
