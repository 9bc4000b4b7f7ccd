#include "base/lane.h"

static _Thread_local bool must_not_wait;

void lane_set_may_wait(bool may_wait)
{
    must_not_wait = !may_wait;
}

bool lane_may_wait(void)
{
    return !must_not_wait;
}
