// What nsenterd is to reach: ratios within one run, and memory.
#pragma once

#include "table.hpp"

namespace nsenterd::bench {

/// Adds the goals whose figures are there, with those figures, and prints them.
void add_goals(Json& results);

}  // namespace nsenterd::bench
