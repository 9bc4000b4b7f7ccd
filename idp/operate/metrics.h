#pragma once

struct route;

extern const struct route operate_metrics_route;
