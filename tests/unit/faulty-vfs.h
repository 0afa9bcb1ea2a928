/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include <sqlite3.h>

/* A disk that fails: SQLite's own file layer, of which the n-th write or sync goes wrong. */

typedef struct {
	guint countdown; /* 0: nothing fails; 1: the next one does */
	gboolean fired;
	guint syncs, writes;
} Faults;

static Faults faults;

typedef struct {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
} FaultyFile;

static gboolean
strike(void)
{
	if (faults.countdown == 0 || --faults.countdown > 0)
		return FALSE;
	faults.fired = TRUE;
	return TRUE;
}

#define REAL(file)		(((FaultyFile *)(file))->real)
#define PASS(file, method, ...) REAL(file)->pMethods->method(REAL(file), ##__VA_ARGS__)

static int
faulty_close(sqlite3_file *file)
{
	return PASS(file, xClose);
}

static int
faulty_read(sqlite3_file *file, void *data, int size, sqlite3_int64 at)
{
	return PASS(file, xRead, data, size, at);
}

/* a failing write leaves half of it behind */
static int
faulty_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 at)
{
	faults.writes++;
	if (!strike())
		return PASS(file, xWrite, data, size, at);
	PASS(file, xWrite, data, size / 2, at);
	return SQLITE_IOERR_WRITE;
}

static int
faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return PASS(file, xTruncate, size);
}

static int
faulty_sync(sqlite3_file *file, int flags)
{
	faults.syncs++;
	return strike() ? SQLITE_IOERR_FSYNC : PASS(file, xSync, flags);
}

static int
faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return PASS(file, xFileSize, size);
}

static int
faulty_lock(sqlite3_file *file, int lock)
{
	return PASS(file, xLock, lock);
}

static int
faulty_unlock(sqlite3_file *file, int lock)
{
	return PASS(file, xUnlock, lock);
}

static int
faulty_reserved(sqlite3_file *file, int *result)
{
	return PASS(file, xCheckReservedLock, result);
}

static int
faulty_control(sqlite3_file *file, int op, void *arg)
{
	return PASS(file, xFileControl, op, arg);
}

static int
faulty_sector(sqlite3_file *file)
{
	return PASS(file, xSectorSize);
}

static int
faulty_traits(sqlite3_file *file)
{
	return PASS(file, xDeviceCharacteristics);
}

static int
faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	return PASS(file, xShmMap, page, size, extend, out);
}

static int
faulty_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return PASS(file, xShmLock, offset, n, flags);
}

static void
faulty_shm_barrier(sqlite3_file *file)
{
	PASS(file, xShmBarrier);
}

static int
faulty_shm_unmap(sqlite3_file *file, int remove)
{
	return PASS(file, xShmUnmap, remove);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_traits,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static int
faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	sqlite3_vfs *real = vfs->pAppData;
	FaultyFile *faulty = (FaultyFile *)file;
	int code;

	faulty->real = (sqlite3_file *)(faulty + 1);
	code = real->xOpen(real, name, faulty->real, flags, out);
	file->pMethods = faulty->real->pMethods != NULL ? &faulty_methods : NULL;
	return code;
}

/* from now on every database of this process lies on such a disk */
static void
faulty_install(void)
{
	static sqlite3_vfs vfs;
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	vfs = *real;
	vfs.pNext = NULL;
	vfs.zName = "faulty";
	vfs.pAppData = real;
	vfs.szOsFile = (int)sizeof(FaultyFile) + real->szOsFile;
	vfs.xOpen = faulty_open;
	g_assert_cmpint(sqlite3_vfs_register(&vfs, 1), ==, SQLITE_OK);
}
