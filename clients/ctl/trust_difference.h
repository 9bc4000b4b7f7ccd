/* What changes from one trust list to another, for the eyes of those who sign. */
#pragma once

struct trust;

/*
 * Says on standard error, a line each, which authorities come, go, and change in which parts. With
 * before NULL: all that the list names. Returns 0, or an exit code when it has complained.
 */
int trust_difference_say(const struct trust *before, const struct trust *after);
