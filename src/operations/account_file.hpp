// Looks names up in the container's /etc/passwd and /etc/group, which are whatever the container makes them (agent).
#pragma once

#include <string>

#include "operations/context.hpp"
#include "operations/error_response.hpp"

namespace nsenterd::operations {

/// The id of the first line that has the name in its first field and a number in its third, as both files have them
/// (passwd(5), group(5)). Other lines are passed over. `what` is "user" or "group", for the error: EIO if there is no
/// such line, EISDIR or EINVAL if the file is no regular one, EFBIG if it is longer than 1 MiB.
Result<std::string> find_id(const Context& context, const char* file, const char* what,
                            const std::string& name);

}  // namespace nsenterd::operations
