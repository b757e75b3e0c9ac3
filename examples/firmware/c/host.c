// The board is a computer with a C library.
#include <stdio.h>
#include <stdlib.h>

#include "board.h"

void board_print(const char *text) { fputs(text, stdout); }

_Noreturn void board_fail(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}
