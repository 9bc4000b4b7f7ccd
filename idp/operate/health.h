#pragma once

struct route;

extern const struct route operate_health_route;
