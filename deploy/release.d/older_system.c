/* What Bytedeco's build of OpenCV takes from glibc and libstdc++ that Debian 11 (glibc 2.31, GCC 10) does not have
 * under any version. deploy/release takes the version off these references, and makes the libraries need this one. The
 * machine's own functions come first where they are, since glibc and libstdc++ are loaded before. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

struct stat;
struct stat64;

/* glibc 2.33; before, they were macros. The layout is the kernel's on x86-64. */
int stat(const char *path, struct stat *status) { return (int)syscall(SYS_stat, path, status); }
int fstat64(int file, struct stat64 *status) { return (int)syscall(SYS_fstat, file, status); }

/* glibc 2.32: std::shared_ptr counts without atomic operations while this says that no thread is there. A JVM always has
 * several. */
char __libc_single_threaded = 0;

/* GCC 11: new T[n] of too many. */
extern void __cxa_throw_bad_array_new_length(void) __attribute__((noreturn));
void throw_bad_array_new_length(void) __asm__("_ZSt28__throw_bad_array_new_lengthv");
void throw_bad_array_new_length(void) { __cxa_throw_bad_array_new_length(); }

/* GCC 11: std::exception_ptr's count, by what did it before: its copy constructor, and its destructor. It is one pointer. */
extern void copy(void *, void *const *) __asm__("_ZNSt15__exception_ptr13exception_ptrC1ERKS0_");
extern void destroy(void **) __asm__("_ZNSt15__exception_ptr13exception_ptrD1Ev");
void add_reference(void **exception) __asm__("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv");
void release(void **exception) __asm__("_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv");

void add_reference(void **exception) {
  void *another;
  copy(&another, exception);
}

void release(void **exception) {
  destroy(exception);
  *exception = 0;
}
