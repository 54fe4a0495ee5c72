// Every message type there is, in one explicit list (daemon and agent).
#pragma once

#include <span>
#include <string_view>

#include "operations/operation.hpp"

namespace nsenterd::operations {

std::span<const Operation* const> all_operations() noexcept;

/// The operation that serves a request type; null if there is none.
const Operation* find_operation(std::string_view request) noexcept;

}  // namespace nsenterd::operations
