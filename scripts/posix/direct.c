/* Preloaded into fsx: opens the file under test, and nothing else, with O_DIRECT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int open64(const char *path, int flags, ...)
{
	static int (*next)(const char *, int, ...);
	const char *tested = getenv("DIRECT_FILE");
	va_list rest;
	int mode;

	if (!next)
		next = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
	va_start(rest, flags);
	mode = va_arg(rest, int);
	va_end(rest);
	if (tested && strcmp(path, tested) == 0)
		flags |= O_DIRECT;
	return next(path, flags, mode);
}
