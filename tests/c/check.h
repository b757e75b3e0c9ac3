// What the C tests share: expectations that print where they failed, and a check that a refused call changes no memory.
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <string.h>

#include "micro_lora.h"

#define FEATURES 8
#define RANK 2
#define CANDIDATES 3

// A square adapter with room for a vector, aligned as a float.
typedef struct {
  uint32_t memory[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
  mlora *lora;
} adapter;

void make(adapter *made);
// An adapter of the dual step.
mlora *make_dual(uint32_t *memory, size_t bytes, uint32_t model_id);
// Of FEATURES values.
float dot(const float *a, const float *b);
int near(float a, float b);
// Three unit vectors of FEATURES values, one after the other, and an input.
extern const float CANDIDATE_ROWS[CANDIDATES * FEATURES];
extern const float X[FEATURES];

// Numbers as in files: little-endian, whatever this machine uses.
void put_little(uint8_t *at, uint32_t bits, size_t bytes);
void put_float(uint8_t *at, float value);

// From here on no refused call may change these bytes.
void watch(const void *data, size_t bytes);
void watch_nothing(void);

void before(void);
void accepted(mlora_status got, const char *call, const char *file, int line);
void refused(mlora_status expected, mlora_status got, const char *call, const char *file, int line);
void check(int holds, const char *condition, const char *file, int line);

#define ACCEPT(call) accepted((call), #call, __FILE__, __LINE__)
#define REFUSE(expected, call) \
  do { \
    before(); \
    refused((expected), (call), #call, __FILE__, __LINE__); \
  } while (0)
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

// Exempts a status that this environment cannot cause.
void status_cannot_be_seen(int status);
// Fails for every other status that no call has returned.
void check_all_statuses_seen(void);
int failures(void);

void test_lifecycle(void);
void test_apply(void);
void test_learn(void);
void test_save(void);
void test_peft(void);
void test_companions(void);
void test_dual(void);
void test_lists(void);
void test_environment(void);
void test_power_loss(void);
void test_null(void);
void test_misuse(void);
void test_placement(void);
void test_threads(void);

#endif
