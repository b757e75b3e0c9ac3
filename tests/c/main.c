// Tests every function and every status of the C interface. Exits with 1 if an expectation failed.
#include <stdio.h>

#include "check.h"

int main(void) {
  test_lifecycle();
  test_apply();
  test_learn();
  test_save();
  test_peft();
  test_companions();
  test_dual();
  test_lists();
  test_environment();
  test_power_loss();
  test_null();
  test_misuse();
  test_placement();
  test_threads();
  check_all_statuses_seen();
  printf("libmicro_lora %s: %d expectations failed\n", mlora_version(), failures());
  return failures() == 0 ? 0 : 1;
}
