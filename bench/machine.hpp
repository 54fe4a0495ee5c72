// On what a benchmark has run.
#pragma once

#include "table.hpp"

namespace nsenterd::bench {

/// Processor, kernel, date, and how busy the machine is before anything is measured.
Json describe_machine();

}  // namespace nsenterd::bench
