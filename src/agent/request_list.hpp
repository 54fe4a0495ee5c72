// Several requests of one event (runs inside the container).
#pragma once

#include <string_view>

#include "wire/credentials.hpp"

namespace nsenterd::agent {

/// Runs the requests of a list (wire/message_list.hpp) in order, and answers each with a frame of its own, until an operation has
/// failed. One that changes this process runs in a child of it, unless it is the last. Whether there may be another event.
bool answer_list(std::string_view list, const wire::Credentials& credentials);

}  // namespace nsenterd::agent
