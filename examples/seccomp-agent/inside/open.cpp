// openat2(2) of a file below one of the policy's directories, and nowhere else.
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "failure.hpp"
#include "module.hpp"
#include "path.hpp"

namespace seccomp_agent::inside {
namespace {

using nsenterd::UniqueFd;

constexpr std::uint64_t kKnownFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                                      O_NONBLOCK | O_DSYNC | O_SYNC | O_ASYNC | O_DIRECT | O_DIRECTORY |
                                      O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;
/// Those relative to the thread's directory cannot be had: ours is another one.
constexpr std::uint64_t kAllowedResolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

struct Request {
  std::string path;
  open_how how{};
  std::vector<std::string> directories;
  int procfs = -1;
};

/// openat2(2), "Extensibility".
open_how read_how(const Memory& memory, std::uint64_t address, std::uint64_t size) {
  std::array<char, 4096> bytes{};
  if (size < sizeof(open_how)) fail("how", EINVAL);
  if (size > bytes.size()) fail("how", E2BIG);
  memory.read(address, {bytes.data(), size});
  for (std::size_t i = sizeof(open_how); i < bytes.size(); ++i) {
    if (bytes[i] != 0) fail("how", E2BIG);
  }
  open_how how{};
  std::copy_n(bytes.data(), sizeof how, reinterpret_cast<char*>(&how));
  return how;
}

/// As the kernel makes one of the older calls' arguments: it overlooks what openat2(2) is strict about.
open_how make_how(std::uint64_t flags, std::uint64_t mode) {
  open_how how{};
  how.flags = flags & kKnownFlags;
  if ((flags & O_PATH) != 0) how.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if ((how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0) how.mode = mode & 07777;
  return how;
}

/// What is left of the path below a directory of the policy's.
struct Below {
  std::string directory;
  std::string rest;
};

std::optional<Below> find_directory(const Request& request) {
  std::string path = request.path;
  if (path.empty()) fail("path", ENOENT);
  if (!path.starts_with('/')) {
    // Asked of the kernel, not of the container's /proc.
    std::array<char, PATH_MAX> cwd{};
    if (::getcwd(cwd.data(), cwd.size()) == nullptr) fail("getcwd");
    path = std::string(cwd.data()) + "/" + path;
  }
  for (const std::string& directory : request.directories) {
    if (!path.starts_with(directory + "/") && path != directory) continue;
    const auto begin = path.find_first_not_of('/', directory.size());
    return Below{directory.empty() ? "/" : directory, begin == std::string::npos ? "." : path.substr(begin)};
  }
  return std::nullopt;
}

/// Devices: the container's control group may refuse them to the thread, but not to us. procfs: its "self" is this process.
bool is_off_limits(int file) {
  struct stat status {};
  struct statfs filesystem {};
  if (::fstat(file, &status) != 0 || ::fstatfs(file, &filesystem) != 0) fail("stat");
  return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) || filesystem.f_type == PROC_SUPER_MAGIC;
}

/// Opens what has been looked at, and nothing that has taken its place since.
Outcome open_again(const Request& request, UniqueFd seen) {
  if (is_off_limits(seen.get())) return {.refused = true};
  const std::uint64_t flags = request.how.flags;
  const bool close_on_exec = (flags & O_CLOEXEC) != 0;
  if ((flags & O_PATH) != 0) return {.file = std::move(seen), .close_on_exec = close_on_exec};
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) fail("open", EEXIST);
  struct stat status {};
  if (::fstat(seen.get(), &status) != 0) fail("stat");
  if (S_ISLNK(status.st_mode)) fail("open", ELOOP);
  if (S_ISDIR(status.st_mode) && (flags & O_CREAT) != 0) fail("open", EISDIR);
  const std::string link = "self/fd/" + std::to_string(seen.get());
  const auto again =
      static_cast<int>(flags & ~std::uint64_t{O_CREAT | O_EXCL | O_NOFOLLOW}) | O_CLOEXEC | O_NOCTTY;
  UniqueFd file(::openat(request.procfs, link.c_str(), again, static_cast<mode_t>(request.how.mode)));
  if (!file) fail("open");
  return {.file = std::move(file), .close_on_exec = close_on_exec};
}

/// Without effect on anything but a file that it creates: looks first, and opens for real only what is neither elsewhere nor off limits.
/// Nothing: there was none to look at, but one to be in the way.
std::optional<Outcome> try_open(const Request& request, int directory, const std::string& path) {
  const std::uint64_t flags = request.how.flags;
  const std::uint64_t resolve = request.how.resolve | RESOLVE_BENEATH;
  UniqueFd seen = open_path(directory, path, O_PATH | (flags & (O_DIRECTORY | O_NOFOLLOW)), 0, resolve);
  if (seen) return open_again(request, std::move(seen));
  if (errno == EXDEV) return Outcome{.refused = true};
  if (errno != ENOENT || (flags & O_CREAT) == 0) fail("open");
  // New, or not at all: what somebody else puts there meanwhile has not been looked at.
  UniqueFd file = open_path(directory, path, flags | O_EXCL, request.how.mode, resolve);
  if (!file && errno == EEXIST) return std::nullopt;
  if (!file) fail("open");
  return Outcome{.file = std::move(file), .close_on_exec = (flags & O_CLOEXEC) != 0};
}

Outcome open_below(const Request& request) {
  const auto below = find_directory(request);
  if (!below || (request.how.resolve & ~kAllowedResolve) != 0) return {.refused = true};
  const UniqueFd directory =
      open_path(AT_FDCWD, below->directory, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
  if (!directory) fail("directory");
  // Others may make and remove files there at the same time.
  constexpr int kAttempts = 8;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (auto outcome = try_open(request, directory.get(), below->rest)) return std::move(*outcome);
  }
  // A link that leads nowhere, most likely. The kernel would create the file that it names.
  fail("open", ENOENT);
}

}  // namespace

Effect prepare_open(const Memory& memory, const nlohmann::json& argument, int procfs) {
  Request request;
  request.path = read_path(memory, argument);
  const auto number = [&](const char* name) { return argument.at(name).get<std::uint64_t>(); };
  request.how = argument.contains("how") ? read_how(memory, number("how"), number("how_size"))
                                         : make_how(number("flags"), number("mode"));
  request.directories = argument.at("directories").get<std::vector<std::string>>();
  request.procfs = procfs;
  return [request = std::move(request)] { return open_below(request); };
}

}  // namespace seccomp_agent::inside
