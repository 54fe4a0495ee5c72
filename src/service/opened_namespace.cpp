#include "service/opened_namespace.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "service/namespace_inode.hpp"

namespace nsenterd::service {
namespace {

/// A file below /proc/self; empty if it cannot be read.
std::string read_own(const std::string& name) {
  const UniqueFd file(::open(("/proc/self/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 16384> buffer;
  for (ssize_t got = 0; file && (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

/// Takes up to the next blank.
std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

/// The mount that a descriptor was opened through (proc(5), "/proc/PID/fdinfo").
std::string mount_of(int descriptor) {
  constexpr std::string_view kKey = "mnt_id:\t";
  const std::string info = read_own("fdinfo/" + std::to_string(descriptor));
  const auto at = info.find(kKey);
  if (at == std::string::npos) return {};
  const auto begin = at + kKey.size();
  return info.substr(begin, info.find('\n', begin) - begin);
}

/// What a mount shows of its filesystem: its root, the fourth word of its line (proc(5), "/proc/PID/mountinfo").
std::string root_of_mount(const std::string& mount) {
  const std::string table = read_own("mountinfo");
  for (std::string_view rest = table; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (take_word(line) != mount) continue;
    take_word(line);
    take_word(line);
    return std::string(take_word(line));
  }
  return {};
}

}  // namespace

std::optional<std::uint64_t> inode_of_namespace(int descriptor, Namespace kind) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  // setns(2) takes none that was opened with O_PATH.
  if (flags < 0 || (flags & O_PATH) != 0) return std::nullopt;
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  std::array<char, 64> buffer;
  const ssize_t size = ::readlink(link.c_str(), buffer.data(), buffer.size());
  std::string text(buffer.data(), static_cast<std::size_t>(std::max(size, ssize_t{0})));
  // The kernel's own words, unless it is a path: that begins with a slash. So does the root of any mount but that of a namespace.
  if (text.starts_with('/')) text = root_of_mount(mount_of(descriptor));
  if (!text.starts_with(Namespaces{kind}.names() + ":[")) return std::nullopt;
  return inode_of_link(text);
}

}  // namespace nsenterd::service
