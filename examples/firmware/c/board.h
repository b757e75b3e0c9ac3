// What main.c needs of the machine below it.
#ifndef BOARD_H
#define BOARD_H

void board_print(const char *text);

// Prints why, and ends the program as failed.
_Noreturn void board_fail(const char *why);

#endif
