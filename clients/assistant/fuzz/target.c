/* libFuzzer's entry for the function that FUZZ names. */
#include "assistant/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FUZZ(bytes, len);
    return 0;
}
