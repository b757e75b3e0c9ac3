// Prints the results of the script of operations, with tests/ports/src/lib.rs.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void port_run(void);
void port_print(const char *text, size_t length);
void port_fail(void);

void port_print(const char *text, size_t length) { fwrite(text, 1, length, stdout); }

void port_fail(void) {
  fflush(stdout);
  exit(1);
}

int main(void) {
  port_run();
  return 0;
}
