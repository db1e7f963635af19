#include <stddef.h>
#include <string.h>

/* The only function of libgfortran that the LAPACK routines reachable from Faiss call (to put
 * together option letters such as "LN"). With it here the build needs no Fortran package. */
void _gfortran_concat_string(size_t target_length, char* target, size_t first_length,
                             const char* first, size_t second_length, const char* second) {
  if (first_length > target_length) first_length = target_length;
  memcpy(target, first, first_length);
  size_t left = target_length - first_length;
  if (second_length > left) second_length = left;
  memcpy(target + first_length, second, second_length);
  memset(target + first_length + second_length, ' ', left - second_length);
}
