#include "memory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "failure.hpp"

namespace seccomp_agent::inside {
namespace {

/// A string that ends on one page can be read although the next one is not there, so no read goes beyond a multiple of this. (Larger
/// pages are multiples of it.)
constexpr std::uint64_t kPage = 4096;

}  // namespace

void Memory::read(std::uint64_t address, std::span<char> bytes) const {
  const ssize_t got = ::pread64(fd_, bytes.data(), bytes.size(), static_cast<off64_t>(address));
  if (got != static_cast<ssize_t>(bytes.size())) fail("memory", EFAULT);
}

std::string Memory::read_string(std::uint64_t address, std::size_t most, int too_long) const {
  std::string text;
  std::array<char, kPage> page;
  while (text.size() < most) {
    const auto size = std::min<std::size_t>(kPage - address % kPage, most - text.size());
    const std::span<char> part(page.data(), size);
    read(address, part);
    const auto end = std::find(part.begin(), part.end(), '\0');
    text.append(part.begin(), end);
    if (end != part.end()) return text;
    address += size;
  }
  fail("string", too_long);
}

std::string read_path(const Memory& memory, const nlohmann::json& argument) {
  std::string path = memory.read_string(argument.at("path").get<std::uint64_t>());
  // The kernel starts a relative path at the thread's descriptor, and does not look at that for an absolute one.
  const int error = argument.at("directory_error").get<int>();
  if (error != 0 && !path.starts_with('/')) fail("directory", error);
  return path;
}

}  // namespace seccomp_agent::inside
