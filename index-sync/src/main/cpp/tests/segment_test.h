#pragma once

#include "check.h"

void add_segment_tests(Tests& tests);
