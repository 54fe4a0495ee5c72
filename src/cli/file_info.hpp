// Shows file information in the manner of stat(1) and ls(1) (nsenterctl).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include <nsenterd/requests.hpp>

namespace nsenterd::cli {

/// "drwxr-xr-x", from st_mode; an unknown kind is "?".
std::string mode_string(std::uint32_t mode);

/// "2026-01-01T00:00:01Z", with nine fractional digits if wanted; "@SECONDS" where no calendar reaches.
std::string time_string(const timespec& time, bool with_fraction);

/// Several lines in the manner of stat(1). `path` is what the user gave.
std::string format_status(std::string_view path, const struct stat& status);

/// A line for each file in the manner of `ls -l`, in the order given; names are escaped.
std::string format_listing(const std::vector<requests::FileInfo>& files);

}  // namespace nsenterd::cli
