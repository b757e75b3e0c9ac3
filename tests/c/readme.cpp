#include <cstdio>
#include <micro_lora.hpp>

int main() {
  micro_lora::FixedAdapter<3, 3, 1> lora;  // in place; micro_lora::Adapter takes its sizes at run time
  float x[] = {0.6f, 0.8f, 0.0f}, shown[] = {1, 0, 0, /* and */ 0, 0, 1};

  mlora_status status = lora.init(MLORA_CONFIG(3, 3, 1));
  if (status == MLORA_OK) status = lora.adapt_choice(micro_lora::Sample(x), shown, 1);  // a click on the second
  if (status == MLORA_OK) status = lora.apply_updates();
  if (status == MLORA_OK) status = lora.apply_residual(x);
  std::printf("%s: the query moved to %.2f %.2f %.2f\n", micro_lora::message(status), x[0], x[1], x[2]);
  return status == MLORA_OK ? 0 : 1;
}
