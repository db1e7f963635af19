/* drop_unused_versions LIBRARY: what the library demands of others' versions ("GLIBC_2.34 of libc.so.6") and no symbol of
 * it asks for any longer is taken out, as the dynamic linker refuses the library otherwise. patchelf
 * --clear-symbol-version leaves these demands in. The file is changed in place: entries are unlinked, nothing moves. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *fail(const char *what) {
  fprintf(stderr, "drop_unused_versions: %s\n", what);
  exit(1);
}

static const Elf64_Shdr *section(char *file, unsigned type) {
  Elf64_Ehdr *header = (Elf64_Ehdr *)file;
  Elf64_Shdr *sections = (Elf64_Shdr *)(file + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type == type) return &sections[i];
  }
  return NULL;
}

/* Does a symbol have this version? */
static int used(const Elf64_Half *versions, size_t count, unsigned version) {
  for (size_t i = 0; i < count; i++) {
    if ((versions[i] & 0x7fff) == version) return 1;
  }
  return 0;
}

/* Unlinks the versions of one library that are not used, and returns how many are left. */
static unsigned keep_used(Elf64_Verneed *need, const Elf64_Half *versions, size_t count) {
  Elf64_Vernaux *kept = NULL;
  char *at = (char *)need;
  size_t step = need->vn_aux;
  unsigned left = 0;
  while (step != 0) {
    at += step;
    Elf64_Vernaux *version = (Elf64_Vernaux *)at;
    step = version->vna_next;
    if (!used(versions, count, version->vna_other & 0x7fff)) continue;
    if (kept == NULL) {
      need->vn_aux = (Elf64_Word)(at - (char *)need);
    } else {
      kept->vna_next = (Elf64_Word)(at - (char *)kept);
    }
    kept = version;
    kept->vna_next = 0;
    left++;
  }
  need->vn_cnt = (Elf64_Half)left;
  return left;
}

int main(int argc, char **argv) {
  if (argc != 2) fail("one library, please");
  int descriptor = open(argv[1], O_RDWR);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0) fail(argv[1]);
  char *file = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (file == MAP_FAILED) fail("mmap");
  const Elf64_Shdr *needs = section(file, SHT_GNU_verneed), *symbols = section(file, SHT_GNU_versym);
  if (needs == NULL || symbols == NULL) fail("no versions in it");
  const Elf64_Half *versions = (Elf64_Half *)(file + symbols->sh_offset);
  char *at = file + needs->sh_offset;
  for (;;) {
    Elf64_Verneed *need = (Elf64_Verneed *)at;
    /* With all its versions gone, a library's entry would have to go too; libc's and libstdc++'s keep the old ones. */
    if (keep_used(need, versions, symbols->sh_size / sizeof *versions) == 0) fail("a library of which no version is left");
    if (need->vn_next == 0) break;
    at += need->vn_next;
  }
  if (munmap(file, (size_t)status.st_size) != 0) fail("munmap");
  return 0;
}
