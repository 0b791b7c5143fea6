/// A library to be preloaded into a program under test: disks and clocks that fail. It has no functions of its own;
/// `hexloop chaos` puts it before libc by LD_PRELOAD, and environment variables say what shall fail.
///
/// HEXLOOP_FAULT_FILES     part of the paths of the files that it is about; `-shm` files never are
/// HEXLOOP_FAULT_SEED      which of the writes that were not forced to disk survive a power cut
/// HEXLOOP_FAULT_POWER_AT  at the n-th write the power goes: of the writes since the last fsync some are lost, in any
///                         order, the last one may be torn, and the process is killed
/// HEXLOOP_FAULT_LIES      1: fsync returns at once and forces nothing, so that a power cut loses what was promised
/// HEXLOOP_FAULT_EIO_AT    the n-th fsync fails with EIO
/// HEXLOOP_FAULT_FSYNC_MS  each fsync takes so many milliseconds
/// HEXLOOP_FAULT_FULL      while this file exists, writes fail with ENOSPC
/// HEXLOOP_FAULT_CLOCK_S   the wall clock jumps so many seconds to and fro, five times a second
#ifndef HEXLOOP_FAULTY_DISK_H
#define HEXLOOP_FAULTY_DISK_H
#endif
