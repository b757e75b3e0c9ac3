// What main.c needs from the machine.
#ifndef BOARD_H
#define BOARD_H

void board_print(const char *text);

// Prints the reason, and ends the program with an error code.
_Noreturn void board_fail(const char *why);

#endif
