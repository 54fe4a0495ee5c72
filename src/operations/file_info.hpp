// Makes file information from what the kernel says of a file (agent).
#pragma once

#include <cstdint>
#include <string>

#include <sys/stat.h>

#include "operations/operation.hpp"
#include "wire/file_info.hpp"

namespace nsenterd::operations {

using wire::FileInfo;

/// The mode bits as Go numbers them.
std::uint32_t go_file_mode(mode_t mode) noexcept;

/// "2026-01-01T00:00:01.25Z": UTC, as many fractional digits as needed.
std::string rfc3339(const timespec& time);

/// `name` is UTF-8.
FileInfo make_file_info(std::string name, const struct stat& status);

}  // namespace nsenterd::operations
