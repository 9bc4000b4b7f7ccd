/* The loopback service for web pages: rules.h says who is heard, command.h what is done. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct assistant;
struct service;

/*
 * Listens at 127.0.0.1 and, where the machine has it, ::1. Returns NULL with one line in why (size
 * bytes) when it cannot. The assistant must outlive the service.
 */
struct service *service_start(struct assistant *assistant, char *why, size_t size);

/*
 * Stops listening, lets prompts give up and waits for the commands under way, at most two seconds.
 * Returns false when one of them is still stuck in a driver: then only the process can be ended.
 */
bool service_stop(struct service *service);
