#pragma once

struct route;

extern const struct route operate_ready_route;
