/* What the static libraries linked into ours (OpenBLAS, Faiss, libstdc++, libgcc) take from the glibc
 * that this is built with, and what an older one does not have, or has under an older version. Defined
 * here, these names are not asked of the machine's glibc, so a library that is built on Debian 12
 * (glibc 2.36) also loads on Debian 11 (2.31). They are not exported. deploy/release checks which
 * versions are left. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <features.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first version of every function on this kind of processor; newer glibc keep it. */
#if defined(__x86_64__)
#define FIRST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST "GLIBC_2.17"
#else
#error "the first version of glibc on this kind of processor is not known here"
#endif
#define OLD(name) __asm__(".symver old_" #name "," #name "@" FIRST)

/* 2.34: moved from libpthread and libdl to libc. On older ones libgomp brings these two along. */
#if __GLIBC_PREREQ(2, 34)
OLD(pthread_create);
OLD(pthread_join);
OLD(pthread_once);
OLD(__pthread_key_create);
OLD(dlopen);
OLD(dlclose);
OLD(dlerror);
OLD(dlsym);
extern int old_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
extern int old_pthread_join(pthread_t, void**);
extern int old_pthread_once(pthread_once_t*, void (*)(void));
extern int old___pthread_key_create(pthread_key_t*, void (*)(void*));
extern void* old_dlopen(const char*, int);
extern int old_dlclose(void*);
extern char* old_dlerror(void);
extern void* old_dlsym(void*, const char*);

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  return old_pthread_create(thread, attributes, start, argument);
}
int pthread_join(pthread_t thread, void** result) { return old_pthread_join(thread, result); }
int pthread_once(pthread_once_t* control, void (*routine)(void)) { return old_pthread_once(control, routine); }
int __pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) {
  return old___pthread_key_create(key, destructor);
}
void* dlopen(const char* file, int mode) { return old_dlopen(file, mode); }
int dlclose(void* handle) { return old_dlclose(handle); }
char* dlerror(void) { return old_dlerror(); }
void* dlsym(void* handle, const char* name) { return old_dlsym(handle, name); }
#endif

/* 2.33: a function of its own; before, a macro. The layout is the kernel's on both kinds of processors. */
#if __GLIBC_PREREQ(2, 33)
int fstat(int file, struct stat* status) { return (int)syscall(SYS_fstat, file, status); }
int fstat64(int file, struct stat64* status) { return (int)syscall(SYS_fstat, file, status); }
#endif

/* 2.32: libstdc++ counts references without atomic operations while this says that no thread is there.
 * A JVM always has several. */
#if __GLIBC_PREREQ(2, 32)
char __libc_single_threaded = 0;
#endif

/* 2.36: of std::random_device. */
#if __GLIBC_PREREQ(2, 36)
uint32_t arc4random(void) {
  uint32_t number;
  if (getentropy(&number, sizeof number) != 0) abort();
  return number;
}
#endif

/* 2.35: how libgcc finds the unwind table of the code that an exception passes through. */
#if __GLIBC_PREREQ(2, 35)
struct table {
  uintptr_t pc;
  struct dl_find_object* found;
};

static int has_pc(struct dl_phdr_info* object, size_t size, void* data) {
  (void)size;
  struct table* wanted = data;
  const ElfW(Phdr)* unwind = NULL;
  int inside = 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)* header = &object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME) unwind = header;
    if (header->p_type == PT_LOAD && wanted->pc >= start && wanted->pc - start < header->p_memsz) {
      inside = 1;
      wanted->found->dlfo_map_start = (void*)start;
      wanted->found->dlfo_map_end = (void*)(start + header->p_memsz);
    }
  }
  if (!inside || unwind == NULL) return 0;
  wanted->found->dlfo_eh_frame = (void*)(object->dlpi_addr + unwind->p_vaddr);
  return 1;
}

int _dl_find_object(void* pc, struct dl_find_object* found) {
  struct table wanted = {(uintptr_t)pc, found};
  return dl_iterate_phdr(has_pc, &wanted) == 1 ? 0 : -1;
}
#endif
