// Reads files whose length is anybody's guess (agent).
#pragma once

#include <cstdint>
#include <string>

namespace nsenterd::operations {

/// Reads `wanted` bytes from an offset on, or fewer at the end of the file. Memory grows with what has been read. False
/// with errno.
bool read_up_to(int file, std::int64_t offset, std::size_t wanted, std::string& content);

}  // namespace nsenterd::operations
