#include "cli/read_all.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "cli/error_text.hpp"

namespace nsenterd::cli {

Outcome<std::string> read_all(int file, std::string_view name) {
  constexpr std::size_t kFirstChunk = 4096;
  std::string content;
  std::size_t filled = 0;
  for (;;) {
    if (filled == content.size()) content.resize(std::max(kFirstChunk, filled * 2));
    const ssize_t got = ::read(file, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed_call("read", name);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

Outcome<std::string> read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return failed_call("open", path);
  return read_all(file.get(), path);
}

}  // namespace nsenterd::cli
