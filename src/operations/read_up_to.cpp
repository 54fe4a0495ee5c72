#include "operations/read_up_to.hpp"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

namespace nsenterd::operations {
namespace {

// Most of what is read is a line or a page of procfs; more is asked for only when that has been filled.
constexpr std::size_t kFirstChunk = 4096;

}  // namespace

bool read_up_to(int file, std::int64_t offset, std::size_t wanted, std::string& content) {
  content.clear();
  std::size_t filled = 0;
  while (filled < wanted) {
    const std::size_t chunk = std::min(wanted - filled, std::max(kFirstChunk, filled));
    content.resize(filled + chunk);
    const ssize_t got =
        ::pread(file, content.data() + filled, chunk, offset + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return true;
}

}  // namespace nsenterd::operations
