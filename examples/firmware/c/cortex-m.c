// The board is a bare Cortex-M: start-up, faults, and printing by semihosting (Arm's calls from a chip to its debugger
// or emulator).
#include <stdint.h>

#include "board.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

static void semihosting(uint32_t operation, const void *parameter) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = parameter;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static _Noreturn void stop(uint32_t code) {
  const uint32_t reason[] = {ADP_STOPPED_APPLICATION_EXIT, code};
  for (;;) semihosting(SYS_EXIT_EXTENDED, reason);
}

void board_print(const char *text) { semihosting(SYS_WRITE0, text); }

_Noreturn void board_fail(const char *why) {
  board_print(why);
  board_print("\n");
  stop(1);
}

int main(void);

// Addresses from the linker script.
extern uint32_t data_in_flash[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];

// Not inlined: in reset it could save registers of the FPU before that is allowed.
__attribute__((noinline)) static _Noreturn void start(void) {
  const uint32_t *from = data_in_flash;
  for (uint32_t *to = data_start; to < data_end; to++) *to = *from++;
  for (uint32_t *word = bss_start; word < bss_end; word++) *word = 0;
  stop((uint32_t)main());
}

_Noreturn void reset(void) {
#ifdef __ARM_FP
  volatile uint32_t *coprocessor_access = (volatile uint32_t *)0xe000ed88;
  *coprocessor_access |= 0xfu << 20;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
  start();
}

static _Noreturn void fault(void) { board_fail("the chip faulted"); }

// The vector table: stack, first instruction, and the handler of each fault.
typedef struct {
  uint32_t *stack;
  void (*reset)(void);
  void (*faults[14])(void);
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    stack_top, reset, {fault, fault, fault, fault, fault, fault, fault,
                       fault, fault, fault, fault, fault, fault, fault}};
