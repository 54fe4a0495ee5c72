// Whether a target is past being joined (daemon, or a program that embeds the library).
#pragma once

#include <nsenterd/event.hpp>

namespace nsenterd::service {

/// Whether the target has ended, or is ending and has given its namespaces up already.
bool has_left(const Target& target);

}  // namespace nsenterd::service
