#pragma once

/* The assistant's own version, and that of what it speaks with pages; scripts/package-assistant.sh
   reads the first. */
#define ASSISTANT_VERSION "0.1.0"
enum { ASSISTANT_PROTOCOL = 1 };
